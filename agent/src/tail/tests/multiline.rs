//! Events of several lines: whatever cuts the reading of them, each arrives whole and once.

use millpond_parsers::multiline::{Pattern, Place, Rules};

use super::harness::Host;
use crate::limits;

const TIMEOUT_MS: u64 = limits::MULTILINE_TIMEOUT_MS;

pub(super) fn host() -> Host {
    Host::new(&["*.log*"]).grouping()
}

/// A trace of that many lines.
pub(super) fn trace(name: &str, lines: usize) -> Vec<String> {
    let frame = |number| format!("\tat com.example.{name}.f{number}({name}.java:{number})");
    std::iter::once(format!("java.lang.{name}Exception: it failed")).chain((1..lines).map(frame)).collect()
}

pub(super) fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

/// What the worker does when it is woken: reads all that has a turn, and sends.
pub(super) fn tick(host: &mut Host) {
    host.scan();
    host.work(20);
    while host.deliver(true) {
        host.work(20);
    }
}

fn messages(host: &Host) -> Vec<String> {
    host.collector.documents.iter().map(|(message, ..)| message.clone()).collect()
}

#[test]
fn a_slow_trace_is_one_event() {
    let mut host = host();
    let slow = trace("Slow", 60);
    for line in &slow {
        host.append("a.log", format!("{line}\n"));
        tick(&mut host);
        assert_eq!(messages(&host), [""; 0]);
        host.pass(3_000);
    }
    tick(&mut host);
    assert_eq!(messages(&host), [""; 0]);
    host.pass(TIMEOUT_MS);
    tick(&mut host);
    host.check([slow.join("\n")]);
    assert_eq!(host.counters.multiline_events.value(), 1);
    assert_eq!(host.agent().due_ms(), None);
}

#[test]
fn a_backlog_is_never_cut() {
    let mut host = host();
    let traces: Vec<_> = (0..1_000).map(|number| trace(&format!("T{number}"), 40)).collect();
    for lines in &traces {
        host.append("a.log", text(lines));
    }
    host.run();
    host.check(traces.iter().map(|lines| lines.join("\n")));
}

#[test]
fn an_ordinary_line_waits_for_a_moment() {
    let mut host = host();
    host.append("a.log", "2026-03-01 10:00:00 INFO ready\n");
    tick(&mut host);
    assert_eq!(messages(&host), [""; 0]);
    let due_ms = host.agent().due_ms().unwrap();
    assert!(due_ms <= host.now.mono_ms + limits::LINE_HOLD_MS);
    host.pass(due_ms - host.now.mono_ms);
    // No scan and no hint: time alone brings it.
    host.work(1);
    host.deliver(true);
    host.check(["ready"]);
}

#[test]
fn structured_lines_wait_for_nothing() {
    let mut host = host();
    host.append("a.log", "{\"msg\":\"one\"}\n");
    let all = trace("Raw", 5);
    let logfmt: String = (0..40).map(|number| format!("level=info msg=m{number}\n")).collect();
    host.append("b.log", format!("{logfmt}{}{logfmt}", text(&all)));
    tick(&mut host);
    assert_eq!(host.agent().due_ms(), None);
    assert_eq!(messages(&host).len(), 82);
    assert!(messages(&host).contains(&all.join("\n")));
}

#[test]
fn blank_lines_belong_to_what_goes_on() {
    let mut host = host();
    host.append(
        "a.log",
        "panic: x\r\n\r\ngoroutine 1 [running]:\r\nmain.main()\r\n\t/a.go:1 +0x2\r\n\r\n\r\nnext\r\n\n",
    );
    host.run();
    host.check(["panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/a.go:1 +0x2", "next"]);
    assert_eq!(host.counters.empty_lines.value(), 3);
}

#[test]
fn what_comes_too_late_is_an_event_of_its_own() {
    let mut host = host();
    host.append("a.log", "java.lang.AException: x\n");
    host.run();
    host.append("a.log", "\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)\n");
    host.run();
    host.check(["java.lang.AException: x", "\tat a.B.c(B.java:1)\n\tat a.B.d(B.java:2)"]);
    assert_eq!(host.counters.orphaned_lines.value(), 1);
}

#[test]
fn files_do_not_mix() {
    let mut host = host();
    let (a, b) = (trace("A", 30), trace("B", 30));
    for (of_a, of_b) in a.iter().zip(&b) {
        host.append("a.log", format!("{of_a}\n"));
        tick(&mut host);
        host.append("b.log", format!("{of_b}\n"));
        tick(&mut host);
    }
    host.run();
    host.check([a.join("\n"), b.join("\n")]);
}

pub(super) fn cri(stream: &str, tag: &str, text: &str) -> String {
    format!("2026-11-22T10:00:00.000000000Z {stream} {tag} {text}\n")
}

