//! The users' port: the API under `/api/v1`, the page, health and metrics. Described for users in `API.md`.
//!
//! ```text
//! socket  ─► listener (bounds, stop), stall (clients that take nothing)
//! request ─► caller, guard ─► api/<endpoint> ─► params, time ─► run, blocking ─► search ─► LogStore
//!            (who)            (one file each)   (what)          (slots: line)   (filter)    │
//! reply   ◄─ problem (errors) ◄──────────────── rows/ (pages, pipes on rows), chunks, body ◄┘
//! ```
//!
//! Only this module knows the HTTP and JSON of the API. It keeps no state but the admission of concurrent work.

mod api;
mod blocking;
mod body;
mod caller;
mod chunks;
mod endpoints;
mod guard;
mod limits;
mod line;
mod listener;
mod openapi;
mod params;
mod problem;
mod rows;
mod run;
mod search;
mod slots;
mod stall;
mod steps;
#[cfg(test)]
mod tests;
mod time;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use http::StatusCode;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use self::blocking::QueryPool;
use self::caller::RequestIds;
use self::endpoints::{
    CONTEXT, EXPLAIN, EXPORT, FACETS, FIELD_LIST, HISTOGRAM, PARSE, QUERY, STATS, STATS_RANGE, TAIL, VALUES,
};
pub(crate) use self::limits::CONNECTIONS_MAX;
use self::limits::QUICK_THREADS;
use self::listener::Bounds;
use self::problem::Problem;
use crate::app::AppState;
use crate::config::Limits;

/// What handlers work with. Clones share everything.
#[derive(Clone)]
struct Http {
    app: AppState,
    queries: QueryPool,
    /// What takes milliseconds does not wait behind queries.
    quick: QueryPool,
    /// Threads of their own, so that long exports don't keep queries waiting.
    exports: QueryPool,
    /// One permit a live tail.
    tails: Arc<Semaphore>,
}

/// Serves the users' port until the stop that `state` has. Requests under way then may finish; what takes longer is
/// cut off when the runtime ends.
pub async fn serve(listener: TcpListener, state: AppState) {
    let stop = state.stop.clone();
    let metrics = Arc::clone(&state.metrics);
    listener::serve(listener, router(state), Bounds::default(), metrics, stop).await;
}

/// The service of the users' port. It has no accounts: whoever reaches it may read and write everything, so it must
/// listen on loopback only, and it answers browsers only for its own pages.
fn router(state: AppState) -> Router {
    let limits = state.config.limits;
    let tails = Semaphore::new(usize::try_from(limits.concurrent_tails).unwrap_or(usize::MAX));
    let pool = |threads, limits| QueryPool::new(threads, limits, Arc::clone(&state.metrics));
    let (queries, quick) = (pool(limits.concurrent_queries, limits), pool(QUICK_THREADS, limits));
    let unlimited = Limits { query_scan_bytes: u64::MAX, ..limits };
    let exports = pool(limits.concurrent_exports, unlimited);
    let http = Http { app: state, queries, quick, exports, tails: Arc::new(tails) };
    routes()
        .fallback(api::assets::assets)
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "See `Allow` for what can be used here.",
            )
        })
        .layer(axum::middleware::from_fn(guard::guard))
        .layer(axum::middleware::from_fn_with_state(Arc::<RequestIds>::default(), caller::observe))
        .with_state(http)
}

/// All endpoints. `get` answers HEAD too.
fn routes() -> Router<Http> {
    Router::new()
        .route("/api/v1/ingest", post(api::ingest::ingest))
        .route(QUERY.path, get(api::query::query).post(api::query::query))
        .route(EXPORT.path, get(api::export::export).post(api::export::export))
        .route(CONTEXT.path, get(api::context::context).post(api::context::context))
        .route(HISTOGRAM.path, get(api::histogram::histogram).post(api::histogram::histogram))
        .route(STATS.path, get(api::stats::stats).post(api::stats::stats))
        .route(STATS_RANGE.path, get(api::stats_range::stats_range).post(api::stats_range::stats_range))
        .route(EXPLAIN.path, get(api::explain::explain).post(api::explain::explain))
        .route(FACETS.path, get(api::facets::facets).post(api::facets::facets))
        .route(FIELD_LIST.path, get(api::fields::fields).post(api::fields::fields))
        .route(VALUES.path, get(api::values::values).post(api::values::values))
        .route(PARSE.path, get(api::parse::parse).post(api::parse::parse))
        .route(TAIL.path, get(api::tail::tail))
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .route("/metrics", get(api::metrics::metrics))
        .route("/-/healthy", get(api::health::healthy))
        .route("/-/ready", get(api::health::ready))
}
