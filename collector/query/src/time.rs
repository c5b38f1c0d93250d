//! Times as people type them: `now-15m`, `2026-11-22T10`, `1763805600`. What is typed is a span: `2026-11-22` is
//! a day, and whether its start or its end counts depends on the operator before it.

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while_m_n, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{all_consuming, map_opt, opt, recognize, value};
use nom::sequence::{pair, preceded, terminated};
use nom::{IResult, Parser as _};

use crate::units::{SECOND_NS, duration_ns};

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

    fn new(start_ns: i128, length_ns: i64) -> Option<TimeSpan> {
        let start_ns = i64::try_from(start_ns).ok()?;
        Some(TimeSpan { start_ns, end_ns: start_ns.checked_add(length_ns)? })
    }
}

/// Reads a time:
/// - `now`, `now-15m`, `now+1h`, `now-1d/d` (rounded down to the day), `-15m`;
/// - a date of the Gregorian calendar with as much of the time as wanted, `2026-11`, `2026-11-22`,
///   `2026-11-22T10:30:00.123Z`, in UTC unless an offset follows (RFC 3339);
/// - seconds, milliseconds, microseconds or nanoseconds since the Unix epoch, told apart by their size.
///
/// None for anything else, and for times outside the years 1678 to 2261, which 64 bits don't hold.
#[must_use]
pub fn parse_time(text: &str, now_ns: i64) -> Option<TimeSpan> {
    let text = text.trim();
    relative(text, now_ns).or_else(|| epoch(text)).or_else(|| date(text))
}

fn relative(text: &str, now_ns: i64) -> Option<TimeSpan> {
    let (text, round_ns) = match text.rsplit_once('/') {
        Some((before, unit)) => (before, Some(duration_ns(&format!("1{unit}"))?)),
        None => (text, None),
    };
    let offset = match text.get(..3) {
        Some(now) if now.eq_ignore_ascii_case("now") => text.get(3..)?,
        _ if text.starts_with('-') => text,
        _ => return None,
    };
    let at_ns = match offset.split_at_checked(1) {
        None if offset.is_empty() => now_ns,
        Some(("-", duration)) => now_ns.checked_sub(duration_ns(duration)?)?,
        Some(("+", duration)) => now_ns.checked_add(duration_ns(duration)?)?,
        _ => return None,
    };
    Some(TimeSpan::instant(round_ns.map_or(at_ns, |step_ns| crate::pipe::bucket_start_ns(at_ns, step_ns))))
}

/// Whole or fractional epoch times. Seconds until the year 5138, then milliseconds, and so on: each scale ends
/// where the next one is still in 1973.
fn epoch(text: &str) -> Option<TimeSpan> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    let unit_ns: i64 = match number {
        0..100_000_000_000 => SECOND_NS,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
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

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar. The year is counted from March, so that the leap day is
/// its last, and 153 days are five months of 31 and 30 days from then on.
pub(crate) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leap_days + day_of_year - 719_468
}

/// Year, month and day so many days after 1970-01-01: the inverse of [`days_since_epoch`], by eras of 400 years.
pub(crate) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    const DAYS_PER_ERA: i64 = 146_097;
    let days = days.saturating_add(719_468);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = days.div_euclid(DAYS_PER_ERA) * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22T10:30:00Z
    const NOW: i64 = 1_795_343_400 * SECOND_NS;
    const MINUTE: i64 = 60 * SECOND_NS;
    const DAY: i64 = 1_440 * MINUTE;

    #[test]
    fn days_become_dates_and_dates_days() {
        for days in (-800_000..800_000).step_by(37).chain(-800..800) {
            let (year, month, day) = civil_from_days(days);
            assert!((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&day), "{days}");
            assert_eq!(days_since_epoch(year, month, day), days);
        }
    }

    #[test]
    fn reads_what_people_type() {
        let midnight = NOW - 630 * MINUTE;
        let rows: &[(&str, Option<(i64, i64)>)] = &[
            ("now", Some((NOW, 1))),
            ("NOW-15m", Some((NOW - 15 * MINUTE, 1))),
            ("now+1h30m", Some((NOW + 90 * MINUTE, 1))),
            ("now/d", Some((midnight, 1))),
            ("now-1d/d", Some((midnight - DAY, 1))),
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
            ("nowish", None),
            ("yesterday", None),
            ("99999999999999999999", None),
            ("12:30:00", None),
            ("", None),
            ("-", None),
            ("é", None),
            ("noé", None),
        ];
        for (text, expected) in rows {
            let read = parse_time(text, NOW).map(|span| (span.start_ns, span.end_ns - span.start_ns));
            assert_eq!(read, *expected, "{text}");
        }
    }
}
