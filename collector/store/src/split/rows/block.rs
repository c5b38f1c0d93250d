//! One block of rows: messages as templates, and residuals. The layout is in FORMAT.md. Pure.

use super::streams::{Streams, StreamsReader};
use super::template::{MessageSpan, TemplateWriter, read};

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
    /// All messages.
    text: Vec<u8>,
    /// By document in the zone.
    messages: Vec<MessageSpan>,
    residuals: Vec<u8>,
    /// By document in the zone: where its residual ends.
    residual_ends: Vec<usize>,
}

impl ZoneRows {
    /// Reads a block of so many documents with so many bytes of messages and residuals; `None` when it is none.
    pub(super) fn parse(plain: &[u8], noise: &[u8], documents: u32, text_bytes: u32) -> Option<Self> {
        let documents = documents as usize;
        let mut streams = StreamsReader::new(plain, noise);
        let (text, messages) = read(&mut streams, documents, text_bytes as usize)?;
        let mut end = 0usize;
        let mut residual_ends = Vec::with_capacity(documents);
        for length in streams.numbers(documents)? {
            end = end.checked_add(usize::try_from(length).ok()?)?;
            residual_ends.push(end);
        }
        let residuals = streams.bytes(end)?.into_owned();
        let is_whole = streams.is_done() && text.len() + residuals.len() == text_bytes as usize;
        is_whole.then_some(Self { text, messages, residuals, residual_ends })
    }

    /// The message of the document at this place in the zone.
    pub(crate) fn message(&self, index: usize) -> Option<&str> {
        let (at, len) = (*self.messages.get(index)?)?;
        std::str::from_utf8(self.text.get(at as usize..)?.get(..len as usize)?).ok()
    }

    /// The residual of the document at this place in the zone; empty when there is none.
    pub(crate) fn residual(&self, index: usize) -> &[u8] {
        let end = self.residual_ends.get(index).copied().unwrap_or_default();
        let start = index.checked_sub(1).and_then(|before| self.residual_ends.get(before)).copied();
        self.residuals.get(start.unwrap_or_default()..end).unwrap_or_default()
    }

    /// Heap bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        const DOCUMENT_BYTES: usize = size_of::<MessageSpan>() + size_of::<usize>();
        self.text.len() + self.residuals.len() + self.messages.len() * DOCUMENT_BYTES
    }
}
