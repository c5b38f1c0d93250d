//! Builds the collector's parts in order, wires their queues, spawns its long-lived tasks and ends
//! them in order. Nothing else in this crate spawns what outlives a request.
//!
//! Start: lock, certificates, ports, store, replay of the log; then everything is served at once.
//! Stop: ports, requests under way, committer, appender, flush of the store. A kill at any point is
//! a stop as well: the start is the same.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Instant;

use millpond_store::log_store::LogStore;
use millpond_store::{StoreConfig, StoreError, TantivyStore};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::agents::{self, Enrollment, PortTls, Routes, Seen};
use crate::clock::now_ns;
use crate::config::Config;
use crate::descriptors;
use crate::http;
use crate::identity::{Authority, DataDir, IdentityError, Revocations};
use crate::ingest::committer::{Appender, Committer};
use crate::ingest::replay::replay;
use crate::ingest::{Ingest, SharedState};
use crate::limits::{
    APPEND_QUEUE_BATCHES, CA_INTERVAL, CA_WARNING_S, COMMIT_QUEUE_REQUESTS, END_DEADLINE, RETENTION_INTERVAL,
    RETENTION_PAUSE, TICK_INTERVAL,
};
use crate::metrics::{self, Metrics};
use crate::stop::{Stop, stop_signal};
use crate::tail::TailHub;
use crate::wal::disk::RealDisk;
use crate::wal::recover::Report;
use crate::wal::state::Numbers;
use crate::wal::{Opened, Options, Wal, WalError};

/// What the users' port works with. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The store; its calls block.
    pub store: Arc<dyn LogStore>,
    /// The way in.
    pub ingest: Ingest,
    /// Durable batches as they come.
    pub tail: TailHub,
    /// Which agents were here last.
    pub seen: Arc<Seen>,
    /// When the CA ends, Unix seconds.
    pub ca_ends_s: i64,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The checked configuration.
    pub config: Arc<Config>,
    /// When this process began to serve.
    pub started: Instant,
    /// Tells when to end replies that would go on for ever.
    pub stop: Stop,
}

