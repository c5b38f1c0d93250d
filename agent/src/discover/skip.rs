//! Why a path is not followed, in words.

use std::path::PathBuf;

/// Why a path is not followed, as far as names and metadata tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Skip {
    /// No section names it.
    #[error("no include pattern covers it{}", nearest_text(nearest.as_ref()))]
    NotIncluded {
        /// The pattern that comes nearest, and the part of the path that it reaches.
        nearest: Option<(String, PathBuf)>,
    },
    /// A section that would cover it leaves it out.
    #[error("the exclude pattern `{pattern}` matches {}", at.display())]
    Excluded {
        /// As written.
        pattern: String,
        /// The path itself or a directory above it.
        at: PathBuf,
    },
    /// It lies below a link to a directory.
    #[error("{} is a link to a directory, and those are not entered", .0.display())]
    LinkedDirectory(PathBuf),
    /// It is a directory.
    #[error("a directory, not a file")]
    Directory,
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// From the system.
    #[error("{0}")]
    Unreadable(String),
    /// A socket, a pipe, a device.
    #[error("not a regular file")]
    NotRegular,
    /// Somebody could have made the agent ship what he can't read himself.
    #[error("a link whose owner owns neither the target nor the machine")]
    ForeignLink,
    /// See [`crate::limits::DEPTH_MAX`].
    #[error("nested too deeply")]
    TooDeep,
    /// The agent's own output.
    #[error("the agent's own log")]
    Own,
}

fn nearest_text(nearest: Option<&(String, PathBuf)>) -> String {
    let text = |(pattern, reach): &(String, PathBuf)| {
        format!("; nearest is `{pattern}`, which matches only as far as {}", reach.display())
    };
    nearest.map(text).unwrap_or_default()
}
