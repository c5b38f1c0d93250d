//! Where every appended document is between `append` and its disk split: pure bookkeeping behind one
//! lock. It reads no clock but the `now` that it is given.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use millpond_wire::batch::Batch;

use crate::config::StoreConfig;
use crate::error::StoreError;

/// A batch that waits for its build.
#[derive(Clone, Debug)]
pub(crate) struct Appended {
    pub(crate) batch: Arc<Batch>,
    /// The log position after it.
    pub(crate) upto: u64,
}

/// The RAM splits, as far as the decision to flush needs to know.
#[derive(Clone, Copy, Debug, Default)]
struct RamTier {
    bytes: usize,
    splits: usize,
    oldest: Option<Instant>,
}

/// How far a stage has come since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Batches. Unlike the log position it grows with every batch.
    pub(crate) batches: u64,
    /// The log position after the last of them.
    pub(crate) upto: u64,
}

impl Reached {
    fn advance(&mut self, batches: u64, upto: u64) {
        self.batches += batches;
        self.upto = self.upto.max(upto);
    }
}

/// A flush that somebody waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlushWanted {
    batches: u64,
    failures: u64,
}

/// What was appended, built and flushed.
#[derive(Debug)]
pub(crate) struct Pipeline {
    queue: VecDeque<Appended>,
    queue_bytes: usize,
    queue_documents: usize,
    /// When the first batch of the queue was appended.
    waiting_since: Option<Instant>,
    /// Bytes of the batches that are being built.
    building_bytes: usize,
    appended: Reached,
    built: Reached,
    flushed: Reached,
    ram: RamTier,
    /// Build at once, for a caller that waits.
    hurry: bool,
    /// Flush at once until this many batches are flushed.
    flush_wanted: u64,
    failures: u64,
    failure: Option<String>,
    closed: bool,
}

impl Pipeline {
    /// Nothing appended since the store was opened.
    pub(crate) fn new(durable_upto: u64) -> Self {
        Self {
            queue: VecDeque::new(),
            queue_bytes: 0,
            queue_documents: 0,
            waiting_since: None,
            building_bytes: 0,
            appended: Reached { batches: 0, upto: durable_upto },
            built: Reached { batches: 0, upto: durable_upto },
            flushed: Reached { batches: 0, upto: durable_upto },
            ram: RamTier::default(),
            hurry: false,
            flush_wanted: 0,
            failures: 0,
            failure: None,
            closed: false,
        }
    }

    /// Whether another batch may be appended. A single batch of any size is let in when nothing waits.
    pub(crate) fn has_room(&self, bytes_max: usize) -> bool {
        self.closed || self.held_bytes() == 0 || self.held_bytes() < bytes_max
    }

    /// Bytes of batches that are queued or being built.
    pub(crate) fn held_bytes(&self) -> usize {
        self.queue_bytes + self.building_bytes
    }

    /// Appends a batch.
    pub(crate) fn push(&mut self, batch: Arc<Batch>, upto: u64) {
        self.queue_bytes += batch.heap_bytes();
        self.queue_documents += batch.len();
        self.waiting_since.get_or_insert_with(Instant::now);
        self.appended.advance(1, upto);
        self.queue.push_back(Appended { batch, upto });
    }

    /// The batches of the next build, once it is time for one.
    pub(crate) fn take_build(&mut self, config: &StoreConfig, now: Instant) -> Option<Vec<Appended>> {
        let waited = self.waiting_since.map(|since| now.saturating_duration_since(since));
        let due = self.hurry
            || self.queue_documents >= config.build_documents_max
            || waited.is_some_and(|waited| waited >= config.build_interval);
        if self.queue.is_empty() || !due {
            self.hurry &= !self.queue.is_empty();
            return None;
        }
        let (mut taken, mut documents) = (Vec::new(), 0);
        while documents < config.build_documents_max
            && let Some(appended) = self.queue.pop_front()
        {
            documents += appended.batch.len();
            let bytes = appended.batch.heap_bytes();
            self.queue_bytes -= bytes;
            self.queue_documents -= appended.batch.len();
            self.building_bytes += bytes;
            taken.push(appended);
        }
        self.waiting_since = (!self.queue.is_empty()).then_some(now);
        self.hurry &= !self.queue.is_empty();
        Some(taken)
    }

