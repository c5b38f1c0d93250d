//! What is wrong with a query, and where: an error always points into the text that was typed.

use std::fmt;

/// Bytes of the query text that something was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Span {
    /// Offset of the first byte.
    #[serde(rename = "offset")]
    pub offset_bytes: usize,
    /// Number of bytes; 0 for a place between two characters, such as the end of the text.
    #[serde(rename = "length")]
    pub length_bytes: usize,
}

impl Span {
    /// The bytes from `start` (inclusive) to `end` (exclusive).
    #[must_use]
    pub fn between(start: usize, end: usize) -> Span {
        Span { offset_bytes: start, length_bytes: end.saturating_sub(start) }
    }

    /// From the first byte of `self` to the last of `other`.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        Span::between(self.offset_bytes, other.offset_bytes + other.length_bytes)
    }
}

/// A query that can't be run. Offsets are bytes of the text given to [`parse`](crate::parse), always on
/// character boundaries and never beyond its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {offset_bytes})")]
pub struct QueryError {
    /// The kind, for programs.
    pub code: QueryErrorCode,
    /// One sentence for people.
    pub message: String,
    /// First byte of the text that is wrong.
    pub offset_bytes: usize,
    /// Bytes that are wrong; 0 where something is missing.
    pub length_bytes: usize,
    /// What to write instead. Every error that this crate makes has one.
    pub hint: Option<String>,
}

impl QueryError {
    pub(crate) fn new(code: QueryErrorCode, span: Span, message: impl Into<String>) -> QueryError {
        QueryError {
            code,
            message: message.into(),
            offset_bytes: span.offset_bytes,
            length_bytes: span.length_bytes,
            hint: Some(code.usual_hint().to_owned()),
        }
    }

    /// With a better hint than the usual one of its kind.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> QueryError {
        self.hint = Some(hint.into());
        self
    }
}

/// The kinds of query errors. Their names are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueryErrorCode {
    /// The text, or a part of it, is over a limit.
    TooLong,
    /// Parentheses or negations nest too deeply.
    TooDeep,
    /// More conditions, pipes or pipe arguments than allowed.
    TooMany,
    /// A quote, parenthesis or bracket is never closed.
    Unclosed,
    /// Something stands where it can't.
    Unexpected,
    /// A value, term or name is missing.
    Missing,
    /// A range is not `[a TO b]`, or no value can be in it.
    BadRange,
    /// A regular expression does not compile within the limits.
    BadRegex,
    /// A number was needed.
    BadNumber,
    /// A time or a duration was needed.
    BadTime,
    /// No such pipe.
    UnknownPipe,
    /// No such aggregate or function.
    UnknownFunction,
    /// A comparison with a level that isn't one.
    UnknownLevel,
    /// A pipe names a column that the pipes before it don't make.
    UnknownColumn,
}

impl QueryErrorCode {
    /// What helps with most errors of the kind.
    fn usual_hint(self) -> &'static str {
        match self {
            QueryErrorCode::TooLong => "search for what the lines have in common",
            QueryErrorCode::TooDeep => "remove parentheses",
            QueryErrorCode::TooMany => "write several queries",
            QueryErrorCode::Unclosed => "close it, or quote the text to search for it",
            QueryErrorCode::Unexpected => "remove it, or quote the text to search for it",
            QueryErrorCode::Missing => "add it, or quote the text to search for it",
            QueryErrorCode::BadRange => "write [400 TO 499]",
            QueryErrorCode::BadRegex => "quote the text to search for it as it is",
            QueryErrorCode::BadNumber => "write a whole number",
            QueryErrorCode::BadTime => "write a duration, 5m, or a time, now-1h or 2026-11-22",
            QueryErrorCode::UnknownPipe => "put the text in quotes to search for a |",
            QueryErrorCode::UnknownFunction => "put the text in quotes to search for it",
            QueryErrorCode::UnknownLevel => "write one of trace < debug < info < warn < error < fatal",
            QueryErrorCode::UnknownColumn => "name a column that the pipes before make",
        }
    }

    /// The name in snake case, as the API gives it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            QueryErrorCode::TooLong => "too_long",
            QueryErrorCode::TooDeep => "too_deep",
            QueryErrorCode::TooMany => "too_many",
            QueryErrorCode::Unclosed => "unclosed",
            QueryErrorCode::Unexpected => "unexpected",
            QueryErrorCode::Missing => "missing",
            QueryErrorCode::BadRange => "bad_range",
            QueryErrorCode::BadRegex => "bad_regex",
            QueryErrorCode::BadNumber => "bad_number",
            QueryErrorCode::BadTime => "bad_time",
            QueryErrorCode::UnknownPipe => "unknown_pipe",
            QueryErrorCode::UnknownFunction => "unknown_function",
            QueryErrorCode::UnknownLevel => "unknown_level",
            QueryErrorCode::UnknownColumn => "unknown_column",
        }
    }
}

impl fmt::Display for QueryErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
