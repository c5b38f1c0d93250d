//! What a query has used of its budget, and why it stops.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::cache::ScanCache;
use crate::error::StoreError;
use crate::log_store::{Budget, Partial};

/// Why a query, or a part of it, ends before its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The budget is used up: the answer is partial.
    Partial(Partial),
    /// A split can't be read.
    Failed(StoreError),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Counts what one query uses.
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    scans: &'a ScanCache,
    scanned_bytes: Cell<u64>,
    partial: Cell<Option<Partial>>,
    damaged: Cell<u64>,
}

impl<'a> Meter<'a> {
    /// Nothing used yet.
    pub(crate) fn new(budget: &'a Budget, scans: &'a ScanCache) -> Self {
        Self { budget, scans, scanned_bytes: Cell::new(0), partial: Cell::new(None), damaged: Cell::new(0) }
    }

    /// Called at least once per zone.
    pub(crate) fn check(&self) -> Result<(), Halt> {
        if self.budget.cancelled.load(Ordering::Relaxed) || Instant::now() >= self.budget.deadline {
            return Err(Halt::Partial(Partial::Deadline));
        }
        Ok(())
    }

    /// Before this many bytes are decompressed.
    pub(crate) fn scan(&self, bytes: u64) -> Result<(), Halt> {
        let scanned = self.scanned_bytes.get().saturating_add(bytes);
        if scanned > self.budget.scanned_bytes_max {
            return Err(Halt::Partial(Partial::ScannedBytes));
        }
        self.scanned_bytes.set(scanned);
        Ok(())
    }

    /// What earlier queries found in dictionaries.
    pub(crate) fn scans(&self) -> &'a ScanCache {
        self.scans
    }

    /// Most groups or values to hold.
    pub(crate) fn groups_max(&self) -> usize {
        self.budget.groups_max
    }

    /// Notes that something is missing in the answer; the first reason is the one that is told.
    pub(crate) fn note(&self, partial: Partial) {
        if self.partial.get().is_none() {
            self.partial.set(Some(partial));
        }
    }

    /// Notes and logs that a split was left out.
    pub(crate) fn note_damaged(&self, split: u64, error: &StoreError) {
        tracing::error!(split, %error, "a split can't be read and is left out of an answer");
        self.damaged.set(self.damaged.get() + 1);
        self.note(Partial::Damaged);
    }

    /// Ends one part of a query. True: go on with the next part; false: stop with what there is.
    pub(crate) fn go_on(&self, split: u64, result: Result<(), Halt>) -> bool {
        match result {
            Ok(()) => true,
            Err(Halt::Failed(error)) => {
                self.note_damaged(split, &error);
                true
            }
            Err(Halt::Partial(partial)) => {
                self.note(partial);
                false
            }
        }
    }

    /// What is missing in the answer.
    pub(crate) fn partial(&self) -> Option<Partial> {
        self.partial.get()
    }

    /// Splits that were left out.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged.get()
    }
}
