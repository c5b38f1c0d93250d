//! One agent and two collectors: the second stands in for the first, or both have everything.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use millpond_tests::log_writer::{LogWriter, number_in};
use millpond_tests::random::Random;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(120);

/// Two collectors, and an agent of the first that is enrolled with both.
struct Pair {
    first: Cluster,
    second: Cluster,
    writer: LogWriter,
    include: String,
}

impl Pair {
    fn start(mode: &str) -> Self {
        let (mut first, mut second) = (Cluster::new(), Cluster::new());
        first.start_collector();
        second.start_collector();
        let logs = PathBuf::from(first.path("logs"));
        let writer = LogWriter::new(&logs, 5).expect("a file of the test");
        let include = logs.join("**").to_string_lossy().into_owned();
        let data_dir = first.path("agent");
        let token = first.join_token();
        first.agent_command(&["enroll", "--data-dir", &data_dir, "--token", &token, "--logs", &include]);
        let certificate = fs::read(first.path("agent/agent.crt")).expect("a file of the test");
        let token = second.join_token();
        first.agent_command(&["enroll", "--data-dir", &data_dir, "--token", &token, "--collector", "second"]);
        assert_eq!(
            fs::read(first.path("agent/agent.crt")).expect("a file of the test"),
            certificate,
            "the first is left alone"
        );
        let several = format!("several = \"{mode}\"");
        first.edit_config("agent/agent.toml", "# several = \"failover\"", &several);
        first.start_agent(&include);
        Self { first, second, writer, include }
    }

    fn write(&mut self, lines: u64) {
        self.writer.write_lines(lines).expect("a file of the test");
    }

    fn restart_agent(&mut self) {
        self.first.kill_agent();
        let include = self.include.clone();
        self.first.start_agent(&include);
    }

    fn status(&self) -> Value {
        let text = fs::read(self.first.path("agent/status.json")).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }
}

/// How often each line is at a collector.
fn lines(cluster: &Cluster) -> HashMap<u64, u32> {
    let mut lines = HashMap::new();
    for document in cluster.client().all("") {
        *lines.entry(number_in(&document.to_string()).expect("a line")).or_default() += 1;
    }
    lines
}

/// A collector has each of so many lines once.
fn verify(cluster: &Cluster, count: u64, what: &str) {
    let client = cluster.client();
    eventually(what, LIMIT, || client.count("").filter(|found| *found >= count));
    let found = lines(cluster);
    let is_exact = found.len() as u64 == count && found.values().all(|times| *times == 1);
    assert!(
        is_exact,
        "{what}: {} of {count} lines, {:?}",
        found.len(),
        found.iter().find(|(_, times)| **times > 1)
    );
}

#[test]
fn the_second_collector_stands_in_for_the_first() {
    let mut pair = Pair::start("failover");
    pair.write(2_000);
    verify(&pair.first, 2_000, "the first has all");
    assert_eq!(pair.second.client().count(""), Some(0), "the second only stands by");

    pair.first.kill_collector();
    pair.write(2_000);
    let client = pair.second.client();
    eventually("the second takes over", LIMIT, || client.count("").filter(|count| *count >= 2_000));
    eventually("the status says so", LIMIT, || {
        let collectors = &pair.status()["collectors"];
        let states = [&collectors[0]["state"], &collectors[1]["state"]];
        (states == ["fails", "answers"] && collectors[0]["last_error"].is_string()).then_some(())
    });

    pair.first.start_collector();
    let before = lines(&pair.first).len() as u64;
    let client = pair.first.client();
    eventually("the first has its place again", LIMIT, || {
        pair.write(5);
        client.count("").filter(|count| *count > before)
    });
    // Everything is shipped when the last line is at one of the two.
    let written = pair.writer.written();
    let (first, second) = eventually("none is lost", LIMIT, || {
        let found = (lines(&pair.first), lines(&pair.second));
        (0..written).all(|line| found.0.contains_key(&line) || found.1.contains_key(&line)).then_some(found)
    });
    for found in [&first, &second] {
        assert!(found.values().all(|times| *times == 1), "a collector has nothing twice");
    }
    // At both is at most the batch that was on its way at the kill.
    let twice = first.keys().filter(|line| second.contains_key(line)).count();
    let maybe_twice = pair.status()["counters"]["batches_maybe_twice"].as_u64().unwrap_or(0);
    assert!(twice == 0 || maybe_twice > 0, "{twice} lines are at both, and nothing says so");

    // A lost state directory: the furthest position of the two counts.
    pair.first.kill_agent();
    fs::remove_file(pair.first.path("agent/positions.journal")).unwrap();
    pair.restart_agent();
    pair.write(100);
    let last = pair.writer.written();
    eventually("it goes on", LIMIT, || {
        let found = (lines(&pair.first), lines(&pair.second));
        (written..last).all(|line| found.0.contains_key(&line) || found.1.contains_key(&line)).then_some(())
    });
    let (first, second) = (lines(&pair.first), lines(&pair.second));
    let again = first.keys().filter(|line| second.contains_key(line)).count();
    assert_eq!(again, twice, "nothing was sent again");
}

#[test]
fn both_mirrors_have_every_line_once_whatever_is_killed() {
    let mut pair = Pair::start("mirror");
    let mut random = Random::new(3);
    for round in 0..9u64 {
        pair.write(500);
        pair.writer.rotate().unwrap();
        let moment = Instant::now() + Duration::from_millis(random.below(300));
        eventually("the moment of the kill", LIMIT, || (Instant::now() >= moment).then_some(()));
        match round % 3 {
            0 => {
                pair.first.kill_collector();
                pair.write(300);
                pair.first.start_collector();
            }
            1 => {
                pair.second.kill_collector();
                pair.write(300);
                pair.second.start_collector();
            }
            _ => pair.restart_agent(),
        }
    }
    let written = pair.writer.written();
    verify(&pair.first, written, "the first has all");
    verify(&pair.second, written, "the second has all");

    // A mirror that is down holds up both; the files wait.
    pair.second.kill_collector();
    pair.write(1_000);
    pair.restart_agent();
    pair.write(1_000);
    pair.second.start_collector();
    let written = pair.writer.written();
    verify(&pair.second, written, "the one that was down");
    verify(&pair.first, written, "the other one");
    let states = eventually("the status", LIMIT, || {
        let collectors = pair.status()["collectors"].clone();
        (collectors[0]["state"] == "answers" && collectors[1]["state"] == "answers").then_some(collectors)
    });
    assert_eq!(states[1]["name"], "second");
}
