//! `conn*`, `*Exception`, `host=web-*`: wildcards.

use std::fmt;

use super::glob::{Glob, Reach};
use crate::ast::Piece;
use crate::number::NumberRange;
use crate::scalar::Scalar;
use crate::tokens::{CUT_TOKEN_MIN_BYTES, fold, for_each_token_at};

/// A pattern with `*` (any run) and `?` (one character).
///
/// After `:` it is found anywhere in a text, in any case, at the ends of words, and `*` does not run over
/// white space. After `=` it must be the whole value, in this case, and `*` runs over everything. Numbers and
/// bools are matched by their decimal text, when a field is named.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    glob: Glob,
    tokens: Vec<String>,
    prefix: Option<String>,
    /// True when the pattern is one word and a `*`, so that a token with the prefix is a match.
    prefix_decides: bool,
    /// False for a pattern without a field, which searches texts only.
    numbers: bool,
}

impl Pattern {
    /// A pattern that is searched for, as after `:`.
    pub(crate) fn within(pieces: &[Piece], numbers: bool) -> Pattern {
        let glob = Glob::new(pieces, Reach::Within);
        let (tokens, prefix) = required(pieces);
        let prefix_decides = match pieces {
            [Piece::Literal(text), Piece::AnyRun] => {
                prefix.as_ref().is_some_and(|prefix| text.chars().map(fold).eq(prefix.chars()))
            }
            _ => false,
        };
        Pattern { glob, tokens, prefix, prefix_decides, numbers }
    }

    /// A pattern that is the whole value, as after `=`.
    pub(crate) fn whole(pieces: &[Piece]) -> Pattern {
        let glob = Glob::new(pieces, Reach::Whole);
        let (tokens, prefix) = required(pieces);
        Pattern { glob, tokens, prefix, prefix_decides: false, numbers: true }
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        match value {
            Scalar::Str(text) => self.glob.matches(text),
            _ if !self.numbers => false,
            Scalar::I64(value) => self.glob.matches(&value.to_string()),
            Scalar::F64(value) => self.glob.matches(&value.to_string()),
            Scalar::Bool(value) => self.glob.matches(if value { "true" } else { "false" }),
        }
    }

    pub(super) fn required_tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn required_token_prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    pub(super) fn tokens_decide(&self) -> bool {
        self.prefix_decides
    }

    pub(super) fn number_range(&self) -> Option<NumberRange> {
        let possible = self.numbers && self.glob.literals().all(|text| text.chars().all(in_number));
        possible.then_some(NumberRange { decides: false, ..NumberRange::ALL })
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.glob)
    }
}

/// Characters of the decimal text of a number, `inf` and `NaN` included.
fn in_number(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E' | 'i' | 'n' | 'f' | 'N' | 'a')
}

/// The tokens that every matching text has, and the start of one more. A token counts when its start is the
/// start of the pattern or follows punctuation, and a token that a wildcard continues gives the prefix only.
fn required(pieces: &[Piece]) -> (Vec<String>, Option<String>) {
    let mut tokens = Vec::new();
    let mut prefix: Option<String> = None;
    for (index, piece) in pieces.iter().enumerate() {
        let Piece::Literal(text) = piece else { continue };
        let (first, last) = (index == 0, index + 1 == pieces.len());
        let mut found: Vec<(String, usize)> = Vec::new();
        for_each_token_at(text, |token, at| found.push((token.to_owned(), at)));
        let continued = !last && text.chars().next_back().is_some_and(crate::tokens::is_word);
        if continued
            && let Some((token, at)) = found.pop()
            && (first || at > 0)
            && prefix.as_ref().is_none_or(|prefix| prefix.len() < token.len())
        {
            prefix = Some(cut(token));
        }
        tokens.extend(found.into_iter().filter(|(_, at)| first || *at > 0).map(|(token, _)| token));
    }
    (tokens, prefix)
}

/// A token in the index may be cut, so a longer prefix of it would not be found.
fn cut(mut token: String) -> String {
    while token.len() > CUT_TOKEN_MIN_BYTES {
        token.pop();
    }
    token
}
