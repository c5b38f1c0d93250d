//! `status>=500`, `duration:[5ms TO 2s]`, `version>=v2`: numbers by value, other texts by bytes.

use std::fmt;
use std::ops::Bound;

use crate::number::{Number, NumberRange};
use crate::scalar::Scalar;
use crate::units::Unit;

/// A number in an interval. A string counts when the whole of it is a number, with or without a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct NumericRange {
    range: NumberRange,
    /// The unit that the field's plain numbers are in, when the query named one.
    unit: Option<Unit>,
}

impl NumericRange {
    /// The bounds are in `unit`, if there is one.
    pub(crate) fn new(low: Bound<Number>, high: Bound<Number>, unit: Option<Unit>) -> NumericRange {
        NumericRange { range: NumberRange { low, high, decides: true }, unit }
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        let number = match value {
            Scalar::Str(text) => match self.unit {
                Some(unit) => unit.read(text),
                None => Number::parse(text),
            },
            other => other.as_number(),
        };
        number.is_some_and(|number| self.range.contains(number))
    }

    pub(super) fn unit(&self) -> Option<Unit> {
        self.unit
    }

    pub(super) fn number_range(&self) -> NumberRange {
        self.range
    }
}

impl fmt::Display for NumericRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |bound: Number| match bound {
            Number::I64(value) => value.to_string(),
            Number::F64(value) => value.to_string(),
        };
        show_interval(f, self.range.low.map(show), self.range.high.map(show))
    }
}

/// A string in an interval, compared byte by byte; in this case, as `=`.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRange {
    low: Bound<String>,
    high: Bound<String>,
}

impl TextRange {
    pub(crate) fn new(low: Bound<String>, high: Bound<String>) -> TextRange {
        TextRange { low, high }
    }

    /// Lower end, for a search in a sorted dictionary.
    #[must_use]
    pub fn low(&self) -> Bound<&str> {
        self.low.as_ref().map(String::as_str)
    }

    /// Upper end, for a search in a sorted dictionary.
    #[must_use]
    pub fn high(&self) -> Bound<&str> {
        self.high.as_ref().map(String::as_str)
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        let Scalar::Str(text) = value else { return false };
        let above = match self.low() {
            Bound::Included(low) => low <= text,
            Bound::Excluded(low) => low < text,
            Bound::Unbounded => true,
        };
        above
            && match self.high() {
                Bound::Included(high) => text <= high,
                Bound::Excluded(high) => text < high,
                Bound::Unbounded => true,
            }
    }
}

impl fmt::Display for TextRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |text: &str| format!("{text:?}");
        show_interval(f, self.low().map(show), self.high().map(show))
    }
}

pub(super) fn show_interval(
    f: &mut fmt::Formatter<'_>,
    low: Bound<String>,
    high: Bound<String>,
) -> fmt::Result {
    match low {
        Bound::Included(low) => write!(f, "in [{low}..")?,
        Bound::Excluded(low) => write!(f, "in ({low}..")?,
        Bound::Unbounded => f.write_str("in (..")?,
    }
    match high {
        Bound::Included(high) => write!(f, "{high}]"),
        Bound::Excluded(high) => write!(f, "{high})"),
        Bound::Unbounded => f.write_str(")"),
    }
}
