//! Percentiles with a bounded relative error: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
//! quantile sketch with relative-error guarantees", VLDB 2019). Buckets grow by a constant factor, so the
//! middle of a bucket is within 1 % of every value in it.

use std::collections::BTreeMap;

use crate::limits::MAX_SKETCH_BUCKETS;

/// Largest relative error of a percentile.
const RELATIVE_ERROR: f64 = 0.01;

/// Values this close to zero are zero: their logarithm would need buckets without end.
const SMALLEST: f64 = 1e-12;

/// Counts of numbers by logarithmic bucket.
#[derive(Debug, Clone, Default)]
pub struct Sketch {
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
    zero: u64,
    count: u64,
    range: Option<(f64, f64)>,
}

impl Sketch {
    /// Adds a number `times` times. NaN and infinities are ignored.
    pub fn add(&mut self, value: f64, times: u64) {
        if !value.is_finite() || times == 0 {
            return;
        }
        self.count = self.count.saturating_add(times);
        self.range = Some(self.range.map_or((value, value), |(min, max)| (min.min(value), max.max(value))));
        if value.abs() < SMALLEST {
            self.zero = self.zero.saturating_add(times);
            return;
        }
        let buckets = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        add_to(buckets, bucket(value.abs()), times);
    }

    /// Adds what another sketch has gathered. The result is the same in any order.
    pub fn merge(&mut self, other: &Sketch) {
        self.count = self.count.saturating_add(other.count);
        self.zero = self.zero.saturating_add(other.zero);
        if let Some((min, max)) = other.range {
            self.range = Some(self.range.map_or((min, max), |(low, high)| (low.min(min), high.max(max))));
        }
        for (bucket, times) in &other.positive {
            add_to(&mut self.positive, *bucket, *times);
        }
        for (bucket, times) in &other.negative {
            add_to(&mut self.negative, *bucket, *times);
        }
    }

    /// The number below which the part `part` (0.0 to 1.0) of all numbers lies; none without numbers.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ranks beyond 2^53 are beyond any store")]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let (min, max) = self.range?;
        let part = part.clamp(0.0, 1.0);
        let rank = part * self.count.saturating_sub(1) as f64;
        let falling = self.negative.iter().rev().map(|(bucket, times)| (-middle(*bucket), *times));
        let zero = std::iter::once((0.0, self.zero));
        let rising = self.positive.iter().map(|(bucket, times)| (middle(*bucket), *times));
        let mut below = 0_u64;
        for (value, times) in falling.chain(zero).chain(rising) {
            below = below.saturating_add(times);
            if below as f64 > rank {
                return Some(value.clamp(min, max));
            }
        }
        Some(max)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        const NODE_BYTES: usize = 24;
        (self.positive.len() + self.negative.len()).saturating_mul(NODE_BYTES)
    }
}

fn growth() -> f64 {
    (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR)
}

/// The bucket of a positive number; its upper end is `growth ^ bucket`.
#[expect(clippy::cast_possible_truncation, reason = "logarithms of finite floats are within 36,000")]
fn bucket(value: f64) -> i32 {
    (value.ln() / growth().ln()).ceil() as i32
}

/// The number with the least relative error to both ends of the bucket.
fn middle(bucket: i32) -> f64 {
    2.0 * growth().powi(bucket) / (growth() + 1.0)
}

/// Adds to a bucket. Too many buckets: the two nearest to zero become one, since high percentiles matter more.
fn add_to(buckets: &mut BTreeMap<i32, u64>, bucket: i32, times: u64) {
    let count = buckets.entry(bucket).or_insert(0);
    *count = count.saturating_add(times);
    if buckets.len() > MAX_SKETCH_BUCKETS
        && let Some((_, least)) = buckets.pop_first()
        && let Some(mut next) = buckets.first_entry()
    {
        let merged = next.get().saturating_add(least);
        next.insert(merged);
    }
}
