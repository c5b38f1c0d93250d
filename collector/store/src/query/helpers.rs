//! How many threads the queries of a store may use beside their own: as many as the machine has cores for,
//! all queries together, so that many at once don't multiply threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that may help, and how many of them are free.
#[derive(Debug)]
pub(crate) struct Helpers {
    all: usize,
    free: AtomicUsize,
}

impl Default for Helpers {
    /// One less than the cores: a query has a thread of its own.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self::of(cores - 1)
    }
}

impl Helpers {
    /// This many.
    pub(crate) fn of(count: usize) -> Self {
        Self { all: count, free: AtomicUsize::new(count) }
    }

    /// Their number, whether they are free or not.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// As many as are free, at most `wanted`.
    pub(crate) fn take(&self, wanted: usize) -> Taken<'_> {
        let take = |free: usize| Some(free - free.min(wanted));
        let free = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).unwrap_or_default();
        Taken { helpers: self, count: free.min(wanted) }
    }
}

/// Helpers that are busy until this is dropped.
pub(crate) struct Taken<'a> {
    helpers: &'a Helpers,
    count: usize,
}

impl Taken<'_> {
    /// Their number.
    pub(crate) fn count(&self) -> usize {
        self.count
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.helpers.free.fetch_add(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn helpers_are_shared_and_come_back() {
        let helpers = Helpers::of(3);
        let some = helpers.take(2);
        let rest = helpers.take(9);
        assert_eq!((some.count(), rest.count(), helpers.take(1).count()), (2, 1, 0));
        drop((some, rest));
        assert_eq!(helpers.take(9).count(), 3);
    }
}
