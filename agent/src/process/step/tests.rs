//! Steps that leave out a share of the lines: which ones, and how many.

use std::borrow::Cow;

use millpond_parsers::{Context, Detector, FixedZone, Parsed};
use millpond_wire::position::StreamId;

use super::{rate_limit, sample};
use crate::metrics::Counters;
use crate::process::{Action, Chain, Done, Event, Source, Step};
use crate::record::Labels;

const NOW_NS: i64 = 1_900_000_000_000_000_000;

/// Time of the n-th event, Unix nanoseconds.
type Time = fn(u64) -> i64;

fn step(kind: &'static str, action: Action) -> Step {
    Step { name: kind.into(), kind, when: None, action, done: Done::default() }
}

/// Which of some events a chain keeps, by their offsets.
fn kept(chain: &mut Chain, events: impl Iterator<Item = (u64, i64, String)>) -> Vec<u64> {
    let labels = Labels::default();
    let counters = Counters::default();
    let keeps = |(offset, at_ns, line): (u64, i64, String)| {
        let mut parsed = Parsed::new();
        let context = Context { now_ns: NOW_NS, zone: &FixedZone(0) };
        Detector::new().parse(&line, &context, &mut parsed);
        parsed.timestamp_ns = Some(at_ns);
        let source =
            Source { stream: StreamId(9), place: ("log.file.path", "/a"), labels: &labels, metadata: &[] };
        let original = Some(Cow::Borrowed(line.as_str()));
        let mut event = Event { parsed: &mut parsed, original, source, offset, now_ns: NOW_NS };
        chain.keeps(&mut event, &counters).then_some(offset)
    };
    events.filter_map(keeps).collect()
}

fn lines_of(count: u64) -> impl Iterator<Item = (u64, i64, String)> {
    (0..count).map(|n| (n, NOW_NS, format!(r#"{{"msg":"m","trace":"t{}"}}"#, n / 4)))
}

#[test]
fn a_sample_is_the_same_each_time_and_of_its_size() {
    let chain = |key: Option<&str>| {
        let sample = |seed| Action::Sample(sample::Sample::new(50.0, key.map(str::to_owned), seed));
        Chain::new(vec![step("sample", sample(0)), step("sample", sample(1))], Vec::new())
    };
    let by_place = kept(&mut chain(None), lines_of(4_000));
    assert!((900..1_100).contains(&by_place.len()), "half of the half: {}", by_place.len());
    assert_eq!(by_place, kept(&mut chain(None), lines_of(4_000)));
    let by_trace = kept(&mut chain(Some("trace")), lines_of(4_000));
    assert!((1_800..2_200).contains(&by_trace.len()), "the same half: {}", by_trace.len());
    let whole =
        by_trace.chunks(4).all(|lines| lines.iter().all(|n| n / 4 == lines[0] / 4) && lines.len() == 4);
    assert!(whole, "all lines of a trace or none");
}

#[test]
fn a_rate_holds_in_the_time_of_the_events() {
    const SECOND_NS: i64 = 1_000_000_000;
    let limit =
        |key: Option<&str>| Action::RateLimit(rate_limit::RateLimit::new(10, 20, key.map(str::to_owned)));
    let chain = |key| Chain::new(vec![step("rate_limit", limit(key))], Vec::new());
    let at = |at: Time, count: u64| (0..count).map(move |n| (n, at(n), r#"{"msg":"m"}"#.to_owned()));
    let rows: [(&str, Time, u64, usize); 6] = [
        ("all at once: the burst", |_| NOW_NS - 1_000, 100, 20),
        ("ten a second", |n| NOW_NS - 1_000 * SECOND_NS + n as i64 * SECOND_NS / 10, 500, 500),
        (
            "a hundred a second for five seconds",
            |n| NOW_NS - 1_000 * SECOND_NS + n as i64 * SECOND_NS / 100,
            500,
            69,
        ),
        ("the future is now", |n| NOW_NS + n as i64 * SECOND_NS, 100, 20),
        ("backwards brings nothing", |n| NOW_NS - n as i64 * SECOND_NS, 100, 20),
        ("the ends of time", |n| if n % 2 == 0 { i64::MIN } else { i64::MAX }, 100, 21),
    ];
    for (name, time, count, expected) in rows {
        assert_eq!(kept(&mut chain(None), at(time, count)).len(), expected, "{name}");
    }
    // Each trace has four lines and a bucket of its own.
    assert_eq!(kept(&mut chain(Some("trace")), lines_of(400)).len(), 400);
    let mut again = chain(None);
    assert_eq!(kept(&mut again, lines_of(100)).len(), 20);
    again.forget_rates();
    assert_eq!(kept(&mut again, lines_of(100)).len(), 20, "as after a crash");
    assert_eq!(again.steps()[0].done.dropped_lines, 160);
}

#[test]
fn the_keys_of_a_rate_are_bounded() {
    let limit = rate_limit::RateLimit::new(1, 1, Some("trace".into())).keeping_at_most(100);
    let mut chain = Chain::new(vec![step("rate_limit", Action::RateLimit(limit))], Vec::new());
    kept(&mut chain, lines_of(4_000));
    let Action::RateLimit(limit) = &chain.steps()[0].action else { unreachable!() };
    assert!((75..=100).contains(&limit.buckets()), "{}", limit.buckets());
}
