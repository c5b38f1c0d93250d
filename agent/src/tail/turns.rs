//! Whose turn it is to be read, and when a file that has lost its name has come to its end.

use std::{io, mem};

use millpond_wire::position::StreamId;

use super::Tailer;
use super::content::Content;
use super::encoding::Encoding;
use super::generation::{Generation, Life};
use super::identity::{Head, Inode};
use super::inspect;
use super::open::may_be_opened_again;
use super::read::{Turn, TurnEnd};
use super::watchdog::LastTurn;
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
        self.wake_waiting(now);
        let has_unpacked = self.unpack_unknown(now);
        let Some(stream) = self.next_stream() else {
            return has_unpacked;
        };
        if let Some(generation) = self.table.get_mut(stream) {
            generation.queued = false;
        }
        let stream = self.predecessor(stream).unwrap_or(stream);
        let end = self.turn(stream, false, now);
        if matches!(end, Some(TurnEnd::More | TurnEnd::BatchFull)) {
            self.enqueue_again(stream);
        }
        true
    }

    /// Gives a turn to the files whose last event has waited long enough.
    fn wake_waiting(&mut self, now: Now) {
        while let Some(stream) = self.waiting.pop_due(now.mono_ms) {
            self.enqueue(stream);
        }
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
        if !matches!(life, Life::Live | Life::Deleted) || self.table.get(stream)?.is_held() {
            return None;
        }
        if is_held_back {
            self.table.get_mut(stream)?.last_turn = LastTurn::HeldBack;
            return None;
        }
        if !self.ensure_open(stream) {
            self.not_opened(stream, now);
            return None;
        }
        // Taken out for the turn, so that the generation can be changed beside it.
        let generation = self.table.get_mut(stream)?;
        let size_before = generation.size_seen;
        let file = generation.file.take()?;
        let end = self.turn_of(stream, &file, is_ending, now);
        let has_room = !self.has_surplus();
        if let Some(generation) = self.table.get_mut(stream) {
            if has_room || !may_be_opened_again(generation) || !matches!(end, Ok(TurnEnd::AtEnd)) {
                generation.file = Some(file);
            } else {
                self.open_files -= 1;
            }
        }
        let due_ms = self.table.get(stream).and_then(|generation| Some(generation.waiting?.due_ms));
        self.waiting.set(stream, due_ms);
        match end {
            Ok(TurnEnd::Cut) => {
                // The size that was just seen is that of other content.
                self.table.get_mut(stream)?.size_seen = size_before;
                self.cut(stream, now);
                None
            }
            Ok(end) => {
                self.acknowledge_empty_reads(stream, now);
                self.turn_has_ended(stream, end);
                if end == TurnEnd::AtEnd {
                    self.release_successor(stream);
                }
                Some(end)
            }
            Err(error) => {
                self.counters.read_errors.increment();
                let generation = self.table.get_mut(stream)?;
                if may_be_opened_again(generation) {
                    // A descriptor of a network file system may have gone stale.
                    generation.file = None;
                }
                generation.last_turn = LastTurn::Failed(error.to_string());
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

    fn turn_has_ended(&mut self, stream: StreamId, end: TurnEnd) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        let size = generation.size_seen;
        generation.last_turn =
            if end == TurnEnd::AtEnd { LastTurn::AtEnd { size } } else { LastTurn::Unfinished };
        if !self.warned.is_empty() {
            self.warned.remove(&generation.path);
        }
    }

    /// It has no turn, and nobody else will notice that it grows.
    fn not_opened(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        let error = match inspect::open(&generation.path) {
            Ok(_) => "another file has its name".to_owned(),
            Err(error) => error.to_string(),
        };
        generation.last_turn = LastTurn::NotOpened(error);
        let metadata = std::fs::metadata(&generation.path).ok();
        let is_it = |metadata: &std::fs::Metadata| Inode::of(metadata) == generation.inode;
        if let Some(metadata) = metadata.filter(is_it) {
            generation.saw_size(metadata.len().max(generation.size_seen), now.mono_ms);
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
        let stat = inspect::stat(file)?;
        let Some(generation) = self.table.get_mut(stream) else { return Ok(TurnEnd::AtEnd) };
        if stat.size < generation.read.offset {
            // What stood between the position and the old end is gone, as far as is known.
            generation.quiet_since_ms = now.mono_ms;
            return Ok(TurnEnd::Cut);
        }
        generation.saw_size(stat.size, now.mono_ms);
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
        match self.read(stream, file, is_ending, now)? {
            TurnEnd::AtEnd if file.is_packed() => self.end_archive(stream, file, now),
            end => Ok(end),
        }
    }

    /// Reads what comes after the position. `is_ending`: nothing will come after it.
    pub(super) fn read(
        &mut self,
        stream: StreamId,
        file: &Content,
        is_ending: bool,
        now: Now,
    ) -> io::Result<TurnEnd> {
        let successor = self.successor(stream);
        let Some(generation) = self.table.get_mut(stream) else { return Ok(TurnEnd::AtEnd) };
        let waited = generation.waiting;
        let is_alone = !is_ending && successor.is_none();
        let size = generation.size_seen;
        if is_alone && waited.is_some_and(|waited| waited.is_not_worth_a_turn(size, now.mono_ms)) {
            return Ok(TurnEnd::AtEnd);
        }
        generation.waiting = None;
        let Some(section) = self.settings.sections.get(generation.section) else { return Ok(TurnEnd::AtEnd) };
        let (counters, batcher) = (&*self.counters, &mut self.batcher);
        let mut turn = Turn {
            stream,
            generation,
            file,
            section,
            now,
            path_metadata: self.settings.path_metadata,
            is_ending,
            waited,
            counters,
            batcher,
            successor: successor.as_ref(),
            successor_bytes_taken: 0,
        };
        let end = self.reader.turn(&mut turn);
        let taken = turn.successor_bytes_taken;
        if let Some(successor) = successor.filter(|_| taken > 0) {
            self.hand_over(&successor, taken, now);
        }
        let Some(generation) = self.table.get(stream) else { return end };
        if generation.renamed && generation.unread_bytes() > 0 {
            self.ending.insert(stream);
        }
        end
    }

    /// Finds out how the bytes of a file are to be read: again after each start, from how it begins.
    fn find_encoding(&mut self, stream: StreamId, file: &Content) -> std::io::Result<()> {
        let Some(generation) = self.table.get_mut(stream).filter(|file| file.encoding.is_none()) else {
            return Ok(());
        };
        let section = self.settings.sections.get(generation.section);
        generation.encoding = section.and_then(|section| section.encoding);
        if generation.encoding.is_none() {
            let start = inspect::read_vec(file, BYTE_ORDER_MARK_BYTES, 0)?;
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
        let head_bytes = usize::try_from(size).unwrap_or(usize::MAX).min(limits::HEAD_BYTES);
        let start = inspect::read_vec(file, head_bytes, 0)?;
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
            generation.acknowledge(generation.read);
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
        let size = generation.file.as_ref().and_then(|file| inspect::stat(file).ok()).map(|stat| stat.size);
        if size.is_some_and(|size| size != generation.size_seen) {
            return self.enqueue(stream);
        }
        if generation.waiting.is_some_and(|waiting| !waiting.is_in_pieces) {
            return;
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
        self.waiting.set(stream, None);
        if let Some(generation) = self.table.get_mut(stream) {
            generation.file = None;
            generation.waiting = None;
            generation.detector = None;
            generation.remembered_s = generation.remembered_s.max(now.unix_s());
        }
    }
}

/// True when whoever wrote to a renamed file has begun its successor, or there is none: a daemon goes on
/// writing to the old file until it is told to reopen.
fn writer_has_moved_on(generation: &Generation) -> bool {
    match std::fs::metadata(&generation.origin) {
        Ok(successor) => successor.len() > 0 || generation.life == Life::Deleted,
        Err(_) => true,
    }
}
