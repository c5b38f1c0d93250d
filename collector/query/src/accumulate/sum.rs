//! Sums: whole numbers exactly, floats with the rounding error carried along (Neumaier).

use crate::number::Number;

/// Sum and count of numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    whole: i128,
    float: f64,
    error: f64,
    floats: bool,
    count: u64,
}

impl Sum {
    #[expect(clippy::cast_precision_loss, reason = "a weight beyond 2^53 is beyond any store")]
    pub(super) fn add(&mut self, number: Number, times: u64) {
        match number {
            Number::I64(value) => {
                self.whole = self.whole.saturating_add(i128::from(value).saturating_mul(i128::from(times)));
            }
            Number::F64(value) if value.is_nan() => return,
            Number::F64(value) => self.add_float(value * times as f64),
        }
        self.count = self.count.saturating_add(times);
    }

    fn add_float(&mut self, value: f64) {
        self.floats = true;
        let total = self.float + value;
        if total.is_finite() {
            self.error += if self.float.abs() >= value.abs() {
                (self.float - total) + value
            } else {
                (value - total) + self.float
            };
        }
        self.float = total;
    }

    pub(super) fn merge(&mut self, other: &Sum) {
        self.whole = self.whole.saturating_add(other.whole);
        self.count = self.count.saturating_add(other.count);
        if other.floats {
            self.add_float(other.float);
            self.error += other.error;
        }
    }

    /// The sum, whole when every number was and it fits; none when there was no number.
    #[must_use]
    pub fn total(&self) -> Option<Number> {
        if self.count == 0 {
            return None;
        }
        match i64::try_from(self.whole) {
            Ok(whole) if !self.floats => Some(Number::I64(whole)),
            _ => Some(Number::F64(self.as_f64())),
        }
    }

    /// The mean; none when there was no number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a mean is a float")]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.as_f64() / self.count as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    fn as_f64(&self) -> f64 {
        self.whole as f64 + (self.float + self.error)
    }
}
