//! What left the agent and is read again, when lines that carry it on were written since: nothing is lost, nothing comes
//! twice, at a collector that has it and at one that hasn't.

use proptest::prelude::*;

use super::encodings::{UTF16, encode};
use super::harness::{Collector, GRACE_MS, Host, exists};
use super::model::config;
use super::multiline::{cri, host, tick, trace};
use crate::limits;

const TIMEOUT_MS: u64 = limits::MULTILINE_TIMEOUT_MS;

/// Closed by time or by the end of its file, and what was written to it later.
struct Row {
    before: Vec<u8>,
    /// Without its name a file ends, with its last line.
    is_renamed: bool,
    after: Vec<u8>,
    expected: Vec<String>,
}

fn row(before: impl Into<Vec<u8>>, after: impl Into<Vec<u8>>, expected: &[&str]) -> Row {
    let expected = expected.iter().map(|text| (*text).to_owned()).collect();
    Row { before: before.into(), is_renamed: false, after: after.into(), expected }
}

fn rows() -> Vec<Row> {
    let head = "java.lang.AException: x";
    let long = "x".repeat(limits::GROUP_BYTES_MAX + 300_000);
    let cut = "x".repeat(millpond_wire::limits::MESSAGE_BYTES_MAX);
    let renamed = |row: Row| Row { is_renamed: true, ..row };
    let mut rows = vec![
        row(format!("{head}\n"), "\tat a.B\n", &[head, "\tat a.B"]),
        row(
            format!("{head}\n\tat a.A\n"),
            "\tat a.B\nnext\n",
            &["java.lang.AException: x\n\tat a.A", "\tat a.B", "next"],
        ),
        row("ready\n", "\tat a.B\n", &["ready", "\tat a.B"]),
        row(format!("{head}\n\n"), "\n\tat a.B\n", &[head, "\tat a.B"]),
        row(
            cri("stdout", "F", head) + &cri("stderr", "F", "beside") + &cri("stdout", "F", "\tat a.A"),
            cri("stdout", "F", "\tat a.B") + &cri("stderr", "F", "\tat b.C"),
            &["java.lang.AException: x\n\tat a.A", "beside", "\tat a.B", "\tat b.C"],
        ),
        // What a container writes in pieces waits for all of them, unless its file ends.
        renamed(row(cri("stdout", "P", "one "), cri("stdout", "F", "two"), &["one ", "two"])),
        renamed(row("begun", " and ended\n", &["begun", " and ended"])),
        renamed(row(format!("{head}\n\tat a.A"), ".B\n", &[head, "\tat a.A", ".B"])),
        renamed(row(long.as_str(), " and ended\n", &[&cut, " and ended"])),
    ];
    for encoding in UTF16 {
        let before = encode(encoding, &format!("\u{feff}{head} \u{a0a}\n"));
        rows.push(row(
            before,
            encode(encoding, "\tat \u{10a}\n"),
            &[&format!("{head} \u{a0a}"), "\tat \u{10a}"],
        ));
    }
    rows
}

/// The first events have arrived, and the agent doesn't know; it begins anew.
fn is_killed_before_the_answer(row: &Row) -> (Host, &'static str) {
    let mut host = host();
    host.append("a.log", &row.before);
    host.scan();
    host.work(20);
    let mut name = "a.log";
    if row.is_renamed {
        name = "a.log.1";
        host.rename("a.log", name);
        host.scan();
        host.work(20);
        host.pass(GRACE_MS);
        for _ in 0..3 {
            let now = host.now;
            host.agent().settle(now);
            host.work(20);
        }
    }
    host.pass(TIMEOUT_MS);
    host.work(20);
    assert!(host.deliver(false));
    host.kill();
    (host, name)
}

#[test]
fn an_event_that_time_closed_stays_closed() {
    for row in rows() {
        let (mut host, name) = is_killed_before_the_answer(&row);
        host.tells_positions = false;
        host.append(name, &row.after);
        host.run();
        host.kill();
        host.run();
        host.check(&row.expected);
    }
}

