//! Rows for building, taking apart and printing documents.

use std::ops::ControlFlow;

use super::*;
use crate::limits::{DOCUMENT_FIELDS_MAX, MESSAGE_BYTES_MAX};

fn one(fields: &[(&str, ValueRef<'_>)]) -> Batch {
    let mut builder = BatchBuilder::new();
    builder.begin(0);
    for (name, value) in fields {
        builder.field(name, *value);
    }
    builder.end();
    builder.finish().0
}

fn json(batch: &Batch) -> String {
    let mut out = Vec::new();
    batch.doc(0).unwrap().write_json(&mut out);
    String::from_utf8(out).unwrap()
}

fn leaves(batch: &Batch) -> Vec<String> {
    let mut seen = Vec::new();
    batch.doc(0).unwrap().for_each_leaf(&mut |name, value| {
        seen.push(format!("{name}={value:?}"));
        ControlFlow::Continue(())
    });
    seen
}

#[test]
fn documents_print_as_flat_json() {
    let head = r#"{"_id":"80000000000000000000000000000000","@timestamp":"1970-01-01T00:00:00Z""#;
    let rows: [(&[(&str, ValueRef<'_>)], &str); 6] = [
        (&[], ""),
        (&[("a", ValueRef::Str("x\"\\\n\u{1}é"))], r#","a":"x\"\\\n\u0001é""#),
        (&[("a", ValueRef::I64(-1)), ("b", ValueRef::F64(1.0))], r#","a":-1,"b":1.0"#),
        (&[("a", ValueRef::Json("[1, null]")), ("b", ValueRef::Bool(true))], r#","a":[1, null],"b":true"#),
        (&[("a", ValueRef::F64(f64::NAN))], r#","a":"NaN""#),
        (
            &[("a", ValueRef::I64(1)), ("b", ValueRef::I64(2)), ("a", ValueRef::Str("x"))],
            r#","a":[1,"x"],"b":2"#,
        ),
    ];
    for (fields, expected) in rows {
        assert_eq!(json(&one(fields)), format!("{head}{expected}}}"));
    }
}

#[test]
fn repeated_names_append_to_arrays() {
    let thrice = [("a", ValueRef::Json("[]")), ("a", ValueRef::I64(2)), ("a", ValueRef::Bool(false))];
    assert!(json(&one(&thrice)).ends_with(r#","a":[2,false]}"#));
}

#[test]
fn leaves_take_arrays_apart_and_normalise_the_level() {
    type Row<'a> = (&'a [(&'a str, ValueRef<'a>)], &'a [&'a str]);
    let rows: [Row<'_>; 4] = [
        (
            &[("a", ValueRef::Json(r#"[1,[2.5,null],{"b":"x"}]"#))],
            &["a=I64(1)", "a=F64(2.5)", r#"a.b=Str("x")"#],
        ),
        (&[("log.level", ValueRef::Str("WARNING"))], &[r#"log.level=Str("warn")"#]),
        (&[("level", ValueRef::Str("ERR"))], &[r#"log.level=Str("error")"#, r#"level=Str("ERR")"#]),
        (&[("log.level", ValueRef::Str("audit"))], &[r#"log.level=Str("audit")"#]),
    ];
    for (fields, expected) in rows {
        assert_eq!(leaves(&one(fields)), expected);
    }
}

#[test]
fn limits_cut_and_count() {
    let long = "é".repeat(MESSAGE_BYTES_MAX);
    let mut builder = BatchBuilder::new();
    builder.begin(0);
    builder.field("message", ValueRef::Str(&long));
    for index in 0..DOCUMENT_FIELDS_MAX + 1 {
        builder.field(&format!("f{index}"), ValueRef::I64(1));
    }
    builder.end();
    let (batch, cuts) = builder.finish();
    assert_eq!(cuts, Cuts { values: 1, names: 0, fields: 2 });
    let doc = batch.doc(0).unwrap();
    assert_eq!(doc.message().unwrap().len(), MESSAGE_BYTES_MAX);
    let overflow = format!(r#"{{"f{}":1,"f{}":1}}"#, DOCUMENT_FIELDS_MAX - 1, DOCUMENT_FIELDS_MAX);
    assert_eq!(doc.field("event.overflow"), Some(ValueRef::Str(&overflow)));
}

#[test]
fn a_document_that_was_not_ended_leaves_nothing() {
    let mut builder = BatchBuilder::new();
    builder.begin(1);
    builder.field("lost", ValueRef::I64(1));
    builder.begin(2);
    builder.field("kept", ValueRef::I64(2));
    assert!(builder.has_field("kept") && !builder.has_field("lost"));
    builder.end();
    builder.begin(3);
    let (batch, _) = builder.finish();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch.doc(0).unwrap().field("lost"), None);
}

#[test]
fn retain_keeps_numbers_and_order() {
    let mut builder = BatchBuilder::new();
    for time in 0..4 {
        builder.begin(time);
        builder.end();
    }
    let (mut batch, _) = builder.finish();
    batch.retain(|index| index != 1);
    batch.number_from(10);
    let seen: Vec<_> = batch.docs().map(|doc| (doc.timestamp_ns(), doc.sequence())).collect();
    assert_eq!(seen, [(0, 10), (2, 11), (3, 12)]);
}

#[test]
fn times_print_as_rfc_3339() {
    let rows = [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_709_164_800_120_000_000, "2024-02-29T00:00:00.120Z"),
        (951_782_400_000_001_000, "2000-02-29T00:00:00.000001Z"),
        (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
    ];
    for (timestamp_ns, expected) in rows {
        let mut out = Vec::new();
        write_rfc3339(timestamp_ns, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}

#[test]
fn document_ids_sort_as_text_and_round_trip() {
    let ids = [(i64::MIN, 0), (-1, 5), (0, 0), (0, 1), (7, 0), (i64::MAX, u64::MAX)]
        .map(|(timestamp_ns, sequence)| DocId { timestamp_ns, sequence });
    let texts: Vec<String> = ids.iter().map(DocId::to_string).collect();
    assert!(texts.is_sorted());
    for (id, text) in ids.iter().zip(&texts) {
        assert_eq!(text.parse(), Ok(*id));
    }
    assert!("80".parse::<DocId>().is_err());
}

#[test]
fn common_fields_go_to_documents_that_lack_them() {
    let mut builder = BatchBuilder::new();
    builder.begin_common(Common::Resource);
    builder.field("host.name", ValueRef::Str("a"));
    builder.field("log.level", ValueRef::Str("warn"));
    builder.field("host.name", ValueRef::Str("never seen"));
    builder.begin_common(Common::Scope);
    builder.field("host.name", ValueRef::Str("a"));
    builder.field("host.name", ValueRef::Str("b"));
    builder.end_common();
    builder.begin(0);
    builder.end();
    builder.begin(1);
    builder.field("log.level", ValueRef::Str("error"));
    builder.end();
    let (batch, _) = builder.finish();
    let seen: Vec<_> = batch.docs().map(|doc| (doc.level(), doc.field("host.name"))).collect();
    let host = Some(ValueRef::Str("b"));
    assert_eq!(seen, [(Some(Level::Warn), host), (Some(Level::Error), host)]);
}
