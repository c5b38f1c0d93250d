//! Percentiles with a bounded relative error: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
//! quantile sketch with relative-error guarantees", VLDB 2019). Buckets grow by a constant factor, so the
//! middle of a bucket is within 1 % of every value in it.

use super::buckets::Buckets;
use super::logarithm::logarithm;

/// Largest relative error of a percentile.
const RELATIVE_ERROR: f64 = 0.01;

/// Values this close to zero are zero: their logarithm would need buckets without end.
const SMALLEST: f64 = 1e-12;

/// Counts of numbers by logarithmic bucket.
#[derive(Debug, Clone)]
pub struct Sketch {
    positive: Buckets,
    negative: Buckets,
    zero: u64,
    min: f64,
    max: f64,
}

impl Default for Sketch {
    fn default() -> Sketch {
        let (positive, negative) = (Buckets::default(), Buckets::default());
        Sketch { positive, negative, zero: 0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Sketch {
    /// Adds a number `times` times. NaN and infinities are ignored.
    #[inline]
    pub fn add(&mut self, value: f64, times: u64) {
        if !value.is_finite() || times == 0 {
            return;
        }
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
        if value.abs() < SMALLEST {
            self.zero = self.zero.saturating_add(times);
            return;
        }
        let buckets = if value > 0.0 { &mut self.positive } else { &mut self.negative };
        buckets.add(bucket(value.abs()), times);
    }

    /// Adds what another sketch has gathered. The result is the same in any order.
    pub fn merge(&mut self, other: &Sketch) {
        self.zero = self.zero.saturating_add(other.zero);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        other.positive.iter().for_each(|(bucket, times)| self.positive.add(bucket, times));
        other.negative.iter().for_each(|(bucket, times)| self.negative.add(bucket, times));
    }

    /// The number below which the part `part` (0.0 to 1.0) of all numbers lies; none without numbers.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ranks beyond 2^53 are beyond any store")]
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let counts = self.negative.iter().chain(self.positive.iter()).map(|(_, times)| times);
        let count = counts.fold(self.zero, u64::saturating_add);
        let part = part.clamp(0.0, 1.0);
        let rank = part * count.checked_sub(1)? as f64;
        let falling = self.negative.iter().rev().map(|(bucket, times)| (-middle(bucket), times));
        let zero = std::iter::once((0.0, self.zero));
        let rising = self.positive.iter().map(|(bucket, times)| (middle(bucket), times));
        let mut below = 0_u64;
        for (value, times) in falling.chain(zero).chain(rising) {
            below = below.saturating_add(times);
            if below as f64 > rank {
                return Some(value.clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.positive.heap_bytes() + self.negative.heap_bytes()
    }
}

/// Each bucket is this much wider than the one before.
const GROWTH: f64 = (1.0 + RELATIVE_ERROR) / (1.0 - RELATIVE_ERROR);

/// Buckets for each unit of the natural logarithm: 1 / ln(GROWTH), by the series of the inverse hyperbolic
/// tangent, which ends here beyond the last digit.
const PER_LOGARITHM: f64 = {
    let square = RELATIVE_ERROR * RELATIVE_ERROR;
    let series = 1.0 + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square / 9.0)));
    1.0 / (2.0 * RELATIVE_ERROR * series)
};

/// The bucket of a positive number; its upper end is `GROWTH ^ bucket`.
#[expect(clippy::cast_possible_truncation, reason = "logarithms of finite floats are within 36,000")]
fn bucket(value: f64) -> i32 {
    let exact = logarithm(value) * PER_LOGARITHM;
    // Rounds up; as a call, that costs as much as the logarithm.
    let below = exact as i32;
    below + i32::from(exact > f64::from(below))
}

/// The number with the least relative error to both ends of the bucket.
fn middle(bucket: i32) -> f64 {
    2.0 * GROWTH.powi(bucket) / (GROWTH + 1.0)
}
