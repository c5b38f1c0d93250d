//! `stats`: groups matching documents and aggregates each group. Within a split, groups are combinations
//! of value numbers; the results of splits are merged by value.

use std::sync::Arc;

use millpond_query::accumulate::Accumulator;
use millpond_query::table::{Cell, Table};
use millpond_query::{Agg, Filter, GroupKey, Stats, bucket_start_ns};
use rustc_hash::FxHashMap;

use super::field_keys::{FieldKeys, KeyNumber, Pairs};
use super::keys::Key;
use super::meter::{Halt, Meter};
use super::scan::{SplitVisitor, scan};
use super::tally::Tally;
use super::zone::ZoneView;
use crate::limits::TALLY_CELLS_MAX;
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

/// Values of one field, counted by group and value, for all aggregates of that field.
struct Input<'s> {
    name: &'s str,
    keys: FieldKeys<'s>,
    tally: Tally,
    /// Aggregates of the numbers that are not worth counting by value, by group.
    numbers: Vec<Vec<Accumulator>>,
}

struct Visitor<'s> {
    aggs: &'s [Agg],
    meter: &'s Meter<'s>,
    dimensions: Vec<Dimension<'s>>,
    inputs: Vec<Input<'s>>,
    groups: LocalGroups,
    /// By dimension.
    pairs: Vec<Pairs>,
    /// (place in the zone, group), ordered by place.
    grouped: Vec<(u32, usize)>,
    /// By place in the zone, and one more: where its groups begin in `grouped`.
    first_group: Vec<u32>,
    values: Pairs,
}

/// The aggregates of one field, with their places.
fn aggs_of<'a>(aggs: &'a [Agg], name: &'a str) -> impl Iterator<Item = (usize, &'a Agg)> {
    aggs.iter().enumerate().filter(move |(_, agg)| agg.field.as_deref() == Some(name))
}

/// The groups of the document at this place.
fn groups_at<'a>(grouped: &'a [(u32, usize)], first_group: &[u32], at: u32) -> &'a [(u32, usize)] {
    let bound = |at: usize| first_group.get(at).map_or(grouped.len(), |first| *first as usize);
    grouped.get(bound(at as usize)..bound(at as usize + 1)).unwrap_or_default()
}

/// The groups of one split.
#[derive(Default)]
struct LocalGroups {
    /// By combination of numbers, one for each dimension.
    index: FxHashMap<Box<[KeyNumber]>, usize>,
    /// With one dimension: group + 1 by number, for small numbers.
    direct: Vec<u32>,
    /// Documents by group.
    rows: Vec<u64>,
}

impl LocalGroups {
    /// The group of a combination; `None` when there are too many.
    fn of(&mut self, numbers: &[KeyNumber], meter: &Meter<'_>) -> Option<usize> {
        if numbers.is_empty() && !self.rows.is_empty() {
            return Some(0);
        }
        let direct = match numbers {
            [number] => self.direct.get(*number as usize).copied(),
            _ => None,
        };
        match direct {
            Some(0) | None => {}
            Some(group) => return Some(group as usize - 1),
        }
        if direct.is_none()
            && let Some(group) = self.index.get(numbers)
        {
            return Some(*group);
        }
        if self.rows.len() >= meter.groups_max() {
            meter.note(Partial::Groups);
            return None;
        }
        self.rows.push(0);
        if let [number] = numbers
            && let Some(direct) = self.direct.get_mut(*number as usize)
        {
            *direct = self.rows.len() as u32;
        }
        self.index.insert(numbers.into(), self.rows.len() - 1);
        Some(self.rows.len() - 1)
    }

    /// The combinations in the order of their groups.
    fn combinations(self) -> Vec<Box<[KeyNumber]>> {
        let mut combinations: Vec<_> = self.index.into_iter().collect();
        combinations.sort_unstable_by_key(|(_, group)| *group);
        combinations.into_iter().map(|(numbers, _)| numbers).collect()
    }
}

