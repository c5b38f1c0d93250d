//! The few things that the log asks of a file system, behind a trait so that tests can make each of
//! them fail. Reading, which is done at start only, goes to the files directly.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;

use super::direct::DirectFile;

/// A file system for log segments.
pub trait Disk: Debug + Send {
    /// Makes a new, empty file; one of that name is replaced. Not durable before both the file and
    /// its folder are synced.
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>>;

    /// Opens a file to go on after its first `len_bytes`; what is behind them is cut off.
    fn open(&self, path: &Path, len_bytes: u64) -> io::Result<Box<dyn LogFile>>;

    /// Gives a file its final name; durable after [`sync_dir`](Self::sync_dir).
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Deletes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes creations, renames and deletions in a folder durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that an ordinary user can still write on the folder's file system.
    fn free_bytes(&self, dir: &Path) -> io::Result<u64>;
}

/// A file that is written at its end. It may have zeros there, up to a whole block.
pub trait LogFile: Debug + Send {
    /// Writes all bytes at the end. After an error any part of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes all that was written durable. After an error nothing is known of it, and a second call
    /// that succeeds would prove nothing (fsyncgate, 2018): the file must not be trusted again.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts the file to its first `len_bytes` and goes on there.
    fn cut(&mut self, len_bytes: u64) -> io::Result<()>;
}

/// The real file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(DirectFile::create(path)?))
    }

    fn open(&self, path: &Path, len_bytes: u64) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(DirectFile::open(path, len_bytes)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    fn free_bytes(&self, dir: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(dir)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}
