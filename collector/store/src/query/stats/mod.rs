//! `stats`: groups matching documents and aggregates each group. Within a split, groups are combinations
//! of value numbers; the results of splits are merged by value.

mod cells;
mod dimension;
pub(crate) mod group_by;
mod inputs;

use std::sync::Arc;

use millpond_query::accumulate::Accumulator;
use millpond_query::table::{self, Table};
use millpond_query::{Agg, Filter, Room, Stats};
use rustc_hash::FxHashMap;

use self::group_by::GroupBy;
use self::inputs::{Input, inputs};
use crate::log_store::{Partial, TimeRange};
use crate::query::meter::{Halt, Meter};
use crate::query::scan::{SplitVisitor, scan};
use crate::query::values::keys::Key;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;

/// Groups that are merged between two looks at the budget: about a millisecond.
const MERGE_STEP: usize = 1_024;

type Groups = FxHashMap<Box<[Key]>, Vec<Accumulator>>;

/// Runs one `stats` and gives its table, ordered by the keys.
pub(crate) fn stats(
    splits: &[Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    stats: &Stats,
    meter: &Meter<'_>,
) -> Table {
    let mut groups = Groups::default();
    let mut room = Room::new(meter.stats_bytes_max());
    if stats.by.is_empty() {
        groups.insert(Box::default(), stats.aggs.iter().map(Accumulator::new).collect());
    }
    let begin = |split| Visitor::new(stats, split, meter);
    let end = |visitor: Visitor<'_>| visitor.merge_into(&mut groups, &mut room);
    scan(splits, filter, range, meter, begin, end);
    if meter.check_wanted().is_err() {
        // Nobody reads the rows of so many groups.
        groups.clear();
    }
    if groups.values().flatten().any(Accumulator::is_lower_bound) {
        meter.note(Partial::Groups);
    }
    let parts = groups
        .into_iter()
        .map(|(keys, results)| (keys.into_vec().into_iter().map(Key::into_cell).collect(), results));
    table::Groups::of_parts(stats, parts).finish()
}

struct Visitor<'s> {
    aggs: &'s [Agg],
    meter: &'s Meter<'s>,
    groups: GroupBy<'s>,
    /// Most groups of the answer.
    groups_max: usize,
    inputs: Vec<Input<'s>>,
}

/// Memory of a group without what is in it.
fn group_bytes(keys: usize, aggs: usize) -> usize {
    keys * size_of::<Key>() + aggs * size_of::<Accumulator>() + size_of::<(Box<[Key]>, Vec<Accumulator>)>()
}

impl<'s> Visitor<'s> {
    fn new(stats: &'s Stats, split: &'s Split, meter: &'s Meter<'s>) -> Result<Self, Halt> {
        let groups = GroupBy::new(&stats.by, split)?;
        let fit = meter.stats_bytes_max() / group_bytes(stats.by.len(), stats.aggs.len());
        let groups_max = meter.groups_max().min(fit);
        Ok(Self { aggs: &stats.aggs, meter, groups, groups_max, inputs: inputs(&stats.aggs, split)? })
    }

    fn merge_into(self, groups: &mut Groups, room: &mut Room) -> Result<(), Halt> {
        let mut results: Vec<Vec<Accumulator>> = Vec::new();
        results.resize_with(self.groups.end(), Vec::new);
        self.meter.check_wanted()?;
        let mut locals = self.groups.finish()?;
        if locals.len() > self.groups_max {
            self.meter.note(Partial::Groups);
            locals.truncate(self.groups_max);
        }
        for (at, local) in locals.iter().enumerate() {
            if at.is_multiple_of(MERGE_STEP) {
                self.meter.check_wanted()?;
            }
            if let Some(results) = results.get_mut(local.number) {
                results.extend(self.aggs.iter().map(Accumulator::new));
                let of_rows = results.iter_mut().zip(self.aggs).filter(|(_, agg)| agg.field.is_none());
                of_rows.for_each(|(result, _)| result.add_rows(local.rows));
            }
        }
        // The results of this split are beside those of the others for a while.
        let mut own_room = Room::new(self.meter.stats_bytes_max());
        for input in &self.inputs {
            self.meter.check_wanted()?;
            input.finish(&mut results, &mut own_room)?;
        }
        for (at, local) in locals.into_iter().enumerate() {
            if at.is_multiple_of(MERGE_STEP) {
                self.meter.check_wanted()?;
            }
            let results = results.get_mut(local.number).map(std::mem::take).unwrap_or_default();
            let full = groups.len() >= self.groups_max;
            match groups.get_mut(&*local.keys) {
                Some(merged) => merged.iter_mut().zip(&results).for_each(|(merged, result)| {
                    room.change(merged, |merged| merged.merge(result));
                }),
                None if full => self.meter.note(Partial::Groups),
                None => {
                    room.take(bytes_of(&local.keys, &results));
                    groups.insert(local.keys.into(), results);
                }
            }
            if room.is_full() {
                break;
            }
        }
        // As behind other pipes: what was counted so far is the answer.
        if room.is_full() || own_room.is_full() { Err(Halt::Partial(Partial::Groups)) } else { Ok(()) }
    }

    /// Memory of what was counted.
    fn heap_bytes(&self) -> usize {
        self.groups.heap_bytes() + self.inputs.iter().map(Input::heap_bytes).sum::<usize>()
    }
}

/// Memory of a group.
fn bytes_of(keys: &[Key], results: &[Accumulator]) -> usize {
    let text_bytes = |key: &Key| if let Key::String(text) = key { text.len() } else { 0 };
    let keys_bytes: usize = keys.iter().map(text_bytes).sum();
    let results_bytes: usize = results.iter().map(Accumulator::heap_bytes).sum();
    group_bytes(keys.len(), results.len()) + keys_bytes + results_bytes
}

impl SplitVisitor for Visitor<'_> {
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        self.groups.read(view, bits, self.meter)?;
        self.inputs.iter_mut().try_for_each(|input| input.read(view, bits, &self.groups, self.meter))?;
        // Twice: what is counted by value becomes less when it is merged.
        if self.heap_bytes() / 2 > self.meter.stats_bytes_max() {
            return Err(Halt::Partial(Partial::Groups));
        }
        Ok(())
    }

    fn absorb(&mut self, other: Self) -> Option<Self> {
        let agree = |visitor: &Self| {
            visitor.groups.numbers_agree() && visitor.inputs.iter().all(Input::numbers_agree)
        };
        if !agree(self) || !agree(&other) {
            return Some(other);
        }
        self.groups.absorb(&other.groups);
        self.inputs.iter_mut().zip(&other.inputs).for_each(|(own, other)| own.absorb(other));
        None
    }
}
