//! The two clocks, read in one place and passed on as values: what waits counts on the monotonic one, what is
//! recorded carries the wall clock's time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds since the start of the process; never goes back.
    pub mono_ms: u64,
    /// Unix nanoseconds; may jump.
    pub unix_ns: i64,
}

impl Now {
    /// Unix seconds.
    pub fn unix_s(self) -> i64 {
        self.unix_ns.div_euclid(1_000_000_000)
    }
}

/// Reads the clocks.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts the monotonic clock.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The moment.
    pub fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now {
            mono_ms: u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            unix_ns: i64::try_from(unix.as_nanos()).unwrap_or(i64::MAX),
        }
    }
}
