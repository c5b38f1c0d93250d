//! The agent can always tell what it is doing: status, explanations, figures, a configuration that changes while it
//! runs, and files that get nowhere.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use millpond_tests::cluster::{Cluster, Signal, free_address, program};
use millpond_tests::eventually;
use millpond_tests::faults::Fault;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(30);

struct Host {
    cluster: Cluster,
    logs: PathBuf,
    metrics: String,
}

impl Host {
    /// A collector, and an agent that is enrolled, shows its figures on a port of its own and isn't started.
    fn new() -> Self {
        let mut cluster = Cluster::new();
        let logs = PathBuf::from(cluster.path("logs"));
        fs::create_dir_all(&logs).expect("writable");
        cluster.start_collector();
        cluster.enroll_agent(&format!("{}/**", logs.display()));
        let metrics = free_address();
        let listen = format!("listen = \"{metrics}\"");
        cluster.edit_config("agent/agent.toml", "# listen = \"127.0.0.1:7515\"", &listen);
        Self { cluster, logs, metrics }
    }

    fn start(&mut self) {
        self.cluster.start_agent("");
        eventually("the agent answers", SOON, || {
            self.agent(&["status", "--json"]).filter(|(code, ..)| *code == 0)
        });
    }

    fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        append(&self.logs.join(name), text);
    }

    /// Exit code, output and errors of a command about this agent.
    fn agent(&self, arguments: &[&str]) -> Option<(i32, String, String)> {
        let config = self.cluster.path("agent/agent.toml");
        let output =
            Command::new(program("millpond-agent")).args(arguments).args(["--config", &config]).output();
        let output = output.expect("the agent is built");
        let [out, errors] =
            [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
        Some((output.status.code()?, out, errors))
    }

    fn status(&self) -> Value {
        let (code, json, errors) = self.agent(&["status", "--json"]).expect("it ends");
        assert_eq!(code, 0, "{errors}");
        serde_json::from_str(&json).expect("JSON")
    }

    fn wait_for_lines(&self, count: u64) {
        let client = self.cluster.client();
        eventually("all lines", SOON, || client.count("").filter(|found| *found == count));
    }

    fn figure(&self, name: &str) -> Option<f64> {
        let text = get(&self.metrics, "/metrics", "localhost")?;
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("millpond_agent_{name} ")))?;
        value.parse().ok()
    }
}

fn append(path: &Path, text: impl AsRef<[u8]>) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("writable");
    file.write_all(text.as_ref()).expect("writable");
}

