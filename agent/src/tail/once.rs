//! What is asked of the tailer when files are to be read once, to their end: how far it is, whether all is
//! done, and what couldn't be read.

use std::path::{Path, PathBuf};

use super::Tailer;
use super::generation::{Generation, Life};
use crate::limits;

impl Tailer {
    /// Everything that was found has been read to its end, and the collector has it.
    pub fn is_done(&self) -> bool {
        let has_turns = !self.urgent.is_empty() || !self.ordinary.is_empty() || self.archives.is_busy();
        let has_batches = self.ready.is_some() || self.in_flight.is_some() || !self.batcher.is_empty();
        let may_change = self.needs_scan || self.is_first_scan || self.has_open_suspects();
        !(has_turns || has_batches || may_change || !self.ending.is_empty())
    }

    /// Bytes of files that were read, archives packed, and the file that is being read.
    pub fn progress(&self) -> (u64, Option<&Path>) {
        let live = || self.generations().map(|(_, file)| file).filter(|file| file.life == Life::Live);
        let current = self.archives.current().or(self.ordinary.front().copied());
        let current = current.and_then(|stream| self.table.get(stream)).map(|file| file.path.as_path());
        (live().map(bytes_done).sum(), current)
    }

    /// What couldn't be read, or not all of it, with the reason.
    pub fn problems(&self) -> &[(PathBuf, String)] {
        &self.problems
    }

    pub(super) fn problem(&mut self, path: PathBuf, reason: &str) {
        if self.settings.once && self.problems.len() < limits::SKIPPED_MAX {
            self.problems.push((path, reason.to_owned()));
        }
    }
}

fn bytes_done(file: &Generation) -> u64 {
    match file.archive {
        None => file.read.offset,
        Some(archive) if file.is_exhausted() => archive.file_bytes,
        Some(_) => file.file.as_ref().map_or(0, |content| content.packed_at()),
    }
}
