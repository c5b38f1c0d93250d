//! What the log adds up to: the next numbers, and how far each stream is durable. The same after
//! every restart, since it is a function of the records alone. Pure.

use std::collections::HashMap;

use millpond_wire::position::{StreamId, StreamPosition};

use super::bytes::{Reader, put_short_str};
use super::record::BatchHead;
use crate::limits::{POSITION_AGE_NS_MAX, POSITIONS_BYTES_MAX, POSITIONS_PER_AGENT_MAX};

/// Bytes that a position takes beside its state: the entry of a hash table, roughly.
const POSITION_OVERHEAD_BYTES: usize = 64;

/// The numbers that the next record and the next document get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Next record.
    pub sequence: u64,
    /// Next document.
    pub document: u64,
}

impl Numbers {
    /// The numbers after this record.
    pub fn after(head: &BatchHead) -> Self {
        Self {
            sequence: head.sequence.saturating_add(1),
            document: head.first_document.saturating_add(u64::from(head.documents)),
        }
    }

    /// The larger of each: numbers never go back, whatever a damaged log says.
    pub(super) fn max_of(self, other: Self) -> Self {
        Self { sequence: self.sequence.max(other.sequence), document: self.document.max(other.document) }
    }
}

/// How far each stream of each agent is durable.
///
/// Ordinary hash tables with random keys: stream ids come from outside. Its size is bounded by
/// [`forget`](Self::forget), which runs when a segment is closed, so between two runs it grows by
/// less than a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    agents: HashMap<Box<str>, HashMap<StreamId, Position>>,
    bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Position {
    offset: u64,
    /// When the stream was last heard of, Unix nanoseconds.
    touched_ns: i64,
    state: Box<str>,
}

impl Position {
    fn bytes(&self) -> usize {
        self.state.len() + POSITION_OVERHEAD_BYTES
    }
}

impl Positions {
    /// Records of the stream below this offset are durable. `None`: never heard of it.
    pub fn offset(&self, agent: &str, stream: StreamId) -> Option<u64> {
        Some(self.agents.get(agent)?.get(&stream)?.offset)
    }

    /// Takes in what a durable record says. Positions never go back.
    pub fn apply(&mut self, head: &BatchHead) {
        let Some(agent) = head.source.agent.as_deref() else { return };
        if head.spans.is_empty() {
            return;
        }
        let streams = self.agents.entry(agent.into()).or_default();
        for span in &head.spans {
            let position = streams.entry(span.stream).or_insert_with(|| {
                self.bytes += POSITION_OVERHEAD_BYTES;
                Position { offset: 0, touched_ns: head.source.received_ns, state: "".into() }
            });
            position.touched_ns = position.touched_ns.max(head.source.received_ns);
            if span.to_offset >= position.offset {
                position.offset = span.to_offset;
                self.bytes = self.bytes - position.state.len() + span.state.len();
                position.state = span.state.as_str().into();
            }
        }
    }

    /// All streams of an agent, in order of their ids.
    pub fn of_agent(&self, agent: &str) -> Vec<StreamPosition> {
        let streams = self.agents.get(agent).into_iter().flatten();
        let mut positions: Vec<_> = streams
            .map(|(stream, position)| StreamPosition {
                stream: *stream,
                offset: position.offset,
                state: position.state.to_string(),
            })
            .collect();
        positions.sort_by_key(|position| position.stream);
        positions
    }

    /// Forgets what is too old or too much, the longest idle first, and says how many streams that
    /// were. An agent with too many streams loses its own, never those of another.
    pub fn forget(&mut self, now_ns: i64) -> u64 {
        let before = self.len();
        let oldest_ns = now_ns.saturating_sub(POSITION_AGE_NS_MAX);
        for streams in self.agents.values_mut() {
            streams.retain(|_, position| position.touched_ns >= oldest_ns);
            keep_newest(streams, POSITIONS_PER_AGENT_MAX);
        }
        self.count_bytes();
        while self.bytes > POSITIONS_BYTES_MAX {
            let bytes_of = |streams: &HashMap<StreamId, Position>| -> usize {
                streams.values().map(Position::bytes).sum()
            };
            let Some(largest) = self.agents.values_mut().max_by_key(|streams| bytes_of(streams)) else {
                break;
            };
            let keep = largest.len() / 2;
            keep_newest(largest, keep);
            self.count_bytes();
        }
        self.agents.retain(|_, streams| !streams.is_empty());
        (before - self.len()) as u64
    }

    /// Streams of all agents.
    pub fn len(&self) -> usize {
        self.agents.values().map(HashMap::len).sum()
    }

