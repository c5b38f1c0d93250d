//! `POST /api/v1/ingest`: lines of JSON objects, answered when they are durable.

use axum::body::{Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use http::header::CONTENT_ENCODING;
use millpond_wire::compression::Encoding;
use millpond_wire::limits::BODY_BYTES_MAX;
use serde::Serialize;

use crate::clock;
use crate::http::problem::Problem;
use crate::http::search::json;
use crate::http::{Http, body};
use crate::ingest::{Accepted, Ingest, IngestError};

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

/// Takes lines and answers when they are on disk.
pub(in crate::http) async fn ingest(State(http): State<Http>, request: Request) -> Result<Response, Problem> {
    let received_ns = clock::now_ns();
    let (encoding, body) = receive(&http.app.ingest, request).await.inspect_err(|problem| {
        let metrics = &http.app.metrics;
        let is_overload = problem.may_pass_later();
        if is_overload { &metrics.ingest_overloaded_total } else { &metrics.ingest_refused_total }.add(1);
    })?;
    json(&Reply::from(http.app.ingest.ndjson(encoding, body, received_ns).await?))
}

/// The body, compressed as it is. Its memory is accounted for while it arrives; what comes out of it takes memory
/// of its own.
async fn receive(ingest: &Ingest, request: Request) -> Result<(Encoding, Bytes), Problem> {
    let (head, body) = request.into_parts();
    let encoding = head.headers.get(CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?"));
    let encoding = encoding.map(str::to_ascii_lowercase);
    let encoding = Encoding::from_header(encoding.as_deref()).map_err(IngestError::from)?;
    // What is not announced may be as large as is allowed.
    let announced_bytes = body.size_hint().exact().and_then(|bytes| usize::try_from(bytes).ok());
    let _memory = ingest.memory(announced_bytes.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX)).await?;
    Ok((encoding, body::receive(body, BODY_BYTES_MAX).await?))
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
