//! What end-to-end tests and benchmarks stand on: real programs as real processes in a directory of
//! their own, a blocking HTTP client, a writer of logs that rotate,
//! an account of numbered batches, faults of system calls and of connections, file systems of their own. It has
//! no mock of either side.

pub mod client;
pub mod cluster;
pub mod faults;
pub mod files;
pub mod ledger;
pub mod log_writer;
pub mod mounts;
pub mod proxy;
pub mod random;

use std::time::{Duration, Instant};

/// Calls `probe` until it returns something, at most for `limit`. Panics with `what` when the time is
/// up, so that a test says what it waited for.
pub fn eventually<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(Instant::now() < deadline, "waited {limit:?} in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
