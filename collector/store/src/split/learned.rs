//! What builds have learned of fields. Whether their ids repeat: a trace id that stands in twenty lines is smaller in
//! a dictionary, one that stands in one line is smaller as a number. And whether their strings are numbered. Each build
//! decides by what those before it saw; either way the documents come back the same. Pure.

use rustc_hash::{FxHashMap, FxHashSet};

/// Values below which a build says nothing about a field.
const LEARN_MIN: u32 = 256;

/// Fields that are remembered of each sort; the names come from outside.
const FIELDS_MAX: usize = 1_000;

/// Bits of a counter, and the bits of a hash that choose one.
const COUNTER_BITS: usize = 1 << HASH_BITS;
const HASH_BITS: u32 = 16;

/// Values of which fewer than one in so many are different repeat: ids, and numbered strings, whose numbers take little
/// room even when they do. It is harder to learn that strings are better numbered than to keep it so.
const IDS_REPEAT: f64 = 2.0;
const NUMBERED_REPEAT: f64 = 16.0;
const STRINGS_REPEAT: f64 = 4.0;

/// Numbers that lie farther apart are better kept in a dictionary: tables of their counts would be mostly empty.
const SPAN_MAX: u32 = 4 << 20;

/// What is known of fields.
#[derive(Clone, Debug, Default)]
pub(crate) struct Learned {
    has_seen: bool,
    /// Fields whose ids repeat.
    repeating: FxHashSet<String>,
    /// Fields whose strings are numbered, with the prefix.
    numbered: FxHashMap<String, Box<str>>,
    /// Fields of which numbers were kept and then not all strings were numbered. Two columns are worse than one, so they
    /// are not numbered again while the program runs.
    mixed: FxHashSet<String>,
}

impl Learned {
    /// True when no build has told anything.
    pub(crate) fn is_new(&self) -> bool {
        !self.has_seen
    }

    /// Notes that a build has told what it saw.
    pub(crate) fn saw(&mut self) {
        self.has_seen = true;
    }

    /// Whether the field's ids are better kept in a dictionary.
    pub(crate) fn repeats(&self, name: &str) -> bool {
        self.repeating.contains(name)
    }

    /// The prefix of the field's strings when they are better kept as numbers.
    pub(crate) fn prefix(&self, name: &str) -> Option<&str> {
        self.numbered.get(name).map(|prefix| &**prefix)
    }

    /// Learns from the ids of one build.
    pub(crate) fn learn_ids(&mut self, name: &str, different: &Different) {
        match different.repeat(IDS_REPEAT) {
            Some(true) if self.repeating.len() < FIELDS_MAX && !self.repeats(name) => {
                self.repeating.insert(name.to_owned());
            }
            Some(false) => drop(self.repeating.remove(name)),
            _ => {}
        }
    }

    /// Learns from the strings of one build that were kept as numbers.
    pub(crate) fn learn_numbered(&mut self, name: &str, numbers: &Numbers) {
        if numbers.different.repeat(NUMBERED_REPEAT) == Some(true) || numbers.span() > SPAN_MAX {
            self.numbered.remove(name);
        }
    }

    /// Learns from strings of one build that were kept in a dictionary. `numbers` is what is known of those that could
    /// have been numbers.
    pub(crate) fn learn_strings(&mut self, name: &str, values: u32, numbers: Option<&Numbers>) {
        if self.numbered.remove(name).is_some() && self.mixed.len() < FIELDS_MAX {
            self.mixed.insert(name.to_owned());
        }
        if let Some(numbers) = numbers
            && numbers.different.values == values
            && numbers.different.repeat(STRINGS_REPEAT) == Some(false)
            && numbers.span() <= SPAN_MAX
            && self.numbered.len() < FIELDS_MAX
            && !self.mixed.contains(name)
        {
            self.numbered.insert(name.to_owned(), numbers.prefix.clone());
        }
    }
}

/// How many values are different, by linear counting (Whang, Vander-Zanden, Taylor: "A linear-time probabilistic
/// counting algorithm for database applications", 1990).
#[derive(Debug)]
pub(crate) struct Different {
    hit: Vec<u64>,
    values: u32,
}

impl Default for Different {
    fn default() -> Self {
        Self { hit: vec![0; COUNTER_BITS / 64], values: 0 }
    }
}

impl Different {
    /// Counts a value.
    pub(crate) fn add(&mut self, id: u128) {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let folded = (id as u64).wrapping_mul(ODD) ^ (id >> 64) as u64;
        let bit = (folded.wrapping_mul(ODD) >> (u64::BITS - HASH_BITS)) as usize;
        if let Some(word) = self.hit.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
        self.values = self.values.saturating_add(1);
    }