impl<'s> Visitor<'s> {
    fn new(stats: &'s Stats, split: &'s Split, meter: &'s Meter<'s>) -> Result<Self, Halt> {
        let mut dimensions = Vec::with_capacity(stats.by.len());
        let mut groups = LocalGroups::default();
        for key in &stats.by {
            dimensions.push(match key {
                GroupKey::Field(name) => Dimension::Field(FieldKeys::new(name, split)?),
                GroupKey::Time { step_ns } => Dimension::Time(*step_ns),
            });
        }
        if let [Dimension::Field(keys)] = &dimensions[..]
            && keys.known() <= TALLY_CELLS_MAX
        {
            groups.direct = vec![0; keys.known() as usize];
        }
        let mut inputs: Vec<Input<'s>> = Vec::new();
        for name in stats.aggs.iter().filter_map(|agg| agg.field.as_deref()) {
            if inputs.iter().all(|input| input.name != name) {
                let keys = FieldKeys::new(name, split)?.leaving_numbers();
                inputs.push(Input { name, tally: Tally::new(keys.known()), keys, numbers: Vec::new() });
            }
        }
        Ok(Self {
            aggs: &stats.aggs,
            meter,
            pairs: dimensions.iter().map(|_| Pairs::new()).collect(),
            dimensions,
            inputs,
            groups,
            grouped: Vec::new(),
            first_group: Vec::new(),
            values: Vec::new(),
        })
    }

    /// Fills `grouped`: every group of every document.
    fn assign(&mut self, bits: &Bits) {
        self.grouped.clear();
        let mut next = vec![0usize; self.pairs.len()];
        let mut runs = vec![0..0; self.pairs.len()];
        let mut numbers = vec![MISSING; self.pairs.len()];
        for at in bits.ones() {
            let at = at as u32;
            let mut combinations = 1;
            for ((pairs, next), run) in self.pairs.iter().zip(&mut next).zip(&mut runs) {
                let first = *next;
                while pairs.get(*next).is_some_and(|(place, _)| *place == at) {
                    *next += 1;
                }
                *run = first..*next;
                combinations *= run.len().max(1);
            }
            for combination in 0..combinations {
                let mut rest = combination;
                for ((run, pairs), number) in runs.iter().zip(&self.pairs).zip(&mut numbers) {
                    let choices = run.len().max(1);
                    let pair = pairs.get(run.clone()).and_then(|run| run.get(rest % choices));
                    *number = pair.map_or(MISSING, |(_, number)| *number);
                    rest /= choices;
                }
                if let Some(group) = self.groups.of(&numbers, self.meter) {
                    self.grouped.push((at, group));
                }
            }
        }
    }

    /// Fills `first_group`, when some aggregate reads a field.
    fn index_groups(&mut self, documents: usize) {
        self.first_group.clear();
        if self.inputs.is_empty() {
            return;
        }
        let mut grouped = self.grouped.iter().zip(0u32..).peekable();
        for at in 0..documents as u32 {
            while grouped.next_if(|((place, _), _)| *place < at).is_some() {}
            self.first_group.push(grouped.peek().map_or(self.grouped.len() as u32, |(_, first)| *first));
        }
        self.first_group.push(self.grouped.len() as u32);
    }

