//! Lines through the recorder, the encoder and the collector's decoder.

use millpond_wire::otlp::{Stamp, decode};
use millpond_wire::position::StreamId;
use serde_json::{Value as Json, json};

use super::*;
use crate::batch::BatchLimits;
use crate::process::condition::Condition;
use crate::process::redact::{Mask, Pattern, Redactor};
use crate::process::step::redact::Redact;
use crate::process::{Action, Done, Step};
use crate::tail::identity::Mark;
use crate::tail::lines;

const NOW_NS: i64 = 1_900_000_000_000_000_000;
const FILE: (&str, &str) = (names::FILE_PATH, "/a.log");

/// The document that a line becomes, without what every document has.
fn document(line: &[u8], labels: &Labels, whole_bytes: Option<u64>) -> Json {
    let counters = Counters::default();
    let mut batcher =
        Batcher::new(&[(names::HOST_NAME, "host".into())], BatchLimits { bytes: 1 << 20, age_ms: 1 });
    let mut recorder = Recorder::default();
    let mut detector = Detector::new();
    let text = lines::text(line, false, whole_bytes);
    let input = Input { offset: 0, text: &text, unfinished: false, more: More::default() };
    let source = Source { stream: StreamId(1), place: FILE, labels, metadata: &[] };
    let around = Surroundings { source, counters: &counters, now_ns: NOW_NS, before_ns: None, sender: None };
    batcher.begin(StreamId(1), 0, &labels.attributes(FILE, &[]), 0, 0);
    if let Written::Piece(whole) = recorder.write(&input, &mut detector, &around, &mut batcher) {
        recorder.write_joined(&input, &whole, &mut detector, &around, &mut batcher);
    }
    batcher.end(StreamId(1), Mark::new(10, b"x"), "state");
    let logs =
        decode(&batcher.take().body.request(), &Stamp { agent_id: Some("a"), received_ns: 0 }).unwrap();
    let mut bytes = Vec::new();
    logs.batch.doc(0).unwrap().write_json(&mut bytes);
    let mut document: Json = serde_json::from_slice(&bytes).unwrap();
    for name in ["host.name", "log.file.path", "agent.id", "_id"] {
        document.as_object_mut().unwrap().remove(name);
    }
    document
}

fn check(line: &str, expected: Json) {
    assert_eq!(document(line.as_bytes(), &Labels::default(), None), expected, "{line}");
}

#[test]
fn plain_text_has_the_time_at_which_it_was_read() {
    check("hello there", json!({"@timestamp": "2030-03-17T17:46:40Z", "message": "hello there"}));
}

#[test]
fn fields_keep_their_types_and_traces_their_ids() {
    check(
        r#"{"time":"2026-11-22T10:00:00Z","level":"warn","msg":"slow","n":3,"ok":true,"list":[1,"a"],"trace_id":"0af7651916cd43dd8448eb211c80319c"}"#,
        json!({
            "@timestamp": "2026-11-22T10:00:00Z", "message": "slow", "log.level": "warn", "n": 3, "ok": true,
            "list": [1, "a"], "trace.id": "0af7651916cd43dd8448eb211c80319c",
        }),
    );
}

#[test]
fn what_containers_wrote_is_parsed_again() {
    check(
        r#"2026-11-22T10:00:00.5Z stderr F {"level":"error","msg":"inner"}"#,
        json!({
            "@timestamp": "2026-11-22T10:00:00.500Z", "message": "inner", "log.level": "error", "log.iostream": "stderr",
        }),
    );
}