/// A collector that can't run, or did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The data directory is in use, or has no identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The certificates don't fit together.
    #[error(transparent)]
    Tls(#[from] millpond_wire::tls::TlsError),
    /// An address is not free.
    #[error("can't listen on {address} ([{section}] listen): {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Section of the configuration that has it.
        section: &'static str,
        /// Why.
        source: std::io::Error,
    },
    /// The store can't be opened or flushed.
    #[error("store: {0}")]
    Store(#[from] StoreError),
    /// The log can't be opened.
    #[error("write-ahead log: {0}")]
    Wal(#[from] WalError),
    /// A thread could not be started, or broke off.
    #[error("{0}")]
    Thread(String),
}

impl AppState {
    /// Whether documents are taken in; the reason if not. The log is replayed before anything is
    /// served, so that is never it.
    ///
    /// # Errors
    /// The reason, for people.
    pub fn readiness(&self) -> Result<(), String> {
        if self.stop.is_requested() {
            return Err("the collector is stopping".into());
        }
        let blocked = self.ingest.blocked().or_else(|| self.store.health().failure);
        blocked.map_or(Ok(()), Err)
    }

    /// Everything countable, as Prometheus text (content type `text/plain; version=0.0.4`).
    pub fn render_metrics(&self) -> String {
        let mut text = String::new();
        self.metrics.render_counters(&mut text);
        metrics::render_store(&self.store.health(), &mut text);
        let gauge = |text: &mut String, name, help, value| metrics::render(text, name, "gauge", help, value);
        gauge(&mut text, "tail_receivers", "Live tails at the moment.", self.tail.receivers() as u64);
        let expiring = self.seen.expiring(now_ns() / 1_000_000_000);
        let help = "Agents whose last known certificate ends soon and was not renewed, or has ended.";
        gauge(&mut text, "agents_certificates_expiring", help, expiring);
        let ca_ends_s = u64::try_from(self.ca_ends_s).unwrap_or_default();
        gauge(&mut text, "ca_ends_seconds", "Unix time at which the CA ends.", ca_ends_s);
        gauge(&mut text, "ready", "1 if documents are taken in.", u64::from(self.readiness().is_ok()));
        gauge(&mut text, "uptime_seconds", "Seconds since the start.", self.started.elapsed().as_secs());
        text
    }
}

/// Runs a collector until `stop_when` is done, then ends it in order.
///
/// # Errors
/// It can't start, or the store could not be flushed at the end; nothing acknowledged is lost then.
pub async fn run(config: Config, stop_when: impl Future<Output = ()>) -> Result<(), AppError> {
    tokio::pin!(stop_when);
    let config = Arc::new(config);
    let dir = DataDir::new(&config.data_dir);
    let _lock = dir.acquire()?;
    descriptors::raise_limit(config.limits.agent_connections);
    let (tls, enrollment, ca_ends_s) = load_identity(&dir, &config)?;
    let (seen, revocations) = (Arc::new(Seen::load(&dir.seen())), Revocations::new(dir.revoked()));
    // A folder that can't be read would let nobody in: better said now.
    revocations.all()?;
    let http_listener = listen(config.http_listen, "http").await?;
    let agents_listener = listen(config.ingest_listen, "ingest").await?;
    let metrics = Arc::new(Metrics::default());
    let core = {
        let (config, metrics) = (Arc::clone(&config), Arc::clone(&metrics));
        let opening = tokio::task::spawn_blocking(move || Core::start(&dir, &config, &metrics));
        let opened = tokio::select! {
            opened = opening => opened,
            // A replay may take seconds. Breaking it off is like a kill: the next start replays again.
            () = stop_when.as_mut() => return Ok(()),
        };
        opened.map_err(|_| AppError::Thread("opening the data directory panicked".into()))??
    };
    let (stopper, stop) = stop_signal();
    let state = AppState {
        store: Arc::clone(&core.store),
        ingest: core.ingest.clone(),
        tail: core.tail.clone(),
        seen: Arc::clone(&seen),
        ca_ends_s,
        metrics: Arc::clone(&metrics),
        config: Arc::clone(&config),
        started: Instant::now(),
        stop: stop.clone(),
    };
    let enrollment = Arc::new(enrollment);
    let routes = Arc::new(Routes { ingest: core.ingest.clone(), enrollment, revocations, seen, metrics });
    let connections_max = config.limits.agent_connections;
    let serving_agents =
        tokio::spawn(agents::serve(agents_listener, tls, routes, connections_max, stop.clone()));
    let serving_http = tokio::spawn(http::serve(http_listener, state.clone()));
    let caring = tokio::spawn(care(state));
    tracing::info!(http = %config.http_listen, agents = %config.ingest_listen, "serving");
    stop_when.await;
    tracing::info!("stopping");
    stopper.stop();
    for task in [serving_agents, serving_http, caring] {
        if task.await.is_err() {
            tracing::error!("a task panicked");
        }
    }
    core.end().await
}

fn load_identity(dir: &DataDir, config: &Config) -> Result<(PortTls, Enrollment, i64), AppError> {
    let authority = Authority::load(dir)?;
    let read = |path: &Path| {
        std::fs::read(path).map_err(|source| IdentityError::File { path: path.to_owned(), source })
    };
    let (chain, key) = (read(&dir.server_chain())?, read(&dir.server_key())?);
    let tls = PortTls::new(&chain, &key, authority.ca_pem().as_bytes())?;
    let ca_ends_s = authority.ends_s()?;
    Ok((tls, Enrollment::new(authority, dir, config.site.clone(), config.certificate_life), ca_ends_s))
}

async fn listen(address: SocketAddr, section: &'static str) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Listen { address, section, source })
}

/// What has to be done now and then: looking after the log, retention, the list of agents, the end of the CA.
async fn care(state: AppState) {
    let mut ca = interval(CA_INTERVAL);
    let mut tick = interval(TICK_INTERVAL);
    let mut retention = interval(RETENTION_INTERVAL);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    retention.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = state.stop.requested() => return save_seen(&state),
            _ = ca.tick() => warn_of_ca(state.ca_ends_s),
            _ = tick.tick() => {
                state.ingest.tick();
                save_seen(&state);
            }
            _ = retention.tick() => {
                let state = state.clone();
                let applied = tokio::task::spawn_blocking(move || apply_retention(&state)).await;
                if applied.is_err() {
                    tracing::error!("retention panicked");
                }
                if !applied.unwrap_or(false) {
                    retention.reset_after(RETENTION_PAUSE);
                }
            }
        }
    }
}

/// Without waiting for the disk. What is lost of it is only shown to people.
fn save_seen(state: &AppState) {
    let path = DataDir::new(&state.config.data_dir).seen();
    if let Err(error) = state.seen.save(&path) {
        tracing::warn!(path = %path.display(), %error, "who was seen last can't be written down");
    }
}

fn warn_of_ca(ca_ends_s: i64) {
    let left_s = ca_ends_s.saturating_sub(now_ns() / 1_000_000_000);
    if left_s < CA_WARNING_S {
        let days = left_s.div_euclid(86_400);
        tracing::warn!(days, "the CA of this collector ends soon or has ended: no agent gets in after that");
    }
}

