//! The tailer's ends of the delivery: batches go out one at a time, and a position is believed only when the
//! collector has it. A refused batch is read again from the files in smaller pieces, until what is refused
//! can't be divided any further: one line, or container texts that are interleaved. That goes to the dead
//! letters.

use std::mem;

use millpond_wire::position::StreamId;

use super::Tailer;
use super::content::Content;
use super::generation::Life;
use super::identity::{self, Mark};
use super::inspect;
use crate::batch::{Batch, Body};
use crate::checkpoint::Entry;
use crate::dead_letters::Letter;
use crate::limits;
use crate::time::Now;

/// How the collector answered a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable there.
    Accepted,
    /// It will never be taken as it is.
    Refused {
        /// Of HTTP.
        status: u16,
        /// The collector's words.
        reason: String,
    },
}

impl Tailer {
    /// The next batch, if none is in flight. Everything that must be remembered of its streams is on disk.
    pub fn take_batch(&mut self, now: Now) -> Option<Body> {
        self.seal(now);
        if self.in_flight.is_some() || now.mono_ms < self.held_until_ms {
            return None;
        }
        if self.ready.is_some() && !self.unnoted.is_empty() && self.journal.is_whole() {
            self.sync_journal(now);
        }
        let batch = self.ready.take()?;
        if batch.groups.iter().any(|(stream, _)| self.unnoted.contains(stream)) {
            // The others go without these, which have no turn until the journal is repaired.
            self.rewind(now);
            return None;
        }
        self.note_sent(&batch);
        let body = batch.body.clone();
        self.in_flight = Some(batch);
        Some(body)
    }

    /// Where the batch ends, the journal has before it leaves: not on the disk, which would cost a sync for each batch,
    /// but safe from a kill. After a power cut the collector's own position says the same, unless it isn't there then.
    fn note_sent(&mut self, batch: &Batch) {
        for (stream, mark) in &batch.groups {
            let Some(generation) = self.table.get_mut(*stream) else { continue };
            generation.sent.note(mark.offset);
            self.journal.sent(*stream, mark.offset);
        }
        if let Err(error) = self.journal.flush() {
            self.checkpoint_failed(&error);
        }
    }

    /// True while an answer is awaited.
    pub fn is_waiting(&self) -> bool {
        self.in_flight.is_some()
    }

    /// The collector's answer to the batch in flight.
    pub fn reply(&mut self, outcome: &Outcome, now: Now) {
        let Some(batch) = self.in_flight.take() else { return };
        match outcome {
            Outcome::Accepted => self.accepted(&batch, now),
            Outcome::Refused { status, reason } => self.refused(&batch, *status, reason, now),
        }
    }

    /// Monotonic time at which there will be something to send or to read without any news; `None` when only
    /// news can bring that.
    pub fn due_ms(&self) -> Option<u64> {
        let is_idle = self.urgent.is_empty() && self.ordinary.is_empty() && self.archives.reading.is_empty();
        let is_held_up = self.held_until_ms > 0 && !is_idle;
        let due = match &self.ready {
            _ if self.in_flight.is_some() => None,
            Some(_) => Some(0),
            None => self.batcher.due_ms().or(is_held_up.then_some(0)),
        };
        let due = due.map(|due| due.max(self.held_until_ms));
        let repair = self.synced_ms.saturating_add(limits::CHECKPOINT_SYNC_MS);
        let repair = (!self.unnoted.is_empty() && !self.journal.is_whole()).then_some(repair);
        // Where there is no room for it, only an answer brings some.
        let waiting = self.waiting.next_ms().filter(|_| !self.batcher.is_full());
        let waiting = waiting.map(|due| due.max(self.held_until_ms));
        due.into_iter().chain(repair).chain(waiting).min()
    }

    /// Hands what was noted to the system and, once a second, to the disk; repairs the journal where it is damaged.
    pub fn checkpoint(&mut self, now: Now) {
        let due = now.mono_ms.saturating_sub(self.synced_ms) >= limits::CHECKPOINT_SYNC_MS;
        if due && self.journal.wants_rewrite(self.table.len()) {
            self.rewrite_journal(now);
        } else if due && self.journal.is_dirty() {
            self.sync_journal(now);
        } else if let Err(error) = self.journal.flush() {
            self.checkpoint_failed(&error);
        }
    }

    /// Makes every position durable.
    pub fn sync_journal(&mut self, now: Now) {
        self.synced_ms = now.mono_ms;
        match self.journal.sync() {
            Ok(()) => self.all_is_noted(),
            Err(error) => self.checkpoint_failed(&error),
        }
    }

    /// Everything that was noted is durable. Streams that were held back for it have their turn.
    fn all_is_noted(&mut self) {
        if self.journal.is_whole() {
            for stream in mem::take(&mut self.unnoted) {
                self.enqueue(stream);
            }
        }
    }

    pub(super) fn rewrite_journal(&mut self, now: Now) {
        self.synced_ms = now.mono_ms;
        let now_s = now.unix_s();
        let live = self.table.iter().map(|(stream, generation)| {
            let seen_s = if generation.life == Life::Dormant { generation.remembered_s } else { now_s };
            (stream, generation.entry_at(&generation.acked, seen_s))
        });
        let live: Vec<(StreamId, Entry)> = live.collect();
        match self.journal.rewrite(live.into_iter(), !self.is_first_scan || !self.is_first_start) {
            Ok(()) => self.all_is_noted(),
            Err(error) => self.checkpoint_failed(&error),
        }
    }

