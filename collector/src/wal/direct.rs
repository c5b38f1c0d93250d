//! A log file that is written past the page cache. The log is read at starts only, and a cache of it would cost more
//! than all the rest of writing it: a new page for each 4 KiB. Where the file system has no direct writes, the same
//! blocks are written through the cache.
//!
//! Direct writes are of whole blocks. The last one of a file is filled with zeros, and written again with what comes
//! next: what was in it stays the same, so that a torn write of it leaves that whole.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::disk::LogFile;
use crate::limits::GROUP_BYTES_MAX;

/// Block in bytes: a multiple of the sectors of all common disks. Files end at a multiple of it.
pub(super) const BLOCK_BYTES: usize = 4096;

/// A file that is written at its end.
#[derive(Debug)]
pub(super) struct DirectFile {
    file: File,
    /// False: through the page cache.
    is_direct: bool,
    /// Bytes that were appended.
    len_bytes: u64,
    /// The file has zeros behind them, and nothing failed.
    has_zeros: bool,
    buffer: Blocks,
}

/// Bytes at an address that is a multiple of [`BLOCK_BYTES`]. At rest, the bytes of the last block that is not full.
#[derive(Debug, Default)]
struct Blocks {
    room: Vec<u8>,
    start: usize,
    len: usize,
}

impl DirectFile {
    /// Makes a new, empty file.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        Self::open_with(OpenOptions::new().read(true).write(true).create(true).truncate(true), path)
    }

    /// Opens a file, to go on behind its first `len_bytes`.
    pub(super) fn open(path: &Path, len_bytes: u64) -> io::Result<Self> {
        let mut file = Self::open_with(OpenOptions::new().read(true).write(true), path)?;
        file.cut(len_bytes)?;
        Ok(file)
    }

    fn open_with(options: &mut OpenOptions, path: &Path) -> io::Result<Self> {
        let direct = options.clone().custom_flags(OFlags::DIRECT.bits().cast_signed()).open(path);
        let (file, is_direct) = match direct {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => (options.open(path)?, false),
            direct => (direct?, true),
        };
        Ok(Self { file, is_direct, len_bytes: 0, has_zeros: false, buffer: Blocks::default() })
    }

    /// From now on writes through the page cache.
    fn give_up_direct(&mut self) -> io::Result<()> {
        let flags = fcntl_getfl(&self.file)?;
        fcntl_setfl(&self.file, flags - OFlags::DIRECT)?;
        self.is_direct = false;
        Ok(())
    }

    /// Fills the buffer with the bytes of the last block that are in the file.
    fn read_last_block(&mut self) -> io::Result<()> {
        let (start, len) = (self.block_start(), (self.len_bytes % BLOCK_BYTES as u64) as usize);
        // The block is asked for as a whole, and ends with the file.
        let block = self.buffer.refill(len);
        let mut read = 0;
        while read < len {
            match self.file.read_at(block.get_mut(read..).unwrap_or_default(), start + read as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                bytes => read += bytes,
            }
        }
        Ok(())
    }

    /// Where the last block begins.
    fn block_start(&self) -> u64 {
        self.len_bytes - self.len_bytes % BLOCK_BYTES as u64
    }
}

impl Drop for DirectFile {
    /// A file that nobody writes ends with its bytes. Best effort: zeros behind them mean nothing.
    fn drop(&mut self) {
        if self.has_zeros {
            let _ = self.file.set_len(self.len_bytes);
        }
    }
}

impl LogFile for DirectFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let start = self.block_start();
        self.has_zeros = false;
        self.buffer.push(bytes);
        if self.is_direct {
            match self.file.write_all_at(self.buffer.padded(), start) {
                // Some file systems refuse only here.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.give_up_direct()?,
                written => written?,
            }
        }
        if !self.is_direct {
            self.file.write_all_at(self.buffer.padded(), start)?;
        }
        self.len_bytes += bytes.len() as u64;
        self.buffer.keep_last_block();
        self.has_zeros = true;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data().inspect_err(|_| self.has_zeros = false)
    }

    fn cut(&mut self, len_bytes: u64) -> io::Result<()> {
        self.has_zeros = false;
        self.file.set_len(len_bytes)?;
        self.len_bytes = len_bytes;
        match self.read_last_block() {
            Err(error) if self.is_direct && error.kind() == io::ErrorKind::InvalidInput => {
                self.give_up_direct()?;
                self.read_last_block()
            }
            read => read,
        }
    }
}

