//! How soon a line can be found after it was written, and how much memory the agent has meanwhile.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millpond_tests::client::Client;
use millpond_tests::eventually;

use super::{MB, cluster, pid, start};
use crate::corpus::Corpus;
use crate::process;
use crate::report::Report;

/// Time for which a load lasts.
const LOAD: Duration = Duration::from_secs(15);
/// Writes in a second.
const WRITES_PER_SECOND: u32 = 20;

pub(crate) fn measure(_documents: u64, report: &mut Report) {
    idle(report);
    steady(5_000_000, report);
    steady(10_000_000, report);
    beside_a_busy_file(report);
}

fn idle(report: &mut Report) {
    let (mut cluster, logs) = cluster("");
    std::fs::write(format!("{logs}/app.log"), "one line\n").expect("a file");
    start(&mut cluster, &logs);
    eventually("the line is visible", Duration::from_secs(30), || {
        cluster.client().count("").filter(|seen| *seen == 1)
    });
    let memory = process::resident_memory_bytes(pid(&cluster));
    report.row("agent: memory, idle, MB", memory as f64 / MB, "<= 12", "");
    let before = process::cpu_seconds(pid(&cluster));
    std::thread::park_timeout(LOAD);
    let used = process::cpu_seconds(pid(&cluster)) - before;
    report.row("agent: CPU, idle, % of a core", used / LOAD.as_secs_f64() * 100.0, "", "");
}

/// One file that grows evenly, with a marked line now and then.
fn steady(bytes_per_second: usize, report: &mut Report) {
    let (mut cluster, logs) = cluster("");
    let mut file = File::create(format!("{logs}/app.log")).expect("a file");
    start(&mut cluster, &logs);
    let (client, done) = (cluster.client(), AtomicBool::new(false));
    let waits = std::thread::scope(|scope| {
        let mut marks = file.try_clone().expect("a second handle");
        scope.spawn(|| {
            write_evenly(&mut file, bytes_per_second);
            done.store(true, Ordering::Relaxed);
        });
        let mut waits = Vec::new();
        while !done.load(Ordering::Relaxed) {
            waits.push(wait_for_mark(&client, &mut [&mut marks], waits.len()));
        }
        waits
    });
    let load = format!("{} MB/s", bytes_per_second / 1_000_000);
    report.row(&format!("agent: written to searchable at {load}, p99 ms"), p99(waits), "< 1500", "");
    let peak = process::peak_memory_bytes(pid(&cluster));
    report.row(&format!("agent: peak memory at {load}, MB"), peak as f64 / MB, "<= 25", "");
}

/// One file that grows as fast as it can be written, and 50 that grow by a line now and then.
fn beside_a_busy_file(report: &mut Report) {
    const SLOW_FILES: usize = 50;
    let (mut cluster, logs) = cluster("");
    let mut busy = File::create(format!("{logs}/busy.log")).expect("a file");
    let mut slow: Vec<File> = (0..SLOW_FILES)
        .map(|index| File::create(format!("{logs}/slow{index}.log")).expect("a file"))
        .collect();
    start(&mut cluster, &logs);
    let (client, done) = (cluster.client(), AtomicBool::new(false));
    let waits = std::thread::scope(|scope| {
        let (body, stop) = (Corpus::new(47, 20_000).next_body(8 << 20), &done);
        scope.spawn(move || {
            let end = Instant::now() + LOAD;
            while Instant::now() < end {
                busy.write_all(&body).expect("room on the disk");
                // The disk, not the agent, would be measured else.
                std::thread::park_timeout(Duration::from_millis(20));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let mut waits = Vec::new();
        while !done.load(Ordering::Relaxed) {
            let mut files: Vec<&mut File> = slow.iter_mut().collect();
            waits.push(wait_for_mark(&client, &mut files, waits.len()));
        }
        waits
    });
    report.row(
        "agent: 50 slow files beside a busy one, p99 ms until all are searchable",
        p99(waits),
        "< 2000",
        "",
    );
    let peak = process::peak_memory_bytes(pid(&cluster));
    report.row("agent: peak memory beside a busy file, MB", peak as f64 / MB, "<= 64", "");
}

fn write_evenly(file: &mut File, bytes_per_second: usize) {
    let mut corpus = Corpus::new(46, u64::MAX);
    let pause = Duration::from_secs(1) / WRITES_PER_SECOND;
    let started = Instant::now();
    for index in 1.. {
        let body = corpus.next_body(bytes_per_second / WRITES_PER_SECOND as usize);
        file.write_all(&body).expect("room on the disk");
        let due = started + pause * index;
        std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
        if started.elapsed() > LOAD {
            return;
        }
    }
}

/// Writes a line with a word of its own to each of the files and waits until all can be found; in milliseconds.
fn wait_for_mark(client: &Client, files: &mut [&mut File], number: usize) -> f64 {
    let mark = format!("mark{number:06}");
    let written = Instant::now();
    for file in files.iter_mut() {
        file.write_all(format!("{{\"message\":\"{mark}\"}}\n").as_bytes()).expect("room on the disk");
    }
    let all = files.len() as u64;
    eventually("a marked line is visible", Duration::from_secs(60), || {
        client.count(&mark).filter(|seen| *seen == all)
    });
    written.elapsed().as_secs_f64() * 1e3
}

fn p99(mut waits: Vec<f64>) -> f64 {
    waits.sort_by(f64::total_cmp);
    waits.get(waits.len() * 99 / 100).or(waits.last()).copied().unwrap_or(f64::NAN)
}
