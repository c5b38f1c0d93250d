//! Events of a turn into the batch: opens the group of the stream with the first one.

use std::sync::Arc;

use millpond_parsers::Detector;
use millpond_parsers::multiline::Group;
use millpond_wire::batch::ValueRef;

use super::generation::Generation;
use super::group::{Event, Lane};
use super::identity;
use super::lines::Text;
use super::read::Turn;
use crate::metadata;
use crate::metrics::Counters;
use crate::process::Source;
use crate::record::{Input, Labels, More, Piece, Recorder, Surroundings, Written};

/// The group of records that a turn adds to the batch; opened by its first one.
#[derive(Debug)]
pub(super) struct RecordGroup {
    from_offset: u64,
    is_open: bool,
    origin: Origin,
}

/// What all records of a group have in common.
#[derive(Debug, Default)]
pub(super) struct Origin {
    path: String,
    metadata: Arc<[(&'static str, String)]>,
}

impl Origin {
    /// Of a file. `path_metadata`: its path is asked for more, once for each generation.
    pub(super) fn of(generation: &mut Generation, path_metadata: bool) -> Self {
        let find = || if path_metadata { metadata::of_path(&generation.origin) } else { Vec::new() };
        let metadata = generation.metadata.get_or_insert_with(|| find().into());
        Self { path: identity::path_text(&generation.origin).into_owned(), metadata: Arc::clone(metadata) }
    }

    /// Of its group.
    pub(super) fn attributes<'a>(&'a self, labels: &'a Labels) -> Vec<(&'a str, ValueRef<'a>)> {
        labels.attributes(&self.path, &self.metadata)
    }

    fn surroundings<'a>(&'a self, turn: &Turn<'a>) -> Surroundings<'a> {
        let labels = &turn.section.labels;
        let source = Source { stream: turn.stream, path: &self.path, labels, metadata: &self.metadata };
        Surroundings { source, counters: turn.counters, now_ns: turn.now.unix_ns }
    }
}

impl RecordGroup {
    /// Not opened yet; starts at an offset.
    pub(super) fn new(from_offset: u64) -> Self {
        Self { from_offset, is_open: false, origin: Origin::default() }
    }

    fn open(&mut self, turn: &mut Turn<'_>) {
        if !self.is_open {
            self.is_open = true;
            self.origin = Origin::of(turn.generation, turn.path_metadata);
            let attributes = self.origin.attributes(&turn.section.labels);
            turn.batcher.begin(turn.stream, self.from_offset, &attributes, turn.now.mono_ms);
        }
    }

    /// Writes a line, a piece of a container's text as if it were whole.
    pub(super) fn write(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'_>) {
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), self.origin.surroundings(turn));
        if let Written::Piece(piece) = recorder.write(input, &mut detector, &around, turn.batcher) {
            recorder.write_joined(input, &piece, &mut detector, &around, turn.batcher);
        }
        turn.generation.detector = Some(detector);
    }

    /// Writes an event of a window, with the offset of its first byte.
    pub(super) fn write_event(
        &mut self,
        turn: &mut Turn<'_>,
        recorder: &mut Recorder,
        event: Event<'_>,
        offset: u64,
    ) {
        event.count(turn.counters);
        let is_trace = !event.more.is_empty() && event.group().is_some_and(|group| group.is_trace());
        let more = More { text: &event.more, is_trace, dropped_lines: event.dropped_lines };
        let input = Input { offset, text: &event.text, unfinished: false, more };
        let Lane::Container(stream) = event.lane else { return self.write(turn, recorder, &input) };
        let message = (&*event.text.text).into();
        let piece = Piece { stream, written_ns: event.written_ns, message, last: true };
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), self.origin.surroundings(turn));
        recorder.write_joined(&input, &piece, &mut detector, &around, turn.batcher);
        turn.generation.detector = Some(detector);
    }
}

pub(super) fn take_detector(turn: &mut Turn<'_>) -> Box<Detector> {
    let format = turn.section.format;
    let new = || Box::new(format.map_or_else(Detector::new, Detector::fixed));
    turn.generation.detector.take().unwrap_or_else(new)
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
            counters.left_out_lines.add(self.dropped_lines);
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
