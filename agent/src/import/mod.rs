//! `import`: reads files once, to their end, and ships them exactly once, then ends. The same tailer, journal
//! and shipper as those of `run`, with a state directory of its own, `import` in the agent's: so it works
//! while the agent runs, goes on where it was interrupted, and knows what it has imported before. The
//! certificate is the agent's.
//!
//! What the agent follows or has shipped is left out: those lines are at the collector, or will be.

mod select;

use std::collections::{HashMap, HashSet};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use millpond_parsers::Format;
use millpond_wire::position::StreamId;
use tokio::sync::{mpsc, oneshot, watch};

use self::select::{forget, select};
use crate::app::{self, AppError};
use crate::batch::Body;
use crate::checkpoint::{self, Journal, Recovered};
use crate::config::Config;
use crate::dead_letters::DeadLetters;
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::progress::{self, Progress};
use crate::record::Labels;
use crate::ship::Shipper;
use crate::ship::board::Board;
use crate::tail::Tailer;
use crate::tail::generation::Life;
use crate::tail::sent::Known;
use crate::time::Clock;
use crate::{limits, state_dir};

/// Name of the state directory of imports, in the agent's.
const DIRECTORY: &str = "import";

/// What the user gives.
#[derive(Debug)]
pub struct Import {
    /// Of the agent that is enrolled.
    pub config: Config,
    /// Files and directories.
    pub paths: Vec<PathBuf>,
    /// `None`: found by itself, per file.
    pub format: Option<Format>,
    /// What every record carries.
    pub labels: Labels,
    /// Also what was imported before, and what the agent follows.
    pub again: bool,
}

/// How an import ended.
#[derive(Debug, Default)]
pub struct Report {
    /// Files that were looked at.
    pub files: usize,
    /// Of them, those of which everything had been imported before.
    pub files_before: usize,
    /// Lines that the collector has taken.
    pub lines: u64,
    /// Bytes of text.
    pub bytes: u64,
    /// Left out for a reason that costs no line.
    pub left_out: Vec<(PathBuf, String)>,
    /// What couldn't be read, or not all of it.
    pub problems: Vec<(PathBuf, String)>,
    /// Lines that the collector refused.
    pub dead_letters: u64,
    /// It was stopped before its end.
    pub is_interrupted: bool,
}

/// Runs an import until everything is at the collector, or until `stop` is ready.
///
/// # Errors
/// When it can't start, or by a defect.
pub async fn run(import: Import, stop: impl Future<Output = ()>) -> Result<Report, AppError> {
    let directory = import.config.data_dir.join(DIRECTORY);
    state_dir::create(&directory)?;
    let lock = state_dir::lock(&directory)?;
    let (mut journal, mut recovered) = Journal::open(&directory).map_err(AppError::Journal)?;
    // Those of the agent: its files are its own business. It may have learned of imports from the collector.
    let mut agents = remembered_in(&import.config.data_dir);
    agents.entries.retain(|stream, _| !recovered.entries.contains_key(stream));

    let counters = Arc::new(Counters::default());
    let mailbox = Arc::new(Mailbox::new().map_err(AppError::Start)?);
    let (end_shipping, is_ending) = watch::channel(false);
    let clock = Clock::start();
    // Nobody changes it meanwhile.
    let (_unchanged, collectors) = watch::channel(import.config.collectors.clone());
    let board = Arc::new(Board::new(&import.config.collectors.endpoints));
    let mut shipper = Shipper::new(collectors, &board, clock, Arc::clone(&counters), is_ending);
    tokio::pin!(stop);
    let positions = tokio::select! {
        positions = shipper.positions(false) => positions,
        () = &mut stop => return Ok(Report { is_interrupted: true, ..Report::default() }),
    };
    // Should the state directory be lost: what was imported before, the collector still knows.
    let is_import = |known: &Known| !agents.entries.contains_key(&known.position.stream);
    let mut positions: Vec<Known> = positions.into_iter().filter(is_import).collect();

    let mut report = Report::default();
    let (mut settings, files) = select(&import, &agents, &mut report);
    if import.again {
        forget(&files, &mut journal, &mut recovered, &mut positions);
    }
    settings.open_files_max = settings.open_files_max.min(app::descriptors_max() / 2);
    let letters = DeadLetters::new(&directory);
    let tailer =
        Tailer::new(settings, journal, recovered, &positions, letters, Arc::clone(&counters), clock.now());
    let (batches, queue) = mpsc::channel(1);
    let total_bytes = files.iter().map(|found| found.size).sum();
    report.files = files.len();
    let display = Display { total_bytes, ..Display::default() };
    let worker = Worker { tailer, mailbox: Arc::clone(&mailbox), batches, clock, display, report };
    let (result, ended) = oneshot::channel();
    let work = move || {
        let _ = result.send(worker.run());
    };
    thread::Builder::new().name("import".into()).spawn(work).map_err(AppError::Start)?;
    let mut report = app::attend(&mut shipper, queue, &mailbox, &end_shipping, ended, stop).await?;
    report.lines = counters.lines_acknowledged.value();
    report.bytes = counters.bytes_read.value();
    report.dead_letters = counters.dead_letters.value();
    drop(lock);
    Ok(report)
}

/// The streams that were imported with the state directory of an agent.
pub fn imported(data_dir: &Path) -> HashSet<StreamId> {
    remembered_in(&data_dir.join(DIRECTORY)).entries.into_keys().collect()
}

