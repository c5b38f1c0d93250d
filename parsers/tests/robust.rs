//! What must hold for any line at all: no panic, linear time, nothing lost, and JSON that agrees with serde_json.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use millpond_parsers::{
    Context, Detector, FixedZone, Format, NoteKind, Parsed, Stream, Value, limits, parse,
};
use proptest::prelude::*;

const CONTEXT: Context<'static> = Context { now_ns: 1_795_348_800_000_000_000, zone: &FixedZone(3600) };

/// Lines of each format, for mutation: random text alone never gets past the first byte of most parsers.
const SEEDS: &[&str] = &[
    r#"{"log":"{\"a\":\"b\"}\n","stream":"stdout","attrs":{"tag":"x"},"time":"2024-05-01T12:00:00.5Z"}"#,
    "2016-10-06T00:17:09.669794202Z stdout P text",
    r#"{"level":30,"time":1531171074631,"msg":"\ud83d\ude00 hi","a":{"b":[1,{"c":null}],"d":-1.5e3},"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}"#,
    "I0102 15:04:05.000123   12345 file.go:123] hello",
    r#"www.e.x:443 10.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a?b HTTP/1.0" 200 2326 "-" "Mozilla \"x\"" 0.1"#,
    r#"2024/05/01 12:00:00 [error] 12#34: *5 open() failed, client: 10.0.0.1, server: _, request: "GET / HTTP/1.1", host: "e""#,
    "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 43] [client 72.15.99.187:80] AH00124: x",
    r#"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 app 8710 ID [a@1 x="1" y="q\"\]"][b] text"#,
    "<34>Oct 11 22:14:15 mymachine su[1]: 'su root' failed",
    r#"ts=2024-05-01T12:00:00.5Z level=warn msg="slow \"q\"" took=5ms rows=10 ratio=0.25 dry"#,
    "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:FastLeaderElection@774] - Notification",
    "2024-05-01 12:00:00.123  INFO 12345 --- [main] c.e.Application : \u{1b}[32mStarted\u{1b}[0m",
    "03-17 16:13:38.811  1702  2395 D WindowManager: é",
    "May 1, 2024 9:05:00 PM x",
    "[Fri Sep 09 10:42:29.902022 2011] [error] [client 1.2.3.4:80] [client 1.2.3.4] [pid 1:tid 2] [pid 3] x",
    "2024/05/01 12:00:00 [error] 12#34: x, client: a, client: b, server: c, server: d, host: e",
    r#"{"log":"a","log.iostream":"x","stream":"stdout","time":"2024-05-01T12:00:00.5Z"}"#,
];

fn every_format(line: &str) {
    let mut out = Parsed::new();
    for format in Format::ALL {
        parse(*format, line, &CONTEXT, &mut out);
        assert!(out.fields.len() <= limits::FIELDS_MAX + 8, "{format}: {} fields", out.fields.len());
        if let Some(note) = out.note {
            assert!(note.offset_bytes <= line.len(), "{format}: {note}");
            let is_refused = matches!(note.kind, NoteKind::NotOfFormat { .. });
            // Only a refused line and one that is kept raw may come with a note.
            assert!(is_refused || !out.rebuilds_line, "{format}: {note}");
            assert!(*format != Format::Text, "every line is text");
        }
        assert!(out.severity_number <= 24);
        let names: HashSet<&str> = out.fields.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names.len(), out.fields.len(), "{format}: a name twice in {:?}", out.fields);
        for (_, value) in &out.fields {
            match value {
                Value::F64(number) => assert!(number.is_finite()),
                Value::Json(text) => {
                    drop(serde_json::from_str::<serde_json::Value>(text).expect("valid JSON"))
                }
                _ => {}
            }
        }
    }
    let mut detector = Detector::new();
    detector.parse(line, &CONTEXT, &mut out);
    let mut inner = Parsed::new();
    detector.parse_inner(Stream::Stderr, &out.message, out.timestamp_ns, &CONTEXT, &mut inner);
}