    /// How long the indexer may sleep.
    pub(crate) fn until_build(&self, config: &StoreConfig, now: Instant) -> Duration {
        let waited = self.waiting_since.map(|since| now.saturating_duration_since(since));
        waited.map_or(Duration::from_secs(1), |waited| config.build_interval.saturating_sub(waited))
    }

    /// A build of `batches` is in the catalog: `splits` RAM splits of `bytes`.
    pub(crate) fn built(&mut self, batches: &[Appended], splits: usize, bytes: usize, now: Instant) {
        self.building_bytes = 0;
        self.built.advance(batches.len() as u64, batches.last().map_or(0, |last| last.upto));
        self.ram.bytes += bytes;
        self.ram.splits += splits;
        if splits > 0 {
            self.ram.oldest.get_or_insert(now);
        }
    }

    /// What a flush that begins now reaches, if it is time for one. The caller takes the RAM splits
    /// from the catalog under the same lock.
    pub(crate) fn flush_due(&self, config: &StoreConfig, now: Instant) -> Option<Reached> {
        let wanted = self.flushed.batches < self.flush_wanted && self.built.batches >= self.flush_wanted;
        let age = self.ram.oldest.map(|oldest| now.saturating_duration_since(oldest));
        let due = wanted
            || self.ram.bytes >= config.ram_tier_bytes
            || self.ram.splits >= config.ram_tier_splits
            || age.is_some_and(|age| age >= config.ram_tier_age);
        due.then_some(self.built)
    }

    /// A flush is committed: `splits` RAM splits of `bytes` are gone.
    pub(crate) fn flushed(&mut self, reached: Reached, splits: usize, bytes: usize, now: Instant) {
        self.flushed = reached;
        self.ram.bytes = self.ram.bytes.saturating_sub(bytes);
        self.ram.splits = self.ram.splits.saturating_sub(splits);
        self.ram.oldest = (self.ram.splits > 0).then_some(now);
        self.failure = None;
    }

    /// A flush failed and will be tried again.
    pub(crate) fn failed(&mut self, reason: String) {
        self.failures += 1;
        self.failure = Some(reason);
    }

    /// RAM splits use more than twice what they should: the indexer waits for the flusher.
    pub(crate) fn ram_is_full(&self, config: &StoreConfig) -> bool {
        self.ram.bytes >= config.ram_tier_bytes.saturating_mul(2)
    }

    /// Everything appended is visible.
    pub(crate) fn all_built(&self) -> bool {
        self.queue.is_empty() && self.building_bytes == 0
    }

    /// Log position below which everything is durable.
    pub(crate) fn durable_upto(&self) -> u64 {
        self.flushed.upto
    }

    /// Asks for a build now.
    pub(crate) fn hurry(&mut self) {
        self.hurry = true;
    }

    /// Asks for a flush of everything appended so far.
    pub(crate) fn want_flush(&mut self) -> FlushWanted {
        self.hurry = true;
        self.flush_wanted = self.appended.batches;
        FlushWanted { batches: self.appended.batches, failures: self.failures }
    }

    /// Whether that flush is done; an error when something failed since it was asked for.
    pub(crate) fn is_flushed(&self, wanted: FlushWanted) -> Result<bool, StoreError> {
        match &self.failure {
            _ if self.flushed.batches >= wanted.batches => Ok(true),
            Some(reason) if self.failures > wanted.failures => Err(StoreError::Failed(reason.clone())),
            _ => self.check().map(|()| false),
        }
    }

