//! The users' port as its users see it: requests through the whole router to a real log and a real store.

mod aggregates;
mod context;
mod cursors;
mod explain;
mod export;
mod listener;
mod parse;
mod pipes;
mod query;
mod refusals;
mod requests;
mod service;
mod skipped;
mod tail;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use millpond_store::log_store::{Budget, LogStore};
use millpond_store::{StoreConfig, TantivyStore};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tower::ServiceExt;

use crate::app::AppState;
use crate::config::{Config, Limits};
use crate::ingest::committer::{Appender, Committer};
use crate::ingest::{Ingest, SharedState};
use crate::metrics::Metrics;
use crate::stop::{Stopper, stop_signal};
use crate::tail::TailHub;
use crate::wal::disk::RealDisk;
use crate::wal::state::Numbers;
use crate::wal::{Options, Wal};

/// Longest wait for what has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Nothing bounds it but the deadline.
pub(super) fn budget(deadline: Instant) -> Budget {
    Budget {
        deadline,
        cancelled: Arc::default(),
        scanned_bytes_max: u64::MAX,
        groups_max: usize::MAX,
        stats_bytes_max: usize::MAX,
        cost: Arc::default(),
    }
}

/// The limits of an empty configuration file.
pub(super) fn limits() -> Limits {
    config().limits
}

fn config() -> Config {
    Config::parse("", Path::new("collector.toml")).unwrap()
}

/// A collector's inside with its users' port.
struct Server {
    router: Router,
    state: AppState,
    stopper: Stopper,
    _threads: [JoinHandle<()>; 2],
    _dir: TempDir,
}

/// What came back.
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Server {
    fn new() -> Self {
        Self::with_limits(limits())
    }

    fn with_limits(limits: Limits) -> Self {
        Self::with(limits, StoreConfig { build_interval: Duration::from_millis(5), ..StoreConfig::default() })
    }

    fn with(limits: Limits, store_config: StoreConfig) -> Self {
        let dir = TempDir::new().unwrap();
        let (store, _) = TantivyStore::open(&dir.path().join("store"), store_config).unwrap();
        let store: Arc<dyn LogStore> = Arc::new(store);
        let wal_dir = dir.path().join("wal");
        let opened =
            Wal::open(Box::new(RealDisk), &wal_dir, Options::default(), Numbers::default(), &mut |_, _| {
                Ok(())
            });
        let opened = opened.unwrap();
        let metrics = Arc::new(Metrics::default());
        let shared = Arc::new(SharedState::new(opened.positions));
        let tail = TailHub::new();
        let (events, to_committer) = mpsc::channel(16);
        let (durable, to_appender) = std::sync::mpsc::sync_channel(4);
        let committer = Committer {
            wal: opened.wal,
            numbers: opened.numbers,
            state: Arc::clone(&shared),
            metrics: Arc::clone(&metrics),
            tail: tail.clone(),
            store: Arc::clone(&store),
            durable,
        };
        let appender =
            Appender { store: Arc::clone(&store), state: Arc::clone(&shared), metrics: Arc::clone(&metrics) };
        let threads = [
            std::thread::spawn(move || committer.run(to_committer)),
            std::thread::spawn(move || appender.run(to_appender)),
        ];
        let memory_bytes = usize::try_from(limits.request_memory_bytes).unwrap();
        let ingest = Ingest::new(events, shared, Arc::clone(&metrics), memory_bytes, 2);
        let (stopper, stop) = stop_signal();
        let config = Arc::new(Config { limits, ..config() });
        let seen = Arc::default();
        let state = AppState {
            store,
            ingest,
            tail,
            seen,
            ca_ends_s: 0,
            metrics,
            config,
            started: Instant::now(),
            stop,
        };
        // Tests that are not about the host leave it out.
        let router = super::router(state.clone()).layer(axum::middleware::map_request(with_host));
        Self { router, state, stopper, _threads: threads, _dir: dir }
    }

    /// A server with these NDJSON lines, all visible.
    async fn holding(lines: &[&str]) -> Self {
        let server = Self::new();
        server.ingest(lines).await;
        server
    }

    /// Sends lines and waits until queries see them.
    async fn ingest(&self, lines: &[&str]) {
        let before = self.state.store.health().documents;
        let reply = self.post("/api/v1/ingest", lines.join("\n")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
        let wanted = before + lines.len() as u64;
        until(|| self.state.store.health().documents >= wanted).await;
    }

    async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: impl Into<Body>) -> Reply {
        self.send(Request::post(path).body(body.into()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = tokio::time::timeout(PATIENCE, body.collect()).await.unwrap().unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        Reply { status: head.status, headers: head.headers, body }
    }

    /// The JSON of a reply that must be 200.
    async fn json(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.body);
        let mut json = reply.json();
        if let Some(members) = json.as_object_mut() {
            assert!(members.remove("took_ms").is_some_and(|took| took.is_u64()), "{path}");
        }
        json
    }
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn with_host(mut request: Request<Body>) -> Request<Body> {
    let localhost = http::HeaderValue::from_static("localhost");
    request.headers_mut().entry(http::header::HOST).or_insert(localhost);
    request
}

/// Returns when `condition` holds.
async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Percent-encodes a query text.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
