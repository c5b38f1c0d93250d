//! The strings of one column by small numbers: ordinals of its dictionary, or distances from the smallest number of a
//! numbered column. It knows nothing of groups, and how values are counted is not its own.

use tantivy::columnar::{ColumnIndex, StrColumn, Streamer};

use super::ordinal_counts::{OrdinalCounts, OrdinalCursor};
use super::picked::for_each_picked;
use crate::error::StoreError;
use crate::query::zone::ZoneView;
use crate::split::bits::Bits;
use crate::split::numbered::Numbered;
use crate::split::rebuild::split_texts;

/// Where the strings are.
#[derive(Clone, Copy)]
pub(crate) enum Terms<'s> {
    /// In a dictionary, in its order.
    Dictionary(&'s StrColumn),
    /// In a numbered column: those with numbers from the first on, so many, in the order of numbers.
    Numbered(&'s Numbered, u32, u32),
}

impl<'s> Terms<'s> {
    /// All strings of a numbered column.
    pub(crate) fn of_numbered(numbered: &'s Numbered) -> Self {
        let (first, count) = numbered.span();
        Self::Numbered(numbered, first, count)
    }

    /// Ordinals are below it.
    pub(crate) fn count(self) -> u64 {
        match self {
            Self::Dictionary(column) => column.num_terms() as u64,
            Self::Numbered(_, _, count) => count.into(),
        }
    }

    /// Which documents have strings.
    pub(crate) fn index(self) -> &'s ColumnIndex {
        match self {
            Self::Dictionary(column) => &column.ords().index,
            Self::Numbered(numbered, ..) => &numbered.column().index,
        }
    }

    /// Calls `visit(place in the zone, ordinal)` for every string of the documents in `bits`, in their order.
    pub(crate) fn for_each_picked(self, view: &ZoneView<'_>, bits: &Bits, mut visit: impl FnMut(u32, u64)) {
        match self {
            Self::Dictionary(column) => for_each_picked(column.ords(), view, bits, visit),
            Self::Numbered(numbered, first, _) => {
                let first = i64::from(first);
                for_each_picked(numbered.column(), view, bits, |at, number| {
                    visit(at, number.wrapping_sub(first).cast_unsigned());
                });
            }
        }
    }

    /// The texts of ascending ordinals.
    pub(crate) fn texts(self, ordinals: &[u64]) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Dictionary(column) => split_texts(column, ordinals),
            Self::Numbered(numbered, first, _) => {
                Ok(ordinals.iter().map(|ordinal| numbered.text(number(first, *ordinal))).collect())
            }
        }
    }

    /// As [`Self::texts`], one after the other.
    pub(crate) fn for_each_text(
        self,
        ordinals: &[u64],
        mut visit: impl FnMut(u64, &str),
    ) -> Result<(), StoreError> {
        match self {
            Self::Dictionary(column) => {
                let mut next = ordinals.iter();
                let each = |bytes: &[u8]| {
                    if let (Some(ordinal), Ok(text)) = (next.next(), std::str::from_utf8(bytes)) {
                        visit(*ordinal, text);
                    }
                };
                let found = column.dictionary().sorted_ords_to_term_cb(ordinals, each);
                found.map(drop).map_err(StoreError::index("read a dictionary"))
            }
            Self::Numbered(numbered, first, _) => {
                for ordinal in ordinals {
                    visit(*ordinal, &numbered.text(number(first, *ordinal)));
                }
                Ok(())
            }
        }
    }

    /// The ordinal of a text.
    pub(crate) fn ordinal(self, text: &str) -> Result<Option<u64>, StoreError> {
        match self {
            Self::Dictionary(column) => {
                column.dictionary().term_ord(text).map_err(StoreError::index("search a dictionary"))
            }
            Self::Numbered(numbered, first, count) => {
                let ordinal = numbered.number_of(text).and_then(|number| number.checked_sub(first));
                Ok(ordinal.filter(|ordinal| *ordinal < count).map(u64::from))
            }
        }
    }
}

fn number(first: u32, ordinal: u64) -> i64 {
    i64::from(first).saturating_add_unsigned(ordinal)
}

/// The strings of one column that were counted, in the order of their texts.
pub(crate) struct TermCounts<'a> {
    source: Source<'a>,
    count: u32,
}

enum Source<'a> {
    Dictionary(Box<Streamer<'a>>, OrdinalCursor<'a>),
    Numbered(&'a Numbered, std::vec::IntoIter<(u32, u32)>),
}

impl<'a> TermCounts<'a> {
    /// Before the first; `counts` are compact.
    pub(crate) fn new(terms: Terms<'a>, counts: &'a OrdinalCounts) -> Result<Self, StoreError> {
        let source = match terms {
            Terms::Dictionary(column) => {
                let stream = column.dictionary().stream().map_err(StoreError::index("read a dictionary"))?;
                Source::Dictionary(Box::new(stream), counts.cursor())
            }
            Terms::Numbered(numbered, first, _) => {
                let mut numbers = Vec::new();
                counts.for_each(|ordinal, count| numbers.push((first.saturating_add(ordinal), count)));
                numbers.sort_unstable_by_key(|(number, _)| text_order(*number));
                Source::Numbered(numbered, numbers.into_iter())
            }
        };
        Ok(Self { source, count: 0 })
    }

    /// The count of the last string.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The next string, in the buffer given.
    pub(crate) fn next(&mut self, mut buffer: Vec<u8>) -> Option<Vec<u8>> {
        buffer.clear();
        match &mut self.source {
            Source::Dictionary(stream, counts) => {
                while !counts.is_done() && stream.advance() {
                    self.count = counts.count(stream.term_ord());
                    if self.count > 0 {
                        buffer.extend_from_slice(stream.key());
                        return Some(buffer);
                    }
                }
                None
            }
            Source::Numbered(numbered, numbers) => {
                let (number, count) = numbers.next()?;
                self.count = count;
                buffer.extend_from_slice(numbered.text(number.into()).as_bytes());
                Some(buffer)
            }
        }
    }
}

/// Most digits of a number.
const DIGITS: u32 = u32::MAX.ilog10() + 1;

/// Orders numbers like their decimal texts: by digits from the left, the shorter first.
pub(crate) fn text_order(number: u32) -> u64 {
    let digits = number.checked_ilog10().map_or(1, |log| log + 1);
    (u64::from(number) * 10u64.pow(DIGITS - digits)) << 4 | u64::from(digits)
}

/// The number that has this [`text_order`].
pub(crate) fn number_in_text_order(order: u64) -> u32 {
    let missing = DIGITS.saturating_sub((order & 0xf) as u32);
    u32::try_from((order >> 4) / 10u64.pow(missing)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_like_their_texts() {
        let mut numbers: Vec<u32> = (0..300).chain([1_000, 99_999, 100_000, 999_999_999, u32::MAX]).collect();
        let mut texts: Vec<String> = numbers.iter().map(u32::to_string).collect();
        numbers.sort_unstable_by_key(|number| text_order(*number));
        texts.sort_unstable();
        assert_eq!(numbers.iter().map(u32::to_string).collect::<Vec<_>>(), texts);
        assert!(numbers.iter().all(|number| number_in_text_order(text_order(*number)) == *number));
    }
}
