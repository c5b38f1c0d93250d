//! `check` and `retention --dry-run` on the data of a real collector: they name what is there, and change
//! nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use millpond_tests::files::{copy_dir, tree};

/// A stopped collector with some documents in a split, and some in the log alone.
fn filled() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    for round in 0..2 {
        let lines: String = (0..100).map(|n| format!("{{\"message\":\"line {round} {n}\"}}\n")).collect();
        assert_eq!(client.post("/api/v1/ingest", &[], lines.as_bytes()).status, 200);
        if round == 0 {
            assert!(cluster.stop_collector(), "an orderly stop makes a split");
            cluster.start_collector();
        }
    }
    cluster.kill_collector();
    cluster
}

/// Exit code of `check` and what it printed; sees that it changed nothing.
fn check(cluster: &Cluster) -> (i32, String) {
    let dir = PathBuf::from(cluster.path("collector"));
    let before = tree(&dir);
    let checked = cluster.check();
    assert!(tree(&dir) == before, "a check must change nothing");
    checked
}

#[test]
fn check_names_what_is_wrong_and_changes_nothing() {
    type Row = (&'static str, fn(&Path), i32, &'static str);
    let rows: [Row; 9] = [
        ("nothing", |_| {}, 0, "2 requests, 1 splits with 100 documents\nsound"),
        ("a stranger", |dir| fs::write(dir.join("x"), "").unwrap(), 0, "note: "),
        ("no log", |dir| fs::remove_dir_all(dir.join("wal")).unwrap(), 1, "the log is missing"),
        ("no store", |dir| fs::remove_dir_all(dir.join("store")).unwrap(), 1, "the store is missing"),
        ("no key", |dir| fs::remove_file(dir.join("identity/ca-key.pem")).unwrap(), 1, "no authority"),
        (
            "another key",
            |dir| {
                fs::copy(dir.join("identity/ca-key.pem"), dir.join("identity/server-key.pem")).unwrap();
            },
            1,
            "the collector's certificate",
        ),
        (
            "a bad agent",
            |dir| {
                fs::create_dir_all(dir.join("agents")).unwrap();
                fs::write(dir.join("agents/web"), "yesterday").unwrap();
            },
            1,
            "no agent's id",
        ),
        (
            "a bad token",
            |dir| {
                fs::create_dir_all(dir.join("tokens")).unwrap();
                fs::write(dir.join("tokens/t.open"), "1").unwrap();
            },
            1,
            "no join token",
        ),
        ("nothing at all", |dir| fs::remove_dir_all(dir.join("identity")).unwrap(), 1, "no authority"),
    ];
    let cluster = filled();
    let dir = PathBuf::from(cluster.path("collector"));
    let kept = PathBuf::from(cluster.path("kept"));
    copy_dir(&dir, &kept);
    for (what, damage, code, expected) in rows {
        fs::remove_dir_all(&dir).unwrap();
        copy_dir(&kept, &dir);
        damage(&dir);
        let (found, said) = check(&cluster);
        assert!(found == code && said.contains(expected), "{what}: {found} {said}");
    }
}

#[test]
fn check_leaves_a_running_collector_alone() {
    let mut cluster = Cluster::new();
    let (code, said) = check(&cluster);
    assert!(code == 0 && said.contains("sound"), "never started: {said}");
    cluster.start_collector();
    let (code, said) = cluster.check();
    assert!(code == 2 && said.contains("a collector runs here; stop it first"), "{code} {said}");
    assert_eq!(cluster.client().get("/-/ready", &[]).status, 200);
    cluster.kill_collector();
    let config = cluster.path("collector/collector.toml");
    for (name, path) in [("--data-dir", cluster.path("nowhere")), ("--config", cluster.path("nowhere"))] {
        assert_eq!(cluster.run_collector(&["check", name, &path]).0, 2, "{name}");
    }
    assert_eq!(cluster.run_collector(&["check"]).0, 2);
    assert_eq!(cluster.run_collector(&["check", "--data-dir", "x", "--config", &config]).0, 2);
}

#[test]
fn retention_is_told_before_it_happens() {
    let mut cluster = filled();
    let config = cluster.path("collector/collector.toml");
    cluster.edit_config("collector/collector.toml", "max_bytes = \"50GB\"", "max_bytes = \"1B\"");
    let dir = PathBuf::from(cluster.path("collector"));
    let before = tree(&dir);
    let dry_run = ["retention", "--dry-run", "--config", &config];
    let (code, said) = cluster.run_collector(&dry_run);
    assert!(code == 0 && said.contains("100 documents") && said.contains("bytes: the oldest"), "{said}");
    assert!(said.contains("total: 1 of 1 splits would go, 100 documents"), "{said}");
    assert!(tree(&dir) == before, "a dry run must change nothing");
    let (code, said) = cluster.run_collector(&["retention", "--config", &config]);
    assert!(code == 1 && said.contains("runs by itself"), "{said}");

    // Beside a running collector, which does at its start what was foretold.
    cluster.start_collector();
    eventually("retention", Duration::from_secs(10), || {
        let (code, said) = cluster.run_collector(&dry_run);
        assert_eq!(code, 0, "{said}");
        said.contains("total: 0 of 0 splits would go").then_some(())
    });
    let client = cluster.client();
    eventually("what was in the log alone", Duration::from_secs(10), || {
        client.count("").filter(|count| *count == 100)
    });
}
