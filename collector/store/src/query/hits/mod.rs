//! Documents that a query has found: their order in time, and how their rows are rebuilt and handed out. Which they
//! are, and which come first, is told by those that search.

mod rebuilt;

use std::ops::ControlFlow;
use std::sync::Arc;

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
    /// Hands out the rows of `hits`, in their order.
    pub(crate) fn hand_out(
        &self,
        hits: &[Hit],
        sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let end = self.meter.budget().end_of_rest();
        // What takes the rows may work long on each.
        let mut until_end = |doc: DocRef<'_>| {
            if self.meter.budget().is_over(end) {
                self.meter.note(Partial::Deadline);
                return ControlFlow::Break(());
            }
            sink(doc)
        };
        let mut rest = hits;
        while !rest.is_empty() {
            let (hits, later) = rest.split_at(chunk_length(rest.iter().map(|hit| self.text_bytes(hit))));
            self.hand_out_chunk(hits, &mut until_end)?;
            rest = later;
        }
        ControlFlow::Continue(())
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
        sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut batches: Vec<Wanted> = Vec::new();
        let mut places = Vec::with_capacity(hits.len());
        for hit in hits {
            let at = batches.iter().position(|(split, _)| *split == hit.split).unwrap_or_else(|| {
                batches.push((hit.split, Vec::new()));
                batches.len() - 1
            });
            if let Some((_, docs)) = batches.get_mut(at) {
                docs.push(hit.doc);
                places.push((at, docs.len() - 1));
            }
        }
        let rebuilt = rebuild_all(self.splits, &batches, &self.cache, self.meter);
        for (batch, index) in places {
            let Some(Some(batch)) = rebuilt.get(batch) else { continue };
            if let Some(doc) = batch.doc(index) {
                sink(doc)?;
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
