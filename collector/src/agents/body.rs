//! Reads a request's body within its bounds of size, time and memory.

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::problem::Problem;
use crate::ingest::{Ingest, MemoryPermit};
use crate::limits::REQUEST_BODY_TIMEOUT;

/// Reads a body of at most `limit_bytes`. Its memory is taken from the budget of `ingest` before its
/// first byte is read: as much as it says it has, or the limit if it doesn't say.
///
/// # Errors
/// It is too large, too slow, or cut off, or there is no memory.
pub(super) async fn read_body(
    body: Incoming,
    limit_bytes: usize,
    ingest: &Ingest,
) -> Result<(Bytes, MemoryPermit), Problem> {
    let too_large = || {
        let detail = format!("the body is larger than {limit_bytes} bytes: send smaller batches");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    };
    let announced_bytes = body.size_hint().exact();
    if announced_bytes.is_some_and(|bytes| bytes > limit_bytes as u64) {
        return Err(too_large());
    }
    let bytes = announced_bytes.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(limit_bytes);
    let memory = ingest.memory(bytes).await?;
    let collect = async {
        let mut body = body;
        let mut collected = BytesMut::with_capacity(announced_bytes.map_or(0, |_| bytes));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                Problem::new(StatusCode::BAD_REQUEST, "body_cut_off", format!("the body broke off: {error}"))
            })?;
            let data = frame.into_data().unwrap_or_default();
            if collected.len() + data.len() > limit_bytes {
                return Err(too_large());
            }
            collected.extend_from_slice(&data);
        }
        Ok(collected.freeze())
    };
    match timeout(REQUEST_BODY_TIMEOUT, collect).await {
        Ok(collected) => Ok((collected?, memory)),
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "body_too_slow", "the body took too long")),
    }
}