#[test]
fn outputs_of_a_container_do_not_mix() {
    for is_docker in [false, true] {
        let mut host = host();
        let (out, err) = (trace("Out", 30), trace("Err", 30));
        let line = |stream: &str, text: &str| {
            if is_docker {
                let text = text.replace('\t', "\\t");
                format!(
                    "{{\"log\":\"{text}\\n\",\"stream\":\"{stream}\",\"time\":\"2026-11-22T10:00:00Z\"}}\n"
                )
            } else {
                cri(stream, "F", text)
            }
        };
        for (of_out, of_err) in out.iter().zip(&err) {
            host.append("a.log", line("stdout", of_out));
            host.append("a.log", line("stderr", of_err));
            tick(&mut host);
        }
        host.append("a.log", line("stdout", "next"));
        host.run();
        host.check([out.join("\n"), err.join("\n"), "next".into()]);
    }
}

#[test]
fn a_quiet_output_does_not_hold_up_a_busy_one_for_ever() {
    let mut host = host();
    host.append("a.log", cri("stdout", "F", "java.lang.AException: x") + &cri("stdout", "F", "\tat a.B"));
    let all: Vec<_> = (0..limits::QUEUED_EVENTS_MAX + 10).map(|number| format!("line {number}")).collect();
    host.append("a.log", all.iter().map(|line| cri("stderr", "F", line)).collect::<String>());
    tick(&mut host);
    // The last one may go on.
    assert!(messages(&host).len() >= all.len());
    host.run();
    host.check(all.into_iter().chain(["java.lang.AException: x\n\tat a.B".into()]));
}

#[test]
fn a_rotation_does_not_cut_an_event() {
    // Lines before the rotation, whether anything follows the event, and whether the agent dies after it.
    for (before, is_followed, is_killed) in
        [(1, true, false), (7, false, false), (7, true, true), (19, true, true), (20, true, false)]
    {
        let mut host = host();
        let all = trace("Rotated", 20);
        host.append("app.log", format!("first\n{}", text(&all[..before])));
        tick(&mut host);
        host.rename("app.log", "app.log.1");
        host.append("app.log", text(&all[before..]));
        if is_followed {
            host.append("app.log", "last\n");
        }
        tick(&mut host);
        if is_killed {
            host.deliver(false);
            host.kill();
        }
        host.run();
        host.kill();
        host.run();
        let last = is_followed.then(|| "last".to_owned());
        host.check([Some("first".into()), Some(all.join("\n")), last].into_iter().flatten());
        let event =
            host.collector.documents.iter().find(|(message, ..)| message.contains("Rotated")).unwrap();
        assert!(event.1.contains("app.log"), "{event:?}");
    }
}

#[test]
fn a_successor_that_comes_later_carries_on() {
    let mut host = host();
    let all = trace("Late", 10);
    host.append("app.log", text(&all[..4]));
    tick(&mut host);
    host.rename("app.log", "app.log.1");
    tick(&mut host);
    host.pass(TIMEOUT_MS - 1_000);
    host.append("app.log", text(&all[4..6]));
    tick(&mut host);
    host.pass(TIMEOUT_MS - 1_000);
    host.append("app.log", text(&all[6..]));
    tick(&mut host);
    assert_eq!(messages(&host), [""; 0]);
    host.pass(TIMEOUT_MS);
    tick(&mut host);
    host.check([all.join("\n")]);
    host.append("app.log", "next\n");
    host.run();
    host.check([all.join("\n"), "next".into()]);
}

#[test]
fn pieces_may_lie_in_two_files() {
    let mut host = host();
    let piece = "x".repeat(100_000);
    host.append("0.log", cri("stdout", "P", &piece));
    tick(&mut host);
    host.append("0.log", cri("stdout", "P", &piece));
    host.rename("0.log", "0.log.1");
    host.append("0.log", cri("stdout", "F", &piece) + &cri("stdout", "F", "next"));
    host.run();
    host.check([piece.repeat(3), "next".into()]);
}

#[test]
fn a_kill_in_the_middle_costs_nothing() {
    for is_lost in [false, true] {
        let mut host = host();
        let all = trace("Killed", 30);
        for (number, line) in all.iter().enumerate() {
            host.append("a.log", format!("{line}\n"));
            tick(&mut host);
            if number % 7 == 3 {
                if is_lost { host.lose_state() } else { host.kill() }
            }
        }
        host.append("a.log", "next\n");
        host.run();
        host.check([all.join("\n"), "next".into()]);
    }
}

