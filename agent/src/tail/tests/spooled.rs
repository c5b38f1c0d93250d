//! Segments of a spool: followed as files are, and deleted when they're done with.

use super::harness::Host;
use crate::inputs::InputType;

/// Names that sort as the writer's do.
const SEGMENTS: [&str; 3] =
    ["00000000000000000001.log", "00000000000000000002.log", "00000000000000000003.log"];

fn there(host: &Host) -> [bool; 3] {
    SEGMENTS.map(|name| host.path(name).exists())
}

#[test]
fn a_segment_goes_when_it_is_acknowledged_and_a_later_one_holds_something() {
    let mut host = Host::new(&["*"]).of_spool(InputType::Stdin);
    host.append(SEGMENTS[0], "1 17 - 0 a\n1 18 - 0 b\n");
    host.run();
    assert_eq!(there(&host), [true, false, false], "the newest stays");
    host.append(SEGMENTS[1], "");
    host.run();
    assert_eq!(there(&host), [true, true, false], "nothing follows yet");
    host.append(SEGMENTS[1], "1 19 - 0 c\n");
    host.scan();
    assert_eq!(there(&host), [false, true, false]);
    host.append(SEGMENTS[2], "1 20 - 0 d\n");
    host.scan();
    host.work(10);
    host.deliver(false);
    assert_eq!(there(&host), [false, true, true], "nobody has answered");
    host.kill();
    host.run();
    assert_eq!(there(&host), [false, false, true]);
    host.kill();
    host.run();
    host.check(["a", "b", "c", "d"]);
    assert!(host.agent().is_drained());
}

#[test]
fn a_segment_with_unread_lines_stays() {
    let mut host = Host::new(&["*"]).of_spool(InputType::Stdin);
    host.append(SEGMENTS[0], "1 17 - 0 a\n");
    host.run();
    // Written after the last look, and the next one is there already.
    host.append(SEGMENTS[0], "1 18 - 0 b\n");
    host.append(SEGMENTS[1], "1 19 - 0 c\n");
    let tailer = host.agent();
    tailer.release_segments();
    assert!(!tailer.is_drained());
    assert_eq!(there(&host), [true, true, false]);
    host.run();
    assert_eq!(there(&host), [false, true, false]);
    host.check(["a", "b", "c"]);
}

#[test]
fn a_state_that_was_lost_repeats_nothing() {
    let mut host = Host::new(&["*"]).of_spool(InputType::Syslog);
    host.append(SEGMENTS[0], "1 17 10.0.0.1:9 0 <12>a\n");
    host.run();
    host.lose_state();
    host.append(SEGMENTS[0], "1 18 10.0.0.1:9 0 <12>b\\nb\n");
    host.run();
    host.check(["a", "b\nb"]);
}

#[test]
fn a_segment_is_no_archive_however_it_begins() {
    let mut host = Host::new(&["*"]).of_spool(InputType::Stdin);
    // The first bytes of gzip, where the disk has lost those of a first line.
    host.append(SEGMENTS[0], b"\x1f\x8b\x08 1 17 - 0 a\n1 18 - 0 b\n");
    host.run();
    // Nor is it one to an agent that remembers it.
    host.kill();
    host.append(SEGMENTS[0], "1 19 - 0 c\n");
    host.run();
    assert_eq!(host.counters.archives_damaged.value(), 0);
    host.check(["\u{1f}\u{fffd}\u{8} 1 17 - 0 a", "b", "c"]);
}
