//! Finds the format of a file by itself and stays with it.
//!
//! Each line gets the format that fits it; what is kept for the file is which format is tried first. So a stray line
//! costs a second try and nothing else, and never turns the file. The choice falls after the first lines and changes
//! only when, over a whole window, another format fits more than twice as many lines. Each change doubles the window,
//! so that a file which alternates can't make us alternate with it.
//!
//! Text fits every line, so it is tried last even where it is chosen, and has to outnumber a format by far to follow it:
//! most lines of a structured log may be stack traces.

#[cfg(test)]
mod tests;

use crate::cursor::Miss;
use crate::event::{NoteKind, Parsed, Stream};
use crate::format::{Format, parse};
use crate::time::Context;

/// Lines until the first choice.
const FIRST_WINDOW_LINES: u64 = 16;
/// Lines until the choice is looked at again.
const WINDOW_LINES: u64 = 256;
/// Longest window, after many changes.
const WINDOW_LINES_MAX: u64 = 65_536;
/// A format is given up for another one that fits more than this many times its lines.
const MARGIN: u64 = 2;
/// A format is given up for text when that has more than this many times its lines.
const MARGIN_OF_TEXT: u64 = 8;
/// The first choice falls on text unless one of this many lines is of some other format: banners and stack traces are
/// longer than what they stand before.
const FIRST_SHARE: u64 = 4;

const FORMATS: usize = Format::ALL.len();

/// The format of one file, or of one stream of a container.
#[derive(Debug, Clone)]
pub struct Detector {
    /// Given by configuration; then nothing is detected.
    fixed: Option<Format>,
    chosen: Option<Format>,
    /// Lines of each format in the window that isn't full yet.
    window: [u64; FORMATS],
    window_lines: u64,
    window_lines_max: u64,
    /// Lines of each format since the start.
    hits: [u64; FORMATS],
    changes: u64,
    /// What the texts inside container lines are; made when the first comes, one for each stream.
    inner: [Option<Box<Detector>>; 2],
}

impl Default for Detector {
    fn default() -> Self {
        Detector::new()
    }
}

impl Detector {
    /// For a file of which nothing is known.
    pub fn new() -> Self {
        Detector {
            fixed: None,
            chosen: None,
            window: [0; FORMATS],
            window_lines: 0,
            window_lines_max: FIRST_WINDOW_LINES,
            hits: [0; FORMATS],
            changes: 0,
            inner: [None, None],
        }
    }

    /// For a file whose format is configured. Texts inside container lines are detected all the same.
    pub fn fixed(format: Format) -> Self {
        Detector { fixed: Some(format), ..Detector::new() }
    }

    /// The format that is tried first; None before the first choice.
    pub fn format(&self) -> Option<Format> {
        self.fixed.or(self.chosen)
    }

    /// Lines that were found to be of the format so far.
    pub fn hits(&self, format: Format) -> u64 {
        self.hits.get(format.index()).copied().unwrap_or_default()
    }

    /// Lines so far.
    pub fn lines(&self) -> u64 {
        self.hits.iter().sum()
    }

    /// How often the format was changed after it was first chosen.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The detector of the texts inside the container lines of that stream, if there were any.
    pub fn inner(&self, stream: Stream) -> Option<&Detector> {
        self.inner.get(slot(stream))?.as_deref()
    }

    /// Reads a line into `out`, which is cleared first. A line that fits no format but text in a file of another format
    /// gets a note.
    pub fn parse<'a>(&mut self, line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) {
        let format = match self.fixed {
            Some(format) => {
                parse(format, line, context, out);
                let is_hit = !matches!(out.note.map(|note| note.kind), Some(NoteKind::NotOfFormat { .. }));
                if is_hit { format } else { Format::Text }
            }
            None => self.detect(line, context, out),
        };
        if let Some(hits) = self.hits.get_mut(format.index()) {
            *hits += 1;
        }
        if self.fixed.is_none() {
            self.vote(format);
        }
    }

    /// Reads the whole text of a container line, its pieces joined, into `out`, which is cleared first. `written_ns` is
    /// the time of the container line. It holds unless the text has a time of its own that names its zone: that of the
    /// container isn't ours.
    pub fn parse_inner<'a>(
        &mut self,
        stream: Stream,
        text: &'a str,
        written_ns: Option<i64>,
        context: &Context<'_>,
        out: &mut Parsed<'a>,
    ) {
        let Some(slot) = self.inner.get_mut(slot(stream)) else { return };
        slot.get_or_insert_with(Box::default).parse(text, context, out);
        if written_ns.is_some() && (out.zone_assumed || out.timestamp_ns.is_none()) {
            out.timestamp_ns = written_ns;
            out.zone_assumed = false;
        }
        out.push_stream(stream);
    }

    /// Fills `out` and says what the line is.
    fn detect<'a>(&mut self, line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Format {
        let first = self.chosen.filter(|format| *format != Format::Text);
        let mut first_miss: Option<(Format, Miss)> = None;
        if let Some(chosen) = first {
            match chosen.attempt(line, context, out) {
                Ok(()) => return chosen,
                Err(miss) => first_miss = Some((chosen, miss)),
            }
        }
        let mut others = Format::ALL.iter().copied().filter(|format| Some(*format) != first);
        let found = others.find(|format| format.attempt(line, context, out).is_ok());
        // Text fits every line.
        let found = found.unwrap_or(Format::Text);
        if let (Format::Text, Some((format, miss))) = (found, first_miss) {
            out.note(NoteKind::NotOfFormat { format, expected: miss.expected }, miss.offset_bytes);
        }
        found
    }

    fn vote(&mut self, found: Format) {
        if let Some(votes) = self.window.get_mut(found.index()) {
            *votes += 1;
        }
        self.window_lines += 1;
        if self.window_lines < self.window_lines_max {
            return;
        }
        self.judge();
        self.window = [0; FORMATS];
        self.window_lines = 0;
    }

    /// The window is full.
    fn judge(&mut self) {
        let votes = |format: Format| self.window.get(format.index()).copied().unwrap_or_default();
        let formats = Format::ALL.iter().copied();
        let Some(chosen) = self.chosen else {
            let best = formats.filter(|format| *format != Format::Text).max_by_key(|format| votes(*format));
            let is_common = |format: &Format| votes(*format) * FIRST_SHARE >= self.window_lines;
            self.chosen = best.filter(is_common).or(Some(Format::Text));
            self.window_lines_max = WINDOW_LINES;
            return;
        };
        let rival = formats.filter(|format| *format != chosen).max_by_key(|format| votes(*format));
        let margin = if rival == Some(Format::Text) { MARGIN_OF_TEXT } else { MARGIN };
        if let Some(rival) = rival.filter(|rival| votes(*rival) > votes(chosen).saturating_mul(margin)) {
            self.chosen = Some(rival);
            self.changes += 1;
            self.window_lines_max = self.window_lines_max.saturating_mul(2).min(WINDOW_LINES_MAX);
        }
    }
}

fn slot(stream: Stream) -> usize {
    match stream {
        Stream::Stdout => 0,
        Stream::Stderr => 1,
    }
}
