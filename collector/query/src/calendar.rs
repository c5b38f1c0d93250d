//! The Gregorian calendar in UTC: days, months, and the span of the calendar that a moment lies in. Knows no time
//! zones and no leap seconds.

use crate::time::TimeSpan;
use crate::units::SECOND_NS;

const DAY_NS: i64 = 86_400 * SECOND_NS;

/// Most months that a time is moved by: more than 64 bits of nanoseconds hold.
const MAX_MONTHS: i64 = 12_000;

/// The months of `3M` or `1y`; none for any other text.
pub(crate) fn months(text: &str) -> Option<i64> {
    let (digits, unit_months) = match (text.strip_suffix('M'), text.strip_suffix('y')) {
        (Some(digits), _) => (digits, 1),
        (_, Some(digits)) => (digits, 12),
        _ => return None,
    };
    let count: i64 = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    count.checked_mul(unit_months).filter(|months| *months <= MAX_MONTHS)
}

/// The same time of day so many months later, on the last day of the month where the month is shorter.
pub(crate) fn months_later(at_ns: i64, months: i64) -> Option<i64> {
    let (year, month, day) = date_of(at_ns.div_euclid(DAY_NS));
    let (year, month) = month_later(year, month, months);
    let day = day.min(days_in_month(year, month));
    days_since_epoch(year, month, day).checked_mul(DAY_NS)?.checked_add(at_ns.rem_euclid(DAY_NS))
}

/// The whole `s`, `m`, `h`, `d`, `w`, `M` or `y` that a time lies in; none for any other unit.
pub(crate) fn around(at_ns: i64, unit: &str) -> Option<TimeSpan> {
    let days = at_ns.div_euclid(DAY_NS);
    let months = match unit {
        "s" => return step(at_ns, SECOND_NS),
        "m" => return step(at_ns, 60 * SECOND_NS),
        "h" | "H" => return step(at_ns, 3_600 * SECOND_NS),
        "d" => return step(at_ns, DAY_NS),
        // Day 0 was a Thursday.
        "w" => return between(days - (days + 3).rem_euclid(7), 7),
        "M" => 1,
        "y" => 12,
        _ => return None,
    };
    let (year, month, _) = date_of(days);
    let first = if months == 12 { 1 } else { month };
    let start = days_since_epoch(year, first, 1);
    let (year, month) = month_later(year, first, months);
    between(start, days_since_epoch(year, month, 1) - start)
}

fn step(at_ns: i64, length_ns: i64) -> Option<TimeSpan> {
    TimeSpan::new(i128::from(at_ns) - i128::from(at_ns.rem_euclid(length_ns)), length_ns)
}

fn between(start_days: i64, length_days: i64) -> Option<TimeSpan> {
    TimeSpan::new(i128::from(start_days) * i128::from(DAY_NS), length_days.checked_mul(DAY_NS)?)
}

fn month_later(year: i64, month: i64, months: i64) -> (i64, i64) {
    let months = year * 12 + month - 1 + months;
    (months.div_euclid(12), months.rem_euclid(12) + 1)
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// 719,468 days lie between 0000-03-01 and 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

/// Days of 400 years, after which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Days from 1970-01-01 in the Gregorian calendar. The year is counted from March, so that the leap day is
/// its last, and 153 days are five months of 31 and 30 days from then on.
pub(crate) fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    year * 365 + leap_days + day_of_year - EPOCH_DAYS
}

/// Year, month and day of a day counted from 1970-01-01: what [`days_since_epoch`] counts, backwards.
pub(crate) fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH_DAYS;
    let day_of_era = days.rem_euclid(ERA_DAYS);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (days.div_euclid(ERA_DAYS) * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_days_convert_both_ways() {
        let mut expected = (1_678, 1, 1);
        let first = days_since_epoch(1_678, 1, 1);
        for days in first..first + 584 * 366 {
            assert_eq!(date_of(days), expected);
            let (year, month, day) = expected;
            assert_eq!(days_since_epoch(year, month, day), days);
            expected = match (month, day == days_in_month(year, month)) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
        }
    }

    #[test]
    fn months_end_where_the_month_does() {
        let at = |year, month, day| days_since_epoch(year, month, day) * DAY_NS + 5;
        assert_eq!(months_later(at(2024, 3, 31), -1), Some(at(2024, 2, 29)));
        assert_eq!(months_later(at(2023, 1, 31), 13), Some(at(2024, 2, 29)));
        assert_eq!(months_later(at(2024, 1, 15), -12), Some(at(2023, 1, 15)));
        assert_eq!(months_later(at(2024, 1, 15), MAX_MONTHS), None);
    }
}
