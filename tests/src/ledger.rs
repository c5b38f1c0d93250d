//! Numbered batches over HTTP, and the account of what became of each: what was acknowledged must be there
//! exactly once, anything else in whole or not at all, and nothing twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::client::{Client, Reply};
use crate::eventually;
use crate::random::Random;

/// Documents of a batch.
const BATCH_DOCUMENTS: u64 = 5;

/// Longest wait for what was acknowledged to be visible: a machine that is busy with other tests is slow.
const VISIBLE_LIMIT: Duration = Duration::from_secs(30);

/// The account. Several senders may share it.
#[derive(Debug)]
pub struct Ledger {
    /// Bytes that each document carries beside its numbers; they hardly compress.
    padding_bytes: usize,
    /// What became of each batch that was sent.
    batches: Mutex<Vec<Fate>>,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Refused, never answered, or in doubt: there in whole or not at all.
    Sent,
    /// There, once.
    Acknowledged,
    /// Retention took it.
    Forgotten,
}

impl Ledger {
    /// An empty account of batches whose documents carry this many bytes.
    pub fn new(padding_bytes: usize) -> Self {
        Self { padding_bytes, batches: Mutex::default() }
    }

    /// A copy that goes on by itself.
    pub fn fork(&self) -> Self {
        Self { padding_bytes: self.padding_bytes, batches: Mutex::new(self.with(|batches| batches.clone())) }
    }

    /// Sends the next batch; `None` when nobody answers.
    pub fn send(&self, client: &Client) -> Option<Reply> {
        self.send_long(client, 0)
    }

    /// Sends the next batch with this many blanks behind it: they are in the log and in no document.
    pub fn send_long(&self, client: &Client, blank_bytes: usize) -> Option<Reply> {
        let batch = self.with(|batches| {
            batches.push(Fate::Sent);
            batches.len() - 1
        });
        let mut body = self.body(batch).into_bytes();
        body.resize(body.len() + blank_bytes, b' ');
        let reply = client.try_post("/api/v1/ingest", &[], &body);
        if reply.as_ref().is_some_and(|reply| reply.status == 200) {
            self.with(|batches| batches[batch] = Fate::Acknowledged);
        }
        reply
    }

    /// Batches that were sent, and batches that were acknowledged.
    pub fn counts(&self) -> (usize, usize) {
        let is_acknowledged = |fate: &&Fate| **fate == Fate::Acknowledged;
        self.with(|batches| (batches.len(), batches.iter().filter(is_acknowledged).count()))
    }

    /// Notes that retention took all batches so far.
    pub fn forget(&self) {
        self.with(|batches| batches.fill(Fate::Forgotten));
    }

    /// Notes that retention may have taken any of the batches so far.
    pub fn doubt(&self) {
        self.with(|batches| batches.fill(Fate::Sent));
    }

    /// Documents that were acknowledged.
    pub fn documents(&self) -> u64 {
        self.counts().1 as u64 * BATCH_DOCUMENTS
    }

    /// Holds the account against everything that the collector has. `what` is for messages.
    ///
    /// # Panics
    /// Something is missing, torn or there twice.
    pub fn verify(&self, client: &Client, what: &str) {
        // Documents become visible in their order: with this one all others are.
        let last = self.counts().0;
        eventually(&format!("{what}: a batch is taken in"), VISIBLE_LIMIT, || {
            self.send(client).filter(|reply| reply.status == 200)
        });
        let last =
            (last..self.counts().0).rfind(|batch| self.with(|batches| batches[*batch] == Fate::Acknowledged));
        let last = format!("batch={}", last.expect("it was acknowledged"));
        eventually(&format!("{what}: it is visible"), VISIBLE_LIMIT, || {
            client.count(&last).filter(|count| *count == BATCH_DOCUMENTS)
        });
        let mut found: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for document in client.all("") {
            let number = |name: &str| document[name].as_u64().unwrap_or_else(|| panic!("{what}: {document}"));
            found.entry(number("batch")).or_default().push(number("n"));
        }
        let sent = self.with(|batches| batches.clone());
        for (batch, fate) in sent.into_iter().enumerate() {
            let mut numbers = found.remove(&(batch as u64)).unwrap_or_default();
            numbers.sort_unstable();
            let is_whole = numbers.iter().copied().eq(0..BATCH_DOCUMENTS);
            let is_right = match fate {
                Fate::Sent => is_whole || numbers.is_empty(),
                Fate::Acknowledged => is_whole,
                Fate::Forgotten => numbers.is_empty(),
            };
            assert!(is_right, "{what}: batch {batch} ({fate:?}) has {numbers:?}");
        }
        assert!(found.is_empty(), "{what}: batches that nobody sent: {found:?}");
    }

    fn body(&self, batch: usize) -> String {
        let mut random = Random::new(batch as u64);
        let mut body = String::new();
        for number in 0..BATCH_DOCUMENTS {
            let mut padding = String::new();
            while padding.len() < self.padding_bytes {
                padding.push_str(&format!("{:x} ", random.bits()));
            }
            // Every other batch is of a day that is over, whose splits are merged by three.
            let time = if batch.is_multiple_of(2) { r#""@timestamp":"2025-11-20T10:00:00Z","# } else { "" };
            body.push_str(&format!(
                "{{{time}\"message\":\"batch {batch} document {number} {padding}\",\"batch\":{batch},\"n\":{number}}}\n"
            ));
        }
        body
    }

    fn with<T>(&self, f: impl FnOnce(&mut Vec<Fate>) -> T) -> T {
        f(&mut self.batches.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