/// The whole answer, head included.
fn get(address: &str, path: &str, host: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn the_lag_shows_while_the_collector_is_down() {
    let mut host = Host::new();
    host.append("a.log", "one\ntwo\n");
    host.start();
    host.wait_for_lines(2);
    eventually("no lag", SOON, || (host.status()["lag_bytes"] == 0).then_some(()));
    assert_eq!(host.status()["collectors"][0]["state"], "answers");
    host.cluster.stop_collector();
    host.append("a.log", "three\n");
    let status = eventually("the lag", SOON, || {
        let status = host.status();
        let lags = status["lag_bytes"] == 6 && status["lag_seconds"].as_u64() >= Some(1);
        (lags && status["collectors"][0]["state"] == "fails").then_some(status)
    });
    assert!(!status["degraded"].as_array().unwrap().is_empty(), "{status}");
    assert_eq!(status["files"][0]["acknowledged_offset"], 8);
    let (_, table, _) = host.agent(&["status"]).unwrap();
    assert!(
        table.contains("degraded") && table.contains("not connected") && table.contains("a.log"),
        "{table}"
    );

    host.append("a.log", "no end");
    host.cluster.start_collector();
    host.wait_for_lines(3);
    eventually("a last line without its end", SOON, || {
        let status = host.status();
        let state = status["files"][0]["state"] == "followed; unfinished last line, 6 bytes";
        (state && status["lag_bytes"] == 0).then_some(())
    });
    eventually("no lag any more", SOON, || (host.status()["lag_seconds"] == 0).then_some(()));
    assert!(host.cluster.stop_agent());
    let (code, table, errors) = host.agent(&["status"]).unwrap();
    assert_eq!(
        (code, errors.contains("no agent is running"), table.contains("a.log")),
        (69, true, true),
        "{errors}"
    );
}

#[test]
fn each_path_is_explained() {
    let mut host = Host::new();
    host.append("a.log", "the first line of a log that is copied\n".repeat(20));
    host.append("binary.log", [0_u8, 1, 2, 0, 0, 0, 255].repeat(100));
    host.append("empty.log", "");
    host.append("packed.log.gz", "text");
    fs::write(host.cluster.path("elsewhere.log"), "text\n").unwrap();
    let made = Command::new("mkfifo").arg(host.logs.join("pipe.log")).status();
    assert!(made.expect("mkfifo runs").success());
    host.start();
    host.wait_for_lines(20);
    fs::copy(host.logs.join("a.log"), host.logs.join("a-1.log")).unwrap();
    std::os::unix::fs::symlink(host.logs.join("a.log"), host.logs.join("link.log")).unwrap();
    let explain = |host: &Host, name: &str| -> Value {
        let path = host.logs.join(name).to_string_lossy().into_owned();
        let (code, json, errors) = host.agent(&["explain", &path, "--json"]).unwrap();
        assert_eq!(code, 0, "{errors}");
        serde_json::from_str(&json).unwrap()
    };
    let rows = [
        ("a.log", true, "it is followed"),
        ("a-1.log", false, "looks like a copy of"),
        ("link.log", true, "the same file as"),
        ("binary.log", false, "binary"),
        ("empty.log", false, "empty"),
        ("packed.log.gz", false, "the exclude pattern `*.gz`"),
        ("pipe.log", false, "not a regular file"),
        ("missing.log", false, "no such file"),
        ("../elsewhere.log", false, "no include pattern covers it; nearest is"),
        ("../agent/status.json", false, "no include pattern"),
    ];
    let check = |host: &Host, rows: &[(&str, bool, &str)]| {
        for (name, is_read, reason) in rows {
            eventually(&format!("{name}: {reason}"), SOON, || {
                let said = explain(host, name);
                let is_it = said["is_read"] == *is_read && said["reason"].as_str().unwrap().contains(reason);
                assert!(*is_read || !said["advice"].as_str().unwrap().is_empty(), "{said}");
                is_it.then_some(())
            });
        }
    };
    check(&host, &rows);
    assert_eq!(explain(&host, "a.log")["file"]["acknowledged_offset"], 780);

    let path = host.logs.join("binary.log").to_string_lossy().into_owned();
    assert_eq!(host.status()["not_followed"][path], "binary, not text");

    // Without an agent the journal knows as much.
    assert!(host.cluster.stop_agent());
    let stopped = rows.map(|row| match row.0 {
        "a.log" => ("a.log", true, "the agent isn't running; its journal has this file up to byte 780"),
        "link.log" => ("link.log", true, "its journal has this file, as"),
        _ => row,
    });
    check(&host, &stopped);
    assert_eq!(explain(&host, "a.log")["file"]["state"], "known from the journal");
    host.append("new.log", "of something else\n");
    check(&host, &[("new.log", true, "new to the agent")]);
    assert_eq!(explain(&host, "a.log")["file"]["acknowledged_offset"], 780);
}

#[test]
fn mistakes_have_places_and_matches_are_counted() {
    let host = Host::new();
    host.append("a.log", "one\n");
    host.append("b.log", "two\n");
    let (code, said, _) = host.agent(&["check"]).unwrap();
    assert_eq!((code, said.contains(": 2 files, 8 bytes")), (0, true), "{said}");
    assert!(!said.contains("warning"), "{said}");
    let path = host.cluster.path("agent/agent.toml");
    let good = fs::read_to_string(&path).unwrap();
    let nothing =
        format!("{good}\n[[files]]\ninclude = [\"/nowhere/*.log\", \"{}/a.log\"]\n", host.logs.display());
    fs::write(&path, nothing).unwrap();
    let (code, said, _) = host.agent(&["check"]).unwrap();
    assert_eq!(code, 0);
    for expected in
        ["warning: [[files]] 2: `/nowhere/*.log` matches no file", "1 of its files belong to an earlier"]
    {
        assert!(said.contains(expected), "{said}");
    }

    let bad = good.replace("[limits]", "[limits]\nopen_files = 1\nscan_secs = 2");
    fs::write(&path, &bad).unwrap();
    let line = bad.lines().position(|line| line == "open_files = 1").unwrap() + 1;
    let (code, said, _) = host.agent(&["check"]).unwrap();
    assert_eq!(code, 64, "{said}");
    let expected = [
        format!(":{line}:14: limits.open_files: 1 is not between 8 and 100000\n{line} | open_files = 1\n"),
        format!(":{}:1: unknown key `scan_secs`; did you mean `scan_seconds`?", line + 1),
        " |              ^\n".to_owned(),
    ];
    for expected in expected {
        assert!(said.contains(&expected), "{expected} is not in {said}");
    }
}

#[test]
fn lines_on_standard_input_become_documents() {
    let parse = |arguments: &[&str], input: &str| {
        let mut command = Command::new(program("millpond-agent"));
        command
            .arg("parse")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let input = "{\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"warn\",\"msg\":\"from json\",\"n\":1}\n\
                 10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] \"GET /x HTTP/1.1\" 404 12 \"-\" \"curl\"\n\
                 \n\
                 2026-01-02 03:04:05 ERROR no newline at the end";
    let (code, output) = parse(&[], input);
    let documents: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, documents.len()), (Some(0), 3), "{output}");
    assert_eq!(documents[0]["message"], "from json");
    assert_eq!(documents[0]["@timestamp"], "2026-01-02T03:04:05Z");
    let formats: Vec<_> = documents.iter().map(|document| document["_format"].as_str().unwrap()).collect();
    assert_eq!(formats, ["json", "access", "text"]);
    assert_eq!(documents[1]["http.response.status_code"], 404);
    assert_eq!(documents[2]["log.flags"], serde_json::json!(["unfinished"]));

    // Pieces of a container's text are joined, as the agent joins them.
    let pieces = "2026-01-02T03:04:05.0Z stdout P one \n2026-01-02T03:04:05.1Z stdout F and two\n";
    let (_, output) = parse(&["--format", "cri"], pieces);
    assert_eq!((output.lines().count(), output.contains("one and two")), (1, true), "{output}");
    // More than is read at a time.
    let many: String = (0..5_000).map(|n| format!("line {n} of many\n")).collect();
    let (_, output) = parse(&["--pretty"], &many);
    assert!(output.contains("line 4999 of many") && output.matches("[text]").count() == 5_000);
    // Lines that belong together are one document, wherever the reading of them is cut.
    let trace = |n| format!("java.lang.AException: {n}\n\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n");
    let (_, output) = parse(&[], &(0..2_000).map(trace).collect::<String>());
    assert_eq!((output.lines().count(), output.matches("B.java:2").count()), (2_000, 2_000));
    assert_eq!(parse(&["--format", "jsn"], "").0, Some(64));
}

