//! The groups of a `stats`: a bounded map from keys to accumulators.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::{Cell, Table};
use crate::accumulate::Accumulator;
use crate::aliases::TIMESTAMP;
use crate::limits::{MAX_GROUPS, MAX_GROUPS_OF_ROW};
use crate::pipe::{Agg, GroupKey, Series, Stats, bucket_start_ns};
use crate::room::Room;
use crate::row::Row;
use crate::scalar::Scalar;

/// There would be more than [`MAX_GROUPS`] groups, or as many as a caller allows, or they would take more memory than it
/// allows, or a row would be in more than [`MAX_GROUPS_OF_ROW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many or too large groups; group by a field with fewer values, or narrow the filter")]
pub struct TooManyGroups;

/// Partial result of a [`Stats`], mergeable with others of the same.
#[derive(Debug, Clone)]
pub struct Groups<'s> {
    stats: &'s Stats,
    groups: BTreeMap<Vec<Cell>, Vec<Accumulator>>,
    groups_max: usize,
    room: Room,
}

impl<'s> Groups<'s> {
    /// No groups yet.
    #[must_use]
    pub fn new(stats: &'s Stats) -> Groups<'s> {
        Groups { stats, groups: BTreeMap::new(), groups_max: MAX_GROUPS, room: Room::new(usize::MAX) }
    }

    /// At most this many groups, if that is fewer, in this many bytes.
    #[must_use]
    pub fn at_most(self, groups_max: usize, bytes_max: usize) -> Groups<'s> {
        Groups { groups_max: groups_max.min(MAX_GROUPS), room: Room::new(bytes_max), ..self }
    }

    /// Groups that a store has made: each key once, with an accumulator for each of `stats.aggs`.
    pub fn of_parts(
        stats: &'s Stats,
        parts: impl Iterator<Item = (Vec<Cell>, Vec<Accumulator>)>,
    ) -> Groups<'s> {
        Groups { groups: parts.collect(), ..Groups::new(stats) }
    }

    /// The accumulators of a group, in the order of `stats.aggs`. The key has a cell for each of `stats.by`. What is added
    /// to them is not counted as memory.
    pub fn of(&mut self, key: Vec<Cell>) -> Result<&mut [Accumulator], TooManyGroups> {
        self.with_room(key).map(|(accumulators, _)| accumulators)
    }

    fn with_room(&mut self, key: Vec<Cell>) -> Result<(&mut [Accumulator], &mut Room), TooManyGroups> {
        let Groups { stats, groups, groups_max, room } = self;
        if groups.len() >= *groups_max && !groups.contains_key(&key) {
            return Err(TooManyGroups);
        }
        let key_bytes = size_of_val(key.as_slice()) + key.iter().map(Cell::heap_bytes).sum::<usize>();
        let accumulators = groups.entry(key).or_insert_with(|| {
            room.take(key_bytes + stats.aggs.len() * size_of::<Accumulator>());
            stats.aggs.iter().map(Accumulator::new).collect()
        });
        Ok((accumulators, room))
    }

    /// Adds to each accumulator of a group, with its aggregate and the place of that, while there is memory.
    pub(super) fn add(
        &mut self,
        key: Vec<Cell>,
        mut add: impl FnMut(&Agg, usize, &mut Accumulator),
    ) -> Result<(), TooManyGroups> {
        if self.is_full() {
            return Err(TooManyGroups);
        }
        let aggs = &self.stats.aggs;
        let (accumulators, room) = self.with_room(key)?;
        for ((accumulator, agg), place) in accumulators.iter_mut().zip(aggs).zip(0..) {
            room.change(accumulator, |accumulator| add(agg, place, accumulator));
        }
        Ok(())
    }

    /// More memory is used than may be: nothing is added any more.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.room.is_full()
    }

    /// Adds a document: in each combination of the different values of its keys, null for a key that it lacks. With an
    /// error it is in some of its groups only.
    pub fn add_row(&mut self, row: &dyn Row) -> Result<(), TooManyGroups> {
        let at_ns = row.timestamp_ns();
        let combinations = combinations(self.stats.by.iter().map(|key| values_of(key, row)))?;
        for key in combinations {
            self.add(key, |agg, _, accumulator| match agg.field.as_deref() {
                None => accumulator.add_rows(1),
                Some(TIMESTAMP) => accumulator.add_at(Scalar::I64(at_ns), at_ns),
                Some(field) => row.field(field, &mut |value| {
                    accumulator.add_at(value, at_ns);
                    ControlFlow::Continue(())
                }),
            })?;
        }
        Ok(())
    }

    /// True when some result is a lower bound.
    #[must_use]
    pub fn has_lower_bounds(&self) -> bool {
        self.groups.values().flatten().any(Accumulator::is_lower_bound)
    }

    /// The table: keys, then aggregates; rows in the order of their keys. Without keys there is one row, always.
    #[must_use]
    pub fn finish(mut self) -> Table {
        if self.stats.by.is_empty() && self.groups.is_empty() {
            let empty = self.stats.aggs.iter().map(Accumulator::new).collect();
            self.groups.insert(Vec::new(), empty);
        }
        if let Some(series) = self.stats.series {
            self.gather(series);
        }
        let keys = self.stats.by.iter().map(|key| key.column().to_owned());
        let columns = keys.chain(self.stats.aggs.iter().map(|agg| agg.column.clone())).collect();
        let rows = self.groups.into_iter().map(|(mut row, accumulators)| {
            row.extend(accumulators.iter().map(Accumulator::finish));
            row
        });
        Table { columns, rows: rows.collect() }
    }

    /// Keeps the largest series and makes the others one. Accumulators are merged, not results, so that means and
    /// percentiles of the others are right.
    fn gather(&mut self, series: Series) {
        let is_time: Vec<bool> =
            self.stats.by.iter().map(|key| matches!(key, GroupKey::Time { .. })).collect();
        let series_of = |key: &[Cell]| -> Vec<Cell> {
            let values = key.iter().zip(&is_time).filter(|(_, is_time)| !**is_time);
            values.map(|(value, _)| value.clone()).collect()
        };
        let kept = series.keep.map(|keep| self.largest(keep, series_of));
        // Rows without a value are a series beside those that are counted.
        let is_kept = |key: &[Cell]| {
            let series = series_of(key);
            kept.as_ref().is_none_or(|kept| kept.contains(&series)) || is_missing(&series)
        };
        let values: BTreeSet<Cell> =
            self.groups.keys().filter(|key| is_kept(key)).flat_map(|key| series_of(key)).collect();
        let (none, other) = (free_name(Series::NONE, &values), free_name(Series::OTHER, &values));
        for (mut key, accumulators) in std::mem::take(&mut self.groups) {
            let is_kept = is_kept(&key);
            if !is_kept && !series.other {
                continue;
            }
            for (value, _) in key.iter_mut().zip(&is_time).filter(|(_, is_time)| !**is_time) {
                match (is_kept, &value) {
                    (false, _) => *value = other.clone(),
                    (true, Cell::Null) => *value = none.clone(),
                    (true, _) => {}
                }
            }
            match self.groups.get_mut(&key) {
                Some(merged) => {
                    merged.iter_mut().zip(&accumulators).for_each(|(merged, own)| merged.merge(own));
                }
                None => drop(self.groups.insert(key, accumulators)),
            }
        }
    }

    /// The series with the largest first aggregate over all times.
    fn largest(&self, keep: usize, series_of: impl Fn(&[Cell]) -> Vec<Cell>) -> BTreeSet<Vec<Cell>> {
        let mut totals: BTreeMap<Vec<Cell>, Accumulator> = BTreeMap::new();
        for (key, accumulators) in &self.groups {
            let Some(own) = accumulators.first() else { continue };
            match totals.get_mut(&series_of(key)) {
                Some(total) => total.merge(own),
                None => drop(totals.insert(series_of(key), own.clone())),
            }
        }
        let totals = totals.into_iter().filter(|(series, _)| !is_missing(series));
        let mut ranked: Vec<(Cell, Vec<Cell>)> =
            totals.map(|(series, total)| (total.finish(), series)).collect();
        // The largest first, those without a value last; ties in the order of the series, which they are in.
        ranked.sort_by(|(a, _), (b, _)| match (a, b) {
            (Cell::Null, _) | (_, Cell::Null) => a.cmp(b),
            _ => b.cmp(a),
        });
        ranked.into_iter().take(keep).map(|(_, series)| series).collect()
    }
}