    fn merge_into(self, groups: &mut Groups) -> Result<(), Halt> {
        let rows = self.groups.rows.clone();
        let combinations = self.groups.combinations();
        let mut keys: Vec<Vec<Key>> = vec![Vec::new(); combinations.len()];
        for (at, dimension) in self.dimensions.iter().enumerate() {
            let numbers: Vec<_> =
                combinations.iter().map(|numbers| numbers.get(at).copied().unwrap_or(MISSING)).collect();
            let column = dimension.resolve(&numbers)?;
            keys.iter_mut().zip(column).for_each(|(keys, key)| keys.push(key));
        }
        let mut local: Vec<Vec<Accumulator>> =
            combinations.iter().map(|_| self.aggs.iter().map(Accumulator::new).collect()).collect();
        for (group, rows) in local.iter_mut().zip(rows) {
            group
                .iter_mut()
                .zip(self.aggs)
                .filter(|(_, agg)| agg.field.is_none())
                .for_each(|(result, _)| result.add_rows(rows));
        }
        for input in &self.inputs {
            input.finish(self.aggs, &mut local)?;
        }
        for (keys, results) in keys.into_iter().zip(local) {
            let full = groups.len() >= self.meter.groups_max();
            match groups.get_mut(&*keys) {
                Some(merged) => {
                    merged.iter_mut().zip(&results).for_each(|(merged, result)| merged.merge(result));
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
        if self.dimensions.is_empty() && self.inputs.is_empty() {
            let group = self.groups.of(&[], self.meter);
            if let Some(rows) = group.and_then(|group| self.groups.rows.get_mut(group)) {
                *rows += bits.count() as u64;
            }
            return Ok(());
        }
        for (dimension, pairs) in self.dimensions.iter_mut().zip(&mut self.pairs) {
            dimension.read(view, bits, pairs)?;
        }
        self.assign(bits);
        for (_, group) in &self.grouped {
            if let Some(rows) = self.groups.rows.get_mut(*group) {
                *rows += 1;
            }
        }
        self.index_groups(view.len());
        for input in &mut self.inputs {
            input.keys.read(view, bits, false, &mut self.values)?;
            for (at, number) in &self.values {
                for (_, group) in groups_at(&self.grouped, &self.first_group, *at) {
                    input.tally.add(*group, *number);
                }
            }
            let (aggs, numbers) = (self.aggs, &mut input.numbers);
            input.keys.for_each_number(view, bits, |at, value| {
                for (_, group) in groups_at(&self.grouped, &self.first_group, at) {
                    if numbers.len() <= *group {
                        numbers.resize_with(*group + 1, Vec::new);
                    }
                    let Some(results) = numbers.get_mut(*group) else { continue };
                    if results.is_empty() {
                        results.extend(aggs_of(aggs, input.name).map(|(_, agg)| Accumulator::new(agg)));
                    }
                    results.iter_mut().for_each(|result| result.add(value));
                }
            });
        }
        Ok(())
    }
}

impl Dimension<'_> {
    fn read(&mut self, view: &ZoneView<'_>, bits: &Bits, out: &mut Pairs) -> Result<(), Halt> {
        let step_ns = match self {
            Self::Field(keys) => return keys.read(view, bits, true, out),
            Self::Time(step_ns) => *step_ns,
        };
        out.clear();
        let first = bucket_start_ns(view.zone.min_ns, step_ns);
        let single = first == bucket_start_ns(view.zone.max_ns, step_ns);
        let times = if single { &[][..] } else { view.times() };
        out.extend(bits.ones().map(|at| {
            let start = times.get(at).map_or(first, |time| bucket_start_ns(*time, step_ns));
            (at as u32, start.cast_unsigned())
        }));
        Ok(())
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
    /// Adds what was counted to the accumulators of the field's aggregates, by group.
    fn finish(&self, aggs: &[Agg], groups: &mut [Vec<Accumulator>]) -> Result<(), Halt> {
        let places: Vec<usize> = aggs_of(aggs, self.name).map(|(place, _)| place).collect();
        for (group, results) in groups.iter_mut().zip(&self.numbers) {
            for (place, result) in places.iter().zip(results) {
                if let Some(merged) = group.get_mut(*place) {
                    merged.merge(result);
                }
            }
        }
        let beside = self.tally.beside_table();
        let mut beside = beside.iter().peekable();
        self.keys.for_each(&self.tally.numbers(), &mut |number, value| {
            let mut add = |group: usize, count| {
                let Some(group) = groups.get_mut(group) else { return };
                for place in &places {
                    if let Some(result) = group.get_mut(*place) {
                        result.add_weighted(value, count);
                    }
                }
            };
            self.tally.in_table(number, &mut add);
            while beside.next_if(|(other, ..)| *other < number).is_some() {}
            while let Some((_, group, count)) = beside.next_if(|(other, ..)| *other == number) {
                add(*group, *count);
            }
        })
    }
}
