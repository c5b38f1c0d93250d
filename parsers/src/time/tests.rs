//! Rows: text, where it ends, what it means. Expected values are RFC 3339, read back by an independent formatter below.

use super::*;

/// 2026-11-22T12:00:00Z.
const NOW_NS: i64 = 1_795_348_800 * NS_PER_S;

pub(crate) fn show(ns: i64) -> String {
    let (s, ns) = (ns.div_euclid(NS_PER_S), ns.rem_euclid(NS_PER_S));
    let (mut days, s) = (s.div_euclid(S_PER_DAY), s.rem_euclid(S_PER_DAY));
    let mut year = 1970;
    while days < 0 {
        year -= 1;
        days += 365 + i64::from(is_leap(year));
    }
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 1;
    while days >= i64::from(days_in_month(year, month)) {
        days -= i64::from(days_in_month(year, month));
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}.{ns:09}", days + 1, s / 3600, s / 60 % 60, s % 60)
}

fn check(text: &str, expected: Option<(&str, usize)>) {
    check_at(NOW_NS, 0, text, expected);
}

fn check_at(now_ns: i64, zone_s: i32, text: &str, expected: Option<(&str, usize)>) {
    let context = Context { now_ns, zone: &FixedZone(zone_s) };
    let found = leading(text, &context).map(|(instant, length)| (show(instant.ns), length));
    let expected = expected.map(|(time, length)| (format!("{time:0<29}"), length));
    assert_eq!(found, expected, "{text}");
}

fn now(text: &str) -> i64 {
    whole(text, &Context { now_ns: 0, zone: &FixedZone(0) }).expect("a valid time").ns
}

#[test]
fn layouts_with_a_year() {
    let rows = [
        ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.", 20),
        ("2024-05-01T12:00:00.123456789Z x", "2024-05-01T12:00:00.123456789", 30),
        ("2024-05-01T12:00:00.1234567899Z", "2024-05-01T12:00:00.123456789", 31),
        ("2024-05-01 12:00:00,5 - INFO", "2024-05-01T12:00:00.5", 21),
        ("2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00.", 25),
        ("2024-05-01T12:00:00-0330", "2024-05-01T15:30:00.", 24),
        ("2024-05-01 12:00:00 +0200 x", "2024-05-01T10:00:00.", 25),
        ("2024-05-01 12:00:00.25 UTC [1]", "2024-05-01T12:00:00.25", 26),
        ("2024-05-01 12:00:00 -1234 x", "2024-05-01T12:00:00.", 19),
        ("2024-05-01 12:00:00 UTCX", "2024-05-01T12:00:00.", 19),
        ("2024-05-01  12:00:00", "2024-05-01T12:00:00.", 20),
        ("2024-05-01 12:00 x", "2024-05-01T12:00:00.", 16),
        ("2009/11/10 23:00:00 x", "2009-11-10T23:00:00.", 19),
        ("20240501T120000Z", "2024-05-01T12:00:00.", 16),
        ("20240501 12:00:00.5", "2024-05-01T12:00:00.5", 19),
        ("081109 203615 148 INFO", "2008-11-09T20:36:15.", 13),
        ("990109 20:36:15 x", "1999-01-09T20:36:15.", 15),
        ("17/06/09 20:10:40 INFO", "2017-06-09T20:10:40.", 17),
        ("10/Oct/2000:13:55:36 -0700]", "2000-10-10T20:55:36.", 26),
        ("01-May-2024 12:00:00.123 x", "2024-05-01T12:00:00.123", 24),
        ("1 May 2024 12:00:00.123 *", "2024-05-01T12:00:00.123", 23),
        ("Sun Dec 04 04:47:44 2005]", "2005-12-04T04:47:44.", 24),
        ("Fri Sep 09 10:42:29.902022 2011", "2011-09-09T10:42:29.902022", 31),
        ("Sun Dec  4 04:47:44 UTC 2005", "2005-12-04T04:47:44.", 28),
        ("Sun, 04 Dec 2005 04:47:44 GMT", "2005-12-04T04:47:44.", 29),
        ("May 1, 2024 9:05:00 PM x", "2024-05-01T21:05:00.", 22),
        ("May 01 2024 12:00:00: x", "2024-05-01T12:00:00.", 20),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.", 20),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.", 20),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5", 22),
        ("1531171074 x", "2018-07-09T21:17:54.", 10),
        ("1286536309.041    1 192.168", "2010-10-08T11:11:49.041", 14),
        ("1531171074631 x", "2018-07-09T21:17:54.631", 13),
        ("1531171074631001", "2018-07-09T21:17:54.631001", 16),
        ("1531171074631001002]", "2018-07-09T21:17:54.631001002", 19),
    ];
    for (text, time, length) in rows {
        check(text, Some((time, length)));
    }
}

