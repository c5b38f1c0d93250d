//! The lines of the journal, as text. Version 2:
//!
//! ```text
//! <crc32c of the rest, 8 hex digits> begin
//! <crc32c> put <stream, 16 hex digits> <offset, hex> <identity, see tail::identity>
//! <crc32c> sent <stream> <offset, hex>
//! <crc32c> end <stream>
//! ```
//!
//! The last `put` or `end` of a stream holds, and the furthest `sent` beyond it. Version 1 had no `sent`; an
//! agent that knows no other takes the line for damage, and goes on from the collector's positions. A line that
//! is not whole is a torn write and is cut off; a whole line with a wrong checksum is damage: it is skipped, and
//! said.

use std::collections::HashMap;
use std::io::Write;

use millpond_wire::position::StreamId;

use crate::tail::identity::{Identity, Mark};

/// What is remembered of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Everything below is durable at the collector.
    pub offset: u64,
    /// At that offset.
    pub identity: Identity,
    /// A batch left that ends there, beyond the offset; the collector may have it. See [`crate::tail::sent`].
    pub sent_to: Option<u64>,
}

impl Entry {
    /// The offset with the hash of what stands before it.
    pub fn mark(&self) -> Mark {
        self.identity.mark(self.offset)
    }
}

/// What a journal holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Position and identity of each stream.
    pub entries: HashMap<StreamId, Entry>,
    /// The agent has run here before: a file that isn't in the list is new.
    pub begun: bool,
    /// False when there was no journal or when a line in it was damaged: streams may be missing, and only
    /// the collector can tell which.
    pub intact: bool,
    /// Lines that were skipped.
    pub damaged_lines: usize,
    /// Length up to the end of the last whole line.
    pub good_bytes: u64,
}

enum Line {
    Begin,
    Put(StreamId, Entry),
    Sent(StreamId, u64),
    End(StreamId),
}

/// Reads a journal: any bytes at all.
pub fn recover(bytes: &[u8]) -> Recovered {
    let mut recovered = Recovered::default();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(line_text) = line.strip_suffix(b"\n") else { break };
        recovered.good_bytes += line.len() as u64;
        match parse(line_text) {
            Some(Line::Begin) => recovered.begun = true,
            Some(Line::Put(stream, mut entry)) => {
                let earlier = recovered.entries.get(&stream).and_then(|earlier| earlier.sent_to);
                entry.sent_to = earlier.filter(|end| *end > entry.offset);
                recovered.entries.insert(stream, entry);
            }
            Some(Line::Sent(stream, end)) => {
                let entry = recovered.entries.get_mut(&stream).filter(|entry| end > entry.offset);
                if let Some(entry) = entry {
                    entry.sent_to = entry.sent_to.max(Some(end));
                }
            }
            Some(Line::End(stream)) => {
                recovered.entries.remove(&stream);
            }
            None => recovered.damaged_lines += 1,
        }
    }
    recovered.intact = recovered.begun && recovered.damaged_lines == 0;
    recovered
}

fn parse(line: &[u8]) -> Option<Line> {
    let line = std::str::from_utf8(line).ok()?;
    let (checksum, text) = line.split_at_checked(8)?;
    let text = text.strip_prefix(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32c::crc32c(text.as_bytes()) {
        return None;
    }
    let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
    match verb {
        "begin" => Some(Line::Begin),
        "end" => Some(Line::End(rest.parse().ok()?)),
        "put" => {
            let (stream, rest) = rest.split_once(' ')?;
            let (offset, identity) = rest.split_once(' ')?;
            let offset = u64::from_str_radix(offset, 16).ok()?;
            let entry = Entry { offset, identity: identity.parse().ok()?, sent_to: None };
            Some(Line::Put(stream.parse().ok()?, entry))
        }
        "sent" => {
            let (stream, end) = rest.split_once(' ')?;
            Some(Line::Sent(stream.parse().ok()?, u64::from_str_radix(end, 16).ok()?))
        }
        _ => None,
    }
}

/// Appends the line that says that the agent has begun.
pub fn write_begin(out: &mut Vec<u8>) {
    write_line(out, "begin");
}

/// Appends a position, and what was sent beyond it.
pub fn write_put(out: &mut Vec<u8>, stream: StreamId, entry: &Entry) {
    write_line(out, &format!("put {stream} {:x} {}", entry.offset, entry.identity));
    if let Some(end) = entry.sent_to {
        write_sent(out, stream, end);
    }
}

/// Appends where a batch ends that leaves.
pub fn write_sent(out: &mut Vec<u8>, stream: StreamId, end: u64) {
    write_line(out, &format!("sent {stream} {end:x}"));
}

/// Appends the end of a stream.
pub fn write_end(out: &mut Vec<u8>, stream: StreamId) {
    write_line(out, &format!("end {stream}"));
}

fn write_line(out: &mut Vec<u8>, text: &str) {
    writeln!(out, "{:08x} {text}", crc32c::crc32c(text.as_bytes())).expect("a vector takes every write");
}
