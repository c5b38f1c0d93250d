//! The different values of a group, in their order, and the values of its first and last row by time.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::limits::{MAX_VALUES, MAX_VALUES_BYTES};
use crate::scalar::Scalar;
use crate::table::Cell;

/// A bounded set of values: the first [`MAX_VALUES`] in their order, so that it is the same in whatever order they come.
#[derive(Debug, Clone)]
pub struct Values {
    is_time: bool,
    values: BTreeSet<Cell>,
    bytes: usize,
    full: bool,
}

impl Values {
    pub(super) fn new(is_time: bool) -> Values {
        Values { is_time, values: BTreeSet::new(), bytes: 0, full: false }
    }

    pub(super) fn add(&mut self, value: Scalar<'_>) {
        self.insert(Cell::from(value));
    }

    fn insert(&mut self, cell: Cell) {
        let bytes = cell.heap_bytes();
        if !self.values.insert(cell) {
            return;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        while self.values.len() > MAX_VALUES || self.bytes > MAX_VALUES_BYTES {
            let Some(last) = self.values.pop_last() else { break };
            self.bytes = self.bytes.saturating_sub(last.heap_bytes());
            self.full = true;
        }
    }

    pub(super) fn merge(&mut self, other: &Values) {
        self.full |= other.full;
        other.values.iter().for_each(|cell| self.insert(cell.clone()));
    }

    /// True when values were left out.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn cell(&self) -> Cell {
        Cell::List(self.values.iter().map(|cell| shown(cell, self.is_time)).collect())
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.saturating_add(self.values.len().saturating_mul(size_of::<Cell>()))
    }
}

/// A value as it is shown; those of the time are whole numbers until then.
fn shown(cell: &Cell, is_time: bool) -> Cell {
    match cell {
        Cell::I64(at_ns) if is_time => Cell::TimeNs(*at_ns),
        other => other.clone(),
    }
}

/// The value with the smallest or largest time; of those with the same time the smallest or largest, so that the order in
/// which rows come makes no difference.
#[derive(Debug, Clone)]
pub struct Timed {
    is_time: bool,
    best: Option<(i64, Cell)>,
    wanted: Ordering,
}

impl Timed {
    pub(super) fn first(is_time: bool) -> Timed {
        Timed { is_time, best: None, wanted: Ordering::Less }
    }

    pub(super) fn last(is_time: bool) -> Timed {
        Timed { is_time, best: None, wanted: Ordering::Greater }
    }

    pub(super) fn add(&mut self, value: Scalar<'_>, at: i64) {
        let loses = self.best.as_ref().is_some_and(|(best, _)| at.cmp(best) == self.wanted.reverse());
        if !loses {
            self.offer(at, Cell::from(value));
        }
    }

    fn offer(&mut self, at: i64, cell: Cell) {
        let wins = match &self.best {
            None => true,
            Some((best_at, best)) => at.cmp(best_at).then_with(|| cell.cmp(best)) == self.wanted,
        };
        if wins {
            self.best = Some((at, cell));
        }
    }

    pub(super) fn merge(&mut self, other: &Timed) {
        if let Some((at, cell)) = &other.best {
            self.offer(*at, cell.clone());
        }
    }

    pub(super) fn cell(&self) -> Cell {
        self.best.as_ref().map_or(Cell::Null, |(_, cell)| shown(cell, self.is_time))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.best.as_ref().map_or(0, |(_, cell)| cell.heap_bytes())
    }
}
