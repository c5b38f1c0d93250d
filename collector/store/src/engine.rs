//! The store itself: what its threads share, how they are started and stopped, and the trait's calls.
//!
//! ```text
//! append ─► queue ─► indexer ─► RAM splits ─► flusher ─► disk splits ─► merger ─► larger disk splits
//!                                  └────────── catalog (ArcSwap) ──────────┘──► queries
//! ```

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use millpond_query::table::{Table, TableError};
use millpond_query::{Filter, Limits, Pipe, table};
use millpond_wire::batch::{Batch, DocId, DocRef};

use crate::catalog::Catalog;
use crate::config::StoreConfig;
use crate::error::StoreError;
use crate::flusher;
use crate::indexer;
use crate::log_store::{
    Answer, Budget, Capabilities, Facet, FieldInfo, Histogram, HistogramPlan, LogStore, Partial, Pick,
    RetentionPolicy, RetentionReport, SearchPlan, StoreHealth, TimeRange, WalPosition,
};
use crate::manifest::{Manifest, Record};
use crate::merger;
use crate::pipeline::Pipeline;
use crate::query;
use crate::query::conditions::cache::ScanCache;
use crate::query::conditions::filter::time_bounds;
use crate::query::helpers::Helpers;
use crate::query::meter::Meter;
use crate::recovery::{self, Recovered};
use crate::retention;
use crate::split::split_dir;
use crate::warm;

/// Counters since the start, for health and metrics.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Merges of disk splits.
    pub(crate) merges: AtomicU64,
    /// Splits or rows that could not be read.
    pub(crate) damaged: AtomicU64,
}

/// What the threads of a store share.
pub(crate) struct Shared {
    pub(crate) config: StoreConfig,
    /// Directory of the disk splits.
    pub(crate) splits_dir: PathBuf,
    pub(crate) catalog: ArcSwap<Catalog>,
    manifest: Mutex<Manifest>,
    pipeline: Mutex<Pipeline>,
    /// Woken at every change of the pipeline.
    pub(crate) changed: Condvar,
    pub(crate) counters: Counters,
    /// What queries found in dictionaries.
    scans: ScanCache,
    helpers: Helpers,
    /// Held for as long as the store is open.
    _lock: std::fs::File,
}

impl Shared {
    /// The pipeline, locked. Short: nothing is built, read or written meanwhile.
    pub(crate) fn pipeline(&self) -> MutexGuard<'_, Pipeline> {
        self.pipeline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The manifest, locked for the time of one commit.
    pub(crate) fn manifest(&self) -> MutexGuard<'_, Manifest> {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of a query.
    pub(crate) fn meter<'a>(&'a self, budget: &'a Budget) -> Meter<'a> {
        Meter::new(budget, &self.scans, &self.helpers)
    }

    /// Waits for a change of the pipeline, at most this long.
    pub(crate) fn wait<'a>(
        &self,
        pipeline: MutexGuard<'a, Pipeline>,
        timeout: std::time::Duration,
    ) -> MutexGuard<'a, Pipeline> {
        self.changed.wait_timeout(pipeline, timeout).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Puts splits into the catalog in the place of others, in one step.
    pub(crate) fn publish(&self, removed: &[u64], added: &[Arc<crate::split::Split>]) {
        self.catalog.rcu(|catalog| catalog.replace(removed, added));
    }
}

/// The threads of a store, by name.
const THREADS: [(&str, ThreadMain); 4] = [
    ("store-index", indexer::run),
    ("store-flush", flusher::run),
    ("store-merge", merger::run),
    ("store-warm", warm::run),
];

type ThreadMain = fn(&Shared);

/// The store on Tantivy, in one directory.
pub struct TantivyStore {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for TantivyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TantivyStore").field("splits", &self.shared.splits_dir).finish_non_exhaustive()
    }
}

impl TantivyStore {
    /// Opens the store in `dir`, making it if there is none, and starts its threads. Splits that fail
    /// their checks are set aside and named in what is returned; everything else is served.
    ///
    /// # Errors
    /// The directory can't be used: locked by another process, unreadable, or not a store's.
    pub fn open(dir: &Path, config: StoreConfig) -> Result<(Self, Recovered), StoreError> {
        let splits_dir = dir.join("splits");
        std::fs::create_dir_all(&splits_dir).map_err(StoreError::io("create", &splits_dir))?;
        let lock = recovery::lock(dir)?;
        let (mut manifest, found) = Manifest::open(dir)?;
        let (catalog, recovered) = recovery::recover(&mut manifest, found, &splits_dir)?;
        let wal_upto = manifest.state().wal_upto;
        let shared = Arc::new(Shared {
            config,
            splits_dir,
            catalog: ArcSwap::from_pointee(catalog),
            manifest: Mutex::new(manifest),
            pipeline: Mutex::new(Pipeline::new(wal_upto)),
            changed: Condvar::new(),
            counters: Counters {
                damaged: AtomicU64::new(recovered.set_aside.len() as u64),
                ..Counters::default()
            },
            scans: ScanCache::default(),
            helpers: Helpers::default(),
            _lock: lock,
        });
        let store = Self { shared: Arc::clone(&shared), threads: Mutex::default() };
        for (name, run) in THREADS {
            let shared = Arc::clone(&shared);
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || run(&shared));
            let thread = thread.map_err(StoreError::io("start a thread of", dir))?;
            store.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok((store, recovered))
    }

