//! For tests: a store that keeps documents in memory and is durable up to where it is told, so that it
//! can be killed between any two steps; and an ingest with its threads around it.

use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use millpond_query::table::Table;
use millpond_query::{Filter, Pipe};
use millpond_store::StoreError;
use millpond_store::log_store::{
    Answer, Budget, Capabilities, Facet, FieldInfo, Histogram, HistogramPlan, LogStore, RetentionPolicy,
    RetentionReport, SearchPlan, StoreHealth, TimeRange, WalPosition,
};
use millpond_wire::batch::{Batch, DocId, DocRef};
use millpond_wire::compression::Encoding;
use tokio::sync::mpsc;

use super::committer::{Appender, Committer};
use super::{Accepted, Ingest, IngestError, SharedState};
use crate::metrics::Metrics;
use crate::tail::TailHub;
use crate::wal::state::Numbers;
use crate::wal::testing::FaultyDisk;
use crate::wal::{Opened, Options, Wal};

/// A store that answers no queries. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct KeepingStore {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// By document: sequence number and message.
    documents: Vec<(u64, String)>,
    durable_documents: usize,
    upto: WalPosition,
    durable_upto: WalPosition,
    is_failed: bool,
}

impl KeepingStore {
    /// All documents, in the order in which they came: sequence number and message.
    pub(crate) fn documents(&self) -> Vec<(u64, String)> {
        self.state.lock().unwrap().documents.clone()
    }

    /// What a log is opened with.
    pub(crate) fn known(&self) -> Numbers {
        let state = self.state.lock().unwrap();
        let durable = state.documents.get(..state.durable_documents).unwrap_or_default();
        let document = durable.iter().map(|(sequence, _)| sequence + 1).max().unwrap_or(0);
        Numbers { sequence: state.durable_upto, document }
    }

    /// Forgets what was not flushed, as a kill does.
    pub(crate) fn kill(&self) {
        let mut state = self.state.lock().unwrap();
        let durable = state.durable_documents;
        state.documents.truncate(durable);
        state.upto = state.durable_upto;
    }

    /// From now on every append fails.
    pub(crate) fn fail(&self) {
        self.state.lock().unwrap().is_failed = true;
    }
}

fn no_queries<T>() -> Result<T, StoreError> {
    Err(StoreError::Plan("this store answers no queries".into()))
}

impl LogStore for KeepingStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { regex: false, exact_counts: false, retention_by_bytes: false }
    }

    fn append(&self, batch: Arc<Batch>, upto: WalPosition) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap();
        if state.is_failed {
            return no_queries();
        }
        assert!(upto > state.upto, "positions ascend");
        state.upto = upto;
        let documents =
            batch.docs().map(|doc| (doc.sequence(), doc.message().unwrap_or_default().to_owned()));
        state.documents.extend(documents);
        Ok(())
    }

    fn durable_upto(&self) -> WalPosition {
        self.state.lock().unwrap().durable_upto
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap();
        state.durable_documents = state.documents.len();
        state.durable_upto = state.upto;
        Ok(())
    }

    fn search(
        &self,
        _plan: &SearchPlan,
        _budget: &Budget,
        _sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> Result<Answer<Option<DocId>>, StoreError> {
        no_queries()
    }

    fn histogram(&self, _plan: &HistogramPlan, _budget: &Budget) -> Result<Answer<Histogram>, StoreError> {
        no_queries()
    }

    fn stats(
        &self,
        _filter: &Filter,
        _range: TimeRange,
        _pipes: &[Pipe],
        _budget: &Budget,
    ) -> Result<Answer<Table>, StoreError> {
        no_queries()
    }

    fn facets(
        &self,
        _filter: &Filter,
        _range: TimeRange,
        _fields: &[String],
        _top: usize,
        _budget: &Budget,
    ) -> Result<Answer<Vec<Facet>>, StoreError> {
        no_queries()
    }

    fn fields(&self, _range: TimeRange) -> Vec<FieldInfo> {
        Vec::new()
    }

    fn values(
        &self,
        _field: &str,
        _prefix: &str,
        _range: TimeRange,
        _limit: usize,
        _budget: &Budget,
    ) -> Result<Answer<Vec<(String, u64)>>, StoreError> {
        no_queries()
    }

    fn apply_retention(&self, _policy: RetentionPolicy, _now_ns: i64) -> Result<RetentionReport, StoreError> {
        Ok(RetentionReport::default())
    }

    fn health(&self) -> StoreHealth {
        StoreHealth::default()
    }
}

/// A whole ingest with its threads, on a disk that works.
pub(crate) struct Running {
    pub(crate) ingest: Ingest,
    pub(crate) store: KeepingStore,
    pub(crate) tail: TailHub,
    pub(crate) metrics: Arc<Metrics>,
    threads: Vec<std::thread::JoinHandle<()>>,
    pub(crate) dir: tempfile::TempDir,
}

impl Running {
    pub(crate) fn start(memory_bytes: usize) -> Self {
        let (dir, store) = (tempfile::tempdir().unwrap(), KeepingStore::default());
        let wal = Wal::open(
            Box::new(FaultyDisk::new()),
            dir.path(),
            Options::default(),
            store.known(),
            &mut |_, _| Ok(()),
        );
        let Opened { wal, numbers, positions, .. } = wal.unwrap();
        let (metrics, tail) = (Arc::new(Metrics::default()), TailHub::new());
        let state = Arc::new(SharedState::new(positions));
        let (events_in, events) = mpsc::channel(8);
        let (durable_in, durable) = sync_channel(8);
        let committer = Committer {
            wal,
            numbers,
            state: Arc::clone(&state),
            metrics: Arc::clone(&metrics),
            tail: tail.clone(),
            store: Arc::new(store.clone()),
            durable: durable_in,
        };
        let appender = Appender {
            store: Arc::new(store.clone()),
            state: Arc::clone(&state),
            metrics: Arc::clone(&metrics),
        };
        let threads = vec![
            std::thread::spawn(move || committer.run(events)),
            std::thread::spawn(move || appender.run(durable)),
        ];
        let ingest = Ingest::new(events_in, state, Arc::clone(&metrics), memory_bytes, 2);
        Self { ingest, store, tail, metrics, threads, dir }
    }

    pub(crate) async fn ndjson(&self, body: &str) -> Result<Accepted, IngestError> {
        self.ingest.ndjson(Encoding::Identity, Bytes::from(body.to_owned()), 7).await
    }

    pub(crate) async fn stop(self) -> KeepingStore {
        self.ingest.stop().await;
        tokio::task::spawn_blocking(move || {
            self.threads.into_iter().for_each(|thread| thread.join().unwrap())
        })
        .await
        .unwrap();
        self.store
    }
}
