//! Prints documents as flat JSON objects and times as RFC 3339. It reads no JSON.

use std::io::Write;

use super::{DocRef, ValueRef};
use crate::names;

/// Appends `{"_id":…,"@timestamp":…,fields…}`.
pub(super) fn write_document(doc: &DocRef<'_>, out: &mut Vec<u8>) {
    let _ = write!(out, "{{\"{}\":\"{}\",\"{}\":\"", names::ID, doc.id(), names::TIMESTAMP);
    write_rfc3339(doc.timestamp_ns(), out);
    out.push(b'"');
    for field in doc.fields() {
        out.push(b',');
        write_json_string(field.name, out);
        out.push(b':');
        write_value(field.value, out);
    }
    out.push(b'}');
}

/// Appends one value as JSON.
pub(super) fn write_value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Str(text) => write_json_string(text, out),
        ValueRef::I64(number) => drop(write!(out, "{number}")),
        // `{:?}` prints the shortest text that reads back as the same number, and always with a
        // point or an exponent, so that a float stays a float.
        ValueRef::F64(number) => drop(write!(out, "{number:?}")),
        ValueRef::Bool(truth) => drop(write!(out, "{truth}")),
        ValueRef::Json(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// Appends `text` as a JSON string (RFC 8259, section 7), quotes included.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..=0x1f => b"",
            _ => continue,
        };
        out.extend_from_slice(bytes.get(clean_from..at).unwrap_or_default());
        clean_from = at + 1;
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.extend_from_slice(escape);
        }
    }
    out.extend_from_slice(bytes.get(clean_from..).unwrap_or_default());
    out.push(b'"');
}

/// Appends Unix nanoseconds as RFC 3339 in UTC with as many fraction digits as needed, in steps of
/// three. Covers the whole range of `i64` (years 1677 to 2262).
pub fn write_rfc3339(timestamp_ns: i64, out: &mut Vec<u8>) {
    const DAY_SECONDS: i64 = 86_400;
    let seconds = timestamp_ns.div_euclid(1_000_000_000);
    let nanos = timestamp_ns.rem_euclid(1_000_000_000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanos != 0 {
        let _ = match (nanos % 1_000_000, nanos % 1_000) {
            (0, _) => write!(out, ".{:03}", nanos / 1_000_000),
            (_, 0) => write!(out, ".{:06}", nanos / 1_000),
            _ => write!(out, ".{nanos:09}"),
        };
    }
    out.push(b'Z');
}

/// Proleptic Gregorian date of a day number (day 0 is 1970-01-01), by counting in 400-year eras
/// that begin on 1 March, so that the leap day is the last of its year.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
