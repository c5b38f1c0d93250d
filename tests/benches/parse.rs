//! How long it takes to read a query: from its text to a filter and pipes that are ready to run. In this process, as the
//! collector does it at each request and the page at each key.

use std::hint::black_box;
use std::time::Instant;

use crate::report::Report;

const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// Runs of one query that are timed together: less than a time slice. The fastest of [`ROUNDS`] is the figure, since
/// whatever else the machine does only adds to it.
const RUNS: u32 = 50;
const ROUNDS: usize = 200;

/// What it is, the query, and the bar. Regular expressions are compiled, which takes longer than all the rest.
const QUERIES: [(&str, &str, &str); 5] = [
    ("a word", "error", "< 20"),
    (
        "a typical query",
        "level>=warn service:api -healthcheck | stats count() by host | sort -count | limit 10",
        "< 20",
    ),
    (
        "a paste of KQL",
        "kubernetes.labels.app : \"cart\" and not (log.level : debug or log.level : trace) and status >= 500",
        "< 20",
    ),
    (
        "ranges and units",
        "event.duration:[5ms TO 2s] bytes>10MB _time:2h client.ip:10.0.0.0/8 method in (PUT, POST, DELETE)",
        "< 20",
    ),
    ("a regular expression", r"message:/time(d )?out after \d+ms/", ""),
];

/// Adds a row for each query, in microseconds.
pub(crate) fn measure(_documents: u64, report: &mut Report) {
    for (name, query, bar) in QUERIES {
        let fastest = (0..ROUNDS).map(|_| round_us(query)).fold(f64::INFINITY, f64::min);
        report.row(&format!("query-parse: {name}, µs"), fastest, bar, &format!("{} bytes", query.len()));
    }
}

fn round_us(query: &str) -> f64 {
    let started = Instant::now();
    for _ in 0..RUNS {
        let parsed = millpond_query::parse(black_box(query)).and_then(|query| query.resolve(NOW_NS));
        assert!(black_box(parsed).is_ok(), "{query}");
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
}