#[test]
fn no_timestamps() {
    let rows = [
        "",
        "x",
        "2024-02-30T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
        "2024-05-00T00:00:00Z",
        "2024-05-01T24:00:00Z",
        "2024-05-01T12:60:00Z",
        "2024-05-01T12:00:61Z",
        "2024-05-01",
        "2024-05/01 12:00:00",
        "1600-05-01T12:00:00Z",
        "9999-05-01T12:00:00Z",
        "12345 x",
        "9999999999 x",
        "1531171074x",
        "123456 items",
        "Maybe 14 items",
        "Jun 31 15:16:01",
        "Jun 14",
        "Marmalade 14 12:00:00",
        "May 1, 2024 13:05:00 PM",
        "17/06/09",
        "10/Xyz/2000:13:55:36",
    ];
    for text in rows {
        check(text, None);
    }
}

#[test]
fn a_missing_year_is_the_newest_that_is_not_in_the_future() {
    let rows = [
        ("2026-11-22T12:00:00Z", "Jun 14 15:16:01", Some("2026-06-14T15:16:01.")),
        ("2026-11-22T12:00:00Z", "Jun  4 15:16:01.5", Some("2026-06-04T15:16:01.5")),
        ("2026-11-22T12:00:00Z", "Dec 10 06:55:46", Some("2025-12-10T06:55:46.")),
        ("2026-01-01T00:00:05Z", "Dec 31 23:59:59", Some("2025-12-31T23:59:59.")),
        ("2025-12-31T23:59:59Z", "Jan  1 00:00:01", Some("2026-01-01T00:00:01.")),
        ("2026-11-22T12:00:00Z", "Feb 29 12:00:00", Some("2024-02-29T12:00:00.")),
        ("2028-03-01T12:00:00Z", "Feb 29 12:00:00", Some("2028-02-29T12:00:00.")),
        ("1903-12-31T12:00:00Z", "Feb 29 12:00:00", Some("1896-02-29T12:00:00.")),
        ("2026-11-22T12:00:00Z", "03-17 16:13:38.811", Some("2026-03-17T16:13:38.811")),
        ("2026-11-22T12:00:00Z", "Feb 30 12:00:00", None),
    ];
    for (clock, text, expected) in rows {
        check_at(now(clock), 0, text, expected.map(|time| (time, text.len())));
    }
}

#[test]
fn the_zone_of_the_context_counts_where_the_line_names_none() {
    let rows =
        [("2024-05-01 12:00:00", "2024-05-01T10:00:00."), ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.")];
    for (text, time) in rows {
        check_at(NOW_NS, 7200, text, Some((time, text.len())));
    }
    let context = Context { now_ns: NOW_NS, zone: &FixedZone(0) };
    assert!(whole("2024-05-01 12:00:00", &context).is_some_and(|i| i.zone_assumed));
    assert!(whole("2024-05-01 12:00:00+00", &context).is_some_and(|i| !i.zone_assumed));
    assert!(whole("1531171074", &context).is_some_and(|i| !i.zone_assumed));
}

#[test]
fn unix_time_by_size() {
    let rows = [
        ("1531171074.631", Some(1_531_171_074_631_000_000)),
        ("1531171074.6310010029", Some(1_531_171_074_631_001_002)),
        ("1531171074631.5", Some(1_531_171_074_631_500_000)),
        ("1.531171074631e9", Some(1_531_171_074_631_000_000)),
        ("12.345", None),
        ("-5", None),
        ("99999999999999999999", None),
        ("1e400", None),
        ("NaN", None),
        (".5", None),
        ("", None),
    ];
    for (text, expected) in rows {
        assert_eq!(epoch_from_decimal(text), expected, "{text}");
    }
}

#[test]
fn the_calendar_agrees_with_counting() {
    let mut days = days_before_year(1600);
    for year in 1600..2400 {
        assert_eq!(days_before_year(year), days, "{year}");
        assert_eq!((year_of(days), year_of(days - 1)), (year, year - 1));
        days += 365 + i64::from(is_leap(year));
    }
    assert_eq!(days_before_year(1970), 0);
}
