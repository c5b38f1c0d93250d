//! What the agent follows, how far it is, what is wrong, and every counter: one [`Report`], which goes to
//! `status.json` in the state directory, to the `status` command and to the figures for Prometheus.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_wire::position::StreamId;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::metrics::Counters;
use crate::process::Step;
use crate::reload::{ConfigReport, ConfigState};
use crate::ship::board::{Board, CollectorState, Reach};
use crate::state_dir;
use crate::tail::generation::{Generation, Life};
use crate::tail::{Queue, Tailer, identity};
use crate::time::Now;

/// Name of the file in the state directory.
pub const FILE_NAME: &str = "status.json";

/// What all parts of the agent write to, and a report is made of.
#[derive(Debug, Clone)]
pub struct Shared {
    /// What was done.
    pub counters: Arc<Counters>,
    /// The collectors.
    pub board: Arc<Board>,
    /// The configuration in force.
    pub config: Arc<ConfigState>,
}

/// How things are at a moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Of the agent.
    pub version: String,
    /// Of its process.
    pub pid: u32,
    /// When this was written, Unix seconds.
    pub written_unix_s: i64,
    /// What is wrong; empty when all is well.
    pub degraded: Vec<String>,
    /// The configuration in force.
    pub config: ConfigReport,
    /// In the order of the configuration.
    pub collectors: Vec<CollectorState>,
    /// When a batch was last done with, on the monotonic clock, in milliseconds; 0 before the first.
    #[serde(skip)]
    pub acknowledged_ms: u64,
    /// End of the certificate that ends first, Unix seconds.
    pub certificate_ends_unix_s: Option<i64>,
    /// Files that have a position and are there.
    pub files_followed: usize,
    /// Bytes of them that the collector hasn't acknowledged.
    pub lag_bytes: u64,
    /// Age of the oldest of these bytes, in seconds.
    pub lag_seconds: u64,
    /// What is on its way.
    pub queue: Queue,
    /// Since the start.
    pub counters: BTreeMap<String, u64>,
    /// What each step of the processing has done.
    pub process: Vec<StepReport>,
    /// Those furthest behind first; at most [`limits::STATUS_FILES_MAX`].
    pub files: Vec<FileReport>,
    /// What matches and can't be read, with the reason; at most [`limits::OBSTACLES_LISTED_MAX`].
    pub not_followed: BTreeMap<String, String>,
}

/// One `[[process]]` section.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StepReport {
    /// Its place, from 0.
    pub step: usize,
    /// From the configuration, or its action.
    pub name: String,
    /// What it does.
    pub action: String,
    /// Lines left out.
    pub dropped_lines: u64,
    /// Lines of which something was changed.
    pub changed_lines: u64,
}

impl StepReport {
    fn of((index, step): (usize, &Step)) -> Self {
        let Step { name, kind, done, .. } = step;
        let (name, action) = (name.clone(), (*kind).to_owned());
        let (dropped_lines, changed_lines) = (done.dropped_lines, done.changed_lines);
        Self { step: index, name, action, dropped_lines, changed_lines }
    }
}

/// One file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileReport {
    /// Where it is.
    pub path: String,
    /// Where it was found first.
    pub origin: String,
    /// Of the generation, 16 hex digits.
    pub stream: String,
    /// In words.
    pub state: String,
    /// When last looked at.
    pub size_bytes: u64,
    /// All below has been read.
    pub read_offset: u64,
    /// All below is durable at the collector.
    pub acknowledged_offset: u64,
    /// What isn't, but for a last line without its end.
    pub lag_bytes: u64,
    /// Age of the oldest byte of it.
    pub lag_seconds: u64,
    /// Of its lines; `None` before it is chosen.
    pub format: Option<String>,
    /// Share of its lines that are of this format, in percent.
    pub format_hits_percent: Option<f64>,
    /// Why it gets nowhere.
    pub stalled: Option<String>,
    /// The last failure, while it holds.
    pub last_error: Option<String>,
}

impl FileReport {
    /// What a generation says of itself.
    pub fn of(stream: StreamId, file: &Generation, now: Now) -> Self {
        let state = match file.life {
            Life::Dormant => "remembered",
            Life::Live if !file.covered => "moved away",
            Life::Live if file.renamed => "renamed",
            Life::Live => "followed",
            Life::Deleted => "deleted",
            Life::Cut { .. } => "truncated; a copy is awaited",
        };
        let state = match file.unfinished_bytes() {
            0 => state.to_owned(),
            bytes => format!("{state}; unfinished last line, {bytes} bytes"),
        };
        let detector = file.detector.as_deref();
        let format = detector.and_then(|detector| detector.format());
        let percent = |part: u64, whole: u64| (part as f64 * 1_000.0 / whole as f64).round() / 10.0;
        let hits = detector.zip(format).filter(|(detector, _)| detector.lines() > 0);
        Self {
            path: identity::path_text(&file.path).into_owned(),
            origin: identity::path_text(&file.origin).into_owned(),
            stream: stream.to_string(),
            state,
            size_bytes: file.size_seen,
            read_offset: file.read.offset,
            acknowledged_offset: file.acked.offset,
            lag_bytes: file.lag_bytes(),
            lag_seconds: file.lag_ms(now.mono_ms) / 1_000,
            format: format.map(|format| format.name().to_owned()),
            format_hits_percent: hits
                .map(|(detector, format)| percent(detector.hits(format), detector.lines())),
            stalled: None,
            last_error: None,
        }
    }
}

