//! Admission: which documents of a request are new, and which numbers they get. Pure.
//!
//! A [`Stage`] admits the requests of one group on top of the durable positions. Only when the group
//! is on disk do its heads change anything else, so a failed write leaves no trace.

use std::collections::HashMap;

use millpond_wire::batch::Batch;
use millpond_wire::otlp::Group;
use millpond_wire::position::StreamId;

use super::decode::Decoded;
use crate::wal::record::{AdmittedSpan, BatchHead, Source};
use crate::wal::state::{Numbers, Positions};

/// Requests of one group, admitted one after the other.
#[derive(Debug)]
pub struct Stage {
    numbers: Numbers,
    /// Offsets of this group's requests, above those that are durable.
    staged: HashMap<(Box<str>, StreamId), u64>,
}

/// An admitted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The record to write.
    pub head: BatchHead,
    /// Documents that were dropped because they are durable already.
    pub duplicates: u64,
    /// Groups that begin behind the position of their stream: what lies between never came.
    pub gaps: u64,
}

impl Admitted {
    /// True if there is nothing in the request that was not durable or staged before.
    pub fn is_known(&self) -> bool {
        self.head.documents == 0 && self.head.spans.iter().all(|span| span.to_offset <= span.admitted_from)
    }
}

impl Stage {
    /// An empty group; its first record and document get these numbers.
    pub fn new(numbers: Numbers) -> Self {
        Self { numbers, staged: HashMap::new() }
    }

    /// The numbers after the requests so far.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }

    /// Drops what is durable or staged already, numbers the rest. A request with nothing new takes
    /// no number.
    pub fn admit(&mut self, positions: &Positions, source: &Source, decoded: &mut Decoded) -> Admitted {
        let mut gaps = 0;
        let mut spans = Vec::with_capacity(decoded.groups.len());
        let agent = source.agent.as_deref().unwrap_or_default();
        for group in &decoded.groups {
            let key = (Box::from(agent), group.span.stream);
            let staged = self.staged.get(&key).copied();
            let known = staged.or_else(|| positions.offset(agent, group.span.stream));
            gaps += u64::from(known.is_some_and(|known| group.span.from_offset > known));
            let admitted_from = known.unwrap_or(0);
            self.staged.insert(key, admitted_from.max(group.span.to_offset));
            spans.push(AdmittedSpan {
                stream: group.span.stream,
                admitted_from,
                to_offset: group.span.to_offset,
                state: group.span.state.clone(),
            });
        }
        let duplicates = drop_durable(&mut decoded.batch, &decoded.offsets, &decoded.groups, &spans);
        decoded.batch.number_from(self.numbers.document);
        let head = BatchHead {
            sequence: self.numbers.sequence,
            first_document: self.numbers.document,
            documents: u32::try_from(decoded.batch.len()).unwrap_or(u32::MAX),
            source: source.clone(),
            spans,
        };
        let admitted = Admitted { head, duplicates, gaps };
        if !admitted.is_known() {
            self.numbers = Numbers::after(&admitted.head);
        }
        admitted
    }
}

