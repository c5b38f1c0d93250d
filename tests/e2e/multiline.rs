//! Events of several lines, through both programs: slow writers, interleaved files and outputs, rotations, kills, limits.
//! The agent's waiting is shortened, so that its end can be awaited.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use serde_json::Value;

/// Time that a trace waits for its next line.
const TIMEOUT_MS: u64 = 1_500;
const LIMIT: Duration = Duration::from_secs(60);

struct Logs {
    cluster: Cluster,
    dir: PathBuf,
}

impl Logs {
    fn new() -> Self {
        let mut cluster = Cluster::new();
        let dir = PathBuf::from(cluster.path("logs"));
        fs::create_dir(&dir).expect("a new directory");
        cluster.start_collector();
        let mut logs = Self { cluster, dir };
        logs.start_agent();
        logs.cluster.kill_agent();
        let setting = format!("[[files]]\nmultiline = {{ mode = \"auto\", timeout_ms = {TIMEOUT_MS} }}\n");
        logs.cluster.edit_config("agent/agent.toml", "[[files]]\n", &setting);
        logs.start_agent();
        logs
    }

    fn start_agent(&mut self) {
        let include = format!("{}/*.log*", self.dir.display());
        self.cluster.start_agent(&include);
    }

    fn append(&self, name: &str, text: &str) {
        let file = File::options().create(true).append(true).open(self.dir.join(name));
        let mut file = file.expect("a log");
        file.write_all(text.as_bytes()).expect("writable");
    }

    fn rotate(&self, name: &str) {
        fs::rename(self.dir.join(name), self.dir.join(format!("{name}.1"))).expect("a log to rename");
    }

    /// Waits until so many events are there; they must be these messages, each once.
    fn check(&self, expected: &[String]) -> Vec<Value> {
        let client = self.cluster.client();
        eventually("all events are there", LIMIT, || {
            let count = client.count("*").unwrap_or_default();
            (count >= expected.len() as u64).then_some(())
        });
        pause(2 * TIMEOUT_MS);
        let documents = client.all("*");
        let mut found: Vec<_> =
            documents.iter().map(|doc| doc["message"].as_str().unwrap_or_default().to_owned()).collect();
        let mut expected = expected.to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        documents
    }
}

fn pause(ms: u64) {
    let until = Instant::now() + Duration::from_millis(ms);
    eventually("the pause ends", LIMIT, || (Instant::now() >= until).then_some(()));
}

/// A Java trace of that many lines.
fn trace(name: &str, lines: usize) -> Vec<String> {
    let frame = |number| format!("\tat com.example.{name}.f{number}({name}.java:{number})");
    std::iter::once(format!("java.lang.{name}Exception: it failed")).chain((1..lines).map(frame)).collect()
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

fn cri(stream: &str, tag: &str, text: &str) -> String {
    format!("2026-11-22T10:00:00.000000000Z {stream} {tag} {text}\n")
}

#[test]
fn a_slow_trace_is_one_event_and_a_backlog_is_not_cut() {
    let mut logs = Logs::new();
    let slow = trace("Slow", 20);
    for line in &slow {
        logs.append("slow.log", &format!("{line}\n"));
        pause(TIMEOUT_MS / 5);
    }
    let documents = logs.check(&[slow.join("\n")]);
    assert_eq!(documents[0]["error.type"], "java.lang.SlowException");
    assert_eq!(documents[0]["error.message"], "it failed");

    assert!(logs.cluster.stop_agent());
    let backlog: Vec<_> = (0..1_000).map(|number| trace(&format!("B{number}"), 60)).collect();
    for lines in &backlog {
        logs.append("backlog.log", &text(lines));
    }
    logs.start_agent();
    let all = std::iter::once(&slow).chain(&backlog).map(|lines| lines.join("\n"));
    logs.check(&all.collect::<Vec<_>>());
}

#[test]
fn files_and_outputs_do_not_mix() {
    let logs = Logs::new();
    let (a, b, out, err) = (trace("A", 40), trace("B", 40), trace("Out", 40), trace("Err", 40));
    for index in 0..40 {
        logs.append("a.log", &format!("{}\n", a[index]));
        logs.append("b.log", &format!("{}\n", b[index]));
        logs.append("c.log", &cri("stdout", "F", &out[index]));
        logs.append("c.log", &cri("stderr", "F", &err[index]));
        pause(20);
    }
    logs.check(&[a, b, out, err].map(|lines| lines.join("\n")));
}

#[test]
fn a_rotation_does_not_cut_an_event() {
    let mut logs = Logs::new();
    let all = trace("Rotated", 30);
    logs.append("app.log", &text(&all[..10]));
    pause(TIMEOUT_MS / 2);
    logs.rotate("app.log");
    logs.append("app.log", &text(&all[10..20]));
    pause(TIMEOUT_MS / 2);
    logs.append("app.log", &text(&all[20..]));
    logs.check(&[all.join("\n")]);
    logs.append("app.log", "next\n");
    // Both positions are durable.
    logs.cluster.kill_agent();
    logs.cluster.kill_collector();
    logs.cluster.start_collector();
    logs.start_agent();
    logs.check(&[all.join("\n"), "next".into()]);
    logs.cluster.kill_agent();
    fs::remove_file(logs.cluster.path("agent/positions.journal")).ok();
    logs.start_agent();
    logs.check(&[all.join("\n"), "next".into()]);
}

#[test]
fn a_kill_in_the_middle_gives_one_event() {
    let mut logs = Logs::new();
    let all = trace("Killed", 40);
    for (number, line) in all.iter().enumerate() {
        logs.append("app.log", &format!("{line}\n"));
        if number % 10 == 5 {
            pause(TIMEOUT_MS / 5);
            logs.cluster.kill_agent();
            logs.start_agent();
        }
    }
    logs.check(&[all.join("\n")]);
}

#[test]
fn pieces_of_containers_are_one_line() {
    let logs = Logs::new();
    let piece = "x".repeat(100_000);
    logs.append("cri.log", &cri("stdout", "P", &piece));
    logs.append("cri.log", &cri("stdout", "P", &piece));
    pause(500);
    logs.rotate("cri.log");
    logs.append("cri.log", &cri("stdout", "F", &piece));
    let docker = |text: &str, end: &str| {
        format!("{{\"log\":\"{text}{end}\",\"stream\":\"stdout\",\"time\":\"2026-11-22T10:00:00Z\"}}\n")
    };
    let half = "y".repeat(16 << 10);
    logs.append("docker.log", &docker(&half, ""));
    logs.append("docker.log", &docker(&half, ""));
    pause(500);
    logs.append("docker.log", &docker("end", "\\n"));
    logs.check(&[piece.repeat(3), half.repeat(2) + "end"]);
}

#[test]
fn too_many_lines_are_counted() {
    let logs = Logs::new();
    let all = trace("Deep", 5_000);
    logs.append("app.log", &(text(&all) + "next\n"));
    let documents = logs.check(&[all[..2_000].join("\n"), "next".into()]);
    let deep = documents.iter().find(|doc| doc["message"] != "next").unwrap();
    assert_eq!(deep["log.flags"], serde_json::json!(["truncated"]));
    assert_eq!(deep["log.dropped_lines"], 3_000);
}

#[test]
fn ordinary_lines_are_there_within_two_seconds() {
    let logs = Logs::new();
    let client = logs.cluster.client();
    for number in 1..=10u64 {
        let start = Instant::now();
        logs.append("slow.log", &format!("2026-03-01 10:00:00 INFO line {number}\n"));
        eventually("the line is there", LIMIT, || (client.count("*") == Some(number)).then_some(()));
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
