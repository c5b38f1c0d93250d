//! Lines through steps, the encoder and the collector's decoder; conditions against the evaluator on what arrives.

use std::ops::ControlFlow;

use millpond_parsers::Detector;
use millpond_query::{QueryErrorCode, Row, Scalar};
use millpond_wire::batch::{DocRef, ScalarRef};
use millpond_wire::names;
use millpond_wire::otlp::{DecodedLogs, Stamp, decode};
use millpond_wire::position::StreamId;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::redact::{Mask, Pattern, Redactor};
use super::step::{redact as redact_step, remove, rename, set};
use super::*;
use crate::batch::{BatchLimits, Batcher};
use crate::record::{Input, Labels, More, Recorder, Surroundings, Written};
use crate::tail::identity::Mark;
use crate::tail::lines;

const NOW_NS: i64 = 1_900_000_000_000_000_000;
const FILE: (&str, &str) = (names::FILE_PATH, "/var/log/a.log");

fn step(when: Option<&str>, kind: &'static str, action: Action) -> Step {
    let when = when.map(|text| Condition::new(text).unwrap());
    Step { name: kind.into(), kind, when, action, done: Done::default() }
}

fn resource() -> Vec<(&'static str, String)> {
    vec![(names::HOST_NAME, "web-01".into()), ("os.type", "linux".into())]
}

/// The request that lines become.
fn body(steps: Vec<Step>, lines: &[&str], labels: &Labels, counters: &Counters) -> Vec<u8> {
    let metadata = [("k8s.pod.name", "web-0".to_owned())];
    let mut batcher = Batcher::new(&resource(), BatchLimits { bytes: 1 << 20, age_ms: 1 });
    let mut recorder = Recorder::new(Chain::new(steps, resource()));
    let mut detector = Detector::new();
    batcher.begin(StreamId(1), 0, &labels.attributes(FILE, &metadata), 0, 0);
    for (offset, line) in lines.iter().enumerate() {
        let (first, more) = line.split_once('\n').unwrap_or((line, ""));
        let text = lines::text(first.as_bytes(), false, None);
        let more = More { text: more, is_trace: !more.is_empty(), dropped_lines: 0 };
        let input = Input { offset: offset as u64, text: &text, unfinished: false, more };
        let source = Source { stream: StreamId(1), place: FILE, labels, metadata: &metadata };
        let around = Surroundings { source, counters, now_ns: NOW_NS, before_ns: None, sender: None };
        if let Written::Piece(whole) = recorder.write(&input, &mut detector, &around, &mut batcher) {
            recorder.write_joined(&input, &whole, &mut detector, &around, &mut batcher);
        }
    }
    batcher.end(StreamId(1), Mark::new(1_000, b"x"), "state");
    batcher.take().body.request()
}

fn decoded(body: &[u8]) -> DecodedLogs {
    decode(body, &Stamp { agent_id: None, received_ns: 0 }).unwrap()
}

/// What is left of a line; null when nothing is.
fn document(steps: Vec<Step>, line: &str) -> Json {
    let labels = Labels { fields: vec![("team".into(), "a".into())] };
    let logs = decoded(&body(steps, &[line], &labels, &Counters::default()));
    let Some(doc) = logs.batch.doc(0) else { return Json::Null };
    let mut bytes = Vec::new();
    doc.write_json(&mut bytes);
    let mut document: Json = serde_json::from_slice(&bytes).unwrap();
    for name in ["host.name", "os.type", "log.file.path", "_id", "k8s.pod.name", "@timestamp"] {
        document.as_object_mut().unwrap().remove(name);
    }
    document
}

