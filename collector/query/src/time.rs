//! Times as people type them: `now-15m`, `2026-11-22T10`, `1763805600`. What is typed is a span: `2026-11-22` is
//! a day, and whether its start or its end counts depends on the operator before it.

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while_m_n, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, map_opt, opt, recognize, value};
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser as _};

use crate::calendar::{self, days_in_month, days_since_epoch};
use crate::number::Number;
use crate::units::SECOND_NS;
pub use crate::units::duration_ns;

/// A moment, or as much time as was left unsaid. Nanoseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    /// The first nanosecond.
    pub start_ns: i64,
    /// The first nanosecond after it; always above the start.
    pub end_ns: i64,
}

impl TimeSpan {
    fn instant(at_ns: i64) -> TimeSpan {
        TimeSpan { start_ns: at_ns, end_ns: at_ns.saturating_add(1) }
    }

    pub(crate) fn new(start_ns: i128, length_ns: i64) -> Option<TimeSpan> {
        let start_ns = i64::try_from(start_ns).ok()?;
        Some(TimeSpan { start_ns, end_ns: start_ns.checked_add(length_ns)? })
    }
}

/// Reads a time:
/// - `now`, `now-15m`, `now+1h-5m`, `-15m`, with `M` for months and `y` for years;
/// - the same with `/d`: the whole second, minute, hour, day, week (from Monday), month or year that it lies in, in
///   UTC. `@d` says the same;
/// - a date of the Gregorian calendar with as much of the time as wanted, `2026-11`, `2026-11-22`,
///   `2026-11-22T10:30:00.123Z`, in UTC unless an offset follows (RFC 3339);
/// - a year, `2026`, or the digits of a date, `20261122`;
/// - seconds, milliseconds, microseconds or nanoseconds since the Unix epoch, told apart by their size.
///
/// None for anything else, for numbers that would be times in the first years after 1970, which nobody means, and for times outside the years 1678 to 2261, which 64 bits don't hold.
#[must_use]
pub fn parse_time(text: &str, now_ns: i64) -> Option<TimeSpan> {
    let text = text.trim();
    let is_number = text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number {
        digits_of_date(text).or_else(|| late_epoch(text))
    } else {
        relative(text, now_ns).or_else(|| date(text))
    }
}

/// `2026` and `20261122`, which are not meant as seconds.
fn digits_of_date(text: &str) -> Option<TimeSpan> {
    let (year, rest) = text.split_at_checked(4)?;
    match (rest.len(), rest.split_at_checked(2)) {
        (0, _) => calendar::around(date(&format!("{year}-01"))?.start_ns, "y"),
        (4, Some((month, day))) => date(&format!("{year}-{month}-{day}")),
        _ => None,
    }
}

/// The least number of seconds that is a time by itself, in the year 1973.
const LEAST_EPOCH_NS: i64 = 100_000_000 * SECOND_NS;

/// A number since the Unix epoch. 0 is its beginning; other small numbers are counts or mistyped dates.
fn late_epoch(text: &str) -> Option<TimeSpan> {
    epoch(text).filter(|span| text == "0" || span.start_ns >= LEAST_EPOCH_NS)
}

fn relative(text: &str, now_ns: i64) -> Option<TimeSpan> {
    let (text, unit) = match text.rsplit_once(['/', '@']) {
        Some((before, unit)) => (before, Some(unit)),
        None => (text, None),
    };
    let mut rest = match text.get(..3) {
        Some(now) if now.eq_ignore_ascii_case("now") => text.get(3..)?,
        _ if text.starts_with('-') || (text.is_empty() && unit.is_some()) => text,
        _ => return None,
    };
    let mut at_ns = now_ns;
    while !rest.is_empty() {
        let (sign, after) = rest.split_at_checked(1)?;
        let (step, after) = after.split_at(after.find(['+', '-']).unwrap_or(after.len()));
        at_ns = moved(at_ns, sign, step)?;
        rest = after;
    }
    unit.map_or(Some(TimeSpan::instant(at_ns)), |unit| calendar::around(at_ns, unit))
}

