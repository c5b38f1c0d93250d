//! The shapes that timestamps have in logs. Each reads from a cursor and moves it only when it succeeds.
//! A new shape is one function and one arm in [`any`].

use crate::cursor::Cursor;
use crate::time::{Clock, Stamp};

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The shape is told by the number of leading digits and what stands behind them.
pub(super) fn any(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let digits = (0..9).take_while(|i| cursor.peek_at(*i).is_some_and(|b| b.is_ascii_digit())).count();
    let after = cursor.peek_at(digits)?;
    let letter_follows = cursor.peek_at(digits + 1).is_some_and(|b| b.is_ascii_alphabetic());
    match (digits, after) {
        (4, b'-' | b'/' | b'.') => year_month_day(cursor),
        (8, b'T' | b' ' | b'-') => compact(cursor),
        (6, b' ') => short_compact(cursor),
        (2, b'/') if letter_follows => slashed_day_month_year(cursor),
        (2, b'/') => short_year_month_day(cursor),
        (1 | 2, b'-' | b' ') if letter_follows => day_month_year(cursor),
        (2, b'-') => dashed_month_day(cursor),
        (0, _) => ctime(cursor).or_else(|| rfc1123(cursor)).or_else(|| month_day(cursor)),
        _ => None,
    }
}

/// RFC 3339 with its zone, as machines write it: `2024-05-01T12:00:00.123456789Z`.
pub(crate) fn rfc3339(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let stamp = year_month_day(&mut c)?;
    stamp.offset_s?;
    *cursor = c;
    Some(stamp)
}

/// `2024-05-01T12:00:00.123Z`, `2024-05-01 12:00:00,123`, `2024/05/01 12:00:00`, and without seconds. Two spaces: apt.
pub(crate) fn year_month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let year = c.digits(4)?;
    let separator = c.peek()?;
    if !matches!(separator, b'-' | b'/' | b'.') {
        return None;
    }
    c.advance(1);
    let month = c.digits(2)?;
    if !c.eat(separator) {
        return None;
    }
    let day = c.digits(2)?;
    if !(c.eat(b'T') || c.eat(b't') || c.eat(b' ') || c.eat(b'_')) {
        return None;
    }
    c.eat(b' ');
    let clock = time_of_day(&mut c).or_else(|| hour_minute(&mut c))?;
    let offset_s = zone(&mut c);
    *cursor = c;
    Some(Stamp { offset_s, ..Stamp::dated(year, month, day, clock) })
}

/// `20240501T120000Z`, `20240501 12:00:00.123`, `20240501-12:00:00:1` without its last part.
fn compact(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let (year, month, day) = (c.digits(4)?, c.digits(2)?, c.digits(2)?);
    c.advance(1);
    let clock = time_of_day(&mut c).or_else(|| bare_time(&mut c))?;
    let offset_s = zone(&mut c);
    *cursor = c;
    Some(Stamp { offset_s, ..Stamp::dated(year, month, day, clock) })
}

/// `081109 203615` (Hadoop) and `081109 20:36:15` (old MySQL).
fn short_compact(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let (year, month, day) = (c.digits(2)?, c.digits(2)?, c.digits(2)?);
    c.skip_spaces();
    let clock = time_of_day(&mut c).or_else(|| bare_time(&mut c))?;
    *cursor = c;
    Some(Stamp::dated(full_year(year), month, day, clock))
}

/// `17/06/09 20:10:40`, log4j's short date with the year first.
fn short_year_month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let year = c.digits(2)?;
    let month = c.eat(b'/').then(|| c.digits(2))??;
    let day = c.eat(b'/').then(|| c.digits(2))??;
    let clock = c.eat(b' ').then(|| time_of_day(&mut c))??;
    *cursor = c;
    Some(Stamp::dated(full_year(year), month, day, clock))
}

/// The common log format: `10/Oct/2000:13:55:36 -0700`.
pub(crate) fn slashed_day_month_year(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let day = c.digits(2)?;
    let month = c.eat(b'/').then(|| name(&mut c, &MONTHS))??;
    let year = c.eat(b'/').then(|| c.digits(4))??;
    if !(c.eat(b':') || c.eat(b' ')) {
        return None;
    }
    let clock = time_of_day(&mut c)?;
    let offset_s = zone(&mut c);
    *cursor = c;
    Some(Stamp { offset_s, ..Stamp::dated(year, month, day, clock) })
}

