//! One turn of one file: read a window after the position, take the whole lines in it, move the position.
//!
//! Nothing is kept of a file between turns but its position: a last line without a newline, or an event that may go
//! on, is read again at the next turn. So ten thousand resting files cost no buffers, and what is checkpointed is
//! always the start of an event.

use std::io;

use millpond_parsers::Format;
use millpond_wire::limits::MESSAGE_BYTES_MAX;
use millpond_wire::position::StreamId;

use crate::batch::Batcher;
use crate::limits;
use crate::metrics::Counters;
use crate::process::Chain;
use crate::record::{Input, More, Recorder};
use crate::tail::Section;
use crate::tail::content::Content;
use crate::tail::encoding::Decoder;
use crate::tail::generation::{Generation, Waiting};
use crate::tail::group::Events;
use crate::tail::handover::Successor;
use crate::tail::identity::Mark;
use crate::tail::inspect;
use crate::tail::lines;
use crate::tail::window::Writer;
use crate::tail::write::{RecordGroup, count_text};
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
    decoder: Decoder,
    recorder: Recorder,
}

/// A file whose turn it is.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Its stream.
    pub stream: StreamId,
    /// What is known of it.
    pub generation: &'a mut Generation,
    /// What stands in it.
    pub file: &'a Content,
    /// Of the configuration.
    pub section: &'a Section,
    /// The clocks.
    pub now: Now,
    /// Its path is asked for more.
    pub path_metadata: bool,
    /// It has come to its end: what is left without a newline is a line too.
    pub is_ending: bool,
    /// What the last turn left open.
    pub waited: Option<Waiting>,
    /// Where things are counted.
    pub counters: &'a Counters,
    /// Where lines go.
    pub batcher: &'a mut Batcher,
    /// The file that has this one's name now, if nothing of it has been read.
    pub successor: Option<&'a Successor>,
    /// Bytes of it that were written with the last event of this file.
    pub successor_bytes_taken: usize,
}

/// The bytes after the position, in the reader's buffer.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// Where they begin in the buffer; before them stands the tail.
    start: usize,
    len: usize,
    end: WindowEnd,
}

/// What follows a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WindowEnd {
    More,
    /// The end of the file.
    File,
    /// What it holds was sent once, and the rest of the file wasn't: see [`crate::tail::sent`].
    Sent,
}

/// Why the lines of a window came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Full,
    NoWholeLine,
}

impl Reader {
    /// Records go through these steps.
    pub fn new(chain: Chain) -> Self {
        Self { recorder: Recorder::new(chain), ..Self::default() }
    }

    /// What was read since the last acknowledgement will be read again.
    pub fn rewind(&mut self) {
        self.recorder.rewind();
    }

    /// Records go through these steps from now on.
    pub fn process_by(&mut self, chain: Chain) {
        self.recorder = Recorder::new(chain);
    }

    /// The steps that records go through.
    pub fn chain(&self) -> &Chain {
        self.recorder.chain()
    }

    /// Reads up to a turn's worth of whole lines into the batch.
    ///
    /// # Errors
    /// When the file can't be read; lines that were read before are in the batch, and the position is true.
    pub fn turn(&mut self, turn: &mut Turn<'_>) -> io::Result<TurnEnd> {
        let from = turn.generation.read;
        let records = turn.batcher.records();
        let mut group = RecordGroup::new(from.offset);
        let end = self.windows(turn, &mut group);
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
        self.decoder.shrink(2 * limits::READ_WINDOW_BYTES);
        end
    }

