//! What somebody feels who types: when the first row of an answer is there, how long completions take, and how soon the
//! work of a question ends that nobody waits for any more.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;

use crate::corpus::Corpus;
use crate::report::Report;
use crate::store::{ingest, settle};

const RUNS: usize = 5;

/// Questions whose first rows can be sent before all of them are found.
const ROWS: [(&str, &str); 15] = [
    ("everything", ""),
    ("a common word", "connection"),
    ("a phrase", "\"connection refused by upstream\""),
    ("a field", "log.level=error"),
    ("a prefix", "reconc*"),
    ("a wildcard in front", "*onciliation"),
    ("a regular expression", "message:/inventory (lock|slot)/"),
    ("a range", "duration_ms>850"),
    ("either of two", "level:warn OR service.name=cart"),
    ("all but", "NOT level:info"),
    ("a formula", "| eval s=duration_ms/1000 | where s>0.85"),
    ("a formula of texts", "| eval s=concat(service.name, \"/\", level) | where s=\"cart/error\""),
    ("an extraction", "connection | extract \"connection <what> by\" from message"),
    ("fewer fields", "level:error | fields service.name, message"),
    ("a word that no document has", "unheardof"),
];

/// Questions that are answered when everything was looked at.
const WHOLE: [(&str, &str); 9] = [
    ("the slowest", "level:error | sort -duration_ms | limit 10"),
    ("the slowest of all", "| sort -duration_ms | limit 10"),
    ("one of each", "level:error | dedup service.name"),
    ("one of each of all", "| dedup service.name"),
    ("a formula that no row passes", "| eval s=duration_ms/1000 | where s>99"),
    ("counts by service", "| stats count() by service.name"),
    ("a chart", "level:error | timechart span=1h count() by service.name"),
    ("the most frequent", "| top 10 user.id"),
    ("the rarest", "| rare 10 service.name"),
];

/// Texts whose end is to be completed.
const COMPLETIONS: [&str; 6] =
    ["lev", "level:", "service.name=c", "level:error | st", "* | stats p", "* | stats count() by ser"];

/// Questions that take long, and are given up.
const LONG: [(&str, &str, &str); 5] = [
    ("rows", "query", "| where message:/l.*zqz/"),
    ("a sort", "query", "| eval k=concat(message, user.id) | sort k"),
    ("a table of rows", "query", "| eval k=lower(message) | stats dc(k), values(k)"),
    ("facets", "facets", "message:/(a|e).*(lock|slot|upstream)/"),
    ("a histogram", "histogram", "message:/(a|e).*(lock|slot|upstream)/"),
];

pub(crate) fn measure(documents: u64, report: &mut Report) {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    ingest(&client, &mut Corpus::new(61, documents));
    settle(&cluster);
    let address = cluster.http_address().to_owned();
    for (name, query) in ROWS.into_iter().chain(WHOLE) {
        let times = (0..=RUNS).map(|_| first_row_ms(&address, &target("query", &[("q", query)])));
        let bar = if ROWS.contains(&(name, query)) { "< 50" } else { "" };
        report.row(&format!("first row, {name}, ms"), median_warm(times), bar, "");
    }
    for text in COMPLETIONS {
        let offset = text.len().to_string();
        let target = target("parse", &[("q", text), ("at", &offset)]);
        let times = (0..=RUNS).map(|_| first_row_ms(&address, &target));
        report.row(&format!("completions of `{text}`, ms"), median_warm(times), "< 10", "");
    }
    for (name, endpoint, query) in LONG {
        let target =
            target(endpoint, &[("q", query), ("fields", "service.name,message"), ("timeout", "30s")]);
        let times = (0..RUNS).filter_map(|_| given_up_ms(&client, &address, &target));
        let slowest = times.fold(f64::NAN, f64::max);
        let remark = if slowest.is_nan() { "ended before it was given up" } else { "" };
        report.row(&format!("thread free after {name} was given up, slowest ms"), slowest, "< 100", remark);
    }
}

fn target(endpoint: &str, parameters: &[(&str, &str)]) -> String {
    let pairs = parameters.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
    format!("/api/v1/{endpoint}?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn ask(address: &str, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the collector listens");
    stream.set_nodelay(true).expect("a socket");
    let request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("the collector reads");
    stream
}

/// From the question to the first line of the answer's body.
fn first_row_ms(address: &str, target: &str) -> f64 {
    let started = Instant::now();
    let mut reader = BufReader::new(ask(address, target));
    let mut line = String::new();
    reader.read_line(&mut line).expect("an answer");
    assert!(line.contains(" 200 "), "{target}: {line}");
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).expect("a header") > 0, "{target}: cut short");
    }
    // The length of a chunk, or the body itself.
    assert!(reader.read_line(&mut line).expect("a body") > 0, "{target}: no body");
    started.elapsed().as_secs_f64() * 1e3
}

/// Of all but the first.
fn median_warm(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<f64> = times.skip(1).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// From the end of the connection to the end of the work; `None` when the work was done before.
fn given_up_ms(client: &Client, address: &str, target: &str) -> Option<f64> {
    let stream = ask(address, target);
    let is_running = || {
        let metrics = client.get("/metrics", &[]).text;
        metrics.lines().any(|line| line.starts_with(RUNNING) && !line.ends_with(" 0"))
    };
    let begun = Instant::now();
    while !is_running() {
        if begun.elapsed() > Duration::from_secs(1) {
            return None;
        }
    }
    std::thread::park_timeout(Duration::from_millis(30));
    if !is_running() {
        return None;
    }
    let left = Instant::now();
    drop(stream);
    while is_running() {
        assert!(left.elapsed() < Duration::from_secs(60), "{target}: the work goes on");
    }
    Some(left.elapsed().as_secs_f64() * 1e3)
}

/// The gauge of queries at work.
const RUNNING: &str = "millpond_http_queries_running ";
