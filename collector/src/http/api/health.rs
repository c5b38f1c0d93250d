//! `/-/healthy` and `/-/ready`, for supervisors and load balancers.

use axum::extract::State;
use http::StatusCode;

use crate::http::Http;
use crate::http::problem::Problem;

/// Seconds after which a client may ask for readiness again.
const RETRY_AFTER_S: u64 = 5;

/// The process answers.
pub(in crate::http) async fn healthy() -> &'static str {
    "healthy\n"
}

/// Documents are taken in and can be searched.
pub(in crate::http) async fn ready(State(http): State<Http>) -> Result<&'static str, Problem> {
    http.app.readiness().map(|()| "ready\n").map_err(|_| {
        // The reason may name files; it is in the log since it came up.
        let detail = "Nothing is taken in at the moment; the collector's log says why.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).retry_after(RETRY_AFTER_S)
    })
}
