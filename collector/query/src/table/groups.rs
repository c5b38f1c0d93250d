//! The groups of a `stats`: a bounded map from keys to accumulators.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use super::{Cell, Table};
use crate::accumulate::Accumulator;
use crate::aliases::TIMESTAMP;
use crate::limits::{MAX_GROUPS, MAX_GROUPS_OF_ROW};
use crate::pipe::{GroupKey, Series, Stats, bucket_start_ns};
use crate::row::Row;
use crate::scalar::Scalar;

/// There would be more than [`MAX_GROUPS`] groups, or as many as a caller allows, or a row would be in more than
/// [`MAX_GROUPS_OF_ROW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_GROUPS} groups; group by a field with fewer values, or narrow the filter")]
pub struct TooManyGroups;

/// Partial result of a [`Stats`], mergeable with others of the same.
#[derive(Debug, Clone)]
pub struct Groups<'s> {
    stats: &'s Stats,
    groups: BTreeMap<Vec<Cell>, Vec<Accumulator>>,
    groups_max: usize,
}

impl<'s> Groups<'s> {
    /// No groups yet.
    #[must_use]
    pub fn new(stats: &'s Stats) -> Groups<'s> {
        Groups { stats, groups: BTreeMap::new(), groups_max: MAX_GROUPS }
    }

    /// At most this many groups, if that is fewer.
    #[must_use]
    pub fn at_most(self, groups_max: usize) -> Groups<'s> {
        Groups { groups_max: groups_max.min(MAX_GROUPS), ..self }
    }

    /// Groups that a store has made: each key once, with an accumulator for each of `stats.aggs`.
    pub fn of_parts(
        stats: &'s Stats,
        parts: impl Iterator<Item = (Vec<Cell>, Vec<Accumulator>)>,
    ) -> Groups<'s> {
        Groups { stats, groups: parts.collect(), groups_max: MAX_GROUPS }
    }

    /// The accumulators of a group, in the order of `stats.aggs`. The key has a cell for each of `stats.by`.
    pub fn of(&mut self, key: Vec<Cell>) -> Result<&mut [Accumulator], TooManyGroups> {
        if self.groups.len() >= self.groups_max && !self.groups.contains_key(&key) {
            return Err(TooManyGroups);
        }
        let stats = self.stats;
        Ok(self.groups.entry(key).or_insert_with(|| stats.aggs.iter().map(Accumulator::new).collect()))
    }

    /// Adds a document: in each combination of the different values of its keys, null for a key that it lacks. With an
    /// error it is in some of its groups only.
    pub fn add_row(&mut self, row: &dyn Row) -> Result<(), TooManyGroups> {
        let at_ns = row.timestamp_ns();
        let combinations = combinations(self.stats.by.iter().map(|key| values_of(key, row)))?;
        let aggs = &self.stats.aggs;
        for key in combinations {
            for (accumulator, agg) in self.of(key)?.iter_mut().zip(aggs) {
                match agg.field.as_deref() {
                    None => accumulator.add_rows(1),
                    Some(TIMESTAMP) => accumulator.add_at(Scalar::I64(at_ns), at_ns),
                    Some(field) => row.field(field, &mut |value| {
                        accumulator.add_at(value, at_ns);
                        ControlFlow::Continue(())
                    }),
                }
            }
        }
        Ok(())
    }

    /// Adds the groups of another part of the rows.
    pub fn merge(&mut self, other: &Groups<'_>) -> Result<(), TooManyGroups> {
        for (key, theirs) in &other.groups {
            for (ours, theirs) in self.of(key.clone())?.iter_mut().zip(theirs) {
                ours.merge(theirs);
            }
        }
        Ok(())
    }

    /// Number of groups.
    #[must_use]
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True without any group.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// True when some result is a lower bound.
    #[must_use]
    pub fn has_lower_bounds(&self) -> bool {
        self.groups.values().flatten().any(Accumulator::is_lower_bound)
    }

    /// Memory on the heap, bytes. Looks at every group.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let of_group = |(key, accumulators): (&Vec<Cell>, &Vec<Accumulator>)| {
            let own = size_of_val(key.as_slice()) + size_of_val(accumulators.as_slice());
            let of_key: usize = key.iter().map(Cell::heap_bytes).sum();
            own + of_key + accumulators.iter().map(Accumulator::heap_bytes).sum::<usize>()
        };
        self.groups.iter().map(of_group).sum()
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
        for (mut key, accumulators) in std::mem::take(&mut self.groups) {
            let is_kept = kept.as_ref().is_none_or(|kept| kept.contains(&series_of(&key)));
            if !is_kept && !series.other {
                continue;
            }
            for (value, _) in key.iter_mut().zip(&is_time).filter(|(_, is_time)| !**is_time) {
                match (is_kept, &value) {
                    (false, _) => *value = Cell::Str(Series::OTHER.to_owned()),
                    (true, Cell::Null) => *value = Cell::Str(Series::NONE.to_owned()),
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
        let mut ranked: Vec<(Cell, Vec<Cell>)> =
            totals.into_iter().map(|(series, total)| (total.finish(), series)).collect();
        // The largest first, those without a value last; ties in the order of the series, which they are in.
        ranked.sort_by(|(a, _), (b, _)| match (a, b) {
            (Cell::Null, _) | (_, Cell::Null) => a.cmp(b),
            _ => b.cmp(a),
        });
        ranked.into_iter().take(keep).map(|(_, series)| series).collect()
    }
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
