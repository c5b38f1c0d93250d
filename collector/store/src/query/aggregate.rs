//! `stats`: groups matching documents and aggregates each group. Within a split, groups are combinations
//! of value numbers; the results of splits are merged by value.

use std::sync::Arc;

use millpond_query::accumulate::Accumulator;
use millpond_query::table::{Cell, Table};
use millpond_query::{Agg, Filter, GroupKey, Stats, bucket_start_ns};
use rustc_hash::FxHashMap;

use super::keys::{FieldKeys, Key, KeyNumber};
use super::meter::{Halt, Meter};
use super::scan::{SplitVisitor, scan};
use super::zone::ZoneView;
use crate::log_store::{Partial, TimeRange};
use crate::split::Split;
use crate::split::bits::Bits;

/// The group of documents that have no value for a key.
const MISSING: KeyNumber = KeyNumber::MAX;

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
    if stats.by.is_empty() {
        groups.insert(Box::default(), stats.aggs.iter().map(Accumulator::new).collect());
    }
    let begin = |split| Visitor::new(stats, split, meter);
    let end = |visitor: Visitor<'_>| visitor.merge_into(&mut groups);
    scan(splits, filter, range, meter, begin, end);
    if groups.values().flatten().any(Accumulator::is_lower_bound) {
        meter.note(Partial::Groups);
    }
    let columns = stats.by.iter().map(|key| key.column().to_owned());
    let columns = columns.chain(stats.aggs.iter().map(|agg| agg.column.clone())).collect();
    let mut rows: Vec<Vec<Cell>> = groups
        .into_iter()
        .map(|(keys, results)| {
            let keys = keys.into_vec().into_iter().map(Key::into_cell);
            keys.chain(results.iter().map(Accumulator::finish)).collect()
        })
        .collect();
    // Keys come first and are unique, so that they alone decide.
    rows.sort_unstable();
    Table { columns, rows }
}

/// One key of the groups in one split.
enum Dimension<'s> {
    Field(FieldKeys<'s>),
    Time(i64),
}

/// What an aggregate reads.
enum Input<'s> {
    /// It counts rows.
    Rows,
    /// Values of a field; counted by group and number, and added once per split.
    Values(FieldKeys<'s>, FxHashMap<(usize, KeyNumber), u64>),
}

struct Visitor<'s> {
    aggs: &'s [Agg],
    meter: &'s Meter<'s>,
    dimensions: Vec<Dimension<'s>>,
    inputs: Vec<Input<'s>>,
    /// Index of each combination of numbers.
    index: FxHashMap<Box<[KeyNumber]>, usize>,
    /// By group.
    rows: Vec<u64>,
    /// By dimension: (place in the zone, number), ordered by place.
    pairs: Vec<Vec<(u32, KeyNumber)>>,
    /// (place in the zone, group), ordered by place.
    grouped: Vec<(u32, usize)>,
    values: Vec<(u32, KeyNumber)>,
}

impl<'s> Visitor<'s> {
    fn new(stats: &'s Stats, split: &'s Split, meter: &'s Meter<'s>) -> Result<Self, Halt> {
        let dimensions = stats.by.iter().map(|key| {
            Ok(match key {
                GroupKey::Field(name) => Dimension::Field(FieldKeys::new(name, split)?),
                GroupKey::Time { step_ns } => Dimension::Time(*step_ns),
            })
        });
        let inputs = stats.aggs.iter().map(|agg| {
            Ok(match &agg.field {
                None => Input::Rows,
                Some(name) => Input::Values(FieldKeys::new(name, split)?, FxHashMap::default()),
            })
        });
        Ok(Self {
            aggs: &stats.aggs,
            meter,
            dimensions: dimensions.collect::<Result<_, Halt>>()?,
            inputs: inputs.collect::<Result<_, Halt>>()?,
            index: FxHashMap::default(),
            rows: Vec::new(),
            pairs: stats.by.iter().map(|_| Vec::new()).collect(),
            grouped: Vec::new(),
            values: Vec::new(),
        })
    }

    /// The group of a combination; `None` when there are too many.
    fn group(&mut self, numbers: &[KeyNumber]) -> Option<usize> {
        if let Some(group) = self.index.get(numbers) {
            return Some(*group);
        }
        if self.rows.len() >= self.meter.groups_max() {
            self.meter.note(Partial::Groups);
            return None;
        }
        let group = self.rows.len();
        self.rows.push(0);
        self.index.insert(numbers.into(), group);
        Some(group)
    }

    /// Fills `grouped`: every group of every document.
    fn assign(&mut self, bits: &Bits) {
        self.grouped.clear();
        let mut next = vec![0usize; self.pairs.len()];
        let mut numbers = vec![MISSING; self.pairs.len()];
        for at in bits.ones() {
            let at = at as u32;
            let mut ranges = Vec::with_capacity(self.pairs.len());
            for (pairs, next) in self.pairs.iter().zip(&mut next) {
                let first = *next;
                while pairs.get(*next).is_some_and(|(place, _)| *place == at) {
                    *next += 1;
                }
                ranges.push(first..*next);
            }
            let combinations: usize = ranges.iter().map(|range| range.len().max(1)).product();
            for combination in 0..combinations {
                let mut rest = combination;
                for ((range, pairs), number) in ranges.iter().zip(&self.pairs).zip(&mut numbers) {
                    let choices = range.len().max(1);
                    *number = pairs
                        .get(range.clone())
                        .and_then(|pairs| pairs.get(rest % choices))
                        .map_or(MISSING, |pair| pair.1);
                    rest /= choices;
                }
                if let Some(group) = self.group(&numbers) {
                    self.grouped.push((at, group));
                }
            }
        }
    }