/// False when it failed.
fn apply_retention(state: &AppState) -> bool {
    match state.store.apply_retention(state.config.retention, now_ns()) {
        Ok(report) => {
            state.metrics.retention_splits_total.add(report.splits);
            state.metrics.retention_documents_total.add(report.documents);
            state.metrics.retention_bytes_total.add(report.bytes);
            true
        }
        Err(error) => {
            state.metrics.retention_errors_total.add(1);
            tracing::error!(%error, "retention failed; it is tried again in a minute");
            false
        }
    }
}

/// The durable part: store, log, and the two threads between requests and the store.
struct Core {
    store: Arc<dyn LogStore>,
    ingest: Ingest,
    tail: TailHub,
    committer: JoinHandle<()>,
    appender: JoinHandle<()>,
}

impl Core {
    /// Opens store and log, replays what the store does not have, starts the threads. Blocks.
    fn start(dir: &DataDir, config: &Config, metrics: &Arc<Metrics>) -> Result<Self, AppError> {
        let store_config = StoreConfig { now_ns, ..StoreConfig::default() };
        let (store, recovered) = TantivyStore::open(&dir.store(), store_config)?;
        let store: Arc<dyn LogStore> = Arc::new(store);
        let known = Numbers { sequence: store.durable_upto(), document: recovered.next_sequence };
        let options = Options { min_free_bytes: config.min_free_bytes, ..Options::default() };
        let opened = Wal::open(Box::new(RealDisk), &dir.wal(), options, known, &mut |head, body| {
            replay(&*store, metrics, &head, &body)
        })?;
        report_recovery(&opened.report, metrics);
        let Opened { wal, numbers, positions, .. } = opened;
        let state = Arc::new(SharedState::new(positions));
        let tail = TailHub::new();
        // Full: the request waits up to ADMISSION_WAIT, then it is told to come back.
        let (events_in, events) = mpsc::channel(COMMIT_QUEUE_REQUESTS);
        // Full: the committer waits for the store, and the queue above fills.
        let (durable_in, durable) = sync_channel(APPEND_QUEUE_BATCHES);
        let committer = Committer {
            wal,
            numbers,
            state: Arc::clone(&state),
            metrics: Arc::clone(metrics),
            tail: tail.clone(),
            store: Arc::clone(&store),
            durable: durable_in,
        };
        let appender =
            Appender { store: Arc::clone(&store), state: Arc::clone(&state), metrics: Arc::clone(metrics) };
        let memory_bytes = usize::try_from(config.limits.request_memory_bytes).unwrap_or(usize::MAX);
        let decoders = std::thread::available_parallelism().map_or(1, usize::from);
        let ingest = Ingest::new(events_in, state, Arc::clone(metrics), memory_bytes, decoders);
        Ok(Self {
            store,
            ingest,
            tail,
            committer: spawn("committer", move || committer.run(events))?,
            appender: spawn("appender", move || appender.run(durable))?,
        })
    }

    /// Answers what waits, hands it to the store, and makes it durable there.
    async fn end(self) -> Result<(), AppError> {
        self.ingest.stop().await;
        let Self { store, committer, appender, .. } = self;
        let ending = tokio::task::spawn_blocking(move || {
            let has_panicked = committer.join().is_err() | appender.join().is_err();
            let flushed = store.flush();
            if has_panicked {
                Err(AppError::Thread("the committer or the appender panicked".into()))
            } else {
                Ok(flushed?)
            }
        });
        match timeout(END_DEADLINE, ending).await {
            Ok(ended) => ended.map_err(|_| AppError::Thread("the end panicked".into()))?,
            Err(_) => Err(AppError::Thread(
                "the store could not be flushed in time; what was acknowledged is in the write-ahead log"
                    .into(),
            )),
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, AppError> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|error| AppError::Thread(format!("can't start the {name} thread: {error}")))
}

fn report_recovery(report: &Report, metrics: &Metrics) {
    metrics.wal_replayed_records_total.add(report.replayed_records);
    metrics.wal_torn_bytes_total.add(report.torn_bytes);
    metrics.wal_damaged_records_total.add(report.damaged_records);
    metrics.wal_damaged_bytes_total.add(report.damaged_bytes);
    tracing::info!(records = report.replayed_records, torn_bytes = report.torn_bytes, "the log was replayed");
    if report.was_lost {
        tracing::error!(
            "the write-ahead log is missing or older than the store: the positions of agents are lost, \
             so lines that agents send again will be there twice"
        );
    }
}
