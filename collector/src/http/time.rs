//! The parameters that are times and durations, in the words of the query language. Reads no clock: `now` comes
//! with the request.
//!
//! `start` is inclusive and `end` exclusive; both are unbounded when absent.

use millpond_query::time::parse_time;
use millpond_store::log_store::TimeRange;

use super::params::Parameters;
use super::problem::Problem;

/// Why a text is no time or duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadTime {
    /// No known form, no such day, or nothing that 64 bits of nanoseconds hold.
    #[error("write 2026-11-22T10:00:00Z, a Unix time in s, ms, µs or ns, or now-15m")]
    Instant,
    /// No known form.
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

/// A point in time, Unix nanoseconds. What is left unsaid is zero: `2026-11-22` is its midnight in UTC.
fn instant(text: &str, now_ns: i64) -> Result<i64, BadTime> {
    let span = parse_time(text, now_ns).or_else(|| {
        // The `+` of `+02:00` arrives as a space when it was not percent-encoded in a URL.
        let (time, offset) = text.rsplit_once(' ')?;
        parse_time(&format!("{time}+{offset}"), now_ns)
    });
    span.map(|span| span.start_ns).ok_or(BadTime::Instant)
}

/// A duration of one or several parts, nanoseconds, above 0.
pub(super) fn duration_ns(text: &str) -> Result<i64, BadTime> {
    let text = text.trim();
    if !text.chars().all(|c| c.is_alphanumeric() || c == '.') {
        return Err(BadTime::Duration);
    }
    millpond_query::time::duration_ns(text).ok_or(BadTime::Duration)
}

/// A step as Prometheus' tools write it, nanoseconds: seconds as a plain number, or a duration.
pub(super) fn step_ns(text: &str) -> Result<i64, BadTime> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return duration_ns(&format!("{text}s"));
    }
    duration_ns(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_366_800_000_000_000; // 2026-11-22T17:00:00Z
    const SECOND: i64 = 1_000_000_000;
    const HOUR: i64 = 3_600 * SECOND;

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(instant(text, NOW).ok(), expected, "{text}");
    }

    #[test]
    fn instants() {
        check("now", Some(NOW));
        check("now-15m", Some(NOW - HOUR / 4));
        check("now-1h30m", Some(NOW - HOUR - HOUR / 2));
        check("now+1d", Some(NOW + 24 * HOUR));
        check("2026-11-22T17:00:00Z", Some(NOW));
        check("2026-11-22T19:00:00+02:00", Some(NOW));
        check("2026-11-22T19:00:00 02:00", Some(NOW));
        check("2026-11-22T11:30:00.000000001-05:30", Some(NOW + 1));
        check("2026-11-22 17:00", Some(NOW));
        check("2026-11-22", Some(NOW - 17 * HOUR));
        check("1969-12-31T23:59:59.5Z", Some(-SECOND / 2));
        check("0", Some(0));
        check("1795366800", Some(NOW));
        check("1795366800.25", Some(NOW + SECOND / 4));
        check("1795366800000", Some(NOW));
        check("1795366800000000", Some(NOW));
        check("1795366800000000000", Some(NOW));
        for bad in [
            "now-",
            "now-5",
            "2026-02-29",
            "2026-11-22T24:00:00Z",
            "2300-01-01",
            "yesterday",
            "",
            " ",
            "1.2.3",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn durations() {
        let rows = [
            ("500ms", Ok(SECOND / 2)),
            ("1.5s", Ok(SECOND + SECOND / 2)),
            ("1h30m", Ok(HOUR + HOUR / 2)),
            ("1w", Ok(168 * HOUR)),
            ("0s", Err(BadTime::Duration)),
            ("", Err(BadTime::Duration)),
            ("5", Err(BadTime::Duration)),
            ("m", Err(BadTime::Duration)),
            ("5q", Err(BadTime::Duration)),
            ("5m/h", Err(BadTime::Duration)),
            ("-5m", Err(BadTime::Duration)),
            ("9999999999999s", Err(BadTime::Duration)),
        ];
        for (text, expected) in rows {
            assert_eq!(duration_ns(text), expected, "{text}");
        }
    }

    #[test]
    fn steps_are_seconds_or_durations() {
        let rows = [
            ("60", Ok(60 * SECOND)),
            ("0.5", Ok(SECOND / 2)),
            ("5m", Ok(HOUR / 12)),
            ("0", Err(BadTime::Duration)),
        ];
        for (text, expected) in rows {
            assert_eq!(step_ns(text), expected, "{text}");
        }
    }

    #[test]
    fn printed_times_read_back() {
        for at in [0, -1, NOW + 123, 951_782_399_999_999_999, 4_107_542_400_000_000_000] {
            let mut text = Vec::new();
            millpond_wire::batch::write_rfc3339(at, &mut text);
            check(std::str::from_utf8(&text).unwrap(), Some(at));
        }
    }
}
