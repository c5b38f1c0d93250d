//! Smallest and largest values, in the order of cells: bools, numbers, strings.

use std::cmp::Ordering;

use crate::scalar::Scalar;
use crate::table::Cell;

/// The smallest or the largest value so far.
#[derive(Debug, Clone)]
pub struct Extreme {
    best: Cell,
    wanted: Ordering,
    is_time: bool,
}

impl Extreme {
    pub(super) fn smallest(is_time: bool) -> Extreme {
        Extreme { best: Cell::Null, wanted: Ordering::Less, is_time }
    }

    pub(super) fn largest(is_time: bool) -> Extreme {
        Extreme { best: Cell::Null, wanted: Ordering::Greater, is_time }
    }

    pub(super) fn add(&mut self, value: Scalar<'_>) {
        if matches!(value, Scalar::F64(value) if value.is_nan()) {
            return;
        }
        // A string is copied only when it wins.
        let wins = match (&self.best, value) {
            (Cell::Null, _) => true,
            (Cell::Str(best), Scalar::Str(text)) => text.cmp(best.as_str()) == self.wanted,
            (best, value) => Cell::from(value).cmp(best) == self.wanted,
        };
        if wins {
            self.best = Cell::from(value);
        }
    }

    pub(super) fn merge(&mut self, other: &Extreme) {
        let known = !matches!(other.best, Cell::Null);
        if known && (matches!(self.best, Cell::Null) || other.best.cmp(&self.best) == self.wanted) {
            self.best = other.best.clone();
        }
    }

    pub(super) fn cell(&self) -> Cell {
        match (&self.best, self.is_time) {
            (Cell::I64(ns), true) => Cell::TimeNs(*ns),
            (best, _) => best.clone(),
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        match &self.best {
            Cell::Str(text) => text.capacity(),
            _ => 0,
        }
    }
}
