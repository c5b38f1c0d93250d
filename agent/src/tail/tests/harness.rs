//! A host: a directory of logs, an agent that can be killed, and a collector that keeps positions and counts
//! every line that it was given.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_parsers::multiline::Rules;
use millpond_wire::otlp::{Stamp, decode};
use millpond_wire::position::{StreamId, StreamPosition};
use tempfile::TempDir;

use crate::batch::BatchLimits;
use crate::checkpoint::{self, Journal};
use crate::dead_letters::DeadLetters;
use crate::discover::Coverage;
use crate::glob::Pattern;
use crate::inputs::InputType;
use crate::metrics::Counters;
use crate::process::Chain;
use crate::record::Labels;
use crate::ship::positions::merge;
use crate::ship::route::Mode;
use crate::tail::encoding::Encoding;
use crate::tail::multiline::Multiline;
use crate::tail::{Outcome, Section, Settings, Tailer};
use crate::time::Now;

/// Time that a file must rest before its last line is complete.
pub(super) const GRACE_MS: u64 = 5_000;

/// Drops what it has, keeps what is new, per stream, as the real one does.
#[derive(Default)]
pub(super) struct Collector {
    positions: HashMap<StreamId, (u64, String)>,
    /// Each message and how often it was kept.
    pub(super) lines: BTreeMap<String, usize>,
    /// Each message with the path and the text of its flags.
    pub(super) documents: Vec<(String, String, String)>,
    /// The same as JSON.
    pub(super) json: Vec<serde_json::Value>,
}

impl Collector {
    fn receive(&mut self, body: &[u8]) {
        let logs = decode(body, &Stamp { agent_id: Some("test"), received_ns: 0 }).unwrap();
        for group in &logs.groups {
            let span = &group.span;
            assert!(span.from_offset < span.to_offset, "{span:?}");
            assert!(!span.state.is_empty());
            let position = self.positions.get(&span.stream).map_or(0, |position| position.0);
            let mut previous = None;
            for index in group.docs.clone() {
                let offset = logs.offsets[index].unwrap();
                assert!(span.from_offset <= offset && offset < span.to_offset && Some(offset) > previous);
                previous = Some(offset);
                if offset >= position {
                    let doc = logs.batch.doc(index).unwrap();
                    let field =
                        |name: &str| doc.field(name).map(|value| format!("{value:?}")).unwrap_or_default();
                    let message = doc.message().unwrap_or_default().to_owned();
                    *self.lines.entry(message.clone()).or_default() += 1;
                    self.documents.push((message, field("log.file.path"), field("log.flags")));
                    let mut json = Vec::new();
                    doc.write_json(&mut json);
                    self.json.push(serde_json::from_slice(&json).unwrap());
                }
            }
            if span.to_offset > position {
                self.positions.insert(span.stream, (span.to_offset, span.state.clone()));
            }
        }
    }

    fn positions(&self) -> Vec<StreamPosition> {
        let positions = self.positions.iter();
        positions
            .map(|(stream, (offset, state))| StreamPosition {
                stream: *stream,
                offset: *offset,
                state: state.clone(),
            })
            .collect()
    }
}

pub(super) struct Host {
    root: TempDir,
    patterns: Vec<String>,
    start_at_end: bool,
    pub(super) multiline: Multiline,
    input: Option<InputType>,
    poison: Option<String>,
    pub(super) open_files_max: usize,
    pub(super) process: Chain,
    pub(super) once: bool,
    pub(super) batch_bytes: usize,
    pub(super) encoding: Option<Encoding>,
    pub(super) collector: Collector,
    /// Another one, which gets the same.
    pub(super) mirror: Option<Collector>,
    /// The agent learns at its start what the collectors have.
    pub(super) tells_positions: bool,
    pub(super) counters: Arc<Counters>,
    pub(super) tailer: Option<Tailer>,
    pub(super) now: Now,
}