fn redact(patterns: &[&str]) -> Action {
    let patterns = patterns.iter().map(|name| Pattern::built_in(name).unwrap());
    Action::Redact(redact_step::Redact::new(Redactor::new(patterns.collect(), Mask::Name)))
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

#[test]
fn one_row_for_each_step() {
    let drop = |when| vec![step(Some(when), "drop", Action::Drop)];
    let set = |when, fields| vec![step(when, "set", Action::Set(set::Set { fields: pairs(fields) }))];
    let rename =
        |fields| vec![step(None, "rename", Action::Rename(rename::Rename { fields: pairs(fields) }))];
    let remove = |fields: &[&str]| {
        let fields = fields.iter().map(|name| (*name).to_owned()).collect();
        vec![step(None, "remove", Action::Remove(remove::Remove { fields }))]
    };
    let line = r#"{"level":"warn","msg":"slow","n":3,"user":"bob","team":"b"}"#;
    let whole = json!({"message": "slow", "log.level": "warn", "n": 3, "user": "bob", "team": "a"});
    let with = |changes: Json| {
        let mut document = whole.clone();
        for (name, value) in changes.as_object().unwrap() {
            document.as_object_mut().unwrap().remove(name);
            if !value.is_null() {
                document[name] = value.clone();
            }
        }
        document
    };
    let rows = [
        (vec![], whole.clone()),
        (drop("level:warn n>2"), Json::Null),
        (drop("level>warn"), whole.clone()),
        (drop("team:b"), whole.clone()),
        (drop("team:a host:web-01 path:/var/log/* k8s.pod.name:web-0 os.type:linux"), Json::Null),
        (set(None, &[("team", "c"), ("x", "y")]), with(json!({"team": "c", "x": "y"}))),
        (set(Some("user:bob"), &[("service.name", "shop")]), with(json!({"service.name": "shop"}))),
        (set(Some("user:alice"), &[("service.name", "shop")]), whole.clone()),
        (
            set(None, &[("message", "m"), ("log.level", "ERROR")]),
            with(json!({"message": "m", "log.level": "error", "severity_text": "ERROR"})),
        ),
        (rename(&[("user", "user.name"), ("nothing", "z")]), with(json!({"user": null, "user.name": "bob"}))),
        (rename(&[("n", "message")]), with(json!({"n": null, "message": "3"}))),
        (rename(&[("log.level", "was")]), with(json!({"log.level": null, "was": "warn"}))),
        (remove(&["n", "user", "log.level"]), with(json!({"n": null, "user": null, "log.level": null}))),
    ];
    for (index, (steps, expected)) in rows.into_iter().enumerate() {
        assert_eq!(document(steps, line), expected, "row {index}");
    }
}

#[test]
fn steps_see_what_earlier_ones_did() {
    let steps = vec![
        step(Some("level:debug"), "set", Action::Set(set::Set { fields: pairs(&[("noise", "yes")]) })),
        step(Some("noise:yes"), "drop", Action::Drop),
    ];
    assert_eq!(document(steps, r#"{"level":"debug","msg":"x"}"#), Json::Null);
}

#[test]
fn everything_of_an_event_is_masked() {
    let line = r#"{"level":"a@b.de","msg":"to a@b.de","card":4111111111111111,"list":["a@b.de",{"password":7}],"db.password":"x y","m":{"a@b.de":1.5},"n":12}"#;
    let document = document(vec![step(None, "redact", redact(&["email", "card", "password"]))], line);
    assert_eq!(
        document,
        json!({
            "message": "to [email]", "level": "[email]", "card": "[card]", "list": ["[email]", {"password": "[password]"}],
            "db.password": "[password]", "[email]": 1.5, "n": 12, "team": "a",
        })
    );
}

#[test]
fn the_original_line_never_holds_what_was_masked() {
    // A repeated name makes a line that its fields don't rebuild.
    let rows = [
        (r#"{"msg":"x","a":"m@b.de","a":"m2@b.de"}"#, Some(r#"{"msg":"x","a":"[email]","a":"[email]"}"#)),
        (r#"{"msg":"x","a":"m\u0040b.de","a":"2"}"#, None),
        (r#"{"msg":"x","a":"1","a":"m\u0040b.de"}"#, None),
        (r#"{"msg":"x","a":"1","a":"\u006d@b.de"}"#, None),
        (r#"{"msg":"x","a":"1\n","a":"2"}"#, Some(r#"{"msg":"x","a":"1\n","a":"2"}"#)),
    ];
    for (line, expected) in rows {
        let document = document(vec![step(None, "redact", redact(&["email"]))], line);
        assert_eq!(document.get("event.original").and_then(Json::as_str), expected, "{line}");
        assert!(!document.to_string().contains("@b.de"), "{document}");
    }
}

#[test]
fn a_secret_in_the_third_line_of_a_trace() {
    const JAVA: &str =
        "java.lang.AException: for m@b.de\n\tat a.B.c(B.java:1)\nCaused by: b.CException: pwd=hunter2";
    const PYTHON: &str =
        "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: for m@b.de";
    let own = |expression: &str| {
        let pattern = Pattern::own("own", expression).unwrap();
        Action::Redact(redact_step::Redact::new(Redactor::new(vec![pattern], Mask::Name)))
    };
    let built_in = || redact(&["email", "password"]);
    let remove = || Action::Remove(remove::Remove { fields: vec!["error.message".into()] });
    let masked =
        "java.lang.AException: for [email]\n\tat a.B.c(B.java:1)\nCaused by: b.CException: pwd=[password]";
    let rows = [
        (
            JAVA,
            step(None, "redact", built_in()),
            json!({"message": masked, "error.type": "java.lang.AException", "error.message": "for [email]"}),
        ),
        (
            PYTHON,
            step(None, "redact", built_in()),
            json!({
                "message": "Traceback (most recent call last):\n  File \"a.py\", line 1\nValueError: for [email]",
                "error.type": "ValueError", "error.message": "for [email]",
            }),
        ),
        // Known by the words around it: what repeats it goes, too.
        (
            PYTHON,
            step(None, "redact", own("line 1\\nValueError: .*")),
            json!({"message": "Traceback (most recent call last):\n  File \"a.py\", [own]"}),
        ),
        (
            "java.lang.AException: x\n\tat a.B",
            step(None, "remove", remove()),
            json!({"message": "java.lang.AException: x\n\tat a.B", "error.type": "java.lang.AException"}),
        ),
        (JAVA, step(Some("error.type:java.lang.AException"), "drop", Action::Drop), Json::Null),
        // Of what was masked over several lines the original line holds the first.
        (
            "{\"msg\":\"key\",\"a\":1,\"a\":2}\n\tat end",
            step(None, "redact", own("(?s)key.*end")),
            json!({"message": "[own]", "a": 1}),
        ),
    ];
    for (text, step, mut expected) in rows {
        if let Some(document) = expected.as_object_mut() {
            document.insert("team".into(), "a".into());
            if !text.starts_with('{') {
                document.insert("log.level".into(), "error".into());
            }
        }
        assert_eq!(document(vec![step], text), expected, "{text}");
    }
}

fn secret() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "alice@example.com",
        "4111111111111111",
        "4111 1111 1111 1111",
        "AKIAIOSFODNN7EXAMPLE",
        "10.20.30.40",
        "2001:db8::77",
    ])
}

/// Lines of several formats with a secret somewhere in them.
fn line_with(secret: &str, kind: usize) -> String {
    let escaped: String = secret.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    match kind {
        0 => format!("2026-11-22T10:00:00Z ERROR user {secret} failed"),
        1 => format!(r#"{{"msg":"for {secret}","nested":{{"list":["{secret}",1]}}}}"#),
        2 => format!(r#"{{"msg":"{escaped}","a":"{escaped}","a":"{escaped}"}}"#),
        3 => format!(r#"time=2026-11-22T10:00:00Z level=info msg="for ({secret})" who="{secret}""#),
        4 => format!("<34>Nov 22 10:00:00 web sshd[1]: from {secret}"),
        5 => format!("2026-11-22T10:00:00Z stdout F {{\"msg\":\"{secret}\",\"{secret}\":1}}"),
        6 => format!(r#"{{"msg":"x","a":"1","a":"({secret})","level":"{secret}"}}"#),
        7 => format!("plain {secret}, twice {secret}"),
        8 => format!(
            "java.lang.AException: for {secret}\n\tat a.B.c(B.java:1)\nCaused by: b.CException: {secret}"
        ),
        _ => format!(
            "Traceback (most recent call last):\n  File \"{secret}\", line 1\nValueError: for {secret}"
        ),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_was_masked_is_in_the_request(secret in secret(), kind in 0..10_usize, noise in "[a-z ]{0,12}") {
        // Behind JSON it would make a plain text of it, in which escapes stand for themselves.
        let noise = if matches!(kind, 0 | 4 | 7) { noise } else { String::new() };
        let line = format!("{} {noise}", line_with(secret, kind));
        let steps = vec![step(None, "redact", redact(&["email", "card", "token", "password", "ipv4", "ipv6"]))];
        let body = body(steps, &[&line], &Labels::default(), &Counters::default());
        prop_assert!(memchr::memmem::find(&body, secret.as_bytes()).is_none(), "{}", line);
        let escaped = format!("\\u{:04x}", secret.chars().next().unwrap() as u32);
        prop_assert!(memchr::memmem::find(&body, escaped.as_bytes()).is_none(), "{}", line);
    }

    #[test]
    fn conditions_agree_with_the_evaluator_on_what_arrives(
        line in line(),
        when in condition().prop_filter("a word that is no level has no order", |when| {
            millpond_query::parse(when).is_ok_and(|query| query.resolve(0).is_ok())
        }),
    ) {
        let labels = Labels { fields: pairs(&[("team", "a")]) };
        let before = decoded(&body(Vec::new(), &[&line], &labels, &Counters::default()));
        // A comparison with what is no level.
        let resolved = millpond_query::parse(&when).unwrap().resolve(0);
        prop_assume!(!matches!(&resolved, Err(error) if error.code == QueryErrorCode::UnknownLevel));
        let filter = resolved.unwrap().filter;
        let matches = millpond_query::matches(&filter, &Arrived(before.batch.doc(0).unwrap()));
        let steps = vec![step(Some(&when), "drop", Action::Drop)];
        let after = decoded(&body(steps, &[&line], &labels, &Counters::default()));
        prop_assert_eq!(after.batch.is_empty(), matches, "{} on {}", when, line);
    }
}

/// A document at the collector.
struct Arrived<'a>(DocRef<'a>);

impl Row for Arrived<'_> {
    fn timestamp_ns(&self) -> i64 {
        self.0.timestamp_ns()
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        self.0.for_each_leaf(&mut |name, value| {
            let value = match value {
                ScalarRef::Str(text) => Scalar::Str(text),
                ScalarRef::I64(number) => Scalar::I64(number),
                ScalarRef::F64(number) => Scalar::F64(number),
                ScalarRef::Bool(truth) => Scalar::Bool(truth),
            };
            visit(name, value)
        });
    }
}

fn word() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "error",
        "warn",
        "debug",
        "a",
        "b",
        "shop",
        "refused",
        "5",
        "5.5",
        "true",
        "10.0.0.1",
        "web-0",
        "É",
        "x y",
        "2026-11-22",
        "linux",
    ])
}

fn line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        word().prop_map(|word| format!("\"{word}\"")),
        (-9..9_i64).prop_map(|number| number.to_string()),
        Just("1.5".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just(r#"[1,"a",{"k":"shop"},null]"#.to_owned()),
        Just(r#"{"k":"b","n":[5]}"#.to_owned()),
    ];
    let name = prop::sample::select(vec![
        "f",
        "team",
        "service",
        "service.name",
        "host",
        "host.name",
        "path",
        "trace_id",
        "severity",
        "k8s.pod.name",
        "url",
    ]);
    let json = (word(), word(), prop::collection::btree_map(name, value, 0..5)).prop_map(
        |(level, message, fields)| {
            let fields: String = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
            format!(r#"{{"level":"{level}","msg":"{message} {level}"{fields}}}"#)
        },
    );
    let text = (word(), word()).prop_map(|(a, b)| format!("2026-11-22 10:00:00 ERROR [main] {a}: {b}"));
    let trace =
        (word(), word()).prop_map(|(a, b)| format!("java.lang.AException: {a}\n\tat a.B.c({b}.java:1)"));
    prop_oneof![4 => json, 1 => text, 1 => trace]
}

fn condition() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "f",
        "f.k",
        "f.n",
        "team",
        "service",
        "service.name",
        "host",
        "path",
        "level",
        "message",
        "msg",
        "trace_id",
        "url.k",
        "severity",
        "severity_text",
        "k8s.pod.name",
        "event.original",
        "os.type",
        "log.iostream",
        "error.type",
    ]);
    let one = (name, word(), 0..8_u8).prop_map(|(name, word, kind)| match kind {
        0 => format!("\"{word}\""),
        1 => format!("{name}:*"),
        2 => format!("{name}=\"{word}\""),
        3 => format!("{name}>=\"{word}\""),
        4 => format!("{name}:/[a-m].*r/"),
        5 => format!("{name}!=\"{word}\""),
        6 => "@timestamp>=2026-11-22T09:00:00Z".to_owned(),
        _ => format!("{name}:\"{word}\""),
    });
    let not = |(one, negated): (String, bool)| if negated { format!("not {one}") } else { one };
    prop::collection::vec((one, any::<bool>()).prop_map(not), 1..4).prop_map(|parts| parts.join(" "))
}
