//! From a request's body to durable documents: decode, wait for memory, admit, write, acknowledge.
//!
//! [`Ingest`] is what protocols call. Decoding runs on the request's own task; the one committer
//! thread ([`committer`]) admits by position, numbers, writes and answers; the appender thread hands
//! durable batches to the store. Memory is bounded by permits that travel with a request from its
//! body's first byte to the store.

pub mod admission;
pub mod committer;
pub mod decode;
mod error;
mod json;
mod ndjson;
pub mod replay;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod timestamp;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use millpond_wire::batch::Cuts;
use millpond_wire::compression::Encoding;
use millpond_wire::identity::AgentId;
use millpond_wire::position::StreamPosition;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use self::committer::{Event, Request};
use self::decode::{Decoded, Notes};
pub use self::error::IngestError;
pub use self::ndjson::LineError;
use crate::limits::{ADMISSION_WAIT, INLINE_DECODE_BYTES};
use crate::metrics::Metrics;
use crate::wal::record::{Source, SourceKind};
use crate::wal::state::Positions;

/// The way in for every protocol. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest {
    shared: Arc<Shared>,
}

/// Answer to an acknowledged NDJSON request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Documents that are durable now. Lines that are no JSON object are among them, as messages.
    pub accepted: u64,
    /// Lines that were refused. No line is refused for its shape, so this is 0.
    pub rejected: u64,
    /// The first lines that were kept as messages, with the reason: at most
    /// [`LINE_ERRORS_MAX`](crate::limits::LINE_ERRORS_MAX).
    pub errors: Vec<LineError>,
}

/// Memory that a request holds. Dropping it gives the memory back.
#[derive(Debug)]
pub struct MemoryPermit {
    permit: OwnedSemaphorePermit,
}

impl MemoryPermit {
    /// Both as one.
    fn merge(mut self, other: Self) -> Self {
        self.permit.merge(other.permit);
        self
    }
}

#[derive(Debug)]
struct Shared {
    /// To the committer. Bounded: when it is full, a request waits up to [`ADMISSION_WAIT`].
    events: mpsc::Sender<Event>,
    /// One permit a byte of requests between arrival and store.
    memory: Arc<Semaphore>,
    memory_bytes: usize,
    /// As many decoders at a time as there are processors: each may hold a large body twice.
    decoders: Arc<Semaphore>,
    state: Arc<SharedState>,
    metrics: Arc<Metrics>,
}

/// What the committer publishes and everyone reads.
#[derive(Debug, Default)]
pub struct SharedState {
    /// Durable positions. The committer writes them after each fsync; held for a few instructions a
    /// group. A mutex, since readers are rare: an agent asks once, at its start.
    positions: Mutex<Positions>,
    /// Set once, when the log or the store failed for good: nothing is acknowledged until a restart.
    failure: OnceLock<String>,
    /// Why nothing is taken in at the moment; it passes alone.
    pause: Mutex<Option<String>>,
}

impl SharedState {
    /// A state that begins with these positions.
    pub fn new(positions: Positions) -> Self {
        Self { positions: Mutex::new(positions), ..Self::default() }
    }

    /// Runs `f` on the positions. It must be short.
    pub fn with_positions<T>(&self, f: impl FnOnce(&mut Positions) -> T) -> T {
        // Positions are changed only by whole entries, so they are usable after a panic elsewhere.
        f(&mut self.positions.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Stops ingest for good. The first reason stays.
    pub fn fail(&self, reason: String) {
        tracing::error!(reason, "ingest stopped until the collector is started again");
        let _ = self.failure.set(reason);
    }

    /// The reason for which ingest stopped for good.
    pub fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Notes why nothing can be taken in at the moment, or that it can again.
    pub fn set_pause(&self, reason: Option<String>) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*pause, &reason) {
            (None, Some(reason)) => tracing::warn!(reason, "ingest pauses"),
            (Some(_), None) => tracing::info!("ingest goes on"),
            _ => {}
        }
        *pause = reason;
    }

    /// Why nothing is taken in, for good or for the moment.
    pub fn blocked(&self) -> Option<String> {
        let pause = || self.pause.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.failure().map(str::to_owned).or_else(pause)
    }
}

impl Ingest {
    /// The handle of a committer that reads `events`.
    ///
    /// `memory_bytes` bounds the requests between arrival and store, `decoders` how many are decoded
    /// at one time.
    pub fn new(
        events: mpsc::Sender<Event>,
        state: Arc<SharedState>,
        metrics: Arc<Metrics>,
        memory_bytes: usize,
        decoders: usize,
    ) -> Self {
        let memory = Arc::new(Semaphore::new(memory_bytes.min(Semaphore::MAX_PERMITS)));
        let decoders = Arc::new(Semaphore::new(decoders));
        Self { shared: Arc::new(Shared { events, memory, memory_bytes, decoders, state, metrics }) }
    }

    /// Takes lines of JSON objects. Returns after they are durable.
    ///
    /// # Errors
    /// Nothing was acknowledged; the error says whether to send it again.
    pub async fn ndjson(
        &self,
        encoding: Encoding,
        body: Bytes,
        received_ns: i64,
    ) -> Result<Accepted, IngestError> {
        let source = Source { kind: SourceKind::Ndjson, encoding, agent: None, received_ns };
        let outcome = self.take(source, body).await;
        self.count(&outcome);
        let (accepted, errors) = outcome?;
        Ok(Accepted { accepted, rejected: 0, errors })
    }

