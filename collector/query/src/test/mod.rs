//! What a condition asks of one value. [`Test::matches`] is the only place where that is decided: the row
//! evaluator calls it on values, the store on dictionary terms and numbers, so that they can't disagree.

mod address;
mod cidr;
mod equal;
mod glob;
mod length;
mod level;
mod moment;
mod pattern;
mod range;
mod regex;
mod regex_tokens;
mod text;

use std::fmt;

pub use self::address::AddressRange;
pub use self::cidr::Cidr;
pub use self::equal::Equal;
pub use self::level::{Level, LevelSet};
pub use self::moment::Moment;
pub use self::pattern::Pattern;
pub use self::range::{NumericRange, TextRange};
pub use self::regex::Regex;
pub use self::text::Text;
use crate::ast::Length;
use crate::number::NumberRange;
use crate::scalar::Scalar;

/// A question about one value. A document matches a [`Leaf`](crate::Leaf) when one of its values does.
#[derive(Debug, Clone)]
pub enum Test {
    /// There is a value. `field:*`
    Exists,
    /// The words occur, side by side and in any case; a number or bool equals them. `field:value`, `"a b"`
    Text(Text),
    /// The whole value is this, in this case. `field=value`
    Equal(Equal),
    /// A number in an interval. `field>=5ms`
    Numeric(NumericRange),
    /// A string in an interval, by bytes. `version>=v2`
    TextRange(TextRange),
    /// `*` and `?`. `conn*`, `host=web-*`
    Pattern(Pattern),
    /// `/regex/i`
    Regex(Regex),
    /// An IP address in a network. `client.ip:10.0.0.0/8`
    Cidr(Cidr),
    /// An IP address in an interval. `client.ip>=10.1.2.0`
    Addresses(AddressRange),
    /// A level among these. `level>=warn`
    Level(LevelSet),
    /// A time in an interval. `event.created>now-1d`
    Moment(Moment),
    /// A value of some length. `len(message)>1000`
    Length(Length),
}

impl Test {
    /// Whether the value is an answer.
    #[must_use]
    pub fn matches(&self, value: Scalar<'_>) -> bool {
        match self {
            Test::Exists => true,
            Test::Text(test) => test.matches(value),
            Test::Equal(test) => test.matches(value),
            Test::Numeric(test) => test.matches(value),
            Test::TextRange(test) => test.matches(value),
            Test::Pattern(test) => test.matches(value),
            Test::Regex(test) => test.matches(value),
            Test::Cidr(test) => test.matches(value),
            Test::Addresses(test) => test.matches(value),
            Test::Level(test) => test.matches(value),
            Test::Moment(test) => test.matches(value),
            Test::Length(test) => test.matches(value),
        }
    }

    /// Tokens, as [`tokens`](crate::tokens) makes them, that all occur in every string that matches. An index
    /// of tokens finds candidates with them. Empty: no prefilter is possible.
    #[must_use]
    pub fn required_tokens(&self) -> &[String] {
        match self {
            Test::Text(test) => test.required_tokens(),
            Test::Pattern(test) => test.required_tokens(),
            Test::Equal(test) => test.required_tokens(),
            Test::Regex(test) => test.required_tokens(),
            _ => &[],
        }
    }

    /// A text that stands for the test: two tests that have the same one match the same values. What is shown to people
    /// leaves out the unit of an interval, although it decides which strings match.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Test::Numeric(range) => format!("{self} {:?}", range.unit()),
            other => other.to_string(),
        }
    }

    /// A prefix that some token of every matching string has. `conn*`
    #[must_use]
    pub fn required_token_prefix(&self) -> Option<&str> {
        match self {
            Test::Pattern(test) => test.required_token_prefix(),
            _ => None,
        }
    }

    /// True when a string that has all required tokens, or a token with the required prefix, certainly
    /// matches, so that a hit in an index of tokens needs no look at the text.
    #[must_use]
    pub fn tokens_decide(&self) -> bool {
        match self {
            Test::Text(test) => test.tokens_decide(),
            Test::Pattern(test) => test.tokens_decide(),
            _ => false,
        }
    }

    /// The one string that can match, so that a sorted dictionary is searched and not scanned.
    #[must_use]
    pub fn exact_str(&self) -> Option<&str> {
        match self {
            Test::Equal(test) => Some(test.text()),
            _ => None,
        }
    }

    /// The interval outside which no number matches; none when no number matches at all.
    #[must_use]
    pub fn number_range(&self) -> Option<NumberRange> {
        match self {
            Test::Exists => Some(NumberRange::ALL),
            Test::Text(test) => test.number_range(),
            Test::Equal(test) => test.number_range(),
            Test::Numeric(test) => Some(test.number_range()),
            Test::Pattern(test) => test.number_range(),
            Test::Regex(test) => test.number_range(),
            Test::Moment(test) => Some(test.number_range()),
            Test::Length(test) => Some(test.number_range()),
            Test::TextRange(_) | Test::Cidr(_) | Test::Addresses(_) | Test::Level(_) => None,
        }
    }
}

/// For people and tests: the operator and its operand.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Exists => f.write_str("exists"),
            Test::Text(test) => test.fmt(f),
            Test::Equal(test) => test.fmt(f),
            Test::Numeric(test) => test.fmt(f),
            Test::TextRange(test) => test.fmt(f),
            Test::Pattern(test) => test.fmt(f),
            Test::Regex(test) => test.fmt(f),
            Test::Cidr(test) => test.fmt(f),
            Test::Addresses(test) => test.fmt(f),
            Test::Level(test) => test.fmt(f),
            Test::Moment(test) => test.fmt(f),
            Test::Length(test) => test.fmt(f),
        }
    }
}