    fn merge_into(self, groups: &mut Groups) -> Result<(), Halt> {
        let mut combinations: Vec<(Box<[KeyNumber]>, usize)> = self.index.into_iter().collect();
        combinations.sort_unstable_by_key(|(_, group)| *group);
        let mut keys: Vec<Vec<Key>> = vec![Vec::new(); combinations.len()];
        for (at, dimension) in self.dimensions.iter().enumerate() {
            let numbers: Vec<_> =
                combinations.iter().map(|(numbers, _)| numbers.get(at).copied().unwrap_or(MISSING)).collect();
            let column = dimension.resolve(&numbers)?;
            keys.iter_mut().zip(column).for_each(|(keys, key)| keys.push(key));
        }
        let mut local: Vec<Vec<Accumulator>> =
            combinations.iter().map(|_| self.aggs.iter().map(Accumulator::new).collect()).collect();
        for (at, input) in self.inputs.iter().enumerate() {
            input.finish(at, &self.rows, &mut local)?;
        }
        for (keys, results) in keys.into_iter().zip(local) {
            let full = groups.len() >= self.meter.groups_max();
            match groups.get_mut(&*keys) {
                Some(merged) => {
                    merged.iter_mut().zip(&results).for_each(|(merged, result)| merged.merge(result))
                }
                None if full => self.meter.note(Partial::Groups),
                None => drop(groups.insert(keys.into(), results)),
            }
        }
        Ok(())
    }
}

impl SplitVisitor for Visitor<'_> {
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        for (dimension, pairs) in self.dimensions.iter_mut().zip(&mut self.pairs) {
            dimension.read(view, bits, pairs)?;
        }
        self.assign(bits);
        for (_, group) in &self.grouped {
            if let Some(rows) = self.rows.get_mut(*group) {
                *rows += 1;
            }
        }
        for input in &mut self.inputs {
            let Input::Values(keys, counts) = input else { continue };
            keys.read(view, bits, false, &mut self.values)?;
            let mut groups = self.grouped.iter().peekable();
            for run in self.values.chunk_by(|a, b| a.0 == b.0) {
                let Some(at) = run.first().map(|(at, _)| *at) else { continue };
                while groups.next_if(|(place, _)| *place < at).is_some() {}
                while let Some((_, group)) = groups.next_if(|(place, _)| *place == at) {
                    for (_, number) in run {
                        *counts.entry((*group, *number)).or_default() += 1;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Dimension<'_> {
    fn read(
        &mut self,
        view: &ZoneView<'_>,
        bits: &Bits,
        out: &mut Vec<(u32, KeyNumber)>,
    ) -> Result<(), Halt> {
        match self {
            Self::Field(keys) => keys.read(view, bits, true, out),
            Self::Time(step_ns) => {
                out.clear();
                let (first, last) = (
                    bucket_start_ns(view.zone.min_ns, *step_ns),
                    bucket_start_ns(view.zone.max_ns, *step_ns),
                );
                let times = if first == last { &[][..] } else { view.times() };
                out.extend(bits.ones().map(|at| {
                    let start = times.get(at).map_or(first, |time| bucket_start_ns(*time, *step_ns));
                    (at as u32, start.cast_unsigned())
                }));
                Ok(())
            }
        }
    }

    /// The keys of numbers in any order.
    fn resolve(&self, numbers: &[KeyNumber]) -> Result<Vec<Key>, Halt> {
        let keys = match self {
            Self::Time(_) => {
                return Ok(numbers.iter().map(|number| Key::Time(number.cast_signed())).collect());
            }
            Self::Field(keys) => keys,
        };
        let mut sorted: Vec<_> = numbers.iter().copied().filter(|number| *number != MISSING).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let values = keys.resolve(&sorted)?;
        let value_of = |number: &KeyNumber| {
            let at = sorted.binary_search(number).ok();
            at.and_then(|at| values.get(at)).cloned().unwrap_or(Key::Missing)
        };
        Ok(numbers.iter().map(value_of).collect())
    }
}

impl Input<'_> {
    /// Adds what was counted to the accumulators at place `at` of each group.
    fn finish(&self, at: usize, rows: &[u64], groups: &mut [Vec<Accumulator>]) -> Result<(), Halt> {
        match self {
            Self::Rows => {
                for (group, rows) in groups.iter_mut().zip(rows) {
                    if let Some(result) = group.get_mut(at) {
                        result.add_rows(*rows);
                    }
                }
            }
            Self::Values(keys, counts) => {
                let mut numbers: Vec<_> = counts.keys().map(|(_, number)| *number).collect();
                numbers.sort_unstable();
                numbers.dedup();
                let values = keys.resolve(&numbers)?;
                for ((group, number), count) in counts {
                    let value = numbers.binary_search(number).ok().and_then(|at| values.get(at));
                    let result = groups.get_mut(*group).and_then(|group| group.get_mut(at));
                    if let (Some(value), Some(result)) = (value.and_then(Key::as_scalar), result) {
                        result.add_weighted(value, *count);
                    }
                }
            }
        }
        Ok(())
    }
}
