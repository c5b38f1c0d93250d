//! Documents that a query has found: their order in time, and how their rows are rebuilt and handed out. Which they
//! are, and which come first, is told by those that search.

mod rebuilt;

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Instant;

use millpond_wire::batch::{DocId, DocRef};

use self::rebuilt::{Wanted, rebuild_all};
use crate::limits::{REBUILD_BYTES_MAX, REBUILD_DOCUMENTS_MAX};
use crate::log_store::{Order, Partial};
use crate::query::meter::Meter;
use crate::query::zone::RowCache;
use crate::split::Split;

/// A document id, so that the greatest comes first in either order.
pub(crate) type Rank = (i64, u64);

/// The rank of a document.
pub(crate) fn rank(order: Order, id: DocId) -> Rank {
    match order {
        Order::Descending => (id.timestamp_ns, id.sequence),
        Order::Ascending => (!id.timestamp_ns, !id.sequence),
    }
}

/// The id of a rank.
fn id_of(order: Order, (time_rank, sequence_rank): Rank) -> DocId {
    match order {
        Order::Descending => DocId { timestamp_ns: time_rank, sequence: sequence_rank },
        Order::Ascending => DocId { timestamp_ns: !time_rank, sequence: !sequence_rank },
    }
}

/// The id that comes just before those with this rank, whether there is such a document or not.
pub(crate) fn id_before(order: Order, (time_rank, sequence_rank): Rank) -> DocId {
    let before = match sequence_rank.checked_add(1) {
        Some(sequence_rank) => (time_rank, sequence_rank),
        None => (time_rank.saturating_add(1), 0),
    };
    id_of(order, before)
}

/// Why not all rows were handed out.
pub(crate) enum Stop {
    /// Whoever takes them wants no more.
    Sink,
    /// The budget ended before the row of this hit.
    Before(Hit),
}

/// A document that was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    /// The greatest comes first.
    pub(crate) rank: Rank,
    /// Place of its split among the splits.
    pub(crate) split: usize,
    /// Its number in the split.
    pub(crate) doc: u32,
}

/// How many rows of these sizes in bytes are rebuilt at once, at least one.
fn chunk_length(sizes: impl Iterator<Item = usize>) -> usize {
    let mut bytes = 0usize;
    let fit = sizes.take(REBUILD_DOCUMENTS_MAX).take_while(|size| {
        bytes = bytes.saturating_add(*size);
        bytes <= REBUILD_BYTES_MAX
    });
    fit.count().max(1)
}

/// Rebuilds rows and hands them out.
pub(crate) struct HandOut<'a> {
    /// The splits that hits are in.
    pub(crate) splits: &'a [Arc<Split>],
    /// The query's account.
    pub(crate) meter: &'a Meter<'a>,
    /// Row blocks that were read, also by the search.
    pub(crate) cache: RowCache,
}

impl HandOut<'_> {
    /// Hands out the rows of `hits`, in their order, but for those that can't be read.
    pub(crate) fn hand_out(
        &self,
        hits: &[Hit],
        sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        let end = self.meter.budget().end_of_rest();
        let mut rest = hits;
        while !rest.is_empty() {
            let (hits, later) = rest.split_at(chunk_length(rest.iter().map(|hit| self.text_bytes(hit))));
            self.hand_out_chunk(hits, end, sink)?;
            rest = later;
        }
        Ok(())
    }

    /// The average of the hit's zone.
    fn text_bytes(&self, hit: &Hit) -> usize {
        let rows = self.splits.get(hit.split).map(|split| split.rows());
        let zone = rows.and_then(|rows| rows.zones().get(rows.zone_of(hit.doc)?));
        zone.map_or(0, |zone| (zone.text_bytes / zone.documents.max(1)) as usize)
    }

    fn hand_out_chunk(
        &self,
        hits: &[Hit],
        end: Instant,
        sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> Result<(), Stop> {
        // By place, so that a block is read once however the rows are ordered.
        let mut by_place: Vec<(usize, &Hit)> = hits.iter().enumerate().collect();
        by_place.sort_unstable_by_key(|(_, hit)| (hit.split, hit.doc));
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut places = vec![(0, 0); hits.len()];
        for (at, hit) in by_place {
            if wanted.last().is_none_or(|(split, _)| *split != hit.split) {
                wanted.push((hit.split, Vec::new()));
            }
            let of_split = wanted.len() - 1;
            if let (Some((_, docs)), Some(place)) = (wanted.last_mut(), places.get_mut(at)) {
                *place = (of_split, docs.len());
                docs.push(hit.doc);
            }
        }
        let rebuilt = rebuild_all(self.splits, &wanted, &self.cache, self.meter);
        for (hit, (batch, index)) in hits.iter().zip(places) {
            let Some(Some(batch)) = rebuilt.get(batch) else { return Err(Stop::Before(*hit)) };
            // What takes the rows may work long on each.
            if self.meter.budget().is_over(end) {
                self.meter.note(Partial::Deadline);
                return Err(Stop::Before(*hit));
            }
            if batch.doc(index).is_some_and(|doc| sink(doc).is_break()) {
                return Err(Stop::Sink);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_before_a_document_is_before_it_and_no_other() {
        for order in [Order::Descending, Order::Ascending] {
            for (timestamp_ns, sequence) in
                [(0, 0), (5, 7), (-5, u64::MAX), (i64::MAX - 1, 0), (i64::MIN + 1, 1)]
            {
                let of = rank(order, DocId { timestamp_ns, sequence });
                let before = rank(order, id_before(order, of));
                assert!(before > of && (before.0 == of.0 || (before.1, of.1) == (0, u64::MAX)), "{of:?}");
            }
        }
    }

    #[test]
    fn long_rows_are_rebuilt_a_few_at_a_time() {
        for (rows, bytes, expected) in [
            (3, 100, 3),
            (10_000, 100, REBUILD_DOCUMENTS_MAX),
            (100, REBUILD_BYTES_MAX / 8, 8),
            (5, REBUILD_BYTES_MAX * 2, 1),
            (5, usize::MAX, 1),
        ] {
            assert_eq!(chunk_length(std::iter::repeat_n(bytes, rows)), expected, "{rows} of {bytes}");
        }
    }
}
