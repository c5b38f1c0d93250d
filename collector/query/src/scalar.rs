//! One value of one field, as every consumer hands it to a [`Test`](crate::Test).

use crate::number::Number;

/// A borrowed value. Null is no value: a field that is null is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// Text, as it was received.
    Str(&'a str),
    /// A whole number.
    I64(i64),
    /// Any other number. NaN equals nothing and is in no range.
    F64(f64),
    /// True or false.
    Bool(bool),
}

impl Scalar<'_> {
    /// The value if it is a number.
    #[must_use]
    pub fn as_number(self) -> Option<Number> {
        match self {
            Scalar::I64(value) => Some(Number::I64(value)),
            Scalar::F64(value) => Some(Number::F64(value)),
            Scalar::Str(_) | Scalar::Bool(_) => None,
        }
    }
}
