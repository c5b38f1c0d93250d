//! `len(message)>1000`: how long a value is.

use std::fmt;

use crate::ast::Length;
use crate::number::NumberRange;
use crate::scalar::Scalar;

impl Length {
    /// Numbers and bools are as long as their decimal text.
    pub(super) fn matches(self, value: Scalar<'_>) -> bool {
        match value {
            Scalar::Str(text) => self.holds_text(text),
            Scalar::I64(value) => self.holds_text(&value.to_string()),
            Scalar::F64(value) => self.holds_text(&value.to_string()),
            Scalar::Bool(value) => self.holds_text(if value { "true" } else { "false" }),
        }
    }

    pub(super) fn number_range(self) -> NumberRange {
        NumberRange { decides: false, ..NumberRange::ALL }
    }

    /// A character has one to four bytes, so that most texts are decided without counting.
    fn holds_text(self, text: &str) -> bool {
        let bytes = text.len() as u64;
        if bytes < self.min || self.max.is_some_and(|max| max < bytes.div_ceil(4)) {
            return false;
        }
        let characters = text.chars().count() as u64;
        self.min <= characters && self.max.is_none_or(|max| characters <= max)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(max) => write!(f, "length in [{}..{max}]", self.min),
            None => write!(f, "length in [{}..)", self.min),
        }
    }
}