#[test]
fn too_many_lines_are_counted() {
    let mut host = host();
    let all = trace("Deep", 5_000);
    host.append("a.log", text(&all));
    host.append("a.log", "next\n");
    host.run();
    host.check([all[..2_000].join("\n"), "next".into()]);
    assert_eq!((host.counters.left_out_lines.value(), host.counters.truncated_events.value()), (3_000, 1));
    assert!(host.collector.documents.iter().any(|(.., flags)| flags.contains("truncated")));
}

#[test]
fn more_than_a_window_is_left_out_line_by_line() {
    let mut host = host();
    let all = trace("Endless", 100_000);
    host.append("a.log", text(&all));
    host.append("a.log", "next\n");
    host.run();
    host.check([all[..2_000].join("\n"), "next".into()]);
    assert_eq!(host.counters.left_out_lines.value(), 98_000);
}

#[test]
fn a_long_event_is_not_read_again_for_each_line() {
    let mut host = host();
    host.multiline.lines_max = 100_000;
    let all = trace("Growing", 4_000);
    let mut turns = 0;
    let mut seen = 0;
    for lines in all.chunks(4) {
        host.append("a.log", text(lines));
        tick(&mut host);
        let waiting = host.agent().generations().find_map(|(_, of)| of.waiting).unwrap();
        turns += usize::from(waiting.seen_to != seen);
        seen = waiting.seen_to;
    }
    assert!(turns < 500, "{turns} turns");
    host.run();
    host.check([all.join("\n")]);
}

#[test]
fn rules_of_the_users() {
    let mut host = host();
    host.multiline.rules = Rules::Pattern(Pattern::new(Place::Start, "^#", false).unwrap());
    host.append("a.log", "# one\na\n# two\n\nb\n# three\n");
    host.run();
    host.check(["# one\na", "# two\n\nb", "# three"]);
}

#[test]
fn a_torn_line_belongs_to_what_it_carries_on() {
    let mut host = host();
    host.append("a.log", "java.lang.AException: x\n\tat a.B");
    tick(&mut host);
    host.pass(TIMEOUT_MS - 1);
    host.append("a.log", ".c(B");
    tick(&mut host);
    host.pass(TIMEOUT_MS - 1);
    host.append("a.log", ".java:1)\n");
    host.run();
    host.check(["java.lang.AException: x\n\tat a.B.c(B.java:1)"]);
}

/// Lines without a time, read long after they were written, stand beside those that they were written beside.
#[test]
fn what_has_no_time_gets_that_of_the_event_before() {
    let mut host = host();
    let times = |host: &Host| -> Vec<String> {
        let documents = host.collector.json.iter();
        documents.map(|document| document["@timestamp"].as_str().unwrap().to_owned()).collect()
    };
    let (first, second, clock) = ("2026-03-01T10:00:00Z", "2026-03-01T10:00:05Z", "2030-03-17T17:46");
    host.append(
        "a.log",
        format!("printed\n{first} INFO one\nprinted\npanic: x\n{second} INFO two\nprinted\n"),
    );
    host.append("b.log", "printed\n");
    host.run();
    let mut found = times(&host);
    found.sort_unstable();
    let is_expected = |(found, expected): (&String, &str)| found.starts_with(expected);
    assert!(
        found.iter().zip([first, first, first, second, second, clock, clock]).all(is_expected),
        "{found:?}"
    );
    // A date at the top of a file says nothing of what is written next day, nor is it known after a start.
    host.pass(limits::UNDATED_MS);
    host.append("a.log", "printed\n");
    host.run();
    host.append("a.log", format!("{second} INFO three\n"));
    host.run();
    host.kill();
    host.append("a.log", "printed\n");
    host.run();
    let is_of_clock: Vec<_> = times(&host).iter().skip(7).map(|time| !time.starts_with("2026")).collect();
    assert_eq!(is_of_clock, [true, false, true]);
}

#[test]
fn what_one_round_has_found_leaves_in_one_batch() {
    let mut host = host();
    let names: Vec<String> = (0..10).map(|number| format!("{number}.log")).collect();
    for name in &names {
        host.append(name, format!("2026-03-01 10:00:00 INFO {name}\n"));
    }
    host.scan();
    let seen_ms = host.now.mono_ms;
    // Reading takes its time, so that the last one is seen later than the first.
    for _ in &names {
        host.work(1);
        host.pass(1);
    }
    assert_eq!(messages(&host), [""; 0]);
    host.pass(seen_ms + limits::LINE_HOLD_MS - host.now.mono_ms);
    for turn in 1..names.len() {
        host.work(1);
        let now = host.now;
        assert!(host.agent().take_batch(now).is_none(), "{turn}: others have their turn in this round");
    }
    host.work(1);
    let now = host.now;
    let batch = host.agent().take_batch(now).expect("lines that were held wait no longer");
    let request = String::from_utf8_lossy(&batch.request()).into_owned();
    assert!(names.iter().all(|name| request.contains(name.as_str())), "{request}");
}
