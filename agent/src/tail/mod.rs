//! The tailer: the one owner of all files that are followed. It is driven from outside, step by step, and
//! reads no clock: [`Tailer::scan`] finds what there is, [`Tailer::hint`] says what may have changed,
//! [`Tailer::work`] reads one file for one turn, [`Tailer::take_batch`] and [`Tailer::reply`] are its ends of
//! the delivery. It blocks on nothing but reads of files.
//!
//! | file | what it does |
//! |---|---|
//! | `identity` | what makes a file the same file |
//! | `decide` | the decisions about identity, pure |
//! | `generation`, `table` | what is known of each file, and how to find it |
//! | `inspect` | what a file says of itself |
//! | `content` | what stands in a file, archives unpacked |
//! | `scan` | compares what was found with what is known |
//! | `newcomer`, `examine` | files that aren't known: opens them, decides what they are |
//! | `arrival` | files that come to the name of one that is gone |
//! | `encoding` | text that isn't UTF-8 |
//! | `read`, `window`, `lines`, `join`, `group`, `write` | bytes to lines to events to records |
//! | `multiline` | which lines belong together, as configured |
//! | `dated` | the time of events that have none |
//! | `handover` | events that a rotation has cut |
//! | `turns`, `wakes` | whose turn it is and when, and when a file has come to its end |
//! | `open` | which files are open |
//! | `archive` | the turns of archives |
//! | `once` | how far files are that are read once |
//! | `spooled` | segments of spools that are done with |
//! | `late` | what is written to files that are gone already |
//! | `watchdog`, `backlog` | files that get nowhere, and how old what is unread is |
//! | `explain` | why a file is, or isn't, read |
//! | `reconfigure` | another configuration while files are followed |
//! | `delivery` | batches out, acknowledgements in, positions kept |
//! | `sent` | where what has left ends, should it be read again |

mod archive;
mod arrival;
pub mod backlog;
pub mod content;
pub mod dated;
pub mod decide;
pub mod delivery;
pub mod encoding;
mod examine;
pub mod explain;
pub mod generation;
pub mod group;
mod handover;
pub mod identity;
pub mod inspect;
pub mod join;
mod late;
pub mod lines;
pub mod multiline;
mod newcomer;
mod once;
mod open;
pub mod read;
mod reconfigure;
mod scan;
pub mod sent;
mod spooled;
pub mod table;
mod turns;
mod wakes;
pub mod watchdog;
mod window;
mod write;

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_parsers::Format;
use millpond_wire::position::StreamId;
use serde::{Deserialize, Serialize};

use self::archive::Archives;
use self::arrival::Arrivals;
use self::decide::Arrival;
pub use self::delivery::Outcome;
use self::encoding::Encoding;
use self::examine::Suspect;
use self::generation::Generation;
use self::identity::{Identity, Inode};
use self::multiline::Multiline;
use self::read::Reader;
use self::sent::Known;
use self::table::Table;
use self::wakes::Wakes;
use self::watchdog::Watchdog;
use crate::batch::{Batch, BatchLimits, Batcher};
use crate::checkpoint::{Entry, Journal, Recovered};
use crate::dead_letters::DeadLetters;
use crate::discover::{self, Coverage};
use crate::inputs::InputType;
use crate::metrics::Counters;
use crate::process::Chain;
use crate::record::Labels;
use crate::time::Now;
use crate::{limits, watch::Hint};

/// One `[[files]]` section, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// `None`: found by itself, per file.
    pub format: Option<Format>,
    /// `None`: UTF-8, or what a byte order mark says.
    pub encoding: Option<Encoding>,
    /// Which lines belong together.
    pub multiline: Multiline,
    /// What every record carries.
    pub labels: Labels,
    /// Files that are there at the agent's very first start are read from their end.
    pub start_at_end: bool,
    /// Its files are the segments of an input's spool.
    pub input: Option<InputType>,
}

