//! The settings of a store. Their defaults are the limits; tests make them small.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::limits;

/// Settings of a store. `Default` is right for production.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The time of day in Unix nanoseconds: it tells which UTC days are over.
    pub now_ns: fn() -> i64,
    /// Most bytes of appended batches that wait for their build.
    pub queue_bytes_max: usize,
    /// Most documents of one build.
    pub build_documents_max: usize,
    /// Longest time that an appended document waits for its build.
    pub build_interval: Duration,
    /// The RAM splits become disk splits at this many bytes.
    pub ram_tier_bytes: usize,
    /// The RAM splits become disk splits when the oldest has this age.
    pub ram_tier_age: Duration,
    /// The RAM splits become disk splits at this number.
    pub ram_tier_splits: usize,
    /// With more disk splits than this, days that are over are merged with each other.
    pub disk_splits_max: usize,
    /// Whether disk splits are merged by themselves.
    pub merge: bool,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            now_ns: system_now_ns,
            queue_bytes_max: limits::QUEUE_BYTES_MAX,
            build_documents_max: limits::BUILD_DOCUMENTS_MAX,
            build_interval: limits::BUILD_INTERVAL,
            ram_tier_bytes: limits::RAM_TIER_BYTES,
            ram_tier_age: limits::RAM_TIER_AGE,
            ram_tier_splits: limits::RAM_TIER_SPLITS,
            disk_splits_max: limits::DISK_SPLITS_MAX,
            merge: true,
        }
    }
}

fn system_now_ns() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
