//! What can go wrong in the store, with the file it went wrong in.

use std::error::Error;
use std::path::{Path, PathBuf};

use tantivy::TantivyError;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError, OpenWriteError};

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
    /// The operating system refused what the index library asked of it.
    #[error("can't {action}: {source}")]
    Refused {
        /// What was tried, as a verb.
        action: &'static str,
        /// The reason.
        source: std::io::Error,
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
    pub(crate) fn index<E: Error + 'static>(action: &'static str) -> impl FnOnce(E) -> Self {
        move |error| match os_error(&error) {
            Some(code) => Self::Refused { action, source: std::io::Error::from_raw_os_error(code) },
            None => Self::Index { action, detail: error.to_string() },
        }
    }

    /// The operating system refused, for want of space, descriptors or rights: it may not the next time.
    /// False when the data is to blame, as for a file that is too short or a disk that can't read a block.
    pub(crate) fn may_pass(&self) -> bool {
        let (Self::Io { source, .. } | Self::Refused { source, .. }) = self else { return false };
        source.raw_os_error().is_some_and(|code| code != rustix::io::Errno::IO.raw_os_error())
    }

    pub(crate) fn damaged(path: &Path, detail: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), detail: detail.into() }
    }
}

/// The error of the operating system that the index library wraps.
fn os_error(error: &(dyn Error + 'static)) -> Option<i32> {
    if let Some(error) = error.downcast_ref::<std::io::Error>() {
        return error.raw_os_error();
    }
    match error.downcast_ref::<TantivyError>()? {
        TantivyError::IoError(error)
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error: error, .. })
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: error, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: error, .. }) => {
            error.raw_os_error()
        }
        _ => None,
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
    use std::io;

    use super::*;

    #[test]
    fn what_the_system_refuses_may_pass_and_damage_does_not() {
        let (path, full) = (PathBuf::from("x"), rustix::io::Errno::NOSPC.raw_os_error());
        let os = io::Error::from_raw_os_error;
        let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let of_tantivy = |error: TantivyError| StoreError::index("merge")(error);
        let opened = OpenWriteError::wrap_io_error(os(full), path.clone());
        let rows = [
            (StoreError::io("write", &path)(os(full)), true),
            (StoreError::io("read", &path)(os(rustix::io::Errno::IO.raw_os_error())), false),
            (StoreError::io("read", &path)(short()), false),
            (StoreError::index("merge")(os(full)), true),
            (StoreError::index("merge")(short()), false),
            (of_tantivy(os(full).into()), true),
            (of_tantivy(short().into()), false),
            (of_tantivy(opened.into()), true),
            (of_tantivy(TantivyError::InternalError("no".to_owned())), false),
            (StoreError::damaged(&path, "no"), false),
        ];
        for (error, expected) in rows {
            assert_eq!(error.may_pass(), expected, "{error:?}");
        }
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let result: Result<(), _> = guarded("merge", || panic!("bad block {}", 7));
        assert_eq!(
            result.expect_err("panicked").to_string(),
            "the index failed to merge: panic: bad block 7"
        );
    }
}
