//! `rate_limit`: so many lines a second, for each value of a field. A bucket of tokens a value: a line takes one, time
//! brings new ones, and a line that finds none is left out and counted.
//!
//! Time is the time of the events, never beyond the clock. So a backlog that is read at a hundred times its speed
//! passes as it would have while it was written, and a line from the future takes nothing from those that follow. A
//! line that is older than the newest of its key brings no tokens.
//!
//! The buckets are memory only. After a crash, and after a batch that was refused, the lines that the collector hasn't
//! acknowledged are read again and find full buckets. Some may then be judged differently: still each line is
//! shipped once or counted here, since what was durable already is dropped by its position; and what passes is more
//! than the rate allows by at most one burst.

use std::collections::HashMap;

use xxhash_rust::xxh3::xxh3_64;

use crate::limits;
use crate::metrics::Counters;
use crate::process::{Effect, Event};

/// One line, in the unit of buckets: thousand millionths, so that nanoseconds times lines a second are whole.
const LINE: u64 = 1_000_000_000;

/// See the module.
#[derive(Debug, Clone)]
pub struct RateLimit {
    per_second: u64,
    /// Tokens of a full bucket.
    full: u64,
    key: Option<String>,
    /// By hash of the value. Two values of one hash would share a bucket.
    buckets: HashMap<u64, Bucket>,
    /// Buckets beyond this are forgotten, those longest unused first.
    buckets_max: usize,
    /// Counts lines, to tell which bucket was used last.
    uses: u64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: u64,
    at_ns: i64,
    used: u64,
}

impl RateLimit {
    /// `per_second` lines on the long run, `burst` at once.
    pub fn new(per_second: u64, burst: u64, key: Option<String>) -> Self {
        let full = burst.saturating_mul(LINE);
        Self { per_second, full, key, buckets: HashMap::new(), buckets_max: limits::RATE_KEYS_MAX, uses: 0 }
    }

    /// All buckets are full again.
    pub(in crate::process) fn forget(&mut self) {
        self.buckets.clear();
    }

    pub(in crate::process) fn apply(&mut self, event: &Event<'_, '_>, counters: &Counters) -> Effect {
        let value = self.key.as_deref().map(|key| event.key_text(key));
        // Lines without the field share a bucket, which isn't that of the empty value.
        let key = value.flatten().map_or(0, |value| xxh3_64(value.as_bytes()));
        let at_ns = event.timestamp_ns().min(event.now_ns);
        if !self.buckets.contains_key(&key) && self.buckets.len() >= self.buckets_max {
            self.evict(counters);
        }
        self.uses += 1;
        let bucket = self.buckets.entry(key).or_insert(Bucket { tokens: self.full, at_ns, used: 0 });
        bucket.used = self.uses;
        if let Ok(passed_ns) = u64::try_from(at_ns.saturating_sub(bucket.at_ns)) {
            bucket.tokens =
                bucket.tokens.saturating_add(passed_ns.saturating_mul(self.per_second)).min(self.full);
            bucket.at_ns = at_ns;
        }
        match bucket.tokens.checked_sub(LINE) {
            Some(left) => {
                bucket.tokens = left;
                Effect::None
            }
            None => {
                counters.rate_limited_lines.increment();
                Effect::Dropped
            }
        }
    }

    /// Forgets the quarter that was used longest ago, so that a flood of new values doesn't search at each line.
    fn evict(&mut self, counters: &Counters) {
        let mut uses: Vec<u64> = self.buckets.values().map(|bucket| bucket.used).collect();
        let quarter = (uses.len() / 4).min(uses.len().saturating_sub(1));
        let (_, newest, _) = uses.select_nth_unstable(quarter);
        let newest = *newest;
        let before = self.buckets.len();
        self.buckets.retain(|_, bucket| bucket.used > newest);
        counters.rate_keys_forgotten.add((before - self.buckets.len()) as u64);
    }

    #[cfg(test)]
    pub(in crate::process) fn keeping_at_most(mut self, buckets_max: usize) -> Self {
        self.buckets_max = buckets_max;
        self
    }

    #[cfg(test)]
    pub(in crate::process) fn buckets(&self) -> usize {
        self.buckets.len()
    }
}
