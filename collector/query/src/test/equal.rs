//! `field=value`: the whole value, in this case.

use std::fmt;

use super::text::parse_bool;
use crate::number::{Number, NumberRange};
use crate::scalar::Scalar;
use crate::tokens::for_each_token;

/// A string must be the same bytes. A number or a bool must equal what the text spells.
#[derive(Debug, Clone, PartialEq)]
pub struct Equal {
    text: String,
    tokens: Vec<String>,
    number: Option<NumberRange>,
    boolean: Option<bool>,
}

impl Equal {
    /// `number` is what a number has to be; by default the number that the text spells.
    pub(crate) fn new(text: &str, number: Option<NumberRange>) -> Equal {
        let mut tokens = Vec::new();
        for_each_token(text, |token| tokens.push(token.to_owned()));
        Equal {
            text: text.to_owned(),
            tokens,
            number: number.or_else(|| Number::parse(text).map(NumberRange::exactly)),
            boolean: parse_bool(text),
        }
    }

    /// The one string that matches.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        match value {
            Scalar::Str(text) => self.text == text,
            Scalar::Bool(value) => self.boolean == Some(value),
            Scalar::I64(value) => self.number.is_some_and(|range| range.contains(Number::I64(value))),
            Scalar::F64(value) => self.number.is_some_and(|range| range.contains(Number::F64(value))),
        }
    }

    pub(super) fn required_tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn number_range(&self) -> Option<NumberRange> {
        self.number
    }
}

impl fmt::Display for Equal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "= {:?}", self.text)
    }
}