    /// Errors when nothing more is taken.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match (&self.failure, self.closed) {
            (_, false) => Ok(()),
            (Some(reason), true) => Err(StoreError::Failed(reason.clone())),
            (None, true) => Err(StoreError::Closed),
        }
    }

    /// Why documents can't become durable, if they can't.
    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.clone()
    }

    /// Ends the store: the threads stop after what they are doing.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// True when the threads are to stop.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::BatchBuilder;

    use super::*;

    fn batch(documents: usize) -> Arc<Batch> {
        let mut builder = BatchBuilder::new();
        for _ in 0..documents {
            builder.begin(0);
            builder.end();
        }
        Arc::new(builder.finish().0)
    }

    fn config() -> StoreConfig {
        StoreConfig {
            build_documents_max: 10,
            build_interval: Duration::from_secs(5),
            ram_tier_bytes: 100,
            ram_tier_splits: 3,
            ram_tier_age: Duration::from_secs(60),
            ..StoreConfig::default()
        }
    }

    #[test]
    fn a_build_is_due_by_documents_by_time_and_on_request() {
        let (config, now) = (config(), Instant::now());
        let mut pipeline = Pipeline::new(0);
        assert!(pipeline.take_build(&config, now).is_none());
        pipeline.push(batch(4), 1);
        assert!(pipeline.take_build(&config, now).is_none());
        pipeline.push(batch(6), 2);
        pipeline.push(batch(3), 3);
        let taken = pipeline.take_build(&config, now).expect("ten documents wait");
        assert_eq!(taken.iter().map(|appended| appended.upto).collect::<Vec<_>>(), [1, 2]);
        assert!(!pipeline.all_built());
        pipeline.built(&taken, 1, 1, now);
        assert!(pipeline.take_build(&config, now).is_none());
        let later = Instant::now() + Duration::from_secs(6);
        let taken = pipeline.take_build(&config, later).expect("it has waited");
        pipeline.built(&taken, 1, 1, now);
        assert!(pipeline.all_built());
        pipeline.push(batch(1), 4);
        pipeline.hurry();
        assert!(pipeline.take_build(&config, now).is_some());
    }

    #[test]
    fn a_flush_is_due_by_bytes_by_splits_by_age_and_on_request() {
        let (config, now) = (config(), Instant::now());
        let due = |splits, bytes, after: u64, wanted: bool| {
            let mut pipeline = Pipeline::new(7);
            if wanted {
                let _ = pipeline.want_flush();
            }
            pipeline.push(batch(1), 9);
            if wanted {
                let _ = pipeline.want_flush();
            }
            pipeline.hurry();
            let taken = pipeline.take_build(&config, now).expect("wanted");
            pipeline.built(&taken, splits, bytes, now);
            pipeline.flush_due(&config, now + Duration::from_secs(after))
        };
        let reached = Some(Reached { batches: 1, upto: 9 });
        let rows = [
            (due(1, 99, 59, false), None),
            (due(1, 100, 0, false), reached),
            (due(3, 1, 0, false), reached),
            (due(1, 1, 60, false), reached),
            (due(1, 1, 0, true), reached),
            // Nothing to write, but a position to commit.
            (due(0, 0, 0, true), reached),
            (due(0, 0, 1_000, false), None),
        ];
        for (at, (found, expected)) in rows.into_iter().enumerate() {
            assert_eq!(found, expected, "row {at}");
        }
    }

    #[test]
    fn who_waits_for_a_flush_learns_how_it_went() {
        let (config, now) = (config(), Instant::now());
        let mut pipeline = Pipeline::new(0);
        pipeline.failed("an old failure".to_owned());
        pipeline.push(batch(1), 1);
        let wanted = pipeline.want_flush();
        let taken = pipeline.take_build(&config, now).expect("wanted");
        pipeline.built(&taken, 1, 1, now);
        assert!(matches!(pipeline.is_flushed(wanted), Ok(false)));
        pipeline.failed("disk full".to_owned());
        assert!(matches!(pipeline.is_flushed(wanted), Err(StoreError::Failed(_))));
        let reached = pipeline.flush_due(&config, now).expect("wanted");
        pipeline.flushed(reached, 1, 1, now);
        assert!(matches!(pipeline.is_flushed(wanted), Ok(true)));
        assert_eq!((pipeline.durable_upto(), pipeline.failure()), (1, None));
    }

    #[test]
    fn room_is_for_bytes_and_always_for_one_batch() {
        let mut pipeline = Pipeline::new(0);
        assert!(pipeline.has_room(1));
        pipeline.push(batch(5), 1);
        assert!(!pipeline.has_room(1));
        assert!(pipeline.has_room(1 << 20));
        pipeline.close();
        assert!(pipeline.has_room(1) && matches!(pipeline.check(), Err(StoreError::Closed)));
    }
}
