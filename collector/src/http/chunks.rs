//! The writing end of a streamed reply, on the thread of its query: gathers bytes into chunks and hands them to the
//! client, as fast as it takes them. While a client takes nothing, the query's slot serves others. How long a client may
//! take nothing is the connection's business.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::body::Bytes;
use millpond_store::log_store::Budget;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

use super::body::Part;
use super::caller::Caller;
use super::limits::{CHUNK_AGE_MAX, CHUNK_BYTES, SLOT_LENT_AFTER, SLOT_STALL_MAX};
use super::slots::Slot;
use crate::metrics::Metrics;

/// Gathers the bytes of a streamed reply into chunks and hands them to the client. Only for blocking threads.
pub(super) struct ChunkWriter {
    parts: mpsc::Sender<Part>,
    runtime: Handle,
    slot: Slot,
    metrics: Arc<Metrics>,
    cancelled: Arc<AtomicBool>,
    caller: Caller,
    chunk: Vec<u8>,
    sent_at: Instant,
    has_sent: bool,
    client_left: bool,
}

impl ChunkWriter {
    /// A writer for the query that has `slot`.
    pub(super) fn new(
        parts: mpsc::Sender<Part>,
        budget: &Budget,
        caller: &Caller,
        slot: Slot,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            parts,
            runtime: Handle::current(),
            slot,
            metrics,
            cancelled: Arc::clone(&budget.cancelled),
            caller: caller.clone(),
            chunk: Vec::with_capacity(CHUNK_BYTES),
            sent_at: Instant::now(),
            has_sent: false,
            client_left: false,
        }
    }

    /// Appends what `write` writes. False when there is nobody to read it any more.
    pub(super) fn append(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        write(&mut self.chunk);
        if self.chunk.len() >= CHUNK_BYTES || self.sent_at.elapsed() >= CHUNK_AGE_MAX {
            self.flush();
        }
        !self.client_left
    }

    /// Whether anything has left for the client, so that the reply's status is settled.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Sends what is gathered, and the end. Without it the body is cut short.
    pub(super) fn end(mut self) {
        self.flush();
        self.send(Part::End);
    }

    /// Sends what is gathered.
    pub(super) fn flush(&mut self) {
        if !self.chunk.is_empty() {
            let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
            self.send(Part::Chunk(Bytes::from(chunk)));
        }
        self.sent_at = Instant::now();
    }

    fn send(&mut self, part: Part) {
        if self.client_left || self.cancelled.load(Ordering::Relaxed) {
            self.client_left = true;
            return;
        }
        let sent = match self.parts.try_send(part) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(part)) => {
                let since = Instant::now();
                let sent = self.wait(part);
                self.caller.waited_for_client(since.elapsed());
                sent
            }
        };
        self.has_sent = true;
        self.client_left = !sent;
    }

    /// Sends the part as soon as there is room for it.
    fn wait(&self, part: Part) -> bool {
        let mut sending = pin!(self.parts.send(part));
        let soon = async { timeout(SLOT_LENT_AFTER, &mut sending).await };
        if let Ok(sent) = self.runtime.block_on(soon) {
            return sent.is_ok();
        }
        if let Some(_lent) = self.slot.lend() {
            return self.runtime.block_on(sending).is_ok();
        }
        let in_time = async { timeout(SLOT_STALL_MAX, sending).await };
        let sent = self.runtime.block_on(in_time);
        self.metrics.http_stalled_total.add(u64::from(sent.is_err()));
        sent.is_ok_and(|sent| sent.is_ok())
    }
}
