//! How old the oldest byte of a file is that isn't acknowledged yet: the sizes that were seen, each with its time.
//! Pure. Exact to a second while a file is less than [`SAMPLES_MAX`] seconds behind, to a sixteenth of its age beyond
//! that, and never younger than the truth by more than the time between two looks at the file. And what counts as lag.

use super::generation::Generation;
use super::watchdog::LastTurn;

/// Sizes that are kept; when there are more, every two neighbours become one.
const SAMPLES_MAX: usize = 16;

/// Growth within this time of a sample is added to it, in milliseconds.
const SAMPLE_MS: u64 = 1_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Backlog {
    /// Size of the file and when it was first seen to have at least one byte more than the sample before.
    samples: Vec<(u64, u64)>,
}

impl Backlog {
    /// The file was seen with that many bytes; up to `done` they are settled.
    pub fn saw(&mut self, size: u64, done: u64, now_ms: u64) {
        self.settle(done);
        match self.samples.last_mut() {
            Some((last, _)) if size <= *last => {}
            Some((last, at_ms)) if now_ms.saturating_sub(*at_ms) < SAMPLE_MS => *last = size,
            _ if size > done => self.samples.push((size, now_ms)),
            _ => {}
        }
        if self.samples.len() > SAMPLES_MAX {
            let merged = self.samples.chunks(2).filter_map(|pair| Some((pair.last()?.0, pair.first()?.1)));
            self.samples = merged.collect();
        }
    }

    /// All below is settled.
    pub fn settle(&mut self, done: u64) {
        if self.samples.last().is_none_or(|(size, _)| *size <= done) {
            // Ten thousand resting files keep no memory for this.
            self.samples = Vec::new();
        } else {
            self.samples.retain(|(size, _)| *size > done);
        }
    }

    /// Age of the oldest byte that isn't settled, in milliseconds; 0 when there is none.
    pub fn age_ms(&self, now_ms: u64) -> u64 {
        self.samples.first().map_or(0, |(_, at_ms)| now_ms.saturating_sub(*at_ms))
    }
}

impl Generation {
    /// Bytes at its end that are no line yet: their line feed is awaited.
    pub fn unfinished_bytes(&self) -> u64 {
        let is_read = matches!(self.last_turn, LastTurn::AtEnd { size } if size == self.size_seen);
        if is_read && self.waiting.is_none() && self.archive.is_none() { self.unread_bytes() } else { 0 }
    }

    /// Bytes that the collector hasn't acknowledged and could have.
    pub fn lag_bytes(&self) -> u64 {
        self.size_seen.saturating_sub(self.acked.offset).saturating_sub(self.unfinished_bytes())
    }

    /// Age of the oldest of them, in milliseconds.
    pub fn lag_ms(&self, now_ms: u64) -> u64 {
        if self.lag_bytes() > 0 { self.backlog.age_ms(now_ms) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_byte_counts() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.age_ms(9_000), 0);
        for (size, done, now_ms, expected_ms) in [
            (100, 0, 1_000, 0),
            (100, 0, 5_000, 4_000),
            (200, 0, 6_000, 5_000),
            // The first hundred bytes are settled: the others were seen at 6,000.
            (200, 100, 7_000, 1_000),
            (200, 150, 8_000, 2_000),
            // Written all the time, and always settled soon.
            (300, 200, 9_000, 0),
            (400, 300, 12_000, 0),
            (400, 400, 12_500, 0),
            (400, 400, 99_000, 0),
        ] {
            backlog.saw(size, done, now_ms);
            assert_eq!(backlog.age_ms(now_ms), expected_ms, "{size} {done} {now_ms}");
        }
    }

    #[test]
    fn it_is_bounded_and_errs_towards_older() {
        let mut backlog = Backlog::default();
        for second in 1..=1_000_u64 {
            backlog.saw(second * 10, 0, second * 1_000);
            assert!(backlog.samples.len() <= SAMPLES_MAX);
        }
        for done_s in [1, 10, 500, 900, 999] {
            backlog.settle(done_s * 10);
            let (age_ms, truth_ms) = (backlog.age_ms(1_000_000), 1_000_000 - (done_s + 1) * 1_000);
            assert!(age_ms >= truth_ms && age_ms <= 1_000_000, "{done_s}: {age_ms} {truth_ms}");
        }
    }
}
