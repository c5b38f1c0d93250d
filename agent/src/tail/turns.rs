//! Whose turn it is to be read, and when a file that has lost its name has come to its end.

use std::{io, mem};

use millpond_wire::position::StreamId;

use super::Tailer;
use super::content::Content;
use super::encoding::Encoding;
use super::generation::{self, Generation, Life};
use super::identity::Head;
use super::read::{Turn, TurnEnd};
use super::spooled;
use crate::limits;
use crate::time::Now;

/// Enough of a file to tell how it is encoded.
const BYTE_ORDER_MARK_BYTES: usize = 2;

impl Tailer {
    /// Gives a file its turn, if it hasn't one already.
    pub(super) fn enqueue(&mut self, stream: StreamId) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        if generation.is_exhausted() || mem::replace(&mut generation.queued, true) {
            return;
        }
        if generation.archive.is_some() {
            self.archives.reading.push_back(stream);
        } else if generation.renamed || !generation.covered || generation.life == Life::Deleted {
            self.urgent.push_back(stream);
        } else {
            self.ordinary.push_back(stream);
        }
    }

    /// Reads one file for one turn. False when there is nothing to read, or no room for what is read.
    pub fn work(&mut self, now: Now) -> bool {
        self.seal(now);
        if self.batcher.is_full() || now.mono_ms < self.held_until_ms {
            return false;
        }
        let has_unpacked = self.unpack_unknown(now);
        let Some(stream) = self.next_stream() else {
            return has_unpacked;
        };
        if let Some(generation) = self.table.get_mut(stream) {
            generation.queued = false;
        }
        let end = self.turn(stream, false, now);
        if matches!(end, Some(TurnEnd::More | TurnEnd::BatchFull)) {
            self.enqueue_again(stream);
        }
        true
    }

    fn next_stream(&mut self) -> Option<StreamId> {
        self.archives.is_next = !self.archives.is_next;
        if self.archives.is_next
            && let Some(stream) = self.archives.reading.pop_front()
        {
            return Some(stream);
        }
        let plain = self.urgent.pop_front().or_else(|| self.ordinary.pop_front());
        plain.or_else(|| self.archives.reading.pop_front())
    }

    /// An archive goes on before the others: it has the decoder.
    fn enqueue_again(&mut self, stream: StreamId) {
        match self.table.get_mut(stream) {
            Some(generation) if generation.archive.is_some() && !generation.queued => {
                generation.queued = true;
                self.archives.reading.push_front(stream);
            }
            _ => self.enqueue(stream),
        }
    }

    /// Looks after files that have lost their name: reads what is still written to them and, once they rest,
    /// what is left of a last line. To be called about once in half a second.
    pub fn settle(&mut self, now: Now) {
        for stream in self.ending.iter().copied().collect::<Vec<_>>() {
            self.settle_one(stream, now);
        }
    }

    /// Files are to be looked after by [`Self::settle`].
    pub fn has_ending_files(&self) -> bool {
        !self.ending.is_empty()
    }

    /// Reads a file. `None`: it can't be read now.
    fn turn(&mut self, stream: StreamId, is_ending: bool, now: Now) -> Option<TurnEnd> {
        let life = self.table.get(stream)?.life;
        // Else what is read couldn't be sent; when the journal is whole again, it has its turn.
        let is_held_back = self.unnoted.contains(&stream) && !self.journal.is_whole();
        if !matches!(life, Life::Live | Life::Deleted) || is_held_back || !self.ensure_open(stream) {
            return None;
        }
        // Taken out for the turn, so that the generation can be changed beside it.
        let generation = self.table.get_mut(stream)?;
        let size_before = generation.size_seen;
        let file = generation.file.take()?;
        let end = self.turn_of(stream, &file, is_ending, now);
        let has_room = self.open_files <= self.settings.open_files_max;
        if let Some(generation) = self.table.get_mut(stream) {
            if has_room || !may_be_opened_again(generation) || !matches!(end, Ok(TurnEnd::AtEnd)) {
                generation.file = Some(file);
            } else {
                self.open_files -= 1;
            }
        }
        match end {
            Ok(TurnEnd::Cut) => {
                // The size that was just seen is that of other content.
                self.table.get_mut(stream)?.size_seen = size_before;
                self.cut(stream, now);
                None
            }
            Ok(end) => {
                self.acknowledge_empty_reads(stream, now);
                Some(end)
            }
            Err(error) => {
                self.counters.read_errors.increment();
                let generation = self.table.get_mut(stream)?;
                if may_be_opened_again(generation) {
                    // A descriptor of a network file system may have gone stale.
                    generation.file = None;
                }
                let path = generation.path.clone();
                self.warn_once(&path, &error.to_string());
                if self.settings.once {
                    // Tried again by the next import, not for ever by this one.
                    self.ending.remove(&stream);
                }
                None
            }
        }
    }

    fn turn_of(
        &mut self,
        stream: StreamId,
        file: &Content,
        is_ending: bool,
        now: Now,
    ) -> std::io::Result<TurnEnd> {
        self.find_encoding(stream, file)?;
        if file.is_packed() && !self.approach(stream, file, now)? {
            return Ok(TurnEnd::More);
        }
        let stat = generation::stat(file)?;
        let Some(generation) = self.table.get_mut(stream) else { return Ok(TurnEnd::AtEnd) };
        if stat.size != generation.size_seen {
            generation.quiet_since_ms = now.mono_ms;
        }
        if stat.size < generation.read.offset {
            // What stood between the position and the old end is gone, as far as is known.
            return Ok(TurnEnd::Cut);
        }
        generation.size_seen = stat.size;
        if stat.size < generation.scanned_to {
            generation.scanned_to = 0;
        }
        if stat.is_deleted && generation.life == Life::Live {
            self.table.set_life(stream, Life::Deleted);
            self.ending.insert(stream);
        }
        if !self.grow_head(stream, file, stat.size)? {
            return Ok(TurnEnd::Cut);
        }
        let Some(generation) = self.table.get_mut(stream) else { return Ok(TurnEnd::AtEnd) };
        let Some(section) = self.settings.sections.get(generation.section) else { return Ok(TurnEnd::AtEnd) };
        let (counters, batcher) = (&*self.counters, &mut self.batcher);
        let path_metadata = self.settings.path_metadata;
        let turn =
            Turn { stream, generation, file, section, now, path_metadata, is_ending, counters, batcher };
        let end = self.reader.turn(turn);
        if generation.renamed && generation.unread_bytes() > 0 {
            self.ending.insert(stream);
        }
        match end? {
            TurnEnd::AtEnd if file.is_packed() => self.end_archive(stream, file, now),
            end => Ok(end),
        }
    }

    /// Finds out how the bytes of a file are to be read: again after each start, from how it begins.
    fn find_encoding(&mut self, stream: StreamId, file: &Content) -> std::io::Result<()> {
        let Some(generation) = self.table.get_mut(stream).filter(|file| file.encoding.is_none()) else {
            return Ok(());
        };
        let section = self.settings.sections.get(generation.section);
        generation.encoding = section.and_then(|section| section.encoding);
        if generation.encoding.is_none() {
            let start = generation::read_vec(file, BYTE_ORDER_MARK_BYTES, 0)?;
            generation.encoding = (start.len() == BYTE_ORDER_MARK_BYTES).then(|| Encoding::of(&start));
        }
        Ok(())
    }

    /// Lets the head of a short file grow with it. False when the file no longer begins with the old head.
    /// Where nothing has been read yet the head is the only evidence, and is looked at each time.
    fn grow_head(&mut self, stream: StreamId, file: &Content, size: u64) -> std::io::Result<bool> {
        let Some(generation) = self.table.get(stream) else { return Ok(true) };
        let head = generation.head;
        if size < u64::from(head.len) {
            return Ok(false);
        }
        let may_grow = !head.is_full() && size > u64::from(head.len);
        if !may_grow && generation.read.offset > 0 {
            return Ok(true);
        }
        let start = generation::read_vec(file, limits::HEAD_BYTES, 0)?;
        if !head.matches(&start) {
            return Ok(false);
        }
        if may_grow {
            self.table.set_head(stream, Head::of(&start));
        }
        Ok(true)
    }

    /// What held no lines (empty ones, NUL bytes) needs no collector to be done with.
    fn acknowledge_empty_reads(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        if generation.unacked_groups == 0 && generation.acked != generation.read {
            generation.acked = generation.read;
            let entry = generation.entry_at(&generation.acked, now.unix_s());
            self.journal.put(stream, &entry);
        }
    }

    fn settle_one(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get(stream) else {
            self.ending.remove(&stream);
            return;
        };
        if generation.archive.is_some() {
            return self.settle_archive(stream, now);
        }
        let size =
            generation.file.as_ref().and_then(|file| generation::stat(file).ok()).map(|stat| stat.size);
        if size.is_some_and(|size| size != generation.size_seen) {
            return self.enqueue(stream);
        }
        let rests = now.mono_ms.saturating_sub(generation.quiet_since_ms) >= self.settings.rotate_grace_ms;
        if generation.queued || !rests || !writer_has_moved_on(generation) || self.batcher.is_full() {
            return;
        }
        let unread_bytes = generation.unread_bytes();
        if unread_bytes > 0 && !self.ensure_open(stream) {
            self.ending.remove(&stream);
            return self.vanished(stream, now);
        }
        if unread_bytes > 0 {
            self.turn(stream, true, now);
        }
        let Some(generation) = self.table.get(stream) else { return };
        let (life, covered) = (generation.life, generation.covered);
        if generation.unread_bytes() > 0 || !generation.is_settled() {
            return;
        }
        self.ending.remove(&stream);
        if life == Life::Deleted || (life == Life::Live && !covered) {
            self.await_late_writes(stream, now);
        }
    }

    /// A file outside of the patterns has been read to its end: it is remembered, should it come back.
    pub(super) fn retire(&mut self, stream: StreamId, now: Now) {
        self.table.set_life(stream, Life::Dormant);
        if let Some(generation) = self.table.get_mut(stream) {
            generation.file = None;
            generation.detector = None;
            generation.remembered_s = now.unix_s();
        }
    }

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
        let limit = self.settings.open_files_max;
        if self.open_files <= limit + limit / limits::OPEN_FILES_EXTRA {
            return;
        }
        let Some(generation) = self.table.get_mut(stream) else { return };
        if may_be_opened_again(generation) && generation.file.take().is_some() {
            self.open_files -= 1;
        }
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
fn may_be_opened_again(generation: &Generation) -> bool {
    generation.life == Life::Live && generation.covered
}

/// True when whoever wrote to a renamed file has begun its successor, or there is none: a daemon goes on
/// writing to the old file until it is told to reopen.
fn writer_has_moved_on(generation: &Generation) -> bool {
    match std::fs::metadata(&generation.origin) {
        Ok(successor) => successor.len() > 0 || generation.life == Life::Deleted,
        Err(_) => true,
    }
}
