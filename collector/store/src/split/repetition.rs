//! Whether the ids of a field repeat: a trace id that stands in twenty lines is smaller in a dictionary, one
//! that stands in one line is smaller as a number. Each build decides by what those before it saw; either way the
//! documents come back the same. Pure.

use rustc_hash::FxHashSet;

/// Ids below which a build says nothing about a field.
const LEARN_MIN: u32 = 256;

/// Fields that are remembered; the names come from outside.
const FIELDS_MAX: usize = 1_000;

/// Bits of a counter, and the bits of a hash that choose one.
const COUNTER_BITS: usize = 1 << HASH_BITS;
const HASH_BITS: u32 = 16;

/// Fields whose ids repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repetition {
    fields: FxHashSet<String>,
}

impl Repetition {
    /// Whether the field's ids are better kept in a dictionary.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains(name)
    }

    /// Learns from the ids of one build.
    pub(crate) fn learn(&mut self, name: &str, different: &Different) {
        match different.repeat() {
            Some(true) if self.fields.len() < FIELDS_MAX && !self.has(name) => {
                self.fields.insert(name.to_owned());
            }
            Some(false) => drop(self.fields.remove(name)),
            _ => {}
        }
    }
}

/// How many ids are different, by linear counting (Whang, Vander-Zanden, Taylor: "A linear-time probabilistic
/// counting algorithm for database applications", 1990).
#[derive(Debug)]
pub(crate) struct Different {
    hit: Vec<u64>,
    ids: u32,
}

impl Default for Different {
    fn default() -> Self {
        Self { hit: vec![0; COUNTER_BITS / 64], ids: 0 }
    }
}

impl Different {
    /// Counts an id.
    pub(crate) fn add(&mut self, id: u128) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let folded = (id as u64).wrapping_mul(ODD) ^ (id >> 64) as u64;
        let bit = (folded.wrapping_mul(ODD) >> (u64::BITS - HASH_BITS)) as usize;
        if let Some(word) = self.hit.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
        self.ids = self.ids.saturating_add(1);
    }

    /// Whether fewer than half of the ids are different; `None` when they are too few to tell.
    fn repeat(&self) -> Option<bool> {
        let hit: u32 = self.hit.iter().map(|word| word.count_ones()).sum();
        let bits = COUNTER_BITS as f64;
        // All bits hit: there are more than can be counted.
        let free = (bits - f64::from(hit)).max(1.0);
        let different = -bits * (free / bits).ln();
        (self.ids >= LEARN_MIN).then_some(different * 2.0 < f64::from(self.ids))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_learned_and_forgotten() {
        let counter = |ids: u128, different: u128| {
            let mut counter = Different::default();
            (0..ids).for_each(|id| counter.add((id % different).wrapping_mul(0x1234_5678_9abc_def1_1357)));
            counter
        };
        let rows = [
            (40_000, 40_000, Some(false)),
            (40_000, 25_000, Some(false)),
            (40_000, 15_000, Some(true)),
            (40_000, 1, Some(true)),
            (10, 1, None),
        ];
        for (ids, different, expected) in rows {
            assert_eq!(counter(ids, different).repeat(), expected, "{ids} {different}");
        }
        let mut repetition = Repetition::default();
        repetition.learn("trace.id", &counter(40_000, 2_000));
        assert!(repetition.has("trace.id") && !repetition.has("span.id"));
        repetition.learn("trace.id", &counter(10, 10));
        assert!(repetition.has("trace.id"));
        repetition.learn("trace.id", &counter(40_000, 40_000));
        assert!(!repetition.has("trace.id"));
    }
}
