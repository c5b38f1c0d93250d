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

/// The first of what is pushed, in the order of `order`, which has no two that are equal.
pub(crate) struct Best<'m, T> {
    meter: &'m Meter<'m>,
    /// How many are wanted.
    keep: usize,
    held: Vec<T>,
    /// True once the item at `keep - 1` is the last of those that are kept before it: what comes behind it is not wanted.
    has_bar: bool,
    heap_bytes: usize,
}

impl<'m, T: Kept> Best<'m, T> {
    /// Keeps this many, as far as there is memory for them.
    pub(crate) fn new(keep: usize, meter: &'m Meter<'m>) -> Self {
        Self { meter, keep, held: Vec::new(), has_bar: false, heap_bytes: 0 }
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

    /// Takes the items of another.
    pub(crate) fn absorb(&mut self, other: Self, order: &impl Fn(&T, &T) -> Ordering) {
        other.held.into_iter().for_each(|item| self.push(item, order));
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
        if self.bytes() > self.meter.stats_bytes_max() {
            self.meter.note(Partial::SortRows);
            self.keep = self.held.len() / 2;
            self.cut(order);
        }
    }

    fn cut(&mut self, order: &impl Fn(&T, &T) -> Ordering) {
        if self.held.len() <= self.keep {
            return;
        }
        if let Some(last) = self.keep.checked_sub(1) {
            self.held.select_nth_unstable_by(last, order);
        }
        self.held.truncate(self.keep);
        self.has_bar = true;
        self.heap_bytes = self.held.iter().map(T::heap_bytes).sum();
    }
}
