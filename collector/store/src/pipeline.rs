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
