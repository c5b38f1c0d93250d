//! Another configuration while files are followed. State is kept by file and not by section, so nothing is read
//! again: each file gets the section that covers it now, and those that none covers are left where they are.

use std::mem;

use super::generation::Life;
use super::{Settings, Tailer};
use crate::batch::Batcher;
use crate::discover;
use crate::time::Now;

impl Tailer {
    /// Takes over what has changed. What is on its way stays on its way, under its old labels.
    pub fn reconfigure(&mut self, settings: Settings, now: Now) {
        let old = mem::replace(&mut self.settings, settings);
        let is_same_host = old.resource == self.settings.resource;
        if !is_same_host || old.batch != self.settings.batch {
            self.next_batcher = Some(Batcher::new(&self.settings.resource, self.settings.batch));
        }
        if !is_same_host || !old.process.is_like(&self.settings.process) {
            self.reader.process_by(self.settings.process.clone());
        }
        for stream in self.table.streams(|_| true) {
            let Some(file) = self.table.get_mut(stream) else { continue };
            file.metadata = None;
            // The scan finds what stands there, and the rules of now say how long it waits.
            file.waiting = None;
            let section = [&file.origin, &file.path]
                .into_iter()
                .find_map(|path| discover::section_of(&self.settings.coverage, path));
            let format_of =
                |sections: &[super::Section], index: usize| sections.get(index).map(|of| of.format);
            let is_other_format = format_of(&old.sections, file.section)
                != section.and_then(|it| format_of(&self.settings.sections, it));
            file.section = section.unwrap_or_default();
            if is_other_format {
                file.detector = None;
            }
            file.encoding = None;
            file.overflow = None;
            if section.is_none() && matches!(file.life, Life::Live | Life::Deleted) {
                if file.life == Life::Deleted {
                    // It can't come back.
                    self.counters.vanished_unread_bytes.add(file.unread_bytes());
                }
                tracing::info!(path = %file.path.display(), "no longer covered; its position is kept");
                self.ending.remove(&stream);
                self.late.remove(&stream);
                self.retire(stream, now);
            }
        }
        self.archives.forget_unknown();
        self.warned.clear();
        self.skipped.clear();
        self.needs_scan = true;
    }
}
