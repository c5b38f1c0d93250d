//! What can go wrong, in words for people. Every failure ends the program with exit code 2, but for a closed output.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::escape;
use crate::render::Look;
use crate::render::caret::caret;
use crate::style::Style;
use crate::when::BadTime;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Whoever read our output has enough, as `head` does. No error.
    #[error("the output is closed")]
    Closed,
    #[error("standard output can't be written: {0}")]
    Output(io::Error),
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    #[error("no answer from {url}: {why}")]
    Unreachable { url: String, why: String },
    #[error("{url} answers with status {status} and not as a collector does: {said}")]
    Stranger { url: String, status: u16, said: String },
    #[error("{0}")]
    Refused(Box<Problem>),
    #[error("the answer was cut off: {0}")]
    CutOff(String),
    #[error("{0}")]
    Time(#[from] BadTime),
    #[error("{0}")]
    Usage(String),
}

/// An error reply (RFC 9457), and the query that it is about.
#[derive(Debug, Default, Deserialize, thiserror::Error)]
#[error("{detail}")]
#[serde(default)]
pub(crate) struct Problem {
    #[serde(skip)]
    pub(crate) query: String,
    pub(crate) code: String,
    detail: String,
    parameter: Option<String>,
    /// Bytes of the query.
    offset: Option<usize>,
    length: Option<usize>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        Self::File(path.to_owned(), error)
    }

    /// A failure to write standard output.
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::Closed } else { Self::Output(error) }
    }

    /// The same request may pass later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::CutOff(_) => true,
            Self::Stranger { status, .. } => *status >= 500,
            Self::Refused(problem) => {
                matches!(problem.code.as_str(), "overloaded" | "not_ready" | "storage_unavailable")
            }
            _ => false,
        }
    }

    /// The kind of a collector's refusal.
    pub(crate) fn code(&self) -> Option<&str> {
        match self {
            Self::Refused(problem) => Some(&problem.code),
            _ => None,
        }
    }

    /// All that there is to say, for standard error; with the place in the query and a hint where there are any.
    pub(crate) fn report(&self, look: &Look) -> String {
        let title = look.palette.paint(Style::BoldRed, "error:");
        let mut out = format!("{title} {}\n", escape::line(&self.to_string()));
        if let Self::Refused(problem) = self {
            if let (Some(offset), Some("q")) = (problem.offset, problem.parameter.as_deref()) {
                out.push_str(&caret(&problem.query, offset, problem.length.unwrap_or(1), look));
            }
            if let Some(hint) = &problem.hint {
                out.push_str(&format!(
                    "{} {}\n",
                    look.palette.paint(Style::Cyan, "hint:"),
                    escape::line(hint)
                ));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_points_at_the_place() {
        let reply = r#"{"status":400,"detail":"This ( is not closed.","code":"unclosed","parameter":"q","offset":6,"length":1,"hint":"Add )."}"#;
        let mut problem: Problem = serde_json::from_str(reply).unwrap();
        problem.query = "level:(error or".into();
        let expected = "error: This ( is not closed.\n  level:(error or\n        ^\nhint: Add ).\n";
        assert_eq!(Failure::Refused(Box::new(problem)).report(&Look::plain(None)), expected);
        let reply =
            r#"{"detail":"`limit` is too large.\u001b[2J","code":"bad_parameter","parameter":"limit"}"#;
        let problem: Problem = serde_json::from_str(reply).unwrap();
        let expected = "error: `limit` is too large.\\x1b[2J\n";
        assert_eq!(Failure::Refused(Box::new(problem)).report(&Look::plain(None)), expected);
    }
}
