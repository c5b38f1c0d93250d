//! Logs that begin with the same lines as the one before them of their name: read as what they are, where that can be
//! told; else from their start.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::harness::{Host, lines, text};
use crate::tail::content::tests::gzip;
use crate::watch::Hint;

/// What becomes of the old log.
type Leave = fn(&Host);

const REMOVED: Leave = |host| host.remove("app.log");

const PACKED: Leave = |host| {
    host.rename("app.log", "app.log.1");
    host.pack("app.log.1", gzip, "gz");
};

/// Lines that say when they were written.
fn dated(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers
        .map(|number| format!("2026-11-22T10:00:{:02}.{number:06}Z INFO line {number}", number % 60))
        .collect()
}

/// These lines arrived, of dated ones what they say, and no others.
fn check(host: &Host, expected: &[String]) {
    host.check(expected.iter().map(|line| line.rsplit("INFO ").next().unwrap()));
}

/// The first 20 lines have arrived, and the log is gone.
fn after_the_first(patterns: &[&str], all: &[String], is_down: bool, leave: Leave) -> (Host, File) {
    let mut host = Host::new(patterns);
    host.append("app.log", text(&all[..20]));
    host.run();
    if is_down {
        host.kill();
    }
    // Held, so that its inode isn't used again.
    let old = File::open(host.path("app.log")).unwrap();
    leave(&host);
    (host, old)
}

fn hint(host: &mut Host, hint: Hint) {
    let now = host.now;
    host.agent().hint(&hint, now);
}

/// The file gets the times that a copy with `cp -p` has.
fn backdate(host: &Host, name: &str) {
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(host.path(name)).unwrap().set_modified(an_hour_ago).unwrap();
}

#[test]
fn a_log_that_begins_like_the_one_before_it_is_a_new_one() {
    let plain = lines("line", 0..40);
    // Seen as it was made; not seen, and no line says when it was written; an archive holds the old one.
    let cases = [
        (&plain, REMOVED, true, false),
        (&dated(0..40), REMOVED, true, false),
        (&plain, REMOVED, false, false),
        (&plain, REMOVED, false, true),
        (&plain, PACKED, false, false),
        (&dated(0..40), PACKED, false, false),
        (&dated(0..40), PACKED, false, true),
    ];
    for (all, leave, is_seen, is_down) in cases {
        for pattern in ["app.log", "app.log*"] {
            let (mut host, _old) = after_the_first(&[pattern], all, is_down, leave);
            host.append("app.log", text(all));
            if is_seen {
                let path = host.path("app.log");
                hint(&mut host, Hint::Created(path));
            }
            host.run();
            check(&host, &[&all[..20], &all[..]].concat());
            assert_eq!(host.counters.logs_begun_alike.value(), 1);
            host.kill();
            host.append("app.log", "and goes on\n");
            host.run();
            check(&host, &[&all[..20], &all[..], &["and goes on".into()]].concat());
        }
    }
}

#[test]
fn a_log_that_is_seen_before_it_is_as_long_as_the_one_before_it_is_a_new_one() {
    for all in [lines("line", 0..40), dated(0..40)] {
        for seen_first in [0, 10] {
            let (mut host, _old) = after_the_first(&["app.log"], &all, false, REMOVED);
            host.append("app.log", text(&all[..seen_first]));
            let path = host.path("app.log");
            hint(&mut host, Hint::Created(path));
            host.scan();
            host.append("app.log", text(&all[seen_first..]));
            host.run();
            check(&host, &[&all[..20], &all].concat());
        }
    }
}

#[test]
fn a_log_that_was_found_empty_is_a_new_one() {
    for all in [lines("line", 0..40), dated(0..40)] {
        let (mut host, _old) = after_the_first(&["app.log"], &all, false, REMOVED);
        host.append("app.log", "");
        host.scan();
        host.append("app.log", text(&all));
        host.run();
        check(&host, &[&all[..20], &all].concat());
    }
}

#[test]
fn a_log_that_an_editor_rewrites_is_the_old_one() {
    for all in [lines("line", 0..40), dated(0..40)] {
        for number in 0..2 {
            let (mut host, _old) = after_the_first(&["app.log"], &all, false, |_| ());
            for _ in 0..=number {
                host.copy("app.log", "app.new");
                host.append("app.new", text(&all[20..30]));
                host.rename("app.new", "app.log");
                let path = host.path("app.log");
                hint(&mut host, Hint::Moved(path));
                // Soon enough that it isn't at rest.
                host.scan();
                host.append("app.log", "half a li");
                host.run();
                host.append("app.log", "ne\n");
                host.run();
            }
            let expected = (0..=number).flat_map(|_| [&all[20..30], &["half a line".into()]].concat());
            check(&host, &all[..20].iter().cloned().chain(expected).collect::<Vec<_>>());
            let counters = &host.counters;
            assert_eq!(
                (counters.copies_continued.value(), counters.logs_begun_alike.value()),
                (number + 1, 0)
            );
            assert!(counters.copied_bytes_skipped.value() >= text(&all[..20]).len() as u64);
        }
    }
}

#[test]
fn a_log_that_is_restored_while_nobody_looks_is_the_old_one() {
    // With its times; or it says itself that it was written before.
    for (all, is_backdated) in [(lines("line", 0..40), true), (dated(0..40), true), (dated(0..40), false)] {
        for is_down in [false, true] {
            let (mut host, _old) = after_the_first(&["app.log"], &all, is_down, REMOVED);
            host.append("app.log", text(&all));
            if is_backdated {
                backdate(&host, "app.log");
            }
            host.run();
            check(&host, &all);
        }
    }
}

#[test]
fn a_link_that_is_given_another_target_says_nothing_of_that() {
    let all = lines("line", 0..40);
    let (mut host, _old) = after_the_first(&["app.log"], &all, false, REMOVED);
    host.append("target", text(&all));
    std::os::unix::fs::symlink(host.path("target"), host.path("link")).unwrap();
    host.rename("link", "app.log");
    let path = host.path("app.log");
    hint(&mut host, Hint::Moved(path));
    host.run();
    check(&host, &[&all[..20], &all].concat());
}

/// `job > log`: what was truncated and holds more of the same by the time of its turn.
#[test]
fn a_truncation_that_was_seen_is_not_forgotten_when_the_same_text_is_written_again() {
    for open_files_max in [100, 0] {
        let all = lines("line", 0..40);
        let mut host = Host::new(&["app.log"]);
        host.open_files_max = open_files_max;
        host.append("app.log", text(&all[..20]));
        host.run();
        // Between the hint and the turn, or while a full batch holds up the turns.
        host.truncate("app.log");
        let path = host.path("app.log");
        hint(&mut host, Hint::Data(path.clone()));
        host.append("app.log", text(&all));
        hint(&mut host, Hint::Data(path));
        host.run();
        check(&host, &[&all[..20], &all].concat());
        assert_eq!(host.counters.truncations.value(), 1);
    }
}

/// The limit of what can be known: the file is the same one, longer, and begins as it did.
#[test]
fn a_truncation_that_nobody_saw_can_not_be_told_from_growth_when_the_same_text_is_written_again() {
    for is_down in [false, true] {
        let all = lines("line", 0..40);
        let mut host = Host::new(&["app.log"]);
        host.append("app.log", text(&all[..20]));
        host.run();
        if is_down {
            host.kill();
        }
        fs::write(host.path("app.log"), text(&all)).unwrap();
        host.run();
        check(&host, &all);
    }
}
