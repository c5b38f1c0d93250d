//! The write-ahead log: what is acknowledged is on disk here first. `WAL.md` beside the sources has
//! the format.
//!
//! `record` is the bytes of one record, `segment` a file of records, `recover` reads all of it back,
//! `check` looks for what is wrong, `state` is what the records add up to, `disk` the file system,
//! `direct` a file on it.
//! [`Wal`] writes: one owner, no threads and no clock in here. Decoding bodies, admission and the store
//! are elsewhere.

mod bytes;
pub mod check;
mod direct;
pub mod disk;
pub mod record;
pub mod recover;
mod segment;
pub mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use self::disk::{Disk, LogFile};
use self::record::{BatchHead, encode_batch, encode_snapshot};
use self::recover::{Recovered, Replay, Report, recover};
use self::segment::SegmentPath;
use self::state::{Numbers, Positions};
use crate::limits::{GROUP_BYTES_MAX, SEGMENT_BYTES_MAX};

/// The log, open for writing. Records are pushed, then committed together.
#[derive(Debug)]
pub struct Wal {
    disk: Box<dyn Disk>,
    dir: PathBuf,
    options: Options,
    /// Closed segments, oldest first.
    sealed: Vec<Sealed>,
    active: PathBuf,
    file: Box<dyn LogFile>,
    /// Bytes of the active segment that are durable, which is all of it between two commits.
    len_bytes: u64,
    /// Bytes of the active segment that are its snapshot.
    snapshot_bytes: u64,
    /// Records of the group that is being put together.
    group: Vec<u8>,
    /// Set after an error that leaves the file in an unknown state.
    broken: Option<String>,
}

/// A closed segment.
#[derive(Clone, Debug)]
struct Sealed {
    path: PathBuf,
    /// All its records are below this number.
    end_sequence: u64,
}

/// How a log is written.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Length in bytes at which a segment is closed.
    pub segment_bytes: u64,
    /// Nothing is written that would leave less than this free on the disk, in bytes.
    pub min_free_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: SEGMENT_BYTES_MAX, min_free_bytes: 0 }
    }
}

/// A log that could not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WalError {
    /// No space at the moment. The log is as it was before; try again later.
    #[error("{0}")]
    NoSpace(String),
    /// Nothing may be acknowledged until the log was opened again.
    #[error("{0}")]
    Broken(String),
}

impl WalError {
    fn at(path: &Path, error: io::Error) -> Self {
        Self::Broken(format!("{}: {error}", path.display()))
    }
}

/// An opened log, and what it adds up to.
#[derive(Debug)]
pub struct Opened {
    /// The log.
    pub wal: Wal,
    /// Next numbers.
    pub numbers: Numbers,
    /// Durable positions.
    pub positions: Positions,
    /// What was found.
    pub report: Report,
}

impl Wal {
    /// Opens the log in `dir`, which is made if it isn't there. `store` says what the store has:
    /// records from `store.sequence` on go to `replay` first, in order, and no number below either
    /// of the two is given again, even if the log was lost.
    ///
    /// # Errors
    /// The disk refuses, or `replay` does. Damage is no error: it is counted and set aside.
    pub fn open(
        disk: Box<dyn Disk>,
        dir: &Path,
        options: Options,
        store: Numbers,
        replay: &mut Replay<'_>,
    ) -> Result<Opened, WalError> {
        std::fs::create_dir_all(dir).map_err(|error| WalError::at(dir, error))?;
        let recovered = recover(dir, store.sequence, replay)?;
        let Recovered { mut numbers, positions, mut segments, mut report, .. } = recovered;
        let Recovered { last_len_bytes, last_snapshot_bytes, is_last_sound, .. } = recovered;
        report.was_lost = numbers.sequence < store.sequence;
        numbers = numbers.max_of(store);
        let mut last = match segments.last() {
            Some(Sealed { path, .. }) => {
                // What was read may come from the page cache alone: a kill between write and fsync.
                let file = disk.open(path, last_len_bytes).and_then(|mut file| file.sync().map(|()| file));
                Some(file.map_err(|error| WalError::at(path, error))?)
            }
            None => None,
        };
        // One that does not lead to the state by itself is closed: the ones before it may go first.
        let resumed = if is_last_sound && !report.was_lost { segments.pop().zip(last.take()) } else { None };
        let (active, file, len_bytes, snapshot_bytes) = match resumed {
            Some((Sealed { path, .. }, file)) => (path, file, last_len_bytes, last_snapshot_bytes),
            None => {
                let made = create(&*disk, dir, numbers, &positions);
                let (path, file, bytes) = made.map_err(|error| WalError::at(dir, error))?;
                (path, file, bytes, bytes)
            }
        };
        // A segment without a record may have been replaced by one of the same name.
        segments.retain(|segment| segment.path != active);
        // The folder's own name, too, should it be new.
        let parent = dir.parent().unwrap_or(dir);
        let synced = disk.sync_dir(dir).and_then(|()| disk.sync_dir(parent));
        synced.map_err(|error| WalError::at(dir, error))?;
        let wal = Self {
            disk,
            dir: dir.to_owned(),
            options,
            sealed: segments,
            active,
            file,
            len_bytes,
            snapshot_bytes,
            group: Vec::new(),
            broken: None,
        };
        Ok(Opened { wal, numbers, positions, report })
    }

    /// Adds a record to the group. Nothing is written before [`commit`](Self::commit).
    pub fn push(&mut self, head: &BatchHead, body: &[u8]) {
        encode_batch(head, body, &mut self.group);
    }

