//! Numbers compared exactly: a 64-bit id never equals its neighbour because both round to the same float.

use std::cmp::Ordering;
use std::ops::Bound;

/// A whole or a floating-point number.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// A whole number.
    I64(i64),
    /// Any other number; may be NaN, which is in no range.
    F64(f64),
}

impl Number {
    /// Reads a plain decimal number: digits, sign, fraction, exponent. No units, no hexadecimal, no `inf`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Number> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Number::I64(whole));
        }
        text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Number::F64)
    }

    /// The nearest float.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
    pub fn as_f64(self) -> f64 {
        match self {
            Number::I64(value) => value as f64,
            Number::F64(value) => value,
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        match (*self, *other) {
            (Number::I64(a), Number::I64(b)) => Some(a.cmp(&b)),
            (Number::F64(a), Number::F64(b)) => a.partial_cmp(&b),
            (Number::I64(a), Number::F64(b)) => compare_mixed(a, b),
            (Number::F64(a), Number::I64(b)) => compare_mixed(b, a).map(Ordering::reverse),
        }
    }
}

/// 2^63, the first float above every i64.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn compare_mixed(whole: i64, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float >= TWO_POW_63 {
        return Some(Ordering::Less);
    }
    if float < -TWO_POW_63 {
        return Some(Ordering::Greater);
    }
    let floor = float.floor();
    let fraction = if float > floor { Ordering::Less } else { Ordering::Equal };
    Some(whole.cmp(&(floor as i64)).then(fraction))
}

/// An interval of numbers, for scans over numeric columns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberRange {
    /// Lower end.
    pub low: Bound<Number>,
    /// Upper end.
    pub high: Bound<Number>,
    /// True when every number in the interval matches; false when each still needs `Test::matches`.
    pub decides: bool,
}

impl NumberRange {
    /// Every number.
    pub const ALL: NumberRange = NumberRange { low: Bound::Unbounded, high: Bound::Unbounded, decides: true };

    /// This one number.
    #[must_use]
    pub fn exactly(value: Number) -> NumberRange {
        NumberRange { low: Bound::Included(value), high: Bound::Included(value), decides: true }
    }

    /// Whether the number lies in the interval. NaN lies in none.
    #[must_use]
    pub fn contains(&self, value: Number) -> bool {
        let above = match self.low {
            Bound::Included(low) => value >= low,
            Bound::Excluded(low) => value > low,
            Bound::Unbounded => !value.as_f64().is_nan(),
        };
        above
            && match self.high {
                Bound::Included(high) => value <= high,
                Bound::Excluded(high) => value < high,
                Bound::Unbounded => true,
            }
    }

    /// The whole numbers of the interval, both ends inclusive; none when there are none.
    #[must_use]
    pub fn whole_numbers(&self) -> Option<(i64, i64)> {
        let low = match self.low {
            Bound::Unbounded => i64::MIN,
            Bound::Included(low) => first_whole(low, false)?,
            Bound::Excluded(low) => first_whole(low, true)?,
        };
        let high = match self.high {
            Bound::Unbounded => i64::MAX,
            Bound::Included(high) => last_whole(high, false)?,
            Bound::Excluded(high) => last_whole(high, true)?,
        };
        (low <= high).then_some((low, high))
    }

    /// The floats of the interval, both ends inclusive (infinities where unbounded); none when there are none.
    #[must_use]
    pub fn floats(&self) -> Option<(f64, f64)> {
        let low = match self.low {
            Bound::Unbounded => f64::NEG_INFINITY,
            Bound::Included(low) | Bound::Excluded(low) => {
                let near = low.as_f64();
                if self.low_admits(Number::F64(near)) { near } else { near.next_up() }
            }
        };
        let high = match self.high {
            Bound::Unbounded => f64::INFINITY,
            Bound::Included(high) | Bound::Excluded(high) => {
                let near = high.as_f64();
                if self.high_admits(Number::F64(near)) { near } else { near.next_down() }
            }
        };
        (low <= high).then_some((low, high))
    }

    fn low_admits(&self, value: Number) -> bool {
        NumberRange { high: Bound::Unbounded, ..*self }.contains(value)
    }

