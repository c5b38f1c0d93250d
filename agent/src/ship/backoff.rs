//! Pauses after failures: each at most twice the one before, half of it at random, so that a thousand agents
//! don't come back in one moment.

use std::time::Duration;

use crate::limits;

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The pause after one more failure, given a random number.
    pub fn next(&mut self, random: u64) -> Duration {
        let doubled = limits::BACKOFF_FIRST_MS.checked_shl(self.failures.min(32)).unwrap_or(u64::MAX);
        self.failures = self.failures.saturating_add(1);
        let longest = doubled.min(limits::BACKOFF_MS_MAX);
        Duration::from_millis(longest / 2 + random % (longest / 2 + 1))
    }

    /// It works again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Failures since it last worked.
    pub fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses = |random: u64| {
            let mut backoff = Backoff::default();
            (0..100).map(|_| backoff.next(random).as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(pauses(0)[..9], [125, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        assert_eq!(pauses(0)[99], 15_000);
        assert!(pauses(u64::MAX).iter().all(|pause| *pause <= 30_000));
        let mut backoff = Backoff::default();
        backoff.next(0);
        backoff.reset();
        assert_eq!((backoff.failures(), backoff.next(0).as_millis()), (0, 125));
    }
}