#[test]
fn it_stays_closed_for_a_mirror_that_lacks_it() {
    for tells_positions in [true, false] {
        for row in rows() {
            let (mut host, name) = is_killed_before_the_answer(&row);
            host.tells_positions = tells_positions;
            host.mirror = Some(Collector::default());
            host.append(name, &row.after);
            host.run();
            host.check(&row.expected);
            host.mirror.as_ref().unwrap().check(&row.expected);
        }
    }
}

#[test]
fn it_stays_closed_when_the_state_is_lost_and_one_mirror_is_behind() {
    for row in rows() {
        let (mut host, name) = is_killed_before_the_answer(&row);
        host.lose_state();
        host.mirror = Some(Collector::default());
        host.scan();
        // What the collectors told stands in the journal now.
        host.kill();
        host.tells_positions = false;
        host.append(name, &row.after);
        host.run();
        host.check(&row.expected);
        host.mirror.as_ref().unwrap().check(&row.expected);
    }
}

#[test]
fn it_stays_closed_when_one_mirror_refuses_the_batch() {
    let mut host = host();
    host.mirror = Some(Collector::default());
    // One alone would be a dead letter.
    host.append("a.log", "java.lang.AException: x\n");
    host.append("b.log", "java.lang.BException: y\n");
    host.scan();
    host.work(20);
    host.pass(TIMEOUT_MS);
    host.work(20);
    host.deliver_to_one();
    host.append("a.log", "\tat a.B\n");
    host.run();
    let expected = ["java.lang.AException: x", "java.lang.BException: y", "\tat a.B"];
    host.check(expected);
    host.mirror.as_ref().unwrap().check(expected);
}

#[test]
fn a_position_that_the_collector_told_stands_in_the_journal_before_more_leaves() {
    let mut host = host();
    host.mirror = Some(Collector::default());
    host.append("a.log", "java.lang.AException: x\n");
    host.scan();
    host.work(20);
    host.pass(TIMEOUT_MS);
    host.work(20);
    assert!(host.deliver(false));
    host.kill();
    host.append("a.log", "\tat a.B\none\ntwo\n");
    host.scan();
    host.work(20);
    // What the one has now lies beyond what the other has.
    host.deliver_to_one();
    host.kill();
    host.tells_positions = false;
    host.run();
    let expected = ["java.lang.AException: x", "\tat a.B", "one", "two"];
    host.check(expected);
    host.mirror.as_ref().unwrap().check(expected);
}

#[test]
fn a_rewritten_journal_still_has_the_end() {
    let mut host = host();
    host.append("a.log", "java.lang.AException: x\n");
    host.scan();
    host.work(20);
    host.pass(TIMEOUT_MS);
    host.work(20);
    assert!(host.deliver(false));
    let now = host.now;
    host.agent().rewrite_journal(now);
    for _ in 0..2 {
        host.kill();
        host.tells_positions = false;
        let now = host.now;
        host.agent().rewrite_journal(now);
    }
    host.append("a.log", "\tat a.B\n");
    host.run();
    host.check(["java.lang.AException: x", "\tat a.B"]);
}

#[test]
fn an_event_that_a_rotation_cut_is_not_lost_when_more_of_it_comes() {
    for is_there in [true, false] {
        let mut host = host();
        let all = trace("Rotated", 20);
        let text = |lines: &[String]| super::multiline::text(lines);
        host.append("app.log", text(&all[..7]));
        tick(&mut host);
        host.rename("app.log", "app.log.1");
        host.append("app.log", text(&all[7..12]));
        tick(&mut host);
        host.pass(TIMEOUT_MS);
        host.work(20);
        assert!(host.deliver(false));
        host.kill();
        if !is_there {
            host.collector = Collector::default();
        }
        host.tells_positions = false;
        host.append("app.log", text(&all[12..]) + "next\n");
        host.run();
        let mut lines: Vec<_> = host.collector.lines.keys().flat_map(|text| text.split('\n')).collect();
        lines.sort_unstable();
        let mut expected: Vec<_> = all.iter().map(String::as_str).chain(["next"]).collect();
        expected.sort_unstable();
        assert_eq!(lines, expected);
        assert!(host.collector.lines.values().all(|count| *count == 1));
    }
}