    /// Writes the group and makes it durable. The group is empty afterwards in any case. Returns
    /// the bytes written.
    ///
    /// # Errors
    /// No record of the group may be acknowledged. After [`WalError::NoSpace`] the log is as
    /// before the group; after [`WalError::Broken`] every later commit fails, too.
    pub fn commit(&mut self) -> Result<u64, WalError> {
        let group = std::mem::take(&mut self.group);
        let outcome =
            self.check_sound().and_then(|()| if group.is_empty() { Ok(()) } else { self.write(&group) });
        let bytes = group.len() as u64;
        // The buffer is kept for the next group unless one large request made it large.
        self.group = group;
        self.group.clear();
        self.group.shrink_to(GROUP_BYTES_MAX * 2);
        outcome.map(|()| bytes)
    }

    /// Bytes of the active segment behind its snapshot: what a new segment would do without.
    pub fn segment_record_bytes(&self) -> u64 {
        self.len_bytes.saturating_sub(self.snapshot_bytes)
    }

    /// True when the active segment is long enough to be closed.
    pub fn is_segment_full(&self) -> bool {
        self.len_bytes >= self.options.segment_bytes
    }

    /// Closes the active segment and begins one with a snapshot of this state.
    ///
    /// # Errors
    /// The new segment could not be made: the old one stays active. A broken log begins none, since
    /// it may end with records that this state knows nothing of.
    pub fn rotate(&mut self, numbers: Numbers, positions: &Positions) -> Result<(), WalError> {
        self.check_sound()?;
        let made = create(&*self.disk, &self.dir, numbers, positions);
        let (active, file, len_bytes) = made.map_err(|error| WalError::at(&self.dir, error))?;
        let path = std::mem::replace(&mut self.active, active);
        self.sealed.push(Sealed { path, end_sequence: numbers.sequence });
        // A segment without a record was replaced by one of the same name.
        self.sealed.retain(|segment| segment.path != self.active);
        self.file = file;
        self.len_bytes = len_bytes;
        self.snapshot_bytes = len_bytes;
        Ok(())
    }

    /// Deletes segments whose records are all below `durable_upto`, and says how many.
    ///
    /// # Errors
    /// A file could not be deleted; it is tried again the next time.
    pub fn release(&mut self, durable_upto: u64) -> Result<u64, WalError> {
        let mut removed = 0;
        while let Some(oldest) = self.sealed.first().filter(|oldest| oldest.end_sequence <= durable_upto) {
            self.disk.remove(&oldest.path).map_err(|error| WalError::at(&oldest.path, error))?;
            self.sealed.remove(0);
            removed += 1;
        }
        Ok(removed)
    }

    /// Whether `bytes` can be written and leave what has to stay free.
    ///
    /// # Errors
    /// [`WalError::NoSpace`], which passes.
    pub fn check_space(&self, bytes: u64) -> Result<(), WalError> {
        // Not knowing is no reason to refuse: the write itself will tell.
        let free_bytes = self.disk.free_bytes(&self.dir).unwrap_or(u64::MAX);
        if free_bytes >= self.options.min_free_bytes.saturating_add(bytes) {
            return Ok(());
        }
        Err(WalError::NoSpace(format!(
            "only {free_bytes} bytes are free for {}, {bytes} are to be written, and [storage] min_free_bytes is {}",
            self.dir.display(),
            self.options.min_free_bytes
        )))
    }

    fn check_sound(&self) -> Result<(), WalError> {
        self.broken.clone().map_or(Ok(()), |reason| Err(WalError::Broken(reason)))
    }

    fn write(&mut self, group: &[u8]) -> Result<(), WalError> {
        self.check_space(group.len() as u64)?;
        if let Err(error) = self.file.append(group) {
            let is_no_space = is_no_space(&error);
            return Err(match self.file.cut(self.len_bytes) {
                Ok(()) if is_no_space => {
                    WalError::NoSpace(format!("the disk of {} is full", self.dir.display()))
                }
                Ok(()) => self.break_off(&error),
                Err(error) => self.break_off(&error),
            });
        }
        if let Err(error) = self.file.sync() {
            return Err(self.break_off(&error));
        }
        self.len_bytes += group.len() as u64;
        Ok(())
    }

    fn break_off(&mut self, error: &io::Error) -> WalError {
        let reason = format!("{}: {error}; start the collector again", self.active.display());
        self.broken = Some(reason.clone());
        WalError::Broken(reason)
    }
}

/// Makes a segment that begins with a snapshot. It gets its name when the snapshot is durable, so a
/// segment of that name is never without one.
fn create(
    disk: &dyn Disk,
    dir: &Path,
    numbers: Numbers,
    positions: &Positions,
) -> io::Result<(PathBuf, Box<dyn LogFile>, u64)> {
    let segment = SegmentPath::new(dir, numbers.sequence);
    let (mut body, mut bytes) = (Vec::new(), Vec::new());
    positions.put(&mut body);
    encode_snapshot(numbers, &body, &mut bytes);
    let unfinished = segment.unfinished();
    let make = || {
        let mut file = disk.create(&unfinished)?;
        file.append(&bytes)?;
        file.sync()?;
        disk.rename(&unfinished, &segment.path)?;
        Ok(file)
    };
    let file = make().inspect_err(|_: &io::Error| {
        // A full disk has no room for it, and the next one may have another name. Best effort: the next
        // start removes it as well.
        let _ = disk.remove(&unfinished);
    })?;
    disk.sync_dir(dir)?;
    Ok((segment.path, file, bytes.len() as u64))
}

fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
