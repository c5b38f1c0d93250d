//! The groups of a `stats`: a bounded map from keys to accumulators.

use std::collections::BTreeMap;

use super::{Cell, Table};
use crate::accumulate::Accumulator;
use crate::limits::MAX_GROUPS;
use crate::pipe::Stats;

/// There would be more than [`MAX_GROUPS`] groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {MAX_GROUPS} groups; group by a field with fewer values, or narrow the filter")]
pub struct TooManyGroups;

/// Partial result of a [`Stats`], mergeable with others of the same.
#[derive(Debug, Clone)]
pub struct Groups<'s> {
    stats: &'s Stats,
    groups: BTreeMap<Vec<Cell>, Vec<Accumulator>>,
}

impl<'s> Groups<'s> {
    /// No groups yet.
    #[must_use]
    pub fn new(stats: &'s Stats) -> Groups<'s> {
        Groups { stats, groups: BTreeMap::new() }
    }

    /// The accumulators of a group, in the order of `stats.aggs`. The key has a cell for each of `stats.by`.
    pub fn of(&mut self, key: Vec<Cell>) -> Result<&mut [Accumulator], TooManyGroups> {
        if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&key) {
            return Err(TooManyGroups);
        }
        let stats = self.stats;
        Ok(self.groups.entry(key).or_insert_with(|| stats.aggs.iter().map(Accumulator::new).collect()))
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

    /// The table: keys, then aggregates; rows in the order of their keys. Without keys there is one row, always.
    #[must_use]
    pub fn finish(mut self) -> Table {
        if self.stats.by.is_empty() && self.groups.is_empty() {
            let empty = self.stats.aggs.iter().map(Accumulator::new).collect();
            self.groups.insert(Vec::new(), empty);
        }
        let keys = self.stats.by.iter().map(|key| key.column().to_owned());
        let columns = keys.chain(self.stats.aggs.iter().map(|agg| agg.column.clone())).collect();
        let rows = self.groups.into_iter().map(|(mut row, accumulators)| {
            row.extend(accumulators.iter().map(Accumulator::finish));
            row
        });
        Table { columns, rows: rows.collect() }
    }
}