/// `01-May-2024 12:00:00.123` (Tomcat, BIND) and `1 May 2024 12:00:00.123` (Redis).
fn day_month_year(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let day = one_or_two_digits(&mut c)?;
    let separator = c.peek()?;
    let month = c.eat(separator).then(|| name(&mut c, &MONTHS))??;
    let year = c.eat(separator).then(|| c.digits(4))??;
    let clock = c.eat(b' ').then(|| time_of_day(&mut c))??;
    let offset_s = zone(&mut c);
    *cursor = c;
    Some(Stamp { offset_s, ..Stamp::dated(year, month, day, clock) })
}

/// Android's `03-17 16:13:38.811`. It always has the fraction, which tells it from a range of numbers.
fn dashed_month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let month = c.digits(2)?;
    let day = c.eat(b'-').then(|| c.digits(2))??;
    let clock = c.eat(b' ').then(|| time_of_day(&mut c))??;
    *cursor = c;
    Some(Stamp::yearless(month, day, clock))
}

/// BSD syslog's `Jun  4 15:16:01`, with the year that Cisco adds, and java.util.logging's `May 1, 2024 9:05:00 PM`.
pub(crate) fn month_day(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    let month = name(&mut c, &MONTHS)?;
    if c.skip_spaces() == 0 {
        return None;
    }
    let day = one_or_two_digits(&mut c)?;
    c.eat(b',');
    c.eat(b' ').then_some(())?;
    let year = year_before_time(&mut c);
    let mut clock = time_of_day(&mut c).or_else(|| short_hour(&mut c))?;
    if year.is_some() {
        half_day(&mut c, &mut clock)?;
    }
    let offset_s = if year.is_some() { zone(&mut c) } else { None };
    *cursor = c;
    Some(Stamp { year: year.map(i64::from), month, day, clock, offset_s })
}

/// C's `ctime`: `Sun Dec 04 04:47:44 2005`, with Apache 2.4's fraction and date(1)'s zone name before the year.
pub(crate) fn ctime(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    name(&mut c, &WEEKDAYS)?;
    c.eat(b' ').then_some(())?;
    let month = name(&mut c, &MONTHS)?;
    c.skip_spaces();
    let day = one_or_two_digits(&mut c)?;
    let clock = c.eat(b' ').then(|| time_of_day(&mut c))??;
    let offset_s = zone(&mut c);
    let year = c.eat(b' ').then(|| c.digits(4))??;
    *cursor = c;
    Some(Stamp { offset_s, ..Stamp::dated(year, month, day, clock) })
}

/// HTTP's and mail's `Sun, 04 Dec 2005 04:47:44 GMT`.
fn rfc1123(cursor: &mut Cursor<'_>) -> Option<Stamp> {
    let mut c = *cursor;
    name(&mut c, &WEEKDAYS)?;
    c.eat_str(", ").then_some(())?;
    let stamp = day_month_year(&mut c)?;
    *cursor = c;
    Some(stamp)
}

/// `HH:MM:SS` with up to nine digits of fraction after a point or a comma; more digits are cut.
pub(crate) fn time_of_day(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut c = *cursor;
    let hour = c.digits(2)?;
    let minute = c.eat(b':').then(|| c.digits(2))??;
    let second = c.eat(b':').then(|| c.digits(2))??;
    let clock = clock(hour, minute, second, fraction(&mut c))?;
    *cursor = c;
    Some(clock)
}

/// Seconds that are there and impossible (`12:00:61`) aren't left out.
fn hour_minute(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut c = *cursor;
    let hour = c.digits(2)?;
    let minute = c.eat(b':').then(|| c.digits(2))??;
    if c.peek() == Some(b':') {
        return None;
    }
    *cursor = c;
    clock(hour, minute, 0, 0)
}

/// `9:05:00`.
fn short_hour(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut c = *cursor;
    let hour = c.digits(1)?;
    let minute = c.eat(b':').then(|| c.digits(2))??;
    let second = c.eat(b':').then(|| c.digits(2))??;
    *cursor = c;
    clock(hour, minute, second, 0)
}

