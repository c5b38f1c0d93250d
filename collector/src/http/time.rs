//! Times and durations in parameters: RFC 3339, Unix time in s, ms, µs or ns, and `now` with an offset. Reads no
//! clock: `now` comes with the request.
//!
//! A `start` is inclusive and an `end` exclusive; both are unbounded when absent.

use millpond_store::TimeRange;

use super::params::Parameters;
use super::problem::Problem;

const SECOND_NS: i64 = 1_000_000_000;

/// Units of durations, nanoseconds.
const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000_000),
    ("s", SECOND_NS),
    ("m", 60 * SECOND_NS),
    ("h", 3_600 * SECOND_NS),
    ("d", 86_400 * SECOND_NS),
    ("w", 604_800 * SECOND_NS),
];

/// Unix times below these are in the unit beside them, nanoseconds: seconds until the year 5138, milliseconds from
/// 1973, microseconds from 1973.
const EPOCH_UNITS: [(u64, i64); 3] =
    [(100_000_000_000, SECOND_NS), (100_000_000_000_000, 1_000_000), (100_000_000_000_000_000, 1_000)];

/// Why a text is no time or duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTime {
    /// No known form.
    #[error("write 2026-11-22T10:00:00Z, a Unix time in s, ms, µs or ns, or now-15m")]
    Form,
    /// A calendar has no such day or time.
    #[error("there is no such day or time")]
    Calendar,
    /// Nanoseconds since 1970 in 64 bits end there.
    #[error("times lie between the years 1678 and 2261")]
    Range,
    /// No known duration.
    #[error("write a duration such as 500ms, 30s, 5m, 1h30m, 2d or 1w")]
    Duration,
}

/// The parameters `start` and `end`.
pub(super) fn range(parameters: &Parameters, now_ns: i64) -> Result<TimeRange, Problem> {
    let start_ns = parameters.read("start", |text| instant(text, now_ns))?;
    let end_ns = parameters.read("end", |text| instant(text, now_ns))?;
    if let (Some(start_ns), Some(end_ns)) = (start_ns, end_ns)
        && start_ns > end_ns
    {
        return Err(Problem::parameter("end", "`end` is before `start`."));
    }
    Ok(TimeRange { start_ns, end_ns })
}

/// A point in time, Unix nanoseconds.
pub(super) fn instant(text: &str, now_ns: i64) -> Result<i64, BadTime> {
    let text = text.trim();
    if let Some(offset) = text.strip_prefix("now") {
        return relative(offset.trim(), now_ns);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return epoch(text);
    }
    calendar(text)
}

/// A duration of one or several parts, nanoseconds, above 0.
pub(super) fn duration_ns(text: &str) -> Result<i64, BadTime> {
    let mut rest = text.trim();
    let mut total_ns: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits).ok_or(BadTime::Duration)?;
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at_checked(letters).ok_or(BadTime::Duration)?;
        let (_, unit_ns) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or(BadTime::Duration)?;
        let number: i64 = number.parse().map_err(|_| BadTime::Duration)?;
        let part_ns = number.checked_mul(unit_ns).ok_or(BadTime::Duration)?;
        total_ns = total_ns.checked_add(part_ns).ok_or(BadTime::Duration)?;
        rest = after;
    }
    if total_ns > 0 { Ok(total_ns) } else { Err(BadTime::Duration) }
}

/// What follows `now`.
fn relative(offset: &str, now_ns: i64) -> Result<i64, BadTime> {
    if offset.is_empty() {
        return Ok(now_ns);
    }
    if let Some(back) = offset.strip_prefix('-') {
        return now_ns.checked_sub(duration_ns(back)?).ok_or(BadTime::Range);
    }
    let ahead = offset.strip_prefix('+').ok_or(BadTime::Form)?;
    now_ns.checked_add(duration_ns(ahead)?).ok_or(BadTime::Range)
}

