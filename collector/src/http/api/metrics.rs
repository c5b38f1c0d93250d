//! `/metrics`: every counter and gauge, in Prometheus' text format.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::http::Http;

/// Answers with the metrics of this moment.
pub(in crate::http) async fn metrics(State(http): State<Http>) -> Response {
    let text = http.app.render_metrics();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
