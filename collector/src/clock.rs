//! The only place that reads the wall clock. Everything else takes `now` as a value.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now in Unix nanoseconds UTC.
pub fn now_ns() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}
