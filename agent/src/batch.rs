//! Lines to requests: gathers the lines of many files, a group for each turn of a file, until the batch is
//! large, holds many lines, or has waited long enough; then they're compressed. No I/O; the encoding is
//! [`millpond_wire::otlp`]'s.

use bytes::Bytes;
use millpond_wire::batch::ValueRef;
use millpond_wire::compression::{Compressor, Encoding};
use millpond_wire::limits as wire_limits;
use millpond_wire::otlp::{RecordRef, RequestEncoder};
use millpond_wire::position::StreamId;

use crate::limits;
use crate::tail::identity::Mark;

/// When a batch is complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchLimits {
    /// Encoded bytes before compression. One line may exceed it.
    pub bytes: usize,
    /// Time that its first line waits for company, in milliseconds.
    pub age_ms: u64,
}

/// The content of a request: an `ExportLogsServiceRequest`, compressed.
#[derive(Debug, Clone)]
pub struct Body {
    /// As sent; shared by all who send it.
    pub bytes: Bytes,
    /// How they're compressed.
    pub encoding: Encoding,
}

#[cfg(test)]
impl Body {
    /// The request itself.
    pub(crate) fn request(&self) -> Vec<u8> {
        millpond_wire::compression::decompress(self.encoding, &self.bytes, 64 << 20).unwrap().into_owned()
    }
}

/// A finished batch.
#[derive(Debug)]
pub struct Batch {
    /// What is sent.
    pub body: Body,
    /// Lines in it.
    pub records: usize,
    /// The position of each stream after its group, in the order of the groups.
    pub groups: Vec<(StreamId, Mark)>,
}

/// The batch that is being filled.
#[derive(Debug)]
pub struct Batcher {
    limits: BatchLimits,
    encoder: RequestEncoder,
    /// `None` when there was no memory for it: bodies then go as they are.
    compressor: Option<Compressor>,
    groups: Vec<(StreamId, Mark)>,
    /// `None` before the first group.
    due_ms: Option<u64>,
    /// At most this many lines; lower while a refused batch is taken apart.
    records_max: usize,
}

