//! Why a file is read, or isn't, and what to do about it. The answers come from what the scan itself asks: the
//! patterns ([`discover::look_at`]), the table of generations, the decisions about newcomers ([`decide`]). A running
//! agent answers from what it knows; without one, the journal stands in for it.

use std::fs;
use std::path::{Path, PathBuf};

use millpond_wire::position::StreamId;
use serde::{Deserialize, Serialize};

use super::content::Content;
use super::decide::{self, Origin, Verdict};
use super::generation::Generation;
use super::identity::Inode;
use super::inspect::{self, Stat};
use super::newcomer::{Newcomer, Useless, compare, encoding_of, why_useless};
use super::table::Table;
use super::{Settings, Tailer};
use crate::checkpoint::Recovered;
use crate::discover::{self, Found, Skip};
use crate::limits;
use crate::status::FileReport;
use crate::time::Now;

/// The answer about one path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// As asked.
    pub path: PathBuf,
    /// Its lines are shipped.
    pub is_read: bool,
    /// Why, or why not.
    pub reason: String,
    /// What to do; empty when there is nothing.
    pub advice: String,
    /// Where the agent stands in it.
    pub file: Option<FileReport>,
}

impl Explanation {
    fn no(path: &Path, reason: impl Into<String>, advice: impl Into<String>) -> Self {
        let (reason, advice) = (reason.into(), advice.into());
        Self { path: path.to_owned(), is_read: false, reason, advice, file: None }
    }

    fn skipped(path: &Path, skip: &Skip) -> Self {
        Self::no(path, skip.to_string(), advice(skip))
    }
}

fn advice(skip: &Skip) -> &'static str {
    match skip {
        Skip::NotIncluded { .. } => {
            "add it, or a pattern that covers it, to `include` of a [[files]] section"
        }
        Skip::Excluded { .. } => {
            "take the pattern out of `exclude` of its [[files]] section, or make it narrower; the agent's own directory \
             is never read"
        }
        Skip::LinkedDirectory(_) => "name the directory that the link leads to in `include`",
        Skip::Directory => "a pattern that ends with `/**` covers the files in a directory",
        Skip::Missing => "it will be read from its beginning when it is there",
        Skip::Unreadable(_) => "let the agent's user read it and enter the directories above it",
        Skip::NotRegular => "pipes, sockets and devices are never opened; write to a file",
        Skip::ForeignLink => {
            "let root or the owner of the target own the link, or name the target in `include`"
        }
        Skip::TooDeep => "name a directory further down in `include`",
        Skip::Own => "the agent would feed itself; there is nothing to do",
    }
}

impl Tailer {
    /// Says whether and why a file is read.
    pub fn explain(&self, path: &Path, now: Now) -> Explanation {
        if let Some(stream) = self.table.at_path(path) {
            return self.followed(path, stream, now);
        }
        let found = match discover::look_at(&self.settings.coverage, &self.settings.never, path) {
            Ok(found) => found,
            Err(skip) => return Explanation::skipped(path, &skip),
        };
        if let Some(stream) = self.table.live_at(found.inode) {
            return self.followed(path, stream, now);
        }
        if let Some(suspect) = self.suspects.get(&found.inode)
            && let Some(original) = self.table.get(suspect.of)
        {
            return copy_of(path, original);
        }
        if let Err(no) = look_inside(&self.settings, &found) {
            return *no;
        }
        if let Some(reason) = self.warned.get(path) {
            return Explanation::no(path, reason.clone(), advice(&Skip::Unreadable(String::new())));
        }
        if self.files_over_limit > 0 {
            let reason = format!("more than {} files match, and it is beyond them", limits::FILES_MAX);
            return Explanation::no(path, reason, "make `include` narrower, or `exclude` wider");
        }
        Explanation::no(
            path,
            "it hasn't been looked at yet",
            "the next scan will; ask again in a few seconds",
        )
    }

    fn followed(&self, path: &Path, stream: StreamId, now: Now) -> Explanation {
        let Some(file) = self.table.get(stream) else { return Explanation::skipped(path, &Skip::Missing) };
        let stalled = self.stalled(stream);
        let mut explanation = read(path, stream, file, now);
        if let Some(reason) = stalled {
            explanation.reason = format!("it is followed and gets nowhere: {reason}");
            explanation.advice = "the agent tries again by itself; the reason has to go".into();
        }
        if let Some(report) = &mut explanation.file {
            report.stalled = stalled.map(str::to_owned);
            report.last_error = self.warned.get(&file.path).cloned();
        }
        explanation
    }
}

