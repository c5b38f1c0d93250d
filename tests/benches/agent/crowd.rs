//! Ten thousand files, of which a hundred grow.

use std::fs::{self, File};
use std::io::Write;
use std::time::{Duration, Instant};

use millpond_tests::eventually;

use super::{MB, cluster, pid, start};
use crate::process;
use crate::report::Report;

const FILES: u64 = 10_000;
const ACTIVE: u64 = 100;
/// Seconds for which the active ones grow by a line a second each.
const SECONDS: u64 = 20;
/// Resting files that get a line, one after the other.
const PROBES: u64 = 20;

pub(crate) fn measure(_documents: u64, report: &mut Report) {
    let (mut cluster, logs) = cluster("");
    for file in 0..FILES {
        fs::write(path(&logs, file), format!("first line of file {file}\n")).expect("a file");
    }
    let started = Instant::now();
    start(&mut cluster, &logs);
    let client = cluster.client();
    eventually("every file was read", Duration::from_secs(120), || {
        client.count("").filter(|seen| *seen == FILES)
    });
    report.row("agent: 10,000 files: start to all searchable, s", started.elapsed().as_secs_f64(), "", "");
    let (before, begun) = (process::cpu_seconds(pid(&cluster)), Instant::now());
    for second in 1..=SECONDS {
        for file in 0..ACTIVE {
            append(&path(&logs, file), &format!("line {second} of file {file}\n"));
            let due = Duration::from_millis((second - 1) * 1000 + (file + 1) * 1000 / ACTIVE);
            std::thread::park_timeout(due.saturating_sub(begun.elapsed()));
        }
    }
    let used = (process::cpu_seconds(pid(&cluster)) - before) / begun.elapsed().as_secs_f64() * 100.0;
    report.row("agent: 10,000 files, 100 lines a second: % of a core", used, "< 1", "");
    let mut slowest_ms = 0f64;
    for probe in 0..PROBES {
        let mark = format!("rested{probe:04}");
        let written = Instant::now();
        append(&path(&logs, ACTIVE + probe * 100), &format!("{mark}\n"));
        eventually("a line of a resting file is visible", Duration::from_secs(30), || {
            client.count(&mark).filter(|seen| *seen == 1)
        });
        slowest_ms = slowest_ms.max(written.elapsed().as_secs_f64() * 1e3);
    }
    report.row(
        "agent: 10,000 files: line of a resting file searchable, slowest ms",
        slowest_ms,
        "< 2000",
        "",
    );
    let peak = process::peak_memory_bytes(pid(&cluster));
    report.row("agent: 10,000 files: peak memory, MB", peak as f64 / MB, "< 40", "");
}

fn path(logs: &str, file: u64) -> String {
    format!("{logs}/{file:05}.log")
}

fn append(path: &str, line: &str) {
    let mut file = File::options().append(true).open(path).expect("a file");
    file.write_all(line.as_bytes()).expect("room on the disk");
}
