//! Lines through the recorder, the encoder and the collector's decoder.

use millpond_wire::otlp::{Stamp, decode};
use millpond_wire::position::StreamId;
use serde_json::{Value as Json, json};

use super::*;
use crate::batch::BatchLimits;
use crate::tail::identity::Mark;
use crate::tail::lines;

const NOW_NS: i64 = 1_900_000_000_000_000_000;

/// The document that a line becomes, without what every document has.
fn document(line: &[u8], labels: &Labels, whole_bytes: Option<u64>) -> Json {
    let counters = Counters::default();
    let mut batcher =
        Batcher::new(&[(names::HOST_NAME, "host".into())], BatchLimits { bytes: 1 << 20, age_ms: 1 });
    let mut recorder = Recorder::default();
    let mut detector = Detector::new();
    let text = lines::text(line, false, whole_bytes);
    let input = Input { offset: 0, text: &text, unfinished: false, more: More::default() };
    let source = Source { stream: StreamId(1), path: "/a.log", labels, metadata: &[] };
    let around = Surroundings { source, counters: &counters, now_ns: NOW_NS };
    batcher.begin(StreamId(1), 0, &labels.attributes("/a.log", &[]), 0);
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