/// `at_ns` and `-15m`, or `+1M`, which is as long as the month is.
fn moved(at_ns: i64, sign: &str, step: &str) -> Option<i64> {
    let backward = match sign {
        "-" => true,
        "+" => false,
        _ => return None,
    };
    if let Some(months) = calendar::months(step) {
        return calendar::months_later(at_ns, if backward { -months } else { months });
    }
    let length_ns = duration_ns(step)?;
    if backward { at_ns.checked_sub(length_ns) } else { at_ns.checked_add(length_ns) }
}

/// What a document says: a date, or digits since the Unix epoch, at its first nanosecond. Not `now`.
pub(crate) fn absolute_time_ns(text: &str) -> Option<i64> {
    let text = text.trim();
    date(text).or_else(|| epoch(text)).map(|span| span.start_ns)
}

/// Whether a bound is meant as a time: it starts with `now`, or is a date with a day.
pub(crate) fn is_time_text(text: &str) -> bool {
    let relative = text.get(..3).is_some_and(|now| now.eq_ignore_ascii_case("now"));
    (relative || text.len() >= "2026-11-22".len() && date(text).is_some()) && parse_time(text, 0).is_some()
}

/// A number since the Unix epoch, in nanoseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of a float saturates, and the size is checked after"
)]
pub(crate) fn epoch_number_ns(number: Number) -> Option<i64> {
    match number {
        Number::I64(value) => value.checked_mul(epoch_unit_ns(value)),
        Number::F64(value) if value.is_finite() => {
            let unit_ns = epoch_unit_ns(value as i64);
            let whole = (value as i64).checked_mul(unit_ns)?;
            whole.checked_add((value.fract() * Number::I64(unit_ns).as_f64()) as i64)
        }
        Number::F64(_) => None,
    }
}

/// Seconds until the year 5138, then milliseconds, and so on: each scale ends where the next one is still in 1973.
fn epoch_unit_ns(number: i64) -> i64 {
    match number.unsigned_abs() {
        0..100_000_000_000 => SECOND_NS,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    }
}

/// Whole or fractional epoch times.
fn epoch(text: &str) -> Option<TimeSpan> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let unit_ns = epoch_unit_ns(number);
    let mut part_ns = unit_ns;
    let mut fraction_ns = 0;
    for digit in fraction.bytes() {
        part_ns /= 10;
        fraction_ns += i64::from(digit - b'0') * part_ns;
    }
    let start_ns = i128::from(number) * i128::from(unit_ns) + i128::from(fraction_ns);
    TimeSpan::new(start_ns, if fraction.is_empty() { 1 } else { part_ns.max(1) })
}

/// What of a date was written.
#[derive(Debug, Clone, Copy)]
struct Date {
    year: i64,
    month: i64,
    day: Option<i64>,
    clock: Option<Clock>,
    offset_s: i64,
}

#[derive(Debug, Clone, Copy)]
struct Clock {
    hour: i64,
    minute: Option<i64>,
    second: Option<i64>,
    /// Nanoseconds, and how many the last digit stands for.
    fraction: Option<(i64, i64)>,
}

fn date(text: &str) -> Option<TimeSpan> {
    let (_, date) = all_consuming(date_text).parse(text).ok()?;
    let Date { year, month, day, clock, offset_s } = date;
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day.unwrap_or(1)) {
        return None;
    }
    let midnight_s = days_since_epoch(year, month, day.unwrap_or(1)) * 86_400 - offset_s;
    let length_days = if day.is_some() { 1 } else { days_in_month(year, month) };
    let Some(clock) = clock else {
        return TimeSpan::new(
            i128::from(midnight_s) * i128::from(SECOND_NS),
            length_days.checked_mul(86_400)?.checked_mul(SECOND_NS)?,
        );
    };
    let (minute, second) = (clock.minute.unwrap_or(0), clock.second.unwrap_or(0));
    // 60 is a leap second, which Unix time folds into the next.
    if clock.hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let at_s = midnight_s + clock.hour * 3_600 + minute * 60 + second;
    let (fraction_ns, length_ns) = match clock {
        Clock { fraction: Some((ns, unit_ns)), .. } => (ns, unit_ns),
        Clock { second: Some(_), .. } => (0, SECOND_NS),
        Clock { minute: Some(_), .. } => (0, 60 * SECOND_NS),
        Clock { .. } => (0, 3_600 * SECOND_NS),
    };
    TimeSpan::new(i128::from(at_s) * i128::from(SECOND_NS) + i128::from(fraction_ns), length_ns)
}

