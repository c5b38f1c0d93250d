//! The counts of one field over all splits: columns are merged in the order of their texts, so that millions of different
//! values need no table of these.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use super::best::{Best, Value, key_of};
use super::top::{Counted, add_top};
use super::value_counts::FieldCounts;
use crate::log_store::Partial;
use crate::query::meter::{Halt, Meter};
use crate::query::values::keys::Key;
use crate::query::values::ordinal_counts::{OrdinalCounts, next_floor};
use crate::query::values::terms::{TermCounts, Terms};

/// Terms that are merged between two looks at the budget: about a millisecond.
const CHECK_STEP: u32 = 4_096;

/// Counts of one field in all splits.
#[derive(Default)]
pub(crate) struct Total<'s> {
    columns: Vec<Counted<'s>>,
    /// Values with a count of at most this in a split are left out.
    floor: u32,
    others: FxHashMap<Key, u64>,
    missing: u64,
}

impl<'s> Total<'s> {
    /// Documents without a value.
    pub(crate) fn missing(&self) -> u64 {
        self.missing
    }

    /// Adds the counts of a split.
    pub(crate) fn add(&mut self, counts: FieldCounts<'s>, meter: &Meter<'_>) -> Result<(), Halt> {
        self.missing += counts.missing;
        let mut numbers: Vec<_> = counts.others.keys().copied().collect();
        numbers.sort_unstable();
        for (number, key) in numbers.iter().zip(counts.keys.resolve(&numbers)?) {
            let count = counts.others.get(number).copied().unwrap_or_default();
            if self.others.len() >= meter.groups_max() && !self.others.contains_key(&key) {
                meter.note(Partial::Groups);
                continue;
            }
            *self.others.entry(key).or_default() += count;
        }
        let mut rest = counts.terms;
        for (terms, range) in counts.keys.ranges() {
            let own = rest.split_front(u32::try_from(range.end - range.start).unwrap_or(u32::MAX));
            let mut own = own.compact();
            if self.floor > 0 {
                own.drop_rare(self.floor);
            }
            if own.heap_bytes() > 0 {
                self.columns.push((terms, own));
            }
        }
        Ok(())
    }

    /// Adds the counts of a column.
    pub(crate) fn add_counts(&mut self, terms: Terms<'s>, counts: OrdinalCounts) {
        self.columns.push((terms, counts));
    }

    /// Bytes of the counts by column.
    pub(crate) fn counts_bytes(&self) -> usize {
        self.columns.iter().map(|(_, counts)| counts.heap_bytes()).sum()
    }

    /// Leaves out values that are more frequent than those that were left out before.
    pub(crate) fn drop_rare(&mut self) {
        self.floor = next_floor(self.floor);
        self.columns.iter_mut().for_each(|(_, counts)| counts.drop_rare(self.floor));
    }

    /// Makes numbers and truth values strings, for callers that show texts only.
    pub(crate) fn others_as_text(&mut self) {
        for (key, count) in std::mem::take(&mut self.others) {
            *self.others.entry(Key::String(key.into_text().into())).or_default() += count;
        }
    }

    /// Adds the most frequent values to `best`.
    pub(crate) fn add_best(self, best: &mut Best, meter: &Meter<'_>) {
        let added = match self.floor {
            0 => add_top(&self.columns, &self.others, best, meter),
            _ => Ok(false),
        };
        let result = match added {
            Ok(true) => Ok(()),
            Ok(false) => self.for_each(meter, &mut |value, count| best.add(value, count)),
            Err(halt) => Err(halt),
        };
        // No split has the number 0.
        meter.go_on(0, result);
    }

    /// As [`Self::add_best`], and gives the number of different values.
    pub(crate) fn add_best_of_all(self, best: &mut Best, meter: &Meter<'_>) -> u64 {
        if let ([(_, counts)], true) = (&self.columns[..], self.others.is_empty()) {
            let distinct = counts.distinct();
            if best.top() > 0 {
                self.add_best(best, meter);
            }
            return distinct;
        }
        let mut distinct = 0;
        let result = self.for_each(meter, &mut |value, count| {
            distinct += 1;
            if best.top() > 0 {
                best.add(value, count);
            }
        });
        meter.go_on(0, result);
        distinct
    }

    /// Visits every value with its count, once each.
    pub(crate) fn for_each(
        mut self,
        meter: &Meter<'_>,
        visit: &mut dyn FnMut(Value<'_>, u64),
    ) -> Result<(), Halt> {
        let mut cursors = Vec::with_capacity(self.columns.len());
        let mut queue = BinaryHeap::new();
        for (index, (terms, counts)) in self.columns.iter().enumerate() {
            let mut cursor = TermCounts::new(*terms, counts)?;
            if let Some(term) = cursor.next(Vec::new()) {
                queue.push(Reverse((term, index)));
            }
            cursors.push(cursor);
        }
        let others = &mut self.others;
        let mut finish = |term: &[u8], count: u64| {
            // What residuals and messages have of the same text.
            let more = if others.is_empty() { 0 } else { others.remove(&key_of(term)).unwrap_or(0) };
            visit(Value::Term(term), count + more);
        };
        let (mut current, mut total) = (Vec::new(), 0u64);
        let mut steps = 0_u32;
        while let Some(Reverse((term, index))) = queue.pop() {
            if steps.is_multiple_of(CHECK_STEP) {
                meter.check_wanted()?;
            }
            steps = steps.wrapping_add(1);
            let Some(cursor) = cursors.get_mut(index) else { continue };
            let count = u64::from(cursor.count());
            // A term that was counted has a count above 0.
            if total > 0 && term != current {
                finish(&current, total);
                total = 0;
            }
            total += count;
            let spare = std::mem::replace(&mut current, term);
            if let Some(term) = cursor.next(spare) {
                queue.push(Reverse((term, index)));
            }
        }
        if total > 0 {
            finish(&current, total);
        }
        self.others.into_iter().for_each(|(key, count)| visit(Value::Key(key), count));
        Ok(())
    }
}
