//! A file that is there already, read and shipped as fast as it goes.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use millpond_tests::eventually;

use super::{MB, cluster, pid, start, stripped_bytes};
use crate::corpus::Corpus;
use crate::process;
use crate::report::Report;

/// Documents of one run: enough that the start of the program doesn't count.
const DOCUMENTS_MAX: u64 = 1_000_000;

pub(crate) fn measure(documents: u64, report: &mut Report) {
    report.row("agent: program, stripped, MB", stripped_bytes() / MB, "<= 10", "");
    let documents = documents.min(DOCUMENTS_MAX);
    for (what, settings, bar) in [
        ("JSON, every field", "format = \"json\"", ">= 120"),
        ("JSON, format found by itself", "", ""),
        ("raw lines", "format = \"raw\"", ">= 200"),
        ("lines of text, time and level found", "format = \"text\"", ""),
    ] {
        one(documents, what, settings, bar, report);
    }
}

fn one(documents: u64, what: &str, settings: &str, bar: &str, report: &mut Report) {
    let (mut cluster, logs) = cluster(settings);
    let raw_bytes = write(&format!("{logs}/app.log"), documents);
    let started = Instant::now();
    start(&mut cluster, &logs);
    let client = cluster.client();
    eventually("every document is visible", Duration::from_secs(300), || {
        client.count("").filter(|seen| *seen >= documents)
    });
    let wall = started.elapsed();
    let cpu_seconds = process::cpu_seconds(pid(&cluster));
    let peak = process::peak_memory_bytes(pid(&cluster));
    let raw_mb = raw_bytes as f64 / MB;
    report.row(&format!("agent: {what}, MB per CPU-second"), raw_mb / cpu_seconds, bar, "");
    report.row(&format!("agent: {what}, MB per second of the clock"), raw_mb / wall.as_secs_f64(), "", "");
    report.row(&format!("agent: {what}, peak memory, MB"), peak as f64 / MB, "<= 64", "");
}

fn write(path: &str, documents: u64) -> usize {
    let mut corpus = Corpus::new(45, documents);
    let mut file = File::create(path).expect("a file");
    let mut bytes = 0;
    loop {
        let body = corpus.next_body(1 << 20);
        if body.is_empty() {
            return bytes;
        }
        bytes += body.len();
        file.write_all(&body).expect("room on the disk");
    }
}