#[test]
fn figures_are_for_programs_of_this_machine() {
    let mut host = Host::new();
    host.append("a.log", "one\ntwo\n");
    host.start();
    host.wait_for_lines(2);
    for (name, expected) in [
        ("lines_read_total", 2.0),
        ("collectors_connected", 1.0),
        ("files_followed", 1.0),
        ("tailer_answering", 1.0),
    ] {
        eventually(name, SOON, || host.figure(name).filter(|value| *value == expected));
    }
    assert!(host.figure("process_resident_memory_bytes").unwrap() > 1e6);
    assert!(host.figure("certificate_not_after_seconds").unwrap() > 1.7e9);
    let status = |path: &str, name: &str| get(&host.metrics, path, name).unwrap()[9..12].to_owned();
    assert_eq!(status("/metrics", "evil.example"), "403");
    assert_eq!(status("/healthy", "127.0.0.1"), "200");
    // They name files, and are for the agent's user.
    assert_eq!(status("/status", "localhost"), "404");
    assert_eq!(status("/explain?2f", "localhost"), "404");

    // A taken port stops nothing.
    assert!(host.cluster.stop_agent());
    let _taken = std::net::TcpListener::bind(&host.metrics).unwrap();
    host.start();
    host.append("a.log", "three\n");
    host.wait_for_lines(3);
}