#[test]
fn configured_labels_come_before_what_the_line_says() {
    let labels = Labels { fields: vec![("service.name".into(), "shop".into()), ("team".into(), "a".into())] };
    let document = document(br#"{"msg":"x","service.name":"other","team":"b"}"#, &labels, None);
    assert_eq!((&document["service.name"], &document["team"]), (&json!("shop"), &json!("a")));
}

#[test]
fn a_cut_line_says_so() {
    let document = document(b"the beginning", &Labels::default(), Some(5_000_000));
    assert_eq!(
        (&document["log.flags"], &document["log.original_bytes"]),
        (&json!(["truncated"]), &json!(5_000_000))
    );
}

#[test]
fn a_time_in_the_future_is_kept_and_flagged() {
    // The clock says 2030-03-17T17:46:40Z.
    let rows = [
        ("2030-03-18T17:46:40Z one day", None, Json::Null),
        ("2030-03-18T17:46:41Z more", None, json!(["future"])),
        ("2199-01-01T00:00:00Z far", Some(5_000_000), json!(["truncated", "future"])),
    ];
    for (line, whole_bytes, flags) in rows {
        let document = document(line.as_bytes(), &Labels::default(), whole_bytes);
        assert_eq!((&document["log.flags"], &document["@timestamp"]), (&flags, &json!(line[..20])), "{line}");
    }
}

#[test]
fn hexadecimal_ids() {
    for (text, expected) in [
        (Some("00ff"), Some([0, 255])),
        (Some("00FF"), Some([0, 255])),
        (Some("00f"), None),
        (Some("00fg"), None),
        (Some("éé"), None),
        (None, None),
    ] {
        assert_eq!(hex::<2>(text), expected, "{text:?}");
    }
}

/// The document that a line of a spool becomes; null when a step has dropped it.
fn spooled(line: &str, from: InputType, chain: Chain) -> Json {
    let counters = Counters::default();
    let labels = Labels::default();
    let mut batcher =
        Batcher::new(&[(names::HOST_NAME, "host".into())], BatchLimits { bytes: 1 << 20, age_ms: 1 });
    let text = lines::text(line.as_bytes(), false, None);
    let input = Input { offset: 7, text: &text, unfinished: false, more: More::default() };
    let place = (INPUT_TYPE, from.name());
    let source = Source { stream: StreamId(1), place, labels: &labels, metadata: &[] };
    let around = Surroundings { source, counters: &counters, now_ns: NOW_NS, before_ns: None, sender: None };
    batcher.begin(StreamId(1), 0, &labels.attributes(place, &[]), 0, 0);
    let mut detector = Detector::new();
    Recorder::new(chain).write_spooled(&input, from, &mut detector, &around, &mut batcher);
    batcher.end(StreamId(1), Mark::new(10, b"x"), "state");
    let logs = decode(&batcher.take().body.request(), &Stamp { agent_id: None, received_ns: 0 }).unwrap();
    let Some(doc) = logs.batch.doc(0) else { return Json::Null };
    let mut bytes = Vec::new();
    doc.write_json(&mut bytes);
    let mut document: Json = serde_json::from_slice(&bytes).unwrap();
    document.as_object_mut().unwrap().remove("_id");
    document
}

#[test]
fn what_inputs_received_has_its_time_and_sender_and_no_path() {
    let check = |line: &str, from: InputType, expected: Json| {
        assert_eq!(spooled(line, from, Chain::default()), expected, "{line}");
    };
    check(
        r"1 1800000000000000000 10.0.0.1:514 0 <12>fw: two\nlines of C:\\x",
        InputType::Syslog,
        json!({
            "@timestamp": "2027-01-15T08:00:00Z", "message": "two\nlines of C:\\x", "log.level": "warn",
            "log.syslog.facility.code": 1, "service.name": "fw", "host.name": "host", "input.type": "syslog",
            "log.source.address": "10.0.0.1:514",
        }),
    );
    check(
        "1 1800000000000000000 s=1;i=2 9000000 the beginning",
        InputType::Journald,
        json!({
            "@timestamp": "2027-01-15T08:00:00Z", "message": "the beginning", "host.name": "host",
            "input.type": "journald", "log.flags": ["truncated"], "log.original_bytes": 9_000_000,
        }),
    );
    // A container's line is a whole one: what carries it on may never come.
    check(
        "1 1800000000000000000 - 0 2026-11-22T10:00:00Z stdout P piece",
        InputType::Stdin,
        json!({
            "@timestamp": "2026-11-22T10:00:00Z", "message": "piece", "log.iostream": "stdout",
            "host.name": "host", "input.type": "stdin",
        }),
    );
    // What the input has put together is an event as it is in a file.
    check(
        "1 1800000000000000000 - 0 2026-11-22T10:00:00Z ERROR no\\njava.lang.Error: x\\n\tat a.B.c(B.java:1)",
        InputType::Stdin,
        json!({
            "@timestamp": "2026-11-22T10:00:00Z", "log.level": "error", "severity_text": "ERROR",
            "host.name": "host", "input.type": "stdin", "message": "no\njava.lang.Error: x\n\tat a.B.c(B.java:1)",
            "error.type": "java.lang.Error", "error.message": "x",
        }),
    );
    check(
        "damaged on the disk",
        InputType::Stdin,
        json!({
            "@timestamp": "2030-03-17T17:46:40Z", "message": "damaged on the disk", "host.name": "host",
            "input.type": "stdin",
        }),
    );
}

/// Drops what the condition holds for.
fn dropping(when: &str) -> Chain {
    let when = Some(Condition::new(when).unwrap());
    let step = Step { name: "drop".into(), kind: "drop", when, action: Action::Drop, done: Done::default() };
    Chain::new(vec![step], vec![(names::HOST_NAME, "host".into())])
}

#[test]
fn steps_see_where_a_received_record_comes_from() {
    let line = "1 1800000000000000000 10.0.0.1:514 0 <12>fw: down";
    for (when, is_dropped) in [
        ("input.type:syslog", true),
        ("input.type:stdin", false),
        ("log.source.address:\"10.0.0.1:514\"", true),
        ("log.source.address:10.0.0.1*", true),
        ("log.source.address:10.0.0.2*", false),
        ("path:*", false),
        ("@timestamp<\"2027-01-15T08:00:01Z\"", true),
        ("service:fw host:host", true),
    ] {
        let document = spooled(line, InputType::Syslog, dropping(when));
        assert_eq!(document.is_null(), is_dropped, "{when}: {document}");
    }
}

#[test]
fn steps_mask_in_received_records_also_in_damaged_ones() {
    let ipv4 = || {
        let redactor = Redactor::new(vec![Pattern::built_in("ipv4").unwrap()], Mask::Name);
        let action = Action::Redact(Redact::new(redactor));
        let step = Step { name: "mask".into(), kind: "redact", when: None, action, done: Done::default() };
        Chain::new(vec![step], Vec::new())
    };
    let document = spooled("1 18 10.0.0.1:514 0 <12>fw: peer 10.0.0.9 is down", InputType::Syslog, ipv4());
    assert_eq!(document["message"], "peer [ipv4] is down");
    assert!(!document.to_string().contains("10.0.0."), "{document}");
    let document = spooled("18 damaged, of 10.0.0.9", InputType::Syslog, ipv4());
    assert_eq!(document["message"], "18 damaged, of [ipv4]");
}

#[test]
fn a_message_can_not_name_its_sender() {
    let line = r#"1 18 10.0.0.1:514 0 {"msg":"x","log.source.address":"10.9.9.9:1"}"#;
    let document = spooled(line, InputType::Syslog, Chain::default());
    assert_eq!(document["log.source.address"], "10.0.0.1:514");
    assert_eq!(document["event.original"], r#"{"msg":"x","log.source.address":"10.9.9.9:1"}"#);
}
