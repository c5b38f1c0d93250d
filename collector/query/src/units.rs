//! Numbers with a unit: `5ms`, `1.5 GiB`. A field's plain numbers have no unit written down, so the name of
//! the field says which one they are in.

use nom::IResult;
use nom::Parser as _;
use nom::character::complete::{alpha1, space0};
use nom::combinator::{all_consuming, recognize};
use nom::number::complete::recognize_float;
use nom::sequence::preceded;

use crate::number::Number;

/// Nanoseconds in a second.
pub(crate) const SECOND_NS: i64 = 1_000_000_000;

/// The unit that the numbers of a field are in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    /// Times, with the nanoseconds of one.
    Duration {
        /// 1e6 for a field in milliseconds.
        ns: f64,
    },
    /// Sizes, with the bytes of one.
    Size {
        /// 1 for a field in bytes.
        bytes: f64,
    },
}

impl Unit {
    /// Reads a plain number, which is in this unit, or a number with a unit of its own.
    pub(crate) fn read(self, text: &str) -> Option<Number> {
        match (self, quantity(text.trim())?) {
            (_, Quantity::Plain(number)) => Some(number),
            (Unit::Duration { ns }, Quantity::Duration(value)) => Some(whole_if_exact(value / ns)),
            (Unit::Size { bytes }, Quantity::Bytes(value)) => Some(whole_if_exact(value / bytes)),
            _ => None,
        }
    }
}

/// A number as read, in base units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantity {
    /// No unit.
    Plain(Number),
    /// Nanoseconds.
    Duration(f64),
    /// Bytes.
    Bytes(f64),
}

/// Reads a number with or without a unit; none when there is anything else in the text.
pub(crate) fn quantity(text: &str) -> Option<Quantity> {
    if let Some(number) = Number::parse(text) {
        return Some(Quantity::Plain(number));
    }
    let Ok((_, (number, unit))) = number_and_unit(text) else {
        #[expect(clippy::cast_precision_loss, reason = "durations are compared as floats")]
        return duration_ns(text).map(|ns| Quantity::Duration(ns as f64));
    };
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite())?;
    if let Some(ns) = duration_unit_ns(unit) {
        return Some(Quantity::Duration(value * ns));
    }
    byte_unit(unit).map(|bytes| Quantity::Bytes(value * bytes))
}

/// A duration of one or several parts, `90s` or `1h30m`, in nanoseconds; at least 1.
#[must_use]
pub fn duration_ns(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let (after, number) = recognize_number(rest).ok()?;
        let (after, unit) = alpha1::<_, nom::error::Error<&str>>(after).ok()?;
        total += number.parse::<f64>().ok()? * duration_unit_ns(unit)?;
        rest = after;
    }
    // 292 years of nanoseconds are all that an i64 holds.
    (1.0..9.2e18).contains(&total).then(|| whole(total))
}

/// The nanoseconds of one in the plain numbers of a field: by the unit that ends its name, else by custom.
pub(crate) fn field_duration_unit_ns(field: &str) -> f64 {
    match last_word(field).as_str() {
        "ns" | "nanos" | "nanoseconds" => 1.0,
        "us" | "micros" | "microseconds" => 1e3,
        "s" | "sec" | "secs" | "seconds" => 1e9,
        "min" | "mins" | "minutes" => 60e9,
        "hours" => 3_600e9,
        "days" => 86_400e9,
        _ if field.ends_with(".duration") => 1.0, // Elastic Common Schema, for one: `event.duration`
        _ if matches!(field, "request_time" | "upstream_response_time") => 1e9, // nginx
        _ => 1e6,
    }
}

/// The bytes of one in the plain numbers of a field: by the unit that ends its name.
pub(crate) fn field_size_unit_bytes(field: &str) -> f64 {
    let unit = last_word(field);
    if matches!(unit.as_str(), "kb" | "mb" | "gb" | "tb" | "kib" | "mib" | "gib" | "tib") {
        byte_unit(&unit).unwrap_or(1.0)
    } else {
        1.0
    }
}

