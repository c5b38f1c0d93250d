//! `sample`: keeps a share of the lines. Which ones is decided by a hash, not by chance: of a field, so that all
//! lines of one trace are kept or none, on every host; or of the place of the line, so that a line that is read
//! again is judged alike.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::metrics::Counters;
use crate::process::{Effect, Event};

/// See the module.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Hashes up to this one are kept.
    highest: u64,
    key: Option<String>,
    /// Tells two steps without a key apart, so that half of the half is a quarter.
    seed: u64,
}

impl Sample {
    /// Keeps `percent` of the lines: more than 0, at most 100.
    pub fn new(percent: f64, key: Option<String>, seed: u64) -> Self {
        // The conversion saturates: 100 percent are all hashes.
        let highest = (percent / 100.0 * u64::MAX as f64) as u64;
        Self { highest, key, seed }
    }

    pub(in crate::process) fn apply(&self, event: &Event<'_, '_>, counters: &Counters) -> Effect {
        let value = self.key.as_deref().and_then(|key| event.key_text(key));
        let hash = match value {
            Some(value) => xxh3_64(value.as_bytes()),
            None => {
                let mut place = [0; 16];
                let (stream, offset) = place.split_at_mut(8);
                stream.copy_from_slice(&event.source.stream.0.to_le_bytes());
                offset.copy_from_slice(&event.offset.to_le_bytes());
                xxh3_64_with_seed(&place, self.seed)
            }
        };
        if hash <= self.highest {
            return Effect::None;
        }
        counters.sampled_out_lines.increment();
        Effect::Dropped
    }
}
