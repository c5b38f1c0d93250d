//! Remembers what a scan of a split's dictionary found. A split never changes, so what is remembered
//! is right for as long as the split lives; the bound is for memory alone.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;

use super::ordinals::Ordinals;
use crate::limits::{LEAF_CACHE_BYTES, LEAF_CACHE_ENTRIES};

/// Scans of one split, by column and condition.
#[derive(Debug, Default)]
pub(crate) struct ScanCache(Mutex<Scans>);

#[derive(Debug, Default)]
struct Scans {
    found: FxHashMap<(usize, String), Arc<Ordinals>>,
    bytes: usize,
}

impl ScanCache {
    /// What was found before.
    pub(crate) fn find(&self, column: usize, condition: &str) -> Option<Arc<Ordinals>> {
        let scans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scans.found.get(&(column, condition.to_owned())).cloned()
    }

    /// Remembers what was found. When the cache is full it begins anew: conditions of an open page
    /// are back at once, and those of old pages are gone.
    pub(crate) fn keep(&self, column: usize, condition: &str, ordinals: &Arc<Ordinals>) {
        let bytes = ordinals.heap_bytes() + condition.len();
        if bytes > LEAF_CACHE_BYTES {
            return;
        }
        let mut scans = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if scans.found.len() >= LEAF_CACHE_ENTRIES || scans.bytes + bytes > LEAF_CACHE_BYTES {
            *scans = Scans::default();
        }
        scans.bytes += bytes;
        scans.found.insert((column, condition.to_owned()), Arc::clone(ordinals));
    }
}
