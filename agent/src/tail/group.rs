//! The lines of a turn into the batch: opens the group of the stream with its first line, and writes texts
//! that a container runtime has cut as one.

use std::sync::Arc;

use millpond_parsers::Detector;
use millpond_wire::names;

use super::encoding::View;
use super::identity;
use super::join::{self, Join};
use super::lines::{self, Line, Text};
use super::read::Turn;
use crate::metrics::Counters;
use crate::process::Source;
use crate::record::{INPUT_TYPE, Input, Piece, Recorder, Surroundings, Written};

/// The group of lines that a turn adds to the batch; opened by its first line.
#[derive(Debug)]
pub(super) struct Group {
    from_offset: u64,
    is_open: bool,
    origin: Origin,
}

/// What all its lines have in common.
#[derive(Debug, Default)]
struct Origin {
    /// See [`Source::place`].
    place: (&'static str, String),
    metadata: Arc<[(&'static str, String)]>,
}

impl Group {
    /// Not opened yet; starts at an offset.
    pub(super) fn new(from_offset: u64) -> Self {
        Self { from_offset, is_open: false, origin: Origin::default() }
    }

    fn open(&mut self, turn: &mut Turn<'_>) {
        if !self.is_open {
            self.is_open = true;
            self.origin = Origin::of(turn);
            let attributes = turn.section.labels.attributes(self.origin.place(), &self.origin.metadata);
            turn.batcher.begin(turn.stream, self.from_offset, &attributes, turn.now.mono_ms);
        }
    }

    /// Writes a line, a piece of a container's text as if it were whole.
    pub(super) fn write(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'_>) {
        if let Some(piece) = self.write_line(turn, recorder, input) {
            self.write_joined(turn, recorder, input, &piece);
        }
    }

    /// Writes a line unless it is a piece.
    fn write_line<'a>(
        &mut self,
        turn: &mut Turn<'_>,
        recorder: &mut Recorder,
        input: &Input<'a>,
    ) -> Option<Piece<'a>> {
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), self.origin.surroundings(turn));
        let written = match turn.section.input {
            Some(from) => recorder.write_spooled(input, from, &mut detector, &around, turn.batcher),
            None => recorder.write(input, &mut detector, &around, turn.batcher),
        };
        turn.generation.detector = Some(detector);
        match written {
            Written::Record => None,
            Written::Piece(piece) => Some(piece),
        }
    }

    fn write_joined(
        &mut self,
        turn: &mut Turn<'_>,
        recorder: &mut Recorder,
        input: &Input<'_>,
        whole: &Piece<'_>,
    ) {
        let (mut detector, around) = (take_detector(turn), self.origin.surroundings(turn));
        recorder.write_joined(input, whole, &mut detector, &around, turn.batcher);
        turn.generation.detector = Some(detector);
    }
}

/// Writes the lines of one window.
pub(super) struct LineWriter<'a> {
    bytes: &'a [u8],
    view: View<'a>,
    offset: u64,
    force: bool,
    /// Starts of lines further on that were joined to an earlier one.
    taken: Vec<usize>,
    recorder: &'a mut Recorder,
}

impl<'a> LineWriter<'a> {
    /// For the bytes of a file from `offset` on. `force`: a text in pieces ends with them.
    pub(super) fn new(view: View<'a>, offset: u64, force: bool, recorder: &'a mut Recorder) -> Self {
        Self { bytes: view.bytes, view, offset, force, taken: Vec::new(), recorder }
    }

    /// True when no line further on has been written already: a position may be taken here.
    pub(super) fn is_between_groups(&self) -> bool {
        self.taken.is_empty()
    }

    /// Writes a line, with the pieces that belong to it; passes over one that was written with an earlier
    /// one. False when it begins a text whose end isn't there yet.
    pub(super) fn line(&mut self, turn: &mut Turn<'_>, group: &mut Group, line: Line<'_>) -> bool {
        if let Some(index) = self.taken.iter().position(|start| *start == line.start) {
            self.taken.swap_remove(index);
            return true;
        }
        let offset = self.offset + self.view.raw_at(line.start) as u64;
        let text = lines::text(line.raw, offset == 0, None);
        if text.text.is_empty() {
            count_text(&text, turn.counters);
            turn.counters.empty_lines.increment();
            return true;
        }
        let input = Input { offset, text: &text, unfinished: false };
        let Some(first) = group.write_line(turn, self.recorder, &input) else {
            count_text(&text, turn.counters);
            return true;
        };
        if first.last {
            count_text(&text, turn.counters);
            group.write_joined(turn, self.recorder, &input, &first);
            return true;
        }
        self.pieces(turn, group, line, &text, first)
    }

    /// Joins what begins with `first` and writes it; false when its end isn't there yet.
    fn pieces(
        &mut self,
        turn: &mut Turn<'_>,
        group: &mut Group,
        line: Line<'_>,
        text: &Text<'_>,
        first: Piece<'_>,
    ) -> bool {
        if self.taken.is_empty()
            && !self.force
            && !join::is_closed(self.bytes, line.next, &first, self.recorder)
        {
            return false;
        }
        let mut join = Join::new(line.raw, text, &first);
        let message = join.gather(self.bytes, line.next, &first, self.recorder, &mut self.taken);
        let cut_from_bytes = join.is_cut().then_some(join.whole_bytes);
        let joined = Text {
            text: message.as_str().into(),
            cut_from_bytes,
            lossy: text.lossy,
            nul_bytes: text.nul_bytes,
        };
        count_text(&joined, turn.counters);
        let whole = Piece { message: message.as_str().into(), last: true, ..first };
        group.write_joined(
            turn,
            self.recorder,
            &Input {
                offset: self.offset + self.view.raw_at(line.start) as u64,
                text: &joined,
                unfinished: false,
            },
            &whole,
        );
        true
    }
}

fn take_detector(turn: &mut Turn<'_>) -> Box<Detector> {
    let format = turn.section.format;
    let new = || Box::new(format.map_or_else(Detector::new, Detector::fixed));
    turn.generation.detector.take().unwrap_or_else(new)
}

impl Origin {
    fn of(turn: &mut Turn<'_>) -> Self {
        let place = match turn.section.input {
            // The path of a spool means nothing to anybody.
            Some(input) => (INPUT_TYPE, input.name().to_owned()),
            None => (names::FILE_PATH, identity::path_text(&turn.generation.origin).into_owned()),
        };
        Self { place, metadata: Arc::clone(turn.metadata()) }
    }

    fn place(&self) -> (&'static str, &str) {
        (self.place.0, &self.place.1)
    }

    fn surroundings<'a>(&'a self, turn: &Turn<'a>) -> Surroundings<'a> {
        let (labels, metadata) = (&turn.section.labels, &self.metadata);
        let source = Source { stream: turn.stream, place: self.place(), labels, metadata };
        Surroundings { source, counters: turn.counters, now_ns: turn.now.unix_ns, sender: None }
    }
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
