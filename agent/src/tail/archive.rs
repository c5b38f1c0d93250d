//! Archives: the logs that a rotation packs, and those that are covered as they are. They're taken as finished:
//! read once, to their end, one after the other, since each that is being read holds a decoder, and one that
//! lost its decoder begins anew. Each turn of one is followed by one of the ordinary files.
//!
//! Whose archive a file is can be told only where what comes out of it ends, or passes the position of the log
//! that it may have been made of. Until then it waits here, and is unpacked a little with each step.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use millpond_wire::position::StreamId;

use super::Tailer;
use super::content::Content;
use super::generation::{Archive, Life};
use super::identity::Inode;
use super::inspect::{self, Stat};
use super::read::TurnEnd;
use crate::discover::{self, Found};
use crate::limits;
use crate::time::Now;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Archives {
    /// To be read; the first one is being read.
    pub(super) reading: VecDeque<StreamId>,
    /// To be told from the logs that they may have been made of; the first one is being unpacked.
    unknown: VecDeque<Unknown>,
    /// One of those, unpacked far enough.
    unpacked: Option<(Inode, Content)>,
    /// The next turn is one of an archive.
    pub(super) is_next: bool,
}

#[derive(Debug)]
struct Unknown {
    found: Found,
    covered: bool,
    needed_bytes: u64,
    /// Only of the first one.
    content: Option<Content>,
}

impl Archives {
    /// True when it will be examined by itself, as soon as that is possible.
    pub(super) fn is_waiting(&self, inode: Inode) -> bool {
        self.unknown.iter().any(|unknown| unknown.found.inode == inode)
    }

    /// Something is to be read or to be examined.
    pub(super) fn is_busy(&self) -> bool {
        !self.reading.is_empty() || !self.unknown.is_empty()
    }

    /// The one that is being read.
    pub(super) fn current(&self) -> Option<StreamId> {
        self.reading.front().copied()
    }

    /// Archives that wait to be told apart; the next scan finds them again.
    pub(super) fn forget_unknown(&mut self) {
        self.unknown.clear();
        self.unpacked = None;
    }

    /// The content of an archive that waited.
    pub(super) fn take_unpacked(&mut self, inode: Inode) -> Option<Content> {
        self.unpacked.take_if(|(unpacked, _)| *unpacked == inode).map(|(_, content)| content)
    }
}

/// True when a name says that the file is an archive. What it is, only its content tells.
pub(super) fn is_name_of_archive(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz" || extension == "zst")
}

impl Tailer {
    /// An archive is to be examined when that many bytes of it are unpacked. Beyond
    /// [`limits::ARCHIVES_WAITING_MAX`] it is left to the next scan.
    pub(super) fn await_unpacked(&mut self, found: &Found, covered: bool, needed_bytes: u64) {
        if self.archives.unknown.len() < limits::ARCHIVES_WAITING_MAX {
            let unknown = Unknown { found: found.clone(), covered, needed_bytes, content: None };
            self.archives.unknown.push_back(unknown);
        }
    }

    /// Unpacks a little of an archive that waits to be examined. False when there is none.
    pub(super) fn unpack_unknown(&mut self, now: Now) -> bool {
        let Some(first) = self.archives.unknown.front_mut() else { return false };
        if first.content.is_none() {
            let opened = inspect::open(&first.found.path).ok();
            first.content =
                opened.filter(|(_, stat)| stat.inode == first.found.inode).map(|(content, _)| content);
        }
        let approached =
            first.content.as_ref().map(|content| content.approach(first.needed_bytes, limits::TURN_BYTES));
        if !matches!(approached, Some(Ok(false)))
            && let Some(first) = self.archives.unknown.pop_front()
        {
            self.archives.unpacked = first.content.map(|content| (first.found.inode, content));
            // Where it couldn't be opened, this says so.
            self.examine(&first.found, first.covered, now);
            self.archives.unpacked = None;
        }
        true
    }

    /// Looks for what was made of a log that is gone, where the patterns don't reach. True when there may be
    /// something.
    pub(super) fn search_archives(&mut self, directory: &Path, section: usize, now: Now) -> bool {
        let mut is_found = false;
        for found in discover::siblings(directory, section) {
            let is_covered = || discover::section_of(&self.settings.coverage, &found.path).is_some();
            if is_name_of_archive(&found.path) && !is_covered() {
                is_found = true;
                self.examine(&found, false, now);
            }
        }
        is_found
    }

