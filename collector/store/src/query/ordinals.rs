//! A set of ordinals of one dictionary: the values that a condition lets through.

use tantivy::columnar::StrColumn;

use super::meter::{Halt, Meter};
use crate::error::StoreError;

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

    /// Heap bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::None | Self::All => 0,
            Self::List(words) | Self::Bitmap(words) => words.len() * size_of::<u64>(),
        }
    }
}

/// The ordinals of all terms for which `matches` is true.
pub(crate) fn scan(
    column: &StrColumn,
    meter: &Meter<'_>,
    matches: impl Fn(&str) -> bool,
) -> Result<Ordinals, Halt> {
    let broken = StoreError::index::<std::io::Error>("scan a dictionary");
    let mut stream = column.dictionary().stream().map_err(broken)?;
    let mut found = Vec::new();
    while stream.advance() {
        let ordinal = stream.term_ord();
        if ordinal % SCAN_STEP == 0 {
            meter.check()?;
        }
        if std::str::from_utf8(stream.key()).is_ok_and(&matches) {
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
