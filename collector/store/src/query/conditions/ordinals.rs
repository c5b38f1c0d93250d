//! A set of ordinals of one dictionary: the values that a condition lets through.

use tantivy::columnar::StrColumn;

use crate::error::StoreError;
use crate::query::meter::{Halt, Meter};

/// Up to this many ordinals are a list; more are a bitmap over the dictionary.
const LIST_MAX: usize = 8;

/// Terms of a dictionary that are scanned between two looks at the clock.
const SCAN_STEP: u64 = 1 << 14;

/// A set of ordinals.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ordinals {
    /// No value.
    None,
    /// Every value.
    All,
    /// These, ascending.
    List(Vec<u64>),
    /// Those with a set bit.
    Bitmap(Vec<u64>),
}

impl Ordinals {
    /// The set of these ordinals, ascending, of a dictionary with `terms` terms.
    pub(crate) fn of(found: Vec<u64>, terms: u64) -> Self {
        match found.len() {
            0 => Self::None,
            len if len as u64 == terms => Self::All,
            len if len <= LIST_MAX => Self::List(found),
            _ => {
                let mut words = vec![0u64; terms.div_ceil(64) as usize];
                for ordinal in found {
                    if let Some(word) = words.get_mut((ordinal / 64) as usize) {
                        *word |= 1 << (ordinal % 64);
                    }
                }
                Self::Bitmap(words)
            }
        }
    }

    /// Whether the ordinal is in the set.
    pub(crate) fn contains(&self, ordinal: u64) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::List(list) => list.contains(&ordinal),
            Self::Bitmap(words) => {
                words.get((ordinal / 64) as usize).is_some_and(|word| word >> (ordinal % 64) & 1 == 1)
            }
        }
    }

    /// The ordinal that is alone in the set.
    pub(crate) fn only(&self) -> Option<u64> {
        match self {
            Self::List(list) if list.len() == 1 => list.first().copied(),
            _ => None,
        }
    }

    /// Heap bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::None | Self::All => 0,
            Self::List(words) | Self::Bitmap(words) => words.len() * size_of::<u64>(),
        }
    }
}

/// A token that matching terms have, as a quick look: most terms of a dictionary don't.
struct AsciiToken<'a> {
    token: &'a [u8],
    /// The first byte in both cases.
    first: (u8, u8),
}

impl<'a> AsciiToken<'a> {
    fn new(token: &'a str) -> Self {
        let first = token.bytes().next().unwrap_or_default();
        Self { token: token.as_bytes(), first: (first.to_ascii_lowercase(), first.to_ascii_uppercase()) }
    }

    /// False only when the term certainly doesn't have the token. Letters beyond ASCII may fold to ASCII.
    fn may_be_in(&self, term: &[u8]) -> bool {
        let mut rest = term;
        while let Some(at) = memchr::memchr2(self.first.0, self.first.1, rest) {
            let here = rest.get(at..at + self.token.len());
            if here.is_some_and(|here| here.eq_ignore_ascii_case(self.token)) {
                return true;
            }
            rest = rest.get(at + 1..).unwrap_or_default();
        }
        self.token.is_empty() || !self.token.is_ascii() || !term.is_ascii()
    }
}

/// The ordinals of all terms for which `matches` is true. Every such term has all of the `required`
/// tokens.
pub(crate) fn scan(
    column: &StrColumn,
    meter: &Meter<'_>,
    required: &[String],
    matches: impl Fn(&str) -> bool,
) -> Result<Ordinals, Halt> {
    let broken = StoreError::index::<std::io::Error>("scan a dictionary");
    let mut stream = column.dictionary().stream().map_err(broken)?;
    let mut found = Vec::new();
    let required = required.iter().max_by_key(|token| token.len()).map(|token| AsciiToken::new(token));
    while stream.advance() {
        let ordinal = stream.term_ord();
        if ordinal % SCAN_STEP == 0 {
            meter.check()?;
        }
        if required.as_ref().is_none_or(|token| token.may_be_in(stream.key()))
            && std::str::from_utf8(stream.key()).is_ok_and(&matches)
        {
            found.push(ordinal);
        }
    }
    Ok(Ordinals::of(found, column.num_terms() as u64))
}

/// The ordinal of one term.
pub(crate) fn lookup(column: &StrColumn, term: &str) -> Result<Ordinals, Halt> {
    let found = column.dictionary().term_ord(term).map_err(StoreError::index("search a dictionary"))?;
    Ok(Ordinals::of(found.into_iter().collect(), column.num_terms() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_look_never_misses() {
        let rows = [
            ("timeout", "x-TimeOut", true),
            ("timeout", "time-out", false),
            ("k", "\u{212a}elvin", true),
            ("stra\u{df}e", "Stra\u{df}e", true),
            ("aab", "aaab", true),
            ("", "", true),
            ("a", "", false),
        ];
        for (token, term, expected) in rows {
            assert_eq!(AsciiToken::new(token).may_be_in(term.as_bytes()), expected, "{token} {term}");
        }
    }

    #[test]
    fn sets_of_every_form() {
        let rows = [
            (vec![], 3, Ordinals::None),
            (vec![0, 1, 2], 3, Ordinals::All),
            (vec![2], 3, Ordinals::List(vec![2])),
            ((0..9).collect(), 70, Ordinals::Bitmap(vec![0x1ff, 0])),
        ];
        for (found, terms, expected) in rows {
            let set = Ordinals::of(found.clone(), terms);
            assert_eq!(set, expected);
            for ordinal in 0..terms {
                assert_eq!(set.contains(ordinal), found.contains(&ordinal), "{ordinal} in {set:?}");
            }
        }
    }
}
