//! A disk that is full, a real one of 48 MiB: ingest is refused in time and goes on alone, queries go on all
//! along, and neither the full disk nor a kill on it loses or repeats anything.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use millpond_tests::ledger::Ledger;

/// Size of the disk: little enough to be filled in a second.
const DISK_BYTES: u64 = 48 << 20;
/// Blanks behind each batch, which fill the log and nothing else.
const BLANK_BYTES: usize = 1 << 20;
/// Longest wait for what comes at the next request, or within a few seconds.
const SOON: Duration = Duration::from_secs(10);
/// Longest wait for splits to be written by their age (15 s) and the log to be looked after (10 s).
const LATER: Duration = Duration::from_secs(60);

/// A small file system in the place of a collector's data directory. Dropping it takes it away.
struct SmallDisk {
    dir: PathBuf,
}

impl SmallDisk {
    /// `None` where this may not be done; the reason is printed.
    fn new(cluster: &Cluster) -> Option<Self> {
        let (dir, aside) = (PathBuf::from(cluster.path("collector")), cluster.path("aside"));
        fs::rename(&dir, &aside).expect("a data directory");
        fs::create_dir(&dir).expect("writable");
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&dir).output();
        let refusal = match mounted {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(refusal) = refusal {
            eprintln!("SKIPPED: no small disk can be made here, which takes root: {refusal}");
            return None;
        }
        let disk = Self { dir };
        let copied = Command::new("cp").arg("-a").arg(format!("{aside}/.")).arg(&disk.dir).status();
        assert!(copied.is_ok_and(|status| status.success()));
        Some(disk)
    }

    fn free_bytes(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.dir).expect("a file system");
        stat.f_bavail * stat.f_frsize
    }

    /// Somebody else's file, which leaves this much. `None`: nothing, to the last byte.
    fn fill(&self, leave_bytes: Option<u64>) {
        let mut file = File::create(self.ballast()).expect("writable");
        let block = [7; 4096];
        while leave_bytes.is_none_or(|leave| self.free_bytes() > leave) {
            if file.write_all(&block).is_err() {
                return;
            }
        }
    }

    fn clear(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the collector may still run.
        let _ = Command::new("umount").arg("-l").arg(&self.dir).status();
    }
}

fn cluster(min_free_bytes: &str) -> Cluster {
    let cluster = Cluster::new();
    let setting = format!("min_free_bytes = \"{min_free_bytes}\"");
    cluster.edit_config("collector/collector.toml", "min_free_bytes = \"1GB\"", &setting);
    cluster
}

/// Sends until it is refused, with a time to come back.
fn send_until_refused(ledger: &Ledger, client: &Client) {
    let refusal = eventually("a refusal", SOON, || {
        ledger.send_long(client, BLANK_BYTES).filter(|reply| reply.status != 200)
    });
    assert!(refusal.status == 503 && refusal.retry_after_s.is_some_and(|after| after > 0), "{refusal:?}");
}

fn send_until_accepted(ledger: &Ledger, client: &Client, limit: Duration) {
    eventually("ingest goes on alone", limit, || {
        ledger.send_long(client, BLANK_BYTES).filter(|reply| reply.status == 200)
    });
}

/// Queries see everything, and it is told why nothing is taken in.
fn told(cluster: &Cluster, ledger: &Ledger, reason: &str) {
    let client = cluster.client();
    let acknowledged = ledger.documents();
    eventually("queries see everything", SOON, || client.count("").filter(|count| *count == acknowledged));
    let ready = client.get("/-/ready", &[]);
    assert!(ready.status == 503 && ready.retry_after_s.is_some(), "{ready:?}");
    let log = cluster.log("collector.log");
    let told = log.lines().any(|line| line.contains("ingest pauses") && line.contains(reason));
    assert!(told, "{reason}: {log}");
}

