//! Tables, and the SQL that makes them.

/// Whether the order of the rows counts.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// As they come, in both.
    Told,
    /// It doesn't.
    Any,
}
use Order::{Any, Told};

/// Query, SQL, and whether the order of rows counts.
pub(super) const PAIRS: &[(&str, &str, Order)] = &[
    ("| stats count()", "SELECT count(*) FROM logs", Told),
    ("nothinglikeit | stats count()", "SELECT 0", Told),
    ("| stats count(user.name)", "SELECT count(user) FROM logs", Told),
    ("| stats dc(user.name)", "SELECT count(DISTINCT user) FROM logs", Told),
    (
        "| stats dc(http.status), dc(took_ms)",
        "SELECT count(DISTINCT status), count(DISTINCT took) FROM logs",
        Told,
    ),
    ("| stats sum(http.bytes), avg(http.bytes)", "SELECT sum(bytes), avg(bytes) FROM logs", Told),
    (
        "| stats min(took_ms), max(took_ms), avg(took_ms)",
        "SELECT min(took), max(took), avg(took) FROM logs",
        Told,
    ),
    ("| stats min(n), max(n)", "SELECT min(n), max(n) FROM logs", Told),
    ("| stats min(user.name), max(user.name)", "SELECT min(user), max(user) FROM logs", Told),
    (
        "level:error | stats count(), sum(took_ms)",
        "SELECT count(*), sum(took) FROM logs WHERE level = 'error'",
        Told,
    ),
    ("| stats count() by level", "SELECT level, count(*) FROM logs GROUP BY level", Any),
    ("| stats count() by service", "SELECT service, count(*) FROM logs GROUP BY service", Any),
    ("| stats count() by http.status", "SELECT status, count(*) FROM logs GROUP BY status", Any),
    ("| stats count() by user.name", "SELECT user, count(*) FROM logs GROUP BY user", Any),
    (
        "| stats count(), avg(took_ms) by service, host",
        "SELECT service, host, count(*), avg(took) FROM logs GROUP BY service, host",
        Any,
    ),
    (
        "level>=warn | stats max(http.bytes) by url.path, level",
        "SELECT path, level, max(bytes) FROM logs WHERE rank >= 3 GROUP BY path, level",
        Any,
    ),
    (
        "| stats dc(user.name), dc(client.ip) by host",
        "SELECT host, count(DISTINCT user), count(DISTINCT ip) FROM logs GROUP BY host",
        Any,
    ),
    (
        "| stats sum(n) by service | sort service",
        "SELECT service, sum(n) FROM logs GROUP BY 1 ORDER BY service IS NULL, service",
        Told,
    ),
    (
        "| stats count() n by host | sort -n, host",
        "SELECT host, count(*) c FROM logs GROUP BY host ORDER BY c DESC, host",
        Told,
    ),
    (
        "| stats count() n by service, host | sort -n, service, host | limit 5",
        "SELECT service, host, count(*) c FROM logs GROUP BY 1, 2 ORDER BY c DESC, service IS NULL, service, host LIMIT 5",
        Told,
    ),
    (
        "| stats count() n by url.path | where n>200 | sort url.path",
        "SELECT path, count(*) c FROM logs GROUP BY path HAVING c > 200 ORDER BY path IS NULL, path",
        Told,
    ),
    (
        "| stats count() n, sum(http.bytes) b by service | fields b, n",
        "SELECT sum(bytes), count(*) FROM logs GROUP BY service",
        Any,
    ),
    (
        "| top 3 url.path",
        "SELECT path, count(*) c FROM logs WHERE path IS NOT NULL GROUP BY path ORDER BY c DESC, path LIMIT 3",
        Told,
    ),
    (
        "| top user.name",
        "SELECT user, count(*) c FROM logs WHERE user IS NOT NULL GROUP BY user ORDER BY c DESC, user LIMIT 10",
        Told,
    ),
    (
        "| rare 2 service",
        "SELECT service, count(*) c FROM logs WHERE service IS NOT NULL GROUP BY service ORDER BY c, service LIMIT 2",
        Told,
    ),
    (
        "level:error | top 5 http.status",
        "SELECT status, count(*) c FROM logs WHERE level = 'error' AND status IS NOT NULL GROUP BY status ORDER BY c DESC, status LIMIT 5",
        Told,
    ),
    (
        "refused | top 1 host",
        "SELECT host, count(*) c FROM logs WHERE message LIKE '%refused%' GROUP BY host ORDER BY c DESC, host LIMIT 1",
        Told,
    ),
    (
        "| stats count() by _time:10m",
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts / 600 * 600, 'unixepoch'), count(*) FROM logs GROUP BY 1",
        Any,
    ),
    (
        "level:error | stats count(), avg(took_ms) by _time:1h, service",
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts / 3600 * 3600, 'unixepoch'), service, count(*), avg(took) FROM logs WHERE level = 'error' GROUP BY 1, 2",
        Any,
    ),
    (
        "| timechart span=30m count()",
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts / 1800 * 1800, 'unixepoch') t, count(*) FROM logs GROUP BY t ORDER BY t",
        Told,
    ),
    (
        "| where http.status>=500 | stats count() by host",
        "SELECT host, count(*) FROM logs WHERE status >= 500 GROUP BY host",
        Any,
    ),
    (
        "| stats count() n by host | stats sum(n), max(n)",
        "SELECT sum(c), max(c) FROM (SELECT count(*) c FROM logs GROUP BY host)",
        Told,
    ),
    (
        "| stats avg(took_ms) a by service | where a>0 | stats count()",
        "SELECT count(*) FROM (SELECT avg(took) a FROM logs GROUP BY service HAVING a > 0)",
        Told,
    ),
];
