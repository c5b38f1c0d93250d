//! The documents that the language is described by, in `LANGUAGE.md`.

use std::ops::ControlFlow;

use millpond_query::time::parse_time;
use millpond_query::{Resolved, Row, Scalar, matches, parse};
use serde_json::{Map, Value};

/// 2026-11-22T10:30:00Z
pub(crate) const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// The description of the language.
pub(crate) const LANGUAGE: &str = include_str!("../../LANGUAGE.md");

/// A document of one level, as its line is written.
pub(crate) struct Document(pub(crate) Map<String, Value>);

/// The documents in the order of the page.
pub(crate) fn documents() -> Vec<Document> {
    let (_, rest) = LANGUAGE.split_once("```ndjson\n").expect("the page has documents");
    let (lines, _) = rest.split_once("```").expect("the block ends");
    lines.lines().map(|line| Document(serde_json::from_str(line).expect("a JSON object"))).collect()
}

impl Document {
    pub(crate) fn id(&self) -> &str {
        self.0.get("_id").and_then(Value::as_str).expect("each document has an id")
    }
}

impl Row for Document {
    fn timestamp_ns(&self) -> i64 {
        let time = self.0.get("@timestamp").and_then(Value::as_str).expect("each document has a time");
        parse_time(time, 0).expect("the time is right").start_ns
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        for (name, value) in &self.0 {
            let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            if values.iter().filter_map(scalar).any(|scalar| visit(name, scalar).is_break()) {
                return;
            }
        }
    }
}

pub(crate) fn scalar(value: &Value) -> Option<Scalar<'_>> {
    match value {
        Value::String(text) => Some(Scalar::Str(text)),
        Value::Bool(truth) => Some(Scalar::Bool(*truth)),
        Value::Number(number) => number.as_i64().map(Scalar::I64).or(number.as_f64().map(Scalar::F64)),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The query, ready to run at half past ten.
pub(crate) fn resolved(query: &str) -> Resolved {
    let parsed = parse(query).and_then(|parsed| parsed.resolve(NOW_NS));
    parsed.unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

/// The ids of the documents that pass the filter, side by side; `all` and `none` by name.
pub(crate) fn found(query: &str) -> String {
    let resolved = resolved(query);
    let documents = documents();
    let found: Vec<&str> =
        documents.iter().filter(|document| matches(&resolved.filter, *document)).map(Document::id).collect();
    match found.len() {
        0 => "none".to_owned(),
        all if all == documents.len() => "all".to_owned(),
        _ => found.join(" "),
    }
}