impl Batcher {
    /// An empty one, for the lines of the host that `resource` describes.
    pub fn new(resource: &[(&'static str, String)], limits: BatchLimits) -> Self {
        let resource: Vec<_> = resource.iter().map(|(name, value)| (*name, ValueRef::Str(value))).collect();
        Self {
            limits,
            encoder: RequestEncoder::new(&resource),
            compressor: Compressor::new(limits::ZSTD_LEVEL).ok(),
            groups: Vec::new(),
            due_ms: None,
            records_max: wire_limits::BATCH_DOCUMENTS_MAX,
        }
    }

    /// Starts a group of lines of one stream, the first of which has waited for so long already.
    pub fn begin(
        &mut self,
        stream: StreamId,
        from_offset: u64,
        attributes: &[(&str, ValueRef<'_>)],
        waited_ms: u64,
        now_ms: u64,
    ) {
        let due_ms = now_ms.saturating_add(self.limits.age_ms.saturating_sub(waited_ms));
        self.due_ms = Some(self.due_ms.map_or(due_ms, |earlier_ms| earlier_ms.min(due_ms)));
        self.encoder.begin_stream(stream, from_offset, attributes);
    }

    /// Adds a line to the group.
    pub fn record<'a>(
        &mut self,
        record: &RecordRef<'_>,
        attributes: impl IntoIterator<Item = (&'a str, ValueRef<'a>)>,
    ) {
        self.encoder.record(record, attributes);
    }

    /// Ends the group at a position, with the text by which the file is recognised there.
    pub fn end(&mut self, stream: StreamId, mark: Mark, state: &str) {
        let state = if state.len() <= wire_limits::STREAM_STATE_BYTES_MAX { state } else { "" };
        self.encoder.end_stream(mark.offset, state);
        self.groups.push((stream, mark));
    }

    /// No more lines should be added.
    pub fn is_full(&self) -> bool {
        self.encoder.encoded_bytes() >= self.limits.bytes || self.encoder.records() >= self.records_max
    }

    /// Lines so far.
    pub fn records(&self) -> usize {
        self.encoder.records()
    }

    /// Nothing has been added.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Monotonic time at which it should go, full or not; `None` when it is empty.
    pub fn due_ms(&self) -> Option<u64> {
        self.due_ms.filter(|_| !self.is_empty())
    }

    /// Takes what there is and starts anew.
    pub fn take(&mut self) -> Batch {
        let records = self.encoder.records();
        let request = self.encoder.finish();
        let packed = self.compressor.as_mut().and_then(|compressor| compressor.compress(request).ok());
        let body = match packed {
            Some(packed) => Body { bytes: packed.into(), encoding: Encoding::Zstd },
            None => Body { bytes: Bytes::copy_from_slice(request), encoding: Encoding::Identity },
        };
        let groups = std::mem::take(&mut self.groups);
        self.clear();
        Batch { records, body, groups }
    }

    /// Forgets what there is.
    pub fn clear(&mut self) {
        self.encoder.clear();
        self.groups.clear();
        self.due_ms = None;
    }

    /// A batch of that many lines was refused: the next ones are at most half as large.
    pub fn halve(&mut self, refused_records: usize) {
        self.records_max = (refused_records / 2).max(1);
    }

    /// Batches are made as small as they can be.
    pub fn is_smallest(&self) -> bool {
        self.records_max == 1
    }

    /// A batch was accepted: the next one may be twice as large, up to the ordinary limit.
    pub fn restore(&mut self) {
        self.records_max = self.records_max.saturating_mul(2).min(wire_limits::BATCH_DOCUMENTS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use millpond_wire::names;
    use millpond_wire::otlp::{Stamp, decode};

    use super::*;

    const LIMITS: BatchLimits = BatchLimits { bytes: 2_000, age_ms: 100 };

    fn add(batcher: &mut Batcher, stream: u64, offset: u64, lines: usize) {
        add_waited(batcher, stream, offset, lines, 0);
    }

    fn add_waited(batcher: &mut Batcher, stream: u64, offset: u64, lines: usize, waited_ms: u64) {
        let attributes = [(names::FILE_PATH, ValueRef::Str("/a"))];
        batcher.begin(StreamId(stream), offset, &attributes, waited_ms, 1_000);
        for line in 0..lines {
            let record = RecordRef {
                offset: offset + line as u64,
                timestamp_ns: 1,
                observed_ns: 2,
                severity_number: 9,
                severity_text: "",
                body: "some line of text",
                trace_id: &[],
                span_id: &[],
            };
            batcher.record(&record, []);
        }
        batcher.end(StreamId(stream), Mark::new(offset + lines as u64, b"tail"), "state");
    }

    #[test]
    fn a_batch_goes_when_it_is_full_or_old() {
        let mut batcher = Batcher::new(&[(names::HOST_NAME, "host".into())], LIMITS);
        assert!(batcher.is_empty() && batcher.due_ms().is_none());
        add(&mut batcher, 1, 0, 2);
        assert_eq!((batcher.is_full(), batcher.due_ms()), (false, Some(1_100)));
        add(&mut batcher, 2, 0, 40);
        assert!(batcher.is_full());
        let batch = batcher.take();
        assert_eq!((batch.records, batch.groups.len()), (42, 2));
        assert!(batcher.is_empty() && !batcher.is_full());

        let logs = decode(&batch.body.request(), &Stamp { agent_id: Some("a"), received_ns: 0 }).unwrap();
        assert_eq!(logs.batch.len(), 42);
        let spans: Vec<_> =
            logs.groups.iter().map(|g| (g.span.stream.0, g.span.from_offset, g.span.to_offset)).collect();
        assert_eq!(spans, [(1, 0, 2), (2, 0, 40)]);
    }

    #[test]
    fn a_batch_is_due_when_its_first_line_has_waited_long_enough() {
        let mut batcher = Batcher::new(&[], LIMITS);
        for (waited_ms, due_ms) in [(0, 1_100), (30, 1_070), (10, 1_070), (200, 1_000), (0, 1_000)] {
            add_waited(&mut batcher, 1, 0, 1, waited_ms);
            assert_eq!(batcher.due_ms(), Some(due_ms), "{waited_ms}");
        }
    }

    #[test]
    fn a_refused_batch_is_halved_down_to_one_line_and_recovers() {
        let mut batcher = Batcher::new(&[(names::HOST_NAME, "host".into())], LIMITS);
        for (refused, expected) in [(9, 4), (4, 2), (3, 1), (1, 1)] {
            batcher.halve(refused);
            add(&mut batcher, 1, 0, expected);
            assert!(batcher.is_full());
            batcher.take();
        }
        batcher.restore();
        add(&mut batcher, 1, 0, 1);
        assert!(!batcher.is_full());
    }
}
