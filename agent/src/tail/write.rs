//! Events of a turn into the batch: opens the group of the stream with the first one.

use std::sync::Arc;

use millpond_parsers::Detector;
use millpond_parsers::multiline::Group;
use millpond_wire::batch::ValueRef;
use millpond_wire::names;

use super::Section;
use super::dated::Dated;
use super::generation::Generation;
use super::group::{Event, Lane};
use super::identity;
use super::lines::Text;
use super::read::Turn;
use crate::metadata;
use crate::metrics::Counters;
use crate::process::Source;
use crate::record::{INPUT_TYPE, Input, Labels, More, Piece, Recorder, Surroundings, Written};

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
    /// See [`Source::place`].
    place: (&'static str, String),
    metadata: Arc<[(&'static str, String)]>,
}

impl Origin {
    /// Of a file, or of the input whose spool it is. `path_metadata`: its path is asked for more, once for each
    /// generation.
    pub(super) fn of(generation: &mut Generation, section: &Section, path_metadata: bool) -> Self {
        let is_asked = path_metadata && section.input.is_none();
        let find = || if is_asked { metadata::of_path(&generation.origin) } else { Vec::new() };
        let metadata = generation.metadata.get_or_insert_with(|| find().into());
        let place = match section.input {
            // The path of a spool means nothing to anybody.
            Some(input) => (INPUT_TYPE, input.name().to_owned()),
            None => (names::FILE_PATH, identity::path_text(&generation.origin).into_owned()),
        };
        Self { place, metadata: Arc::clone(metadata) }
    }

    /// Of its group.
    pub(super) fn attributes<'a>(&'a self, labels: &'a Labels) -> Vec<(&'a str, ValueRef<'a>)> {
        labels.attributes(self.place(), &self.metadata)
    }

    fn place(&self) -> (&'static str, &str) {
        (self.place.0, &self.place.1)
    }

    fn surroundings<'a>(&'a self, turn: &Turn<'a>) -> Surroundings<'a> {
        let labels = &turn.section.labels;
        let source = Source { stream: turn.stream, place: self.place(), labels, metadata: &self.metadata };
        // What came through a spool has the time of its receipt.
        let dated = turn.generation.dated.filter(|_| turn.section.input.is_none());
        let before_ns = dated.and_then(|dated| dated.time_ns(turn.now));
        Surroundings { source, counters: turn.counters, now_ns: turn.now.unix_ns, before_ns, sender: None }
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
            self.origin = Origin::of(turn.generation, turn.section, turn.path_metadata);
            let attributes = self.origin.attributes(&turn.section.labels);
            // What was held for a line that carries it on has waited for company already.
            let now_ms = turn.now.mono_ms;
            let waited_ms = turn.waited.map_or(0, |waited| now_ms.saturating_sub(waited.since_ms));
            turn.batcher.begin(turn.stream, self.from_offset, &attributes, waited_ms, now_ms);
        }
    }

    /// Writes a line, a piece of a container's text as if it were whole.
    pub(super) fn write(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'_>) {
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), self.origin.surroundings(turn));
        if let Some(from) = turn.section.input {
            recorder.write_spooled(input, from, &mut detector, &around, turn.batcher);
        } else {
            match recorder.write(input, &mut detector, &around, turn.batcher) {
                Written::Piece(piece) => {
                    recorder.write_joined(input, &piece, &mut detector, &around, turn.batcher);
                }
                Written::Record { time_ns: Some(time_ns) } => {
                    turn.generation.dated = Some(Dated::new(time_ns, turn.now));
                }
                Written::Record { time_ns: None } => {}
            }
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
        if self.is_unended {
            counters.unended_texts.increment();
        }
        if self.lines > 1 {
            counters.multiline_events.increment();
        }
        if self.group().is_some_and(Group::is_orphan) {
            counters.orphaned_lines.increment();
        }
    }
}
