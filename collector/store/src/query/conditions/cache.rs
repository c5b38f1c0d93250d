//! Remembers what scans of dictionaries found, for all splits of a store. A split never changes and its id
//! is never used again, so what is remembered is right for ever; the bound is for memory alone.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::ordinals::Ordinals;
use crate::limits::{SCAN_CACHE_BYTES, SCAN_CACHE_ENTRY_BYTES_MAX};

/// Bytes of an entry beside its condition and what was found.
const ENTRY_BYTES: usize = 96;

/// A condition on a column of a split.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Scan {
    split: u64,
    column: usize,
    condition: String,
}

/// Scans of one store, by split, column and condition.
#[derive(Debug, Default)]
pub(crate) struct ScanCache(Mutex<Generations>);

/// Two halves: when the young one is full it takes the place of the old one. What is found in the old one is
/// young again, so that conditions of open pages stay, and those of closed pages and gone splits go.
#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

#[derive(Debug, Default)]
struct Generation {
    found: FxHashMap<Scan, Arc<Ordinals>>,
    bytes: usize,
}

impl ScanCache {
    /// What was found before.
    pub(crate) fn find(&self, split: u64, column: usize, condition: &str) -> Option<Arc<Ordinals>> {
        let scan = Scan { split, column, condition: condition.to_owned() };
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = generations.young.found.get(&scan) {
            return Some(Arc::clone(found));
        }
        let found = generations.old.take(&scan)?;
        generations.keep(scan, Arc::clone(&found));
        Some(found)
    }

    /// Remembers what was found, unless it is too large.
    pub(crate) fn keep(&self, split: u64, column: usize, condition: &str, found: &Arc<Ordinals>) {
        let scan = Scan { split, column, condition: condition.to_owned() };
        if entry_bytes(&scan, found) <= SCAN_CACHE_ENTRY_BYTES_MAX {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(scan, Arc::clone(found));
        }
    }

    /// Heap bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.young.bytes + generations.old.bytes
    }
}

impl Generations {
    fn keep(&mut self, scan: Scan, found: Arc<Ordinals>) {
        let bytes = entry_bytes(&scan, &found);
        if self.young.bytes + bytes > SCAN_CACHE_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        // Two queries may have made the same scan.
        self.young.take(&scan);
        self.young.bytes += bytes;
        self.young.found.insert(scan, found);
    }
}

impl Generation {
    fn take(&mut self, scan: &Scan) -> Option<Arc<Ordinals>> {
        let found = self.found.remove(scan)?;
        self.bytes = self.bytes.saturating_sub(entry_bytes(scan, &found));
        Some(found)
    }
}

fn entry_bytes(scan: &Scan, found: &Ordinals) -> usize {
    found.heap_bytes() + scan.condition.len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_splits_share_one_bound_and_what_is_used_stays() {
        let cache = ScanCache::default();
        let found = Arc::new(Ordinals::List(vec![7; SCAN_CACHE_ENTRY_BYTES_MAX / 16]));
        cache.keep(0, 3, "used", &found);
        for split in 1..1_000 {
            cache.keep(split, 3, "once", &found);
            assert!(cache.heap_bytes() <= SCAN_CACHE_BYTES, "{}", cache.heap_bytes());
            assert!(cache.find(0, 3, "used").is_some(), "after {split} splits");
        }
        assert!(cache.find(999, 3, "once").is_some() && cache.find(1, 3, "once").is_none());
        assert!(cache.find(0, 4, "used").is_none() && cache.find(0, 3, "other").is_none());
        let bytes = cache.heap_bytes();
        cache.keep(999, 3, "once", &found);
        assert_eq!(cache.heap_bytes(), bytes);
        cache.keep(5, 5, "large", &Arc::new(Ordinals::List(vec![7; SCAN_CACHE_ENTRY_BYTES_MAX])));
        assert!(cache.find(5, 5, "large").is_none());
    }
}
