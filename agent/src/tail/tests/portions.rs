//! Random portions of events of several lines: whatever cuts the reading of them, they arrive as they were written.

use proptest::prelude::*;

use super::harness::{GRACE_MS, Host, exists};
use super::multiline::{cri, host};

#[derive(Debug, Clone, Copy)]
enum Then {
    Nothing,
    Read,
    Deliver,
    Kill,
    LoseReply,
    Rename,
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![
        10 => Just(Then::Nothing),
        4 => Just(Then::Read),
        2 => Just(Then::Deliver),
        1 => Just(Then::Kill),
        1 => Just(Then::LoseReply),
        1 => Just(Then::Rename),
    ]
}

/// An event of one to six lines, of one output, and what happens after each of its lines.
fn event() -> impl Strategy<Value = (bool, Vec<Then>)> {
    (any::<bool>(), proptest::collection::vec(then(), 1..7))
}

fn shift(host: &Host, rotations: u64) {
    for number in (1..100).rev().filter(|n| exists(&host.path(&format!("a.log.{n}")))) {
        host.rename(&format!("a.log.{number}"), &format!("a.log.{}", number + 1));
    }
    host.rename("a.log", "a.log.1");
    // Written one after the other, which a fast test hides from the clock of the file system.
    let file = std::fs::File::options().append(true).open(host.path("a.log.1")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(rotations)).unwrap();
}

proptest! {
    #![proptest_config(super::model::config())]

    /// However the lines are portioned out to turns, batches, files and lives of the agent, the events are those that
    /// were written: as long as the agent has seen each file under its own name, and no event lies in three of them.
    #[test]
    fn any_portions_give_the_same_events(
        events in proptest::collection::vec(event(), 1..30),
        is_container in any::<bool>(),
    ) {
        let mut host = host();
        let mut expected = Vec::new();
        let mut rotations = 0;
        for (number, (is_stderr, steps)) in events.into_iter().enumerate() {
            let stream = if is_stderr { "stderr" } else { "stdout" };
            let lines: Vec<_> = (0..steps.len()).map(|line| {
                if line == 0 { format!("event {number}") } else { format!("  line {line} of {number}") }
            }).collect();
            let mut is_cut = false;
            for (line, step) in lines.iter().zip(&steps) {
                let written = if is_container { cri(stream, "F", line) } else { format!("{line}\n") };
                host.append("a.log", written);
                match step {
                    Then::Nothing => {}
                    Then::Read => {
                        host.scan();
                        host.work(2);
                    }
                    Then::Deliver => drop(host.deliver(true)),
                    Then::Kill | Then::LoseReply => {
                        // What a scan finds is noted at once.
                        host.scan();
                        host.work(1);
                        if matches!(step, Then::LoseReply) {
                            host.deliver(false);
                        }
                        host.kill();
                    }
                    Then::Rename if is_cut => {}
                    Then::Rename => {
                        is_cut = true;
                        host.scan();
                        host.work(2);
                        rotations += 1;
                        shift(&host, rotations);
                    }
                }
                // Less than what an event waits for.
                host.now.mono_ms = host.now.mono_ms.min(1_000);
            }
            expected.push(lines.join("\n"));
        }
        host.pass(GRACE_MS);
        host.run();
        host.check(&expected);
    }
}
