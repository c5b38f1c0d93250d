//! Why an ingest request was not acknowledged, in terms that each protocol can map to its own.

use millpond_wire::compression::CompressionError;

use crate::limits::{OVERLOAD_RETRY_AFTER_S, STORAGE_RETRY_AFTER_S};

/// A request that was not acknowledged. Nothing of it is kept, except after a failed fsync, when a
/// restart may find it on disk; its sender sends it again either way.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IngestError {
    /// The body is not what it claims to be: 400.
    #[error("{0}")]
    BadRequest(String),
    /// The body, or what comes out of it, is beyond a limit: 413.
    #[error("{0}")]
    TooLarge(String),
    /// The content encoding is not known: 415.
    #[error("{0}")]
    UnsupportedEncoding(String),
    /// No memory or no place in a queue at the moment: 503 with Retry-After.
    #[error("the collector is busy: {0}; send the same again later")]
    Overloaded(&'static str),
    /// The disk is full or failed: 503 with Retry-After.
    #[error("{0}; send the same again later")]
    Storage(String),
}

impl IngestError {
    /// Machine-readable name, the `code` of a problem document.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_body",
            Self::TooLarge(_) => "too_large",
            Self::UnsupportedEncoding(_) => "unsupported_encoding",
            Self::Overloaded(_) => "overloaded",
            Self::Storage(_) => "storage_unavailable",
        }
    }

    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::TooLarge(_) => 413,
            Self::UnsupportedEncoding(_) => 415,
            Self::Overloaded(_) | Self::Storage(_) => 503,
        }
    }

    /// Seconds after which the same request may be sent again; `None`: never, it won't get better.
    pub fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Overloaded(_) => Some(OVERLOAD_RETRY_AFTER_S),
            Self::Storage(_) => Some(STORAGE_RETRY_AFTER_S),
            _ => None,
        }
    }
}

impl From<CompressionError> for IngestError {
    fn from(error: CompressionError) -> Self {
        let text = error.to_string();
        match error {
            CompressionError::Unknown(_) => Self::UnsupportedEncoding(text),
            CompressionError::TooLarge { .. } => Self::TooLarge(text),
            CompressionError::Invalid { .. } => Self::BadRequest(text),
        }
    }
}
