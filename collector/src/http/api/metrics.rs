//! `/metrics`: every counter and gauge, in Prometheus' text format.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::http::Http;
use crate::metrics;

/// Answers with the metrics of this moment.
pub(in crate::http) async fn metrics(State(http): State<Http>) -> Response {
    let mut text = http.app.render_metrics();
    for (kind, pool) in [("queries", &http.queries), ("exports", &http.exports)] {
        let load = pool.load();
        let mut gauge = |state: &str, help: &str, value: usize| {
            metrics::render(&mut text, &format!("http_{kind}_{state}"), "gauge", help, value as u64);
        };
        gauge("running", "Threads at work.", load.running);
        gauge("waiting", "Requests in line for a thread.", load.waiting);
        gauge("stalled", "Replies that wait for their clients, beside the threads at work.", load.stalled);
    }
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
