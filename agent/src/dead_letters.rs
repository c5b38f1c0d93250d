//! The file of lines that the collector refused for good, each with its reason: `dead_letters.ndjson` in the
//! state directory, one JSON object a line. Nothing is ever removed from it by the agent.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use millpond_wire::position::StreamId;

use crate::limits;
use crate::time::Now;

/// Name of the file in the state directory.
const FILE_NAME: &str = "dead_letters.ndjson";

/// A line that was refused.
#[derive(Debug)]
pub struct Letter<'a> {
    /// Of the file that it stands in.
    pub path: &'a str,
    /// Of that file's generation.
    pub stream: StreamId,
    /// Where it begins.
    pub from_offset: u64,
    /// Where the next line begins.
    pub to_offset: u64,
    /// The collector's answer.
    pub status: u16,
    /// The collector's words.
    pub reason: &'a str,
    /// The line; only its beginning, if it is very long. `None`, in JSON `null`: the file was truncated or
    /// overwritten before the refusal, and the content is gone.
    pub bytes: Option<&'a [u8]>,
}

/// Appends to the file.
#[derive(Debug)]
pub struct DeadLetters {
    path: PathBuf,
}

impl DeadLetters {
    /// Those of a state directory. The file is made with the first letter.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE_NAME) }
    }

    /// Writes a letter and makes it durable.
    ///
    /// # Errors
    /// From the system, or when the file has reached [`limits::DEAD_LETTER_BYTES_MAX`]: something is wrong
    /// with more than single lines then, and a person has to look.
    pub fn append(&self, letter: &Letter<'_>, now: Now) -> io::Result<()> {
        let line = serde_json::json!({
            "refused_unix_s": now.unix_s(),
            "path": letter.path,
            "stream": letter.stream.to_string(),
            "from_offset": letter.from_offset,
            "to_offset": letter.to_offset,
            "status": letter.status,
            "reason": letter.reason,
            "line": letter.bytes.map(String::from_utf8_lossy),
        });
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&self.path)?;
        if file.metadata()?.len() >= limits::DEAD_LETTER_BYTES_MAX {
            let reason =
                format!("{} is full; look at the reasons in it and move it away", self.path.display());
            return Err(io::Error::new(io::ErrorKind::StorageFull, reason));
        }
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}
