//! Lines to events. The pieces that a container runtime made of a line are joined first; then the lines of one output
//! that belong together, by the rules of [`millpond_parsers::multiline`]. Works on the lines of one window and keeps
//! nothing beyond it; decides nothing about time.
//!
//! Events are queued in the order of their first lines, since positions ascend within a stream. They're written as soon
//! as no line of theirs stands behind the beginning of one that is still open: a position between the two would tear
//! one of them.

use std::collections::VecDeque;

use millpond_parsers::multiline::{Group, Rules};
use millpond_parsers::{Detector, Format, Stream};

use super::join::{self, Join};
use super::lines::{self, Line, Text};
use super::multiline::{Multiline, is_structured};
use super::write::count_text;
use crate::limits;
use crate::metrics::Counters;
use crate::record::Recorder;

/// Who wrote a line: lines of different lanes never belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// The file itself.
    File,
    /// An output of a container.
    Container(Stream),
}

/// An event of which more was left out than a window holds: what carries it on is left out, too.
#[derive(Debug, Clone, Copy)]
pub struct Overflow {
    lane: Lane,
    group: Group,
}

/// An event that is being put together.
#[derive(Debug)]
pub(super) struct Event<'w> {
    pub(super) lane: Lane,
    /// Index in the window of its first byte, and of the one after its last line.
    pub(super) start: usize,
    end: usize,
    /// Its first line, or what a container wrote as one.
    pub(super) text: Text<'w>,
    /// By the container's clock, Unix nanoseconds.
    pub(super) written_ns: Option<i64>,
    /// The lines after the first, joined by line feeds.
    pub(super) more: String,
    pub(super) lines: usize,
    pub(super) dropped_lines: u64,
    /// Seen after its last line: part of it only if it goes on.
    pub(super) blank_lines: u64,
    /// Its last piece has not come.
    pub(super) is_unended: bool,
    state: State,
}

/// What keeps events from being written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Awaited {
    /// Index in the window of the end of their last line.
    pub(super) behind: usize,
    /// How long they wait for another line, or piece, from when that line was seen, in milliseconds.
    pub(super) wait_ms: u64,
    /// Pieces of a text are missing.
    pub(super) is_in_pieces: bool,
}

#[derive(Debug)]
enum State {
    /// Pieces of a line are missing.
    Pieces(Join),
    /// Lines may follow.
    Open(Group),
    Done(Group),
}

impl Event<'_> {
    /// Takes a line that belongs to it.
    fn push(&mut self, line: &Text<'_>, end: usize, limits: &Multiline) {
        let blank_lines = usize::try_from(std::mem::take(&mut self.blank_lines)).unwrap_or(usize::MAX);
        let bytes = self.text.text.len() + self.more.len() + blank_lines.saturating_add(line.text.len() + 1);
        let has_room = self.lines < limits.lines_max && bytes <= limits.bytes_max;
        self.end = self.end.max(end);
        self.text.lossy |= line.lossy;
        if !has_room || self.dropped_lines > 0 {
            self.dropped_lines += 1;
            return;
        }
        self.lines += 1;
        // The first of them is joined by whoever puts message and lines together.
        let breaks = if self.lines > 2 { blank_lines + 1 } else { blank_lines };
        self.more.extend(std::iter::repeat_n('\n', breaks));
        self.more.push_str(&line.text);
    }

    pub(super) fn group(&self) -> Option<&Group> {
        match &self.state {
            State::Pieces(_) => None,
            State::Open(group) | State::Done(group) => Some(group),
        }
    }

    /// Nothing more will come.
    fn close(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Pieces(Join::default())) {
            State::Pieces(join) => {
                self.text = join.finish();
                self.is_unended = true;
                State::Done(Rules::Off.begin(b"", true))
            }
            State::Open(group) | State::Done(group) => State::Done(group),
        };
    }
}

/// What came of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It carries on what is open.
    Continues,
    /// It is empty; whether it belongs to anything the next lines say.
    Blank,
    /// It begins an event.
    Begins,
}

/// What is needed to look at a line.
pub(super) struct Looker<'t> {
    pub(super) recorder: &'t mut Recorder,
    pub(super) detector: &'t mut Detector,
    pub(super) counters: &'t Counters,
    pub(super) now_ns: i64,
}

/// The events of a window.
#[derive(Debug)]
pub(super) struct Events<'w> {
    settings: &'w Multiline,
    format: Option<Format>,
    queue: VecDeque<Event<'w>>,
    pub(super) overflow: Option<Overflow>,
}

impl<'w> Events<'w> {
    /// Without any. `format`: the configured one.
    pub(super) fn new(settings: &'w Multiline, format: Option<Format>, overflow: Option<Overflow>) -> Self {
        Self { settings, format, queue: VecDeque::new(), overflow }
    }

    /// Takes the next line. `at_start`: it is the first of its file. `only_more`: unless it would begin an event.
    pub(super) fn add(
        &mut self,
        line: Line<'w>,
        at_start: bool,
        only_more: bool,
        looker: &mut Looker<'_>,
    ) -> Added {
        let text = lines::text(line.raw, at_start, None);
        let found = looker.detector.format();
        let mut event = Event {
            lane: Lane::File,
            start: line.start,
            end: line.next,
            text,
            written_ns: None,
            more: String::new(),
            lines: 1,
            dropped_lines: 0,
            blank_lines: 0,
            is_unended: false,
            state: State::Pieces(Join::default()),
        };
        if join::may_wrap(line.raw, self.format, found)
            && let Some((piece, bytes)) =
                join::unwrap(line.raw, &event.text, looker.detector, looker.recorder, looker.now_ns)
        {
            event.lane = Lane::Container(piece.stream);
            event.written_ns = piece.written_ns;
            let pending =
                self.queue.iter().rposition(|other| other.lane == event.lane && other.group().is_none());
            if pending.is_some() || !piece.last {
                let bytes = bytes.unwrap_or(piece.message.as_bytes());
                return self.piece(event, bytes, piece.last, pending, only_more, looker);
            }
            event.text.text = piece.message;
        }
        self.whole(event, self.queue.len(), only_more, looker)
    }

