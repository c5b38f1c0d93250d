//! Different values, counted by their 64-bit hashes: with ten million values, one collision is expected about
//! once in 370,000 queries.

use crate::limits::MAX_DISTINCT;
use crate::number::Number;
use crate::scalar::Scalar;

/// Hashes are sorted in among the others when there are this many, or as many as there are others.
const RECENT_MIN: usize = 1_024;

/// A bounded set of hashes. A sorted list: a hash table of millions misses the cache at every value.
#[derive(Debug, Clone, Default)]
pub struct Distinct {
    /// Ascending, each once, at most [`MAX_DISTINCT`].
    sorted: Vec<u64>,
    /// In any order, maybe among the others already.
    recent: Vec<u64>,
    full: bool,
}

impl Distinct {
    pub(super) fn add(&mut self, value: Scalar<'_>) {
        self.add_hash(hash(value));
    }

    /// Adds a value by its [`hash`], for stores that hash each dictionary term once.
    pub fn add_hash(&mut self, hash: u64) {
        self.recent.push(hash);
        if self.recent.len() >= self.sorted.len().max(RECENT_MIN) {
            self.settle();
        }
    }

    pub(super) fn merge(&mut self, other: &Distinct) {
        self.full |= other.full;
        self.settle();
        self.take(&other.sorted);
        other.recent.iter().for_each(|hash| self.add_hash(*hash));
    }

    /// Different values seen, at most [`MAX_DISTINCT`].
    #[must_use]
    pub fn count(&self) -> usize {
        self.sorted.len().saturating_add(self.news().len()).min(MAX_DISTINCT)
    }

    /// True when values were left out, so that the count is a lower bound.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let may_be = self.sorted.len().saturating_add(self.recent.len()) > MAX_DISTINCT;
        self.full || (may_be && self.sorted.len().saturating_add(self.news().len()) > MAX_DISTINCT)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.sorted.capacity().saturating_add(self.recent.capacity()).saturating_mul(size_of::<u64>())
    }

    /// The recent hashes that are not among the others, ascending.
    fn news(&self) -> Vec<u64> {
        let mut news = self.recent.clone();
        news.sort_unstable();
        news.dedup();
        news.retain(|hash| self.sorted.binary_search(hash).is_err());
        news
    }

    /// Sorts the recent hashes in.
    fn settle(&mut self) {
        let mut recent = std::mem::take(&mut self.recent);
        recent.sort_unstable();
        recent.dedup();
        self.take(&recent);
        recent.clear();
        self.recent = recent;
    }

    /// Sorts ascending hashes in.
    fn take(&mut self, hashes: &[u64]) {
        let mut own = self.sorted.iter().copied().peekable();
        let mut merged = Vec::with_capacity(self.sorted.len().max(hashes.len()));
        for hash in hashes {
            while let Some(less) = own.next_if(|own| own < hash) {
                merged.push(less);
            }
            let _ = own.next_if_eq(hash);
            merged.push(*hash);
        }
        merged.extend(own);
        self.full |= merged.len() > MAX_DISTINCT;
        merged.truncate(MAX_DISTINCT);
        self.sorted = merged;
    }
}

/// The hash by which values are told apart. Numbers that are equal hash alike, whatever their type; a string
/// never equals a number.
#[must_use]
pub fn hash(value: Scalar<'_>) -> u64 {
    const NUMBER_SEED: u64 = 1;
    const BOOL_SEED: u64 = 2;
    match value {
        Scalar::Str(text) => xxhash_rust::xxh3::xxh3_64(text.as_bytes()),
        Scalar::Bool(value) => xxhash_rust::xxh3::xxh3_64_with_seed(&[u8::from(value)], BOOL_SEED),
        Scalar::I64(value) => xxhash_rust::xxh3::xxh3_64_with_seed(&value.to_le_bytes(), NUMBER_SEED),
        Scalar::F64(value) => match whole(value) {
            Some(whole) => xxhash_rust::xxh3::xxh3_64_with_seed(&whole.to_le_bytes(), NUMBER_SEED),
            None => xxhash_rust::xxh3::xxh3_64_with_seed(&value.to_bits().to_le_bytes(), NUMBER_SEED),
        },
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the result is compared with the float")]
fn whole(value: f64) -> Option<i64> {
    let whole = value as i64;
    (Number::I64(whole) == Number::F64(value)).then_some(whole)
}