#[test]
fn a_changed_configuration_is_taken_over_and_a_bad_one_refused() {
    let mut host = Host::new();
    let others = PathBuf::from(host.cluster.path("others"));
    fs::create_dir(&others).unwrap();
    append(&others.join("b.log"), "b one\n");
    host.append("a.log", "a one\na two\n");
    host.start();
    host.wait_for_lines(2);

    let path = host.cluster.path("agent/agent.toml");
    let first = fs::read_to_string(&path).unwrap();
    let both =
        format!("{first}\n[[files]]\ninclude = [\"{}/*\"]\nfields = {{ team = \"b\" }}\n", others.display());
    fs::write(&path, &both).unwrap();
    host.cluster.signal_agent(Signal::HUP);
    host.wait_for_lines(3);
    assert_eq!(host.cluster.client().count("team:b"), Some(1));

    // Without a signal, as an editor does it; what is no longer covered rests where it was.
    let replace = |text: &str| {
        fs::write(format!("{path}.new"), text).unwrap();
        fs::rename(format!("{path}.new"), &path).unwrap();
    };
    let reloads = |count: f64| {
        eventually("it is taken over", SOON, || {
            host.figure("config_reloads_total").filter(|value| *value == count)
        })
    };
    replace(&first);
    reloads(2.0);
    append(&others.join("b.log"), "b two\n");
    host.append("a.log", "a three\n");
    host.wait_for_lines(4);
    replace(&both);
    reloads(3.0);
    host.wait_for_lines(5);

    // The old one stays, and everybody can see why.
    replace(&both.replace("[limits]", "[limits]\nopen_flies = 9"));
    eventually("it is refused", SOON, || {
        host.figure("config_reload_failures_total").filter(|value| *value >= 1.0)
    });
    let status = host.status();
    assert!(status["config"]["problem"].as_str().unwrap().contains("did you mean `open_files`?"), "{status}");
    replace(&format!("data_dir = \"/elsewhere\"\n{both}"));
    eventually("another directory is refused", SOON, || {
        host.cluster.log("agent.log").contains("data_dir can't change").then_some(())
    });
    append(&others.join("b.log"), "b three\n");
    host.append("a.log", "a four\n");
    host.wait_for_lines(7);
    let mut messages: Vec<_> = host
        .cluster
        .client()
        .all("")
        .iter()
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect();
    messages.sort();
    assert_eq!(messages, ["a four", "a one", "a three", "a two", "b one", "b three", "b two"]);
}

#[test]
fn a_collector_that_moves_is_followed() {
    let mut host = Host::new();
    host.append("a.log", "one\n");
    host.start();
    host.wait_for_lines(1);
    host.cluster.stop_collector();
    let (old, new) = (host.cluster.ingest_address().to_owned(), free_address());
    host.cluster.edit_config("collector/collector.toml", &old, &new);
    host.cluster.start_collector();
    host.append("a.log", "two\n");
    host.cluster.edit_config("agent/agent.toml", &old, &new);
    host.wait_for_lines(2);
    assert_eq!(host.status()["collectors"][0]["address"], new);
}

#[test]
fn a_file_that_can_not_be_read_is_named_and_read_when_it_can() {
    if let Some(reason) = Fault::unavailable() {
        panic!("{reason}");
    }
    let mut host = Host::new();
    host.cluster.edit_config("agent/agent.toml", "# stalled_seconds = 60", "stalled_seconds = 1");
    host.append("a.log", "one\n");
    host.append("b.log", "one\n");
    host.start();
    host.wait_for_lines(2);
    let fault = Fault { calls: "pread64", error: "EIO", when: "1+".into() };
    let path = host.logs.join("a.log").to_string_lossy().into_owned();
    let pid = host.cluster.agent_pid().unwrap();
    let attached = fault.attach(pid, "tailer", &host.cluster.path("strace.log"), std::slice::from_ref(&path));
    host.append("a.log", "two\n");
    host.append("b.log", "two\n");
    host.wait_for_lines(3);
    let status = eventually("the file is stalled", SOON, || {
        let status = host.status();
        status["files"].as_array().unwrap().iter().any(|file| file["stalled"].is_string()).then_some(status)
    });
    let file = status["files"].as_array().unwrap().iter().find(|file| file["path"] == path.as_str()).unwrap();
    assert!(file["stalled"].as_str().unwrap().contains("it can't be read: Input/output error"), "{status}");
    assert!(status["degraded"][0].as_str().unwrap().contains("1 files with unread lines"), "{status}");
    assert!(host.figure("stalled_files_total") >= Some(1.0));
    assert!(host.cluster.log("agent.log").contains("no progress"));
    drop(attached);
    host.wait_for_lines(4);
    eventually("all is well", SOON, || {
        let is_well = |file: &Value| file["stalled"].is_null() && file["last_error"].is_null();
        host.status()["files"].as_array().unwrap().iter().all(is_well).then_some(())
    });
}
