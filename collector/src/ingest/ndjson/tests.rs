//! Rows of bodies and the documents that become of them.

use millpond_wire::limits::BATCH_TEXT_BYTES_MAX;

use super::*;

const RECEIVED_NS: i64 = 1_000_000_000;

fn documents(body: &[u8]) -> Vec<String> {
    let decoded = decode(body, RECEIVED_NS).unwrap();
    let print = |doc: millpond_wire::batch::DocRef<'_>| {
        let mut json = Vec::new();
        doc.write_json(&mut json);
        let json = String::from_utf8(json).unwrap();
        json.split_once("\"@timestamp\":").map(|(_, rest)| rest.to_owned()).unwrap_or_default()
    };
    decoded.batch.docs().map(print).collect()
}

#[test]
fn lines_become_documents() {
    let rows: [(&[u8], &[&str]); 10] = [
        (b"", &[]),
        (b"\n\r\n  \n", &[]),
        (
            b"{\"message\":\"a\"}\r\n{\"message\":\"b\"}",
            &[r#""1970-01-01T00:00:01Z","message":"a"}"#, r#""1970-01-01T00:00:01Z","message":"b"}"#],
        ),
        (br#"{"a":1,"@timestamp":"2026-11-22T10:00:00.5+01:00"}"#, &[r#""2026-11-22T09:00:00.500Z","a":1}"#]),
        (br#"{"@timestamp":1709164800123}"#, &[r#""2024-02-29T00:00:00.123Z"}"#]),
        (br#"{"@timestamp":"yesterday"}"#, &[r#""1970-01-01T00:00:01Z","event.timestamp":"yesterday"}"#]),
        (
            br#"{"@timestamp":null,"_id":"x"}"#,
            &[r#""1970-01-01T00:00:01Z","event.timestamp":null,"event.id":"x"}"#],
        ),
        (b"not json", &[r#""1970-01-01T00:00:01Z","message":"not json"}"#]),
        (br#"{"lost":1,"cut":"#, &[r#""1970-01-01T00:00:01Z","message":"{\"lost\":1,\"cut\":"}"#]),
        (b"{\"a\":\"\xff\"}", &["\"1970-01-01T00:00:01Z\",\"a\":\"\u{fffd}\"}"]),
    ];
    for (body, expected) in rows {
        assert_eq!(documents(body), expected, "{}", String::from_utf8_lossy(body));
    }
}

#[test]
fn oddities_are_counted_and_named() {
    let body = b"{\"@timestamp\":\"?\"}\nx\n{\"a\":1}\n[]\n\xff\n1\n2\n3\n4\n";
    let decoded = decode(body, RECEIVED_NS).unwrap();
    assert_eq!(decoded.notes, Notes { invalid_lines: 7, invalid_utf8: 1, bad_timestamps: 1 });
    assert_eq!(decoded.batch.len(), 9);
    let lines: Vec<u64> = decoded.errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 7]);
    assert_eq!(decoded.errors[0].reason, "not a JSON object: expected `{` at byte 0; kept as a message");
}

#[test]
fn one_bad_byte_leaves_the_other_lines_alone() {
    let body = "{\"a\":\"é\"}\n".repeat(3).into_bytes();
    let whole = documents(&body);
    let with_bad = [&body[..], b"\xc3\n", &body[..]].concat();
    let mut found = documents(&with_bad);
    assert_eq!(found.remove(3), "\"1970-01-01T00:00:01Z\",\"message\":\"\u{fffd}\"}");
    assert_eq!(found, [whole.clone(), whole].concat());
}

#[test]
fn long_arrays_are_cut_as_text() {
    let body = format!("{{\"a\":[{}1]}}", "1,".repeat(MESSAGE_BYTES_MAX));
    let decoded = decode(body.as_bytes(), RECEIVED_NS).unwrap();
    assert_eq!(decoded.cuts.values, 1);
    let value = decoded.batch.doc(0).and_then(|doc| doc.field("a"));
    assert!(matches!(value, Some(ValueRef::Str(text)) if text.len() == MESSAGE_BYTES_MAX));
}

#[test]
fn too_many_lines_are_refused_whole() {
    let body = "1\n".repeat(BATCH_DOCUMENTS_MAX);
    assert_eq!(decode(body.as_bytes(), RECEIVED_NS).unwrap().batch.len(), BATCH_DOCUMENTS_MAX);
    let error = decode(format!("{body}1").as_bytes(), RECEIVED_NS).map(drop).unwrap_err();
    assert!(matches!(error, IngestError::TooLarge(_)));
}

#[test]
fn a_body_that_is_too_much_for_a_batch_is_refused() {
    let mut body = vec![b'x'; BATCH_TEXT_BYTES_MAX + MESSAGE_BYTES_MAX];
    body.chunks_mut(MESSAGE_BYTES_MAX).filter_map(<[u8]>::last_mut).for_each(|last| *last = b'\n');
    // The line ends are no text: as many bytes less are in the batch.
    assert!(decode(&body[..BATCH_TEXT_BYTES_MAX], RECEIVED_NS).is_ok());
    body.extend_from_slice(b"{\"message\":\"the last straw\"}");
    assert_eq!(decode(&body, RECEIVED_NS).unwrap_err().status(), 413);
}
