//! The first of many in some order, in bounded memory. What they are is not known here.

use std::cmp::Ordering;

use crate::limits::SORT_SETTLE_ROWS_MIN;
use crate::log_store::Partial;
use crate::query::meter::Meter;

/// What can be kept.
pub(crate) trait Kept {
    /// Memory on the heap, bytes.
    fn heap_bytes(&self) -> usize;
}

/// The first of what is pushed, in an order that has no two that are equal.
pub(crate) struct Best<'m, T> {
    meter: &'m Meter<'m>,
    /// How many are wanted.
    keep: usize,
    held: Vec<T>,
    /// True once the item at `keep - 1` is the last of those that are kept before it: what comes behind it is not wanted.
    has_bar: bool,
    /// Items before the bar that were wanted are kept, those behind it were let go of for their memory.
    is_cut: bool,
    heap_bytes: usize,
}

impl<'m, T: Kept> Best<'m, T> {
    /// Keeps this many, as far as there is memory for them.
    pub(crate) fn new(keep: usize, meter: &'m Meter<'m>) -> Self {
        Self { meter, keep, held: Vec::new(), has_bar: false, is_cut: false, heap_bytes: 0 }
    }

    /// The item that a newcomer has to come before.
    pub(crate) fn bar(&self) -> Option<&T> {
        self.held.get(self.keep.checked_sub(1)?).filter(|_| self.has_bar)
    }

    /// Takes an item.
    pub(crate) fn push(&mut self, item: T, order: &impl Fn(&T, &T) -> Ordering) {
        self.heap_bytes += item.heap_bytes();
        self.held.push(item);
        // Twice as many as are kept, so that ordering them costs little for each.
        let is_full = self.held.len() >= self.keep.saturating_mul(2).max(SORT_SETTLE_ROWS_MIN);
        if is_full || self.bytes() > self.meter.stats_bytes_max() {
            self.settle(order);
        }
    }

    /// Takes the items of another. What one has let go of for memory may come before the last of the other, so these go, too.
    pub(crate) fn absorb(&mut self, mut other: Self, order: &impl Fn(&T, &T) -> Ordering) {
        self.settle(order);
        other.settle(order);
        if let Some(bar) = other.bar().filter(|_| other.is_cut) {
            self.held.retain(|item| order(item, bar).is_le());
        }
        if let Some(bar) = self.bar().filter(|_| self.is_cut) {
            other.held.retain(|item| order(item, bar).is_le());
        }
        self.held.append(&mut other.held);
        self.has_bar = false;
        self.is_cut |= other.is_cut;
        if self.is_cut {
            self.keep = self.held.len().min(self.keep.max(other.keep));
            self.raise_bar(order);
        }
        self.heap_bytes = self.held.iter().map(T::heap_bytes).sum();
        self.settle(order);
    }

    /// The same without what no longer has a chance.
    pub(crate) fn settled(mut self, order: &impl Fn(&T, &T) -> Ordering) -> Self {
        self.settle(order);
        self
    }

    /// The same items as others, in their order.
    pub(crate) fn map<U: Kept, E>(
        self,
        items: impl FnOnce(Vec<T>) -> Result<Vec<U>, E>,
    ) -> Result<Best<'m, U>, E> {
        let Self { meter, keep, held, has_bar, is_cut, .. } = self;
        let held = items(held)?;
        let heap_bytes = held.iter().map(U::heap_bytes).sum();
        Ok(Best { meter, keep, held, has_bar, is_cut, heap_bytes })
    }

    /// The first, in their order.
    pub(crate) fn finish(mut self, order: &impl Fn(&T, &T) -> Ordering) -> Vec<T> {
        self.settle(order);
        self.held.sort_unstable_by(order);
        self.held
    }

    fn bytes(&self) -> usize {
        self.held.len() * size_of::<T>() + self.heap_bytes
    }

    /// Lets go of what no longer has a chance.
    fn settle(&mut self, order: &impl Fn(&T, &T) -> Ordering) {
        self.cut(order);
        if self.bytes() > self.meter.stats_bytes_max() && self.held.len() > 1 {
            self.meter.note(Partial::SortRows);
            self.keep = self.held.len() / 2;
            self.is_cut = true;
            self.cut(order);
        }
    }

    fn cut(&mut self, order: &impl Fn(&T, &T) -> Ordering) {
        if self.held.len() > self.keep {
            self.raise_bar(order);
        }
    }

    fn raise_bar(&mut self, order: &impl Fn(&T, &T) -> Ordering) {
        if let Some(last) = self.keep.checked_sub(1) {
            self.held.select_nth_unstable_by(last, order);
        }
        self.held.truncate(self.keep);
        self.has_bar = true;
        self.heap_bytes = self.held.iter().map(T::heap_bytes).sum();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::log_store::Budget;
    use crate::query::conditions::cache::ScanCache;
    use crate::query::helpers::Helpers;

    impl Kept for u32 {
        fn heap_bytes(&self) -> usize {
            996
        }
    }

    /// What is left of numbers that several threads were given, and whether that is all that were wanted.
    fn first(keep: usize, memory_bytes: usize, parts: &[&[u32]]) -> (Vec<u32>, bool) {
        let budget = Budget {
            deadline: Instant::now() + Duration::from_secs(600),
            cancelled: Arc::default(),
            scanned_bytes_max: 0,
            groups_max: 0,
            stats_bytes_max: memory_bytes,
            cost: Arc::default(),
        };
        let (scans, helpers) = (ScanCache::default(), Helpers::of(0));
        let meter = Meter::new(&budget, &scans, &helpers);
        let mut all = Best::new(keep, &meter);
        for part in parts {
            let mut best = Best::new(keep, &meter);
            part.iter().for_each(|number| best.push(*number, &u32::cmp));
            all.absorb(best, &u32::cmp);
        }
        (all.finish(&u32::cmp), meter.partial().is_none())
    }

    #[test]
    fn the_first_are_kept_and_without_memory_none_is_missing_between_them() {
        let numbers: Vec<u32> = (0..1_000).map(|n| n * 7_919 % 1_000).collect();
        let parts: Vec<&[u32]> = numbers.chunks(300).collect();
        for keep in [0, 1, 10, 999, 1_000, 2_000] {
            let expected: Vec<u32> = (0..1_000).take(keep).collect();
            assert_eq!(first(keep, usize::MAX, &parts), (expected, true), "{keep}");
        }
        let (some, all) = first(500, 100_000, &parts);
        assert!(!all && some.len() > 20 && some == (0..some.len() as u32).collect::<Vec<_>>(), "{some:?}");
        // The first has room for all of its own, of which those are let go of that the second may have had before.
        let (some, _) = first(90, 100_000, &[&numbers[..80], &numbers[80..]]);
        assert!(some.len() > 20 && some == (0..some.len() as u32).collect::<Vec<_>>(), "{some:?}");
    }
}
