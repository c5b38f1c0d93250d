//! One turn of one file: read a window after the position, take the whole lines in it, move the position.
//!
//! Nothing is kept of a file between turns but its position: a last line without a newline, or a group of
//! container pieces without its end, is read again at the next turn. So ten thousand resting files cost no
//! buffers, and what is checkpointed is always the start of a line.

use std::fs::File;
use std::io;

use millpond_parsers::Detector;
use millpond_wire::limits::MESSAGE_BYTES_MAX;
use millpond_wire::position::StreamId;

use crate::batch::Batcher;
use crate::limits;
use crate::metrics::Counters;
use crate::record::{Input, Piece, Recorder, Surroundings, Written};
use crate::tail::Section;
use crate::tail::generation::{self, Generation};
use crate::tail::identity::Mark;
use crate::tail::join::{Join, Joined};
use crate::tail::lines::{self, Line, Text};
use crate::time::Now;

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnEnd {
    /// There is more.
    More,
    /// All whole lines have been read.
    AtEnd,
    /// The batch takes no more lines.
    BatchFull,
    /// Before the position stands something else than what was read: the file was truncated or overwritten.
    Cut,
}

/// What reading needs, shared by all files.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
    recorder: Recorder,
}

/// A file whose turn it is.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Its stream.
    pub stream: StreamId,
    /// What is known of it.
    pub generation: &'a mut Generation,
    /// Its descriptor.
    pub file: &'a File,
    /// Of the configuration.
    pub section: &'a Section,
    /// The clocks.
    pub now: Now,
    /// It has come to its end: what is left without a newline is a line too.
    pub is_ending: bool,
    /// Where things are counted.
    pub counters: &'a Counters,
    /// Where lines go.
    pub batcher: &'a mut Batcher,
}

/// The bytes after the position, in the reader's buffer.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// Where they begin in the buffer; before them stands the tail.
    start: usize,
    len: usize,
    at_end: bool,
}

/// Why the lines of a window came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Full,
    NoWholeLine,
    OpenGroup,
}

impl Reader {
    /// Reads up to a turn's worth of whole lines into the batch.
    ///
    /// # Errors
    /// When the file can't be read; lines that were read before are in the batch, and the position is true.
    pub fn turn(&mut self, mut turn: Turn<'_>) -> io::Result<TurnEnd> {
        let from = turn.generation.read;
        let records = turn.batcher.records();
        let mut group = Group { from_offset: from.offset, is_open: false };
        let end = self.windows(&mut turn, &mut group);
        // A group without lines is never ended, and so left out.
        if turn.batcher.records() > records {
            let mark = turn.generation.read;
            let state = turn.generation.entry_at(&mark, turn.now.unix_s()).identity.to_string();
            turn.batcher.end(turn.stream, mark, &state);
            turn.generation.unacked_groups += 1;
        }
        turn.counters.bytes_read.add(turn.generation.read.offset.saturating_sub(from.offset));
        if self.buffer.capacity() > 2 * limits::READ_WINDOW_BYTES {
            self.buffer = Vec::new();
        }
        end
    }

    fn windows(&mut self, turn: &mut Turn<'_>, group: &mut Group) -> io::Result<TurnEnd> {
        let mut budget = limits::TURN_BYTES;
        let mut want = limits::READ_WINDOW_BYTES;
        while budget > 0 {
            if turn.batcher.is_full() {
                return Ok(TurnEnd::BatchFull);
            }
            if turn.generation.scanned_to > 0 {
                if let Some(end) = self.long_line(turn, group, &mut budget)? {
                    return Ok(end);
                }
                continue;
            }
            let Some(window) = self.fill(turn, want)? else { return Ok(TurnEnd::Cut) };
            if self.skip_nul_bytes(turn, window)? {
                continue;
            }
            let may_grow = !window.at_end && want < limits::GROUP_BYTES_MAX;
            let (consumed, stop) = self.lines(turn, group, window, !may_grow && (turn.is_ending || !window.at_end));
            if consumed > 0 {
                budget = budget.saturating_sub(consumed);
                self.advance(turn, window, consumed);
                want = limits::READ_WINDOW_BYTES;
            }
            match stop {
                Stop::Full => return Ok(TurnEnd::BatchFull),
                _ if window.at_end && turn.is_ending => return self.last_line(turn, group, window, consumed),
                _ if window.at_end => return Ok(TurnEnd::AtEnd),
                _ if consumed > 0 => {}
                _ if may_grow => want = limits::GROUP_BYTES_MAX.min(want * 4),
                _ => turn.generation.scanned_to = turn.generation.read.offset + window.len as u64,
            }
        }
        Ok(TurnEnd::More)
    }