/// Whether a series is that of rows without any value.
fn is_missing(series: &[Cell]) -> bool {
    series.iter().all(|value| *value == Cell::Null)
}

/// The name, in as many parentheses as it takes for no value to be called so.
fn free_name(name: &str, values: &BTreeSet<Cell>) -> Cell {
    let mut free = Cell::Str(name.to_owned());
    while let Cell::Str(taken) = &free
        && values.contains(&free)
    {
        free = Cell::Str(format!("({taken})"));
    }
    free
}

/// Every combination of one value of each key.
pub(super) fn combinations(keys: impl Iterator<Item = Vec<Cell>>) -> Result<Vec<Vec<Cell>>, TooManyGroups> {
    let mut combinations = vec![Vec::with_capacity(keys.size_hint().0)];
    for values in keys {
        if combinations.len().saturating_mul(values.len()) > MAX_GROUPS_OF_ROW {
            return Err(TooManyGroups);
        }
        let before = std::mem::take(&mut combinations);
        for mut key in before {
            // One value is the rule, and then nothing is copied.
            for value in values.iter().skip(1) {
                combinations.push([key.as_slice(), std::slice::from_ref(value)].concat());
            }
            key.extend(values.first().cloned());
            combinations.push(key);
        }
    }
    Ok(combinations)
}

/// The different values of a key, at least one: null when there is none.
fn values_of(key: &GroupKey, row: &dyn Row) -> Vec<Cell> {
    let name = match key {
        GroupKey::Time { step_ns } => {
            return vec![Cell::TimeNs(bucket_start_ns(row.timestamp_ns(), *step_ns))];
        }
        GroupKey::Field(name) if name == TIMESTAMP => return vec![Cell::TimeNs(row.timestamp_ns())],
        GroupKey::Field(name) => name,
    };
    let mut values = Vec::new();
    row.field(name, &mut |value| {
        values.push(Cell::from(value));
        ControlFlow::Continue(())
    });
    if values.len() > 1 {
        values.sort_unstable();
        values.dedup();
    }
    if values.is_empty() {
        values.push(Cell::Null);
    }
    values
}