    fn windows(&mut self, turn: &mut Turn<'_>, group: &mut RecordGroup) -> io::Result<TurnEnd> {
        let mut budget = limits::TURN_BYTES;
        let mut want = limits::READ_WINDOW_BYTES;
        while budget > 0 {
            if turn.batcher.is_full() {
                return Ok(TurnEnd::BatchFull);
            }
            if turn.generation.is_held() {
                return Ok(TurnEnd::More);
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
            let may_grow = window.end == WindowEnd::More && want < limits::GROUP_BYTES_MAX;
            let is_last = match window.end {
                WindowEnd::More => false,
                WindowEnd::File => turn.is_ending,
                WindowEnd::Sent => true,
            };
            let is_cut = window.end == WindowEnd::More && !may_grow;
            let (consumed, stop) = self.lines(turn, group, window, is_last || is_cut);
            if consumed > 0 {
                budget = budget.saturating_sub(consumed);
                self.advance(turn, window, consumed);
                want = limits::READ_WINDOW_BYTES;
            }
            match stop {
                Stop::Full => return Ok(TurnEnd::BatchFull),
                // The last line goes with the next batch: were this one refused, it would be lost with it.
                _ if is_last && consumed < window.len && turn.batcher.is_full() => {
                    return Ok(TurnEnd::BatchFull);
                }
                _ if is_last => {
                    self.last_line(turn, group, window, consumed);
                    if window.end == WindowEnd::File {
                        return Ok(TurnEnd::AtEnd);
                    }
                }
                _ if window.end == WindowEnd::File => return Ok(TurnEnd::AtEnd),
                Stop::NoWholeLine if consumed > 0 => {}
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
        let count = turn.file.read_at(&mut self.buffer, read.tail_offset())?;
        let tail_is_same = self.buffer.get(..tail_len.min(count)).is_some_and(|tail| read.matches(tail));
        let len = count.saturating_sub(tail_len);
        let end = if len < want { WindowEnd::File } else { WindowEnd::More };
        let window = match turn.generation.sent.kept_within(len, read.offset) {
            Some(len) => Window { start: tail_len, len, end: WindowEnd::Sent },
            None => Window { start: tail_len, len, end },
        };
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
        let mut next = inspect::next_data(turn.file, offset);
        if next == offset && window.end == WindowEnd::More && is_nul(bytes) {
            next = offset + window.len as u64;
        }
        next = turn.generation.sent.kept_end().map_or(next, |end| end.min(next));
        if next == offset {
            return Ok(false);
        }
        turn.counters.nul_bytes_skipped.add(next - offset);
        turn.generation.advance(inspect::mark_at(turn.file, next)?);
        Ok(true)
    }

    /// Writes the events of a window into the batch. Returns how many bytes of it are done with: always up to a line
    /// before which no event is open. `force`: events end with the window.
    fn lines(
        &mut self,
        turn: &mut Turn<'_>,
        group: &mut RecordGroup,
        window: Window,
        force: bool,
    ) -> (usize, Stop) {
        let Self { buffer, decoder, recorder } = self;
        let raw = buffer.get(window.start..window.start + window.len).unwrap_or_default();
        let view = decoder.decode(turn.generation.encoding.unwrap_or_default(), raw);
        let (mut other, successor) =
            (Decoder::default(), turn.successor.filter(|_| window.end == WindowEnd::File));
        let successor = successor.map(|next| other.decode(next.encoding, &next.head));
        let section = turn.section;
        // A record of a spool is one line, whatever its message looks like.
        let format = section.input.map_or(section.format, |_| Some(Format::Raw));
        let mut events = Events::new(&section.multiline, format, turn.generation.overflow);
        let mut writer = Writer::new(view, raw.len(), turn.generation.read.offset, recorder, group);
        let mut at = 0;
        while let Some(line) = lines::line_at(view.bytes, at) {
            if turn.batcher.is_full() {
                return writer.stop(turn, &events, Stop::Full);
            }
            writer.look(turn, &mut events, line, false);
            at = line.next;
            writer.write_ready(turn, &mut events, at);
        }
        let mut taken = 0;
        if let Some(successor) = successor.filter(|_| !writer.is_torn(at) && events.start().is_some()) {
            taken = writer.carry_on(turn, successor, &mut events);
        }
        if force {
            events.close_all();
        } else if window.end == WindowEnd::File && !turn.file.is_packed() {
            writer.wait(turn, &mut events, at);
        }
        writer.write_ready(turn, &mut events, at);
        if events.start().is_none() {
            turn.successor_bytes_taken = taken;
        }
        let stop = if events.ready() > 0 { Stop::Full } else { Stop::NoWholeLine };
        writer.stop(turn, &events, stop)
    }

    /// What stands after the last newline of a file that has come to its end, or of what was sent.
    fn last_line(&mut self, turn: &mut Turn<'_>, group: &mut RecordGroup, window: Window, consumed: usize) {
        let rest = self.buffer.get(window.start + consumed..window.start + window.len).unwrap_or_default();
        if !rest.is_empty() {
            let before = self.buffer.get(..window.start + window.len).unwrap_or_default();
            let end = Mark::new(turn.generation.read.offset + rest.len() as u64, before);
            let view = self.decoder.decode(turn.generation.encoding.unwrap_or_default(), rest);
            let text = lines::text(view.bytes, turn.generation.read.offset == 0, None);
            count_text(&text, turn.counters);
            if !text.text.is_empty() {
                turn.counters.unfinished_lines.increment();
                let input = Input {
                    offset: turn.generation.read.offset,
                    text: &text,
                    unfinished: true,
                    more: More::default(),
                };
                group.write(turn, &mut self.recorder, &input);
            }
            turn.generation.advance(end);
        }
    }

    /// Goes on searching for the end of a line that is longer than the largest window. `None`: found.
    fn long_line(
        &mut self,
        turn: &mut Turn<'_>,
        group: &mut RecordGroup,
        budget: &mut usize,
    ) -> io::Result<Option<TurnEnd>> {
        if !inspect::holds(turn.file, &turn.generation.read)? {
            return Ok(Some(TurnEnd::Cut));
        }
        let scanned_to = turn.generation.scanned_to;
        let kept = turn.generation.sent.kept_within(limits::READ_WINDOW_BYTES, scanned_to);
        self.buffer.resize(kept.unwrap_or(limits::READ_WINDOW_BYTES), 0);
        let count = turn.file.read_at(&mut self.buffer, scanned_to)?;
        *budget = budget.saturating_sub(count);
        let encoding = turn.generation.encoding.unwrap_or_default();
        let unit = encoding.unit_bytes();
        // Half a character is read again with its other half.
        let is_end_of_sent = kept == Some(count);
        let count = count - count % unit;
        let found = self.buffer.get(..count).and_then(|bytes| encoding.find_newline(bytes));
        let (line_end, next) = match found {
            Some(at) => (scanned_to + at as u64, scanned_to + (at + unit) as u64),
            None if count == 0 && (turn.is_ending || is_end_of_sent) => (scanned_to, scanned_to),
            None if count == 0 => return Ok(Some(TurnEnd::AtEnd)),
            None => {
                turn.generation.scanned_to += count as u64;
                return Ok(None);
            }
        };
        let start = turn.generation.read.offset;
        // Whatever can fail comes before the line is written: it must not be written twice.
        let end = inspect::mark_at(turn.file, next)?;
        // A little more than is kept, so that it is cut between two characters.
        let raw = inspect::read_vec(turn.file, MESSAGE_BYTES_MAX + 4, start)?;
        let view = self.decoder.decode(encoding, &raw);
        let text = lines::text(view.bytes, start == 0, Some(line_end - start));
        count_text(&text, turn.counters);
        group.write(
            turn,
            &mut self.recorder,
            &Input { offset: start, text: &text, unfinished: found.is_none(), more: More::default() },
        );
        turn.generation.advance(end);
        Ok(None)
    }
}