fn sound(cluster: &Cluster) {
    let (code, said) = cluster.check();
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_full_disk_is_refused_in_time_and_passes() {
    // What has to stay free, what somebody else leaves for the collector, and what it says.
    let rows = [("8MB", 20 << 20, "min_free_bytes is 8000000"), ("0B", 12 << 20, "min_free_bytes is 0")];
    for (min_free, leave_bytes, reason) in rows {
        let mut cluster = cluster(min_free);
        let Some(disk) = SmallDisk::new(&cluster) else { return };
        disk.fill(Some(leave_bytes));
        let (ledger, client) = (Ledger::new(0), cluster.client());
        cluster.start_collector();
        send_until_refused(&ledger, &client);
        let is_reserved = min_free == "0B" || disk.free_bytes() > 7_000_000;
        assert!(is_reserved, "only {} bytes are left", disk.free_bytes());
        told(&cluster, &ledger, reason);
        sound_after_kill_and_start(&mut cluster, &ledger);
        send_until_refused(&ledger, &client);
        told(&cluster, &ledger, reason);

        // Somebody takes the very last byte; the splits of an orderly stop can't be written.
        disk.clear();
        disk.fill(None);
        assert!(!cluster.stop_or_kill_collector(Duration::from_secs(2)), "{min_free}: there was no space");
        sound(&cluster);
        cluster.start_collector_anyway();
        send_until_refused(&ledger, &client);
        told(&cluster, &ledger, "");

        disk.clear();
        send_until_accepted(&ledger, &client, SOON);
        eventually("it is ready", SOON, || (client.get("/-/ready", &[]).status == 200).then_some(()));
        ledger.verify(&client, min_free);
        assert!(cluster.stop_collector(), "{min_free}");
        sound(&cluster);
        cluster.start_collector();
        ledger.verify(&client, min_free);
    }
}

/// A kill on a full disk: it starts, and answers queries.
fn sound_after_kill_and_start(cluster: &mut Cluster, ledger: &Ledger) {
    cluster.kill_collector();
    sound(cluster);
    cluster.start_collector_anyway();
    let acknowledged = ledger.documents();
    let client = cluster.client();
    eventually("everything is there after a kill", SOON, || {
        client.count("").filter(|count| *count == acknowledged)
    });
}

#[test]
fn a_log_that_fills_the_disk_makes_room_by_itself() {
    let mut cluster = cluster("8MB");
    let Some(_disk) = SmallDisk::new(&cluster) else { return };
    let (ledger, client) = (Ledger::new(0), cluster.client());
    cluster.start_collector();
    send_until_refused(&ledger, &client);
    told(&cluster, &ledger, "min_free_bytes");
    // What is in the log alone is read again, becomes splits, and then the log may go.
    sound_after_kill_and_start(&mut cluster, &ledger);
    send_until_accepted(&ledger, &client, LATER);
    ledger.verify(&client, "the log made room");
    cluster.kill_collector();
    sound(&cluster);
}

#[test]
fn retention_makes_room() {
    let mut cluster = cluster("8MB");
    let Some(disk) = SmallDisk::new(&cluster) else { return };
    // Documents that hardly compress, so that splits are large.
    let (ledger, client) = (Ledger::new(200_000), cluster.client());
    cluster.start_collector();
    for _ in 0..10 {
        assert_eq!(ledger.send(&client).expect("an answer").status, 200);
    }
    assert!(cluster.stop_collector(), "splits are written");
    ledger.forget();
    disk.fill(Some(7 << 20));
    cluster.start_collector_anyway();
    send_until_refused(&ledger, &client);
    cluster.kill_collector();
    let config = Path::new("collector/collector.toml").to_string_lossy().into_owned();
    cluster.edit_config(&config, "max_bytes = \"50GB\"", "max_bytes = \"1B\"");
    cluster.start_collector_anyway();
    // All splits go; what was in the log alone stays.
    send_until_accepted(&ledger, &client, LATER);
    ledger.verify(&client, "after retention");
    cluster.kill_collector();
    sound(&cluster);
    cluster.start_collector();
    ledger.verify(&client, "after retention and a kill");
}
