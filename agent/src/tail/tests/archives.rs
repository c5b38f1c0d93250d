//! Logs that are packed by a rotation, and archives that are read as they are.

use std::fs;
use std::time::{Duration, SystemTime};

use super::harness::{GRACE_MS, Host, lines, text};
use crate::tail::content::tests::{gzip, zstd};

pub(super) type Pack = fn(&[u8]) -> Vec<u8>;

pub(super) const PACKINGS: [(&str, Pack); 2] = [("gz", gzip), ("zst", zstd)];

impl Host {
    /// As `gzip` does it: the new file first, then the old one goes.
    pub(super) fn pack(&self, name: &str, pack: Pack, extension: &str) {
        let bytes = fs::read(self.path(name)).unwrap();
        self.write(&format!("{name}.{extension}"), pack(&bytes));
        self.remove(name);
    }

    pub(super) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }
}

/// Runs a scenario with either packing, with and without patterns that cover the archives.
fn check(scenario: impl Fn(&mut Host, Pack, &str) -> Vec<String>) {
    for (extension, pack) in PACKINGS {
        for pattern in ["app.log", "app.log*"] {
            let mut host = Host::new(&[pattern]);
            let expected = scenario(&mut host, pack, extension);
            host.run();
            host.check(expected);
            // Nor does a later start read anything again.
            host.kill();
            host.run();
            host.kill();
            host.run();
        }
    }
}

#[test]
fn a_log_that_was_read_is_packed() {
    check(|host, pack, extension| {
        let all = lines("a", 0..300);
        host.append("app.log", text(&all[..200]));
        host.run();
        host.rename("app.log", "app.log.1");
        host.append("app.log", text(&all[200..]));
        host.run();
        host.pack("app.log.1", pack, extension);
        host.run();
        host.rename(&format!("app.log.1.{extension}"), &format!("app.log.2.{extension}"));
        all
    });
}

#[test]
fn a_log_is_packed_at_once_while_the_agent_runs() {
    check(|host, pack, extension| {
        let all = lines("a", 0..300);
        host.append("app.log", text(&all[..100]));
        host.run();
        host.append("app.log", text(&all[100..200]));
        host.rename("app.log", "app.log.1");
        host.pack("app.log.1", pack, extension);
        host.append("app.log", text(&all[200..]));
        all
    });
}

#[test]
fn a_log_is_packed_unread_while_the_agent_is_down() {
    check(|host, pack, extension| {
        let all = lines("a", 0..3_000);
        host.append("app.log", text(&all[..100]));
        host.run();
        host.kill();
        host.append("app.log", text(&all[100..2_900]));
        host.rename("app.log", "app.log.1");
        host.append("app.log", text(&all[2_900..]));
        host.pack("app.log.1", pack, extension);
        all
    });
}

#[test]
fn an_unread_archive_is_continued_over_a_kill() {
    check(|host, pack, extension| {
        let all = lines("a", 0..3_000);
        host.append("app.log", text(&all[..100]));
        host.run();
        host.kill();
        host.append("app.log", text(&all[100..]));
        host.rename("app.log", "app.log.1");
        host.pack("app.log.1", pack, extension);
        for number in 2..6 {
            host.scan();
            host.work(3);
            host.deliver(true);
            host.kill();
            let (from, to) =
                (format!("app.log.{}.{extension}", number - 1), format!("app.log.{number}.{extension}"));
            host.rename(&from, &to);
        }
        all
    });
}

#[test]
fn what_the_collector_refused_is_read_again_from_the_archive() {
    check(|host, pack, extension| {
        let mut all = lines("a", 0..300);
        host.append("app.log", text(&all[..100]));
        host.run();
        host.kill();
        host.append("app.log", text(&all[100..]));
        host.rename("app.log", "app.log.1");
        host.pack("app.log.1", pack, extension);
        host.refuse_batches_with("000200");
        all.remove(200);
        all
    });
}

#[test]
fn copied_truncated_and_packed() {
    check(|host, pack, extension| {
        let all = lines("a", 0..300);
        host.append("app.log", text(&all[..100]));
        host.run();
        host.append("app.log", text(&all[100..200]));
        host.copy("app.log", "app.log.1");
        host.truncate("app.log");
        host.pack("app.log.1", pack, extension);
        host.append("app.log", text(&all[200..]));
        all
    });
}