/// Unix time; its size tells the unit.
fn epoch(text: &str) -> Result<i64, BadTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || fraction.contains('.') {
        return Err(BadTime::Form);
    }
    let whole: u64 = whole.parse().map_err(|_| BadTime::Range)?;
    let unit_ns = EPOCH_UNITS.into_iter().find(|(below, _)| whole < *below).map_or(1, |(_, unit_ns)| unit_ns);
    let whole = i64::try_from(whole).map_err(|_| BadTime::Range)?;
    let mut fraction_ns = 0;
    let mut digit_ns = unit_ns;
    for digit in fraction.bytes() {
        digit_ns /= 10;
        fraction_ns += digit_ns * i64::from(digit.wrapping_sub(b'0'));
    }
    whole.checked_mul(unit_ns).and_then(|ns| ns.checked_add(fraction_ns)).ok_or(BadTime::Range)
}

/// RFC 3339, also without seconds or the whole time of day, and without a zone, which is UTC then.
fn calendar(text: &str) -> Result<i64, BadTime> {
    let mut scan = Scan(text.as_bytes());
    let (year, month, day) = (scan.number(4)?, scan.after(b"-", 2)?, scan.after(b"-", 2)?);
    let mut time_of_day = (0, 0, 0);
    let mut nanosecond = 0;
    let mut offset_s = 0;
    if !scan.is_end() {
        time_of_day = (scan.after(b"Tt ", 2)?, scan.after(b":", 2)?, 0);
        if scan.take(b":").is_some() {
            time_of_day.2 = scan.number(2)?;
            nanosecond = scan.fraction_ns()?;
        }
        offset_s = scan.zone()?;
    }
    let (hour, minute, second) = time_of_day;
    // Second 60 is a leap second and runs into the next minute.
    if hour > 23 || minute > 59 || second > 60 {
        return Err(BadTime::Calendar);
    }
    let days = days_from_civil(year, month, day).ok_or(BadTime::Calendar)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second - offset_s;
    seconds.checked_mul(SECOND_NS).and_then(|ns| ns.checked_add(nanosecond)).ok_or(BadTime::Range)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar; years begin on 1 March here, so that the leap day is
/// the last of its year. `None` when there is no such day.
fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let month_days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=month_days).contains(&day) {
        return None;
    }
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    const DAYS_FROM_MARCH_OF_YEAR_0: i64 = 719_469;
    Some(year * 365 + leap_days + (153 * month + 2) / 5 + day - DAYS_FROM_MARCH_OF_YEAR_0)
}

/// What is left of a text to read.
struct Scan<'a>(&'a [u8]);