    /// Comes back to the position of an archive. True when its turn can begin.
    pub(super) fn approach(&mut self, stream: StreamId, content: &Content, now: Now) -> io::Result<bool> {
        let Some(generation) = self.table.get_mut(stream) else { return Ok(true) };
        let file_bytes = content.metadata()?.len();
        if generation.archive.is_none_or(|archive| archive.file_bytes != file_bytes) {
            content.rest(true);
            generation.archive = Some(Archive { file_bytes, ..Archive::default() });
            generation.quiet_since_ms = now.mono_ms;
        }
        let is_there = content.approach(generation.read.offset, limits::APPROACH_BYTES)?;
        if !is_there {
            generation.size_seen = generation.read.offset + 1;
        }
        Ok(is_there)
    }

    /// True when the file may still be written.
    pub(super) fn is_fresh(&self, stat: &Stat, now: Now) -> bool {
        let age_ms = (i128::from(now.unix_ns) - stat.modified_ns) / 1_000_000;
        // One from the future isn't.
        (0..i128::from(self.settings.rotate_grace_ms)).contains(&age_ms)
    }

    /// What could be unpacked of an archive has been read, but for the last event and a last line without a newline.
    pub(super) fn end_archive(
        &mut self,
        stream: StreamId,
        content: &Content,
        now: Now,
    ) -> io::Result<TurnEnd> {
        let Some(end) = content.end() else { return Ok(TurnEnd::AtEnd) };
        if end.damage.is_some() && self.is_fresh(&inspect::stat(content)?, now) {
            content.rest(true);
            self.ending.insert(stream);
            return Ok(TurnEnd::AtEnd);
        }
        let Some(generation) = self.table.get_mut(stream) else { return Ok(TurnEnd::AtEnd) };
        if generation.read.offset < end.bytes {
            match self.read(stream, content, true, now)? {
                TurnEnd::AtEnd => {}
                other => return Ok(other),
            }
        }
        let Some(generation) = self.table.get_mut(stream) else { return Ok(TurnEnd::AtEnd) };
        content.rest(false);
        generation.detector = None;
        generation.size_seen = end.bytes;
        let is_told_again = self.settings.once && end.damage.is_some();
        let ended = |archive| Archive { end_bytes: Some(end.bytes), is_told_again, ..archive };
        generation.archive = generation.archive.map(ended);
        self.counters.archives_read.increment();
        if let Some(reason) = end.damage {
            self.counters.archives_damaged.increment();
            let (path, bytes_read) = (generation.path.clone(), end.bytes);
            tracing::warn!(path = %path.display(), reason, bytes_read, "an archive isn't whole; read as far as possible");
            self.problem(path, &format!("only the first {bytes_read} bytes can be unpacked: {reason}"));
        }
        let Some(generation) = self.table.get(stream) else { return Ok(TurnEnd::AtEnd) };
        if generation.is_settled() {
            // So that a restart needn't unpack it again.
            let entry = generation.entry_at(&generation.acked, now.unix_s());
            self.journal.put(stream, &entry);
        }
        Ok(TurnEnd::AtEnd)
    }

    /// See [`Tailer::settle`]; of an archive.
    pub(super) fn settle_archive(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get(stream) else { return };
        if !matches!(generation.life, Life::Live | Life::Deleted) {
            self.ending.remove(&stream);
            return;
        }
        if !generation.is_exhausted() {
            let rest_ms = now.mono_ms.saturating_sub(generation.quiet_since_ms);
            if generation.queued || rest_ms < self.settings.rotate_grace_ms {
                return;
            }
            if self.ensure_open(stream) {
                return self.enqueue(stream);
            }
            self.ending.remove(&stream);
            return self.vanished(stream, now);
        }
        if generation.is_settled() && !generation.queued {
            self.ending.remove(&stream);
            match generation.life {
                Life::Deleted => self.forget(stream),
                Life::Live if !generation.covered => self.retire(stream, now),
                _ => {}
            }
        }
    }
}
