//! Builds the collector's parts in order, wires their queues, spawns its long-lived tasks and ends
//! them in order. Nothing else in this crate spawns what outlives a request.

use std::sync::Arc;
use std::time::Instant;

use millpond_store::log_store::LogStore;

use crate::config::Config;
use crate::ingest::Ingest;
use crate::metrics::{self, Metrics};
use crate::stop::Stop;
use crate::tail::TailHub;

/// What the users' port works with. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The store; its calls block.
    pub store: Arc<dyn LogStore>,
    /// The way in.
    pub ingest: Ingest,
    /// Durable batches as they come.
    pub tail: TailHub,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The checked configuration.
    pub config: Arc<Config>,
    /// When this process began to serve.
    pub started: Instant,
    /// Tells when to end replies that would go on for ever.
    pub stop: Stop,
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
        gauge(&mut text, "ready", "1 if documents are taken in.", u64::from(self.readiness().is_ok()));
        gauge(&mut text, "uptime_seconds", "Seconds since the start.", self.started.elapsed().as_secs());
        text
    }
}
