//! The agent's figures: what it reads and ships in a second of CPU time, its memory, many files, fairness,
//! and how soon a line can be found. The collector beside it is the real one.

pub(crate) mod crowd;
pub(crate) mod latency;
pub(crate) mod throughput;

use std::fs;
use std::process::Command;

use millpond_tests::cluster::{Cluster, program};

const MB: f64 = 1e6;

/// A cluster whose agent follows `*.log` in the returned directory, with these lines in its `[[files]]`
/// section. Nothing runs but the collector.
fn cluster(settings: &str) -> (Cluster, String) {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let logs = cluster.path("logs");
    fs::create_dir_all(&logs).expect("a directory");
    cluster.enroll_agent(&format!("{logs}/*.log"));
    cluster.edit_config("agent/agent.toml", "\ninclude = ", &format!("\n{settings}\ninclude = "));
    (cluster, logs)
}

fn start(cluster: &mut Cluster, logs: &str) {
    cluster.start_agent(&format!("{logs}/*.log"));
}

fn pid(cluster: &Cluster) -> u32 {
    cluster.agent_pid().expect("the agent runs")
}

fn stripped_bytes() -> f64 {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let stripped = directory.path().join("agent");
    let done =
        Command::new("strip").arg("-s").arg("-o").arg(&stripped).arg(program("millpond-agent")).status();
    assert!(done.is_ok_and(|status| status.success()), "`strip` of binutils is needed");
    fs::metadata(stripped).expect("a stripped program").len() as f64
}