#[derive(Debug, Clone)]
enum Step {
    Begin,
    CarryOn,
    Rename,
    Read,
    /// All that can be read is, and what waits has waited long enough.
    CloseByTime,
    Deliver,
    LoseReply,
    /// One mirror has it, and the other one refuses.
    DeliverToOne,
    /// What the collectors have isn't known at the next start.
    KillUntold,
    Kill,
    Wait(u64),
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Begin),
        8 => Just(Step::CarryOn),
        1 => Just(Step::Rename),
        4 => Just(Step::Read),
        6 => Just(Step::CloseByTime),
        2 => Just(Step::Deliver),
        4 => Just(Step::LoseReply),
        2 => Just(Step::DeliverToOne),
        1 => Just(Step::KillUntold),
        1 => Just(Step::Kill),
        2 => (1..2 * TIMEOUT_MS).prop_map(Step::Wait),
        2 => Just(Step::Settle),
    ]
}

fn apply(host: &mut Host, step: &Step) {
    match *step {
        Step::Begin | Step::CarryOn => {}
        Step::Rename if exists(&host.path("app.log")) => {
            for number in (1..100).rev().filter(|number| exists(&host.path(&format!("app.log.{number}")))) {
                host.rename(&format!("app.log.{number}"), &format!("app.log.{}", number + 1));
            }
            host.rename("app.log", "app.log.1");
        }
        Step::Rename => {}
        Step::Read => {
            host.scan();
            host.work(4);
        }
        Step::CloseByTime => {
            host.scan();
            host.work(4);
            host.pass(TIMEOUT_MS);
            host.work(4);
        }
        Step::Deliver => drop(host.deliver(true)),
        Step::LoseReply => {
            if host.deliver(false) {
                host.kill();
                host.tells_positions = false;
            }
        }
        Step::DeliverToOne => host.deliver_to_one(),
        Step::KillUntold => {
            host.kill();
            host.tells_positions = false;
        }
        Step::Kill => {
            host.kill();
            host.tells_positions = true;
        }
        Step::Wait(ms) => host.pass(ms),
        Step::Settle => {
            let now = host.now;
            host.agent().settle(now);
        }
    }
}

/// Every line once, in whatever event.
fn check_lines(collector: &Collector, written: &[String]) -> Result<(), TestCaseError> {
    let all =
        collector.lines.iter().flat_map(|(text, count)| text.split('\n').map(move |line| (line, *count)));
    let mut lines: Vec<_> = all.collect();
    lines.sort_unstable();
    let mut expected: Vec<_> = written.iter().map(|line| (line.as_str(), 1)).collect();
    expected.sort_unstable();
    prop_assert_eq!(lines, expected);
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_that_come_late_arrive_once(steps in proptest::collection::vec(step(), 1..80)) {
        let mut host = Host::new(&["app.log*"]).grouping();
        host.mirror = Some(Collector::default());
        let mut written = Vec::new();
        for step in &steps {
            let line = match step {
                Step::Begin => format!("java.lang.AException: number {}", written.len()),
                Step::CarryOn => format!("\tat a.B.c{}(B.java)", written.len()),
                _ => String::new(),
            };
            if !line.is_empty() {
                host.append("app.log", format!("{line}\n"));
                written.push(line);
            }
            apply(&mut host, step);
        }
        host.run();
        check_lines(&host.collector, &written)?;
        // What is refused for good is in the dead letters.
        if host.counters.dead_letters.value() == 0 {
            check_lines(host.mirror.as_ref().unwrap(), &written)?;
        }
    }
}
