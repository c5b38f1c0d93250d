//! The collector's figures: ingest, size, memory, visibility, restart after a kill, queries.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;

use crate::corpus::Corpus;
use crate::report::Report;
use crate::{process, queries};

/// Bytes of one request, as a shipper would send them.
const BODY_BYTES: usize = 1 << 20;

/// Requests in flight.
const SENDERS: usize = 2;

/// Fills a collector, kills it, queries it.
pub(crate) fn measure(documents: u64, report: &mut Report) {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();

    let mut corpus = Corpus::new(42, documents);
    let before = process::cpu_seconds(pid(&cluster));
    let started = Instant::now();
    let raw_bytes = ingest(&client, &mut corpus);
    let wall = started.elapsed();
    eventually("every document is visible", Duration::from_secs(30), || {
        client.count("").filter(|seen| *seen >= documents)
    });
    settle(&cluster);
    let cpu = process::cpu_seconds(pid(&cluster)) - before;
    let raw_mb = raw_bytes as f64 / 1e6;
    let disk = process::disk_bytes(&cluster.path("collector/store"));
    let log = process::disk_bytes(&cluster.path("collector/wal"));
    let peak_load = process::peak_memory_bytes(pid(&cluster));

    report.row("raw size, MB", raw_mb, "", "");
    report.row("ingest, raw MB per CPU-second", raw_mb / cpu, ">= 36", "");
    report.row("ingest, raw MB per second of the clock", raw_mb / wall.as_secs_f64(), "", "");
    report.row("disk / raw after merges", disk as f64 / raw_bytes as f64, "<= 0.14", "");
    report.row("log left after merges, MB", log as f64 / 1e6, "", "");
    report.row("peak memory under load, MB", peak_load as f64 / 1e6, "<= 500", "");

    let visible_p99_ms = visibility(&client, documents);
    report.row("visible after acknowledgement, p99 ms", visible_p99_ms, "< 1000", "");
    restart_after_kill(&mut cluster, documents, report);
    // The log that the kill left is being indexed; what is measured is queries.
    settle(&cluster);
    queries::measure(&cluster.client(), documents, corpus.middle_trace(), report);
    let peak = process::peak_memory_bytes(pid(&cluster));
    report.row("peak memory over all queries, MB", peak as f64 / 1e6, "<= 500", "");
}

/// Sends more documents as fast as they are taken, and beside them one marked document after another, to see
/// how soon each is found: the 99th percentile in milliseconds. Apart from the measurement of ingest, since
/// each look is a query.
fn visibility(client: &Client, documents: u64) -> f64 {
    let finished = Arc::new(AtomicBool::new(false));
    let probe = {
        let (client, finished) = (client.clone(), Arc::clone(&finished));
        std::thread::spawn(move || probe_visibility(&client, &finished))
    };
    ingest(client, &mut Corpus::new(44, documents / 4));
    finished.store(true, Ordering::Relaxed);
    let mut waits = probe.join().expect("the probe ends");
    waits.sort_by(f64::total_cmp);
    waits.get(waits.len() * 99 / 100).or(waits.last()).copied().unwrap_or(f64::NAN)
}

/// Sends the corpus as fast as it is taken. Gives its size in bytes.
pub(crate) fn ingest(client: &Client, corpus: &mut Corpus) -> u64 {
    let corpus = Mutex::new(corpus);
    let sent = Mutex::new(0u64);
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let body = corpus.lock().expect("no sender panics").next_body(BODY_BYTES);
                    if body.is_empty() {
                        return;
                    }
                    send(client, &body);
                    *sent.lock().expect("no sender panics") += body.len() as u64;
                }
            });
        }
    });
    *sent.lock().expect("no sender panics")
}

/// Sends until taken: an overloaded collector answers 429 or 503 and means "later".
fn send(client: &Client, body: &[u8]) {
    eventually("the collector takes a body", Duration::from_secs(60), || {
        let reply = client.post("/api/v1/ingest", &[], body);
        assert!([200, 429, 503].contains(&reply.status), "{}", reply.text);
        (reply.status == 200).then_some(())
    });
}

fn probe_visibility(client: &Client, finished: &AtomicBool) -> Vec<f64> {
    let mut waits = Vec::new();
    while !finished.load(Ordering::Relaxed) {
        let marker = format!("probe{:06}", waits.len());
        send(client, format!("{{\"message\":\"{marker}\"}}").as_bytes());
        let acknowledged = Instant::now();
        eventually("a probe is visible", Duration::from_secs(30), || {
            client.count(&marker).filter(|seen| *seen == 1)
        });
        waits.push(acknowledged.elapsed().as_secs_f64() * 1e3);
    }
    waits
}

/// Waits until the collector has nothing more to merge: two quiet seconds.
pub(crate) fn settle(cluster: &Cluster) {
    let mut last = (Instant::now(), process::cpu_seconds(pid(cluster)));
    eventually("the collector is quiet", Duration::from_secs(600), || {
        if last.0.elapsed() < Duration::from_secs(20) {
            return None;
        }
        let now = process::cpu_seconds(pid(cluster));
        let used = now - last.1;
        last = (Instant::now(), now);
        (used < 0.2).then_some(())
    });
}

fn restart_after_kill(cluster: &mut Cluster, documents: u64, report: &mut Report) {
    let mut tail = Corpus::new(43, documents / 20);
    ingest(&cluster.client(), &mut tail);
    cluster.kill_collector();
    let started = Instant::now();
    cluster.start_collector();
    let client = cluster.client();
    eventually("the first correct answer", Duration::from_secs(60), || {
        client.count("").filter(|seen| *seen >= documents + documents / 4 + documents / 20)
    });
    report.row("SIGKILL to first correct answer, s", started.elapsed().as_secs_f64(), "<= 5", "");
}

fn pid(cluster: &Cluster) -> u32 {
    cluster.collector_pid().expect("the collector runs")
}
