//! An event that a rotation has cut: its first lines are the last ones of a file that was renamed or deleted, the others
//! the first ones of the file that has its name now. It is one event of the old file; the new one begins after it, and
//! both positions go in one request.

use millpond_wire::position::StreamId;

use super::Tailer;
use super::encoding::Encoding;
use super::generation::{Generation, Life};
use super::identity::Mark;
use super::inspect;
use super::write::Origin;
use crate::limits;
use crate::time::Now;

/// The beginning of the file that has taken another one's name, of which nothing has been read.
#[derive(Debug)]
pub struct Successor {
    stream: StreamId,
    pub(super) head: Vec<u8>,
    pub(super) encoding: Encoding,
}

impl Tailer {
    /// The first of the files that had this one's name before and are still to be read, or end with an event that may go
    /// on in this one. It has the first turn.
    pub(super) fn predecessor(&self, stream: StreamId) -> Option<StreamId> {
        let next = self.table.get(stream).filter(|next| is_unread(next))?;
        let others = self.ending.iter().filter_map(|other| Some((*other, self.table.get(*other)?)));
        let earlier = others.filter(|(_, other)| {
            (other.queued || other.waiting.is_some() || other.is_held()) && comes_before(other, next)
        });
        earlier.min_by_key(|(_, other)| other.modified_ns).map(|(stream, _)| stream)
    }

    /// What follows the end of a file that has lost its name, if its end is near. Files that were rotated away
    /// meanwhile come first; which of them, their times of writing tell.
    pub(super) fn successor(&mut self, stream: StreamId) -> Option<Successor> {
        let generation = self.table.get(stream)?;
        if generation.unread_bytes() > limits::READ_WINDOW_BYTES as u64 || !has_lost_its_name(generation) {
            return None;
        }
        let named = self.table.at_path(&generation.origin);
        let others = self.ending.iter().copied().chain(named);
        let others = others.filter_map(|other| Some((other, self.table.get(other)?)));
        let later = others.filter(|(_, other)| is_unread(other) && comes_before(generation, other));
        let (successor, next) =
            later.min_by_key(|(_, other)| (!has_lost_its_name(other), other.modified_ns))?;
        // Lines of it were sent, with an event of this file or not: whoever has them has them as they were.
        if next.sent.kept_end().is_some() || !self.ensure_open(successor) {
            return None;
        }
        let next = self.table.get(successor)?;
        let head = inspect::read_vec(next.file.as_ref()?, limits::READ_WINDOW_BYTES, 0).ok()?;
        let encoding = self.settings.sections.get(next.section).and_then(|section| section.encoding);
        let encoding = encoding.unwrap_or_else(|| Encoding::of(&head));
        next.head.matches(&head).then_some(Successor { stream: successor, head, encoding })
    }

    /// Lines at the beginning of the successor were written with an event of the old file: its position goes with
    /// them, in a group without records.
    pub(super) fn hand_over(&mut self, successor: &Successor, taken_bytes: usize, now: Now) {
        let stream = successor.stream;
        let Some(next) = self.table.get_mut(stream) else { return };
        let Some(section) = self.settings.sections.get(next.section) else { return };
        let mark = Mark::new(taken_bytes as u64, successor.head.get(..taken_bytes).unwrap_or_default());
        let origin = Origin::of(next, section, self.settings.path_metadata);
        self.batcher.begin(stream, 0, &origin.attributes(&section.labels), 0, now.mono_ms);
        let state = next.entry_at(&mark, now.unix_s()).identity.to_string();
        self.batcher.end(stream, mark, &state);
        next.advance(mark);
        next.unacked_groups += 1;
        self.counters.bytes_read.add(taken_bytes as u64);
    }

    /// The end of a file has been read; what comes after it needn't wait any longer.
    pub(super) fn release_successor(&mut self, stream: StreamId) {
        let Some(generation) = self.table.get(stream) else { return };
        if generation.waiting.is_some() || !has_lost_its_name(generation) {
            return;
        }
        let named = self.table.at_path(&generation.origin);
        let others = self.ending.iter().copied().chain(named);
        let later = |other: &StreamId| {
            let other = self.table.get(*other);
            other.is_some_and(|other| other.unread_bytes() > 0 && comes_before(generation, other))
        };
        for other in others.filter(later).collect::<Vec<_>>() {
            self.enqueue(other);
        }
    }
}

fn has_lost_its_name(generation: &Generation) -> bool {
    generation.renamed || generation.life == Life::Deleted
}

/// The first file had the name before the second one. An archive is complete as it is, and nothing waits for it.
fn comes_before(first: &Generation, second: &Generation) -> bool {
    let is_later = !has_lost_its_name(second) || first.modified_ns < second.modified_ns;
    let is_plain = first.archive.is_none() && second.archive.is_none();
    is_plain && has_lost_its_name(first) && first.origin == second.origin && is_later
}

fn is_unread(generation: &Generation) -> bool {
    matches!(generation.life, Life::Live | Life::Deleted)
        && generation.read.offset == 0
        && generation.acked.offset == 0
        && generation.unacked_groups == 0
}
