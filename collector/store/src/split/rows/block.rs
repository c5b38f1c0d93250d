//! One block of rows: messages as templates, and residuals. The layout is in FORMAT.md. Pure.

use super::messages::Messages;
use super::streams::{Part, Streams, StreamsReader};
use super::template::TemplateWriter;

/// Collects the rows of one block.
#[derive(Debug, Default)]
pub(super) struct BlockBuilder {
    messages: TemplateWriter,
    residual_lengths: Vec<u64>,
    residuals: Vec<u8>,
    text_bytes: usize,
    streams: Streams,
}

impl BlockBuilder {
    /// Adds a row.
    pub(super) fn push(&mut self, message: Option<&str>, residual: &[u8]) {
        self.messages.push(message);
        self.residual_lengths.push(residual.len() as u64);
        self.residuals.extend_from_slice(residual);
        self.text_bytes += message.map_or(0, str::len) + residual.len();
    }

    /// Bytes of messages and residuals so far.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// Ends the block and gives its bytes; the next one is empty.
    pub(super) fn finish(&mut self) -> &Streams {
        self.streams.clear();
        self.messages.finish(&mut self.streams);
        self.streams.numbers(&self.residual_lengths);
        self.streams.bytes(&self.residuals);
        self.residual_lengths.clear();
        self.residuals.clear();
        self.text_bytes = 0;
        &self.streams
    }
}

/// The texts of one block.
#[derive(Debug)]
pub(crate) struct ZoneRows {
    plain: Vec<u8>,
    noise: Vec<u8>,
    messages: Messages,
    residuals: Part,
    /// By document in the zone: where its residual ends.
    residual_ends: Vec<usize>,
}

impl ZoneRows {
    /// Reads a block of so many documents; `None` when it is none.
    pub(super) fn parse(plain: Vec<u8>, noise: Vec<u8>, documents: u32) -> Option<Self> {
        let documents = documents as usize;
        let mut streams = StreamsReader::new(&plain, &noise);
        let messages = Messages::read(&mut streams, documents)?;
        let lengths = streams.numbers(documents)?;
        let residual_ends = streams.ends(&lengths)?;
        let residuals = streams.bytes(residual_ends.last().copied().unwrap_or_default())?;
        let is_done = streams.is_done();
        is_done.then_some(Self { plain, noise, messages, residuals, residual_ends })
    }

    /// The message of the document at this place in the zone.
    pub(crate) fn message(&self, index: usize) -> Option<String> {
        self.messages.message((&self.plain, &self.noise), index)
    }

    /// The residual of the document at this place in the zone; empty when there is none.
    pub(crate) fn residual(&self, index: usize) -> &[u8] {
        let end = self.residual_ends.get(index).copied().unwrap_or_default();
        let start = index.checked_sub(1).and_then(|before| self.residual_ends.get(before)).copied();
        let start = start.unwrap_or_default();
        let bytes = self.residuals.get((&self.plain, &self.noise), start, end.saturating_sub(start));
        bytes.unwrap_or_default()
    }

    /// Heap bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        let residuals = self.residual_ends.len() * size_of::<usize>();
        self.plain.len() + self.noise.len() + residuals + self.messages.heap_bytes()
    }
}
