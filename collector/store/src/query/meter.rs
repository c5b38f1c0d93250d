//! What a query has used of its budget, and why it stops.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::cost::Cost;
use crate::error::StoreError;
use crate::log_store::{Budget, Partial};
use crate::query::conditions::cache::ScanCache;
use crate::query::helpers::Helpers;

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

/// Counts what one query uses, on all of its threads.
pub(crate) struct Meter<'a> {
    budget: &'a Budget,
    scans: &'a ScanCache,
    helpers: &'a Helpers,
    partial: OnceLock<Partial>,
    damaged: AtomicU64,
}

impl<'a> Meter<'a> {
    /// Nothing used yet.
    pub(crate) fn new(budget: &'a Budget, scans: &'a ScanCache, helpers: &'a Helpers) -> Self {
        Self { budget, scans, helpers, partial: OnceLock::new(), damaged: AtomicU64::new(0) }
    }

    /// An account for work that the answer doesn't depend on: what is missing there is missing in no answer.
    pub(crate) fn aside(&self) -> Self {
        Self::new(self.budget, self.scans, self.helpers)
    }

    /// Called at least once per zone.
    pub(crate) fn check(&self) -> Result<(), Halt> {
        if self.budget.cancelled.load(Ordering::Relaxed) || Instant::now() >= self.budget.deadline {
            return Err(Halt::Partial(Partial::Deadline));
        }
        Ok(())
    }

    /// As [`Self::check`], for work on what was counted until the deadline: that is still wanted after it.
    pub(crate) fn check_wanted(&self) -> Result<(), Halt> {
        match self.budget.cancelled.load(Ordering::Relaxed) {
            true => Err(Halt::Partial(Partial::Deadline)),
            false => Ok(()),
        }
    }

    /// Before this many bytes are decompressed, of which there may be so many more than the budget has.
    pub(crate) fn scan(&self, bytes: u64, more_bytes: u64) -> Result<(), Halt> {
        if self.budget.cost.scan(bytes) > self.budget.scanned_bytes_max.saturating_add(more_bytes) {
            return Err(Halt::Partial(Partial::ScannedBytes));
        }
        Ok(())
    }

    /// Where the query counts what it does.
    pub(crate) fn cost(&self) -> &'a Cost {
        &self.budget.cost
    }

    /// What earlier queries found in dictionaries.
    pub(crate) fn scans(&self) -> &'a ScanCache {
        self.scans
    }

    /// Threads that may help.
    pub(crate) fn helpers(&self) -> &'a Helpers {
        self.helpers
    }

    /// Most groups or values to hold.
    pub(crate) fn groups_max(&self) -> usize {
        self.budget.groups_max
    }

    /// Most memory of the groups of an aggregation, bytes.
    pub(crate) fn stats_bytes_max(&self) -> usize {
        self.budget.stats_bytes_max
    }

    /// What is left of the budget for work on what was found.
    pub(crate) fn budget(&self) -> &'a Budget {
        self.budget
    }

    /// Notes that something is missing in the answer; the first reason is the one that is told.
    pub(crate) fn note(&self, partial: Partial) {
        let _ = self.partial.set(partial);
    }

    /// Notes and logs that a split was left out.
    pub(crate) fn note_damaged(&self, split: u64, error: &StoreError) {
        tracing::error!(split, %error, "a split can't be read and is left out of an answer");
        self.damaged.fetch_add(1, Ordering::Relaxed);
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
        self.partial.get().copied()
    }

    /// Splits that were left out.
    pub(crate) fn damaged(&self) -> u64 {
        self.damaged.load(Ordering::Relaxed)
    }
}
