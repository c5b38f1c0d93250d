//! Random histories of a log and its agent: whatever happens in whatever order, each line arrives once.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::harness::{Host, exists, lines, text};
use crate::tail::content::tests::gzip;

#[derive(Debug, Clone)]
enum Step {
    /// Lines are written, the last one possibly not to its end.
    Write {
        lines: usize,
        is_torn: bool,
    },
    /// `app.log` becomes `app.log.1`, that `app.log.2`, and so on.
    Rename,
    /// The same by copying; the writer starts again at the beginning.
    CopyTruncate,
    /// The same, with whole lines written between the copy and the truncation.
    CopyWriteTruncate {
        lines: usize,
        is_read: bool,
    },
    /// A rotated file is packed, as logrotate does it when it rotates, or one rotation later.
    Pack,
    /// The oldest rotated file goes; the agent has seen it.
    DeleteOldest,
    Scan,
    Work(usize),
    Deliver,
    /// The collector has it, the agent never learns.
    LoseReply,
    Kill,
    LoseState,
    Wait(u64),
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..40usize, any::<bool>()).prop_map(|(lines, is_torn)| Step::Write { lines, is_torn }),
        2 => Just(Step::Rename),
        2 => Just(Step::CopyTruncate),
        2 => Just(Step::Pack),
        1 => Just(Step::DeleteOldest),
        4 => Just(Step::Scan),
        4 => (1..4usize).prop_map(Step::Work),
        4 => Just(Step::Deliver),
        1 => Just(Step::LoseReply),
        2 => Just(Step::Kill),
        1 => Just(Step::LoseState),
        1 => (1..3_000u64).prop_map(Step::Wait),
        2 => Just(Step::Settle),
    ]
}

#[derive(Default)]
struct Writer {
    written: Vec<String>,
    /// Those that are in no copy.
    late: BTreeSet<String>,
    /// What is still missing of the last line.
    rest: String,
}

impl Writer {
    fn write(&mut self, host: &Host, count: usize, is_torn: bool) {
        let from = self.written.len();
        let new = lines("m", from..from + count);
        let text = text(&new);
        let end = if is_torn { text.len() - 20 } else { text.len() };
        host.append("app.log", format!("{}{}", self.rest, &text[..end]));
        self.rest = text[end..].to_owned();
        self.written.extend(new);
    }

    fn finish_line(&mut self, host: &Host) {
        if !self.rest.is_empty() {
            host.append("app.log", std::mem::take(&mut self.rest));
        }
    }
}

/// Rotated files, the newest first: their numbers and what stands behind.
fn rotated(host: &Host) -> Vec<(usize, &'static str)> {
    let all = (1..200).flat_map(|number| [(number, ""), (number, ".gz")]);
    all.filter(|(number, end)| exists(&host.path(&format!("app.log.{number}{end}")))).collect()
}

fn shift(host: &Host) {
    for (number, end) in rotated(host).into_iter().rev() {
        host.rename(&format!("app.log.{number}{end}"), &format!("app.log.{}{end}", number + 1));
    }
}

fn apply(host: &mut Host, writer: &mut Writer, step: &Step) {
    let has_log = exists(&host.path("app.log"));
    match *step {
        Step::Write { lines, is_torn } => writer.write(host, lines, is_torn),
        Step::Rename if has_log => {
            writer.finish_line(host);
            shift(host);
            host.rename("app.log", "app.log.1");
        }
        Step::CopyTruncate if has_log => {
            writer.finish_line(host);
            shift(host);
            host.copy("app.log", "app.log.1");
            host.truncate("app.log");
        }
        Step::CopyWriteTruncate { lines, is_read } if has_log => {
            writer.finish_line(host);
            shift(host);
            host.copy("app.log", "app.log.1");
            let from = writer.written.len();
            writer.write(host, lines, false);
            writer.late.extend(writer.written.iter().skip(from).cloned());
            if is_read {
                host.scan();
                host.work(4);
            }
            host.truncate("app.log");
        }
        Step::Pack => {
            if let Some((number, _)) = rotated(host).into_iter().rfind(|(_, end)| end.is_empty()) {
                host.pack(&format!("app.log.{number}"), gzip, "gz");
            }
        }
        Step::DeleteOldest => {
            // Twice: what a truncation leaves is found by the scan after it.
            for _ in 0..2 {
                host.scan();
                host.work(20);
            }
            if let Some((oldest, end)) = rotated(host).last() {
                host.remove(&format!("app.log.{oldest}{end}"));
                // The open descriptor holds what is unread; a kill now would lose it, as with any agent.
                host.run();
            }
        }
        Step::Rename | Step::CopyTruncate | Step::CopyWriteTruncate { .. } => {}
        Step::Scan => host.scan(),
        Step::Work(turns) => host.work(turns),
        Step::Deliver => drop(host.deliver(true)),
        Step::LoseReply => {
            host.deliver(false);
            host.kill();
        }
        Step::Kill => host.kill(),
        Step::LoseState => host.lose_state(),
        Step::Wait(ms) => host.pass(ms),
        Step::Settle => {
            let now = host.now;
            host.agent().settle(now);
        }
    }
}

/// An eighth of the usual number, since each case is a whole history on a real file system; `PROPTEST_CASES`
/// raises it.
pub(super) fn config() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: (usual.cases / 8).max(1), ..usual }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_line_arrives_once(steps in proptest::collection::vec(step(), 1..60)) {
        let mut host = Host::new(&["app.log*"]).grouping();
        let mut writer = Writer::default();
        for step in &steps {
            apply(&mut host, &mut writer, step);
        }
        writer.finish_line(&host);
        host.run();
        host.check(&writer.written);
    }
}

