//! The committer: the one thread that decides what is acknowledged. It takes the requests that wait
//! as one group, admits them, writes and fsyncs them together, publishes the positions, answers, and
//! hands the documents on. Groups form by themselves: what comes during one fsync is the next group,
//! so an idle collector answers at once and a busy one fsyncs rarely.
//!
//! [`Appender`] is the thread behind it, which feeds the store and waits for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use bytes::Bytes;
use millpond_store::log_store::{LogStore, WalPosition};
use millpond_wire::batch::Batch;
use tokio::sync::{mpsc, oneshot};

use super::admission::{Admitted, Stage};
use super::decode::Decoded;
use super::{IngestError, MemoryPermit, SharedState};
use crate::limits::{GROUP_BYTES_MAX, IDLE_SEGMENT_BYTES};
use crate::metrics::Metrics;
use crate::tail::TailHub;
use crate::wal::record::Source;
use crate::wal::state::Numbers;
use crate::wal::{Wal, WalError};

/// What the committer reacts to.
#[derive(Debug)]
pub enum Event {
    /// Make a request durable.
    Commit(Box<Request>),
    /// Look after what no request does: delete segments that the store does not need any more, and
    /// see whether the disk has space.
    Tick,
    /// Answer what waits, then end.
    Stop,
}

/// A decoded request and the way to its sender.
#[derive(Debug)]
pub struct Request {
    /// What the body is.
    pub source: Source,
    /// The body as it came: what is written.
    pub body: Bytes,
    /// The body's documents.
    pub decoded: Decoded,
    /// Memory for all of it, given back when the store has the documents.
    pub memory: MemoryPermit,
    /// Gets the outcome, once.
    pub done: oneshot::Sender<Result<(), IngestError>>,
}

/// Durable documents on their way to the store.
#[derive(Debug)]
pub struct Durable {
    /// The documents, numbered.
    pub batch: Arc<Batch>,
    /// The log's position after them.
    pub upto: WalPosition,
    /// Memory that they take.
    pub memory: MemoryPermit,
}

/// Owner of the log.
pub struct Committer {
    /// The log.
    pub wal: Wal,
    /// Numbers of the next record and document.
    pub numbers: Numbers,
    /// Where positions and failures are published.
    pub state: Arc<SharedState>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Live tails.
    pub tail: TailHub,
    /// Asked how much of the log it does not need any more.
    pub store: Arc<dyn LogStore>,
    /// To the appender. Bounded: when it is full the committer waits, and with it all requests.
    pub durable: SyncSender<Durable>,
}

impl Committer {
    /// Works until the stop, or until every sender of events is gone. Every request is answered.
    pub fn run(mut self, mut events: mpsc::Receiver<Event>) {
        let _alarm = PanicAlarm { state: Arc::clone(&self.state), thread: "committer" };
        while let Some(first) = events.blocking_recv() {
            let mut bytes = 0;
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(event) = next.take() {
                match event {
                    Event::Tick => self.tick(),
                    // What is in the queue already still comes; senders get an error from now on.
                    Event::Stop => events.close(),
                    Event::Commit(request) => {
                        bytes += request.body.len();
                        group.push(*request);
                    }
                }
                if bytes < GROUP_BYTES_MAX {
                    next = events.try_recv().ok();
                }
            }
            self.commit(group);
        }
    }

    /// Admits, writes and answers one group of requests.
    pub(super) fn commit(&mut self, mut group: Vec<Request>) {
        if group.is_empty() {
            return;
        }
        let mut stage = Stage::new(self.numbers);
        let admitted: Vec<Admitted> =
            group.iter_mut().map(|request| self.admit(&mut stage, request)).collect();
        match self.wal.commit() {
            Ok(written_bytes) => {
                self.numbers = stage.numbers();
                self.count_group(written_bytes, &group, &admitted);
                self.state.with_positions(|positions| {
                    admitted.iter().for_each(|admitted| positions.apply(&admitted.head));
                });
                if written_bytes > 0 {
                    self.state.set_pause(None);
                }
                self.answer(group, &admitted);
                if self.wal.is_segment_full() {
                    let received_ns = admitted.iter().map(|admitted| admitted.head.source.received_ns);
                    self.rotate(received_ns.max().unwrap_or(i64::MIN));
                }
            }
            Err(error) => self.refuse(group, &error),
        }
    }

    fn admit(&mut self, stage: &mut Stage, request: &mut Request) -> Admitted {
        let admitted = self
            .state
            .with_positions(|positions| stage.admit(positions, &request.source, &mut request.decoded));
        if !admitted.is_known() {
            let body = if admitted.head.documents == 0 { &[][..] } else { &request.body };
            self.wal.push(&admitted.head, body);
        }
        admitted
    }

