//! Search for rows in order of time. Zones of all splits are visited in the order of their best time,
//! and a row is handed out as soon as no zone that is left can hold a better one: the newest hundred
//! of everything reads one zone, whatever the store holds.

mod rebuilt;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_wire::batch::{DocId, DocRef};

use self::rebuilt::{Wanted, rebuild_all};
use crate::error::guarded;
use crate::limits::{REBUILD_BYTES_MAX, REBUILD_DOCUMENTS_MAX};
use crate::log_store::{Order, Partial, SearchPlan, TimeRange};
use crate::query::conditions::filter::{Node, time_bounds};
use crate::query::meter::{Halt, Meter};
use crate::query::zone::{RowCache, ZoneView};
use crate::split::Split;

/// Rows that are known wait at most this long for company before they are rebuilt and handed out.
const HAND_OUT_AFTER: Duration = Duration::from_millis(50);

/// A document id, so that the greatest comes first in either order.
type Rank = (i64, u64);

fn rank(order: Order, id: DocId) -> Rank {
    match order {
        Order::Descending => (id.timestamp_ns, id.sequence),
        Order::Ascending => (!id.timestamp_ns, !id.sequence),
    }
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

/// The best time that a split or zone can hold, as the first part of a [`Rank`].
fn best_time(order: Order, min_ns: i64, max_ns: i64) -> i64 {
    match order {
        Order::Descending => max_ns,
        Order::Ascending => !min_ns,
    }
}

/// A split or zone that is still to be visited, the best first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Visit {
    best_time: i64,
    /// Later in the list is older in a descending search: equal times keep that order.
    split: Reverse<usize>,
    /// `None`: the split as a whole, whose zones are not listed yet.
    zone: Reverse<Option<usize>>,
}

/// A matching document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    rank: Rank,
    split: usize,
    doc: u32,
}

/// Hands the rows of `plan` to `sink`. Ends when the limit is reached, the sink breaks, or nothing is left.
pub(crate) fn search(
    splits: &[Arc<Split>],
    plan: &SearchPlan,
    meter: &Meter<'_>,
    sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
) {
    let mut search = Search::new(splits, plan, meter);
    while search.left > 0 {
        let settled = search.settle();
        let Some(visit) = search.visits.pop() else { break };
        // What is known is handed out before a visit that may take long.
        if search.due(settled) && search.hand_out(sink).is_break() {
            return;
        }
        let split = visit.split.0;
        let result = guarded_visit(&mut search, split, visit.zone.0);
        let id = splits.get(split).map_or(0, |split| split.id());
        if let Err(Halt::Failed(_)) = &result {
            search.leave_out(split);
        }
        if !meter.go_on(id, result) {
            // Rows beyond the stop could be missing between the rest: only settled rows are handed out.
            let _ = search.hand_out(sink);
            return;
        }
    }
    search.settle();
    let _ = search.hand_out(sink);
}

fn guarded_visit(search: &mut Search<'_>, split: usize, zone: Option<usize>) -> Result<(), Halt> {
    let mut halt = Ok(());
    guarded("search a split", || {
        halt = match zone {
            None => search.list_zones(split),
            Some(zone) => search.visit(split, zone),
        };
        Ok(())
    })?;
    halt
}

/// Leaves out the documents of a zone that have more than `wanted` others of it before them in time, so that most
/// need no look at their sequence number.
fn drop_hopeless(picked: &mut Vec<(i64, usize)>, wanted: usize) {
    if let Some(last) = wanted.checked_sub(1).filter(|_| picked.len() > wanted) {
        let (_, (cutoff, _), _) = picked.select_nth_unstable_by(last, |a, b| b.0.cmp(&a.0));
        let cutoff = *cutoff;
        picked.retain(|(time_rank, _)| *time_rank >= cutoff);
    }
}

struct Search<'a> {
    splits: &'a [Arc<Split>],
    plan: &'a SearchPlan,
    meter: &'a Meter<'a>,
    range: TimeRange,
    after: Option<Rank>,
    visits: BinaryHeap<Visit>,
    /// By split, once its first zone comes up.
    filters: Vec<Option<Node<'a>>>,
    cache: RowCache,
    found: BinaryHeap<Hit>,
    /// Hits that nothing can come before any more, in order.
    settled: Vec<Hit>,
    /// Hits still to settle.
    left: usize,
    handed_out_at: Instant,
}

impl<'a> Search<'a> {
    fn new(splits: &'a [Arc<Split>], plan: &'a SearchPlan, meter: &'a Meter<'a>) -> Self {
        let mut range = time_bounds(&plan.filter, plan.range);
        if let Some(after) = plan.after {
            range = range.intersect(match plan.order {
                Order::Descending => TimeRange { start_ns: None, end_ns: after.timestamp_ns.checked_add(1) },
                Order::Ascending => TimeRange { start_ns: Some(after.timestamp_ns), end_ns: None },
            });
        }
        let overlapping = splits.iter().enumerate().filter(|(_, split)| {
            let meta = split.meta();
            range.overlaps(meta.min_ns, meta.max_ns)
        });
        let visits = overlapping.map(|(index, split)| Visit {
            best_time: best_time(plan.order, split.meta().min_ns, split.meta().max_ns),
            split: Reverse(index),
            zone: Reverse(None),
        });
        Self {
            splits,
            plan,
            meter,
            range,
            after: plan.after.map(|id| rank(plan.order, id)),
            visits: visits.collect(),
            filters: splits.iter().map(|_| None).collect(),
            cache: RowCache::default(),
            found: BinaryHeap::new(),
            settled: Vec::new(),
            left: plan.limit,
            handed_out_at: Instant::now(),
        }
    }