    fn high_admits(&self, value: Number) -> bool {
        NumberRange { low: Bound::Unbounded, ..*self }.contains(value)
    }
}

/// The least whole number that is at least `bound`, or above it when `strict`.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn first_whole(bound: Number, strict: bool) -> Option<i64> {
    match bound {
        Number::I64(value) => value.checked_add(i64::from(strict)),
        Number::F64(value) if value.is_nan() || value >= TWO_POW_63 => None,
        Number::F64(value) if value < -TWO_POW_63 => Some(i64::MIN),
        Number::F64(value) => {
            let ceil = value.ceil() as i64;
            if strict && value.fract() == 0.0 { ceil.checked_add(1) } else { Some(ceil) }
        }
    }
}

/// The largest whole number that is at most `bound`, or below it when `strict`.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked before the cast")]
fn last_whole(bound: Number, strict: bool) -> Option<i64> {
    match bound {
        Number::I64(value) => value.checked_sub(i64::from(strict)),
        Number::F64(value) if value.is_nan() || value < -TWO_POW_63 => None,
        Number::F64(value) if value >= TWO_POW_63 => Some(i64::MAX),
        Number::F64(value) => {
            let floor = value.floor() as i64;
            if strict && value.fract() == 0.0 { floor.checked_sub(1) } else { Some(floor) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_plain_numbers_only() {
        let rows: &[(&str, Option<Number>)] = &[
            ("500", Some(Number::I64(500))),
            ("-7", Some(Number::I64(-7))),
            ("1.5", Some(Number::F64(1.5))),
            (".5", Some(Number::F64(0.5))),
            ("2e3", Some(Number::F64(2000.0))),
            ("9223372036854775808", Some(Number::F64(9.223_372_036_854_776e18))),
            ("1e999", None),
            ("inf", None),
            ("NaN", None),
            ("-inf", None),
            ("0x1f", None),
            ("5ms", None),
            ("", None),
            ("-", None),
            (".", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Number::parse(text), *expected, "{text}");
        }
    }

    #[test]
    fn whole_numbers_and_floats_compare_exactly() {
        let big = 9_007_199_254_740_993; // 2^53 + 1, which no float holds
        assert!(Number::I64(big) > Number::F64(9_007_199_254_740_992.0));
        assert!(Number::I64(big) < Number::F64(9_007_199_254_740_994.0));
        assert!(Number::I64(i64::MAX) < Number::F64(TWO_POW_63));
        assert!(Number::I64(i64::MIN) == Number::F64(-TWO_POW_63));
        assert!(Number::F64(-0.5) > Number::I64(-1));
        assert!(Number::F64(-0.5) < Number::I64(0));
        assert!(Number::I64(0).partial_cmp(&Number::F64(f64::NAN)).is_none());
    }

    #[test]
    fn ranges_convert_to_inclusive_bounds() {
        let range = |low, high| NumberRange { low, high, decides: true };
        let rows = [
            (range(Bound::Excluded(Number::F64(1.5)), Bound::Unbounded), Some((2, i64::MAX))),
            (range(Bound::Excluded(Number::F64(2.0)), Bound::Excluded(Number::I64(4))), Some((3, 3))),
            (range(Bound::Included(Number::I64(4)), Bound::Excluded(Number::I64(4))), None),
            (range(Bound::Excluded(Number::I64(i64::MAX)), Bound::Unbounded), None),
            (
                range(Bound::Included(Number::F64(-1e300)), Bound::Included(Number::F64(-1.5))),
                Some((i64::MIN, -2)),
            ),
            (range(Bound::Included(Number::F64(1e300)), Bound::Unbounded), None),
        ];
        for (range, expected) in rows {
            assert_eq!(range.whole_numbers(), expected, "{range:?}");
        }
        let above =
            range(Bound::Excluded(Number::I64(2)), Bound::Included(Number::I64(9_007_199_254_740_993)));
        assert_eq!(above.floats(), Some((2.0_f64.next_up(), 9_007_199_254_740_992.0)));
    }
}