/// What the tailer is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What the sections cover; parallel to `sections`.
    pub coverage: Vec<Coverage>,
    /// How the lines of each section are treated.
    pub sections: Vec<Section>,
    /// Fields of this machine, which all its lines have.
    pub resource: Vec<(&'static str, String)>,
    /// What lines go through before they are shipped.
    pub process: Chain,
    /// Paths are asked who wrote the lines.
    pub path_metadata: bool,
    /// When a batch goes.
    pub batch: BatchLimits,
    /// Files kept open while they rest.
    pub open_files_max: usize,
    /// Time that a file without a name, or with another one, must rest before its last line counts as
    /// complete, in milliseconds.
    pub rotate_grace_ms: u64,
    /// Files that are never followed: the agent's own output.
    pub never: HashSet<Inode>,
    /// Streams of imports: that the collector has some says nothing of whether the agent has run before.
    pub imported: HashSet<StreamId>,
    /// Every file is taken as finished: its last line is complete, with or without a newline. What was read is
    /// never forgotten, and what couldn't be is remembered for [`Tailer::problems`].
    pub once: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Tailer {
    settings: Settings,
    counters: Arc<Counters>,
    table: Table,
    journal: Journal,
    dead_letters: DeadLetters,
    batcher: Batcher,
    reader: Reader,
    /// A batch that waits for the one in flight.
    ready: Option<Batch>,
    in_flight: Option<Batch>,
    /// Rotated and deleted files: the sooner they're read, the sooner their space is free.
    urgent: VecDeque<StreamId>,
    ordinary: VecDeque<StreamId>,
    archives: Archives,
    /// Files without a name, or with another one, until nothing is left of them.
    ending: HashSet<StreamId>,
    /// As those, when nothing is left and something may still come; bounded.
    late: HashSet<StreamId>,
    /// Files whose last event may go on, and when it is complete.
    waiting: Wakes,
    /// Descriptors held; counted anew at each scan.
    open_files: usize,
    suspects: HashMap<Inode, Suspect>,
    /// Of files that weren't looked into yet.
    arrivals: Arrivals,
    /// Files that aren't followed, so that each is mentioned once.
    skipped: HashMap<Inode, (u64, i128)>,
    /// What can't be read, and why; mentioned once.
    warned: HashMap<PathBuf, String>,
    /// In the last scan.
    files_over_limit: usize,
    watchdog: Watchdog,
    /// Files that exist now may be older than the agent's first start.
    is_first_start: bool,
    is_first_scan: bool,
    needs_scan: bool,
    /// Streams whose identity isn't durable yet. Nothing of them is sent before: after a crash they would be
    /// taken for new files, under other ids.
    unnoted: HashSet<StreamId>,
    synced_ms: u64,
    /// Nothing is sent before: a dead letter couldn't be written.
    held_until_ms: u64,
    problems: Vec<(std::path::PathBuf, String)>,
    /// Takes the place of the other one when that is empty: the settings have changed.
    next_batcher: Option<Batcher>,
}

impl Tailer {
    /// Takes up what the journal and the collector remember; of each stream, the position further on.
    pub fn new(
        settings: Settings,
        journal: Journal,
        recovered: Recovered,
        positions: &[Known],
        dead_letters: DeadLetters,
        counters: Arc<Counters>,
        now: Now,
    ) -> Self {
        let has_own = positions.iter().any(|known| !settings.imported.contains(&known.position.stream));
        let is_first_start = !recovered.begun && !has_own;
        let is_intact = recovered.intact;
        let batcher = Batcher::new(&settings.resource, settings.batch);
        let reader = Reader::new(settings.process.clone());
        let mut tailer = Self {
            settings,
            counters,
            table: Table::default(),
            journal,
            dead_letters,
            batcher,
            reader,
            ready: None,
            in_flight: None,
            urgent: VecDeque::new(),
            ordinary: VecDeque::new(),
            archives: Archives::default(),
            ending: HashSet::new(),
            late: HashSet::new(),
            waiting: Wakes::default(),
            open_files: 0,
            suspects: HashMap::new(),
            arrivals: Arrivals::default(),
            skipped: HashMap::new(),
            warned: HashMap::new(),
            files_over_limit: 0,
            watchdog: Watchdog::default(),
            is_first_start,
            is_first_scan: true,
            needs_scan: true,
            unnoted: HashSet::new(),
            synced_ms: 0,
            held_until_ms: 0,
            problems: Vec::new(),
            next_batcher: None,
        };
        tailer.remember(recovered.entries, positions);
        if !is_intact {
            tailer.rewrite_journal(now);
        }
        tailer
    }

    /// Something may have changed.
    pub fn hint(&mut self, hint: &Hint, now: Now) {
        match hint {
            Hint::Scan => self.needs_scan = true,
            Hint::Data(path) => match self.table.at_path(path) {
                Some(stream) => {
                    self.notice_truncation(stream, now);
                    self.enqueue(stream);
                }
                None => self.needs_scan |= self.is_covered(path),
            },
            Hint::Names(path) => self.name_changed(path),
            Hint::Created(path) => {
                self.name_changed(path);
                self.arrived(path, Arrival::Created);
            }
            Hint::Moved(path) => {
                self.name_changed(path);
                self.arrived(path, Arrival::Placed);
            }
        }
    }

    fn name_changed(&mut self, path: &Path) {
        let is_known = self.table.at_path(path).is_some();
        self.needs_scan |= is_known || self.is_covered(path) || path.is_dir();
    }

    /// True when names have changed since the last scan.
    pub fn needs_scan(&self) -> bool {
        self.needs_scan
    }

    /// Everything that is followed or remembered.
    pub fn generations(&self) -> impl Iterator<Item = (StreamId, &Generation)> {
        self.table.iter()
    }

    /// The steps that lines go through, with what they have done.
    pub fn process(&self) -> &Chain {
        self.reader.chain()
    }

    pub(super) fn is_covered(&self, path: &Path) -> bool {
        discover::section_of(&self.settings.coverage, path).is_some()
    }

    fn remember(&mut self, mut entries: HashMap<StreamId, Entry>, positions: &[Known]) {
        let mut earlier = HashMap::new();
        for Known { position, furthest } in positions {
            let mut sent_to = Some(*furthest);
            if let Some(known) = entries.get_mut(&position.stream) {
                sent_to = sent_to.max(known.sent_to);
                if known.offset >= position.offset {
                    if *furthest > known.offset {
                        known.sent_to = sent_to;
                        self.journal.put(position.stream, known);
                    }
                    continue;
                }
                earlier.insert(position.stream, known.mark());
            }
            let sent_to = sent_to.filter(|end| *end > position.offset);
            match position.state.parse::<Identity>() {
                Ok(identity) => {
                    let entry = Entry { offset: position.offset, identity, sent_to };
                    // Else what leaves next would stand in the journal as if it had begun at the earlier position.
                    self.journal.put(position.stream, &entry);
                    entries.insert(position.stream, entry);
                }
                Err(error) => {
                    tracing::warn!(stream = %position.stream, %error, "the collector's state of a stream")
                }
            }
        }
        // However old: a file may rest for months, and whether it is still there only the scan can tell.
        for (stream, entry) in entries {
            let mut generation = Generation::remembered(&entry);
            // By it a copy is recognised that ends between the two.
            generation.recent.extend(earlier.remove(&stream));
            self.table.insert(stream, generation);
        }
    }

    /// A warning that is given once for a path.
    fn warn_once(&mut self, path: &Path, reason: &str) {
        if let Some(known) = self.warned.get_mut(path) {
            reason.clone_into(known);
        } else if self.warned.len() < limits::SKIPPED_MAX {
            self.warned.insert(path.to_owned(), reason.to_owned());
            self.counters.unreadable_files.increment();
            tracing::warn!(path = %path.display(), reason, "not followed");
            self.problem(path.to_owned(), reason);
        }
    }

    /// What can't be read, and why, in order of paths.
    pub fn obstacles(&self) -> Vec<(&Path, &str)> {
        let mut obstacles: Vec<_> =
            self.warned.iter().map(|(path, reason)| (path.as_path(), reason.as_str())).collect();
        obstacles.sort_unstable();
        obstacles
    }

    /// Why a file gets nowhere, if it does.
    pub fn stalled(&self, stream: StreamId) -> Option<&str> {
        self.watchdog.stalled(stream)
    }

    /// What is on its way to the collector.
    pub fn queue(&self, now: Now) -> Queue {
        Queue {
            files_waiting: self.urgent.len() + self.ordinary.len(),
            lines_gathered: self.batcher.records(),
            batches_ready: usize::from(self.ready.is_some()),
            batches_in_flight: usize::from(self.in_flight.is_some()),
            is_held_up: self.is_held_up(now),
            journal_is_whole: self.journal.is_whole(),
        }
    }
}

/// See [`Tailer::queue`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Files with something to read.
    pub files_waiting: usize,
    /// Lines in the batch that is being filled.
    pub lines_gathered: usize,
    /// Batches that wait for the one in flight.
    pub batches_ready: usize,
    /// Batches that wait for their answer.
    pub batches_in_flight: usize,
    /// Nothing is read until the collector has taken more.
    pub is_held_up: bool,
    /// Positions can be written.
    pub journal_is_whole: bool,
}

#[cfg(test)]
mod tests;
