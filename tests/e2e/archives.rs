//! Archives: what was unread when a log was packed is read from the archive, and old files are imported exactly
//! once, whatever is killed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use millpond_tests::cluster::{Cluster, program};
use millpond_tests::eventually;
use millpond_tests::log_writer::{LogWriter, number_in};

const LIMIT: Duration = Duration::from_secs(60);

/// Every line is there once.
fn verify(cluster: &Cluster, lines: u64) {
    let client = cluster.client();
    eventually("all lines have arrived", LIMIT, || (client.count("").unwrap_or(0) >= lines).then_some(()));
    let mut seen: HashMap<u64, u32> = HashMap::new();
    for document in client.all("") {
        let number = number_in(&document.to_string()).expect("a line that was written");
        *seen.entry(number).or_default() += 1;
    }
    assert_eq!(seen.len() as u64, lines);
    assert!(seen.values().all(|count| *count == 1), "some lines are there twice");
}

/// Runs the system's gzip.
fn gzip(path: &Path) {
    let status = Command::new("gzip").arg(path).status().expect("gzip is installed");
    assert!(status.success());
}

fn rotated(logs: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(logs).expect("a directory").map(|entry| entry.expect("an entry").path());
    // `json.log.1`: neither the log itself nor an archive.
    entries
        .filter(|path| path.extension().is_some_and(|end| end.as_encoded_bytes()[0].is_ascii_digit()))
        .collect()
}

#[test]
fn logs_that_are_packed_while_the_agent_is_dead_arrive_once() {
    let mut cluster = Cluster::new();
    let logs = PathBuf::from(cluster.path("logs"));
    let mut writer = LogWriter::new(&logs, 3).unwrap();
    // The archives aren't covered, nor are the rotated files.
    let include = logs.join("*.log").to_string_lossy().into_owned();
    cluster.start_collector();
    cluster.start_agent(&include);
    for round in 0..3 {
        writer.write_lines(500).unwrap();
        let lines = writer.written();
        eventually("the agent has seen every file", LIMIT, || {
            (cluster.client().count("").unwrap_or(0) >= lines).then_some(())
        });
        cluster.kill_agent();
        writer.write_lines(2_000).unwrap();
        writer.rotate().unwrap();
        rotated(&logs).iter().for_each(|path| gzip(path));
        writer.write_lines(300).unwrap();
        if round == 1 {
            // Again, with the archive half read.
            cluster.start_agent(&include);
            cluster.kill_agent();
        }
        cluster.start_agent(&include);
        verify(&cluster, writer.written());
    }
    assert!(cluster.stop_agent());
    cluster.start_agent(&include);
    writer.write_lines(10).unwrap();
    verify(&cluster, writer.written());
}

fn import(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = Command::new(program("millpond-agent"));
    command.args(["import", "--data-dir", &cluster.path("agent")]).args(arguments);
    command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::null());
    command
}

