//! Times: what is typed after `--since` and `--until`, and how a time of a log is shown. People mean and read the
//! time of their own zone; the API gets and gives UTC. Reads no clock: `now` comes in. Pure.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use millpond_query::time::parse_time;

/// Why a text is no time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: write 15m, 2h, 7d, 1y, today, yesterday, 10:30, 2026-11-22, \"2026-11-22 10:30\" or \
     2026-11-22T10:30:00Z"
)]
pub(crate) struct BadTime(String);

/// A typed time as the API takes it: how long ago (`15m`, `-1h30m`), a day or a time of the local zone, an RFC 3339
/// time, a Unix time, or `now` with what the API takes after it. A time of the clock is the last one that was.
pub(crate) fn instant(text: &str, now: &Zoned) -> Result<String, BadTime> {
    read(text, now, false)
}

/// The bounds of a range. A time of the clock that ends it is today's where yesterday's would be before its beginning.
pub(crate) fn range(
    since: Option<&str>,
    until: Option<&str>,
    now: &Zoned,
) -> Result<[Option<String>; 2], BadTime> {
    let start = since.map(|since| instant(since, now)).transpose()?;
    let mut end = until.map(|until| instant(until, now)).transpose()?;
    if let (Some(start), Some(before), Some(until)) = (&start, &end, until)
        && unix_ns(before, now) < unix_ns(start, now)
    {
        end = Some(read(until, now, true)?);
    }
    Ok([start, end])
}

/// The same time without `now` in it, so that it stays what it is.
pub(crate) fn fixed(instant: &str, now: &Zoned) -> String {
    let timestamp = unix_ns(instant, now).and_then(|ns| Timestamp::from_nanosecond(ns.into()).ok());
    timestamp.map_or_else(|| instant.to_owned(), |timestamp| timestamp.to_string())
}

/// Whether a typed time is another one tomorrow.
pub(crate) fn moves(text: &str, now: &Zoned) -> bool {
    let tomorrow = now.checked_add(25.hours()).unwrap_or_else(|_| now.clone());
    let is_relative = instant(text, now).is_ok_and(|instant| instant.starts_with("now"));
    is_relative || instant(text, now) != instant(text, &tomorrow)
}

/// What the collector makes of a time.
fn unix_ns(instant: &str, now: &Zoned) -> Option<i64> {
    let now_ns = i64::try_from(now.timestamp().as_nanosecond()).ok()?;
    parse_time(instant, now_ns).map(|span| span.start_ns)
}

fn read(text: &str, now: &Zoned, may_be_ahead: bool) -> Result<String, BadTime> {
    let text = text.trim();
    let bad = || BadTime(crate::escape::line(text));
    let ago = format!("now-{}", text.strip_prefix('-').unwrap_or(text));
    if unix_ns(&ago, now).is_some() {
        return Ok(ago);
    }
    let is_unix = text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if (is_unix || text.starts_with("now")) && unix_ns(text, now).is_some() {
        return Ok(text.to_owned());
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.to_string());
    }
    let midnight = Time::midnight();
    let local = match text {
        "today" => now.date().to_datetime(midnight),
        "yesterday" => now.date().checked_sub(1.day()).map_err(|_| bad())?.to_datetime(midnight),
        _ if text.contains(['T', ' ', 't']) => text.parse::<DateTime>().map_err(|_| bad())?,
        _ if text.contains(':') => {
            let time = text.parse::<Time>().map_err(|_| bad())?;
            let days = if time > now.time() && !may_be_ahead { 1.day() } else { 0.days() };
            now.date().checked_sub(days).map_err(|_| bad())?.to_datetime(time)
        }
        _ => text.parse::<Date>().map_err(|_| bad())?.to_datetime(midnight),
    };
    let zoned = local.to_zoned(now.time_zone().clone()).map_err(|_| bad())?;
    Ok(zoned.timestamp().to_string())
}

