//! Start, stop, carry on; and what an operator may get wrong.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use millpond_tests::cluster::{Cluster, program};
use millpond_tests::eventually;

#[test]
fn a_deleted_agent_state_gives_neither_loss_nor_duplicate() {
    let mut cluster = Cluster::new();
    let logs = PathBuf::from(cluster.path("logs"));
    fs::create_dir_all(&logs).unwrap();
    let file = logs.join("app.log");
    fs::write(&file, "one\ntwo\nthree").unwrap();
    cluster.start_collector();
    let include = logs.join("*.log").to_string_lossy().into_owned();
    cluster.start_agent(&include);
    let client = cluster.client();
    eventually("two whole lines", Duration::from_secs(10), || client.count("").filter(|count| *count == 2));
    cluster.kill_agent();

    // All that the agent remembers goes; its identity stays.
    let identity = ["agent.toml", "agent.key", "agent.crt", "ca.crt"];
    for entry in fs::read_dir(cluster.path("agent")).unwrap().flatten() {
        if !identity.contains(&entry.file_name().to_string_lossy().as_ref()) {
            let path = entry.path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
    }
    let mut appended = fs::OpenOptions::new().append(true).open(&file).unwrap();
    appended
        .write_all(
            b"
four
",
        )
        .unwrap();
    cluster.start_agent(&include);
    eventually("the rest", Duration::from_secs(10), || client.count("").filter(|count| *count >= 4));
    let messages: Vec<_> =
        client.all("").iter().map(|document| document["message"].as_str().unwrap().to_owned()).collect();
    let mut sorted = messages.clone();
    sorted.sort();
    assert_eq!(sorted, ["four", "one", "three", "two"]);
}

#[test]
fn an_unreachable_collector_costs_nothing_but_time() {
    let mut cluster = Cluster::new();
    let logs = PathBuf::from(cluster.path("logs"));
    fs::create_dir_all(&logs).unwrap();
    cluster.start_collector();
    let include = logs.join("*.log").to_string_lossy().into_owned();
    cluster.start_agent(&include);
    assert!(cluster.stop_collector());
    let lines: String = (0..1000).map(|n| format!("line {n}\n")).collect();
    fs::write(logs.join("a.log"), lines).unwrap();
    cluster.start_collector();
    let client = cluster.client();
    eventually("all lines", Duration::from_secs(30), || client.count("").filter(|count| *count == 1000));
}

#[test]
fn a_log_that_can_not_be_written_stops_nothing() {
    let mut cluster = Cluster::new();
    // Standard error often is a file on the disk that is full.
    for log in ["collector.log", "agent.log"] {
        std::os::unix::fs::symlink("/dev/full", cluster.path(log)).unwrap();
    }
    let logs = PathBuf::from(cluster.path("logs"));
    fs::create_dir_all(&logs).unwrap();
    fs::write(logs.join("a.log"), "one\n").unwrap();
    cluster.start_collector();
    cluster.start_agent(&logs.join("*.log").to_string_lossy());
    let client = cluster.client();
    eventually("the line", Duration::from_secs(10), || client.count("").filter(|count| *count == 1));
    assert!(cluster.stop_agent(), "the agent stops in order");
    assert!(cluster.stop_collector(), "the collector stops in order");
}

#[test]
fn mistakes_in_the_configuration_are_named() {
    let cluster = Cluster::new();
    let path = cluster.path("collector/collector.toml");
    let good = fs::read_to_string(&path).unwrap();
    let http = cluster.http_address();
    let rows = [
        (good.replace("listen =", "lisen ="), "listen"),
        (good.replace(http, "0.0.0.0:7500"), "no accounts yet"),
        (format!("{good}\n[retentoin]\nmax_age = \"30d\"\n"), "retention"),
    ];
    for (text, expected) in rows {
        fs::write(&path, text).unwrap();
        let output =
            Command::new(program("millpond-collector")).args(["run", "--config", &path]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{expected}: {said}");
    }
}