/// What an agent that covers only `app.log` itself needs to have any chance: that it has seen a generation
/// before the next one takes its name, and that at most one rotation happens while it is down.
fn rotate_in_sight(host: &mut Host, writer: &mut Writer, step: &Step, rotations_while_down: &mut usize) {
    if host.tailer.is_none() && *rotations_while_down == 0 {
        *rotations_while_down = 1;
    } else {
        for _ in 0..3 {
            host.scan();
            host.work(20);
            host.deliver(true);
        }
        *rotations_while_down = 0;
    }
    apply(host, writer, step);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_rotated_out_of_the_patterns_arrives_too(steps in proptest::collection::vec(step(), 1..60)) {
        let mut host = Host::new(&["app.log"]).grouping();
        let mut writer = Writer::default();
        let mut rotations_while_down = 0;
        host.scan();
        for step in &steps {
            match step {
                Step::LoseState | Step::DeleteOldest => {}
                Step::Rename | Step::CopyTruncate => {
                    rotate_in_sight(&mut host, &mut writer, step, &mut rotations_while_down);
                }
                Step::Scan => {
                    // As the worker does: what a scan finds is noted at once.
                    host.scan();
                    host.work(1);
                }
                Step::Kill | Step::LoseReply => {
                    host.scan();
                    host.work(1);
                    apply(&mut host, &mut writer, step);
                    let is_known = std::fs::metadata(host.path("app.log")).is_ok_and(|file| file.len() > 0);
                    rotations_while_down = usize::from(!is_known);
                }
                _ => apply(&mut host, &mut writer, step),
            }
        }
        writer.finish_line(&host);
        host.run();
        host.check(&writer.written);
    }
}

fn late_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        // More than a head: a copy that is shorter than what is known of the beginning can't be told from others.
        6 => (25..60usize, any::<bool>()).prop_map(|(lines, is_torn)| Step::Write { lines, is_torn }),
        2 => (1..10usize, any::<bool>()).prop_map(|(lines, is_read)| Step::CopyWriteTruncate { lines, is_read }),
        1 => Just(Step::Rename),
        4 => Just(Step::Scan),
        4 => (1..4usize).prop_map(Step::Work),
        4 => Just(Step::Deliver),
        2 => Just(Step::Kill),
        1 => (1..3_000u64).prop_map(Step::Wait),
        2 => Just(Step::Settle),
    ]
}

proptest! {
    #![proptest_config(config())]

    /// What is written between the copy and the truncation is in no file afterwards: it arrives if it was read
    /// in time, and never costs another line. A kill may cost a second reading of the copy: its end, shorter
    /// than the position that is remembered, can't be recognised by it.
    #[test]
    fn lines_between_a_copy_and_the_truncation_cost_no_other_line(
        steps in proptest::collection::vec(late_step(), 1..60),
    ) {
        let mut host = Host::new(&["app.log*"]).grouping();
        let mut writer = Writer::default();
        for step in &steps {
            apply(&mut host, &mut writer, step);
        }
        writer.finish_line(&host);
        host.run();
        let was_killed = steps.iter().any(|step| matches!(step, Step::Kill));
        for line in &writer.written {
            let count = host.collector.lines.get(line).copied().unwrap_or(0);
            prop_assert!(count > 0 || writer.late.contains(line), "{} is missing", line);
            prop_assert!(count < 2 || was_killed, "{} arrived {} times", line, count);
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct PieceStep {
    stream: &'static str,
    is_last: bool,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Nothing,
    Read,
    Deliver,
    Kill,
    Rename,
}

fn piece_step() -> impl Strategy<Value = PieceStep> {
    let then = prop_oneof![
        8 => Just(Then::Nothing),
        3 => Just(Then::Read),
        2 => Just(Then::Deliver),
        1 => Just(Then::Kill),
        1 => Just(Then::Rename),
    ];
    (any::<bool>(), any::<bool>(), then).prop_map(|(is_stderr, is_last, then)| {
        let stream = if is_stderr { "stderr" } else { "stdout" };
        PieceStep { stream, is_last, then }
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_text_of_a_container_arrives_once(steps in proptest::collection::vec(piece_step(), 1..80)) {
        let mut host = Host::new(&["0.log*"]).grouping();
        let mut texts = Vec::new();
        let mut open = std::collections::BTreeMap::<&str, String>::new();
        let closing = ["stdout", "stderr"].map(|stream| PieceStep { stream, is_last: true, then: Then::Nothing });
        for (number, step) in steps.into_iter().chain(closing).enumerate() {
            let tag = if step.is_last { "F" } else { "P" };
            host.append("0.log", format!("2026-11-22T10:00:00Z {} {tag} piece {number};\n", step.stream));
            *open.entry(step.stream).or_default() += &format!("piece {number};");
            if step.is_last {
                texts.extend(open.remove(step.stream));
            }
            match step.then {
                Then::Nothing => {}
                Then::Read => {
                    host.scan();
                    host.work(2);
                }
                Then::Deliver => drop(host.deliver(true)),
                Then::Kill => host.kill(),
                // A runtime rotates between texts, never within one.
                Then::Rename if open.is_empty() => {
                    for number in (1..100).rev().filter(|n| exists(&host.path(&format!("0.log.{n}")))) {
                        host.rename(&format!("0.log.{number}"), &format!("0.log.{}", number + 1));
                    }
                    host.rename("0.log", "0.log.1");
                }
                Then::Rename => {}
            }
        }
        host.run();
        host.check(&texts);
    }
}