    /// Stops the threads and waits for them. What was appended and not flushed is only in the log.
    /// Dropping the store does the same.
    pub fn close(&self) {
        self.shared.pipeline().close();
        self.shared.changed.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }

    /// Waits until everything appended so far is visible to queries; for tests and orderly hand-overs.
    ///
    /// # Errors
    /// The store failed or was closed.
    pub fn wait_visible(&self) -> Result<(), StoreError> {
        let mut pipeline = self.shared.pipeline();
        pipeline.hurry();
        self.shared.changed.notify_all();
        while !pipeline.all_built() {
            pipeline.check()?;
            pipeline = self.shared.wait(pipeline, std::time::Duration::from_secs(1));
        }
        Ok(())
    }

    /// Checks every checksum of every disk split: reads the whole store. Gives what is wrong, by split.
    pub fn verify(&self) -> Vec<(u64, StoreError)> {
        let catalog = self.shared.catalog.load_full();
        let checked = catalog.on_disk().filter_map(|split| Some((split.id(), split.verify().err()?)));
        // The files of a split that was merged or removed meanwhile may be gone.
        checked.filter(|(id, _)| self.shared.catalog.load().has_all(&[*id])).collect()
    }

    /// Runs a query over the documents in `range`.
    fn answer<T>(
        &self,
        range: TimeRange,
        budget: &Budget,
        run: impl FnOnce(&Catalog, &Meter<'_>) -> T,
    ) -> Answer<T> {
        let catalog = self.shared.catalog.load_full();
        let meter = self.shared.meter(budget);
        let outside =
            |split: &&Arc<crate::split::Split>| !range.overlaps(split.meta().min_ns, split.meta().max_ns);
        budget.cost.begin(catalog.splits.len(), catalog.splits.iter().filter(outside).count());
        let value = run(&catalog, &meter);
        if catalog.is_incomplete(range) {
            meter.note(Partial::Damaged);
        }
        self.shared.counters.damaged.fetch_add(meter.damaged(), Ordering::Relaxed);
        Answer { value, partial: meter.partial() }
    }
}

impl Drop for TantivyStore {
    fn drop(&mut self) {
        self.close();
    }
}

impl LogStore for TantivyStore {
    fn capabilities(&self) -> Capabilities {
        Capabilities { regex: true, exact_counts: true, retention_by_bytes: true }
    }

    fn append(&self, batch: Arc<Batch>, upto: WalPosition) -> Result<(), StoreError> {
        let mut pipeline = self.shared.pipeline();
        while !pipeline.has_room(self.shared.config.queue_bytes_max) {
            pipeline.check()?;
            pipeline = self.shared.wait(pipeline, std::time::Duration::from_secs(1));
        }
        pipeline.check()?;
        pipeline.push(batch, upto);
        drop(pipeline);
        self.shared.changed.notify_all();
        Ok(())
    }

    fn durable_upto(&self) -> WalPosition {
        self.shared.pipeline().durable_upto()
    }

    fn flush(&self) -> Result<(), StoreError> {
        let mut pipeline = self.shared.pipeline();
        let wanted = pipeline.want_flush();
        self.shared.changed.notify_all();
        while !pipeline.is_flushed(wanted)? {
            pipeline = self.shared.wait(pipeline, std::time::Duration::from_secs(1));
        }
        Ok(())
    }

