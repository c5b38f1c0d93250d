//! The whole agent against a strict collector of this test's own that fails on purpose: it loses answers,
//! is overloaded, breaks connections and refuses a line. What must arrive does, once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use support::{Fault, Site, wait_until};

fn lines(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|number| format!("line {number:05}")).collect()
}

fn append(path: &Path, lines: &[String]) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
}

#[tokio::test]
async fn lost_answers_and_overload_cost_nothing() {
    let site = Site::start().await;
    site.collector.fail_with([Fault::LoseAnswer, Fault::Status(503)]);
    let log = site.logs().join("a.log");
    let all = lines(0..3_000);
    append(&log, &all[..1_000]);
    let agent = site.start_agent();
    wait_until("the first lines", || site.collector.lines().len() >= 1_000).await;
    site.collector.fail_with([Fault::DropBeforeReading, Fault::LoseAnswer, Fault::Status(429)]);
    fs::rename(&log, site.logs().join("a.log.1")).unwrap();
    append(&log, &all[1_000..2_000]);
    wait_until("the lines after the rotation", || site.collector.lines().len() >= 2_000).await;
    site.collector.fail_with([Fault::Garbage, Fault::LoseAnswer, Fault::Status(500)]);
    append(&log, &all[2_000..]);
    wait_until("the last lines", || site.collector.lines().len() >= 3_000).await;
    agent.stop().await;
    assert_eq!(site.collector.sorted_lines(), all);
    assert_eq!(site.collector.faults_left(), 0);
    assert_eq!(site.collector.most_requests_at_once(), 1);
}

#[tokio::test]
async fn a_lost_state_is_made_up_by_the_collector() {
    let site = Site::start().await;
    let log = site.logs().join("a.log");
    let all = lines(0..2_000);
    append(&log, &all[..1_000]);
    let agent = site.start_agent();
    wait_until("the first lines", || site.collector.lines().len() >= 1_000).await;
    agent.stop().await;
    fs::remove_file(site.data_dir().join("positions.journal")).unwrap();
    append(&log, &all[1_000..]);
    let agent = site.start_agent();
    wait_until("the other lines", || site.collector.lines().len() >= 2_000).await;
    agent.stop().await;
    assert_eq!(site.collector.sorted_lines(), all);
}

#[tokio::test]
async fn a_refused_line_is_set_aside() {
    let site = Site::start().await;
    site.collector.refuse("line 00777");
    let all = lines(0..1_500);
    append(&site.logs().join("a.log"), &all);
    let agent = site.start_agent();
    wait_until("all other lines", || site.collector.lines().len() >= 1_499).await;
    let letters = site.data_dir().join("dead_letters.ndjson");
    wait_until("the dead letter", || letters.exists()).await;
    agent.stop().await;
    let expected: Vec<_> = all.into_iter().filter(|line| line != "line 00777").collect();
    assert_eq!(site.collector.sorted_lines(), expected);
    let letters = fs::read_to_string(letters).unwrap();
    assert_eq!((letters.lines().count(), letters.contains(r#""line":"line 00777\n""#)), (1, true));
}

#[tokio::test]
async fn it_stops_in_time_while_the_collector_is_gone() {
    let site = Site::start().await;
    append(&site.logs().join("a.log"), &lines(0..10));
    let agent = site.start_agent();
    wait_until("the lines", || site.collector.lines().len() >= 10).await;
    site.collector.fail_with(std::iter::repeat_n(Fault::Status(503), 1_000));
    append(&site.logs().join("a.log"), &lines(10..20));
    wait_until("a failure", || site.collector.faults_left() < 1_000).await;
    tokio::time::timeout(Duration::from_secs(5), agent.stop()).await.unwrap();
    assert!(site.data_dir().join("status.json").exists());
}

#[tokio::test]
async fn one_agent_a_directory() {
    let site = Site::start().await;
    let agent = site.start_agent();
    wait_until("the start", || site.data_dir().join("status.json").exists()).await;
    let second = millpond_agent::app::run_until(site.config(), std::future::pending()).await;
    assert!(second.unwrap_err().to_string().contains("another agent is running"));
    agent.stop().await;
}

/// A collector that never answered such a request held every batch for a minute, and one that was gone for ten seconds.
#[tokio::test]
async fn a_renewal_that_gets_no_answer_holds_nothing_up() {
    let site = Site::start_before_renewal().await;
    let log = site.logs().join("a.log");
    append(&log, &lines(0..10));
    let agent = site.start_agent();
    wait_until("the first lines", || site.collector.lines().len() >= 10).await;
    wait_until("a request for a certificate", || site.collector.renewals() > 0).await;
    append(&log, &lines(10..20));
    wait_until("the other lines", || site.collector.lines().len() >= 20).await;
    agent.stop().await;
    assert_eq!(site.collector.sorted_lines(), lines(0..20));
}
