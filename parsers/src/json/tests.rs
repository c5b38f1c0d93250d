//! Limits of depth, length and number, which no table of short rows shows.

use crate::event::{NoteKind, Parsed, Value};
use crate::format::{Format, parse};
use crate::limits::{FIELDS_MAX, FLATTEN_DEPTH_MAX, JSON_DEPTH_MAX, PREFIX_BYTES_MAX};
use crate::time::{Context, FixedZone};

fn with_json(line: &str, check: impl FnOnce(&Parsed<'_>)) {
    let mut out = Parsed::new();
    parse(Format::Json, line, &Context { now_ns: 0, zone: &FixedZone(0) }, &mut out);
    check(&out);
}

fn nested(depth: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

#[test]
fn a_deep_object_stays_verbatim_and_a_deeper_one_is_text() {
    with_json(&nested(FLATTEN_DEPTH_MAX), |out| {
        let name = ["a"; FLATTEN_DEPTH_MAX].join(".");
        assert_eq!(out.fields, [(name.into(), Value::I64(1))]);
    });
    with_json(&nested(FLATTEN_DEPTH_MAX + 2), |out| {
        let [(_, Value::Json(text))] = out.fields.as_slice() else { panic!("{:?}", out.fields) };
        assert_eq!(text, r#"{"a":{"a":1}}"#);
        assert!(out.rebuilds_line && out.note.is_none());
    });
    with_json(&nested(FLATTEN_DEPTH_MAX + JSON_DEPTH_MAX + 10), |out| {
        assert!(matches!(out.note.map(|note| note.kind), Some(NoteKind::NotOfFormat { .. })));
    });
}

#[test]
fn a_long_prefix_is_not_copied_into_each_name() {
    let long = "k".repeat(PREFIX_BYTES_MAX + 1);
    with_json(&format!(r#"{{"{long}":{{"a":1,"b":2}}}}"#), |out| {
        assert_eq!(out.fields, [(long.as_str().into(), Value::Json(r#"{"a":1,"b":2}"#.into()))]);
        assert!(out.rebuilds_line);
    });
}

#[test]
fn a_bare_control_character_in_a_nested_value_does_not_make_it_bad_json() {
    let rows = [
        ("[\"a\u{1b}b\"]", "[\"a\\u001bb\"]"),
        ("[\"\\\"\t\", \t1]", "[\"\\\"\\u0009\", \t1]"),
        ("[\"\\\\\",\t\"\\\\\u{1}\"]", "[\"\\\\\",\t\"\\\\\\u0001\"]"),
        ("[{\"k\u{0}\":\"é\u{7f}\"}]", "[{\"k\\u0000\":\"é\u{7f}\"}]"),
    ];
    for (nested, strict) in rows {
        with_json(&format!("{{\"a\":{nested}}}"), |out| {
            assert_eq!(out.fields, [("a".into(), Value::Json(strict.into()))]);
            serde_json::from_str::<serde_json::Value>(strict).expect("strict JSON");
        });
    }
}

#[test]
fn too_many_fields_keep_the_raw_line() {
    let members: Vec<String> = (0..FIELDS_MAX + 10).map(|i| format!("\"k{i}\":{i}")).collect();
    with_json(&format!("{{{}}}", members.join(",")), |out| {
        assert_eq!(out.fields.len(), FIELDS_MAX);
        assert!(!out.rebuilds_line);
        assert_eq!(out.note.map(|note| note.kind), Some(NoteKind::TooManyFields));
    });
}

#[test]
fn a_string_ends_where_it_ends_whatever_its_length() {
    for before in 0..70 {
        for (escape, text) in [("", ""), ("\\\"", "\""), ("\\\\", "\\"), ("é", "é"), ("!#", "!#")] {
            for after in [0, 1, 7, 8, 40] {
                let (head, tail) = ("x".repeat(before), "y".repeat(after));
                with_json(&format!("{{\"a\":\"{head}{escape}{tail}\",\"b\":1}}"), |out| {
                    let expected = format!("{head}{text}{tail}");
                    assert_eq!(
                        out.field("a"),
                        Some(&Value::Str(expected.into())),
                        "{before} {escape} {after}"
                    );
                    assert_eq!(out.field("b"), Some(&Value::I64(1)));
                });
            }
        }
    }
}
