//! Counts by group and value within one split: a table while that is small, else a hash map.

use rustc_hash::FxHashMap;

use super::field_keys::KeyNumber;
use crate::limits::TALLY_CELLS_MAX;

/// Counts of (group, value).
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Values with a number below it are counted in `rows`.
    width: usize,
    /// By group, then by value; a group's row is made when it is first used.
    rows: Vec<Box<[u32]>>,
    cells: u64,
    others: FxHashMap<(usize, KeyNumber), u64>,
}

impl Tally {
    /// Nothing counted yet; values with a number below `known` are expected.
    pub(crate) fn new(known: u64) -> Self {
        let width = if known <= TALLY_CELLS_MAX { known as usize } else { 0 };
        Self { width, ..Self::default() }
    }

    /// Counts one.
    pub(crate) fn add(&mut self, group: usize, number: KeyNumber) {
        if let Some(row) = self.rows.get_mut(group)
            && let Some(count) = row.get_mut(number as usize)
            && *count < u32::MAX
        {
            *count += 1;
        } else {
            self.add_slowly(group, number);
        }
    }

    /// Counts many.
    pub(crate) fn add_many(&mut self, group: usize, number: KeyNumber, count: u64) {
        let sum = |old: u32| u64::from(old).checked_add(count).and_then(|sum| u32::try_from(sum).ok());
        if (number as usize) < self.width
            && let Some(row) = self.row(group)
            && let Some(old) = row.get_mut(number as usize)
            && let Some(sum) = sum(*old)
        {
            *old = sum;
        } else {
            *self.others.entry((group, number)).or_default() += count;
        }
    }

    fn add_slowly(&mut self, group: usize, number: KeyNumber) {
        if (number as usize) < self.width
            && let Some(row) = self.row(group)
            && let Some(count) = row.get_mut(number as usize)
            && *count < u32::MAX
        {
            *count += 1;
        } else {
            *self.others.entry((group, number)).or_default() += 1;
        }
    }

    fn row(&mut self, group: usize) -> Option<&mut Box<[u32]>> {
        while self.rows.len() <= group {
            self.rows.push(Box::default());
        }
        let row = self.rows.get_mut(group)?;
        if row.is_empty() {
            if self.cells + self.width as u64 > TALLY_CELLS_MAX {
                return None;
            }
            self.cells += self.width as u64;
            *row = vec![0; self.width].into();
        }
        Some(row)
    }

    /// Memory on the heap, bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let table = usize::try_from(self.cells).unwrap_or(usize::MAX).saturating_mul(size_of::<u32>());
        let rows = self.rows.capacity() * size_of::<Box<[u32]>>();
        table
            .saturating_add(rows)
            .saturating_add(self.others.capacity() * (size_of::<((usize, KeyNumber), u64)>() + 1))
    }

    /// Adds what another tally has counted.
    pub(crate) fn absorb(&mut self, other: &Self) {
        for (group, row) in other.rows.iter().enumerate().filter(|(_, row)| !row.is_empty()) {
            match self.row(group) {
                Some(own) if own.len() == row.len() => {
                    own.iter_mut().zip(row).for_each(|(own, count)| *own = own.saturating_add(*count));
                }
                _ => (0u64..).zip(row).filter(|(_, count)| **count > 0).for_each(|(number, count)| {
                    *self.others.entry((group, number)).or_default() += u64::from(*count);
                }),
            }
        }
        for (pair, count) in &other.others {
            *self.others.entry(*pair).or_default() += count;
        }
    }

    /// The values that were counted, ascending.
    pub(crate) fn numbers(&self) -> Vec<KeyNumber> {
        let mut seen = vec![false; self.width];
        for row in &self.rows {
            row.iter().zip(&mut seen).for_each(|(count, seen)| *seen |= *count > 0);
        }
        let mut numbers: Vec<_> =
            (0u64..).zip(&seen).filter(|(_, seen)| **seen).map(|(number, _)| number).collect();
        numbers.extend(self.others.keys().map(|(_, number)| *number));
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// Visits (group, count) of one value in the table.
    pub(crate) fn in_table(&self, number: KeyNumber, mut visit: impl FnMut(usize, u64)) {
        for (group, row) in self.rows.iter().enumerate() {
            match row.get(number as usize) {
                Some(count) if *count > 0 => visit(group, u64::from(*count)),
                _ => {}
            }
        }
    }

    /// (number, group, count) of everything that is not in the table, ascending.
    pub(crate) fn beside_table(&self) -> Vec<(KeyNumber, usize, u64)> {
        let mut counts: Vec<_> =
            self.others.iter().map(|((group, number), count)| (*number, *group, *count)).collect();
        counts.sort_unstable();
        counts
    }

    /// Visits (group, number, count) of everything that was counted, in no order; a pair may come twice.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(usize, KeyNumber, u64)) {
        for (group, row) in self.rows.iter().enumerate() {
            for (number, count) in (0u64..).zip(row).filter(|(_, count)| **count > 0) {
                visit(group, number, u64::from(*count));
            }
        }
        self.others.iter().for_each(|((group, number), count)| visit(*group, *number, *count));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn tables_and_maps_count_alike() {
        for known in [0, 3, 5, TALLY_CELLS_MAX / 2, TALLY_CELLS_MAX + 1] {
            let mut tally = Tally::new(known);
            let mut expected = BTreeMap::new();
            for (group, number) in [(2, 4), (0, 0), (7, 4), (2, 4), (1, 9_999_999), (0, 1), (2, 0)] {
                tally.add(group, number);
                tally.add_many(group, number, 3);
                *expected.entry((group, number)).or_insert(0) += 4;
            }
            let table_bytes = size_of::<u32>() * TALLY_CELLS_MAX as usize;
            assert!(tally.heap_bytes() < table_bytes + 10_000, "{known}: {}", tally.heap_bytes());
            tally.add_many(1, 2, u64::from(u32::MAX) + 7);
            tally.add_many(1, 2, 5);
            expected.insert((1, 2), u64::from(u32::MAX) + 12);
            let mut found = BTreeMap::new();
            tally.for_each(|group, number, count| *found.entry((group, number)).or_insert(0) += count);
            assert_eq!(found, expected, "{known}");
            assert_eq!(tally.numbers(), [0, 1, 2, 4, 9_999_999]);
        }
    }
}
