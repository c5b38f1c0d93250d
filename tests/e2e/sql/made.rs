//! Tables of fields that pipes make, and of rows that pipes have left, and the SQL that makes them.

use super::tables::Order::{self, Any, Told};

/// Query, SQL, and whether the order of rows counts.
pub(super) const PAIRS: &[(&str, &str, Order)] = &[
    (
        "| eval kb = http.bytes / 1000 | stats sum(kb), count(kb), max(kb)",
        "SELECT sum(bytes / 1000.0), count(bytes), max(bytes / 1000.0) FROM logs",
        Told,
    ),
    (
        "| eval slow = if(took_ms > 1s, \"slow\", \"fast\") | stats count() by slow",
        "SELECT iif(took > 1000, 'slow', 'fast'), count(*) FROM logs GROUP BY 1",
        Any,
    ),
    (
        "| eval class = case(http.status >= 500, \"5xx\", http.status >= 400, \"4xx\", http.status > 0, \"ok\") | stats count() by class",
        "SELECT CASE WHEN status >= 500 THEN '5xx' WHEN status >= 400 THEN '4xx' WHEN status > 0 THEN 'ok' END, count(*)
           FROM logs GROUP BY 1",
        Any,
    ),
    (
        "| eval u = lower(coalesce(user.name, \"nobody\")) . \"@\" . host | stats count() by u",
        "SELECT lower(coalesce(user, 'nobody')) || '@' || host, count(*) FROM logs GROUP BY 1",
        Any,
    ),
    (
        "| eval rest = n % 7, l = len(message), s = substr(message, 3, 4) | stats sum(rest), sum(l), dc(s)",
        "SELECT sum(n % 7), sum(length(message)), count(DISTINCT substr(message, 3, 4)) FROM logs",
        Told,
    ),
    (
        "| eval r = round(took_ms), f = floor(took_ms), a = abs(http.status) | stats sum(r), sum(f), sum(a)",
        "SELECT sum(round(took)), sum(CAST(took AS INTEGER)), sum(abs(status)) FROM logs",
        Told,
    ),
    (
        "| eval same = not (user.name = \"bob\") and isnull(url.path) | where same=true | stats count()",
        "SELECT count(*) FROM logs WHERE NOT (user = 'bob') AND path IS NULL",
        Told,
    ),
    (
        "| extract \"from <ip>\" | stats count(ip), dc(ip)",
        "SELECT count(*), count(DISTINCT substr(message, instr(message, 'from ') + 5)) FROM logs WHERE message LIKE '%from %'",
        Told,
    ),
    (
        "| rex \"took (?<units>\\d+) units\" | where units>20 | stats count(), sum(units), max(units)",
        "SELECT count(*), sum(u), max(u) FROM (SELECT CAST(substr(message, 14) AS INTEGER) u FROM logs
           WHERE message LIKE 'request took %') WHERE u > 20",
        Told,
    ),
    (
        "| stats count(http.status >= 500) as bad, countif(cached) as hits, sum(http.bytes - 1) as b by host",
        "SELECT host, count(*) FILTER (WHERE status >= 500), count(*) FILTER (WHERE cached), sum(bytes - 1) FROM logs GROUP BY host",
        Any,
    ),
    (
        "| stats count() by bin(n, 250)",
        "SELECT n / 250 * 250, count(*) FROM logs GROUP BY 1",
        Any,
    ),
    (
        "| stats first(n), last(n), last(http.status) by service",
        "SELECT service, min(n), max(n), (SELECT status FROM logs b WHERE b.service IS a.service AND status IS NOT NULL
           ORDER BY n DESC LIMIT 1) FROM logs a GROUP BY service",
        Any,
    ),
    (
        "| dedup host, service | stats count() by host",
        "SELECT host, count(DISTINCT coalesce(service, '')) FROM logs GROUP BY host",
        Any,
    ),
    (
        "| limit 100 | stats count(), min(n), sum(http.bytes)",
        "SELECT count(*), min(n), sum(bytes) FROM (SELECT * FROM logs ORDER BY n DESC LIMIT 100)",
        Told,
    ),
    (
        "| sort -took_ms, n | limit 20 | stats sum(n), min(took_ms)",
        "SELECT sum(n), min(took) FROM (SELECT * FROM logs ORDER BY took IS NULL, took DESC, n LIMIT 20)",
        Told,
    ),
    (
        "| rename host as server, http as h | stats sum(h.bytes) by server",
        "SELECT host, sum(bytes) FROM logs GROUP BY host",
        Any,
    ),
    (
        "| timechart span=1h limit=2 useother=false count() by user.name",
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts / 3600 * 3600, 'unixepoch') t, coalesce(user, '(none)'), count(*) FROM logs
           WHERE user IS NULL OR user IN (SELECT user FROM logs WHERE user IS NOT NULL GROUP BY user ORDER BY count(*) DESC, user LIMIT 2)
           GROUP BY 1, 2 ORDER BY t",
        Any,
    ),
    (
        "| timechart span=1h limit=1 avg(took_ms), dc(host) by service",
        "SELECT strftime('%Y-%m-%dT%H:%M:%SZ', ts / 3600 * 3600, 'unixepoch') t,
           CASE WHEN service IS NULL THEN '(none)'
             WHEN service = (SELECT service FROM logs WHERE service IS NOT NULL GROUP BY service ORDER BY avg(took) DESC LIMIT 1)
             THEN service ELSE 'other' END s,
           avg(took), count(DISTINCT host) FROM logs GROUP BY t, s",
        Any,
    ),
];