    fn checkpoint_failed(&self, error: &std::io::Error) {
        self.counters.checkpoint_errors.increment();
        let errors = self.counters.checkpoint_errors.value();
        // Said at once, then ever more rarely.
        if errors.is_power_of_two() {
            tracing::error!(%error, errors, "positions can't be written; the agent has them in memory, the collector too");
        }
    }

    /// Closes the batch that is being filled when it is full, or due while nothing is in flight.
    pub(super) fn seal(&mut self, now: Now) {
        if self.batcher.is_empty()
            && let Some(batcher) = self.next_batcher.take()
        {
            self.batcher = batcher;
        }
        if self.ready.is_some() || self.batcher.is_empty() {
            return;
        }
        // Files that have their turn in the same round go with it.
        let round_ms = if self.urgent.is_empty() && self.ordinary.is_empty() { 0 } else { limits::ROUND_MS };
        let is_due = self.batcher.due_ms().is_some_and(|due| due.saturating_add(round_ms) <= now.mono_ms);
        if self.batcher.is_full() || (is_due && self.in_flight.is_none()) {
            self.ready = Some(self.batcher.take());
        }
    }

    fn accepted(&mut self, batch: &Batch, now: Now) {
        self.held_until_ms = 0;
        self.counters.batches_acknowledged.increment();
        self.counters.lines_acknowledged.add(batch.records as u64);
        self.batcher.restore();
        for (stream, mark) in &batch.groups {
            self.acknowledge(*stream, *mark, now);
            self.release_segment(*stream);
        }
    }

    fn acknowledge(&mut self, stream: StreamId, mark: Mark, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        generation.unacked_groups = generation.unacked_groups.saturating_sub(1);
        let was_held = generation.is_held();
        // Nothing on the way: what was read beyond the last line held no lines.
        generation.acknowledge(if generation.unacked_groups == 0 { generation.read } else { mark });
        let entry = generation.entry_at(&generation.acked, now.unix_s());
        self.journal.put(stream, &entry);
        // A copy may have waited for this.
        self.needs_scan |=
            generation.life != Life::Live && generation.is_settled() && !self.suspects.is_empty();
        if was_held {
            self.enqueue(stream);
        }
    }

    fn refused(&mut self, batch: &Batch, status: u16, reason: &str, now: Now) {
        self.counters.batches_refused.increment();
        tracing::warn!(status, reason, lines = batch.records, "the collector refused a batch");
        self.held_until_ms = now.mono_ms + limits::REFUSAL_PAUSE_MS;
        // A smallest batch can hold several lines: the texts of a container whose pieces are interleaved.
        if batch.records == 1 || self.batcher.is_smallest() {
            for (stream, mark) in &batch.groups {
                if let Err(error) = self.bury(*stream, *mark, status, reason, now) {
                    tracing::error!(%error, "the dead-letter file can't take the line; waiting");
                    self.held_until_ms = now.mono_ms + limits::BACKOFF_MS_MAX;
                    break;
                }
            }
        } else {
            self.batcher.halve(batch.records);
        }
        self.rewind(now);
    }

    /// Everything on the way is dropped and read again from what the collector has.
    fn rewind(&mut self, now: Now) {
        self.ready = None;
        self.reader.rewind();
        self.batcher.clear();
        for stream in self.table.streams(|generation| generation.unacked_groups > 0) {
            let Some(generation) = self.table.get_mut(stream) else { continue };
            generation.rewind();
            if matches!(generation.life, Life::Cut { .. }) {
                // Only a copy can have it; without one the bytes count as lost when the search ends.
                self.search_copies(stream, now);
            } else {
                self.enqueue(stream);
            }
        }
    }

    /// Puts what stands between the acknowledged position and `mark` to the dead letters, and goes on after it.
    fn bury(
        &mut self,
        stream: StreamId,
        mark: Mark,
        status: u16,
        reason: &str,
        now: Now,
    ) -> std::io::Result<()> {
        // The file may hold something else by now: what was refused must not be mixed up with that.
        let is_there = self.table.get(stream).is_some_and(|of| matches!(of.life, Life::Live | Life::Deleted));
        let is_there = is_there && self.ensure_open(stream);
        let Some(generation) = self.table.get_mut(stream) else { return Ok(()) };
        let from_offset = generation.acked.offset;
        let len = usize::try_from(mark.offset.saturating_sub(from_offset)).unwrap_or(usize::MAX);
        let len = len.min(limits::GROUP_BYTES_MAX);
        let bytes = match &generation.file {
            Some(file) if is_there && holds_both(file, &generation.acked, &mark) => {
                Some(inspect::read_vec(file, len, from_offset)?)
            }
            _ => None,
        };
        let path = identity::path_text(&generation.origin);
        let letter = Letter {
            path: &path,
            stream,
            from_offset,
            to_offset: mark.offset,
            status,
            reason,
            bytes: bytes.as_deref(),
        };
        self.dead_letters.append(&letter, now)?;
        generation.acknowledge(mark);
        let entry = generation.entry_at(&mark, now.unix_s());
        self.journal.put(stream, &entry);
        self.counters.dead_letters.increment();
        Ok(())
    }
}

/// The file still holds what was read between the two.
fn holds_both(file: &Content, from: &Mark, to: &Mark) -> bool {
    [from, to].into_iter().all(|mark| inspect::holds(file, mark).unwrap_or(false))
}
