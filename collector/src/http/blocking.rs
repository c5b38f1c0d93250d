//! Runs queries on a bounded number of threads made for blocking, each with a deadline, and stops them when nobody
//! waits for the answer any more. Who runs when is decided by [`Slots`]; the memory and time of one query are its
//! [`Budget`].

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use axum::body::Body;
use millpond_store::log_store::Budget;
use tokio::sync::mpsc;

use super::body::{CancelOnDrop, ChannelBody};
use super::caller::Caller;
use super::chunks::ChunkWriter;
use super::limits::{CHUNKS_IN_FLIGHT, QUERIES_WAITING_MAX, QUERY_WAIT_MAX, SLOTS_LENT_MAX, STATS_BYTES_MAX};
use super::problem::Problem;
use super::slots::{Load, Slot, Slots};
use crate::config::Limits;
use crate::metrics::Metrics;

/// Seconds after which a refused query may try again.
const RETRY_AFTER_S: u64 = 2;

/// Longest time of what has no limit of time: longer than any program runs.
pub(super) const NO_TIMEOUT: Duration = Duration::from_secs(365 * 86_400);

/// Threads for queries of one kind. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct QueryPool {
    slots: Slots,
    limits: Limits,
    metrics: Arc<Metrics>,
}

impl QueryPool {
    /// So many queries at once, each within as many bytes and groups as the configuration says, and
    /// [`QUERIES_WAITING_MAX`] in line.
    pub(super) fn new(threads: u32, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let threads = usize::try_from(threads).unwrap_or(usize::MAX);
        Self { slots: Slots::new(threads, SLOTS_LENT_MAX, QUERIES_WAITING_MAX), limits, metrics }
    }

    /// Runs `query` and gives its answer. When the returned future is dropped, the query is told to stop.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        caller: &Caller,
        timeout: Duration,
        query: impl FnOnce(&Budget) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let slot = self.admit(caller).await?;
        let budget = self.budget(timeout);
        let _cancel = CancelOnDrop(Arc::clone(&budget.cancelled));
        let span = tracing::Span::current();
        let task = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            span.in_scope(|| query(&budget))
        });
        task.await.unwrap_or_else(|panic| Err(Problem::internal(&panic)))
    }

    /// Runs `query`, which writes its answer piece by piece, and gives the body as soon as its first chunk is there.
    /// An error before that is an error reply; an error after it is for `query` to write, or cuts the body short.
    /// When the body is dropped, the query is told to stop. A query that waits for its client lends its slot.
    pub(super) async fn stream(
        &self,
        caller: &Caller,
        timeout: Duration,
        query: impl FnOnce(&Budget, &mut ChunkWriter) -> Result<(), Problem> + Send + 'static,
    ) -> Result<Body, Problem> {
        let slot = self.admit(caller).await?;
        let budget = self.budget(timeout);
        let cancel = CancelOnDrop(Arc::clone(&budget.cancelled));
        // Full: the query waits in `ChunkWriter::send` for the client.
        let (sender, mut parts) = mpsc::channel(CHUNKS_IN_FLIGHT);
        let (span, caller, metrics) = (tracing::Span::current(), caller.clone(), Arc::clone(&self.metrics));
        let task = tokio::task::spawn_blocking(move || {
            let mut writer = ChunkWriter::new(sender, &budget, &caller, slot, metrics);
            span.in_scope(|| query(&budget, &mut writer))?;
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

    /// How many run, wait and stall.
    pub(super) fn load(&self) -> Load {
        self.slots.load()
    }

    async fn admit(&self, caller: &Caller) -> Result<Slot, Problem> {
        let since = Instant::now();
        let admitted = self.slots.take(&caller.client, QUERY_WAIT_MAX).await;
        caller.waited(since.elapsed());
        admitted.map_err(|_| {
            self.metrics.http_queries_refused_total.add(1);
            Problem::overloaded(RETRY_AFTER_S, "Too many queries are running; try again.")
        })
    }

    fn budget(&self, timeout: Duration) -> Budget {
        Budget {
            deadline: Instant::now() + timeout,
            cancelled: Arc::new(AtomicBool::new(false)),
            scanned_bytes_max: self.limits.query_scan_bytes,
            groups_max: usize::try_from(self.limits.query_groups).unwrap_or(usize::MAX),
            stats_bytes_max: STATS_BYTES_MAX,
            cost: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use http_body_util::BodyExt;

    use super::*;
    use crate::http::caller::testing::caller;
    use crate::http::limits::CHUNK_BYTES;

    const LONG: Duration = Duration::from_secs(20);

    /// One thread, and so many in line.
    fn one_thread(waiting: usize) -> QueryPool {
        let pool = QueryPool::new(1, crate::http::tests::limits(), Arc::default());
        QueryPool { slots: Slots::new(1, 1, waiting), ..pool }
    }

    #[tokio::test]
    async fn answers_and_errors_come_back() {
        let pool = one_thread(0);
        assert_eq!(pool.run(&caller(), LONG, |_| Ok(7)).await, Ok(7));
        let refused = pool.run(&caller(), LONG, |_| Err::<(), _>(Problem::parameter("q", "no"))).await;
        assert_eq!(refused.map_err(|problem| problem.code()), Err("bad_parameter"));
        let panicked = pool.run(&caller(), LONG, |_| -> Result<(), Problem> { panic!("on purpose") }).await;
        assert_eq!(panicked.map_err(|problem| problem.code()), Err("internal"));
        assert_eq!(pool.run(&caller(), LONG, |_| Ok(8)).await, Ok(8), "a panic gives its thread back");
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
                pool.run(&caller(), LONG, query).await
            }
        });
        wait_started.await.unwrap();
        assert_eq!(
            pool.run(&caller(), LONG, |_| Ok(())).await.map_err(|problem| problem.code()),
            Err("overloaded")
        );
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
            async move { pool.run(&caller(), LONG, query).await }
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
        let body = pool.stream(&caller(), LONG, query).await.unwrap();
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
            .stream(&caller(), LONG, move |_, writer| {
                write(writer);
                Ok(())
            })
            .await
            .unwrap();
        assert_eq!(whole.collect().await.unwrap().to_bytes().len(), 10 * CHUNK_BYTES);
        let cut = pool
            .stream(&caller(), LONG, move |_, writer| {
                write(writer);
                panic!("on purpose")
            })
            .await
            .unwrap();
        assert!(cut.collect().await.is_err());
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_keeps_nobody_waiting_and_gets_everything() {
        let pool = one_thread(1);
        let query = move |_: &Budget, writer: &mut ChunkWriter| {
            for _ in 0..20 {
                writer.append(|out| out.resize(CHUNK_BYTES, b'x'));
            }
            Ok(())
        };
        // Its time is over before the client takes anything: a query has nothing to do with that.
        let paused = pool.stream(&caller(), Duration::ZERO, query).await.unwrap();
        assert_eq!(pool.run(&caller(), LONG, |_| Ok(7)).await, Ok(7));
        assert_eq!(pool.load(), Load { running: 0, waiting: 0, stalled: 1 });
        assert_eq!(paused.collect().await.unwrap().to_bytes().len(), 20 * CHUNK_BYTES);
    }
}
