//! Different values, counted by their 64-bit hashes: with ten million values, one collision is expected about
//! once in 370,000 queries.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use crate::limits::MAX_DISTINCT;
use crate::number::Number;
use crate::scalar::Scalar;

/// A bounded set of hashes.
#[derive(Debug, Clone, Default)]
pub struct Distinct {
    hashes: HashSet<u64, BuildHasherDefault<AlreadyHashed>>,
    full: bool,
}

impl Distinct {
    pub(super) fn add(&mut self, value: Scalar<'_>) {
        self.add_hash(hash(value));
    }

    /// Adds a value by its [`hash`], for stores that hash each dictionary term once.
    pub fn add_hash(&mut self, hash: u64) {
        if self.hashes.len() < MAX_DISTINCT {
            self.hashes.insert(hash);
        } else if !self.full {
            self.full = !self.hashes.contains(&hash);
        }
    }

    pub(super) fn merge(&mut self, other: &Distinct) {
        self.full |= other.full;
        for hash in &other.hashes {
            self.add_hash(*hash);
        }
    }

    /// Different values seen, at most [`MAX_DISTINCT`].
    #[must_use]
    pub fn count(&self) -> usize {
        self.hashes.len()
    }

    /// True when values were left out, so that the count is a lower bound.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn heap_bytes(&self) -> usize {
        // One control byte beside each slot.
        self.hashes.capacity().saturating_mul(size_of::<u64>() + 1)
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

/// The keys are hashes already.
#[derive(Debug, Clone, Copy, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
