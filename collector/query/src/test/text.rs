//! `word`, `"two words"`, `10.0.0.1`: the text occurs in the value, in any case, and neither end cuts a word.

use std::fmt;
use std::net::Ipv4Addr;

use crate::number::{Number, NumberRange};
use crate::scalar::Scalar;
use crate::tokens::{CUT_TOKEN_MIN_BYTES, fold, for_each_token, joins};

/// The text must occur literally, punctuation and spaces included; only case is ignored. A number or a bool
/// must equal it.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// Folded; never empty.
    literal: String,
    tokens: Vec<String>,
    number: Option<NumberRange>,
    boolean: Option<bool>,
    /// `10.0.0.1` is not found in `10.0.0.1.5` or `110.0.0.1`.
    address: bool,
}

impl Text {
    /// A text that is not empty. `number` is what a number has to be instead of this text; by default the
    /// number that the text spells.
    pub(crate) fn new(text: &str, number: Option<NumberRange>) -> Text {
        let mut tokens = Vec::new();
        for_each_token(text, |token| tokens.push(token.to_owned()));
        Text {
            literal: text.chars().map(fold).collect(),
            tokens,
            number: number.or_else(|| Number::parse(text).map(NumberRange::exactly)),
            boolean: parse_bool(text),
            address: text.parse::<Ipv4Addr>().is_ok(),
        }
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        match value {
            Scalar::Str(text) => self.occurs_in(text),
            Scalar::Bool(value) => self.boolean == Some(value),
            Scalar::I64(value) => self.number.is_some_and(|range| range.contains(Number::I64(value))),
            Scalar::F64(value) => self.number.is_some_and(|range| range.contains(Number::F64(value))),
        }
    }

    pub(super) fn required_tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn tokens_decide(&self) -> bool {
        matches!(self.tokens.as_slice(), [token] if *token == self.literal && token.len() < CUT_TOKEN_MIN_BYTES)
    }

    pub(super) fn number_range(&self) -> Option<NumberRange> {
        self.number
    }

    fn occurs_in(&self, text: &str) -> bool {
        if self.literal.is_ascii() && (text.is_ascii() || !has_letter_that_folds_to_ascii(text)) {
            self.ascii_occurs_in(text)
        } else {
            self.folded_occurs_in(text)
        }
    }

    /// The literal is ASCII, and no other character of the text folds to ASCII: bytes are compared.
    fn ascii_occurs_in(&self, text: &str) -> bool {
        let (needle, bytes) = (self.literal.as_bytes(), text.as_bytes());
        let Some(&first) = needle.first() else { return true };
        let Some(last_start) = bytes.len().checked_sub(needle.len()) else { return false };
        let window = bytes.get(..=last_start).unwrap_or_default();
        memchr::memchr2_iter(first, first.to_ascii_uppercase(), window).any(|start| {
            bytes.get(start..start + needle.len()).is_some_and(|found| found.eq_ignore_ascii_case(needle))
                && self.stands_free(text, start, start + needle.len())
        })
    }

    fn folded_occurs_in(&self, text: &str) -> bool {
        text.char_indices().any(|(start, _)| {
            let rest = text.get(start..).unwrap_or_default();
            folded_prefix_bytes(rest, &self.literal)
                .is_some_and(|length| self.stands_free(text, start, start + length))
        })
    }

    /// Whether neither end of the found text cuts a word, or an address, in two.
    fn stands_free(&self, text: &str, start: usize, end: usize) -> bool {
        let (Some(before), Some(found), Some(after)) =
            (text.get(..start), text.get(start..end), text.get(end..))
        else {
            return false;
        };
        let cut = |left: Option<char>, right: Option<char>| {
            left.zip(right).is_some_and(|(left, right)| joins(left, right))
        };
        if cut(before.chars().next_back(), found.chars().next())
            || cut(found.chars().next_back(), after.chars().next())
        {
            return false;
        }
        !self.address || !(ends_with_digit_and_dot(before) || starts_with_dot_and_digit(after))
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "has {:?}", self.literal)
    }
}

/// The bool that a text spells, in any case.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    [(true, "true"), (false, "false")]
        .into_iter()
        .find(|(_, name)| text.eq_ignore_ascii_case(name))
        .map(|(value, _)| value)
}

/// Bytes at the start of `text` that fold to the whole of `folded`.
fn folded_prefix_bytes(text: &str, folded: &str) -> Option<usize> {
    let mut chars = text.chars();
    let mut length = 0;
    for wanted in folded.chars() {
        let c = chars.next()?;
        if fold(c) != wanted {
            return None;
        }
        length += c.len_utf8();
    }
    Some(length)
}

/// The Kelvin sign is the only character beyond ASCII whose lower case is in ASCII.
fn has_letter_that_folds_to_ascii(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), "\u{212A}".as_bytes()).is_some()
}

fn ends_with_digit_and_dot(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
}

fn starts_with_dot_and_digit(text: &str) -> bool {
    text.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}
