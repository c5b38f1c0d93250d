//! Values that are compared across splits: what groups and counts are merged by.

use std::cmp::Ordering;

use millpond_query::Scalar;
use millpond_query::number::Number;
use millpond_query::table::Cell;
use millpond_wire::batch::ScalarRef;

/// A value, comparable across splits. As everywhere in the language, equal numbers are one value: a
/// whole float is the integer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// The field is missing.
    Missing,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float, by its bits.
    Float(u64),
    /// A string.
    String(Box<str>),
    /// Start of a time bin, Unix nanoseconds.
    Time(i64),
}

impl Key {
    /// The cell of a table that shows the value.
    pub(crate) fn into_cell(self) -> Cell {
        match self {
            Self::Missing => Cell::Null,
            Self::Bool(value) => Cell::Bool(value),
            Self::Integer(value) => Cell::I64(value),
            Self::Float(bits) => Cell::F64(f64::from_bits(bits)),
            Self::String(text) => Cell::Str(text.into()),
            Self::Time(value) => Cell::TimeNs(value),
        }
    }

    /// The value as conditions and aggregates take it; `None` when the field is missing.
    pub(crate) fn as_scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Self::Missing => None,
            Self::Bool(value) => Some(Scalar::Bool(*value)),
            Self::Integer(value) | Self::Time(value) => Some(Scalar::I64(*value)),
            Self::Float(bits) => Some(Scalar::F64(f64::from_bits(*bits))),
            Self::String(text) => Some(Scalar::Str(text)),
        }
    }

    /// Text of the value, for the breakdown of a histogram.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) | Self::Time(value) => value.to_string(),
            Self::Float(bits) => format!("{:?}", f64::from_bits(bits)),
            Self::String(text) => text.into(),
        }
    }
}

impl From<f64> for Key {
    fn from(value: f64) -> Self {
        /// 2^63, the first float above every `i64`.
        const END: f64 = 9_223_372_036_854_775_808.0;
        if value.fract() == 0.0 && (-END..END).contains(&value) {
            Self::Integer(value as i64)
        } else {
            Self::Float(value.to_bits())
        }
    }
}

impl From<ScalarRef<'_>> for Key {
    fn from(value: ScalarRef<'_>) -> Self {
        match value {
            ScalarRef::Bool(value) => Self::Bool(value),
            ScalarRef::I64(value) => Self::Integer(value),
            ScalarRef::F64(value) => Self::from(value),
            ScalarRef::Str(text) => Self::String(text.into()),
        }
    }
}

/// The order of the cells that show the values, so that ties come as in any table.
impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Key {
    fn number(&self) -> Option<Number> {
        match self {
            Self::Integer(value) => Some(Number::I64(*value)),
            Self::Float(bits) => Some(Number::F64(f64::from_bits(*bits))),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Integer(_) | Self::Float(_) => 1,
            Self::String(_) => 2,
            Self::Time(_) => 3,
            Self::Missing => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_like_cells() {
        let keys = [
            Key::Bool(false),
            Key::Bool(true),
            Key::from(-1.5),
            Key::Integer(-1),
            Key::from(2.0),
            Key::from(2.5),
            Key::String("".into()),
            Key::String("a".into()),
            Key::Time(5),
            Key::Missing,
        ];
        for a in &keys {
            for b in &keys {
                assert_eq!(a.cmp(b), a.clone().into_cell().cmp(&b.clone().into_cell()), "{a:?} {b:?}");
            }
        }
        assert_eq!(Key::from(2.0), Key::Integer(2));
        assert_eq!(Key::from(-0.0), Key::Integer(0));
    }
}
