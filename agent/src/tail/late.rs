//! Files that were read to their end and can't be found by the patterns any more: deleted, or moved elsewhere.
//! A daemon may still write to them until it is told to reopen its log, so their descriptors are kept, and
//! looked at with each scan, for some time.

use millpond_wire::position::StreamId;

use super::Tailer;
use super::generation::Life;
use super::inspect;
use crate::limits;
use crate::time::Now;

impl Tailer {
    /// A file has come to its end; whatever is written to it from now on is late.
    pub(super) fn await_late_writes(&mut self, stream: StreamId, now: Now) {
        if self.late.len() >= limits::LATE_WRITES_FILES_MAX {
            let quiet_since_ms = |stream: &StreamId| self.table.get(*stream).map(|file| file.quiet_since_ms);
            if let Some(oldest) = self.late.iter().copied().min_by_key(quiet_since_ms) {
                self.counters.late_writes_unwatched.increment();
                self.finish(oldest, now);
            }
        }
        self.late.insert(stream);
    }

    /// Reads what came late, and lets go of what has rested for long.
    pub(super) fn look_for_late_writes(&mut self, now: Now) {
        for stream in self.late.iter().copied().collect::<Vec<_>>() {
            let Some(generation) = self.table.get(stream) else {
                self.late.remove(&stream);
                continue;
            };
            let is_away = generation.life == Life::Deleted
                || (generation.life == Life::Live && !generation.covered && generation.file.is_some());
            let stat = generation.file.as_ref().and_then(|file| inspect::stat(file).ok());
            if !is_away {
                self.late.remove(&stream);
            } else if stat.is_some_and(|stat| stat.size != generation.size_seen) {
                self.late.remove(&stream);
                self.ending.insert(stream);
                self.enqueue(stream);
            } else if now.mono_ms.saturating_sub(generation.quiet_since_ms) >= limits::LATE_WRITES_MS {
                self.finish(stream, now);
            }
        }
    }

    /// Lets go of a file.
    fn finish(&mut self, stream: StreamId, now: Now) {
        self.late.remove(&stream);
        match self.table.get(stream).map(|generation| generation.life) {
            Some(Life::Deleted) => self.forget(stream),
            Some(Life::Live) => self.retire(stream, now),
            _ => {}
        }
    }
}