    /// True when no stream was ever heard of, or all are forgotten.
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }

    /// Appends all positions: the body of a snapshot.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&(self.agents.len() as u32).to_le_bytes());
        for (agent, streams) in &self.agents {
            put_short_str(agent, out);
            out.extend_from_slice(&(streams.len() as u32).to_le_bytes());
            for (stream, position) in streams {
                out.extend_from_slice(&stream.0.to_le_bytes());
                out.extend_from_slice(&position.offset.to_le_bytes());
                out.extend_from_slice(&position.touched_ns.to_le_bytes());
                put_short_str(&position.state, out);
            }
        }
    }

    /// Reads what [`put`](Self::put) wrote; `None` if it is something else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let mut positions = Self::default();
        for _ in 0..reader.u32()? {
            let streams = positions.agents.entry(reader.short_str()?.into()).or_default();
            for _ in 0..reader.u32()? {
                let stream = StreamId(reader.u64()?);
                let (offset, touched_ns) = (reader.u64()?, reader.i64()?);
                let state = reader.short_str()?.into();
                streams.insert(stream, Position { offset, touched_ns, state });
            }
        }
        positions.count_bytes();
        Some(positions)
    }

    fn count_bytes(&mut self) {
        self.bytes = self.agents.values().flat_map(HashMap::values).map(Position::bytes).sum();
    }
}

/// Keeps the `keep` streams that were heard of last.
fn keep_newest(streams: &mut HashMap<StreamId, Position>, keep: usize) {
    if streams.len() <= keep {
        return;
    }
    let mut by_age: Vec<(i64, StreamId)> =
        streams.iter().map(|(stream, position)| (position.touched_ns, *stream)).collect();
    by_age.sort_unstable_by(|a, b| b.cmp(a));
    for (_, stream) in by_age.iter().skip(keep) {
        streams.remove(stream);
    }
}

#[cfg(test)]
mod tests {
    use millpond_wire::compression::Encoding;

    use super::super::record::{AdmittedSpan, Source, SourceKind};
    use super::*;

    fn head(agent: &str, received_ns: i64, spans: &[(u64, u64, &str)]) -> BatchHead {
        let spans = spans.iter().map(|(stream, to_offset, state)| AdmittedSpan {
            stream: StreamId(*stream),
            admitted_from: 0,
            to_offset: *to_offset,
            state: (*state).to_owned(),
        });
        BatchHead {
            sequence: 0,
            first_document: 0,
            documents: 0,
            source: Source {
                kind: SourceKind::Otlp,
                encoding: Encoding::Identity,
                agent: Some(agent.into()),
                received_ns,
            },
            spans: spans.collect(),
        }
    }

    #[test]
    fn positions_advance_and_never_go_back() {
        let mut positions = Positions::default();
        // Spans that come; what is known then.
        type Row<'r> = (&'r [(u64, u64, &'r str)], Option<(u64, &'r str)>);
        let rows: [Row<'_>; 5] = [
            (&[], None),
            (&[(1, 10, "a")], Some((10, "a"))),
            (&[(1, 5, "old")], Some((10, "a"))),
            (&[(1, 10, "same")], Some((10, "same"))),
            (&[(1, 12, "b"), (1, 30, "c")], Some((30, "c"))),
        ];
        for (spans, expected) in rows {
            positions.apply(&head("web", 0, spans));
            let found = positions.of_agent("web");
            assert_eq!(found.first().map(|found| (found.offset, found.state.as_str())), expected);
        }
        assert_eq!(positions.offset("db", StreamId(1)), None);
        assert!(positions.of_agent("db").is_empty());
    }

    #[test]
    fn snapshots_round_trip() {
        let mut positions = Positions::default();
        for agent in ["web", "db"] {
            positions.apply(&head(agent, 5, &[(1, 10, "é"), (2, 20, "")]));
        }
        let mut bytes = Vec::new();
        positions.put(&mut bytes);
        assert_eq!(Positions::parse(&bytes), Some(positions));
        for length in 0..bytes.len() {
            assert_eq!(Positions::parse(&bytes[..length]), None);
        }
    }

    #[test]
    fn old_and_surplus_streams_are_forgotten_per_agent() {
        let mut positions = Positions::default();
        positions.apply(&head("old", 0, &[(1, 1, "")]));
        let now_ns = POSITION_AGE_NS_MAX + 1_000_000;
        positions.apply(&head("small", now_ns, &[(1, 1, "")]));
        for stream in 0..POSITIONS_PER_AGENT_MAX as u64 + 5 {
            positions.apply(&head("busy", now_ns + stream as i64, &[(stream, 1, "")]));
        }
        assert_eq!(positions.forget(now_ns), 6);
        assert_eq!(positions.offset("old", StreamId(1)), None);
        assert_eq!(positions.offset("small", StreamId(1)), Some(1));
        assert_eq!(positions.offset("busy", StreamId(4)), None);
        assert_eq!(positions.offset("busy", StreamId(5)), Some(1));
    }

    #[test]
    fn bytes_are_bounded() {
        let mut positions = Positions::default();
        let state = "x".repeat(4096);
        for stream in 0..10_000 {
            positions.apply(&head("web", stream as i64, &[(stream, 1, &state)]));
        }
        assert!(positions.forget(0) > 0);
        assert!(positions.bytes <= POSITIONS_BYTES_MAX);
        assert_eq!(positions.offset("web", StreamId(9_999)), Some(1));
    }
}
