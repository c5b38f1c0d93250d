//! Inputs beside files: standard input to its end, and the systemd journal. `syslog` has the network.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;

/// Longest wait for messages on their way.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// Waits until that many documents match.
pub(crate) fn await_count(client: &Client, query: &str, expected: u64) {
    eventually(&format!("{expected} documents of `{query}`"), SOON, || {
        client.count(query).filter(|count| *count >= expected)
    });
}

#[test]
fn standard_input_is_shipped_to_its_end() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    cluster.enroll_agent_with("[stdin]\nservice = 'job'\n");
    for (run, text) in ["{\"level\":\"warn\",\"msg\":\"one\"}\n\ntwo\nthree without end", "four\n", ""]
        .into_iter()
        .enumerate()
    {
        let mut child = cluster.agent_program().stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let status = eventually("the agent's end", SOON, || child.try_wait().unwrap());
        assert!(status.success(), "run {run}: {status}");
    }
    let client = cluster.client();
    await_count(&client, "service:job", 4);
    let documents = client.all("");
    let mut messages: Vec<_> =
        documents.iter().map(|document| document["message"].as_str().unwrap()).collect();
    messages.sort_unstable();
    assert_eq!(messages, ["four", "one", "three without end", "two"]);
    assert_eq!(client.count("level:warn input.type:stdin"), Some(1));
    // A trace is an event, while the program still runs.
    let mut child = cluster.agent_program().stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/b.go:12 +0x1d\nnext\n").unwrap();
    await_count(&client, "service:job", 6);
    assert_eq!(client.count("message:goroutine message:\"b.go\" level:fatal"), Some(1));
    drop(pipe);
    assert!(eventually("the agent's end", SOON, || child.try_wait().unwrap()).success());
}

#[test]
fn a_spool_whose_input_was_taken_away_is_told_of_and_shipped() {
    let mut cluster = Cluster::new();
    let input = "[stdin]\nservice = 'job'\n";
    cluster.start_collector();
    cluster.enroll_agent_with(input);
    cluster.kill_collector();
    // No collector takes what comes: it stays in the spool.
    let mut child = cluster.agent_program().stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"one\n").unwrap();
    let spool = cluster.path("agent/spool/stdin");
    let holds = |entry: fs::DirEntry| entry.metadata().is_ok_and(|metadata| metadata.len() > 0);
    eventually("the line in the spool", SOON, || {
        fs::read_dir(&spool).ok()?.flatten().any(holds).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    cluster.edit_config("agent/agent.toml", input, "[[files]]\ninclude = ['/nowhere/*']\n");
    cluster.start_collector();
    cluster.start_agent("");
    eventually("the status tells of it", SOON, || {
        let count = cluster.agent_status()["counters"]["spools_without_input"].as_u64();
        count.filter(|count| *count == 1)
    });
    assert!(cluster.log("agent.log").contains("a spool whose input is not in the configuration any more"));
    await_count(&cluster.client(), "input.type:stdin message:one", 1);
    // A reload leaves it followed.
    cluster.edit_config("agent/agent.toml", "/nowhere/*", "/elsewhere/*");
    eventually("the reload", SOON, || {
        cluster.log("agent.log").contains("configuration taken over").then_some(())
    });
    assert!(cluster.stop_agent());
    cluster.edit_config("agent/agent.toml", "[[files]]\ninclude = ['/elsewhere/*']\n", input);
    // Its standard input has ended already, and its spool was shipped.
    cluster.start_agent("");
    assert_eq!(cluster.await_agent(), Some(0));
    await_count(&cluster.client(), "message:one", 1);
}

/// Entries for a journal, in the export format of systemd.
fn export(entries: std::ops::Range<u64>) -> Vec<u8> {
    let mut text = Vec::new();
    for number in entries {
        let at_us = 1_795_000_000_000_000 + number;
        write!(
            text,
            "__REALTIME_TIMESTAMP={at_us}\n__MONOTONIC_TIMESTAMP={number}\n\
             _BOOT_ID=0123456789abcdef0123456789abcdef\nPRIORITY=4\n_SYSTEMD_UNIT=shop.service\n_PID=42\nMESSAGE\n"
        )
        .expect("a vector takes everything");
        let message = format!("order\nid={number} end");
        text.extend_from_slice(&(message.len() as u64).to_le_bytes());
        writeln!(text, "{message}\n").expect("a vector takes everything");
    }
    text
}

/// Writes a journal file, with the program that systemd has for it.
fn write_journal(file: &Path, entries: std::ops::Range<u64>) -> bool {
    let child = Command::new("/usr/lib/systemd/systemd-journal-remote")
        .arg(format!("--output={}", file.display()))
        .arg("-")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return false };
    child.stdin.take().expect("a pipe").write_all(&export(entries)).expect("it reads");
    child.wait().expect("a child").success()
}

#[test]
fn journal_entries_arrive_once() {
    let mut cluster = Cluster::new();
    let journal = cluster.path("journal");
    fs::create_dir_all(&journal).unwrap();
    if !write_journal(&Path::new(&journal).join("one.journal"), 0..2_000)
        || Command::new("journalctl").arg("--version").output().is_err()
    {
        eprintln!("SKIPPED: there is no journalctl, or no systemd-journal-remote to write a journal with");
        return;
    }
    cluster.start_collector();
    cluster.enroll_agent_with(&format!("[journald]\ndirectory = '{journal}'\nfields = {{ team = 'a' }}\n"));
    let client = cluster.client();
    cluster.start_agent("");
    await_count(&client, "", 1);
    cluster.kill_agent();
    cluster.start_agent("");
    await_count(&client, "", 2_000);
    cluster.kill_agent();
    assert!(write_journal(&Path::new(&journal).join("two.journal"), 2_000..2_500));
    cluster.start_agent("");
    await_count(&client, "service:shop level:warn team:a process.pid:42", 2_500);
    let messages: BTreeSet<String> =
        client.all("").iter().map(|document| document["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(messages, (0..2_500).map(|number| format!("order\nid={number} end")).collect());
    assert_eq!(client.count(""), Some(2_500));
    assert!(cluster.stop_agent());
}
