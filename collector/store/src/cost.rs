//! What a query did to come to its answer: which splits it had to open, how many documents it looked at. Counted for
//! every query, by the split and by the zone, so that it costs next to nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Counts for one query, which may be several calls of the store and several threads.
#[derive(Debug, Default)]
pub struct Cost {
    /// Of the first call: later ones go on where it stopped.
    snapshot: OnceLock<Snapshot>,
    /// Splits that came up, by id; true: some of their documents were looked at.
    splits: Mutex<BTreeMap<u64, bool>>,
    documents_searched: AtomicU64,
    documents_matched: AtomicU64,
    scanned_bytes: AtomicU64,
}

#[derive(Debug)]
struct Snapshot {
    splits: u64,
    outside_time: u64,
}

/// The counts of a query so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostReport {
    /// Splits that there were when the query began.
    pub splits: u64,
    /// Splits that have no document in the range of time.
    pub outside_time: u64,
    /// Splits whose dictionaries, words or filters say that nothing in them matches.
    pub ruled_out: u64,
    /// Splits that had documents to look at. The rest was not needed: enough rows were found before.
    pub searched: u64,
    /// Documents of the zones that were evaluated.
    pub documents_searched: u64,
    /// Documents found to match.
    pub documents_matched: u64,
    /// Bytes of rows decompressed.
    pub scanned_bytes: u64,
}

impl Cost {
    /// The counts so far.
    pub fn report(&self) -> CostReport {
        let came_up = self.splits.lock().unwrap_or_else(PoisonError::into_inner);
        let searched = came_up.values().filter(|searched| **searched).count() as u64;
        let (splits, outside_time) =
            self.snapshot.get().map_or((0, 0), |snapshot| (snapshot.splits, snapshot.outside_time));
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CostReport {
            splits,
            outside_time,
            ruled_out: came_up.len() as u64 - searched,
            searched,
            documents_searched: count(&self.documents_searched),
            documents_matched: count(&self.documents_matched),
            scanned_bytes: count(&self.scanned_bytes),
        }
    }

    /// A call begins on so many splits.
    pub(crate) fn begin(&self, splits: usize, outside_time: usize) {
        let snapshot = Snapshot { splits: splits as u64, outside_time: outside_time as u64 };
        let _ = self.snapshot.set(snapshot);
    }

    /// A split came up, and so many of its documents were looked at, of which so many match. None: it is ruled out
    /// as a whole, or those of its zones that came up are.
    pub(crate) fn note(&self, split: u64, searched: usize, matched: usize) {
        self.documents_searched.fetch_add(searched as u64, Ordering::Relaxed);
        self.documents_matched.fetch_add(matched as u64, Ordering::Relaxed);
        let mut splits = self.splits.lock().unwrap_or_else(PoisonError::into_inner);
        *splits.entry(split).or_default() |= searched > 0;
    }

    /// Adds bytes that are about to be decompressed, and gives the sum.
    pub(crate) fn scan(&self, bytes: u64) -> u64 {
        self.scanned_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes)
    }
}