impl Scan<'_> {
    fn is_end(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes one of these bytes.
    fn take(&mut self, any_of: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| any_of.contains(first))?;
        self.0 = rest;
        Some(*first)
    }

    /// A number of exactly `digits` digits, at most 9.
    fn number(&mut self, digits: usize) -> Result<i64, BadTime> {
        let (number, rest) = self.0.split_at_checked(digits).ok_or(BadTime::Form)?;
        self.0 = rest;
        number.iter().try_fold(0, |value, byte| match byte {
            b'0'..=b'9' => Ok(value * 10 + i64::from(byte - b'0')),
            _ => Err(BadTime::Form),
        })
    }

    /// One of these bytes, then a number.
    fn after(&mut self, any_of: &[u8], digits: usize) -> Result<i64, BadTime> {
        self.take(any_of).ok_or(BadTime::Form)?;
        self.number(digits)
    }

    /// `.123`, or nothing. Digits beyond the ninth are cut.
    fn fraction_ns(&mut self) -> Result<i64, BadTime> {
        if self.take(b".,").is_none() {
            return Ok(0);
        }
        let mut fraction_ns = 0;
        let mut digit_ns = SECOND_NS;
        while let Some(digit) = self.take(b"0123456789") {
            digit_ns /= 10;
            fraction_ns += digit_ns * i64::from(digit - b'0');
        }
        if digit_ns == SECOND_NS { Err(BadTime::Form) } else { Ok(fraction_ns) }
    }

    /// `Z`, `+02:00` or nothing, which is UTC, up to the end. Seconds ahead of UTC.
    fn zone(&mut self) -> Result<i64, BadTime> {
        // A `+` that was not percent-encoded in a URL arrives as a space.
        let offset_s = match self.take(b"Zz+- ") {
            None | Some(b'Z' | b'z') => 0,
            Some(sign) => {
                let (hours, minutes) = (self.number(2)?, self.after(b":", 2)?);
                if hours > 23 || minutes > 59 {
                    return Err(BadTime::Calendar);
                }
                let seconds = hours * 3_600 + minutes * 60;
                if sign == b'-' { -seconds } else { seconds }
            }
        };
        if self.is_end() { Ok(offset_s) } else { Err(BadTime::Form) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_366_800_000_000_000; // 2026-11-22T17:00:00Z
    const HOUR: i64 = 3_600 * SECOND_NS;

    fn check(text: &str, expected: Result<i64, BadTime>) {
        assert_eq!(instant(text, NOW), expected, "{text}");
    }

    #[test]
    fn instants() {
        check("now", Ok(NOW));
        check("now-15m", Ok(NOW - HOUR / 4));
        check("now - 1h30m", Ok(NOW - HOUR - HOUR / 2));
        check("now+1d", Ok(NOW + 24 * HOUR));
        check("now-", Err(BadTime::Duration));
        check("now-5", Err(BadTime::Duration));
        check("now15m", Err(BadTime::Form));
        check("now-300000d", Err(BadTime::Duration));
        check("2026-11-22T17:00:00Z", Ok(NOW));
        check("2026-11-22t17:00:00z", Ok(NOW));
        check("2026-11-22T19:00:00+02:00", Ok(NOW));
        check("2026-11-22T19:00:00 02:00", Ok(NOW));
        check("2026-11-22T11:30:00.000000001-05:30", Ok(NOW + 1));
        check("2026-11-22 17:00", Ok(NOW));
        check("2026-11-22", Ok(NOW - 17 * HOUR));
        check("2000-02-29T00:00:00Z", Ok(951_782_400 * SECOND_NS));
        check("1969-12-31T23:59:59.5Z", Ok(-SECOND_NS / 2));
        check("2016-12-31T23:59:60Z", Ok(1_483_228_800 * SECOND_NS));
        check("2026-02-29", Err(BadTime::Calendar));
        check("2026-13-01", Err(BadTime::Calendar));
        check("2026-11-22T24:00:00Z", Err(BadTime::Calendar));
        check("2026-11-22T17:00:00+24:00", Err(BadTime::Calendar));
        check("2026-11-22T17:00:00.Z", Err(BadTime::Form));
        check("2026-11-22T17:00:00Zx", Err(BadTime::Form));
        check("2300-01-01", Err(BadTime::Range));
        check("yesterday", Err(BadTime::Form));
        check("", Err(BadTime::Form));
        check("2026-11-é", Err(BadTime::Form));
    }

    #[test]
    fn unix_times_tell_their_unit_by_size() {
        check("0", Ok(0));
        check("1795366800", Ok(NOW));
        check("1795366800.25", Ok(NOW + SECOND_NS / 4));
        check("1795366800000", Ok(NOW));
        check("1795366800000000", Ok(NOW));
        check("1795366800000000000", Ok(NOW));
        check("1795366800000000000.9", Ok(NOW));
        check("1.2.3", Err(BadTime::Form));
        check(".5", Err(BadTime::Form));
        check("9223372036854775808", Err(BadTime::Range));
        check("99999999999999999999999", Err(BadTime::Range));
    }

    #[test]
    fn durations() {
        let rows = [
            ("500ms", Ok(SECOND_NS / 2)),
            ("1h30m", Ok(HOUR + HOUR / 2)),
            ("1w", Ok(168 * HOUR)),
            ("0s", Err(BadTime::Duration)),
            ("", Err(BadTime::Duration)),
            ("5", Err(BadTime::Duration)),
            ("m", Err(BadTime::Duration)),
            ("5y", Err(BadTime::Duration)),
            ("9999999999999s", Err(BadTime::Duration)),
        ];
        for (text, expected) in rows {
            assert_eq!(duration_ns(text), expected, "{text}");
        }
    }

    #[test]
    fn printed_times_read_back() {
        for at in [0, -1, NOW + 123, 951_782_399_999_999_999, 4_107_542_400_000_000_000] {
            let mut text = Vec::new();
            millpond_wire::batch::write_rfc3339(at, &mut text);
            check(std::str::from_utf8(&text).unwrap(), Ok(at));
        }
    }
}
