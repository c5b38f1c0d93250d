//! Rows of objects and what becomes of them, and comparisons with `serde_json` on random values.

use proptest::prelude::*;

use super::*;

#[derive(Default)]
struct Fields(Vec<String>);

impl Sink for Fields {
    fn field(&mut self, name: &str, value: ValueRef<'_>, _raw: &str) {
        self.0.push(format!("{name}={value:?}"));
    }
}

fn flatten(text: &str) -> Result<Vec<String>, Miss> {
    let mut fields = Fields::default();
    Flattener::default().object(text, &mut fields).map(|()| fields.0)
}

#[test]
fn objects_flatten_to_typed_fields() {
    let rows: [(&str, &[&str]); 13] = [
        ("{}", &[]),
        (r#" { "a" : "b" } "#, &[r#"a=Str("b")"#]),
        (r#"{"a":{"b":{"c":1},"d":2},"e":3}"#, &["a.b.c=I64(1)", "a.d=I64(2)", "e=I64(3)"]),
        (
            r#"{"a":[1, {"b":"]"}],"b":{},"c":null}"#,
            &[r#"a=Json("[1, {\"b\":\"]\"}]")"#, r#"b=Json("{}")"#, r#"c=Json("null")"#],
        ),
        (r#"{"a":true,"b":false}"#, &["a=Bool(true)", "b=Bool(false)"]),
        (r#"{"a":-1,"b":1.5,"c":1e3,"d":0}"#, &["a=I64(-1)", "b=F64(1.5)", "c=F64(1000.0)", "d=I64(0)"]),
        (
            r#"{"a":18446744073709551615,"b":-0,"c":1e400}"#,
            &[r#"a=Json("18446744073709551615")"#, "b=F64(-0.0)", r#"c=Json("1e400")"#],
        ),
        (
            r#"{"a":0.12345678901234567890,"b":1e-999}"#,
            &[r#"a=Json("0.12345678901234567890")"#, r#"b=Json("1e-999")"#],
        ),
        (r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#, &["a=Str(\"\\\"\\\\/\\u{8}\\u{c}\\n\\r\\té😀\")"]),
        (r#"{"a":"\ud83d","b":"\ude00x"}"#, &["a=Str(\"\u{fffd}\")", "b=Str(\"\u{fffd}x\")"]),
        (r#"{"k\u0065y":{"\n":1}}"#, &["key.\n=I64(1)"]),
        ("{\"a\":\"tab\there\"}", &[r#"a=Str("tab\there")"#]),
        (r#"{"a":1,"a":2}"#, &["a=I64(1)", "a=I64(2)"]),
    ];
    for (text, expected) in rows {
        assert_eq!(flatten(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn bare_control_characters_are_escaped_where_text_stays_verbatim() {
    let rows = [
        ("{\"a\":[\"x\ty\",\t1]}", r#"a=Json("[\"x\\u0009y\",\t1]")"#),
        ("{\"a\":[\"\\\"\t\",\"\\\\\",\r2]}", r#"a=Json("[\"\\\"\\u0009\",\"\\\\\",\r2]")"#),
    ];
    for (text, expected) in rows {
        assert_eq!(flatten(text).unwrap(), [expected], "{text}");
    }
}

#[test]
fn what_is_not_an_object_says_where() {
    let rows = [
        ("", 0, "`{`"),
        ("plain text", 0, "`{`"),
        ("[1]", 0, "`{`"),
        ("{", 1, "`\"`"),
        (r#"{"a"}"#, 4, "`:`"),
        (r#"{"a":}"#, 5, "a value"),
        (r#"{"a":1"#, 6, "`,` or `}`"),
        (r#"{"a":1,}"#, 7, "`\"`"),
        (r#"{"a":1} x"#, 8, "the end of the line after the object"),
        (r#"{"a":"b"#, 6, "a closing `\"`"),
        (r#"{"a":"b\"#, 6, "a closing `\"`"),
        (r#"{"a":"\x"}"#, 7, "an escape of JSON"),
        (r#"{"a":"\u12"}"#, 7, "an escape of JSON"),
        ("{\"a\":\"\\é\"}", 7, "an escape of JSON"),
        (r#"{"a":01}"#, 5, "a number without leading zero"),
        (r#"{"a":1.}"#, 7, "a digit"),
        (r#"{"a":nul}"#, 5, "a value"),
        (r#"{"a":[1,]}"#, 8, "a value"),
        (r#"{"a":[1}"#, 7, "`,` or a closing bracket"),
        (r#"{"a":[{"b":}]}"#, 11, "a value"),
        (r#"{"a":[{"b"}]}"#, 10, "`:`"),
        (r#"{"a":[{,}]}"#, 7, "`\"`"),
        (r#"{"a":["\q"]}"#, 8, "an escape of JSON"),
    ];
    for (text, offset_bytes, expected) in rows {
        assert_eq!(flatten(text), Err(Miss { offset_bytes, expected }), "{text}");
    }
}

#[test]
fn any_depth_is_kept() {
    let depth = 200_000;
    let objects = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    let fields = flatten(&objects).unwrap();
    assert_eq!(fields.len(), 1);
    assert!(fields[0].starts_with(&format!("a{}=Json", ".a".repeat(NESTING_MAX - 1))));
    let arrays = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(flatten(&arrays).unwrap().len(), 1);
}

/// Random JSON values, a few levels deep.
fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(4, 30, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
            prop::collection::vec(("[a-z]{1,3}", inner), 0..5)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}

/// The fields that the flattener should find, from a parsed tree.
fn expected_fields(name: &str, value: &serde_json::Value, out: &mut Vec<String>) {
    use serde_json::Value;
    let text = value.to_string();
    let flat = match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, value) in members {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                expected_fields(&name, value, out);
            }
            return;
        }
        Value::Null | Value::Array(_) | Value::Object(_) => ValueRef::Json(&text),
        Value::Bool(truth) => ValueRef::Bool(*truth),
        Value::String(text) => ValueRef::Str(text),
        Value::Number(_) => super::number(&text),
    };
    out.push(format!("{name}={flat:?}"));
}

proptest! {
    #[test]
    fn random_objects_flatten_as_a_tree_walk_would(value in json()) {
        let value = serde_json::json!({ "top": value });
        let mut expected = Vec::new();
        expected_fields("", &value, &mut expected);
        prop_assert_eq!(flatten(&value.to_string()).unwrap(), expected);
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_json(text in r#"\{"a":[\[\]\{\}",:0-9a\\ntrue.eE+ -]{0,16}\}"#) {
        // Numbers beyond a float are JSON for us and an error there, which this alphabet can make
        // only with long exponents.
        let theirs = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
        let is_overflow = theirs.as_ref().is_err_and(|error| error.to_string().contains("out of range"));
        prop_assert!(is_overflow || flatten(&text).is_ok() == theirs.is_ok(), "{}", text);
    }

    #[test]
    fn no_text_panics(text in r#"[\{\}\[\]",:0-9a\\u\PC]{0,40}"#) {
        let _ = flatten(&text);
    }
}