#[test]
fn both_are_there_for_a_while() {
    for (extension, pack) in PACKINGS {
        let mut host = Host::new(&["app.log*"]);
        let all = lines("a", 0..200);
        host.append("app.log", text(&all));
        host.rename("app.log", "app.log.1");
        let bytes = pack(text(&all).as_bytes());
        let name = format!("app.log.1.{extension}");
        for part in [bytes.len() / 3, bytes.len() / 2, bytes.len()] {
            host.write(&name, &bytes[..part]);
            host.run();
        }
        host.remove("app.log.1");
        host.run();
        host.check(&all);
    }
}

#[test]
fn archives_that_are_covered_are_read_once() {
    for (extension, pack) in PACKINGS {
        let mut host = Host::new(&["*"]);
        let all = lines("a", 0..400);
        for (number, chunk) in all.chunks(100).enumerate() {
            host.write(&format!("app.log.{number}.{extension}"), pack(text(chunk).as_bytes()));
        }
        // The same again: a copy. A last line without a newline is one, too.
        host.copy(&format!("app.log.2.{extension}"), &format!("app.log.2-copy.{extension}"));
        host.write(&format!("b.{extension}"), pack(b"first\nlast"));
        host.write(&format!("empty.{extension}"), pack(b""));
        for _ in 0..3 {
            host.scan();
            host.work(2);
            host.deliver(true);
            host.kill();
        }
        host.run();
        host.check(all.iter().map(String::as_str).chain(["first", "last"]));
        assert_eq!(host.counters.archives_damaged.value(), 0);
        let read = host.counters.archives_read.value();
        host.kill();
        host.run();
        assert_eq!(host.counters.archives_read.value(), read, "what was read isn't unpacked again");
    }
}

#[test]
fn archives_with_one_beginning_and_different_ends() {
    for (extension, pack) in PACKINGS {
        let mut host = Host::new(&["*"]);
        let banner = lines("banner", 0..100);
        let mut expected = Vec::new();
        for number in 0..5 {
            let own = [banner.clone(), lines(&format!("own {number}"), 0..50)].concat();
            host.write(&format!("app.log.{number}.{extension}"), pack(text(&own).as_bytes()));
            expected.extend(own);
        }
        host.run();
        host.check(expected);
    }
}

#[test]
fn archives_from_before_the_first_start_are_not_wanted() {
    let mut host = Host::new(&["*"]).starting_at_end();
    host.write("old.gz", gzip(b"old\n"));
    host.run();
    host.kill();
    host.write("new.gz", gzip(b"new\n"));
    host.run();
    host.check(["new"]);
}

#[test]
fn a_damaged_archive_is_read_as_far_as_it_goes_and_further_when_it_changes() {
    for (extension, pack) in PACKINGS {
        let mut host = Host::new(&["*"]);
        let all = lines("a", 0..4_000);
        let bytes = pack(text(&all).as_bytes());
        let name = format!("app.log.{extension}");
        let fresh = |host: &Host, age_s: u64| {
            let file = fs::OpenOptions::new().write(true).open(host.path(&name)).unwrap();
            let now = SystemTime::UNIX_EPOCH + Duration::from_nanos(host.now.unix_ns.try_into().unwrap());
            file.set_modified(now - Duration::from_secs(age_s)).unwrap();
        };
        // While it is written nothing of it is read.
        host.write(&name, &bytes[..bytes.len() / 2]);
        fresh(&host, 0);
        host.scan();
        host.work(50);
        assert_eq!(host.collector.lines.len() as u64 + host.counters.archives_damaged.value(), 0);
        // When it rests, what there is is taken; what is there later goes on from it.
        host.write(&name, &bytes[..bytes.len() * 9 / 10]);
        fresh(&host, 60);
        host.run();
        assert_eq!(host.counters.archives_damaged.value(), 1);
        let torn: Vec<String> =
            host.collector.lines.keys().filter(|line| !all.contains(line)).cloned().collect();
        assert!(torn.len() <= 1 && (host.collector.lines.len() > 500), "{torn:?}");
        host.write(&name, &bytes);
        fresh(&host, 30);
        host.run();
        // Only the line that the cut went through is in two parts.
        let lacking = all.iter().filter(|line| host.collector.lines.get(*line) != Some(&1)).count();
        let surplus = host.collector.lines.keys().filter(|line| !all.contains(line)).count();
        assert!(lacking <= 1 && surplus <= 2 * lacking, "{lacking} {surplus}");
        assert_eq!(host.counters.archives_damaged.value(), 1);
        // One that stays cut is said to be, once.
        host.write(&format!("cut.{extension}"), pack(b"one\ntwo\nthr").split_last_chunk::<3>().unwrap().0);
        host.write(&format!("junk.{extension}"), &bytes[..9]);
        host.run();
        assert_eq!(host.counters.archives_damaged.value(), 3);
        host.kill();
        host.run();
        assert!(host.collector.lines.contains_key("one") || extension == "zst");
    }
}