    /// Reads the tail and a window after it in one call; `None` when the tail isn't what it was.
    fn fill(&mut self, turn: &Turn<'_>, want: usize) -> io::Result<Option<Window>> {
        let read = turn.generation.read;
        let tail_len = usize::from(read.tail_len);
        self.buffer.resize(tail_len + want, 0);
        let count = generation::read_at(turn.file, &mut self.buffer, read.tail_offset())?;
        let tail_is_same = self.buffer.get(..tail_len.min(count)).is_some_and(|tail| read.matches(tail));
        let window = Window { start: tail_len, len: count.saturating_sub(tail_len), at_end: count < tail_len + want };
        Ok(tail_is_same.then_some(window))
    }

    fn bytes(&self, window: Window) -> &[u8] {
        self.buffer.get(window.start..window.start + window.len).unwrap_or_default()
    }

    fn advance(&self, turn: &mut Turn<'_>, window: Window, consumed: usize) {
        let before = self.buffer.get(..window.start + consumed).unwrap_or_default();
        turn.generation.advance(Mark::new(turn.generation.read.offset + consumed as u64, before));
    }

    /// Jumps over a hole, or over a window full of NUL bytes: a writer that didn't notice the truncation
    /// of its file leaves them. True when it did.
    fn skip_nul_bytes(&self, turn: &mut Turn<'_>, window: Window) -> io::Result<bool> {
        const BLOCK_BYTES: usize = 4 << 10;
        let bytes = self.bytes(window);
        let is_nul = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
        if !bytes.get(..BLOCK_BYTES).is_some_and(is_nul) {
            return Ok(false);
        }
        let offset = turn.generation.read.offset;
        let mut next = generation::next_data(turn.file, offset);
        if next == offset && !window.at_end && is_nul(bytes) {
            next = offset + window.len as u64;
        }
        if next == offset {
            return Ok(false);
        }
        turn.counters.nul_bytes_skipped.add(next - offset);
        turn.generation.advance(generation::mark_at(turn.file, next)?);
        Ok(true)
    }

    /// Writes the whole lines of a window into the batch. Returns how many bytes of it are done with:
    /// always up to a line before which no group is open. `force`: a group ends with the window.
    fn lines(&mut self, turn: &mut Turn<'_>, group: &mut Group, window: Window, force: bool) -> (usize, Stop) {
        let bytes = self.buffer.get(window.start..window.start + window.len).unwrap_or_default();
        let offset = turn.generation.read.offset;
        let mut writer = LineWriter { bytes, offset, force, taken: Vec::new(), recorder: &mut self.recorder };
        let (mut at, mut done) = (0, 0);
        while let Some(line) = lines::line_at(bytes, at) {
            if writer.taken.is_empty() && turn.batcher.is_full() {
                return (done, Stop::Full);
            }
            if let Some(index) = writer.taken.iter().position(|start| *start == line.start) {
                writer.taken.swap_remove(index);
            } else if !writer.line(turn, group, line) {
                return (done, Stop::OpenGroup);
            }
            at = line.next;
            if writer.taken.is_empty() {
                done = at;
            }
        }
        (done, Stop::NoWholeLine)
    }

    /// What stands after the last newline of a file that has come to its end.
    fn last_line(
        &mut self,
        turn: &mut Turn<'_>,
        group: &mut Group,
        window: Window,
        consumed: usize,
    ) -> io::Result<TurnEnd> {
        let rest = self.buffer.get(window.start + consumed..window.start + window.len).unwrap_or_default();
        if !rest.is_empty() {
            let text = lines::text(rest, turn.generation.read.offset == 0, None);
            count_text(&text, turn.counters);
            if !text.text.is_empty() {
                turn.counters.unfinished_lines.increment();
                let input = Input { offset: turn.generation.read.offset, text: &text, unfinished: true };
                group.write(turn, &mut self.recorder, &input);
            }
            let end = turn.generation.read.offset + rest.len() as u64;
            turn.generation.advance(generation::mark_at(turn.file, end)?);
        }
        Ok(TurnEnd::AtEnd)
    }

