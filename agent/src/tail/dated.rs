//! The time of events that have none of their own: a line that a program prints between those of its logger, or a crash.
//! They get that of the event before in the same file, so that they stand beside it however late they are read.
//! State of a generation, in memory only: what is read first after a start has the time at which it was read.

use crate::limits::UNDATED_MS;
use crate::time::Now;

/// The last event that had a time.
#[derive(Debug, Clone, Copy)]
pub struct Dated {
    /// Its own, Unix nanoseconds.
    time_ns: i64,
    /// When it was read, on the monotonic clock. What follows much later was written much later, and the clock is
    /// nearer to it than a date at the top of the file.
    read_ms: u64,
}

impl Dated {
    /// An event with a time of its own was read.
    pub(super) fn new(time_ns: i64, now: Now) -> Self {
        Self { time_ns, read_ms: now.mono_ms }
    }

    /// What an event gets that has none and is read now; `None`: the clock's.
    pub(super) fn time_ns(self, now: Now) -> Option<i64> {
        (now.mono_ms.saturating_sub(self.read_ms) <= UNDATED_MS).then_some(self.time_ns)
    }
}
