//! `POST /api/v1/ingest`: lines of JSON objects, answered when they are durable.

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use millpond_wire::compression::Encoding;
use millpond_wire::limits::BODY_BYTES_MAX;
use serde::Serialize;

use crate::clock;
use crate::http::Http;
use crate::http::problem::Problem;
use crate::http::search::json;
use crate::ingest::{Accepted, IngestError};
use crate::limits::REQUEST_BODY_TIMEOUT;

/// The reply: `errors` has the first lines that were kept as messages.
#[derive(Serialize)]
struct Reply {
    accepted: u64,
    rejected: u64,
    errors: Vec<LineReply>,
}

#[derive(Serialize)]
struct LineReply {
    line: u64,
    error: String,
}

/// Receives the body, compressed as it is, and hands it to [`Ingest`](crate::ingest::Ingest).
pub(in crate::http) async fn ingest(State(http): State<Http>, request: Request) -> Result<Response, Problem> {
    let received_ns = clock::now_ns();
    let (head, body) = request.into_parts();
    let encoding = match head.headers.get(CONTENT_ENCODING).map(|value| value.to_str()) {
        None => Encoding::from_header(None),
        Some(value) => Encoding::from_header(Some(value.unwrap_or("?"))),
    };
    let encoding = encoding.map_err(IngestError::from)?;
    let length =
        head.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err(too_large());
    }
    // The memory of the body while it arrives; what comes out of it takes memory of its own.
    let arriving = http.app.ingest.memory(length.unwrap_or(BODY_BYTES_MAX)).await?;
    let receiving = Limited::new(body, BODY_BYTES_MAX).collect();
    let body = match tokio::time::timeout(REQUEST_BODY_TIMEOUT, receiving).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_body", "The body ended early.")),
        Err(_) => {
            let detail = format!("The body took longer than {} s.", REQUEST_BODY_TIMEOUT.as_secs());
            return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "timeout", detail));
        }
    };
    drop(arriving);
    json(&Reply::from(http.app.ingest.ndjson(encoding, body, received_ns).await?))
}

fn too_large() -> Problem {
    Problem::too_large(format!(
        "The body is over {BODY_BYTES_MAX} bytes: send smaller batches, or compress them."
    ))
}

impl From<Accepted> for Reply {
    fn from(accepted: Accepted) -> Self {
        let errors =
            accepted.errors.into_iter().map(|error| LineReply { line: error.line, error: error.reason });
        Self { accepted: accepted.accepted, rejected: accepted.rejected, errors: errors.collect() }
    }
}

impl From<IngestError> for Problem {
    fn from(error: IngestError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A failure of the disk is told in full in the log; a reply names no path.
        let detail = match &error {
            IngestError::Storage(_) => {
                "The collector can't store anything at the moment; send the same again later.".into()
            }
            error => error.to_string(),
        };
        let problem = Problem::new(status, error.code(), detail);
        match error.retry_after_s() {
            Some(seconds) => problem.retry_after(seconds.into()),
            None => problem,
        }
    }
}
