//! `word`, `"two words"`, `10.0.0.1`: the text occurs in the value, in any case, and neither end cuts a word.

use std::fmt;
use std::net::Ipv4Addr;

use memchr::memmem;

use crate::number::{Number, NumberRange};
use crate::scalar::Scalar;
use crate::tokens::{CUT_TOKEN_MIN_BYTES, fold_text, for_each_token, joins};

/// Up to this length a literal is compared at each place where its first letter is, without a copy of the text.
/// That costs text times literal at worst, so longer ones are searched for in a folded copy, in linear time.
const SHORT_LITERAL_BYTES: usize = 64;

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
            literal: fold_text(text),
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
        let short = self.literal.len() <= SHORT_LITERAL_BYTES && self.literal.is_ascii();
        if short && (text.is_ascii() || !has_letter_that_folds_to_ascii(text)) {
            self.ascii_occurs_in(text)
        } else {
            self.folded_occurs_in(&fold_text(text))
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

    /// The text is folded. Folding keeps what is a word, so ends of words are where they were.
    fn folded_occurs_in(&self, text: &str) -> bool {
        let (needle, bytes) = (memmem::Finder::new(&self.literal), text.as_bytes());
        let mut from = 0;
        while let Some(at) = bytes.get(from..).and_then(|rest| needle.find(rest)) {
            let start = from + at;
            if self.stands_free(text, start, start + self.literal.len()) {
                return true;
            }
            from = start + 1;
        }
        false
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

/// The Kelvin sign is the only character beyond ASCII whose lower case is in ASCII.
fn has_letter_that_folds_to_ascii(text: &str) -> bool {
    memmem::find(text.as_bytes(), "\u{212A}".as_bytes()).is_some()
}

fn ends_with_digit_and_dot(text: &str) -> bool {
    text.strip_suffix('.').is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
}

fn starts_with_dot_and_digit(text: &str) -> bool {
    text.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::Text;
    use crate::scalar::Scalar;

    #[test]
    fn texts_are_found_whole_in_any_case() {
        let long = "ab-".repeat(40) + "c";
        let rows = [
            ("error", "an ERROR.", true),
            ("error", "errors", false),
            ("error", "terror error", true),
            ("kelvin", "\u{212A}elvin", true),
            ("é", "É", true),
            ("é", "Éa", false),
            ("ß", "SS", false),
            ("错误", "数据错误了", true),
            (".com", "a.COM", true),
            (".com", "a.community", false),
            ("->", "a->b", true),
            ("10.0.0.1", "from 10.0.0.1.", true),
            ("10.0.0.1", "10.0.0.1.5", false),
            ("10.0.0.1", "1.10.0.0.1", false),
            ("10.0.0.1", "x.10.0.0.1:80", true),
            ("1.2", "1.2.3", true),
            (long.as_str(), &format!("ab-{}", long.to_uppercase()), true),
            (long.as_str(), &format!("{long}d"), false),
        ];
        for (literal, text, expected) in rows {
            assert_eq!(Text::new(literal, None).matches(Scalar::Str(text)), expected, "{literal} in {text}");
        }
    }

    #[test]
    fn a_hostile_literal_takes_linear_time() {
        let literal = "a-".repeat(30_000) + "b";
        let text = "a-".repeat(500_000);
        assert!(!Text::new(&literal, None).matches(Scalar::Str(&text)));
    }
}