    /// Goes on searching for the end of a line that is longer than the largest window. `None`: found.
    fn long_line(
        &mut self,
        turn: &mut Turn<'_>,
        group: &mut Group,
        budget: &mut usize,
    ) -> io::Result<Option<TurnEnd>> {
        if !generation::holds(turn.file, &turn.generation.read)? {
            return Ok(Some(TurnEnd::Cut));
        }
        let scanned_to = turn.generation.scanned_to;
        self.buffer.resize(limits::READ_WINDOW_BYTES, 0);
        let count = generation::read_at(turn.file, &mut self.buffer, scanned_to)?;
        *budget = budget.saturating_sub(count);
        let found = self.buffer.get(..count).and_then(|bytes| memchr::memchr(b'\n', bytes));
        let (line_end, next) = match found {
            Some(at) => (scanned_to + at as u64, scanned_to + at as u64 + 1),
            None if count == 0 && turn.is_ending => (scanned_to, scanned_to),
            None if count == 0 => return Ok(Some(TurnEnd::AtEnd)),
            None => {
                turn.generation.scanned_to += count as u64;
                return Ok(None);
            }
        };
        let start = turn.generation.read.offset;
        // A little more than is kept, so that it is cut between two characters.
        let raw = generation::read_vec(turn.file, MESSAGE_BYTES_MAX + 4, start)?;
        let text = lines::text(&raw, start == 0, Some(line_end - start));
        count_text(&text, turn.counters);
        group.write(turn, &mut self.recorder, &Input { offset: start, text: &text, unfinished: found.is_none() });
        turn.generation.advance(generation::mark_at(turn.file, next)?);
        Ok(None)
    }
}

/// The group of lines that a turn adds to the batch; opened by its first line.
#[derive(Debug)]
struct Group {
    from_offset: u64,
    is_open: bool,
}

impl Group {
    fn open(&mut self, turn: &mut Turn<'_>) {
        if !self.is_open {
            self.is_open = true;
            let path = turn.generation.origin.to_string_lossy().into_owned();
            let attributes = turn.section.labels.attributes(&path);
            turn.batcher.begin(turn.stream, self.from_offset, &attributes, turn.now.mono_ms);
        }
    }

    /// Writes a line, a piece of a container's text as if it were whole.
    fn write(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'_>) {
        if let Some(piece) = self.write_line(turn, recorder, input) {
            self.write_joined(turn, recorder, input, &piece);
        }
    }

    /// Writes a line unless it is a piece.
    fn write_line<'a>(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'a>) -> Option<Piece<'a>> {
        self.open(turn);
        let (mut detector, around) = (take_detector(turn), surroundings(turn));
        let written = recorder.write(input, &mut detector, &around, turn.batcher);
        turn.generation.detector = Some(detector);
        match written {
            Written::Record => None,
            Written::Piece(piece) => Some(piece),
        }
    }

    fn write_joined(&mut self, turn: &mut Turn<'_>, recorder: &mut Recorder, input: &Input<'_>, whole: &Piece<'_>) {
        let (mut detector, around) = (take_detector(turn), surroundings(turn));
        recorder.write_joined(input, whole, &mut detector, &around, turn.batcher);
        turn.generation.detector = Some(detector);
    }
}

/// Writes the lines of one window.
struct LineWriter<'a> {
    bytes: &'a [u8],
    offset: u64,
    force: bool,
    /// Starts of lines further on that were joined to an earlier one.
    taken: Vec<usize>,
    recorder: &'a mut Recorder,
}

impl LineWriter<'_> {
    /// False when the line begins a group whose end isn't there yet.
    fn line(&mut self, turn: &mut Turn<'_>, group: &mut Group, line: Line<'_>) -> bool {
        let offset = self.offset + line.start as u64;
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
        let mut join = Join::new(line.raw, &text, &first);
        let taken_before = self.taken.len();
        let message = match join.gather(self.bytes, line.next, &first, self.recorder, &mut self.taken) {
            Joined::Whole(message) => message,
            Joined::Open(message) if self.force => message,
            Joined::Open(_) => {
                self.taken.truncate(taken_before);
                return false;
            }
        };
        let cut_from_bytes = join.is_cut().then_some(join.whole_bytes);
        let joined = Text { text: message.as_str().into(), cut_from_bytes, ..text };
        count_text(&joined, turn.counters);
        let whole = Piece { message: message.as_str().into(), last: true, ..first };
        group.write_joined(turn, self.recorder, &Input { offset, text: &joined, unfinished: false }, &whole);
        true
    }
}

fn take_detector(turn: &mut Turn<'_>) -> Box<Detector> {
    let format = turn.section.format;
    let new = || Box::new(format.map_or_else(Detector::new, Detector::fixed));
    turn.generation.detector.take().unwrap_or_else(new)
}

fn surroundings<'a>(turn: &Turn<'a>) -> Surroundings<'a> {
    Surroundings { labels: &turn.section.labels, counters: turn.counters, now_ns: turn.now.unix_ns }
}

fn count_text(text: &Text<'_>, counters: &Counters) {
    counters.nul_bytes_skipped.add(text.nul_bytes as u64);
    if text.lossy {
        counters.invalid_utf8_lines.increment();
    }
    if text.cut_from_bytes.is_some() {
        counters.truncated_lines.increment();
    }
}
