//! A set of documents of one zone, as a bitmap on the stack.

use crate::limits::ZONE_DOCUMENTS_MAX;

const WORDS: usize = ZONE_DOCUMENTS_MAX / 64;

/// A set of documents of one zone, by their place in it.
#[derive(Clone)]
pub(crate) struct Bits {
    words: [u64; WORDS],
    /// Documents of the zone; no bit beyond is ever set.
    len: usize,
}

impl Bits {
    /// No document of a zone of `len`.
    pub(crate) fn none(len: usize) -> Self {
        Self { words: [0; WORDS], len: len.min(ZONE_DOCUMENTS_MAX) }
    }

    /// All documents of a zone of `len`.
    pub(crate) fn all(len: usize) -> Self {
        let mut bits = Self::none(len);
        let len = bits.len;
        for (index, word) in bits.used_mut().iter_mut().enumerate() {
            let left = len - index * 64;
            *word = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
        }
        bits
    }

    /// Adds a document; one beyond the zone is ignored.
    pub(crate) fn set(&mut self, at: u32) {
        if (at as usize) < self.len
            && let Some(word) = self.words.get_mut(at as usize / 64)
        {
            *word |= 1 << (at % 64);
        }
    }

    /// The documents from 64 × `index` on, the first in the lowest bit.
    pub(crate) fn word(&self, index: usize) -> u64 {
        self.used().get(index).copied().unwrap_or_default()
    }

    /// Adds those of the documents from 64 × `index` on that have a bit, the first in the lowest; those beyond the
    /// zone are ignored.
    pub(crate) fn set_word(&mut self, index: usize, word: u64) {
        let left = self.len.saturating_sub(index * 64);
        let inside = if left >= 64 { u64::MAX } else { (1 << left) - 1 };
        if let Some(own) = self.used_mut().get_mut(index) {
            *own |= word & inside;
        }
    }

    /// Whether the document is in the set.
    pub(crate) fn contains(&self, at: u32) -> bool {
        self.words.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Keeps what is also in `other`.
    pub(crate) fn and(&mut self, other: &Self) {
        self.used_mut().iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
    }

    /// Adds what is in `other`.
    pub(crate) fn or(&mut self, other: &Self) {
        self.used_mut().iter_mut().zip(&other.words).for_each(|(word, other)| *word |= other);
    }

    /// Removes what is in `other`.
    pub(crate) fn and_not(&mut self, other: &Self) {
        self.used_mut().iter_mut().zip(&other.words).for_each(|(word, other)| *word &= !other);
    }

    /// True when it is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.used().iter().all(|word| *word == 0)
    }

    /// Number of documents in it.
    pub(crate) fn count(&self) -> usize {
        self.used().iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Documents of the zone.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The documents in it, in ascending order.
    pub(crate) fn ones(&self) -> impl Iterator<Item = usize> + '_ {
        self.used().iter().enumerate().flat_map(|(index, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest.wrapping_sub(1);
                (bit < 64).then_some(index * 64 + bit)
            })
        })
    }

    fn used(&self) -> &[u64] {
        self.words.get(..self.len.div_ceil(64)).unwrap_or_default()
    }

    fn used_mut(&mut self) -> &mut [u64] {
        self.words.get_mut(..self.len.div_ceil(64)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_every_size() {
        for len in [0, 1, 63, 64, 65, 8_191, 8_192] {
            let all = Bits::all(len);
            assert_eq!(all.count(), len);
            assert_eq!(all.ones().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
            let mut none = Bits::none(len);
            assert!(none.is_empty());
            none.set(len as u32);
            assert!(none.is_empty(), "beyond the end");
            none.or(&all);
            none.and_not(&all);
            assert!(none.is_empty());
        }
    }

    #[test]
    fn whole_words() {
        for len in [0, 1, 63, 64, 65, 130, 8_192] {
            let mut bits = Bits::none(len);
            (0..200).for_each(|index| bits.set_word(index, u64::MAX));
            assert_eq!(bits.ones().collect::<Vec<_>>(), (0..len).collect::<Vec<_>>());
            let words: u32 = (0..200).map(|index| bits.word(index).count_ones()).sum();
            assert_eq!(words as usize, len);
        }
    }

    #[test]
    fn single_bits() {
        let mut bits = Bits::none(100);
        [3, 64, 99].into_iter().for_each(|bit| bits.set(bit));
        assert_eq!(bits.ones().collect::<Vec<_>>(), [3, 64, 99]);
        assert!(bits.contains(99) && !bits.contains(63) && !bits.contains(100));
    }
}
