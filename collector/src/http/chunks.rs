//! The writing end of a streamed reply, on the thread of its query: gathers bytes into chunks and hands them to the
//! client, as fast as it takes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use millpond_store::log_store::Budget;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::body::Part;
use super::caller::Caller;
use super::limits::{CHUNK_AGE_MAX, CHUNK_BYTES};

/// Gathers the bytes of a streamed reply into chunks and hands them to the client. Only for blocking threads.
pub(super) struct ChunkWriter {
    parts: mpsc::Sender<Part>,
    runtime: Handle,
    deadline: Instant,
    stall_max: Duration,
    cancelled: Arc<AtomicBool>,
    caller: Caller,
    chunk: Vec<u8>,
    sent_at: Instant,
    has_sent: bool,
    client_left: bool,
}

impl ChunkWriter {
    /// A writer for a client that may take up to `stall_max` for a chunk, and no longer than the budget's deadline.
    pub(super) fn new(
        parts: mpsc::Sender<Part>,
        budget: &Budget,
        caller: &Caller,
        stall_max: Duration,
    ) -> Self {
        Self {
            parts,
            runtime: Handle::current(),
            deadline: budget.deadline,
            stall_max,
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
                let deadline = self.deadline.min(since + self.stall_max);
                let sending = self.parts.send(part);
                let sending = async { tokio::time::timeout_at(deadline.into(), sending).await };
                let sent = self.runtime.block_on(sending);
                self.caller.waited_for_client(since.elapsed());
                sent.is_ok_and(|sent| sent.is_ok())
            }
        };
        self.has_sent = true;
        self.client_left = !sent;
    }
}