impl Blocks {
    /// Room for so many bytes, at least a block, with all that was there.
    fn reserve(&mut self, bytes: usize) {
        let bytes = bytes.next_multiple_of(BLOCK_BYTES);
        if self.room.len() < self.start + bytes {
            let mut room = vec![0; bytes + BLOCK_BYTES];
            // The end of what `align_offset` may answer is left free.
            let start = room.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
            let before = self.room.get(self.start..self.start + self.len).unwrap_or_default();
            room.iter_mut().skip(start).zip(before).for_each(|(to, from)| *to = *from);
            (self.room, self.start) = (room, start);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.reserve(self.len + bytes.len());
        let at = self.start + self.len;
        if let Some(place) = self.room.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }

    /// All bytes, filled up with zeros to whole blocks.
    fn padded(&mut self) -> &[u8] {
        let (at, end) = (self.start + self.len, self.start + self.len.next_multiple_of(BLOCK_BYTES));
        self.room.get_mut(at..end).unwrap_or_default().fill(0);
        self.room.get(self.start..end).unwrap_or_default()
    }

    /// Forgets all blocks that are full.
    fn keep_last_block(&mut self) {
        let full = self.len - self.len % BLOCK_BYTES;
        self.room.copy_within(self.start + full..self.start + self.len, self.start);
        self.len -= full;
        // Room is kept for the next group unless one large request made it large.
        if self.room.len() > GROUP_BYTES_MAX * 2 {
            let last = self.room.get(self.start..self.start + self.len).unwrap_or_default().to_vec();
            *self = Self::default();
            self.push(&last);
        }
    }

    /// A block of which the first `len` bytes are to be filled by the caller.
    fn refill(&mut self, len: usize) -> &mut [u8] {
        self.len = 0;
        self.reserve(BLOCK_BYTES);
        self.len = len;
        self.room.get_mut(self.start..self.start + BLOCK_BYTES).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_hold_what_was_appended_and_not_cut() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for is_direct in [true, false] {
            let mut file = DirectFile::create(&path).unwrap();
            if !is_direct {
                file.give_up_direct().unwrap();
            }
            let (mut expected, mut next) = (Vec::new(), 1_u64);
            for round in 0..200 {
                next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let length =
                    [1, 7, BLOCK_BYTES - 1, BLOCK_BYTES, 3 * BLOCK_BYTES + 5][(next >> 33) as usize % 5];
                if round % 11 == 10 {
                    let kept = (next >> 40) as usize % expected.len();
                    expected.truncate(kept);
                    file.cut(kept as u64).unwrap();
                } else if round % 17 == 16 {
                    drop(file);
                    assert_eq!(std::fs::read(&path).unwrap(), expected);
                    file = DirectFile::open(&path, expected.len() as u64).unwrap();
                } else {
                    let bytes = vec![round as u8 + 1; length];
                    file.append(&bytes).unwrap();
                    expected.extend(bytes);
                    let found = std::fs::read(&path).unwrap();
                    let (start, zeros) = found.split_at(expected.len());
                    assert!(
                        start == expected && zeros.len() < BLOCK_BYTES && zeros.iter().all(|byte| *byte == 0)
                    );
                }
            }
        }
    }

    #[test]
    fn a_file_that_could_not_be_cut_keeps_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        std::fs::write(&path, "a log").unwrap();
        drop(DirectFile::open_with(OpenOptions::new().read(true).write(true), &path).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"a log");
    }

    #[test]
    fn a_large_group_does_not_keep_its_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = DirectFile::create(&dir.path().join("file")).unwrap();
        file.append(&vec![1; GROUP_BYTES_MAX * 3]).unwrap();
        file.append(&[2; 10]).unwrap();
        assert!(file.buffer.room.len() <= GROUP_BYTES_MAX);
        drop(file);
        let found = std::fs::read(dir.path().join("file")).unwrap();
        assert!(
            found.ends_with(&[1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]) && found.len() == GROUP_BYTES_MAX * 3 + 10
        );
    }
}
