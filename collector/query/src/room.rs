//! What a query may use while it groups rows or works on a table: memory, counted as it grows, and time, asked for. There
//! is no clock here: who calls says when it is over.

use crate::accumulate::Accumulator;

/// Memory that may be used, bytes.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    used: usize,
    max: usize,
}

impl Room {
    /// Nothing used of so many bytes.
    #[must_use]
    pub fn new(max: usize) -> Room {
        Room { used: 0, max }
    }

    /// More was used than there is.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.used > self.max
    }

    /// Counts bytes, and says whether they fit.
    pub fn take(&mut self, bytes: usize) -> bool {
        self.used = self.used.saturating_add(bytes);
        !self.is_full()
    }

    /// These bytes are free again.
    pub fn give_back(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Changes an accumulator, and counts what that takes.
    pub fn change(&mut self, accumulator: &mut Accumulator, change: impl FnOnce(&mut Accumulator)) {
        let before = accumulator.heap_bytes();
        change(accumulator);
        self.take(accumulator.heap_bytes());
        self.give_back(before);
    }
}

/// What pipes on a table may use.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// Most memory of the table between two pipes, bytes. A pipe that makes a table of another has both for a while.
    pub bytes_max: usize,
    /// Asked again and again; false ends the work.
    pub goes_on: &'a dyn Fn() -> bool,
}

impl Limits<'_> {
    /// As much as there is.
    pub const NONE: Limits<'static> = Limits { bytes_max: usize::MAX, goes_on: &|| true };
}