fn date_text(text: &str) -> IResult<&str, Date> {
    let (text, year) = terminated(number(4), char('-')).parse(text)?;
    let (text, month) = number(2).parse(text)?;
    let (text, day) = opt(preceded(char('-'), number(2))).parse(text)?;
    if day.is_none() {
        return Ok((text, Date { year, month, day, clock: None, offset_s: 0 }));
    }
    let (text, clock) = opt(preceded(one_of("Tt "), clock_text)).parse(text)?;
    let (text, offset_s) = opt(offset_text).parse(text)?;
    Ok((text, Date { year, month, day, clock, offset_s: offset_s.unwrap_or(0) }))
}

fn clock_text(text: &str) -> IResult<&str, Clock> {
    let (text, hour) = number(2).parse(text)?;
    let (text, minute) = opt(preceded(char(':'), number(2))).parse(text)?;
    let mut clock = Clock { hour, minute, second: None, fraction: None };
    if minute.is_none() {
        return Ok((text, clock));
    }
    let (text, second) = opt(preceded(char(':'), number(2))).parse(text)?;
    clock.second = second;
    if second.is_none() {
        return Ok((text, clock));
    }
    let (text, fraction) =
        opt(preceded(one_of(".,"), take_while1(|c: char| c.is_ascii_digit()))).parse(text)?;
    clock.fraction = fraction.map(|digits: &str| {
        let mut unit_ns = SECOND_NS;
        let mut ns = 0;
        for digit in digits.bytes().take(9) {
            unit_ns /= 10;
            ns += i64::from(digit - b'0') * unit_ns;
        }
        (ns, unit_ns)
    });
    Ok((text, clock))
}

