//! The agent's memory on disk: for each stream, the position that the collector has acknowledged, how to
//! recognise the file, and where a batch ended that the collector may have beyond. An append-only journal,
//! rewritten when most of it is stale.
//!
//! It never refuses to load. What can't be read is skipped and said, and the collector's own positions
//! fill the gap; see [`Recovered::intact`]. A stream is on disk before its first batch leaves; after that a
//! position may lag, which costs a resend that the collector recognises, never a line. Where a batch ends, the
//! system has before it leaves, and the disk within seconds: a power cut in between, a collector that can't
//! tell its positions at the start after it, and a line that carries on an event which time had closed, all three
//! together, cost that line.

pub mod record;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use millpond_wire::position::StreamId;

pub use self::record::{Entry, Recovered};
use crate::{limits, state_dir};

/// Name of the journal in the state directory.
pub const FILE_NAME: &str = "positions.journal";

/// The open journal. Owned by the tailer.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// Written lines that the file hasn't got yet.
    pending: Vec<u8>,
    size: u64,
    unsynced: bool,
    /// A write failed: the file may lack lines, so that only a rewrite makes it whole.
    needs_rewrite: bool,
}

impl Journal {
    /// Opens or makes the journal of a state directory and reads what it holds. A torn last line is cut off.
    ///
    /// # Errors
    /// Only when the file can't be opened or read at all; never for what is in it.
    pub fn open(directory: &Path) -> io::Result<(Self, Recovered)> {
        let path = directory.join(FILE_NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let recovered = record::recover(&bytes);
        let file = append_to(&path)?;
        file.set_len(recovered.good_bytes)?;
        let needs_rewrite = !recovered.intact;
        let size = recovered.good_bytes;
        let journal = Self { path, file, pending: Vec::new(), size, unsynced: false, needs_rewrite };
        Ok((journal, recovered))
    }

    /// Notes that the agent has seen which files exist: from now on every unknown file is new.
    pub fn begin(&mut self) {
        record::write_begin(&mut self.pending);
    }

    /// Notes a position. It is on disk after [`Self::sync`].
    pub fn put(&mut self, stream: StreamId, entry: &Entry) {
        record::write_put(&mut self.pending, stream, entry);
    }

    /// Notes that a batch which holds a stream's lines up to `end` leaves. To be called before it does, and
    /// [`Self::flush`].
    pub fn sent(&mut self, stream: StreamId, end: u64) {
        record::write_sent(&mut self.pending, stream, end);
    }

    /// Notes that a stream will never be needed again.
    pub fn end(&mut self, stream: StreamId) {
        record::write_end(&mut self.pending, stream);
    }

    /// True when something is not on disk yet.
    pub fn is_dirty(&self) -> bool {
        self.unsynced || !self.pending.is_empty()
    }

    /// False after a failed write: the file may lack lines, whatever is written to it later, until it is rewritten.
    pub fn is_whole(&self) -> bool {
        !self.needs_rewrite
    }

    /// True when the file should be rewritten: it is damaged, or large beside the `live` streams in it.
    pub fn wants_rewrite(&self, live: usize) -> bool {
        const ENTRY_BYTES: u64 = 256;
        self.needs_rewrite || self.size > limits::JOURNAL_BYTES_MIN.max(4 * ENTRY_BYTES * live as u64)
    }

    /// Hands everything noted so far to the system: safe from a kill of the agent.
    ///
    /// # Errors
    /// When the file can't be written; nothing is forgotten by the caller then, and [`Self::rewrite`] repairs it.
    pub fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let result = self.file.write_all(&self.pending);
        self.size += self.pending.len() as u64;
        self.pending.clear();
        self.unsynced = true;
        self.needs_rewrite |= result.is_err();
        result
    }

    /// Makes everything noted so far durable: safe from a power cut.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.unsynced {
            let result = self.file.sync_data();
            self.needs_rewrite |= result.is_err();
            result?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Replaces the file by one that holds exactly these streams, atomically and durably. `begun`: see
    /// [`Self::begin`].
    ///
    /// # Errors
    /// When it can't be written; the old file then stays.
    pub fn rewrite(&mut self, live: impl Iterator<Item = (StreamId, Entry)>, begun: bool) -> io::Result<()> {
        let mut lines = Vec::new();
        if begun {
            record::write_begin(&mut lines);
        }
        for (stream, entry) in live {
            record::write_put(&mut lines, stream, &entry);
        }
        // Until it has worked to the end the file under this name may be another one than the open one.
        self.needs_rewrite = true;
        state_dir::replace(&self.path, &lines)?;
        self.file = append_to(&self.path)?;
        self.size = lines.len() as u64;
        self.pending.clear();
        self.unsynced = false;
        self.needs_rewrite = false;
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    /// From now on every write to the file fails; a rewrite would repair it.
    pub(crate) fn refuse_writes(&mut self) {
        self.file = File::open(&self.path).unwrap();
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests;
