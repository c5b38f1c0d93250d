//! Retention by size while documents come in as fast as they are taken: the store is never larger than it may be by
//! more than the splits that are written in a second, and only whole, oldest splits go.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use millpond_tests::ledger::Ledger;

/// Size that the store may have.
const BYTES_MAX: u64 = 30_000_000;
/// Connections that send.
const SENDERS: usize = 2;

fn metric(client: &Client, name: &str) -> Option<u64> {
    let text = client.get("/metrics", &[]).text;
    let line = text.lines().find(|line| !line.starts_with('#') && line.contains(name))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn the_store_stays_in_its_bytes_under_load() {
    let mut cluster = Cluster::new();
    cluster.edit_config("collector/collector.toml", "max_bytes = \"50GB\"", "max_bytes = \"30MB\"");
    cluster.start_collector();
    // Documents that hardly compress, so that splits are large.
    let (ledger, client) = (Ledger::new(100_000), cluster.client());
    let finished = AtomicBool::new(false);
    let (mut most, mut largest_step, mut last) = (0, 0, 0);
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                while !finished.load(Ordering::Relaxed) {
                    ledger.send(&client);
                }
            });
        }
        let removed = eventually("retention under load", Duration::from_secs(90), || {
            let bytes = metric(&client, "store_disk_bytes")?;
            (most, largest_step) = (most.max(bytes), largest_step.max(bytes.saturating_sub(last)));
            last = bytes;
            metric(&client, "retention_splits_total").filter(|splits| *splits >= 3)
        });
        finished.store(true, Ordering::Relaxed);
        assert!(removed >= 3);
    });
    assert!(
        most > BYTES_MAX && most <= BYTES_MAX + 2 * largest_step,
        "{most} bytes, splits of {largest_step}"
    );
    let acknowledged = ledger.documents();
    eventually("what is not there was removed by retention", Duration::from_secs(30), || {
        let removed = metric(&client, "retention_documents_total")?;
        client.count("").filter(|left| removed + left == acknowledged)
    });
    ledger.doubt();
    ledger.verify(&client, "after retention");
    cluster.kill_collector();
    assert_eq!(cluster.check().0, 0);
}
