//! Counts of numbered strings that go from split to split: where all splits have the same prefix, a number means the
//! same string in each, and one table for each thread counts them all.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::query::values::ordinal_counts::OrdinalCounts;
use crate::query::values::terms::Terms;
use crate::query::zone::ZoneView;
use crate::split::bits::Bits;
use crate::split::numbered::Numbered;

/// Bytes for a number: in the table, and in the sum of all.
pub(crate) const TABLE_BYTES: usize = size_of::<u8>() + size_of::<u32>();

/// The tables of one field.
#[derive(Default)]
pub(crate) struct NumberTables<'s> {
    /// A column with the prefix.
    numbered: Option<&'s Numbered>,
    home: Home,
    bytes: usize,
}

/// Where tables are that nobody counts in.
type Home = Arc<Mutex<Vec<NumberTable>>>;

/// A table that goes home when this is dropped. When a split fails, what was counted of it until then stays in: it
/// can't be told from the counts of other splits.
pub(crate) struct Lent {
    table: NumberTable,
    home: Home,
}

/// Counts by number, from the first on. Numbers come in no order and there are millions, so the table is kept small: most
/// counts fit a byte.
#[derive(Default)]
struct NumberTable {
    first: u32,
    /// The lowest bits of the counts.
    low: Vec<u8>,
    /// The others, by number.
    high: FxHashMap<u32, u32>,
}

impl<'s> NumberTables<'s> {
    /// Heap bytes of all tables and of their sum.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A table for the numbers of one more split; `None` when it has another prefix, or when all tables would have more
    /// than `bytes_max`.
    pub(crate) fn lend(&mut self, numbered: &'s Numbered, bytes_max: usize) -> Option<Lent> {
        if numbered.prefix() != self.numbered.get_or_insert(numbered).prefix() {
            return None;
        }
        let (first, count) = numbered.span();
        let mut tables = lock(&self.home);
        let mut table = tables.pop().unwrap_or(NumberTable { first, ..NumberTable::default() });
        let range = first.min(table.first)..(first.saturating_add(count)).max(table.end());
        let bytes = self.bytes + (range.len() - table.low.len()) * TABLE_BYTES;
        if bytes > bytes_max {
            tables.push(table);
            return None;
        }
        self.bytes = bytes;
        table.cover(&range);
        Some(Lent { table, home: Arc::clone(&self.home) })
    }

    /// The sum of all tables, with the column that has their texts.
    pub(crate) fn finish(self) -> Option<(Terms<'s>, OrdinalCounts)> {
        let numbered = self.numbered?;
        let tables = std::mem::take(&mut *lock(&self.home));
        let first = tables.iter().map(|table| table.first).min()?;
        let end = tables.iter().map(NumberTable::end).max()?;
        let mut counts = vec![0; end.saturating_sub(first) as usize];
        tables.iter().for_each(|table| table.add_to(first, &mut counts));
        let terms = Terms::Numbered(numbered, first, counts.len() as u32);
        Some((terms, OrdinalCounts::Table(counts)))
    }
}

fn lock(home: &Home) -> MutexGuard<'_, Vec<NumberTable>> {
    home.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Lent {
    fn drop(&mut self) {
        lock(&self.home).push(std::mem::take(&mut self.table));
    }
}

impl Lent {
    /// The numbers that it has room for: the first, and how many.
    pub(crate) fn range(&self) -> (u32, u32) {
        (self.table.first, self.table.low.len() as u32)
    }

    /// Counts one for each document that has a string, by its ordinal, and gives the number of these documents.
    pub(crate) fn add_picked(&mut self, terms: Terms<'_>, view: &ZoneView<'_>, bits: &Bits) -> usize {
        self.table.add_picked(terms, view, bits)
    }
}

impl NumberTable {
    fn end(&self) -> u32 {
        // Numbers are far below 2^32.
        self.first.saturating_add(self.low.len() as u32)
    }

    /// Makes room for more numbers.
    fn cover(&mut self, range: &Range<u32>) {
        let before = self.first.saturating_sub(range.start) as usize;
        let after = range.end.saturating_sub(self.end()) as usize;
        self.low.splice(..0, std::iter::repeat_n(0, before));
        self.low.resize(self.low.len() + after, 0);
        self.first = self.first.min(range.start);
    }

    fn add_picked(&mut self, terms: Terms<'_>, view: &ZoneView<'_>, bits: &Bits) -> usize {
        let mut having = 0;
        let (first, low, high) = (self.first, &mut self.low[..], &mut self.high);
        terms.for_each_picked(view, bits, |_, ordinal| {
            having += 1;
            if let Some(count) = low.get_mut(ordinal as usize) {
                *count = count.wrapping_add(1);
                if *count == 0 {
                    *high.entry(first.saturating_add(ordinal as u32)).or_default() += 1;
                }
            }
        });
        having
    }

    fn add_to(&self, first: u32, counts: &mut [u32]) {
        let at = |number: u32| (number - first) as usize;
        let own = counts.iter_mut().skip(at(self.first));
        own.zip(&self.low).for_each(|(sum, count)| *sum = sum.saturating_add(u32::from(*count)));
        for (number, count) in &self.high {
            if let Some(sum) = counts.get_mut(at(*number)) {
                *sum = sum.saturating_add(count.saturating_mul(1 << u8::BITS));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_any_ranges_add_up() {
        for (a, b) in [(2..5, 5..9), (5..9, 0..3), (2..4, 0..9), (0..9, 2..4), (3..3, 1..2)] {
            let first = a.start.min(b.start);
            let mut counts = vec![0; (a.end.max(b.end) - first) as usize];
            for range in [&a, &b] {
                let mut table = NumberTable { first: range.start, ..NumberTable::default() };
                table.cover(range);
                table.low.iter_mut().zip(range.clone()).for_each(|(low, number)| *low = number as u8);
                table.high.extend(range.clone().next().map(|number| (number, 3)));
                table.add_to(first, &mut counts);
            }
            let of = |range: &Range<u32>, number: u32| match range.contains(&number) {
                true if number == range.start => number + 768,
                true => number,
                false => 0,
            };
            for (found, number) in counts.iter().zip(first..) {
                assert_eq!(*found, of(&a, number) + of(&b, number), "{number} of {a:?} and {b:?}");
            }
        }
    }
}
