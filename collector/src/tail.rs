//! Fan-out of durable batches to live tails. A tail that is too slow skips and learns how many
//! documents it missed; it never holds up ingest. Batches are kept here alone, [`TAIL_BYTES_MAX`] bytes
//! of them: a tail that looks at one in steps gives it back in between and finds it again, or learns
//! what it missed. Nothing is kept while nobody listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use millpond_wire::batch::Batch;
use tokio::sync::watch;

use crate::limits::TAIL_BYTES_MAX;

/// Where durable batches are announced. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TailHub {
    shared: Arc<Shared>,
}

/// One live tail: sees the batches that are published after [`TailHub::subscribe`].
#[derive(Debug)]
pub struct TailReceiver {
    shared: Arc<Shared>,
    published: watch::Receiver<u64>,
    next_batch: u64,
    next_document: u64,
}

/// What a live tail gets.
#[derive(Clone, Debug)]
pub enum TailEvent {
    /// Documents, numbered, in order of admission.
    Batch {
        /// The batch that they are in.
        batch: Arc<Batch>,
        /// Index of the first that this tail has not seen.
        from: usize,
    },
    /// So many documents were skipped because this tail was too slow.
    Missed(u64),
}

#[derive(Debug)]
struct Shared {
    /// Guards the ring; held for a few instructions, never over an await.
    ring: Mutex<Ring>,
    /// Batches ever published: wakes the receivers.
    published: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Number of the first entry, counted from the start of the program.
    first_batch: u64,
    /// Documents published since the start of the program.
    documents: u64,
}

#[derive(Debug)]
struct Entry {
    batch: Arc<Batch>,
    /// `Ring::documents` before this batch.
    first_document: u64,
}

impl TailHub {
    /// A hub without listeners.
    pub fn new() -> Self {
        let (published, _) = watch::channel(0);
        Self { shared: Arc::new(Shared { ring: Mutex::default(), published }) }
    }

    /// Starts a live tail at what comes next.
    pub fn subscribe(&self) -> TailReceiver {
        let ring = self.shared.lock();
        TailReceiver {
            shared: Arc::clone(&self.shared),
            published: self.shared.published.subscribe(),
            next_batch: ring.first_batch + ring.entries.len() as u64,
            next_document: ring.documents,
        }
    }

    /// Live tails at the moment.
    pub fn receivers(&self) -> usize {
        self.shared.published.receiver_count()
    }

    /// Announces a durable batch. Never waits.
    pub fn publish(&self, batch: &Arc<Batch>) {
        let mut ring = self.shared.lock();
        let first_document = ring.documents;
        ring.documents += batch.len() as u64;
        if self.receivers() == 0 {
            ring.first_batch += ring.entries.len() as u64 + 1;
            ring.entries.clear();
            ring.bytes = 0;
            return;
        }
        ring.bytes += batch.heap_bytes();
        ring.entries.push_back(Entry { batch: Arc::clone(batch), first_document });
        while ring.bytes > TAIL_BYTES_MAX {
            let Some(oldest) = ring.entries.pop_front() else { break };
            ring.bytes -= oldest.batch.heap_bytes();
            ring.first_batch += 1;
        }
        let published = ring.first_batch + ring.entries.len() as u64;
        drop(ring);
        self.shared.published.send_replace(published);
    }
}

impl Default for TailHub {
    fn default() -> Self {
        Self::new()
    }
}

impl TailReceiver {
    /// The next event; waits for it, for ever if none comes. Cancel-safe.
    pub async fn recv(&mut self) -> TailEvent {
        loop {
            self.published.borrow_and_update();
            if let Some(event) = self.try_recv() {
                return event;
            }
            // Never an error: this receiver keeps the sender alive.
            let _ = self.published.changed().await;
        }
    }

    /// Takes back that the last `documents` of the batch that came last were seen: they come again, unless
    /// they are skipped by then.
    pub fn unread(&mut self, documents: usize) {
        if documents > 0 {
            self.next_batch = self.next_batch.saturating_sub(1);
            self.next_document = self.next_document.saturating_sub(documents as u64);
        }
    }

