//! Positions and steps: what is dropped is done with, and what is read again is judged alike.

use super::harness::{Host, lines, text};
use crate::process::condition::Condition;
use crate::process::{Action, Chain, Done, Step};

/// A host whose agent drops every line with the word `noise`.
fn host() -> Host {
    let mut host = Host::new(&["*.log"]);
    let when = Some(Condition::new("noise").unwrap());
    let step = Step { name: "noise".into(), kind: "drop", when, action: Action::Drop, done: Done::default() };
    host.process = Chain::new(vec![step], Vec::new());
    host
}

#[test]
fn a_file_of_dropped_lines_is_done_with() {
    let mut host = host();
    host.append("a.log", text(&lines("noise", 0..500)));
    host.run();
    host.check([""; 0]);
    let is_done = |host: &mut Host| host.agent().generations().all(|(_, file)| file.lag_bytes() == 0);
    assert!(is_done(&mut host));
    host.kill();
    host.run();
    assert!(is_done(&mut host));
    assert_eq!(host.counters.dropped_lines.value(), 500, "they aren't read again");
    host.append("a.log", text(&lines("wanted", 0..1)));
    host.run();
    host.check(lines("wanted", 0..1));
}

#[test]
fn lines_between_dropped_ones_arrive_once_through_kills() {
    let mut host = host();
    let mut wanted = Vec::new();
    for round in 0..20 {
        // Runs of dropped lines at the beginning, in the middle and at the end of batches of some forty lines.
        host.append("a.log", text(&lines("noise", 0..round * 7 % 90)));
        let kept = lines("wanted", round * 100..round * 100 + 30);
        host.append("a.log", text(&kept));
        wanted.extend(kept);
        host.append("a.log", text(&lines("noise", 0..round * 11 % 50)));
        host.scan();
        host.work(3);
        host.deliver(round % 3 != 0);
        match round % 4 {
            0 => host.kill(),
            3 => host.lose_state(),
            _ => {}
        }
    }
    host.run();
    host.check(wanted);
}

#[test]
fn a_refused_batch_is_judged_again_in_pieces() {
    let mut host = host();
    host.append("a.log", text(&lines("noise", 0..10)));
    host.append("a.log", text(&lines("wanted", 0..60)));
    host.append("a.log", text(&lines("noise", 10..20)));
    host.refuse_batches_with("wanted 000033");
    host.run();
    host.check(lines("wanted", 0..60).into_iter().filter(|line| !line.contains("000033")));
}