/// `Z`, `+01:00`, `-0530`, `+01`: seconds east of UTC.
fn offset_text(text: &str) -> IResult<&str, i64> {
    let zulu = value(0, recognize(tag_no_case("z")));
    let sign = alt((value(1, tag("+")), value(-1, tag("-"))));
    let minutes = opt(preceded(opt(char(':')), number(2)));
    let numeric =
        map_opt((sign, pair(number(2), minutes)), |(sign, (hours, minutes)): (i64, (i64, Option<i64>))| {
            let minutes = minutes.unwrap_or(0);
            (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
        });
    alt((zulu, numeric)).parse(text)
}

/// Exactly so many digits.
fn number<'t>(digits: usize) -> impl nom::Parser<&'t str, Output = i64, Error = nom::error::Error<&'t str>> {
    map_opt(take_while_m_n(digits, digits, |c: char| c.is_ascii_digit()), |text: &str| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:30:00Z
    const NOW: i64 = 1_795_343_400 * SECOND_NS;
    const MINUTE: i64 = 60 * SECOND_NS;
    const DAY: i64 = 1_440 * MINUTE;

    #[test]
    fn reads_what_people_type() {
        let midnight = NOW - 630 * MINUTE;
        let rows: &[(&str, Option<(i64, i64)>)] = &[
            ("now", Some((NOW, 1))),
            ("NOW-15m", Some((NOW - 15 * MINUTE, 1))),
            ("now+1h30m", Some((NOW + 90 * MINUTE, 1))),
            ("now/d", Some((midnight, DAY))),
            ("now-1d/d", Some((midnight - DAY, DAY))),
            ("-1d@d", Some((midnight - DAY, DAY))),
            ("@h", Some((NOW - 30 * MINUTE, 60 * MINUTE))),
            ("now/w", Some((midnight - 6 * DAY, 7 * DAY))),
            ("now/M", Some((midnight - 21 * DAY, 30 * DAY))),
            ("now/y", Some((midnight - 325 * DAY, 365 * DAY))),
            ("now-1M", Some((NOW - 31 * DAY, 1))),
            ("now-1y/M", Some((midnight - 386 * DAY, 30 * DAY))),
            ("now-1h-30m", Some((NOW - 90 * MINUTE, 1))),
            ("now+1h-30m/m", Some((NOW + 30 * MINUTE, MINUTE))),
            ("-15m", Some((NOW - 15 * MINUTE, 1))),
            ("2026-11-22", Some((midnight, DAY))),
            ("2026-11", Some((midnight - 21 * DAY, 30 * DAY))),
            ("2024-02", Some((1_706_745_600 * SECOND_NS, 29 * DAY))),
            ("2026-11-22T10", Some((NOW - 30 * MINUTE, 60 * MINUTE))),
            ("2026-11-22 10:30", Some((NOW, MINUTE))),
            ("2026-11-22T10:30:00Z", Some((NOW, SECOND_NS))),
            ("2026-11-22T11:30:00+01:00", Some((NOW, SECOND_NS))),
            ("2026-11-22T05:00:00-0530", Some((NOW, SECOND_NS))),
            ("2026-11-22T10:30:00.25Z", Some((NOW + 250_000_000, 10_000_000))),
            ("2026-11-22T10:30:00.123456789123Z", Some((NOW + 123_456_789, 1))),
            ("1969-12-31T23:59:59Z", Some((-SECOND_NS, SECOND_NS))),
            ("1970-01-01", Some((0, DAY))),
            ("2000-02-29", Some((951_782_400 * SECOND_NS, DAY))),
            ("1795343400", Some((NOW, 1))),
            ("1795343400.5", Some((NOW + 500_000_000, 100_000_000))),
            ("1795343400000", Some((NOW, 1))),
            ("1795343400000000", Some((NOW, 1))),
            ("1795343400000000000", Some((NOW, 1))),
            ("2026-02-29", None),
            ("2026-13-01", None),
            ("2026-11-22T24:00", None),
            ("2026-11-22T10:30:00+25:00", None),
            ("9999-12-31", None),
            ("now-", None),
            ("now-5", None),
            ("now/x", None),
            ("now/", None),
            ("now-99999999999y", None),
            ("now+300y", None),
            ("now-1M1d", None),
            ("/d", Some((midnight, DAY))),
            ("nowish", None),
            ("yesterday", None),
            ("99999999999999999999", None),
            ("12:30:00", None),
            ("", None),
            ("-", None),
            ("é", None),
            ("noé", None),
        ];
        check(rows);
    }

    #[track_caller]
    fn check(rows: &[(&str, Option<(i64, i64)>)]) {
        for (text, expected) in rows {
            let read = parse_time(text, NOW).map(|span| (span.start_ns, span.end_ns - span.start_ns));
            assert_eq!(read, *expected, "{text}");
        }
    }

    #[test]
    fn digits_are_a_year_a_day_or_a_number_since_1970() {
        let midnight = NOW - 630 * MINUTE;
        check(&[
            ("2026", Some((midnight - 325 * DAY, 365 * DAY))),
            ("2024", Some((1_704_067_200 * SECOND_NS, 366 * DAY))),
            ("20261122", Some((midnight, DAY))),
            ("20261322", None),
            ("1500", None),
            ("9999", None),
            ("2026112", None),
            ("5", None),
            ("99999999", None),
            ("0", Some((0, 1))),
            ("100000000", Some((100_000_000 * SECOND_NS, 1))),
        ]);
    }
}
