//! Thirty-two people and dashboards, each with a query a second, while documents come in as fast as they are taken:
//! what both sides feel of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;

use crate::corpus::Corpus;
use crate::report::Report;
use crate::store::{ingest, settle};

const CLIENTS: u64 = 32;

/// From the start of one query of a client to the start of its next.
const PERIOD: Duration = Duration::from_secs(1);

/// An endpoint, the query, and more parameters.
type Question = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// What they ask, in turn.
const QUERIES: [Question; 8] = [
    ("query", "", &[]),
    ("query", "level:error", &[]),
    ("query", "connection refused", &[]),
    ("query", "service.name=cart log.level=error", &[]),
    ("histogram", "", &[("buckets", "96")]),
    ("histogram", "level:error", &[("buckets", "96"), ("by", "log.level")]),
    ("stats", "level:error | stats count() by service.name", &[]),
    ("facets", "level:error", &[("fields", "log.level,service.name,host.name")]),
];

/// Fills a collector, then sends as much again alone, and as much again beside the clients.
pub(crate) fn measure(documents: u64, report: &mut Report) {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    ingest(&client, &mut Corpus::new(51, documents));
    settle(&cluster);
    let alone = speed(&client, 52, documents / 2);
    settle(&cluster);

    let (done, errors) = (AtomicBool::new(false), AtomicU64::new(0));
    let (beside, mut waits) = std::thread::scope(|scope| {
        let (client, done, errors) = (&client, &done, &errors);
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| scope.spawn(move || ask(client, number, done, errors))).collect();
        let beside = speed(client, 53, documents / 2);
        done.store(true, Ordering::Relaxed);
        let waits = clients.into_iter().flat_map(|client| client.join().expect("a client ends"));
        (beside, waits.collect::<Vec<f64>>())
    });
    waits.sort_by(f64::total_cmp);
    let p99 = waits.get(waits.len() * 99 / 100).or(waits.last()).copied().unwrap_or(f64::NAN);
    report.row("32 clients beside ingest: queries", waits.len() as f64, "", "");
    report.row("32 clients beside ingest: errors", errors.load(Ordering::Relaxed) as f64, "= 0", "");
    report.row("32 clients beside ingest: p99 of a query, ms", p99, "< 1000", "");
    report.row("32 clients beside ingest: ingest slower by, %", (1.0 - beside / alone) * 100.0, "< 20", "");
}

/// Raw bytes per second at which that many documents are taken.
fn speed(client: &Client, seed: u64, documents: u64) -> f64 {
    let started = Instant::now();
    let bytes = ingest(client, &mut Corpus::new(seed, documents));
    bytes as f64 / started.elapsed().as_secs_f64()
}

/// One client: milliseconds of each query that was answered in full.
fn ask(client: &Client, number: u64, done: &AtomicBool, errors: &AtomicU64) -> Vec<f64> {
    let mut waits = Vec::new();
    // Not all at one moment.
    let mut due = Instant::now() + PERIOD * u32::try_from(number).unwrap_or(0) / 32;
    for (endpoint, query, more) in QUERIES.into_iter().cycle().skip(usize::try_from(number).unwrap_or(0)) {
        std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
        if done.load(Ordering::Relaxed) {
            break;
        }
        due = Instant::now() + PERIOD;
        let started = Instant::now();
        let parameters: Vec<_> = [("q", query)].iter().chain(more).copied().collect();
        let reply = client.try_get(&format!("/api/v1/{endpoint}"), &parameters);
        waits.push(started.elapsed().as_secs_f64() * 1e3);
        let is_whole =
            reply.is_some_and(|reply| reply.status == 200 && !reply.text.contains("\"partial\":true"));
        errors.fetch_add(u64::from(!is_whole), Ordering::Relaxed);
    }
    waits
}