    /// Whether fewer than one in `times` values are different; `None` when they are too few to tell.
    fn repeat(&self, times: f64) -> Option<bool> {
        let hit: u32 = self.hit.iter().map(|word| word.count_ones()).sum();
        let bits = COUNTER_BITS as f64;
        // All bits hit: there are more than can be counted.
        let free = (bits - f64::from(hit)).max(1.0);
        let different = -bits * (free / bits).ln();
        (self.values >= LEARN_MIN).then_some(different * times < f64::from(self.values))
    }
}

/// The strings of one field in one build that are the first one's prefix and a number.
#[derive(Debug)]
pub(crate) struct Numbers {
    prefix: Box<str>,
    different: Different,
    smallest: u32,
    largest: u32,
}

impl Numbers {
    /// None yet.
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into(), different: Different::default(), smallest: u32::MAX, largest: 0 }
    }

    /// Counts a string, if it has the prefix.
    pub(crate) fn add(&mut self, prefix: &str, number: u32) {
        if *self.prefix == *prefix {
            self.different.add(number.into());
            (self.smallest, self.largest) = (self.smallest.min(number), self.largest.max(number));
        }
    }

    fn span(&self) -> u32 {
        self.largest.saturating_sub(self.smallest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(values: u32, different: u32, step: u32) -> Numbers {
        let mut numbers = Numbers::new("u");
        (0..values).for_each(|at| numbers.add("u", at % different * step));
        numbers.add("v", u32::MAX);
        numbers
    }

    fn counter(values: u128, different: u128) -> Different {
        let mut counter = Different::default();
        (0..values).for_each(|id| counter.add((id % different).wrapping_mul(0x1234_5678_9abc_def1_1357)));
        counter
    }

    #[test]
    fn fields_whose_ids_repeat_are_learned_and_forgotten() {
        let rows = [
            (40_000, 40_000, Some(false)),
            (40_000, 25_000, Some(false)),
            (40_000, 15_000, Some(true)),
            (40_000, 1, Some(true)),
            (10, 1, None),
        ];
        for (values, different, expected) in rows {
            assert_eq!(counter(values, different).repeat(IDS_REPEAT), expected, "{values} {different}");
        }
        let mut learned = Learned::default();
        learned.learn_ids("trace.id", &counter(40_000, 2_000));
        assert!(learned.repeats("trace.id") && !learned.repeats("span.id"));
        learned.learn_ids("trace.id", &counter(10, 10));
        assert!(learned.repeats("trace.id"));
        learned.learn_ids("trace.id", &counter(40_000, 40_000));
        assert!(!learned.repeats("trace.id"));
    }

    #[test]
    fn fields_are_numbered_when_all_their_strings_are_and_most_differ() {
        // (strings, of which can be numbers, of which are different, the distance of these; numbered)
        let rows = [
            (1_000, 1_000, 900, 1, true),
            (1_000, 1_000, 300, 1, true),
            (1_000, 1_000, 200, 1, false),
            (1_000, 999, 900, 1, false),
            (100, 100, 100, 1, false),
            (1_000, 1_000, 1_000, 4_000, true),
            (1_000, 1_000, 1_000, 5_000, false),
        ];
        for (values, count, different, step, expected) in rows {
            let mut learned = Learned::default();
            learned.learn_strings("user.id", values, Some(&numbers(count, different, step)));
            assert_eq!(
                learned.prefix("user.id"),
                expected.then_some("u"),
                "{values} {count} {different} {step}"
            );
        }
    }

    #[test]
    fn numbered_fields_are_forgotten_when_they_repeat_and_not_learned_again_when_they_are_mixed() {
        let mut learned = Learned::default();
        let all = numbers(1_000, 1_000, 1);
        learned.learn_strings("user.id", 1_000, Some(&all));
        for (different, step, expected) in [(1_000, 1, Some("u")), (100, 1, Some("u")), (50, 1, None)] {
            learned.learn_numbered("user.id", &numbers(1_000, different, step));
            assert_eq!(learned.prefix("user.id"), expected, "{different}");
        }
        learned.learn_strings("user.id", 1_000, Some(&all));
        assert_eq!(learned.prefix("user.id"), Some("u"));
        learned.learn_numbered("user.id", &numbers(1_000, 1_000, 5_000));
        assert_eq!(learned.prefix("user.id"), None);
        learned.learn_strings("user.id", 1_000, Some(&all));
        learned.learn_strings("user.id", 1, None);
        learned.learn_strings("user.id", 1_000, Some(&all));
        assert_eq!(learned.prefix("user.id"), None);
    }
}
