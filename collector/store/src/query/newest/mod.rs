//! Search for rows in order of time. Zones of all splits are visited in the order of their best time,
//! and a row is handed out as soon as no zone that is left can hold a better one: the newest hundred
//! of everything reads one zone, whatever the store holds.

mod skip;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_wire::batch::{DocId, DocRef};

use self::skip::{Skip, group_keys};
use crate::error::guarded;
use crate::limits::REBUILD_DOCUMENTS_MAX;
use crate::log_store::{Order, SearchPlan, Skippable, TimeRange};
use crate::query::conditions::filter::{Node, time_bounds};
use crate::query::hits::{HandOut, Hit, Rank, Stop, id_before, rank};
use crate::query::meter::{Halt, Meter};
use crate::query::zone::{RowCache, ZoneView};
use crate::split::Split;

/// Rows that are known wait at most this long for company before they are rebuilt and handed out.
const HAND_OUT_AFTER: Duration = Duration::from_millis(50);

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

/// Hands the rows of `plan` after `after` to `sink`, but for some that are skippable. Gives where it stopped, if it did: every
/// row up to there was handed out or is skippable. Ends when the limit is reached, the sink breaks, or nothing is left.
pub(crate) fn search(
    splits: &[Arc<Split>],
    plan: &SearchPlan,
    (after, skippable): (Option<DocId>, Option<&Skippable>),
    meter: &Meter<'_>,
    sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
) -> Option<DocId> {
    let by = group_keys(skippable);
    let skip = Skip::new(skippable, &by, splits.len());
    let mut search = Search::new(splits, plan, after, skip, meter);
    while search.left > 0 {
        let settled = search.settle();
        let Some(visit) = search.visits.pop() else { break };
        // What is known is handed out before a visit that may take long.
        if search.due(settled)
            && let Err(stop) = search.hand_out(sink)
        {
            return search.stopped_by(&stop);
        }
        let split = visit.split.0;
        let result = guarded_visit(&mut search, split, visit.zone.0);
        let id = splits.get(split).map_or(0, |split| split.id());
        if let Err(Halt::Failed(_)) = &result {
            search.leave_out(split);
        }
        if !meter.go_on(id, result) {
            // Rows beyond the stop could be missing between the rest: only settled rows are handed out.
            return match search.hand_out(sink) {
                Ok(()) => search.end_before((visit.best_time, u64::MAX)),
                Err(stop) => search.stopped_by(&stop),
            };
        }
    }
    search.settle();
    match search.hand_out(sink) {
        Ok(()) => None,
        Err(stop) => search.stopped_by(&stop),
    }
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
    skip: Skip<'a>,
    rows: HandOut<'a>,
    found: BinaryHeap<Hit>,
    /// Hits that nothing can come before any more, in order.
    settled: Vec<Hit>,
    /// Hits still to settle.
    left: usize,
    handed_out_at: Instant,
    /// A zone was visited.
    has_visited: bool,
}

impl<'a> Search<'a> {
    fn new(
        splits: &'a [Arc<Split>],
        plan: &'a SearchPlan,
        after: Option<DocId>,
        skip: Skip<'a>,
        meter: &'a Meter<'a>,
    ) -> Self {
        let mut range = time_bounds(&plan.filter, plan.range);
        if let Some(after) = after {
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
            after: after.map(|id| rank(plan.order, id)),
            visits: visits.collect(),
            filters: splits.iter().map(|_| None).collect(),
            skip,
            rows: HandOut { splits, meter, cache: RowCache::default() },
            found: BinaryHeap::new(),
            settled: Vec::new(),
            left: plan.limit,
            handed_out_at: Instant::now(),
            has_visited: false,
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
        let view = ZoneView::new(split, zone_index, zone, &self.rows.cache, self.meter);
        let bits = filter.eval(&view, &view.in_range(self.range))?;
        self.meter.cost().note(split.id(), view.looked_at(&bits), bits.count());
        let order = self.plan.order;
        let aside = self.meter.aside();
        let view_aside = ZoneView::new(split, zone_index, zone, &self.rows.cache, &aside);
        let zone_rank = best_time(order, zone.min_ns, zone.max_ns);
        let bits = self.skip.narrow(index, split, &view_aside, bits, zone_rank)?;
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
        let rank_of = |at: usize, time_rank: i64| {
            let sequence = split.columns().sequence(zone.first_doc + at as u32);
            (time_rank, rank(order, DocId { timestamp_ns: 0, sequence }).1)
        };
        self.skip.keep_first(index, &mut picked, &rank_of);
        drop_hopeless(&mut picked, self.left);
        for (_, at) in picked {
            let time = view.times().get(at).copied().unwrap_or_default();
            self.found.push(Hit { rank: rank_at(at, time), split: index, doc: zone.first_doc + at as u32 });
        }
        self.trim();
        self.has_visited = true;
        Ok(())
    }

    /// Visits nothing more of a split that can't be read.
    fn leave_out(&mut self, index: usize) {
        if let Some(filter) = self.filters.get_mut(index) {
            *filter = None;
        }
    }

    /// Where to go on.
    fn stopped_by(&self, stop: &Stop) -> Option<DocId> {
        match stop {
            Stop::Sink => None,
            Stop::Before(hit) => self.end_before(hit.rank),
        }
    }

    /// The last place before what is left, if the search got further than to its first: nothing left has a rank above this.
    fn end_before(&self, left: Rank) -> Option<DocId> {
        let order = self.plan.order;
        let (first_ns, last_ns) =
            (self.range.start_ns, self.range.end_ns.map(|end_ns| end_ns.saturating_sub(1)));
        let in_range = best_time(order, first_ns.unwrap_or(i64::MIN), last_ns.unwrap_or(i64::MAX));
        let before = id_before(order, left.min((in_range, u64::MAX)));
        let first = self.after.unwrap_or_else(|| rank(order, id_before(order, (in_range, u64::MAX))));
        Some(before).filter(|before| self.has_visited && rank(order, *before) < first)
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
    fn hand_out(&mut self, sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>) -> Result<(), Stop> {
        let settled = std::mem::take(&mut self.settled);
        self.rows.hand_out(&settled, sink)?;
        self.handed_out_at = Instant::now();
        Ok(())
    }
}
