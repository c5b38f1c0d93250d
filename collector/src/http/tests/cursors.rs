//! Paging while documents come in, splits are built and merged: each document that was there at the beginning comes
//! exactly once, and none comes twice.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use millpond_store::StoreConfig;
use serde_json::Value;

use super::{PATIENCE, Server, limits};

/// Documents that are there at the beginning, over a hundred seconds.
const SNAPSHOT: usize = 20_000;

const PAGE: usize = 700;

/// Documents that come between two pages.
const LATE: usize = 50;

/// The first of them, Unix seconds.
const FIRST_S: usize = 1_795_366_800;

fn line(at_s: usize, n: usize, is_late: bool) -> String {
    format!(r#"{{"@timestamp":{at_s},"message":"line {n}","n":{n},"late":{is_late}}}"#)
}

/// Sends documents of all times: newer than all, older than all, and in between.
async fn send_late(server: &Server, sent: &mut usize) {
    let late = |n: usize| line(FIRST_S - 20 + n * 37 % 140, SNAPSHOT + n, true);
    let lines: Vec<String> = (*sent..*sent + LATE).map(late).collect();
    *sent += LATE;
    assert_eq!(server.post("/api/v1/ingest", lines.join("\n")).await.status, 200);
}

/// All documents, page by page: how often each came, by `n`.
async fn page_through(server: &Server, order: &str, sent: &mut usize) -> BTreeMap<u64, (u64, bool)> {
    let mut seen: BTreeMap<u64, (u64, bool)> = BTreeMap::new();
    let mut cursor = String::new();
    let mut last = None;
    loop {
        let path = format!("/api/v1/query?limit={PAGE}&order={order}&cursor={cursor}");
        let reply = server.get(&path).await;
        send_late(server, sent).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        for row in reply.body.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            if let Some(meta) = row.get("_meta") {
                assert_eq!(meta["partial"], false, "{meta}");
                match meta["cursor"].as_str() {
                    Some(next) => next.clone_into(&mut cursor),
                    None => return seen,
                }
                continue;
            }
            let id = row["_id"].as_str().unwrap().to_owned();
            let goes_on = last.is_none_or(|last| if order == "asc" { last < id } else { last > id });
            assert!(goes_on, "{id} is out of order");
            last = Some(id);
            let times = seen.entry(row["n"].as_u64().unwrap()).or_insert((0, row["late"] == true));
            times.0 += 1;
        }
    }
}

#[tokio::test]
async fn paging_under_ingest_and_merges_gives_each_document_once() {
    let store = StoreConfig {
        build_interval: Duration::from_millis(5),
        ram_tier_age: Duration::from_millis(100),
        ..StoreConfig::default()
    };
    let server = Server::with(limits(), store);
    let lines: Vec<String> = (0..SNAPSHOT).map(|n| line(FIRST_S + n * 7 % 100, n, false)).collect();
    server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let merges = || server.state.store.health().merges;
    let before = merges();
    let since = Instant::now();
    let (mut late, mut sent) = (0, 0);
    for pass in 0.. {
        let order = ["desc", "asc"][pass % 2];
        let seen = page_through(&server, order, &mut sent).await;
        assert!(seen.values().all(|(times, _)| *times == 1), "{order}: a document came twice");
        let of_snapshot = seen.values().filter(|(_, is_late)| !is_late).count();
        assert_eq!(of_snapshot, SNAPSHOT, "{order}: documents of the snapshot");
        late += seen.len() - of_snapshot;
        if pass >= 1 && merges() >= before + 2 {
            break;
        }
        assert!(since.elapsed() < 3 * PATIENCE, "no merges");
    }
    assert!(late > 0, "documents came in meanwhile");
}
