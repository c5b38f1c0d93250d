//! Runs queries on a bounded number of threads made for blocking, each with a deadline, and stops them when nobody
//! waits for the answer any more.
//!
//! Admission is a semaphore. Beyond the threads a bounded number of queries waits for a bounded time; what is more
//! than that gets 503 and `Retry-After`, so that a burst costs its senders time and nobody else the collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use millpond_store::log_store::Budget;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::body::{CancelOnDrop, ChannelBody, Part};
use super::limits::{CHUNK_AGE_MAX, CHUNK_BYTES, CHUNKS_IN_FLIGHT, QUERIES_WAITING_MAX, QUERY_WAIT_MAX};
use super::problem::Problem;
use crate::config::Limits;

/// Seconds after which a refused query may try again.
const RETRY_AFTER_S: u64 = 2;

/// Admission to the query threads. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct QueryPool {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    limits: Limits,
}

impl QueryPool {
    /// As many queries at once, each within as many bytes and groups, as the configuration says, and
    /// [`QUERIES_WAITING_MAX`] in line.
    pub(super) fn new(limits: Limits) -> Self {
        let running = Semaphore::new(usize::try_from(limits.concurrent_queries).unwrap_or(usize::MAX));
        Self { running: Arc::new(running), waiting: Arc::new(Semaphore::new(QUERIES_WAITING_MAX)), limits }
    }

    /// Runs `query` and gives its answer. When the returned future is dropped, the query is told to stop.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        timeout: Duration,
        query: impl FnOnce(&Budget) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.admit().await?;
        let budget = self.budget(timeout);
        let _cancel = CancelOnDrop(Arc::clone(&budget.cancelled));
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            query(&budget)
        });
        task.await.unwrap_or_else(|panic| Err(Problem::internal(&panic)))
    }

    /// Runs `query`, which writes its answer piece by piece, and gives the body as soon as its first chunk is there.
    /// An error before that is an error reply; an error after it is for `query` to write. When the body is dropped,
    /// the query is told to stop.
    pub(super) async fn stream(
        &self,
        timeout: Duration,
        query: impl FnOnce(&Budget, &mut ChunkWriter) -> Result<(), Problem> + Send + 'static,
    ) -> Result<Body, Problem> {
        let permit = self.admit().await?;
        let budget = self.budget(timeout);
        let cancel = CancelOnDrop(Arc::clone(&budget.cancelled));
        // Full: the query waits in `ChunkWriter::send` for the client, at most up to its deadline.
        let (sender, mut parts) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut writer = ChunkWriter::new(sender, &budget);
            query(&budget, &mut writer)?;
            writer.end();
            Ok(())
        });
        match parts.recv().await {
            Some(first) => Ok(Body::new(ChannelBody::new(Some(first), parts, cancel))),
            None => match task.await {
                Ok(Ok(())) => Ok(Body::empty()),
                Ok(Err(problem)) => Err(problem),
                Err(panic) => Err(Problem::internal(&panic)),
            },
        }
    }

    async fn admit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        if let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(permit);
        }
        let busy = || Problem::overloaded(RETRY_AFTER_S, "Too many queries are running; try again.");
        let _in_line = self.waiting.try_acquire().map_err(|_| busy())?;
        match tokio::time::timeout(QUERY_WAIT_MAX, Arc::clone(&self.running).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    fn budget(&self, timeout: Duration) -> Budget {
        Budget {
            deadline: Instant::now() + timeout,
            cancelled: Arc::new(AtomicBool::new(false)),
            scanned_bytes_max: self.limits.query_scan_bytes,
            groups_max: usize::try_from(self.limits.query_groups).unwrap_or(usize::MAX),
        }
    }
}

/// Gathers the bytes of a streamed reply into chunks and hands them to the client. Only for blocking threads.
pub(super) struct ChunkWriter {
    parts: mpsc::Sender<Part>,
    runtime: Handle,
    deadline: Instant,
    cancelled: Arc<AtomicBool>,
    chunk: Vec<u8>,
    sent_at: Instant,
    has_sent: bool,
    client_left: bool,
}