/// `ms` of `latency_ms`, `http.latency-ms` and `latencyMs`, in lower case.
fn last_word(name: &str) -> String {
    let last = name.rsplit(['_', '.', '-']).next().unwrap_or(name);
    let mut start = 0;
    for ((_, before), (at, c)) in last.char_indices().zip(last.char_indices().skip(1)) {
        if before.is_lowercase() && c.is_uppercase() {
            start = at;
        }
    }
    last.get(start..).unwrap_or(last).to_ascii_lowercase()
}

fn number_and_unit(text: &str) -> IResult<&str, (&str, &str)> {
    all_consuming((recognize_number, preceded(space0, recognize(unit_name)))).parse(text)
}

/// As `recognize_float`, but an `e` that starts a unit is left alone.
fn recognize_number(text: &str) -> IResult<&str, &str> {
    recognize_float(text)
}

fn unit_name(text: &str) -> IResult<&str, &str> {
    nom::bytes::complete::take_while1(|c: char| c.is_alphabetic()).parse(text)
}

fn duration_unit_ns(unit: &str) -> Option<f64> {
    const SECOND: f64 = 1e9;
    Some(match unit {
        "ns" => 1.0,
        "us" | "µs" | "μs" => 1e3,
        "ms" => 1e6,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0 * SECOND,
        "h" | "hr" | "hour" | "hours" => 3_600.0 * SECOND,
        "d" | "day" | "days" => 86_400.0 * SECOND,
        "w" | "week" | "weeks" => 604_800.0 * SECOND,
        _ => return None,
    })
}

fn byte_unit(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "kb" | "k" => 1e3,
        // A small m is a minute.
        "mb" | "m" => 1e6,
        "gb" | "g" => 1e9,
        "tb" | "t" => 1e12,
        "kib" | "ki" => 1_024.0,
        "mib" | "mi" => 1_048_576.0,
        "gib" | "gi" => 1_073_741_824.0,
        "tib" | "ti" => 1_099_511_627_776.0,
        _ => return None,
    })
}

/// A whole number stays one, so that it is found in whole-number columns exactly.
fn whole_if_exact(value: f64) -> Number {
    if value.fract() == 0.0 && value.abs() < 9e15 { Number::I64(whole(value)) } else { Number::F64(value) }
}

#[expect(clippy::cast_possible_truncation, reason = "callers check the range")]
fn whole(value: f64) -> i64 {
    value as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_field_tells_the_unit_of_its_numbers() {
        let rows = [
            ("event.duration", 1.0),
            ("http.server.duration", 1.0),
            ("duration", 1e6),
            ("request_duration", 1e6),
            ("latency_ms", 1e6),
            ("event.duration_ms", 1e6),
            ("latency.us", 1e3),
            ("durationNs", 1.0),
            ("elapsedMS", 1e6),
            ("took-s", 1e9),
            ("uptimeSeconds", 1e9),
            ("uptime_minutes", 60e9),
            ("request_time", 1e9),
            ("status", 1e6),
            ("", 1e6),
        ];
        for (field, unit_ns) in rows {
            assert_eq!(field_duration_unit_ns(field).to_bits(), f64::to_bits(unit_ns), "{field}");
        }
        let rows =
            [("bytes", 1.0), ("http.response.body.bytes", 1.0), ("memory_mb", 1e6), ("heap_kib", 1_024.0)];
        for (field, unit_bytes) in rows {
            assert_eq!(field_size_unit_bytes(field).to_bits(), f64::to_bits(unit_bytes), "{field}");
        }
    }

    #[test]
    fn quantities_have_one_unit_or_several_of_time() {
        let rows = [
            ("5", Some(Quantity::Plain(Number::I64(5)))),
            ("1.5s", Some(Quantity::Duration(1.5e9))),
            ("1h30m", Some(Quantity::Duration(5_400e9))),
            ("1m0.5s", Some(Quantity::Duration(60.5e9))),
            ("20 MiB", Some(Quantity::Bytes(20_971_520.0))),
            ("5kB", Some(Quantity::Bytes(5e3))),
            ("10M", Some(Quantity::Bytes(10e6))),
            ("10m", Some(Quantity::Duration(600e9))),
            ("5 apples", None),
            ("1h30", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(quantity(text), expected, "{text}");
        }
    }
}
