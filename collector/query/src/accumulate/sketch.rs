//! Percentiles with a bounded relative error: DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable
//! quantile sketch with relative-error guarantees", VLDB 2019), with its fastest mapping: the logarithm is straight
//! between powers of two, so that a bucket is a few bits of the float. The middle of a bucket is within 1 % of every
//! value in it.

use super::buckets::Buckets;

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
        if (SMALLEST..f64::INFINITY).contains(&value) && times > 0 {
            self.widen(value);
            self.positive.add(bucket(value), times);
        } else {
            self.add_other(value, times);
        }
    }

    /// Adds a number that is not positive. Not inlined: there are few in most fields.
    #[inline(never)]
    fn add_other(&mut self, value: f64, times: u64) {
        if !value.is_finite() || times == 0 {
            return;
        }
        self.widen(value);
        if value <= -SMALLEST {
            self.negative.add(bucket(-value), times);
        } else {
            self.zero = self.zero.saturating_add(times);
        }
    }

    /// Notes the smallest and the largest number.
    #[inline]
    fn widen(&mut self, value: f64) {
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
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
        let last = count.checked_sub(1)? as f64;
        let rank = part * last;
        // These two are known as they are.
        if rank < 1.0 {
            return Some(self.min);
        }
        if rank >= last {
            return Some(self.max);
        }
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

/// Buckets from each power of two to the next, all of one width: as many as the error allows where they are
/// widest for their numbers, right above the power.
const PER_DOUBLING: u64 = 50;

/// Bits of a float below its exponent.
const MANTISSA_BITS: u32 = 52;

/// The bucket of a positive number, from its bits: exponent and mantissa, read as one number with a point between
/// them, are a logarithm that is straight between the powers of two.
#[inline]
fn bucket(number: f64) -> i32 {
    /// Bits that are dropped so that the product fits; they are beyond every error.
    const DROPPED: u32 = 6;
    (((number.to_bits() >> DROPPED) * PER_DOUBLING) >> (MANTISSA_BITS - DROPPED)) as i32
}

/// The number with the least relative error to both ends of the bucket.
fn middle(bucket: i32) -> f64 {
    let bucket = u64::from(bucket.unsigned_abs());
    let power = f64::from_bits((bucket / PER_DOUBLING) << MANTISSA_BITS);
    let end = |part: u64| 1.0 + part as f64 / PER_DOUBLING as f64;
    let (low, high) = (end(bucket % PER_DOUBLING), end(bucket % PER_DOUBLING + 1));
    power * (2.0 * low * high / (low + high))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PER_DOUBLING: i32 = super::PER_DOUBLING as i32;

    #[test]
    fn buckets_begin_at_powers_of_two() {
        let rows = [
            (1.0, 1_023 * PER_DOUBLING),
            (1.019_999, 1_023 * PER_DOUBLING),
            (1.020_001, 1_023 * PER_DOUBLING + 1),
            (2.0_f64.next_down(), 1_024 * PER_DOUBLING - 1),
            (2.0, 1_024 * PER_DOUBLING),
            (1_000.0, 1_032 * PER_DOUBLING + 47),
            (f64::MAX, 2_047 * PER_DOUBLING - 1),
        ];
        for (number, expected) in rows {
            assert_eq!(bucket(number), expected, "{number}");
        }
    }

    #[test]
    fn what_has_no_bucket_is_zero_or_ignored() {
        let rows: [(&[f64], Option<f64>); 6] = [
            (&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY], None),
            (&[f64::NAN, 3.0], Some(3.0)),
            (&[-1.0, 0.0, 1.0], Some(0.0)),
            (&[-1.0, -0.0, f64::MIN_POSITIVE, 1.0], Some(0.0)),
            (&[-1.0, -1e-13, 1e-13, 1.0], Some(0.0)),
            (&[1e-13], Some(1e-13)),
        ];
        for (numbers, expected) in rows {
            let mut sketch = Sketch::default();
            numbers.iter().for_each(|number| sketch.add(*number, 1));
            numbers.iter().for_each(|number| sketch.add(*number, 0));
            assert_eq!(sketch.quantile(0.5), expected, "{numbers:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_middle_is_near_all_of_its_bucket(mantissa in 1.0..2.0_f64, exponent in -39..1_024_i32) {
            let number = mantissa * 2.0_f64.powi(exponent);
            for number in [number, 2.0_f64.powi(exponent), 2.0_f64.powi(exponent).next_down()] {
                let found = middle(bucket(number));
                prop_assert!((found - number).abs() <= number * 0.01, "{} for {}", found, number);
                prop_assert_eq!(bucket(found), bucket(number));
                prop_assert!(bucket(number.next_up()) - bucket(number) <= 1 && bucket(number.next_up()) >= bucket(number));
            }
        }
    }
}