/// `203615`.
fn bare_time(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut c = *cursor;
    let (hour, minute, second) = (c.digits(2)?, c.digits(2)?, c.digits(2)?);
    if c.peek().is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    let clock = clock(hour, minute, second, fraction(&mut c))?;
    *cursor = c;
    Some(clock)
}

fn clock(hour: u32, minute: u32, second: u32, nanosecond: u32) -> Option<Clock> {
    let is_valid = hour < 24 && minute < 60 && second <= 60;
    is_valid.then(|| Clock { second_of_day: hour * 3600 + minute * 60 + second, nanosecond })
}

fn fraction(cursor: &mut Cursor<'_>) -> u32 {
    let starts = matches!(cursor.peek(), Some(b'.' | b','));
    if !starts || !cursor.peek_at(1).is_some_and(|b| b.is_ascii_digit()) {
        return 0;
    }
    cursor.advance(1);
    let (mut value, mut scale) = (0, 100_000_000);
    while let Some(byte) = cursor.peek().filter(u8::is_ascii_digit) {
        value += u32::from(byte - b'0') * scale;
        scale /= 10;
        cursor.advance(1);
    }
    value
}

/// `AM` or `PM` after a time of the twelve-hour clock; neither is a time of day. None: such an hour doesn't exist.
fn half_day(cursor: &mut Cursor<'_>, clock: &mut Clock) -> Option<()> {
    let is_pm = if cursor.eat_str(" PM") {
        true
    } else if cursor.eat_str(" AM") {
        false
    } else {
        return Some(());
    };
    let hour = clock.second_of_day / 3600;
    let hour_24 = match (hour, is_pm) {
        (12, false) => 0,
        (12, true) => 12,
        (1..=11, true) => hour + 12,
        (1..=11, false) => hour,
        _ => return None,
    };
    clock.second_of_day = clock.second_of_day % 3600 + hour_24 * 3600;
    Some(())
}

/// `Z`, ` UTC`, ` GMT`, `+02:00`, `+0200`, `+02`, ` +0200`. Other names are ambiguous, so they are no zone.
fn zone(cursor: &mut Cursor<'_>) -> Option<i32> {
    if cursor.eat(b'Z') || cursor.eat(b'z') {
        return Some(0);
    }
    for name in [" UTC", " GMT", "UTC", " Z"] {
        let ends = !cursor.peek_at(name.len()).is_some_and(|b| b.is_ascii_alphanumeric());
        if ends && cursor.eat_str(name) {
            return Some(0);
        }
    }
    let mut c = *cursor;
    let is_apart = c.eat(b' ');
    let sign = match c.peek()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    c.advance(1);
    let hours = c.digits(2)?;
    let has_colon = c.eat(b':');
    let minutes = match c.digits(2) {
        Some(minutes) => minutes,
        None if has_colon || is_apart => return None,
        None => 0,
    };
    let is_valid = hours <= 14 && minutes % 15 == 0 && minutes < 60;
    if !is_valid || c.peek().is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    *cursor = c;
    Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?)
}

/// Reads a month or weekday in any case, in full or cut to three letters or more; its number from 1.
fn name(cursor: &mut Cursor<'_>, names: &[&str]) -> Option<u32> {
    let mut c = *cursor;
    let word = c.take_while(|b| b.is_ascii_alphabetic());
    let is_start_of =
        |name: &&str| name.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let index = names.iter().position(is_start_of).filter(|_| word.len() >= 3)?;
    *cursor = c;
    u32::try_from(index + 1).ok()
}

fn one_or_two_digits(cursor: &mut Cursor<'_>) -> Option<u32> {
    cursor.digits(2).or_else(|| cursor.digits(1))
}

fn year_before_time(cursor: &mut Cursor<'_>) -> Option<u32> {
    let mut c = *cursor;
    let year = c.digits(4)?;
    c.eat(b' ').then_some(())?;
    *cursor = c;
    Some(year)
}

/// Two digits are 1970 to 2069, as POSIX and most libraries have it.
fn full_year(short: u32) -> u32 {
    if short < 70 { 2000 + short } else { 1900 + short }
}