impl ChunkWriter {
    fn new(parts: mpsc::Sender<Part>, budget: &Budget) -> Self {
        Self {
            parts,
            runtime: Handle::current(),
            deadline: budget.deadline,
            cancelled: Arc::clone(&budget.cancelled),
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
    fn end(mut self) {
        self.flush();
        self.send(Part::End);
    }

    fn flush(&mut self) {
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
                let deadline = tokio::time::Instant::from_std(self.deadline);
                let sending = self.parts.send(part);
                self.runtime
                    .block_on(async { tokio::time::timeout_at(deadline, sending).await })
                    .is_ok_and(|sent| sent.is_ok())
            }
        };
        self.has_sent = true;
        self.client_left = !sent;
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// One thread, and so many in line.
    fn one_thread(waiting: usize) -> QueryPool {
        let limits = Limits { concurrent_queries: 1, ..crate::http::tests::limits() };
        QueryPool { waiting: Arc::new(Semaphore::new(waiting)), ..QueryPool::new(limits) }
    }

    #[tokio::test]
    async fn answers_and_errors_come_back() {
        let pool = one_thread(0);
        assert_eq!(pool.run(LONG, |_| Ok(7)).await, Ok(7));
        let refused = pool.run(LONG, |_| Err::<(), _>(Problem::parameter("q", "no"))).await;
        assert_eq!(refused.map_err(|problem| problem.code()), Err("bad_parameter"));
        let panicked = pool.run(LONG, |_| -> Result<(), Problem> { panic!("on purpose") }).await;
        assert_eq!(panicked.map_err(|problem| problem.code()), Err("internal"));
        assert_eq!(pool.run(LONG, |_| Ok(8)).await, Ok(8), "a panic gives its thread back");
    }

    #[tokio::test]
    async fn queries_beyond_the_line_are_refused() {
        let pool = one_thread(0);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (started, wait_started) = tokio::sync::oneshot::channel();
        let busy = tokio::spawn({
            let pool = pool.clone();
            async move {
                let query = move |_: &Budget| {
                    let _ = started.send(());
                    let _ = released.recv();
                    Ok(())
                };
                pool.run(LONG, query).await
            }
        });
        wait_started.await.unwrap();
        assert_eq!(pool.run(LONG, |_| Ok(())).await.map_err(|problem| problem.code()), Err("overloaded"));
        release.send(()).unwrap();
        assert_eq!(busy.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_dropped_request_stops_the_query() {
        let pool = one_thread(0);
        let (started, wait_started) = tokio::sync::oneshot::channel();
        let (stopped, wait_stopped) = tokio::sync::oneshot::channel();
        let query = move |budget: &Budget| {
            let _ = started.send(());
            while !budget.cancelled.load(Ordering::Relaxed) && Instant::now() < budget.deadline {
                std::thread::yield_now();
            }
            let _ = stopped.send(budget.cancelled.load(Ordering::Relaxed));
            Ok(())
        };
        let request = tokio::spawn({
            let pool = pool.clone();
            async move { pool.run(LONG, query).await }
        });
        wait_started.await.unwrap();
        request.abort();
        assert_eq!(wait_stopped.await, Ok(true));
    }

    #[tokio::test]
    async fn a_dropped_body_stops_the_query() {
        let pool = one_thread(0);
        let (stopped, wait_stopped) = tokio::sync::oneshot::channel();
        let query = move |budget: &Budget, writer: &mut ChunkWriter| {
            while writer.append(|out| out.resize(out.len() + CHUNK_BYTES, b'x')) {}
            let _ = stopped.send(budget.cancelled.load(Ordering::Relaxed));
            Ok(())
        };
        let body = pool.stream(LONG, query).await.unwrap();
        drop(body);
        assert_eq!(wait_stopped.await, Ok(true));
    }

    #[tokio::test]
    async fn streams_are_complete_or_cut_and_never_short() {
        let pool = one_thread(1);
        let write = |writer: &mut ChunkWriter| {
            for _ in 0..10 {
                writer.append(|out| out.resize(CHUNK_BYTES, b'x'));
            }
        };
        let whole = pool
            .stream(LONG, move |_, writer| {
                write(writer);
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(whole.collect().await.unwrap().to_bytes().len(), 10 * CHUNK_BYTES);
        let cut = pool
            .stream(LONG, move |_, writer| {
                write(writer);
                panic!("on purpose")
            })
            .await
            .unwrap();
        assert!(cut.collect().await.is_err());
        let late = pool
            .stream(Duration::ZERO, move |_, writer| {
                write(writer);
                Ok(())
            })
            .await
            .unwrap();
        tokio::time::timeout(LONG, async {
            while pool.running.available_permits() == 0 {
                tokio::task::yield_now().await
            }
        })
        .await
        .unwrap();
        assert!(late.collect().await.is_err(), "a client that does not read until the deadline is cut off");
    }
}
