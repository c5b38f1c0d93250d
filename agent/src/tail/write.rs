//! Events of a turn into the batch: opens the group of the stream with the first one.

use millpond_parsers::Detector;
use millpond_parsers::multiline::Group;

use super::group::{Event, Lane};
use super::lines::Text;
use super::read::Turn;
use crate::metrics::Counters;
use crate::record::{Input, More, Piece, Recorder, Surroundings, Written};

/// The group of records that a turn adds to the batch; opened by its first one.
#[derive(Debug)]
pub(super) struct RecordGroup {
    from_offset: u64,
    is_open: bool,
}

impl RecordGroup {
    /// Not opened yet; starts at an offset.
    pub(super) fn new(from_offset: u64) -> Self {
        Self { from_offset, is_open: false }
    }

    fn open(&mut self, turn: &mut Turn<'_>) {
        if !self.is_open {
            self.is_open = true;
            let path = turn.generation.origin.to_string_lossy().into_owned();
            let attributes = turn.section.labels.attributes(&path);
            turn.batcher.begin(turn.stream, self.from_offset, &attributes, turn.now.mono_ms);
        }
    }

    /// Writes a line, a piece of a container's text as if it were whole.
    pub(super) fn write(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'_>) {
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), surroundings(turn));
        if let Written::Piece(piece) = recorder.write(input, &mut detector, &around, turn.batcher) {
            recorder.write_joined(input, &piece, &mut detector, &around, turn.batcher);
        }
        turn.generation.detector = Some(detector);
    }

    /// Writes an event of a window whose first byte has that offset.
    pub(super) fn write_event(
        &mut self,
        turn: &mut Turn<'_>,
        recorder: &mut Recorder,
        event: Event<'_>,
        window_offset: u64,
    ) {
        event.count(turn.counters);
        let is_trace = !event.more.is_empty() && event.group().is_some_and(|group| group.is_trace());
        let more = More { text: &event.more, is_trace, dropped_lines: event.dropped_lines };
        let offset = window_offset + event.start as u64;
        let input = Input { offset, text: &event.text, unfinished: false, more };
        let Lane::Container(stream) = event.lane else { return self.write(turn, recorder, &input) };
        let message = (&*event.text.text).into();
        let piece = Piece { stream, written_ns: event.written_ns, message, last: true };
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), surroundings(turn));
        recorder.write_joined(&input, &piece, &mut detector, &around, turn.batcher);
        turn.generation.detector = Some(detector);
    }
}

pub(super) fn take_detector(turn: &mut Turn<'_>) -> Box<Detector> {
    let format = turn.section.format;
    let new = || Box::new(format.map_or_else(Detector::new, Detector::fixed));
    turn.generation.detector.take().unwrap_or_else(new)
}

fn surroundings<'a>(turn: &Turn<'a>) -> Surroundings<'a> {
    Surroundings { labels: &turn.section.labels, counters: turn.counters, now_ns: turn.now.unix_ns }
}

pub(super) fn count_text(text: &Text<'_>, counters: &Counters) {
    counters.nul_bytes_skipped.add(text.nul_bytes as u64);
    if text.lossy {
        counters.invalid_utf8_lines.increment();
    }
    if text.cut_from_bytes.is_some() {
        counters.truncated_lines.increment();
    }
}

impl Event<'_> {
    /// Counts what is remarkable of it, once it is written.
    pub(super) fn count(&self, counters: &Counters) {
        count_text(&self.text, counters);
        if self.blank_lines > 0 {
            counters.empty_lines.add(self.blank_lines);
        }
        if self.dropped_lines > 0 {
            counters.dropped_lines.add(self.dropped_lines);
            counters.truncated_events.increment();
        }
        if self.lines > 1 {
            counters.multiline_events.increment();
        }
        if self.group().is_some_and(Group::is_orphan) {
            counters.orphaned_lines.increment();
        }
    }
}