    /// Answers the senders, then hands the documents on: waiting for the store delays the next
    /// group and not this one's answers.
    fn answer(&mut self, group: Vec<Request>, admitted: &[Admitted]) {
        let mut durable = Vec::with_capacity(group.len());
        for (request, admitted) in group.into_iter().zip(admitted) {
            let Request { decoded, memory, done, .. } = request;
            // A sender that is gone comes back with the same request, and its positions tell.
            let _ = done.send(Ok(()));
            if admitted.head.documents > 0 {
                let batch = Arc::new(decoded.batch);
                durable.push(Durable { batch, upto: Numbers::after(&admitted.head).sequence, memory });
            }
        }
        for durable in durable {
            self.tail.publish(&durable.batch);
            // An error means that the appender is gone, which it has told by itself.
            let _ = self.durable.send(durable);
        }
    }

    fn refuse(&mut self, group: Vec<Request>, error: &WalError) {
        self.metrics.wal_write_errors_total.add(1);
        match error {
            WalError::NoSpace(reason) => self.state.set_pause(Some(reason.clone())),
            WalError::Broken(reason) => self.state.fail(reason.clone()),
        }
        for request in group {
            let _ = request.done.send(Err(IngestError::Storage(error.to_string())));
        }
    }

    /// Begins a new segment. Positions age by `now_ns`, which is a time of the log.
    fn rotate(&mut self, now_ns: i64) {
        let snapshot = self.state.with_positions(|positions| {
            self.metrics.positions_expired_total.add(positions.forget(now_ns));
            positions.clone()
        });
        if let Err(error) = self.wal.rotate(self.numbers, &snapshot) {
            // The segment grows a little longer, and the next group tries again.
            self.metrics.wal_write_errors_total.add(1);
            tracing::warn!(%error, "can't begin a new segment of the log");
        }
        self.release();
    }

    /// Deletes what the store has, and looks whether there is space.
    pub(super) fn tick(&mut self) {
        let has_all = self.store.durable_upto() >= self.numbers.sequence;
        if has_all && self.wal.segment_record_bytes() >= IDLE_SEGMENT_BYTES {
            // Nobody needs it any more: a collector that is idle keeps no log.
            self.rotate(i64::MIN);
        }
        self.release();
        match self.wal.check_space(0) {
            Err(WalError::NoSpace(reason)) => self.state.set_pause(Some(reason)),
            _ => self.state.set_pause(None),
        }
    }

    fn release(&mut self) {
        match self.wal.release(self.store.durable_upto()) {
            Ok(removed) => self.metrics.wal_segments_removed_total.add(removed),
            Err(error) => tracing::warn!(%error, "can't delete an old segment of the log"),
        }
    }

    fn count_group(&self, written_bytes: u64, group: &[Request], admitted: &[Admitted]) {
        let metrics = &self.metrics;
        metrics.wal_groups_total.add(u64::from(written_bytes > 0));
        metrics.wal_written_bytes_total.add(written_bytes);
        for (request, admitted) in group.iter().zip(admitted) {
            metrics.ingest_documents_total.add(u64::from(admitted.head.documents));
            metrics.ingest_body_bytes_total.add(request.body.len() as u64);
            metrics.ingest_duplicates_total.add(admitted.duplicates);
            metrics.ingest_gaps_total.add(admitted.gaps);
        }
    }
}

/// Feeds the store with durable documents, in order.
pub struct Appender {
    /// The store; `append` blocks while it is at its memory bound.
    pub store: Arc<dyn LogStore>,
    /// Where a failure is published.
    pub state: Arc<SharedState>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Appender {
    /// Works until the committer is gone. After a failure of the store the rest stays in the log.
    pub fn run(self, durable: Receiver<Durable>) {
        let _alarm = PanicAlarm { state: Arc::clone(&self.state), thread: "appender" };
        let mut is_failed = false;
        for Durable { batch, upto, memory } in durable {
            if !is_failed && let Err(error) = self.store.append(batch, upto) {
                is_failed = true;
                self.state.fail(format!("the store failed: {error}"));
            }
            self.metrics.store_append_errors_total.add(u64::from(is_failed));
            drop(memory);
        }
    }
}

/// Tells everyone when its thread panics: without it requests would wait for ever.
struct PanicAlarm {
    state: Arc<SharedState>,
    thread: &'static str,
}

impl Drop for PanicAlarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.state.fail(format!("the {} thread panicked, a defect of the collector", self.thread));
        }
    }
}
