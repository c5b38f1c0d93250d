//! Timestamps: from the text of a line to Unix nanoseconds. `layouts` reads the shapes, this file does the calendar.
//!
//! No clock and no zone database are in here: both come with the [`Context`]. An impossible date (February 30) is no
//! timestamp, and a date outside of 1677 to 2262 doesn't fit the nanoseconds and is none either.

mod epoch;
mod layouts;
#[cfg(test)]
pub(crate) mod tests;

use crate::cursor::Cursor;
use crate::limits::{YEARLESS_AHEAD_MAX_S, YEARLESS_BACK_MAX};

pub(crate) use epoch::from_decimal as epoch_from_decimal;
pub(crate) use layouts::{ctime, month_day, rfc3339, slashed_day_month_year, time_of_day, year_month_day};

const NS_PER_S: i64 = 1_000_000_000;
const S_PER_DAY: i64 = 86_400;

/// What a line alone doesn't say.
#[derive(Clone, Copy)]
pub struct Context<'z> {
    /// The clock, Unix nanoseconds: it picks the year of a date that has none.
    pub now_ns: i64,
    /// Applied to a time that names no zone.
    pub zone: &'z dyn Zone,
}

/// The zone of times that don't name one.
pub trait Zone {
    /// Seconds that local time is ahead of UTC at that local time, which is given as if it were UTC, in Unix seconds.
    /// Must be a function of its argument alone: in a gap or an overlap of summer time it has to choose one of the two,
    /// always the same.
    fn utc_offset_seconds(&self, local_seconds: i64) -> i32;
}

/// A zone that is always the same number of seconds ahead of UTC; `FixedZone(0)` is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedZone(pub i32);

impl Zone for FixedZone {
    fn utc_offset_seconds(&self, _local_seconds: i64) -> i32 {
        self.0
    }
}

/// A point in time, and whether its zone had to be taken from the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Instant {
    pub(crate) ns: i64,
    pub(crate) zone_assumed: bool,
}

/// A timestamp as written; `None` is what it leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    year: Option<i64>,
    month: u32,
    day: u32,
    clock: Clock,
    offset_s: Option<i32>,
}

/// Time of day; second 60 is a leap second and runs into the next minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clock {
    second_of_day: u32,
    nanosecond: u32,
}

impl Stamp {
    /// A date without year and zone, for formats that write it in a way of their own (klog).
    pub(crate) fn yearless(month: u32, day: u32, clock: Clock) -> Stamp {
        Stamp { year: None, month, day, clock, offset_s: None }
    }

    /// As `yearless`, with a year.
    pub(crate) fn dated(year: u32, month: u32, day: u32, clock: Clock) -> Stamp {
        Stamp { year: Some(i64::from(year)), ..Stamp::yearless(month, day, clock) }
    }

    /// None when there is no such day.
    pub(crate) fn resolve(&self, context: &Context<'_>) -> Option<Instant> {
        let ns = match self.year {
            Some(year) => self.in_year(year, context)?,
            None => self.in_likely_year(context)?,
        };
        Some(Instant { ns, zone_assumed: self.offset_s.is_none() })
    }

    /// The newest year that doesn't put it into the future: a log line has been written already. So "Dec 31" read on
    /// January 1 is yesterday, and "Feb 29" is the latest that there was.
    fn in_likely_year(&self, context: &Context<'_>) -> Option<i64> {
        let now_s = context.now_ns.div_euclid(NS_PER_S);
        let latest_ns = now_s.checked_add(YEARLESS_AHEAD_MAX_S)?.checked_mul(NS_PER_S)?;
        let this_year = year_of(now_s.div_euclid(S_PER_DAY));
        (this_year - YEARLESS_BACK_MAX..=this_year + 1)
            .rev()
            .find_map(|year| self.in_year(year, context).filter(|ns| *ns <= latest_ns))
    }

    fn in_year(&self, year: i64, context: &Context<'_>) -> Option<i64> {
        if self.month == 0 || self.month > 12 || self.day == 0 || self.day > days_in_month(year, self.month) {
            return None;
        }
        let days = days_before_year(year).checked_add(day_of_year(year, self.month, self.day))?;
        let local_s = days.checked_mul(S_PER_DAY)?.checked_add(i64::from(self.clock.second_of_day))?;
        let offset_s = self.offset_s.unwrap_or_else(|| context.zone.utc_offset_seconds(local_s));
        let utc_s = local_s.checked_sub(i64::from(offset_s))?;
        utc_s.checked_mul(NS_PER_S)?.checked_add(i64::from(self.clock.nanosecond))
    }
}

/// The timestamp that a text starts with, of any known layout, and its length in bytes.
pub(crate) fn leading(text: &str, context: &Context<'_>) -> Option<(Instant, usize)> {
    let mut cursor = Cursor::new(text);
    if let Some(stamp) = layouts::any(&mut cursor) {
        return Some((stamp.resolve(context)?, cursor.pos()));
    }
    let (ns, length) = epoch::leading(text, context)?;
    Some((Instant { ns, zone_assumed: false }, length))
}

/// A text that is a timestamp from end to end, as the value of a field is; digits alone are Unix time.
pub(crate) fn whole(text: &str, context: &Context<'_>) -> Option<Instant> {
    let text = text.trim_ascii();
    let mut cursor = Cursor::new(text);
    if let Some(stamp) = layouts::any(&mut cursor).filter(|_| cursor.is_end()) {
        return stamp.resolve(context);
    }
    epoch::from_decimal(text).map(|ns| Instant { ns, zone_assumed: false })
}

const DAYS_BEFORE_MONTH: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to January 1 of that year, in the Gregorian calendar extended to all years.
fn days_before_year(year: i64) -> i64 {
    let before = year.saturating_sub(1);
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    const LEAP_DAYS_BEFORE_1970: i64 = 1969 / 4 - 1969 / 100 + 1969 / 400;
    year.saturating_sub(1970).saturating_mul(365).saturating_add(leap_days - LEAP_DAYS_BEFORE_1970)
}

/// Days since January 1; month and day are in range.
fn day_of_year(year: i64, month: u32, day: u32) -> i64 {
    let before = DAYS_BEFORE_MONTH.get(month as usize - 1).copied().unwrap_or_default();
    i64::from(before + day - 1) + i64::from(month > 2 && is_leap(year))
}

fn year_of(days: i64) -> i64 {
    // The mean year is 365.2425 days, so the estimate is off by one year at most.
    let estimate = 1970 + days.saturating_mul(400).div_euclid(146_097);
    if days < days_before_year(estimate) {
        estimate - 1
    } else if days >= days_before_year(estimate + 1) {
        estimate + 1
    } else {
        estimate
    }
}
