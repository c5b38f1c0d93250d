//! Runs a filter over all zones of all splits, on all cores: what histograms, aggregates and facets have in
//! common. Each thread takes some zones at a time and has a visitor of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use millpond_query::Filter;

use crate::error::{StoreError, guarded};
use crate::limits::{SCAN_HELPER_ZONES_MIN, SCAN_RUN_ZONES};
use crate::log_store::TimeRange;
use crate::query::conditions::filter::{Node, time_bounds};
use crate::query::meter::{Halt, Meter};
use crate::query::zone::{RowCache, ZoneView};
use crate::split::Split;
use crate::split::bits::Bits;

/// What is done with the matching documents of one split.
pub(crate) trait SplitVisitor: Send + Sized {
    /// Takes what is known of the split without looking at its documents, and says which parts of the range are
    /// left to visit. They don't overlap.
    fn take_known(&mut self, _: &Node<'_>, range: TimeRange) -> Result<Vec<TimeRange>, Halt> {
        Ok(vec![range])
    }

    /// Takes the matching documents of one zone, at least one.
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt>;

    /// Takes over what another visitor of the same split has gathered, or gives it back when only values
    /// tell what belongs together.
    fn absorb(&mut self, other: Self) -> Option<Self>;
}

/// Runs `filter` over the splits in `range`. `begin` makes a visitor for a split and `end` takes it back
/// when the split was read to its end; what a visitor of a damaged split has gathered is dropped.
pub(crate) fn scan<'s, V: SplitVisitor>(
    splits: &'s [Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    meter: &Meter<'_>,
    mut begin: impl FnMut(&'s Split) -> Result<V, Halt>,
    mut end: impl FnMut(V) -> Result<(), Halt>,
) {
    let range = time_bounds(filter, range);
    for split in splits {
        if !range.overlaps(split.meta().min_ns, split.meta().max_ns) {
            continue;
        }
        let mut result = Ok(());
        let caught = guarded("scan a split", || {
            result = scan_split(split, filter, range, meter, &mut begin, &mut end);
            Ok(())
        });
        if !meter.go_on(split.id(), caught.map_err(Halt::from).and(result)) {
            return;
        }
    }
}

fn scan_split<'s, V: SplitVisitor>(
    split: &'s Split,
    filter: &Filter,
    range: TimeRange,
    meter: &Meter<'_>,
    begin: &mut impl FnMut(&'s Split) -> Result<V, Halt>,
    end: &mut impl FnMut(V) -> Result<(), Halt>,
) -> Result<(), Halt> {
    let node = Node::plan(filter, split, meter)?;
    if matches!(node, Node::Never) {
        meter.cost().note(split.id(), 0, 0);
        return Ok(());
    }
    let mut first = begin(split)?;
    let mut zones = Vec::new();
    for range in first.take_known(&node, range)? {
        let overlapping = split.rows().zones().iter().enumerate();
        let overlapping = overlapping.filter(|(_, zone)| range.overlaps(zone.min_ns, zone.max_ns));
        zones.extend(overlapping.map(|(index, _)| (index, range)));
    }
    let helpers = meter.helpers().take(zones.len() / SCAN_HELPER_ZONES_MIN);
    let mut visitors = vec![first];
    for _ in 0..helpers.count() {
        visitors.push(begin(split)?);
    }
    let work = Work { split, meter, zones, next: AtomicUsize::new(0) };
    let mut stopped = Ok(());
    let mut whole: Option<V> = None;
    let mut apart = Vec::new();
    for (visitor, result) in work.share(visitors, &node)? {
        match result {
            Err(Halt::Failed(error)) => return Err(Halt::Failed(error)),
            result => stopped = stopped.and(result),
        }
        match &mut whole {
            None => whole = Some(visitor),
            Some(whole) => apart.extend(whole.absorb(visitor)),
        }
    }
    drop(helpers);
    // What was counted until the budget ran out is a part of the answer.
    whole.into_iter().chain(apart).try_for_each(end).and(stopped)
}

/// The visitors of one split with how their work ended.
type Shares<V> = Vec<(V, Result<(), Halt>)>;

/// As [`guarded`], for what may also stop.
pub(crate) fn guarded_halt<T>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, Halt>,
) -> Result<T, Halt> {
    guarded(action, || Ok(work()))?
}

/// What a thread that can't be joined means.
pub(crate) fn panicked() -> Halt {
    Halt::Failed(StoreError::Index { action: "scan zones", detail: "a thread panicked".to_owned() })
}

/// The zones of one split that are to be visited.
struct Work<'a> {
    split: &'a Split,
    meter: &'a Meter<'a>,
    /// By index, each with the range in which its documents are wanted.
    zones: Vec<(usize, TimeRange)>,
    /// Place in `zones` of the first that nobody has taken.
    next: AtomicUsize,
}

impl Work<'_> {
    /// Visits the zones with all visitors at once, each but the first on a thread of its own.
    fn share<V: SplitVisitor>(&self, visitors: Vec<V>, node: &Node<'_>) -> Result<Shares<V>, Halt> {
        let mut visitors = visitors.into_iter();
        let Some(first) = visitors.next() else { return Ok(Vec::new()) };
        thread::scope(|scope| {
            let spawn = |visitor| {
                let mut node = node.clone();
                let run = move || self.run(visitor, &mut node);
                // Without the thread there is less help, and its visitor has seen nothing.
                thread::Builder::new().name("scan".to_owned()).spawn_scoped(scope, run).ok()
            };
            let threads: Vec<_> = visitors.filter_map(spawn).collect();
            let mut results = vec![self.run(first, &mut node.clone())];
            for thread in threads {
                results.push(thread.join().map_err(|_| panicked())?);
            }
            Ok(results)
        })
    }

    /// Visits zones until none is left.
    fn run<V: SplitVisitor>(&self, mut visitor: V, node: &mut Node<'_>) -> (V, Result<(), Halt>) {
        let mut result = Ok(());
        let caught = guarded("scan zones", || {
            result = self.visit(&mut visitor, node);
            Ok(())
        });
        let result = caught.map_err(Halt::from).and(result);
        if result.is_err() {
            self.next.store(self.zones.len(), Ordering::Relaxed);
        }
        (visitor, result)
    }

    fn visit<V: SplitVisitor>(&self, visitor: &mut V, node: &mut Node<'_>) -> Result<(), Halt> {
        let cache = RowCache::default();
        loop {
            let first = self.next.fetch_add(SCAN_RUN_ZONES, Ordering::Relaxed);
            let Some(rest) = self.zones.get(first..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
            let (mut searched, mut matched) = (0, 0);
            for (index, range) in rest.iter().take(SCAN_RUN_ZONES) {
                let Some(zone) = self.split.rows().zones().get(*index) else { continue };
                self.meter.check()?;
                let view = ZoneView::new(self.split, *index, zone, &cache, self.meter);
                let bits = node.eval(&view, &view.in_range(*range))?;
                searched += view.looked_at(&bits);
                if !bits.is_empty() {
                    matched += bits.count();
                    visitor.zone(&view, &bits)?;
                }
            }
            self.meter.cost().note(self.split.id(), searched, matched);
        }
    }
}