/// A seed with some pieces cut out, doubled or replaced.
fn mutated() -> impl Strategy<Value = String> {
    let edit = (any::<prop::sample::Index>(), 0usize..12, "[ -~\u{1b}é\u{2028}]{0,4}");
    (prop::sample::select(SEEDS), prop::collection::vec(edit, 0..4)).prop_map(|(seed, edits)| {
        let mut chars: Vec<char> = seed.chars().collect();
        for (at, cut, insert) in edits {
            let start = at.index(chars.len() + 1).min(chars.len());
            let end = (start + cut).min(chars.len());
            chars.splice(start..end, insert.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(line in any::<String>()) {
        every_format(&line);
    }

    #[test]
    fn near_misses(line in mutated()) {
        every_format(&line);
    }

    /// A line that isn't kept raw holds its own text: every word of a plain line is in the message or in a field, or
    /// was the timestamp.
    #[test]
    fn text_is_in_the_message(words in "[a-z ]{0,40}") {
        for start in ["", "2024-05-01 12:00:00 INFO ", "[2024-05-01T12:00:00Z WARN  a] ", "Jun 14 15:16:01 h a[1]: "] {
            let line = format!("{start}{words}");
            let mut out = Parsed::new();
            Detector::new().parse(&line, &CONTEXT, &mut out);
            prop_assert!(out.message.ends_with(words.trim_start()), "{:?}", out);
        }
    }

    /// Whatever serde_json writes we read, with the same values under the same names.
    #[test]
    fn json_agrees_with_serde_json(
        texts in prop::collection::btree_map("[a-c.\"\\\\\u{1f600}]{0,3}", any::<String>(), 0..5),
        numbers in prop::collection::btree_map("[x-z]{1,2}", any::<f64>(), 0..5),
        integer in any::<i64>(),
    ) {
        let object = serde_json::json!({ "texts": texts, "numbers": numbers, "i": integer, "n": null });
        let line = object.to_string();
        let mut out = Parsed::new();
        parse(Format::Json, &line, &CONTEXT, &mut out);
        prop_assert_eq!(out.note, None);
        prop_assert_eq!(out.field("i"), Some(&Value::I64(integer)));
        for (name, text) in &texts {
            prop_assert_eq!(out.field(&format!("texts.{name}")), Some(&Value::Str(text.as_str().into())));
        }
        for (name, number) in &numbers {
            let found = out.field(&format!("numbers.{name}"));
            if number.is_finite() {
                prop_assert_eq!(found, Some(&Value::F64(*number)), "{}", line);
            }
        }
    }

    /// What serde_json takes for an object we take too, and the other way round.
    #[test]
    fn json_is_refused_where_serde_json_refuses(line in mutated()) {
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line).is_ok();
        let mut out = Parsed::new();
        parse(Format::Json, &line, &CONTEXT, &mut out);
        let is_ours = !matches!(out.note.map(|note| note.kind), Some(NoteKind::NotOfFormat { .. }));
        // We let two things through: bare control characters, and halves of surrogate pairs (with a note).
        let is_lenient = line.chars().any(char::is_control) || line.contains("\\u");
        prop_assert!(is_ours == is_object || (is_ours && is_lenient), "{line}: ours {is_ours}");
    }
}

/// One MiB of what could make a parser go back and forth. Quadratic would be hours; the limit is generous for a debug
/// build on a busy machine.
#[test]
fn evil_lines_take_linear_time() {
    const SIZE: usize = 1 << 20;
    let fill = |piece: &str| piece.repeat(SIZE / piece.len());
    let pieces = [
        "{",
        "[",
        "\"",
        "\\",
        " ",
        ":",
        "=",
        "a=",
        "a=b ",
        "a= ",
        "<1>",
        "-",
        "9",
        "] [",
        "[a] ",
        "1 ",
        "a:",
        "a@b ",
        "\u{1b}[1m",
        "é",
        "{\"a\":",
        "{\"a\":[",
        ", client: ",
        "\\u",
        "\\\"",
        "2024-05-01 ",
        "12:00:00",
        "\t",
        "a.",
        "- - ",
        "- a - ",
        "Jun 14 ",
        "INFO ",
        "| ",
        "[[]",
        "\"\\\"",
    ];
    let mut lines: Vec<String> = pieces.iter().map(|piece| fill(piece)).collect();
    for seed in SEEDS {
        for piece in ["\\", "\"", "[", "a=", " ", "]", "{\"a\":"] {
            lines.push(format!("{seed}{}", piece.repeat(SIZE / 8 / piece.len())));
        }
    }
    let members: String = (0..40_000).map(|i| format!("\"k{i}\":{{\"a\":{i},\"b\":\"x\"}},")).collect();
    lines.push(format!("{{{members}\"z\":1}}"));
    lines.push(format!("{{\"{}\":{{{members}\"z\":1}}}}", "k".repeat(limits::PREFIX_BYTES_MAX)));
    lines.push(format!("<14>1 - h a - - [{}] x", "i x=\"1\" y=\"\\]\" ".repeat(40_000)));
    for line in &lines {
        let start = Instant::now();
        every_format(line);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?} for {}…", line.chars().take(40).collect::<String>());
    }
}
