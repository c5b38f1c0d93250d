//! The queries of the comparison, each timed at its first run after a restart and as the median of
//! more runs.

use std::time::Instant;

use millpond_tests::client::Client;

use crate::report::Report;

const RUNS: usize = 5;

type Query = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static str);

const QUERIES: [Query; 13] = [
    ("newest 100 of everything", "query", &[("q", "")], "<= 5"),
    ("newest 100, common word", "query", &[("q", "connection")], "<= 5"),
    ("newest 100, phrase", "query", &[("q", "\"connection refused by upstream\"")], "<= 10"),
    ("newest 100, two fields", "query", &[("q", "service.name=cart log.level=error")], "<= 10"),
    ("newest 100, regular expression", "query", &[("q", "message:/inventory (lock|slot)/")], "<= 20"),
    ("count of a common word", "histogram", &[("q", "connection"), ("buckets", "1")], "<= 3"),
    ("one trace id", "query", &[("q", "trace.id=0123456789abcdef0123456789abcdef")], "<= 5"),
    ("histogram of everything", "histogram", &[("q", ""), ("buckets", "96")], "<= 3"),
    (
        "histogram of errors by level",
        "histogram",
        &[("q", "level:error"), ("buckets", "96"), ("by", "log.level")],
        "<= 6",
    ),
    (
        "errors by hour and service",
        "stats",
        &[("q", "level:error | stats count() by _time:1h, service.name")],
        "<= 8",
    ),
    ("top 10 of user ids", "stats", &[("q", "| top 10 user.id")], "<= 25"),
    ("different user ids", "stats", &[("q", "| stats dc(user.id)")], "<= 20"),
    (
        "p50 to p99 by service",
        "stats",
        &[("q", "| stats p50(duration_ms), p95(duration_ms), p99(duration_ms) by service.name")],
        "<= 50",
    ),
];

/// Runs every query and adds a row for each.
pub(crate) fn measure(client: &Client, documents: u64, report: &mut Report) {
    let bar_holds = documents == 3_000_000;
    for (name, endpoint, parameters, bar) in QUERIES {
        let mut times = Vec::new();
        for _ in 0..=RUNS {
            let started = Instant::now();
            let reply = client.get(&format!("/api/v1/{endpoint}"), parameters);
            times.push(started.elapsed().as_secs_f64() * 1e3);
            assert_eq!(reply.status, 200, "{name}: {}", reply.text);
        }
        let first = times.remove(0);
        times.sort_by(f64::total_cmp);
        let median = times.get(RUNS / 2).copied().unwrap_or(f64::NAN);
        let note = format!("median {median:.1}");
        report.row(&format!("{name}, ms"), first, if bar_holds { bar } else { "" }, &note);
    }
}
