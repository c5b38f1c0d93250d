//! Errors as clients see them: `application/problem+json` (RFC 9457) with a `code` for programs and a `detail`
//! for people. What went wrong inside is logged, never sent: a reply names no path and no cause of a failure.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use millpond_query::QueryError;
use serde::Serialize;

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
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
}

impl Problem {
    /// Any error; `detail` is a sentence that says what to do.
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
            place: None,
            hint: None,
            parameter: None,
            retry_after_s: None,
        }
    }

    /// 400 for a parameter with a value that can't be used.
    pub(super) fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        let problem = Self::new(StatusCode::BAD_REQUEST, "bad_parameter", detail);
        Self { parameter: Some(name), ..problem }
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
        self.hint = Some(hint.into());
        self
    }

    /// Says when to try again, in seconds.
    pub(super) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The kind, as clients see it.
    pub(super) fn code(&self) -> &'static str {
        self.code
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        Self {
            place: Some(Place { offset_bytes: error.offset_bytes, length_bytes: error.length_bytes }),
            hint: error.hint,
            parameter: Some("q"),
            ..Self::new(StatusCode::BAD_REQUEST, error.code.as_str(), error.message)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            parameter: self.parameter,
            offset: self.place.map(|place| place.offset_bytes),
            length: self.place.map(|place| place.length_bytes),
            hint: self.hint.as_deref(),
        };
        let body = serde_json::to_vec(&members).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
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