/// Runs an import to its end: its exit code and its report.
fn finish(cluster: &Cluster, arguments: &[&str]) -> (i32, String) {
    let output = import(cluster, arguments).stdout(Stdio::piped()).output().expect("the agent is built");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn an_import_that_is_killed_and_repeated_ships_each_line_once() {
    let mut cluster = Cluster::new();
    let old = PathBuf::from(cluster.path("old"));
    let mut writer = LogWriter::new(&old, 5).unwrap();
    for _ in 0..12 {
        writer.write_lines(4_000).unwrap();
        writer.rotate().unwrap();
    }
    rotated(&old).iter().step_by(2).for_each(|path| gzip(path));
    cluster.start_collector();
    // The agent runs beside it and holds its directory.
    cluster.start_agent(&cluster.path("logs/**"));
    let directory = old.to_string_lossy().into_owned();
    let client = cluster.client();
    for share in 1..4 {
        let mut child = import(&cluster, &[&directory]).spawn().expect("the agent is built");
        let deadline = Instant::now() + LIMIT;
        while client.count("").unwrap_or(0) < share * 8_000
            && child.try_wait().unwrap().is_none()
            && Instant::now() < deadline
        {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        let _ = child.kill();
        let _ = child.wait();
    }
    let (code, report) = finish(&cluster, &[&directory]);
    assert_eq!(code, 0, "{report}");
    verify(&cluster, writer.written());

    let (code, report) = finish(&cluster, &[&directory]);
    assert!(code == 0 && report.starts_with("0 lines"), "{report}");
    assert!(report.contains("had been imported before"), "{report}");
    // The memory of imports is lost; the collector has it, too.
    fs::remove_dir_all(cluster.path("agent/import")).unwrap();
    let (code, report) = finish(&cluster, &[&directory]);
    assert!(code == 0 && report.starts_with("0 lines"), "{report}");
    verify(&cluster, writer.written());
}

#[test]
fn an_import_leaves_out_what_the_agent_ships_and_names_what_it_cannot_read() {
    let mut cluster = Cluster::new();
    let logs = PathBuf::from(cluster.path("logs"));
    let mut writer = LogWriter::new(&logs, 9).unwrap();
    writer.write_lines(1_000).unwrap();
    cluster.start_collector();
    cluster.start_agent(&logs.join("**").to_string_lossy());
    verify(&cluster, 1_000);
    assert!(cluster.stop_agent());

    let copy = PathBuf::from(cluster.path("backup"));
    fs::create_dir(&copy).unwrap();
    fs::copy(logs.join("json.log"), copy.join("json.log")).unwrap();
    gzip(&copy.join("json.log"));
    fs::write(copy.join("broken.gz"), b"\x1f\x8b\x08 this is no archive").unwrap();
    let paths = [&cluster.path("logs"), &cluster.path("backup"), &cluster.path("missing")];
    let (code, report) = finish(&cluster, &paths.map(String::as_str));
    assert_eq!(code, 65, "{report}");
    for expected in
        ["the agent follows it", "the agent has shipped its first", "broken.gz", "missing: No such"]
    {
        assert!(report.contains(expected), "{expected}: {report}");
    }
    verify(&cluster, 1_000);

    let text: String = (0..20_000).map(|number| format!("of another log {number}\n")).collect();
    fs::write(cluster.path("cut"), text).unwrap();
    gzip(&PathBuf::from(cluster.path("cut")));
    let cut = cluster.path("cut.gz");
    let whole = fs::read(&cut).unwrap();
    fs::write(&cut, &whole[..whole.len() * 2 / 3]).unwrap();
    for _ in 0..2 {
        let (code, report) = finish(&cluster, &[cut.as_str()]);
        assert_eq!((code, report.contains("cut.gz: only the first")), (65, true), "{report}");
    }

    let (code, report) =
        finish(&cluster, &["--again", "--field", "team=a", &cluster.path("backup/json.log.gz")]);
    assert_eq!(code, 0, "{report}");
    let lines =
        report.split(' ').next().and_then(|lines| lines.parse::<u64>().ok()).filter(|lines| *lines > 0);
    eventually("they are there again", LIMIT, || {
        cluster.client().count("team:a").filter(|count| Some(*count) == lines)
    });
}

#[test]
fn an_agent_that_starts_after_an_import_still_starts_at_the_end() {
    let mut cluster = Cluster::new();
    let logs = PathBuf::from(cluster.path("logs"));
    let old = PathBuf::from(cluster.path("old"));
    cluster.start_collector();
    let token = cluster.join_token();
    let include = logs.join("**").to_string_lossy().into_owned();
    cluster.agent_command(&[
        "enroll",
        "--data-dir",
        &cluster.path("agent"),
        "--token",
        &token,
        "--logs",
        &include,
    ]);
    cluster.edit_config("agent/agent.toml", "# start = \"beginning\"", "start = \"end\"");
    let mut imported = LogWriter::new(&old, 1).unwrap();
    imported.write_lines(100).unwrap();
    let (code, report) = finish(&cluster, &[&old.to_string_lossy()]);
    assert!(code == 0 && report.starts_with("100 lines"), "{report}");
    fs::create_dir(&logs).unwrap();
    fs::write(logs.join("a.log"), "from before\n").unwrap();
    cluster.start_agent(&include);
    eventually("the agent has seen the file", LIMIT, || {
        cluster.log("agent/status.json").contains("a.log").then_some(())
    });
    let mut file = fs::OpenOptions::new().append(true).open(logs.join("a.log")).unwrap();
    std::io::Write::write_all(&mut file, b"from now on\n").unwrap();
    let client = cluster.client();
    eventually("the new line is there", LIMIT, || client.count("now").filter(|count| *count == 1));
    assert_eq!(client.count("before"), Some(0));
}