/// An RFC 3339 time in a zone, to the millisecond; `None` if it is none.
pub(crate) fn local(text: &str, zone: &TimeZone) -> Option<String> {
    let zoned = text.parse::<Timestamp>().ok()?.to_zoned(zone.clone());
    Some(zoned.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

/// The beginning of a bucket in a zone, as exact as its width asks for.
pub(crate) fn bucket(text: &str, step_ms: u64, zone: &TimeZone) -> Option<String> {
    let zoned = text.parse::<Timestamp>().ok()?.to_zoned(zone.clone());
    let format = match step_ms {
        _ if !step_ms.is_multiple_of(1_000) => "%Y-%m-%d %H:%M:%S%.3f",
        _ if !step_ms.is_multiple_of(60_000) => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M",
    };
    Some(zoned.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 17:30 in a zone two hours east of UTC.
    fn now() -> Zoned {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        "2026-11-22T15:30:00Z".parse::<Timestamp>().unwrap().to_zoned(zone)
    }

    #[test]
    fn times_are_those_of_the_local_zone() {
        let rows = [
            ("15m", Some("now-15m")),
            ("1h30m", Some("now-1h30m")),
            ("500ms", Some("now-500ms")),
            ("1.5h", Some("now-1.5h")),
            ("now", Some("now")),
            ("now-1d", Some("now-1d")),
            ("today", Some("2026-11-21T22:00:00Z")),
            ("yesterday", Some("2026-11-20T22:00:00Z")),
            ("10:30", Some("2026-11-22T08:30:00Z")),
            ("2026-11-22", Some("2026-11-21T22:00:00Z")),
            ("2026-11-22 10:30", Some("2026-11-22T08:30:00Z")),
            ("2026-11-22T10:30:05.5", Some("2026-11-22T08:30:05.5Z")),
            ("2026-11-22T10:30:00Z", Some("2026-11-22T10:30:00Z")),
            ("2026-11-22T10:30:00-05:00", Some("2026-11-22T15:30:00Z")),
            ("1763632800", Some("1763632800")),
            ("1763632800.25", Some("1763632800.25")),
            ("-1h", Some("now-1h")),
            ("1y", Some("now-1y")),
            ("now/d", Some("now/d")),
            ("17:30", Some("2026-11-22T15:30:00Z")),
            ("17:31", Some("2026-11-21T15:31:00Z")),
            ("1763632800.2.5", None),
            ("now-", None),
            ("--1h", None),
            ("", None),
            ("15", None),
            ("15x", None),
            ("m", None),
            ("2026-13-01", None),
            ("next week", None),
            ("25:00", None),
        ];
        for (text, expected) in rows {
            assert_eq!(instant(text, &now()).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_clock_time_that_is_to_come_is_yesterdays_unless_the_range_began_since() {
        let rows = [
            (None, Some("18:00"), None, Some("2026-11-21T16:00:00Z")),
            (Some("22:00"), Some("23:00"), Some("2026-11-21T20:00:00Z"), Some("2026-11-21T21:00:00Z")),
            (Some("23:00"), Some("01:00"), Some("2026-11-21T21:00:00Z"), Some("2026-11-21T23:00:00Z")),
            (Some("10:00"), Some("18:00"), Some("2026-11-22T08:00:00Z"), Some("2026-11-22T16:00:00Z")),
            (Some("15m"), Some("18:00"), Some("now-15m"), Some("2026-11-22T16:00:00Z")),
            (Some("today"), Some("yesterday"), Some("2026-11-21T22:00:00Z"), Some("2026-11-20T22:00:00Z")),
        ];
        for (since, until, start, end) in rows {
            let found = range(since, until, &now()).unwrap();
            assert_eq!(found.each_ref().map(Option::as_deref), [start, end], "{since:?} {until:?}");
        }
    }

    #[test]
    fn times_that_move_can_be_held() {
        let rows = [
            ("15m", true, "2026-11-22T15:15:00Z"),
            ("now", true, "2026-11-22T15:30:00Z"),
            ("1y", true, "2025-11-22T15:30:00Z"),
            ("today", true, "2026-11-21T22:00:00Z"),
            ("18:00", true, "2026-11-21T16:00:00Z"),
            ("2026-11-22 10:30", false, "2026-11-22T08:30:00Z"),
            ("1763632800.25", false, "2025-11-20T10:00:00.25Z"),
        ];
        for (text, expected, held) in rows {
            assert_eq!(moves(text, &now()), expected, "{text}");
            assert_eq!(fixed(&instant(text, &now()).unwrap(), &now()), held, "{text}");
        }
    }

    #[test]
    fn times_are_shown_in_the_local_zone() {
        let zone = now().time_zone().clone();
        let rows = [
            ("2026-11-22T15:30:00Z", Some("2026-11-22 17:30:00.000")),
            ("2026-11-22T23:30:00.123456789Z", Some("2026-11-23 01:30:00.123")),
            ("yesterday", None),
        ];
        for (text, expected) in rows {
            assert_eq!(local(text, &zone).as_deref(), expected, "{text}");
        }
        let rows = [(86_400_000, "17:30"), (1_000, "17:30:00"), (1_500, "17:30:00.000")];
        for (step_ms, expected) in rows {
            let shown = bucket("2026-11-22T15:30:00Z", step_ms, &zone);
            assert_eq!(shown, Some(format!("2026-11-22 {expected}")), "{step_ms}");
        }
    }
}