#[test]
fn an_archive_with_the_inode_of_another_log() {
    let mut host = Host::new(&["app.log*"]);
    let all = lines("a", 0..60);
    host.append("app.log.1", text(&all[..40]));
    host.append("app.log.2", text(&all[40..]));
    host.run();
    host.kill();
    host.scan();
    let (one, two) = (text(&all[..40]), text(&all[40..]));
    host.write("app.log.2.gz", gzip(two.as_bytes()));
    host.write("app.log.2", gzip(one.as_bytes()));
    host.rename("app.log.2", "app.log.1.gz");
    host.remove("app.log.1");
    host.run();
    host.check(&all);
}

#[test]
fn an_archive_out_of_the_patterns_with_the_inode_of_another_log() {
    let mut host = Host::new(&["app.log"]);
    let all = lines("a", 0..80);
    for chunk in all.chunks(40) {
        host.append("app.log", text(&chunk[..20]));
        host.run();
        host.kill();
        host.append("app.log", text(&chunk[20..]));
        host.rename("app.log", if chunk[0] == all[0] { "app.log.2" } else { "app.log.1" });
    }
    // Packed one after the other: the second archive gets the inode of the first log.
    let (first, second) =
        (fs::read(host.path("app.log.2")).unwrap(), fs::read(host.path("app.log.1")).unwrap());
    host.write("app.log.2.gz", gzip(&first));
    host.write("app.log.2", gzip(&second));
    host.rename("app.log.2", "app.log.1.gz");
    host.remove("app.log.1");
    host.run();
    host.check(&all);
}

#[test]
fn a_file_that_is_read_once_is_complete_without_a_newline() {
    let mut host = Host::new(&["*"]);
    host.once = true;
    host.append("a.log", "one\ntwo");
    host.write("b.gz", gzip(b"three\nfour"));
    host.write("binary", [0u8; 99].map(|_| 0).iter().chain(b"\x01\0\0\0").copied().collect::<Vec<u8>>());
    assert!(!host.agent().is_done());
    host.scan();
    for _ in 0..10 {
        host.work(20);
        host.pass(GRACE_MS);
        let now = host.now;
        host.agent().settle(now);
        host.deliver(true);
    }
    assert!(host.agent().is_done());
    host.check(["one", "two", "three", "four"]);
    assert_eq!(host.agent().problems().len(), 1);
    host.kill();
    // Long after: it is still known.
    host.pass(40 * 24 * 3_600_000);
    host.scan();
    assert!(host.agent().generations().all(|(_, file)| file.unread_bytes() == 0));
    host.run();
    host.check(["one", "two", "three", "four"]);
}

/// The second import of a damaged archive found nothing to do and was content.
#[test]
fn what_is_damaged_is_said_by_each_import_and_shipped_by_one() {
    let mut host = Host::new(&["*"]);
    host.once = true;
    let all = lines("a", 0..4_000);
    let bytes = gzip(text(&all).as_bytes());
    host.write("cut.gz", &bytes[..bytes.len() * 9 / 10]);
    host.write("whole.gz", gzip(b"whole\n"));
    let mut shipped = 0;
    for import in 0..3 {
        // Long enough ago for what is whole to be known without another look.
        host.pass(24 * 3_600_000);
        host.run();
        let problems = host.agent().problems();
        assert!(problems.len() == 1 && problems[0].0.ends_with("cut.gz"), "{import}: {problems:?}");
        assert!(host.agent().is_done());
        let lines = host.collector.lines.values().sum::<usize>();
        assert!(lines > 500 && (import == 0 || lines == shipped), "{import}: {lines}");
        shipped = lines;
        host.kill();
    }
}

/// Found by the model: what is truncated and gone between two scans was taken for deleted, and its packed copy for
/// a log of its own.
#[test]
fn a_log_that_was_copied_truncated_and_deleted_between_scans_is_found_in_its_copy() {
    let mut host = Host::new(&["app.log*"]).grouping();
    let all = lines("line", 0..3);
    host.append("app.log", text(&all));
    host.scan();
    host.work(20);
    host.copy("app.log", "app.log.1");
    host.truncate("app.log");
    host.pack("app.log.1", gzip, "gz");
    host.remove("app.log");
    host.run();
    host.check(all);
}
