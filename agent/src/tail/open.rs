//! Descriptors: files are kept open while there is room, those that their names find again give way first.

use std::io;

use millpond_wire::position::StreamId;

use super::Tailer;
use super::content::Content;
use super::generation::{Generation, Life};
use super::spooled;
use crate::limits;

impl Tailer {
    /// Opens a resting file again. False when it isn't where it was; the next scan will say.
    pub(super) fn ensure_open(&mut self, stream: StreamId) -> bool {
        let Some(generation) = self.table.get_mut(stream) else { return false };
        if generation.file.is_some() {
            return true;
        }
        match spooled::open(&self.settings, generation.section, &generation.path) {
            Ok((file, stat)) if stat.inode == generation.inode => {
                generation.file = Some(file);
                self.open_files += 1;
                true
            }
            Ok(_) => {
                self.needs_scan = true;
                false
            }
            Err(error) => {
                let path = generation.path.clone();
                self.needs_scan |= error.kind() == io::ErrorKind::NotFound;
                if error.kind() != io::ErrorKind::NotFound {
                    self.warn_once(&path, &error.to_string());
                }
                false
            }
        }
    }

    /// Keeps the descriptor of a file that was just opened, where there is room for it: while it is open, not
    /// even a deletion takes away what is unread.
    pub(super) fn keep_open(&mut self, stream: StreamId, file: Content) {
        let has_room = self.open_files < self.settings.open_files_max;
        let Some(generation) = self.table.get_mut(stream) else { return };
        if has_room || !may_be_opened_again(generation) {
            generation.file = Some(file);
            self.open_files += 1;
        }
    }

    /// Closes a file that was opened to be looked at, when descriptors become few.
    pub(super) fn close_surplus(&mut self, stream: StreamId) {
        if !self.has_surplus() {
            return;
        }
        let Some(generation) = self.table.get_mut(stream) else { return };
        if may_be_opened_again(generation) && generation.file.take().is_some() {
            self.open_files -= 1;
        }
    }

    /// More files are open than may be, even for the time until the next scan.
    pub(super) fn has_surplus(&self) -> bool {
        let limit = self.settings.open_files_max;
        self.open_files > limit + limit / limits::OPEN_FILES_EXTRA
    }

    /// Closes the files that have rested longest, when more are open than should be.
    pub(super) fn close_resting_files(&mut self) {
        self.open_files = self.table.iter().filter(|(_, generation)| generation.file.is_some()).count();
        let surplus = self.open_files.saturating_sub(self.settings.open_files_max);
        if surplus == 0 {
            return;
        }
        let may_close = |generation: &Generation| {
            may_be_opened_again(generation) && !generation.queued && generation.unread_bytes() == 0
        };
        let generations = self.table.iter_mut().map(|(_, generation)| generation);
        let mut resting: Vec<_> =
            generations.filter(|generation| generation.file.is_some() && may_close(generation)).collect();
        resting.sort_unstable_by_key(|generation| generation.quiet_since_ms);
        for generation in resting.into_iter().take(surplus) {
            generation.file = None;
            generation.detector = None;
            self.open_files -= 1;
        }
    }
}

/// True when its name will find it again.
pub(super) fn may_be_opened_again(generation: &Generation) -> bool {
    generation.life == Life::Live && generation.covered
}
