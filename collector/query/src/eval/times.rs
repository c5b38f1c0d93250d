//! Times as texts, in UTC.

use std::fmt::Write as _;

use super::{numbers, texts};
use crate::calendar::{date_of, days_since_epoch};
use crate::number::Number;
use crate::table::Cell;
use crate::time::absolute_time_ns;

const SECOND_NS: i64 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// The time that a text names, nanoseconds; null for one that names none, or that moves with the clock.
pub(super) fn read(cell: &Cell) -> Cell {
    let time = texts::of(cell).and_then(|text| absolute_time_ns(&text));
    time.map_or(Cell::Null, Cell::I64)
}

/// A time written as `strftime` does: `%Y %m %d %H %M %S`, `%F` and `%T`, `%L` milliseconds, `%f` microseconds, `%N`
/// nanoseconds, `%s` seconds since the Unix epoch, `%a %b` names, `%j` day of the year, `%%`. What else follows a `%` stays.
pub(super) fn written(cell: &Cell, format: &Cell) -> Cell {
    let (Some(number), Some(format)) = (numbers::of(cell), texts::of(format)) else { return Cell::Null };
    let Some(time) = Time::of(number) else { return Cell::Null };
    let mut text = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        match (c, c == '%') {
            (_, true) => match chars.next() {
                Some(field) => time.write(field, &mut text),
                None => text.push('%'),
            },
            _ => text.push(c),
        }
    }
    texts::made(text)
}

struct Time {
    year: i64,
    month: i64,
    day: i64,
    /// Days since the Unix epoch.
    days: i64,
    second_of_day: i64,
    nanosecond: i64,
}

impl Time {
    fn of(number: Number) -> Option<Time> {
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        let at_ns = match number {
            Number::I64(at_ns) => at_ns,
            Number::F64(at_ns) if at_ns.abs() < 9.2e18 => at_ns as i64,
            Number::F64(_) => return None,
        };
        let seconds = at_ns.div_euclid(SECOND_NS);
        let days = seconds.div_euclid(DAY_S);
        let (year, month, day) = date_of(days);
        let (second_of_day, nanosecond) = (seconds.rem_euclid(DAY_S), at_ns.rem_euclid(SECOND_NS));
        Some(Time { year, month, day, days, second_of_day, nanosecond })
    }

    fn write(&self, field: char, out: &mut String) {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let name = |names: &[&'static str], at: i64| {
            usize::try_from(at).ok().and_then(|at| names.get(at).copied()).unwrap_or_default()
        };
        let (hour, minute, second) =
            (self.second_of_day / 3_600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        let _ = match field {
            'Y' => write!(out, "{:04}", self.year),
            'm' => write!(out, "{:02}", self.month),
            'd' => write!(out, "{:02}", self.day),
            'H' => write!(out, "{hour:02}"),
            'M' => write!(out, "{minute:02}"),
            'S' => write!(out, "{second:02}"),
            'F' => write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day),
            'T' => write!(out, "{hour:02}:{minute:02}:{second:02}"),
            'L' => write!(out, "{:03}", self.nanosecond / 1_000_000),
            'f' => write!(out, "{:06}", self.nanosecond / 1_000),
            'N' => write!(out, "{:09}", self.nanosecond),
            's' => write!(out, "{}", self.days * DAY_S + self.second_of_day),
            'a' => write!(out, "{}", name(&DAYS, self.days.rem_euclid(7))),
            'b' => write!(out, "{}", name(&MONTHS, self.month - 1)),
            'j' => {
                let first = days_since_epoch(self.year, 1, 1);
                write!(out, "{:03}", self.days - first + 1)
            }
            '%' => write!(out, "%"),
            other => write!(out, "%{other}"),
        };
    }
}