    /// The next event, if there is one already.
    pub fn try_recv(&mut self) -> Option<TailEvent> {
        let ring = self.shared.lock();
        let at = self.next_batch.saturating_sub(ring.first_batch);
        let entry = ring.entries.get(usize::try_from(at).ok()?);
        let reached = entry.map_or(ring.documents, |entry| entry.first_document);
        if reached > self.next_document {
            let missed = reached - self.next_document;
            self.next_document = reached;
            self.next_batch = ring.first_batch + at;
            return Some(TailEvent::Missed(missed));
        }
        let batch = Arc::clone(&entry?.batch);
        let from = usize::try_from(self.next_document - reached).ok()?;
        self.next_batch = ring.first_batch + at + 1;
        self.next_document = reached + batch.len() as u64;
        Some(TailEvent::Batch { batch, from })
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        // The ring is consistent between statements, so a panic of another holder leaves it usable.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::{BatchBuilder, ValueRef};

    use super::*;

    fn batch(documents: usize, bytes: usize) -> Arc<Batch> {
        let mut builder = BatchBuilder::new();
        for _ in 0..documents {
            builder.begin(0);
            builder.field("message", ValueRef::Str(&"x".repeat(bytes)));
            builder.end();
        }
        Arc::new(builder.finish().0)
    }

    fn drain(receiver: &mut TailReceiver) -> (u64, u64) {
        let (mut seen, mut missed) = (0, 0);
        while let Some(event) = receiver.try_recv() {
            match event {
                TailEvent::Batch { batch, from } => seen += (batch.len() - from) as u64,
                TailEvent::Missed(documents) => missed += documents,
            }
        }
        (seen, missed)
    }

    #[test]
    fn each_tail_sees_what_comes_after_it_subscribed() {
        let hub = TailHub::new();
        hub.publish(&batch(3, 1));
        let mut early = hub.subscribe();
        hub.publish(&batch(2, 1));
        let mut late = hub.subscribe();
        hub.publish(&batch(1, 1));
        assert_eq!(drain(&mut early), (3, 0));
        assert_eq!(drain(&mut late), (1, 0));
        assert_eq!(drain(&mut late), (0, 0));
    }

    #[test]
    fn a_slow_tail_learns_how_many_it_missed() {
        let hub = TailHub::new();
        let mut slow = hub.subscribe();
        for _ in 0..40 {
            hub.publish(&batch(2, 1 << 19));
        }
        let (seen, missed) = drain(&mut slow);
        assert_eq!(seen + missed, 80);
        assert!((20..=32).contains(&seen), "{seen}");
        hub.publish(&batch(5, 1));
        assert_eq!(drain(&mut slow), (5, 0));
    }

    #[test]
    fn what_is_given_back_comes_again_or_counts_as_missed() {
        let hub = TailHub::new();
        let mut tail = hub.subscribe();
        hub.publish(&batch(10, 1));
        hub.publish(&batch(5, 1));
        for expected in [0, 4, 8] {
            let event = tail.try_recv();
            assert!(matches!(event, Some(TailEvent::Batch { from, .. }) if from == expected), "{event:?}");
            tail.unread(6_usize.saturating_sub(expected));
        }
        assert_eq!(drain(&mut tail), (5, 0), "the next batch");
        let first = batch(10, 1 << 19);
        hub.publish(&first);
        tail.try_recv().unwrap();
        tail.unread(7);
        for _ in 0..4 {
            hub.publish(&batch(9, 1 << 19));
        }
        assert_eq!(Arc::strong_count(&first), 1, "the tail keeps nothing");
        let (seen, missed) = drain(&mut tail);
        assert_eq!((seen + missed, missed % 9), (7 + 4 * 9, 7));
    }

    #[test]
    fn nothing_is_kept_without_listeners() {
        let hub = TailHub::new();
        drop(hub.subscribe());
        hub.publish(&batch(1, 1000));
        assert_eq!(hub.shared.lock().bytes, 0);
        assert_eq!(drain(&mut hub.subscribe()), (0, 0));
    }

    #[tokio::test]
    async fn a_waiting_tail_is_woken() {
        let hub = TailHub::new();
        let mut receiver = hub.subscribe();
        let waiting = tokio::spawn(async move { receiver.recv().await });
        hub.publish(&batch(7, 1));
        let event = waiting.await.unwrap();
        assert!(matches!(event, TailEvent::Batch { batch, from: 0 } if batch.len() == 7));
    }
}