/// What a journal holds that another process may have open.
fn remembered_in(directory: &Path) -> Recovered {
    checkpoint::record::recover(&std::fs::read(directory.join(checkpoint::FILE_NAME)).unwrap_or_default())
}

/// Reads, on a thread of its own.
struct Worker {
    tailer: Tailer,
    mailbox: Arc<Mailbox>,
    batches: mpsc::Sender<Body>,
    clock: Clock,
    display: Display,
    report: Report,
}

impl Worker {
    /// Until everything is read and acknowledged, or it is stopped.
    fn run(mut self) -> Report {
        self.tailer.scan(self.clock.now());
        let before = self.offsets();
        self.display.before_bytes = self.tailer.progress().0;
        let mut patience = Duration::ZERO;
        let (mut scan_ms, mut stop_ms) = (0, None);
        while !self.tailer.is_done() {
            let inbox = self.mailbox.take(patience, None);
            let now = self.clock.now();
            if let Some(outcome) = &inbox.reply {
                self.tailer.reply(outcome, now);
            }
            if inbox.stop {
                stop_ms.get_or_insert(now.mono_ms + limits::STOP_MS);
            }
            if let Some(stop_ms) = stop_ms {
                self.report.is_interrupted = true;
                if !self.tailer.is_waiting() || inbox.is_cut_off || now.mono_ms >= stop_ms {
                    break;
                }
                patience = Duration::from_millis(stop_ms - now.mono_ms);
                continue;
            }
            // While nothing is to be read, something may turn out not to be a copy.
            let is_waiting = !patience.is_zero() && now.mono_ms >= scan_ms;
            if self.tailer.needs_scan() || is_waiting {
                self.tailer.scan(now);
                scan_ms = now.mono_ms + limits::POLL_MS;
            }
            let has_worked = self.tailer.work(now);
            self.tailer.settle(now);
            if let Some(body) = self.tailer.take_batch(now) {
                // The shipper is gone only when the program ends; the answer never comes then.
                let _ = self.batches.try_send(body);
            }
            self.tailer.checkpoint(now);
            self.display.show(&self.tailer, now.mono_ms);
            patience = if has_worked { Duration::ZERO } else { Duration::from_millis(limits::SETTLE_MS) };
        }
        self.tailer.sync_journal(self.clock.now());
        self.display.clear();
        let after = self.offsets();
        let is_as_before = |(stream, offset): &(&StreamId, &u64)| before.get(stream) == Some(*offset);
        self.report.files_before = after.iter().filter(is_as_before).count();
        self.report.problems.extend_from_slice(self.tailer.problems());
        self.report
    }

    /// Of the files that are there and not read for the first time.
    fn offsets(&self) -> HashMap<StreamId, u64> {
        let live = self.tailer.generations().filter(|(_, file)| file.life == Life::Live);
        live.map(|(stream, file)| (stream, file.read.offset)).filter(|(_, offset)| *offset > 0).collect()
    }
}

/// Shows the progress: a bar that is drawn again and again on a terminal, a line now and then elsewhere.
#[derive(Default)]
struct Display {
    total_bytes: u64,
    before_bytes: u64,
    shown_ms: u64,
    is_drawn: bool,
}

impl Display {
    const BAR_MS: u64 = 200;
    const LINE_MS: u64 = 5_000;

    fn is_due(&self, now_ms: u64) -> bool {
        let period_ms = if std::io::stderr().is_terminal() { Self::BAR_MS } else { Self::LINE_MS };
        now_ms.saturating_sub(self.shown_ms) >= period_ms
    }

    fn show(&mut self, tailer: &Tailer, now_ms: u64) {
        if !self.is_due(now_ms) {
            return;
        }
        self.shown_ms = now_ms;
        let (done_bytes, current) = tailer.progress();
        let name = current.map(|path| path.to_string_lossy()).unwrap_or_default();
        let (total_bytes, before_bytes) = (self.total_bytes, self.before_bytes);
        let progress = Progress { done_bytes, total_bytes, before_bytes, elapsed_ms: now_ms, name: &name };
        let mut to = std::io::stderr();
        // What can't be shown holds nothing up.
        let _ = if to.is_terminal() {
            self.is_drawn = true;
            write!(to, "\r\x1b[K{}", progress.bar())
        } else {
            writeln!(to, "{}", progress.line())
        };
        let _ = to.flush();
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

impl Report {
    /// For people, one thing a line.
    pub fn text(&self, elapsed_s: u64) -> String {
        let mut text = String::new();
        let mut line = |what: String| text.extend([what.as_str(), "\n"]);
        for (path, reason) in &self.left_out {
            line(format!("left out    {}: {reason} (--again imports it nonetheless)", path.display()));
        }
        for (path, reason) in &self.problems {
            line(format!("not read    {}: {reason}", path.display()));
        }
        if self.dead_letters > 0 {
            line(format!(
                "refused     {} lines; see dead_letters.ndjson in the directory import",
                self.dead_letters
            ));
        }
        let (lines, bytes, took) = (self.lines, progress::bytes(self.bytes), progress::duration(elapsed_s));
        line(format!("{lines} lines ({bytes}) of {} files imported in {took}", self.files));
        if self.files_before > 0 {
            line(format!(
                "{} files had been imported before; nothing of them was sent again",
                self.files_before
            ));
        }
        if self.is_interrupted {
            line("interrupted; the same command goes on from here".into());
        }
        text
    }

    /// Everything that was asked for is at the collector.
    pub fn is_complete(&self) -> bool {
        self.problems.is_empty() && self.dead_letters == 0 && !self.is_interrupted
    }
}
