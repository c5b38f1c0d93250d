//! Floats with few decimal places as whole numbers of millionths: durations and ratios as programs print them
//! take some 20 bits so, and 64 as floats. Pure.

use std::sync::Arc;

use tantivy::columnar::ColumnValues;

/// Millionths in one.
const SCALE: f64 = 1e6;

/// Largest magnitude that is tried: up to here the product with [`SCALE`] is within a half of the whole number.
const MAGNITUDE_MAX: f64 = 1e9;

/// The millionths that give back exactly this float; `None` when there are none.
pub(crate) fn to_millionths(value: f64) -> Option<i64> {
    if value.abs() > MAGNITUDE_MAX || value.is_nan() {
        return None;
    }
    let millionths = (value * SCALE).round() as i64;
    (from_millionths(millionths).to_bits() == value.to_bits()).then_some(millionths)
}

/// The float that so many millionths stand for.
pub(crate) fn from_millionths(millionths: i64) -> f64 {
    millionths as f64 / SCALE
}

/// A column of millionths, as the floats that they stand for. Their order is the same.
pub(crate) struct Decimals(pub(crate) Arc<dyn ColumnValues<i64>>);

impl ColumnValues<f64> for Decimals {
    fn get_val(&self, row: u32) -> f64 {
        from_millionths(self.0.get_val(row))
    }

    fn get_vals(&self, rows: &[u32], output: &mut [f64]) {
        let mut millionths = vec![0; rows.len()];
        self.0.get_vals(rows, &mut millionths);
        output.iter_mut().zip(millionths).for_each(|(out, value)| *out = from_millionths(value));
    }

    fn get_range(&self, start: u64, output: &mut [f64]) {
        let mut millionths = vec![0; output.len()];
        self.0.get_range(start, &mut millionths);
        output.iter_mut().zip(millionths).for_each(|(out, value)| *out = from_millionths(value));
    }

    fn min_value(&self) -> f64 {
        from_millionths(self.0.min_value())
    }

    fn max_value(&self) -> f64 {
        from_millionths(self.0.max_value())
    }

    fn num_vals(&self) -> u32 {
        self.0.num_vals()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_few_places_fits_and_what_would_change_does_not() {
        let rows = [
            (0.0, Some(0)),
            (-0.0, None),
            (12.345, Some(12_345_000)),
            (-0.000_001, Some(-1)),
            (0.1 + 0.2, None),
            (1.0 / 3.0, None),
            (8e8, Some(800_000_000_000_000)),
            (8e9, None),
            (f64::MIN_POSITIVE, None),
            (f64::INFINITY, None),
            (f64::NAN, None),
        ];
        for (value, millionths) in rows {
            assert_eq!(to_millionths(value), millionths, "{value}");
        }
    }

    proptest! {
        #[test]
        fn every_float_comes_back_or_is_refused(value in any::<f64>(), millionths in -1i64 << 53..1 << 53) {
            if let Some(found) = to_millionths(value) {
                prop_assert_eq!(from_millionths(found).to_bits(), value.to_bits());
            }
            let decimal = from_millionths(millionths);
            prop_assert!(decimal.abs() > MAGNITUDE_MAX || decimal == 0.0 || to_millionths(decimal) == Some(millionths));
        }
    }
}
