//! Other patterns while files are followed: nothing is lost, nothing is read twice.

use super::harness::{Host, lines, text};
use crate::glob::Pattern;
use crate::inputs::InputType;
use crate::tail::Outcome;
use crate::tail::content::tests::gzip;
use crate::tail::encoding::Encoding;
use crate::tail::generation::Life;

/// What `patterns` cover is followed from now on.
fn cover(host: &mut Host, patterns: &[&str]) {
    let now = host.now;
    let patterns =
        patterns.iter().map(|name| Pattern::new(&host.path(name).to_string_lossy()).unwrap()).collect();
    let mut settings = host.agent().settings.clone();
    settings.coverage[0].include = patterns;
    host.agent().reconfigure(settings, now);
}

#[test]
fn what_is_no_longer_covered_goes_on_where_it_was_when_it_is_covered_again() {
    let mut host = Host::new(&["*.log", "*.txt"]);
    let (a, b) = (lines("a", 0..30), lines("b", 0..30));
    host.append("a.log", text(&a[..10]));
    host.append("b.txt", text(&b[..10]));
    host.run();
    cover(&mut host, &["*.log"]);
    host.append("a.log", text(&a[10..20]));
    host.append("b.txt", text(&b[10..20]));
    host.run();
    host.check(a[..20].iter().chain(&b[..10]));
    assert_eq!(host.agent().generations().filter(|(_, file)| file.life == Life::Dormant).count(), 1);
    cover(&mut host, &["*.txt", "*.log"]);
    host.append("b.txt", text(&b[20..]));
    host.append("a.log", text(&a[20..]));
    host.run();
    host.check(a.iter().chain(&b));
}

#[test]
fn a_kill_between_two_configurations_costs_nothing() {
    let mut host = Host::new(&["*.log"]);
    let all = lines("a", 0..200);
    host.append("a.log", text(&all[..150]));
    host.scan();
    host.work(3);
    // On its way, and acknowledged when nothing covers the file any more.
    host.deliver(false);
    cover(&mut host, &["*.txt"]);
    host.run();
    host.kill();
    host.append("a.log", text(&all[150..]));
    host.run();
    host.check(&all);
}

#[test]
fn the_age_of_what_is_unread_is_known() {
    let mut host = Host::new(&["*.log"]);
    host.append("a.log", text(&lines("a", 0..10)));
    host.scan();
    host.work(2);
    host.pass(7_000);
    let now = host.now;
    let age_ms =
        |host: &mut Host| host.agent().generations().map(|(_, file)| file.backlog.age_ms(now.mono_ms)).max();
    assert_eq!(age_ms(&mut host), Some(7_000));
    host.run();
    assert_eq!(age_ms(&mut host), Some(0));
}

#[test]
fn a_log_that_a_reload_left_uncovered_is_not_deleted_like_a_segment() {
    let mut host = Host::new(&["*.log"]);
    let names = ["00000000000000000001.log", "00000000000000000002.log"];
    host.append(names[0], "a\n");
    host.append(names[1], "b\n");
    host.scan();
    host.work(4);
    host.deliver(false);
    // Only a spool is left in the configuration when the answer comes.
    let (now, nowhere) = (host.now, Pattern::new("/nowhere/*").unwrap());
    let mut settings = host.agent().settings.clone();
    settings.coverage[0].include = vec![nowhere];
    settings.sections[0].input = Some(InputType::Syslog);
    host.agent().reconfigure(settings, now);
    host.agent().reply(&Outcome::Accepted, now);
    assert!(names.iter().all(|name| host.path(name).exists()), "a log was deleted");
}

#[test]
fn another_encoding_holds_from_the_next_line_on() {
    let mut host = Host::new(&["*.log"]);
    host.append("a.log", "one\n");
    host.run();
    let now = host.now;
    let mut settings = host.agent().settings.clone();
    settings.sections[0].encoding = Some(Encoding::Utf16Le);
    host.agent().reconfigure(settings, now);
    let wide: Vec<u8> = "zwei äöü\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    host.append("a.log", wide);
    host.run();
    host.check(["one", "zwei äöü"]);
}

#[test]
fn archives_that_are_covered_from_now_on_are_read_once() {
    let mut host = Host::new(&["*.log"]);
    let all = lines("a", 0..60);
    host.append("a.log", text(&all[..30]));
    host.append("old.log.gz", gzip(text(&all[30..]).as_bytes()));
    host.run();
    host.check(&all[..30]);
    cover(&mut host, &["*.log", "*.gz"]);
    host.run();
    host.check(&all);
    cover(&mut host, &["*.log"]);
    host.run();
    cover(&mut host, &["*.gz", "*.log"]);
    host.run();
    host.kill();
    host.run();
    host.check(&all);
}