impl Host {
    pub(super) fn new(patterns: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("logs")).unwrap();
        fs::create_dir(root.path().join("state")).unwrap();
        Self {
            root,
            patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
            start_at_end: false,
            multiline: Multiline { rules: Rules::Off, ..Multiline::default() },
            input: None,
            poison: None,
            open_files_max: 100,
            process: Chain::default(),
            once: false,
            batch_bytes: 4_000,
            encoding: None,
            collector: Collector::default(),
            mirror: None,
            tells_positions: true,
            counters: Arc::default(),
            tailer: None,
            now: Now { mono_ms: 1_000, unix_ns: 1_900_000_000_000_000_000 },
        }
    }

    /// With the built-in rules for events of several lines.
    pub(super) fn grouping(mut self) -> Self {
        self.multiline = Multiline::default();
        self
    }

    pub(super) fn starting_at_end(mut self) -> Self {
        self.start_at_end = true;
        self
    }

    /// Its files are the segments of a spool.
    pub(super) fn of_spool(mut self, input: InputType) -> Self {
        self.input = Some(input);
        self
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join("logs").join(name)
    }

    pub(super) fn append(&self, name: &str, text: impl AsRef<[u8]>) {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_ref()).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn truncate(&self, name: &str) {
        fs::OpenOptions::new().write(true).open(self.path(name)).unwrap().set_len(0).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// From now on the collector refuses every request that holds this text.
    pub(super) fn refuse_batches_with(&mut self, text: &str) {
        self.poison = Some(text.to_owned());
    }

    /// From now on nothing can be written to the journal.
    pub(super) fn break_journal(&mut self) {
        fs::create_dir(self.journal_beside()).unwrap();
        self.agent().journal.refuse_writes();
    }

    pub(super) fn repair_journal(&mut self) {
        fs::remove_dir(self.journal_beside()).unwrap();
    }

    /// Where the journal is rewritten; a directory there makes that fail.
    fn journal_beside(&self) -> PathBuf {
        self.state_dir().join(format!("{}.new", checkpoint::FILE_NAME))
    }

    pub(super) fn state_dir(&self) -> PathBuf {
        self.root.path().join("state")
    }

    /// Starts the agent if it isn't running.
    pub(super) fn agent(&mut self) -> &mut Tailer {
        if self.tailer.is_none() {
            let tailer = self.start();
            self.tailer = Some(tailer);
        }
        self.tailer.as_mut().unwrap()
    }

    fn start(&self) -> Tailer {
        let logs = self.root.path().join("logs");
        let pattern = |text: &String| Pattern::new(&format!("{}/{text}", logs.display())).unwrap();
        let settings = Settings {
            coverage: vec![Coverage {
                include: self.patterns.iter().map(pattern).collect(),
                exclude: Vec::new(),
            }],
            sections: vec![Section {
                format: None,
                encoding: self.encoding,
                multiline: self.multiline.clone(),
                labels: Labels::default(),
                start_at_end: self.start_at_end,
                input: self.input,
            }],
            resource: vec![("host.name", "host".into())],
            process: self.process.clone(),
            path_metadata: true,
            batch: BatchLimits { bytes: self.batch_bytes, age_ms: 100 },
            open_files_max: self.open_files_max,
            rotate_grace_ms: GRACE_MS,
            never: Default::default(),
            imported: Default::default(),
            once: self.once,
        };
        let (journal, recovered) = Journal::open(&self.state_dir()).unwrap();
        let letters = DeadLetters::new(&self.state_dir());
        let collectors = [Some(&self.collector), self.mirror.as_ref()].into_iter().flatten();
        let answers = collectors.map(|one| self.tells_positions.then(|| one.positions())).collect();
        let positions = merge(Mode::Mirror, answers);
        Tailer::new(settings, journal, recovered, &positions, letters, self.counters.clone(), self.now)
    }

    /// As SIGKILL: what the agent had in memory is gone.
    pub(super) fn kill(&mut self) {
        self.tailer = None;
    }

    pub(super) fn lose_state(&mut self) {
        self.kill();
        let _ = fs::remove_file(self.state_dir().join(checkpoint::FILE_NAME));
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now.mono_ms += ms;
        self.now.unix_ns += i64::try_from(ms).unwrap() * 1_000_000;
    }

    pub(super) fn scan(&mut self) {
        let now = self.now;
        self.agent().scan(now);
    }

    pub(super) fn work(&mut self, turns: usize) {
        let now = self.now;
        let agent = self.agent();
        for _ in 0..turns {
            agent.work(now);
        }
        agent.checkpoint(now);
    }

    /// Sends a batch, if there is one. The agent doesn't learn of its arrival unless `reply`.
    pub(super) fn deliver(&mut self, reply: bool) -> bool {
        self.pass(100);
        let now = self.now;
        let Some(body) = self.agent().take_batch(now) else { return false };
        let body = body.request();
        let poison = self.poison.as_deref().unwrap_or("no such text");
        if memchr::memmem::find(&body, poison.as_bytes()).is_some() {
            let refused = Outcome::Refused { status: 400, reason: "poison".into() };
            self.agent().reply(&refused, now);
            return true;
        }
        self.collector.receive(&body);
        if let Some(mirror) = &mut self.mirror {
            mirror.receive(&body);
        }
        if reply {
            self.agent().reply(&Outcome::Accepted, now);
            self.agent().checkpoint(now);
        }
        true
    }

    /// Sends a batch, if there is one: the collector has it, and its mirror refuses it.
    pub(super) fn deliver_to_one(&mut self) {
        self.pass(100);
        let now = self.now;
        let Some(body) = self.agent().take_batch(now) else { return };
        self.collector.receive(&body.request());
        self.agent().reply(&Outcome::Refused { status: 400, reason: "not now".into() }, now);
        self.agent().checkpoint(now);
    }

    /// Lets the agent run until nothing moves any more, long enough for everything that waits.
    pub(super) fn run(&mut self) {
        for _ in 0..4 {
            for _ in 0..10_000 {
                let now = self.now;
                let before = self.counters.all();
                self.scan();
                self.agent().settle(now);
                self.work(20);
                let has_delivered = self.deliver(true);
                let has_changed =
                    self.counters.all().iter().zip(&before).any(|(a, b)| a != b && a.0 != "scans");
                let latest_ms = self.now.mono_ms + GRACE_MS;
                let agent = self.agent();
                let is_paused = agent.held_until_ms > 0 && agent.due_ms().is_some_and(|due| due < latest_ms);
                if !has_changed && !has_delivered && !is_paused && !self.agent().needs_scan() {
                    break;
                }
            }
            self.pass(GRACE_MS);
        }
    }

    /// Every line arrived once, and no other.
    pub(super) fn check(&self, expected: impl IntoIterator<Item = impl AsRef<str>>) {
        self.collector.check(expected);
    }
}

impl Collector {
    pub(super) fn check(&self, expected: impl IntoIterator<Item = impl AsRef<str>>) {
        let expected: BTreeMap<String, usize> =
            expected.into_iter().fold(BTreeMap::new(), |mut lines, line| {
                *lines.entry(line.as_ref().to_owned()).or_default() += 1;
                lines
            });
        let missing: Vec<_> =
            expected.iter().filter(|(line, n)| self.lines.get(*line).unwrap_or(&0) < n).collect();
        let surplus: Vec<_> =
            self.lines.iter().filter(|(line, n)| expected.get(*line).unwrap_or(&0) < n).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:?}, surplus {surplus:?}");
    }
}

/// Lines that can be told from all others.
pub(super) fn lines(tag: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| format!("{tag} {number:06} some text that makes the line long enough")).collect()
}

pub(super) fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

pub(super) fn exists(path: &Path) -> bool {
    path.exists()
}
