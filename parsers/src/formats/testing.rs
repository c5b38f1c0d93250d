//! One way for all formats to write what a line becomes: `time=… | level=9 INFO | message=… | field=value | …`.

use std::fmt::Write;

use crate::event::{Parsed, Value};
use crate::format::{Format, parse};
use crate::time::{Context, FixedZone, tests::show};

/// 2026-11-22T12:00:00Z.
pub(crate) const NOW_NS: i64 = 1_795_348_800_000_000_000;

/// Reads the line with the clock at noon of November 22, 2026, in UTC, and compares all of the result.
#[track_caller]
pub(crate) fn check(format: Format, line: &str, expected: &str) {
    let mut out = Parsed::new();
    parse(format, line, &Context { now_ns: NOW_NS, zone: &FixedZone(0) }, &mut out);
    assert_eq!(describe(&out), expected, "{line}");
}

pub(crate) fn describe(out: &Parsed<'_>) -> String {
    let mut facts = Vec::new();
    if let Some(ns) = out.timestamp_ns {
        let assumed = if out.zone_assumed { " assumed" } else { "" };
        facts.push(format!("time={}{assumed}", show(ns).trim_end_matches('0').trim_end_matches('.')));
    }
    if out.severity_number != 0 || out.severity_text.is_some() {
        let text = out.severity_text.as_deref().unwrap_or_default();
        facts.push(format!("level={} {text}", out.severity_number).trim_end().to_owned());
    }
    facts.push(format!("message={}", out.message));
    for (name, value) in &out.fields {
        let mut fact = format!("{name}=");
        match value {
            Value::Str(text) => write!(fact, "{text}"),
            Value::I64(number) => write!(fact, "i{number}"),
            Value::F64(number) => write!(fact, "f{number}"),
            Value::Bool(flag) => write!(fact, "{flag:?}"),
            Value::Json(text) => write!(fact, "json {text}"),
        }
        .expect("a String takes everything");
        facts.push(fact);
    }
    facts.extend(out.trace_id.iter().map(|id| format!("trace {id}")));
    facts.extend(out.span_id.iter().map(|id| format!("span {id}")));
    if let Some(partial) = out.partial {
        facts.push(format!("{} {}", partial.stream.name(), if partial.last { "last" } else { "more" }));
    }
    if !out.rebuilds_line {
        facts.push("keep raw".to_owned());
    }
    facts.extend(out.note.iter().map(|note| format!("note: {note}")));
    facts.join(" | ")
}