    fn search(
        &self,
        plan: &SearchPlan,
        budget: &Budget,
        sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> Result<Answer<Option<DocId>>, StoreError> {
        let range = time_bounds(&plan.filter, plan.range);
        Ok(self.answer(range, budget, |catalog, meter| match &plan.pick {
            Pick::ByTime { after, skippable } => {
                query::newest::search(&catalog.splits, plan, (*after, skippable.as_ref()), meter, sink)
            }
            Pick::ByKeys(keys) => {
                query::sorted::search(&catalog.splits, plan, keys, meter, sink);
                None
            }
        }))
    }

    fn histogram(&self, plan: &HistogramPlan, budget: &Budget) -> Result<Answer<Histogram>, StoreError> {
        if plan.step_ns <= 0 {
            return Err(StoreError::Plan(format!("a histogram step of {} ns is not above 0", plan.step_ns)));
        }
        let range = time_bounds(&plan.filter, query::histogram::range(plan));
        Ok(self.answer(range, budget, |catalog, meter| {
            query::histogram::histogram(&catalog.splits, plan, meter)
        }))
    }

    fn stats(
        &self,
        filter: &Filter,
        range: TimeRange,
        pipes: &[Pipe],
        budget: &Budget,
    ) -> Result<Answer<Table>, StoreError> {
        let Some((Pipe::Stats(stats), rest)) = pipes.split_first() else {
            let problem = "the first pipe has to aggregate: stats, timechart, top or rare";
            return Err(StoreError::Plan(problem.to_owned()));
        };
        if stats.needs_rows() {
            let problem = "the first and the last value are not known by counts: search for the rows";
            return Err(StoreError::Plan(problem.to_owned()));
        }
        let answer = self.answer(time_bounds(filter, range), budget, |catalog, meter| {
            query::facets::top(&catalog.splits, filter, range, pipes, meter)
                .or_else(|| query::facets::distinct(&catalog.splits, filter, range, stats, meter))
                .unwrap_or_else(|| query::stats::stats(&catalog.splits, filter, range, stats, meter))
        });
        let end = budget.end_of_rest();
        let limits = Limits { bytes_max: budget.stats_bytes_max, goes_on: &|| !budget.is_over(end) };
        match table::apply_within(answer.value, rest, limits) {
            Ok(value) => Ok(Answer { value, partial: answer.partial }),
            // A part of the rows would be no part of the answer, which may be sorted or counted.
            Err(TableError::Stopped) => {
                Ok(Answer { value: Table::default(), partial: Some(Partial::Deadline) })
            }
            Err(error) => Err(StoreError::Plan(error.to_string())),
        }
    }

    fn facets(
        &self,
        filter: &Filter,
        range: TimeRange,
        fields: &[String],
        top: usize,
        budget: &Budget,
    ) -> Result<Answer<Vec<Facet>>, StoreError> {
        Ok(self.answer(time_bounds(filter, range), budget, |catalog, meter| {
            query::facets::facets(&catalog.splits, filter, range, fields, top, meter)
        }))
    }

    fn fields(&self, range: TimeRange) -> Vec<FieldInfo> {
        query::fields(&self.shared.catalog.load_full().splits, range)
    }

    fn values(
        &self,
        field: &str,
        prefix: &str,
        range: TimeRange,
        limit: usize,
        budget: &Budget,
    ) -> Result<Answer<Vec<(String, u64)>>, StoreError> {
        Ok(self.answer(range, budget, |catalog, meter| {
            query::facets::values(&catalog.splits, field, prefix, range, limit, meter)
        }))
    }

    fn apply_retention(&self, policy: RetentionPolicy, now_ns: i64) -> Result<RetentionReport, StoreError> {
        let mut manifest = self.shared.manifest();
        let chosen = retention::choose(manifest.state().live.values(), policy, now_ns);
        if chosen.is_empty() {
            return Ok(RetentionReport::default());
        }
        let ids: Vec<u64> = chosen.iter().map(|(entry, _)| entry.id).collect();
        manifest.commit(Record { removed: ids.clone(), ..Record::default() })?;
        self.shared.publish(&ids, &[]);
        drop(manifest);
        ids.iter().for_each(|id| remove_dir(&split_dir(&self.shared.splits_dir, *id)));
        Ok(RetentionReport {
            splits: chosen.len() as u64,
            documents: chosen.iter().map(|(entry, _)| entry.documents).sum(),
            bytes: chosen.iter().map(|(entry, _)| entry.bytes).sum(),
        })
    }

    fn health(&self) -> StoreHealth {
        let catalog = self.shared.catalog.load_full();
        let (failure, queued_bytes) = {
            let pipeline = self.shared.pipeline();
            (pipeline.failure(), pipeline.held_bytes())
        };
        let splits_bytes: usize = catalog.splits.iter().map(|split| split.memory_bytes()).sum();
        StoreHealth {
            failure,
            documents: catalog.splits.iter().map(|split| u64::from(split.meta().documents)).sum(),
            disk_bytes: catalog.splits.iter().map(|split| split.disk_bytes()).sum(),
            memory_bytes: (splits_bytes + queued_bytes + self.shared.scans.heap_bytes()) as u64,
            ram_splits: catalog.in_memory().count() as u64,
            disk_splits: catalog.on_disk().count() as u64,
            merges: self.shared.counters.merges.load(Ordering::Relaxed),
            damaged: self.shared.counters.damaged.load(Ordering::Relaxed),
            time_range: catalog.time_range(),
        }
    }
}

/// Removes the directory of a split that the manifest no longer has. Running queries keep its files.
pub(crate) fn remove_dir(dir: &Path) {
    if let Err(error) = std::fs::remove_dir_all(dir)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(dir = %dir.display(), %error, "can't remove a split; the next start tries again");
    }
}