    fn piece(
        &mut self,
        mut event: Event<'w>,
        bytes: &[u8],
        is_last: bool,
        pending: Option<usize>,
        only_more: bool,
        looker: &mut Looker<'_>,
    ) -> Added {
        let Some(index) = pending else {
            if !only_more {
                let mut join = Join::default();
                join.push(bytes);
                event.state = State::Pieces(join);
                self.queue.push_back(event);
            }
            return Added::Begins;
        };
        if let Some(first) = self.queue.get_mut(index)
            && let State::Pieces(join) = &mut first.state
        {
            join.push(bytes);
            first.end = event.end;
            first.text.nul_bytes += event.text.nul_bytes;
            if is_last {
                first.text = join.finish();
            }
        }
        if is_last && let Some(joined) = self.queue.remove(index) {
            self.whole(joined, index, false, looker);
        }
        Added::Continues
    }

    /// Takes a whole line, which stands at `index` in the order of events.
    fn whole(
        &mut self,
        mut event: Event<'w>,
        index: usize,
        only_more: bool,
        looker: &mut Looker<'_>,
    ) -> Added {
        let open = self
            .queue
            .iter_mut()
            .rev()
            .find(|other| other.lane == event.lane && matches!(other.state, State::Open(_)));
        let line = event.text.text.as_bytes();
        if line.is_empty() {
            match open {
                Some(open) => open.blank_lines += 1,
                None => {
                    count_text(&event.text, looker.counters);
                    looker.counters.empty_lines.increment();
                }
            }
            return Added::Blank;
        }
        let rules = &self.settings.rules;
        if let Some(open) = open
            && let State::Open(group) = &mut open.state
        {
            if rules.continues(group, line) {
                let group = *group;
                open.push(&event.text, event.end, self.settings);
                if group.is_complete() {
                    open.state = State::Done(group);
                }
                return Added::Continues;
            }
            if !only_more {
                open.close();
            }
        }
        if only_more {
            return Added::Begins;
        }
        if let Some(overflow) = self.overflow.as_mut().filter(|overflow| overflow.lane == event.lane) {
            if rules.continues(&mut overflow.group, line) {
                looker.counters.left_out_lines.increment();
                return Added::Continues;
            }
            self.overflow = None;
        }
        let stands_alone = stands_alone(event.lane, looker.detector);
        let group = rules.begin(line, stands_alone);
        event.state = if group.is_complete() { State::Done(group) } else { State::Open(group) };
        self.queue.insert(index, event);
        if self.queue.len() > limits::QUEUED_EVENTS_MAX {
            self.close_first();
        }
        Added::Begins
    }

    /// Number of events at the front that can be written: they're done, and no line of theirs stands behind the
    /// beginning of one that isn't among them.
    pub(super) fn ready(&self) -> usize {
        self.run(|event| matches!(event.state, State::Done(_))).unwrap_or_default()
    }

    /// The first event.
    pub(super) fn pop(&mut self) -> Option<Event<'w>> {
        self.queue.pop_front()
    }

    /// Number of events at the front that are interleaved with each other and not with what follows; `None` when
    /// one of them isn't `wanted`, or there is none.
    fn run(&self, wanted: impl Fn(&Event<'w>) -> bool) -> Option<usize> {
        let mut end = 0;
        for (index, event) in self.queue.iter().enumerate() {
            if !wanted(event) {
                return None;
            }
            end = end.max(event.end);
            if self.queue.get(index + 1).is_none_or(|next| next.start >= end) {
                return Some(index + 1);
            }
        }
        None
    }

    /// Where the first event that isn't written begins.
    pub(super) fn start(&self) -> Option<usize> {
        self.queue.front().map(|event| event.start)
    }

    /// What keeps the first events from being written; `None` when there are none.
    pub(super) fn awaited(&self) -> Option<Awaited> {
        let count = self.run(|_| true)?;
        let first = || self.queue.iter().take(count);
        let wait_ms = |event: &Event<'_>| match event.group() {
            None => limits::PIECES_HOLD_MS,
            Some(group) => self.settings.wait_ms(group, event.text.text.as_bytes()),
        };
        Some(Awaited {
            behind: first().map(|event| event.end).max()?,
            wait_ms: first().map(wait_ms).max()?,
            is_in_pieces: first().any(|event| event.group().is_none()),
        })
    }

    /// Ends the first events: nothing more is awaited.
    pub(super) fn close_first(&mut self) {
        let count = self.run(|_| true).unwrap_or_default();
        self.close(count);
    }

    /// Ends all.
    pub(super) fn close_all(&mut self) {
        self.close(self.queue.len());
    }

    fn close(&mut self, count: usize) {
        for event in self.queue.iter_mut().take(count) {
            if let State::Open(group) = event.state
                && event.dropped_lines > 0
            {
                self.overflow = Some(Overflow { lane: event.lane, group });
            }
            event.close();
        }
    }
}

/// True when each line of that lane is a record: the lines of such files don't wait for others.
fn stands_alone(lane: Lane, detector: &Detector) -> bool {
    let format = match lane {
        Lane::File => detector.format(),
        Lane::Container(stream) => detector.inner(stream).and_then(Detector::format),
    };
    format.is_some_and(is_structured)
}
