//! `millpond tail -f`: every document that comes in is shown, and once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use millpond_tests::cluster::Cluster;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::client::{client, ingest, prepared};

/// A live tail, and the documents that it shows.
fn follow(cluster: &Cluster, arguments: &[&str]) -> (Child, mpsc::Receiver<Value>) {
    let mut command = prepared(cluster, &client());
    command.args(["tail", "-f"]).args(arguments);
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the client is built");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let (to, shown) = mpsc::channel();
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = to.send(serde_json::from_str(&line).expect("NDJSON"));
        }
    });
    (child, shown)
}

#[test]
fn a_live_tail_has_no_gap_and_no_repeats_over_a_restart() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    let send = |from: u64, to: u64| {
        let lines: Vec<_> = (from..to).map(|n| format!(r#"{{"message":"line","n":{n}}}"#)).collect();
        ingest(&client, &lines, to);
    };
    send(0, 5);
    let (mut child, shown) = follow(&cluster, &["-n", "3", "line"]);
    let mut seen = Vec::new();
    let mut until = |last: u64| {
        while seen.last() != Some(&last) {
            let document = shown.recv_timeout(Duration::from_secs(60));
            let document = document.unwrap_or_else(|_| panic!("after {seen:?}, waiting for {last}"));
            seen.push(document["n"].as_u64().unwrap());
        }
    };
    until(4);
    send(5, 50);
    until(49);
    // While the tail stands still the collector ends, comes back, and takes in what the tail must find by a search.
    let tail = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
    kill_process(tail, Signal::STOP).unwrap();
    cluster.kill_collector();
    cluster.start_collector();
    send(50, 100);
    kill_process(tail, Signal::CONT).unwrap();
    send(100, 110);
    until(109);
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(seen, (2..110).collect::<Vec<_>>());
}

/// Answers as a collector does into which a document comes just as a tail begins: the tail tells of it, and the search
/// for the newest finds it, too.
fn answer(mut connection: TcpStream, document: &str) {
    let mut request = Vec::new();
    let mut chunk = [0; 1_024];
    while !String::from_utf8_lossy(&request).contains("\r\n\r\n") {
        let length = connection.read(&mut chunk).expect("a request");
        request.extend_from_slice(&chunk[..length]);
    }
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
    if String::from_utf8_lossy(&request).starts_with("GET /api/v1/tail") {
        let id = &document[8..40];
        let _ = write!(connection, "{head}id: {id}\ndata: {document}\n\n");
        // Open until the client is killed.
        while connection.read(&mut chunk).is_ok_and(|length| length > 0) {}
    } else {
        let _ = write!(connection, "{head}{document}\n{{\"_meta\":{{\"cursor\":null,\"partial\":false}}}}\n");
    }
}

#[test]
fn a_tail_of_what_comes_from_now_on_swallows_no_document() {
    let cluster = Cluster::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let document = r#"{"_id":"98ea0000000000000000000000000007","message":"just now"}"#;
            thread::spawn(move || answer(connection, document));
        }
    });
    let (mut child, shown) = follow(&cluster, &["-n", "0", "--url", &address]);
    let document = shown.recv_timeout(Duration::from_secs(30));
    let _ = child.kill();
    let _ = child.wait();
    assert_eq!(document.map(|document| document["message"].clone()), Ok("just now".into()));
}