/// As [`Tailer::explain`], for an agent that isn't running: what the next start would find. `recovered` is its journal.
pub fn without_agent(settings: &Settings, recovered: &Recovered, path: &Path, now: Now) -> Explanation {
    let found = match discover::look_at(&settings.coverage, &settings.never, path) {
        Ok(found) => found,
        Err(skip) => return Explanation::skipped(path, &skip),
    };
    let (file, stat, start) = match look_inside(settings, &found) {
        Ok(opened) => opened,
        Err(no) => return *no,
    };
    let mut table = Table::default();
    for (stream, entry) in &recovered.entries {
        table.insert(*stream, Generation::remembered(entry));
        let Inode { device, number } = entry.identity.inode;
        let is_there = |data: fs::Metadata| Inode::of(&data) == Inode { device, number };
        if fs::metadata(&entry.identity.path).is_ok_and(is_there) {
            table.place(*stream, entry.identity.inode, &entry.identity.path);
        }
    }
    for stream in table.live_at(found.inode).into_iter().chain(table.dormant_at(found.inode)) {
        let Some(generation) = table.get_mut(stream) else { continue };
        let is_reborn = decide::is_reborn(stat.born_s, generation.remembered_s);
        if !is_reborn
            && generation.head.matches(&start)
            && inspect::holds(&file, &generation.read).unwrap_or(false)
        {
            generation.saw_size(found.size, now.mono_ms);
            return known(path, stream, generation, now);
        }
    }
    match original_of(&mut table, &found, (file, stat), start) {
        Some(original) => copy_of(path, original),
        None => Explanation {
            is_read: true,
            ..Explanation::no(path, "it is covered, and new to the agent: it is read from its beginning", "")
        },
    }
}

/// The remembered file that this one is a copy of, by the decision that a scan would make.
fn original_of<'a>(
    table: &'a mut Table,
    found: &Found,
    (file, stat): (Content, Stat),
    start: Vec<u8>,
) -> Option<&'a Generation> {
    let candidates = table.with_head_of(&start);
    let newcomer =
        Newcomer { found, file, stat, start, suspect: None, grew: false, arrival: None, since_ms: 0 };
    let original = candidates.into_iter().take(limits::CANDIDATES_MAX).find(|stream| {
        let Some(generation) = table.get_mut(*stream) else { return false };
        generation.file = inspect::open(&generation.path).ok().map(|(file, _)| file);
        let origin = if generation.file.is_some() { Origin::Alive } else { Origin::Gone };
        // A moment at which everything that is merely waited for has been.
        let later = Now { mono_ms: limits::COPY_SETTLE_MS, unix_ns: 0 };
        let like = compare(generation, *stream, &newcomer, origin, later);
        like.is_some_and(|like| matches!(decide::newcomer(&like), Verdict::Wait | Verdict::AlreadyRead))
    });
    table.get(original?)
}

/// Opens a file the way a newcomer is opened; else why it isn't one.
fn look_inside(settings: &Settings, found: &Found) -> Result<(Content, Stat, Vec<u8>), Box<Explanation>> {
    let no = |reason: String, advice: &str| Box::new(Explanation::no(&found.path, reason, advice));
    if found.size == 0 {
        return Err(no("it is empty".into(), "it is read from its first line on"));
    }
    let unreadable = |error: std::io::Error| no(error.to_string(), advice(&Skip::Unreadable(String::new())));
    let (file, stat) = inspect::open(&found.path).map_err(unreadable)?;
    let start = inspect::read_vec(&file, limits::COMPARE_BYTES, 0).map_err(unreadable)?;
    match why_useless(&file, &start, encoding_of(settings, found, &start)) {
        None => Ok((file, stat, start)),
        Some(Useless::Binary) => Err(no("binary, not text".into(), "exclude it; only text is read")),
        Some(Useless::EmptyArchive) => Err(no("an archive with nothing in it".into(), "")),
        Some(Useless::Damaged(reason)) => Err(no(reason, "nothing of it can be unpacked; replace it")),
    }
}

fn copy_of(path: &Path, original: &Generation) -> Explanation {
    let reason = format!("looks like a copy of {}", original.path.display());
    Explanation::no(
        path,
        reason,
        "a copy isn't read a second time; it is read when it turns out to be no copy",
    )
}

/// Of a file that the journal has, while no agent runs.
fn known(path: &Path, stream: StreamId, file: &Generation, now: Now) -> Explanation {
    let name = if file.origin == path { String::new() } else { format!(", as {},", file.origin.display()) };
    let mut explanation = read(path, stream, file, now);
    explanation.reason = format!(
        "the agent isn't running; its journal has this file{name} up to byte {}, where the next start goes on",
        file.acked.offset
    );
    explanation.advice = "start the agent".into();
    if let Some(report) = &mut explanation.file {
        report.state = "known from the journal".into();
    }
    explanation
}

fn read(path: &Path, stream: StreamId, file: &Generation, now: Now) -> Explanation {
    let reason = if file.path == path {
        "it is followed".to_owned()
    } else {
        format!("it is the same file as {}, and followed under that name", file.path.display())
    };
    let report = FileReport::of(stream, file, now);
    Explanation { path: path.to_owned(), is_read: true, reason, advice: String::new(), file: Some(report) }
}
