//! Times: what is typed after `--since` and `--until`, and how a time of a log is shown. People mean and read the
//! time of their own zone; the API gets and gives UTC. Reads no clock: `now` comes in. Pure.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// Why a text is no time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no time: write 15m, 2h, 7d, today, yesterday, 10:30, 2026-11-22, \"2026-11-22 10:30\" or \
     2026-11-22T10:30:00Z"
)]
pub(crate) struct BadTime(String);

/// A typed time as the API takes it: how long ago (`15m`, `1h30m`), a day or a time of the local zone, an RFC 3339
/// time, a Unix time, or `now` with what the API takes after it.
pub(crate) fn instant(text: &str, now: &Zoned) -> Result<String, BadTime> {
    let text = text.trim();
    if is_duration(text) {
        return Ok(format!("now-{text}"));
    }
    let is_unix = text.len() > 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_unix || text == "now" || text.starts_with("now-") || text.starts_with("now+") {
        return Ok(text.to_owned());
    }
    let bad = || BadTime(crate::escape::line(text));
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.to_string());
    }
    let local = match text {
        "today" => now.date().to_datetime(Time::midnight()),
        "yesterday" => now.date().checked_sub(1.day()).map_err(|_| bad())?.to_datetime(Time::midnight()),
        _ if text.contains(['T', ' ', 't']) => text.parse::<DateTime>().map_err(|_| bad())?,
        _ if text.contains(':') => now.date().to_datetime(text.parse::<Time>().map_err(|_| bad())?),
        _ => text.parse::<Date>().map_err(|_| bad())?.to_datetime(Time::midnight()),
    };
    let zoned = local.to_zoned(now.time_zone().clone()).map_err(|_| bad())?;
    Ok(zoned.timestamp().to_string())
}

/// Numbers with units of time, as `now-…` of the API has them.
fn is_duration(text: &str) -> bool {
    let mut rest = text;
    while !rest.is_empty() {
        let number = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (Some(after), true) = (rest.get(number..), number > 0) else { return false };
        let unit = after.len() - after.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let Some(name) = after.get(..unit) else { return false };
        if !["ms", "s", "m", "h", "d", "w"].contains(&name) {
            return false;
        }
        rest = after.get(unit..).unwrap_or_default();
    }
    !text.is_empty()
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
