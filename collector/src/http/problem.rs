//! Errors as clients see them: `application/problem+json` (RFC 9457) with a `code` for programs and a `detail`
//! for people. What went wrong inside is logged, never sent: a reply names no path and no cause of a failure.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use millpond_query::QueryError;
use serde::Serialize;

/// An error reply. Boxed, since it is the rare side of every result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem(Box<Parts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Parts {
    status: StatusCode,
    /// Names the kind of error for ever; clients compare it.
    code: &'static str,
    detail: String,
    place: Option<Place>,
    hint: Option<String>,
    parameter: Option<&'static str>,
    retry_after_s: Option<u64>,
}

/// The part of a query text that an error is about, in bytes of its UTF-8 form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    offset_bytes: usize,
    length_bytes: usize,
}

/// The members of the JSON object, in the order of RFC 9457.
#[derive(Serialize)]
struct Members<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    request_id: &'a str,
}

impl Problem {
    /// Any error; `detail` is a sentence that says what to do.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let (place, hint, parameter, retry_after_s) = (None, None, None, None);
        Self(Box::new(Parts { status, code, detail, place, hint, parameter, retry_after_s }))
    }

    /// 400 for a parameter with a value that can't be used.
    pub(super) fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "bad_parameter", detail);
        problem.0.parameter = Some(name);
        problem
    }

    /// 413 for a body over a limit.
    pub(super) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
    }

    /// 503 for a limit on concurrent work; the same request may pass after `retry_after_s`.
    pub(super) fn overloaded(retry_after_s: u64, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(retry_after_s)
    }

    /// 500 for a failure of ours. `cause` goes to the log only.
    pub(super) fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(cause = %Chain(cause), "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The collector could not do this; its log says why.",
        )
    }

    /// Adds a suggestion.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says when to try again, in seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Whether the same request may succeed at another time.
    pub(super) fn may_pass_later(&self) -> bool {
        self.0.retry_after_s.is_some()
    }

    /// The kind, as clients see it.
    #[cfg(test)]
    pub(super) fn code(&self) -> &'static str {
        self.0.code
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, error.code.as_str(), error.message);
        let (offset_bytes, length_bytes) = (error.offset_bytes, error.length_bytes);
        problem.0.place = Some(Place { offset_bytes, length_bytes });
        problem.0.hint = error.hint;
        problem.0.parameter = Some("q");
        problem
    }
}

/// The body is written by [`with_request_id`], which knows the request.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of a reply that is a problem, with the id under which the log has more about it.
pub(super) fn with_request_id(mut response: Response, request_id: &str) -> Response {
    let Some(Problem(parts)) = response.extensions_mut().remove() else { return response };
    let members = Members {
        r#type: "about:blank",
        title: parts.status.canonical_reason().unwrap_or("Error"),
        status: parts.status.as_u16(),
        detail: &parts.detail,
        code: parts.code,
        parameter: parts.parameter,
        offset: parts.place.map(|place| place.offset_bytes),
        length: parts.place.map(|place| place.length_bytes),
        hint: parts.hint.as_deref(),
        request_id,
    };
    *response.body_mut() = Body::from(serde_json::to_vec(&members).unwrap_or_default());
    response
}

/// Prints an error with all its sources.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
