//! Random numbers for names and jitter; none of them is a secret.

use std::hash::{BuildHasher, Hasher, RandomState};

/// 64 random bits. From the system; where that fails, from the keys that the standard library gives its maps.
pub fn number() -> u64 {
    getrandom::u64().unwrap_or_else(|_| RandomState::new().build_hasher().finish())
}