    /// Takes an OTLP request of an agent. Returns after it is durable.
    ///
    /// # Errors
    /// Nothing was acknowledged; the error says whether to send it again.
    pub async fn otlp(
        &self,
        agent: &AgentId,
        encoding: Encoding,
        body: Bytes,
        received_ns: i64,
    ) -> Result<(), IngestError> {
        let agent = Some(agent.as_str().into());
        let source = Source { kind: SourceKind::Otlp, encoding, agent, received_ns };
        let outcome = self.take(source, body).await;
        self.count(&outcome);
        outcome.map(drop)
    }

    /// Durable positions of all streams of an agent.
    pub fn positions(&self, agent: &AgentId) -> Vec<StreamPosition> {
        self.shared.state.with_positions(|positions| positions.of_agent(agent.as_str()))
    }

    /// Memory for `bytes` of a request; waits up to [`ADMISSION_WAIT`].
    ///
    /// # Errors
    /// There is too little, now or ever.
    pub async fn memory(&self, bytes: usize) -> Result<MemoryPermit, IngestError> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        if bytes > self.shared.memory_bytes || permits == u32::MAX {
            return Err(IngestError::TooLarge(format!(
                "the request takes {bytes} bytes of memory and [limits] request_memory is {}: send smaller batches",
                self.shared.memory_bytes
            )));
        }
        let acquire = Arc::clone(&self.shared.memory).acquire_many_owned(permits);
        match timeout(ADMISSION_WAIT, acquire).await {
            Ok(Ok(permit)) => Ok(MemoryPermit { permit }),
            _ => Err(IngestError::Overloaded("too many requests wait for memory")),
        }
    }

    /// Why requests are refused at the moment, for good or until the disk has space; `None` if not.
    pub fn blocked(&self) -> Option<String> {
        self.shared.state.blocked()
    }

    /// Lets the committer look after the log when no request comes. Best effort: with a full queue
    /// it is at work anyway.
    pub fn tick(&self) {
        let _ = self.shared.events.try_send(Event::Tick);
    }

    /// Takes in nothing more. What waits is still made durable and answered.
    pub async fn stop(&self) {
        // An error means that the committer has ended already.
        let _ = self.shared.events.send(Event::Stop).await;
    }

    async fn take(&self, source: Source, body: Bytes) -> Result<(u64, Vec<LineError>), IngestError> {
        if let Some(reason) = self.shared.state.failure() {
            return Err(IngestError::Storage(reason.to_owned()));
        }
        let memory = self.memory(body.len()).await?;
        let (mut decoded, slot) = self.decode(&source, &body).await?;
        // The decoder's place is kept until the documents have their memory: so no more batches than
        // there are decoders are ever unaccounted for.
        let memory = memory.merge(self.memory(decoded.batch.heap_bytes()).await?);
        drop(slot);
        let (accepted, cuts, notes) = (decoded.batch.len() as u64, decoded.cuts, decoded.notes);
        let errors = std::mem::take(&mut decoded.errors);
        let (done, answer) = oneshot::channel();
        let request = Request { source, body, decoded, memory, done };
        match timeout(ADMISSION_WAIT, self.shared.events.send(Event::Commit(Box::new(request)))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(IngestError::Storage("the collector is stopping".into())),
            Err(_) => return Err(IngestError::Overloaded("too many requests wait for the disk")),
        }
        // From here on the answer is waited for without a limit: it comes after the fsync.
        answer.await.unwrap_or_else(|_| Err(IngestError::Storage("the collector is stopping".into())))?;
        self.count_oddities(cuts, notes);
        Ok((accepted, errors))
    }

    /// Decodes a body; also gives the place among the decoders, if it took one.
    async fn decode(
        &self,
        source: &Source,
        body: &Bytes,
    ) -> Result<(Decoded, Option<OwnedSemaphorePermit>), IngestError> {
        if source.encoding == Encoding::Identity && body.len() <= INLINE_DECODE_BYTES {
            return Ok((decode::decode(source, body)?, None));
        }
        let decoders = Arc::clone(&self.shared.decoders).acquire_owned();
        let Ok(Ok(slot)) = timeout(ADMISSION_WAIT, decoders).await else {
            return Err(IngestError::Overloaded("too many requests wait for a processor"));
        };
        let (source, body) = (source.clone(), body.clone());
        // The place goes along, so that it is not given away while a request that nobody waits for any
        // more is still being decoded.
        let decoding = tokio::task::spawn_blocking(move || (decode::decode(&source, &body), slot));
        match decoding.await {
            Ok((decoded, slot)) => Ok((decoded?, Some(slot))),
            // A panic in the decoder: a defect of ours, answered without ending the process.
            Err(_) => Err(IngestError::BadRequest("the body could not be decoded".into())),
        }
    }

    fn count_oddities(&self, cuts: Cuts, notes: Notes) {
        let metrics = &self.shared.metrics;
        metrics.ingest_cut_values_total.add(cuts.values);
        metrics.ingest_cut_names_total.add(cuts.names);
        metrics.ingest_cut_fields_total.add(cuts.fields);
        metrics.ingest_invalid_lines_total.add(notes.invalid_lines);
        metrics.ingest_invalid_utf8_total.add(notes.invalid_utf8);
        metrics.ingest_bad_timestamps_total.add(notes.bad_timestamps);
    }

    fn count<T>(&self, outcome: &Result<T, IngestError>) {
        let metrics = &self.shared.metrics;
        match outcome {
            Ok(_) => metrics.ingest_requests_total.add(1),
            Err(IngestError::Overloaded(_)) => metrics.ingest_overloaded_total.add(1),
            Err(IngestError::Storage(_)) => metrics.ingest_storage_refused_total.add(1),
            Err(_) => metrics.ingest_refused_total.add(1),
        }
    }
}
