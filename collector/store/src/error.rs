//! What can go wrong in the store, with the file it went wrong in.

use std::path::{Path, PathBuf};

/// An error of the store. Every variant says what was tried, where, and why it failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file is not what the store wrote.
    #[error("{} is damaged: {detail}", path.display())]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// A file was written by a version that this one can't read.
    #[error("{} has format version {found}, this program reads up to {supported}; run the newer program", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version that this program reads.
        supported: u32,
    },
    /// The index library refused or panicked.
    #[error("the index failed to {action}: {detail}")]
    Index {
        /// What was tried, as a verb.
        action: &'static str,
        /// What it said.
        detail: String,
    },
    /// Another process has the store open.
    #[error("{} is open in another process; stop it first", path.display())]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// The plan can't be run.
    #[error("{0}")]
    Plan(String),
    /// The store failed before and takes nothing more until it is opened again.
    #[error("the store stopped taking documents: {0}")]
    Failed(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// For `map_err` on a file operation.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err` on a call into the index library.
    pub(crate) fn index<E: std::fmt::Display>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |error| Self::Index { action, detail: error.to_string() }
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.into() }
    }
}

/// Runs `work` and turns a panic of the index library into an error: a damaged split or a bug in a
/// merge must not end the process.
pub(crate) fn guarded<T>(
    action: &'static str,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let detail = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("panic without a message");
        Err(StoreError::Index { action, detail: format!("panic: {detail}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let result: Result<(), _> = guarded("merge", || panic!("bad block {}", 7));
        assert_eq!(
            result.expect_err("panicked").to_string(),
            "the index failed to merge: panic: bad block 7"
        );
    }
}
