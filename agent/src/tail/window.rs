//! The events of one window: written where they are done, carried on by the file's successor, or left to wait. Lines
//! and events stand in the window's text; positions are those in the file.

use super::encoding::View;
use super::generation::Waiting;
use super::group::{Added, Events, Looker};
use super::lines::{self, Line};
use super::read::{Stop, Turn};
use super::write::{RecordGroup, take_detector};
use crate::record::Recorder;

/// See the module.
#[derive(Debug)]
pub(super) struct Writer<'t> {
    view: View<'t>,
    /// Bytes that the window has in the file.
    len: usize,
    /// Of the window.
    offset: u64,
    recorder: &'t mut Recorder,
    group: &'t mut RecordGroup,
    /// Bytes of the text that are done with.
    done: usize,
}

impl<'t> Writer<'t> {
    /// For a window of `len` bytes from `offset` on.
    pub(super) fn new(
        view: View<'t>,
        len: usize,
        offset: u64,
        recorder: &'t mut Recorder,
        group: &'t mut RecordGroup,
    ) -> Self {
        Self { view, len, offset, recorder, group, done: 0 }
    }

    /// Takes a line of the window, or of what follows it.
    pub(super) fn look<'w>(
        &mut self,
        turn: &mut Turn<'_>,
        events: &mut Events<'w>,
        line: Line<'w>,
        only_more: bool,
    ) -> Added {
        let mut detector = take_detector(turn);
        let (counters, now_ns) = (turn.counters, turn.now.unix_ns);
        let mut looker = Looker { recorder: self.recorder, detector: &mut detector, counters, now_ns };
        let file_start = if only_more { self.view.bytes.len() } else { 0 };
        let at_start = line.start == file_start && (only_more || self.offset == 0);
        let added = events.add(line, at_start, only_more, &mut looker);
        turn.generation.detector = Some(detector);
        added
    }

    /// Writes what can be written; the lines before `at` have been looked at.
    pub(super) fn write_ready(&mut self, turn: &mut Turn<'_>, events: &mut Events<'_>, at: usize) {
        while let count @ 1.. = events.ready() {
            if turn.batcher.is_full() {
                return;
            }
            for event in (0..count).map_while(|_| events.pop()) {
                let offset = self.offset_at(event.start);
                self.group.write_event(turn, self.recorder, event, offset);
            }
            self.done = events.start().unwrap_or(at);
        }
        if events.start().is_none() {
            self.done = at;
        }
    }

    /// Takes the lines with which the file's successor carries on what is open at the end of the window, which is the
    /// file's. Returns the length that they have there. When another event begins after them, nothing is open any more.
    pub(super) fn carry_on<'w>(
        &mut self,
        turn: &mut Turn<'_>,
        successor: View<'w>,
        events: &mut Events<'w>,
    ) -> usize {
        let end = self.view.bytes.len();
        let (mut at, mut taken) = (0, 0);
        while let Some(line) = lines::line_at(successor.bytes, at) {
            at = line.next;
            let line = Line { start: end + line.start, next: end + line.next, raw: line.raw };
            match self.look(turn, events, line, true) {
                Added::Continues => taken = at,
                Added::Blank => {}
                Added::Begins => {
                    events.close_all();
                    break;
                }
            }
        }
        successor.raw_at(taken)
    }

    /// At the end of the file, of which the lines before `at` have been looked at: ends what has waited long enough, and
    /// notes how long the rest waits.
    pub(super) fn wait(&mut self, turn: &mut Turn<'_>, events: &mut Events<'_>, at: usize) {
        let now_ms = turn.now.mono_ms;
        while events.ready() == 0
            && let Some(awaited) = events.awaited()
        {
            let end = if self.is_torn(at) { self.view.bytes.len() } else { awaited.behind };
            let end_offset = self.offset_at(end);
            let before = turn.waited.filter(|before| before.end_offset == end_offset);
            let since_ms = before.map_or(now_ms, |before| before.since_ms);
            let due_ms = since_ms.saturating_add(awaited.wait_ms);
            let seen_to = self.offset + self.len as u64;
            let open_bytes = seen_to - self.offset_at(events.start().unwrap_or(at));
            let is_in_pieces = awaited.is_in_pieces;
            let waiting = Waiting { end_offset, since_ms, due_ms, is_in_pieces, seen_to, open_bytes };
            if !waiting.is_due(now_ms) {
                turn.generation.waiting = Some(waiting);
                return;
            }
            events.close_first();
            self.write_ready(turn, events, at);
        }
    }

    /// True when the line that begins at `at`, the last one, has no end.
    pub(super) fn is_torn(&self, at: usize) -> bool {
        self.view.raw_at(at) < self.len
    }

    /// Of a place in the text: the start of a line, the end of the text, or one beyond, in the file's successor.
    fn offset_at(&self, at: usize) -> u64 {
        let raw = match at.checked_sub(self.view.bytes.len()) {
            Some(beyond) => self.len + beyond,
            None => self.view.raw_at(at),
        };
        self.offset + raw as u64
    }

    /// Number of bytes of the window that are done with.
    pub(super) fn stop(self, turn: &mut Turn<'_>, events: &Events<'_>, stop: Stop) -> (usize, Stop) {
        turn.generation.overflow = events.overflow;
        (self.view.raw_at(self.done), stop)
    }
}
