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
    /// Sizes, in bytes.
    Bytes,
}

impl Unit {
    /// Reads a plain number, which is in this unit, or a number with a unit of its own.
    pub(crate) fn read(self, text: &str) -> Option<Number> {
        match (self, quantity(text.trim())?) {
            (_, Quantity::Plain(number)) => Some(number),
            (Unit::Duration { ns }, Quantity::Duration(value)) => Some(whole_if_exact(value / ns)),
            (Unit::Bytes, Quantity::Bytes(value)) => Some(whole_if_exact(value)),
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
    let (_, (number, unit)) = number_and_unit(text).ok()?;
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite())?;
    if let Some(ns) = duration_unit_ns(unit) {
        return Some(Quantity::Duration(value * ns));
    }
    byte_unit(unit).map(|bytes| Quantity::Bytes(value * bytes))
}

/// A duration of one or several parts, `90s` or `1h30m`, in nanoseconds; at least 1.
pub(crate) fn duration_ns(text: &str) -> Option<i64> {
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

/// The unit of the plain numbers of a field: by the suffix of its name, or by custom.
pub(crate) fn field_duration_unit_ns(field: &str) -> f64 {
    let last = field.rsplit(['_', '.', '-']).next().unwrap_or(field).to_ascii_lowercase();
    match last.as_str() {
        "ns" | "nanos" | "nanoseconds" => 1.0,
        "us" | "micros" | "microseconds" => 1e3,
        "s" | "sec" | "secs" | "seconds" => 1e9,
        _ if field == "event.duration" => 1.0, // Elastic Common Schema
        _ if matches!(field, "request_time" | "upstream_response_time") => 1e9, // nginx
        _ => 1e6,
    }
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
        "mb" => 1e6,
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