/// Drops the documents of each group that lie below its span's `admitted_from`, and says how many.
/// Replay calls it with the spans of the log.
pub fn drop_durable(
    batch: &mut Batch,
    offsets: &[Option<u64>],
    groups: &[Group],
    spans: &[AdmittedSpan],
) -> u64 {
    let mut is_durable = vec![false; batch.len()];
    let mut dropped = 0;
    for (group, span) in groups.iter().zip(spans) {
        for index in group.docs.clone() {
            let offset = offsets.get(index).copied().flatten();
            if offset.is_some_and(|offset| offset < span.admitted_from)
                && let Some(flag) = is_durable.get_mut(index)
            {
                dropped += u64::from(!*flag);
                *flag = true;
            }
        }
    }
    if dropped > 0 {
        batch.retain(|index| !is_durable.get(index).copied().unwrap_or(false));
    }
    dropped
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::{BatchBuilder, Cuts, ValueRef};
    use millpond_wire::compression::Encoding;
    use millpond_wire::position::StreamSpan;

    use super::*;
    use crate::ingest::decode::Notes;
    use crate::wal::record::SourceKind;

    fn source(agent: &str) -> Source {
        Source {
            kind: SourceKind::Otlp,
            encoding: Encoding::Identity,
            agent: Some(agent.into()),
            received_ns: 0,
        }
    }

    /// One group of stream 1: offsets of its records between `from` and `to`.
    fn request(from: u64, offsets: &[u64], to: u64) -> Decoded {
        let mut builder = BatchBuilder::new();
        for offset in offsets {
            builder.begin(0);
            builder.field("message", ValueRef::Str(&offset.to_string()));
            builder.end();
        }
        let span = StreamSpan { stream: StreamId(1), from_offset: from, to_offset: to, state: String::new() };
        Decoded {
            batch: builder.finish().0,
            offsets: offsets.iter().copied().map(Some).collect(),
            groups: vec![Group { span, docs: 0..offsets.len() }],
            cuts: Cuts::default(),
            notes: Notes::default(),
            errors: Vec::new(),
        }
    }

    fn messages(decoded: &Decoded) -> Vec<(u64, String)> {
        decoded
            .batch
            .docs()
            .map(|doc| (doc.sequence(), doc.message().unwrap_or_default().to_owned()))
            .collect()
    }

    #[test]
    fn requests_of_one_group_see_each_other() {
        let mut stage = Stage::new(Numbers { sequence: 5, document: 100 });
        let positions = Positions::default();
        // From, offsets, to; then numbers and messages that stay, duplicates, gaps, known.
        type Row<'r> = ((u64, &'r [u64], u64), &'r [(u64, &'r str)], (u64, u64, bool));
        let rows: [Row<'_>; 6] = [
            ((0, &[0, 10], 20), &[(100, "0"), (101, "10")], (0, 0, false)),
            ((0, &[0, 10], 20), &[], (2, 0, true)),
            ((10, &[10, 20], 30), &[(102, "20")], (1, 0, false)),
            ((40, &[40], 50), &[(103, "40")], (0, 1, false)),
            ((50, &[], 60), &[], (0, 0, false)),
            ((50, &[], 60), &[], (0, 0, true)),
        ];
        for ((from, offsets, to), expected, (duplicates, gaps, is_known)) in rows {
            let mut decoded = request(from, offsets, to);
            let admitted = stage.admit(&positions, &source("web"), &mut decoded);
            let expected: Vec<_> =
                expected.iter().map(|(number, text)| (*number, (*text).to_owned())).collect();
            assert_eq!(messages(&decoded), expected);
            let found = (admitted.duplicates, admitted.gaps, admitted.is_known());
            assert_eq!(found, (duplicates, gaps, is_known), "{from} {offsets:?}");
        }
        assert_eq!(stage.numbers(), Numbers { sequence: 9, document: 104 });
    }

    #[test]
    fn the_same_stream_id_of_another_agent_is_another_stream() {
        let mut stage = Stage::new(Numbers::default());
        for agent in ["web", "db"] {
            let mut decoded = request(0, &[0], 5);
            assert_eq!(stage.admit(&Positions::default(), &source(agent), &mut decoded).duplicates, 0);
        }
    }

    #[test]
    fn durable_positions_count_without_a_stage() {
        let mut positions = Positions::default();
        let mut stage = Stage::new(Numbers::default());
        positions.apply(&stage.admit(&positions, &source("web"), &mut request(0, &[0, 1], 2)).head);
        let mut again = request(0, &[0, 1, 2], 3);
        let admitted = Stage::new(stage.numbers()).admit(&positions, &source("web"), &mut again);
        assert_eq!((admitted.duplicates, messages(&again)), (2, vec![(2, "2".to_owned())]));
        // Replay drops the same, from the log's span alone.
        let mut replayed = request(0, &[0, 1, 2], 3);
        let dropped =
            drop_durable(&mut replayed.batch, &replayed.offsets, &replayed.groups, &admitted.head.spans);
        assert_eq!((dropped, replayed.batch.len()), (2, 1));
    }

    #[test]
    fn documents_without_a_position_are_always_new() {
        let mut decoded = request(0, &[0], 5);
        decoded.offsets.clear();
        decoded.groups.clear();
        let mut stage = Stage::new(Numbers::default());
        let admitted = stage.admit(&Positions::default(), &source("web"), &mut decoded);
        assert_eq!((admitted.duplicates, admitted.is_known(), decoded.batch.len()), (0, false, 1));
    }
}
