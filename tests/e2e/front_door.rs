//! `make run`, from built programs on: creates, enrols, starts, carries on, stops.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::{Signal, free_address, program, stop};
use millpond_tests::eventually;

/// Starts the launcher and waits for the line that a newcomer waits for.
fn launch(home: &Path, http: &str, ingest: &str) -> Child {
    let launcher = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/local/run");
    let programs = program("millpond-collector");
    let mut child = Command::new(launcher)
        .env("MILLPOND_BIN", programs.parent().expect("programs lie in a directory"))
        .env("MILLPOND_HOME", home.join("home"))
        .env("MILLPOND_LOGS", home.join("logs/**"))
        .env("MILLPOND_HTTP", http)
        .env("MILLPOND_INGEST", ingest)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash is there");
    let ready = format!("Millpond is ready: http://{http}");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line == ready)), "it ended before it was ready");
    // The rest must go on being read, or the launcher could not say that it stopped.
    std::thread::spawn(move || lines.count());
    child
}

#[test]
fn the_launcher_starts_carries_on_and_stops() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("logs")).unwrap();
    fs::write(home.path().join("logs/a.log"), "one\ntwo\n").unwrap();
    let (http, ingest) = (free_address(), free_address());
    let client = Client::new(&http);
    for signal in [Signal::INT, Signal::TERM] {
        let mut launcher = launch(home.path(), &http, &ingest);
        eventually("both lines, once", Duration::from_secs(10), || {
            client.count("").filter(|count| *count == 2)
        });
        assert!(stop(&mut launcher, signal), "{signal:?}");
        assert!(client.try_get("/-/healthy", &[]).is_none(), "the collector still runs");
    }
}