    /// Plans the filter for a split and lists its zones, unless nothing in it can match.
    fn list_zones(&mut self, index: usize) -> Result<(), Halt> {
        self.meter.check()?;
        let Some(split) = self.splits.get(index) else { return Ok(()) };
        let filter = Node::plan(&self.plan.filter, split, self.meter)?;
        if matches!(filter, Node::Never) {
            self.meter.cost().note(split.id(), 0, 0);
            return Ok(());
        }
        for (number, zone) in split.rows().zones().iter().enumerate() {
            if self.range.overlaps(zone.min_ns, zone.max_ns) {
                self.visits.push(Visit {
                    best_time: best_time(self.plan.order, zone.min_ns, zone.max_ns),
                    split: Reverse(index),
                    zone: Reverse(Some(number)),
                });
            }
        }
        if let Some(slot) = self.filters.get_mut(index) {
            *slot = Some(filter);
        }
        Ok(())
    }

    fn visit(&mut self, index: usize, zone_index: usize) -> Result<(), Halt> {
        self.meter.check()?;
        let Some(split) = self.splits.get(index) else { return Ok(()) };
        let Some(zone) = split.rows().zones().get(zone_index) else { return Ok(()) };
        let Some(filter) = self.filters.get_mut(index).and_then(Option::as_mut) else { return Ok(()) };
        let view = ZoneView::new(split, zone_index, zone, &self.cache, self.meter);
        let bits = filter.eval(&view, &view.in_range(self.range))?;
        self.meter.cost().note(split.id(), view.looked_at(&bits), bits.count());
        let order = self.plan.order;
        let rank_at = |at: usize, timestamp_ns| {
            let sequence = split.columns().sequence(zone.first_doc + at as u32);
            rank(order, DocId { timestamp_ns, sequence })
        };
        let mut picked: Vec<(i64, usize)> = Vec::with_capacity(bits.count());
        for (at, time) in bits.ones().filter_map(|at| Some((at, *view.times().get(at)?))) {
            let time_rank = best_time(order, time, time);
            let comes = |after: Rank| time_rank < after.0 || rank_at(at, time) < after;
            if self.after.is_none_or(comes) {
                picked.push((time_rank, at));
            }
        }
        drop_hopeless(&mut picked, self.left);
        for (_, at) in picked {
            let time = view.times().get(at).copied().unwrap_or_default();
            self.found.push(Hit { rank: rank_at(at, time), split: index, doc: zone.first_doc + at as u32 });
        }
        self.trim();
        Ok(())
    }

    /// Visits nothing more of a split that can't be read.
    fn leave_out(&mut self, index: usize) {
        if let Some(filter) = self.filters.get_mut(index) {
            *filter = None;
        }
    }

    /// Forgets hits that can't be among those still wanted.
    fn trim(&mut self) {
        if self.found.len() > self.left.saturating_mul(2).saturating_add(crate::limits::ZONE_DOCUMENTS_MAX) {
            let mut hits = std::mem::take(&mut self.found).into_vec();
            hits.select_nth_unstable_by(self.left, |a, b| b.cmp(a));
            hits.truncate(self.left);
            self.found = hits.into();
        }
    }

    /// Moves the hits that are better than anything left to visit; true when some wait to be handed out.
    fn settle(&mut self) -> bool {
        let bound = self.visits.peek().map(|visit| visit.best_time);
        while self.left > 0
            && let Some(hit) = self.found.peek()
            && bound.is_none_or(|bound| hit.rank.0 > bound)
        {
            self.settled.extend(self.found.pop());
            self.left -= 1;
        }
        !self.settled.is_empty()
    }

    fn due(&self, some: bool) -> bool {
        some && (self.settled.len() >= REBUILD_DOCUMENTS_MAX
            || self.handed_out_at.elapsed() >= HAND_OUT_AFTER)
    }

    /// Rebuilds the settled hits and hands them out.
    fn hand_out(&mut self, sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>) -> ControlFlow<()> {
        let settled = std::mem::take(&mut self.settled);
        let end = self.meter.budget().end_of_rest();
        // What takes the rows may work long on each.
        let mut until_end = |doc: DocRef<'_>| {
            if self.meter.budget().is_over(end) {
                self.meter.note(Partial::Deadline);
                return ControlFlow::Break(());
            }
            sink(doc)
        };
        let mut rest = settled.as_slice();
        while !rest.is_empty() {
            let (hits, later) = rest.split_at(chunk_length(rest.iter().map(|hit| self.text_bytes(hit))));
            self.hand_out_chunk(hits, &mut until_end)?;
            rest = later;
        }
        self.handed_out_at = Instant::now();
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