impl Report {
    /// What is known without the tailer: it doesn't answer, or isn't there yet.
    pub fn without_tailer(shared: &Shared, now: Now) -> Self {
        let counters = shared.counters.all().into_iter().map(|(name, value)| (name.to_owned(), value));
        let (collectors, acknowledged_ms) = (shared.board.all(), shared.board.acknowledged_ms());
        let error = collectors.iter().find_map(|collector| collector.last_error.as_deref());
        let waits = match (error, acknowledged_ms) {
            (Some(error), 0) => format!("waiting for the collector: {error}"),
            _ => "the tailer doesn't answer: it is starting, or a disk is slow".to_owned(),
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            written_unix_s: now.unix_s(),
            degraded: vec![waits],
            config: shared.config.report(),
            certificate_ends_unix_s: collectors.iter().filter_map(|it| it.certificate_ends_unix_s).min(),
            collectors,
            acknowledged_ms,
            counters: counters.collect(),
            ..Self::default()
        }
    }

    /// Everything. `stalled_ms`: time without delivery that is too long.
    pub fn new(shared: &Shared, tailer: &mut Tailer, stalled_ms: u64, now: Now) -> Self {
        tailer.look_at_waiting_files(now);
        let obstacles: BTreeMap<String, String> = tailer
            .obstacles()
            .into_iter()
            .take(limits::OBSTACLES_LISTED_MAX)
            .map(|(path, reason)| (identity::path_text(path).into_owned(), reason.to_owned()))
            .collect();
        let mut files: Vec<_> = tailer.generations().filter(|(_, file)| file.life != Life::Dormant).collect();
        let followed = files.len();
        let lag_bytes = files.iter().map(|(_, file)| file.lag_bytes()).sum();
        let oldest_ms = files.iter().map(|(_, file)| file.lag_ms(now.mono_ms)).max();
        let stalled = files.iter().filter(|(stream, _)| tailer.stalled(*stream).is_some()).count();
        keep_furthest_behind(&mut files, limits::STATUS_FILES_MAX);
        let listed = files.iter().map(|(stream, file)| {
            let mut report = FileReport::of(*stream, file, now);
            report.stalled = tailer.stalled(*stream).map(str::to_owned);
            report.last_error = obstacles.get(&report.path).cloned();
            report
        });
        let mut report = Self {
            files_followed: followed,
            lag_bytes,
            lag_seconds: oldest_ms.unwrap_or_default() / 1_000,
            queue: tailer.queue(now),
            files: listed.collect(),
            process: tailer.process().steps().iter().enumerate().map(StepReport::of).collect(),
            ..Self::without_tailer(shared, now)
        };
        let followed = |path: &String| report.files.iter().any(|file| file.path == *path);
        report.not_followed = obstacles.into_iter().filter(|(path, _)| !followed(path)).collect();
        report.degraded = degraded(&report, stalled, oldest_ms.unwrap_or_default(), stalled_ms, now);
        report
    }
}

/// Keeps the `count` files that are furthest behind, in this order and then by path.
fn keep_furthest_behind(files: &mut Vec<(StreamId, &Generation)>, count: usize) {
    if files.len() > count {
        // Which of equals are left out doesn't matter, as long as they are the same ones each time: to compare the paths
        // of ten thousand files was a third of what the agent cost.
        let mut lags: Vec<_> =
            files.iter().map(|(stream, file)| (Reverse(file.lag_bytes()), *stream)).collect();
        let (_, first_out, _) = lags.select_nth_unstable(count);
        files.retain(|(stream, file)| (Reverse(file.lag_bytes()), *stream) < *first_out);
    }
    files.sort_unstable_by(|(_, a), (_, b)| {
        b.lag_bytes().cmp(&a.lag_bytes()).then_with(|| a.path.as_os_str().cmp(b.path.as_os_str()))
    });
}

