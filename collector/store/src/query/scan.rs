//! Runs a filter over all zones of all splits: what histograms, aggregates and facets have in common.

use std::sync::Arc;

use millpond_query::Filter;

use super::filter::{Node, time_bounds};
use super::meter::{Halt, Meter};
use super::zone::{RowCache, ZoneView};
use crate::error::guarded;
use crate::log_store::TimeRange;
use crate::split::Split;
use crate::split::bits::Bits;

/// What is done with the matching documents of one split.
pub(crate) trait SplitVisitor {
    /// Takes the matching documents of one zone, at least one.
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt>;
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
    let mut node = Node::plan(filter, split, meter)?;
    if matches!(node, Node::Never) {
        return Ok(());
    }
    let mut visitor = begin(split)?;
    let cache = RowCache::default();
    let mut stopped = Ok(());
    for (index, zone) in split.rows().zones().iter().enumerate() {
        if !range.overlaps(zone.min_ns, zone.max_ns) {
            continue;
        }
        let view = ZoneView::new(split, index, zone, &cache, meter);
        let step = meter.check().and_then(|()| {
            let bits = node.eval(&view, &view.in_range(range))?;
            if bits.is_empty() { Ok(()) } else { visitor.zone(&view, &bits) }
        });
        if let Err(halt) = step {
            stopped = Err(halt);
            break;
        }
    }
    match stopped {
        Err(Halt::Failed(error)) => Err(Halt::Failed(error)),
        // What was counted until the budget ran out is a part of the answer.
        stopped => end(visitor).and(stopped),
    }
}