/// What is wrong, in words.
fn degraded(report: &Report, stalled: usize, oldest_ms: u64, limit_ms: u64, now: Now) -> Vec<String> {
    let failing = report.collectors.iter().filter(|collector| collector.state == Reach::Fails);
    let error_of = |collector: &CollectorState| collector.last_error.clone().unwrap_or_default();
    let mut reasons = Vec::new();
    let silent_ms = now.mono_ms.saturating_sub(report.acknowledged_ms);
    let queue = &report.queue;
    let is_pending = queue.lines_gathered + queue.batches_ready + queue.batches_in_flight > 0;
    if is_pending && oldest_ms >= limit_ms && silent_ms >= limit_ms {
        reasons.push(format!("nothing delivered for {} s", silent_ms.min(oldest_ms) / 1_000));
    }
    reasons
        .extend(failing.map(|it| format!("no connection to {} ({}): {}", it.name, it.address, error_of(it))));
    if stalled > 0 {
        reasons.push(format!("{stalled} files with unread lines make no progress"));
    }
    if !queue.journal_is_whole {
        reasons.push("positions can't be written to the state directory".to_owned());
    }
    if let Some(problem) = &report.config.problem {
        reasons.push(format!("a changed configuration was refused: {problem}"));
    }
    if !report.config.later.is_empty() {
        let keys = report.config.later.join(", ");
        reasons.push(format!("a changed configuration was taken over but for {keys}: restart the agent"));
    }
    if report.certificate_ends_unix_s.is_some_and(|ends_s| ends_s <= now.unix_s()) {
        reasons.push("the agent's certificate has ended".to_owned());
    }
    reasons
}

/// Writes the file, atomically, when something has changed.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    latest: Option<Report>,
}

impl StatusFile {
    /// That of a state directory.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE_NAME), latest: None }
    }

    /// Writes how things are, unless they are as they were. Failures are only mentioned: the file is a service.
    pub fn write(&mut self, report: Report) {
        if let Some(latest) = &mut self.latest {
            // These change by themselves.
            latest.written_unix_s = report.written_unix_s;
            latest
                .counters
                .extend(report.counters.get_key_value("scans").map(|(name, n)| (name.clone(), *n)));
            if *latest == report {
                return;
            }
        }
        let text = serde_json::to_string_pretty(&report).expect("a report is plain data");
        if let Err(error) = state_dir::replace_loosely(&self.path, format!("{text}\n").as_bytes()) {
            tracing::warn!(path = %self.path.display(), %error, "the status can't be written");
        }
        self.latest = Some(report);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tail::identity::{Head, Inode, Mark};

    #[test]
    fn those_furthest_behind_are_listed() {
        let generation = |path: &str, size: u64| {
            let inode = Inode { device: 1, number: 1 };
            let mut file = Generation::new(0, Path::new(path), inode, Head::of(b""), Mark::start(), 0);
            file.size_seen = size;
            file
        };
        let all =
            [("/c", 5), ("/b", 0), ("/d", 9), ("/a", 0), ("/e", 5)].map(|(path, n)| generation(path, n));
        for (count, expected) in [
            (0, ""),
            (1, "/d"),
            (2, "/d/c"),
            (3, "/d/c/e"),
            (4, "/d/c/e/b"),
            (5, "/d/c/e/a/b"),
            (9, "/d/c/e/a/b"),
        ] {
            let mut files: Vec<_> = (0..).map(StreamId).zip(&all).collect();
            keep_furthest_behind(&mut files, count);
            let paths: String = files.iter().map(|(_, file)| file.path.display().to_string()).collect();
            assert_eq!(paths, expected, "{count}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let well = || Report {
            collectors: vec![CollectorState { state: Reach::Answers, ..CollectorState::default() }],
            acknowledged_ms: 90_000,
            queue: Queue { journal_is_whole: true, ..Queue::default() },
            ..Report::default()
        };
        let error = || Some("refused".to_owned());
        let down = || {
            let (name, address) = ("collector".to_owned(), "a:1".to_owned());
            let state = Reach::Fails;
            vec![CollectorState { name, address, state, last_error: error(), ..CollectorState::default() }]
        };
        let now = Now { mono_ms: 100_000, unix_ns: 5_000_000_000 };
        let silent = || Report {
            acknowledged_ms: 10_000,
            queue: Queue { batches_in_flight: 1, journal_is_whole: true, ..Queue::default() },
            ..well()
        };
        // Whatever isn't read isn't the collector's doing.
        let idle = || Report { acknowledged_ms: 0, ..well() };
        let mut unwritable = well();
        unwritable.queue.journal_is_whole = false;
        let mut refused = well();
        refused.config.problem = error();
        let mut partly = well();
        partly.config.later = vec!["metrics.listen".into()];
        let rows = [
            (well(), 0, 99_000, ""),
            (well(), 2, 0, "2 files with unread lines"),
            (Report { collectors: down(), ..well() }, 0, 9_000, "no connection to collector (a:1): refused"),
            (silent(), 0, 70_000, "nothing delivered for 70 s"),
            (idle(), 1, 70_000, "1 files with unread lines"),
            (unwritable, 0, 0, "positions can't be written"),
            (refused, 0, 0, "a changed configuration was refused: refused"),
            (partly, 0, 0, "taken over but for metrics.listen: restart"),
            (Report { certificate_ends_unix_s: Some(5), ..well() }, 0, 0, "certificate has ended"),
        ];
        for (report, stalled, oldest_ms, expected) in rows {
            let reasons = degraded(&report, stalled, oldest_ms, 60_000, now);
            assert_eq!(reasons.len(), usize::from(!expected.is_empty()), "{reasons:?}");
            assert!(reasons.concat().contains(expected), "{reasons:?}");
        }
    }
}
