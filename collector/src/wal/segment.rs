//! One file of the log: its name, and reading its records back in spite of damage.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::direct::BLOCK_BYTES;
use super::record::{Head, MAGIC, PREFIX_BYTES, Prefix};

/// Ending of a segment's name.
const EXTENSION: &str = "wal";

/// A segment by its name: `<first sequence, 20 digits>.wal`, so that names sort as the log does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SegmentPath {
    pub(super) path: PathBuf,
    /// Number that the first record after the snapshot has.
    pub(super) first_sequence: u64,
}

impl SegmentPath {
    pub(super) fn new(dir: &Path, first_sequence: u64) -> Self {
        Self { path: dir.join(format!("{first_sequence:020}.{EXTENSION}")), first_sequence }
    }

    /// `None`: the file is something else.
    pub(super) fn parse(path: &Path) -> Option<Self> {
        let stem = path.file_stem()?.to_str()?;
        let is_segment = path.extension()? == EXTENSION && stem.len() == 20;
        let first_sequence = stem.parse().ok()?;
        is_segment.then(|| Self { path: path.to_owned(), first_sequence })
    }

    /// Name under which the segment is written until its snapshot is complete.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.path.with_extension("tmp")
    }

    /// Name for a copy of the unreadable bytes that begin at `offset_bytes`.
    pub(super) fn damaged(&self, offset_bytes: u64) -> PathBuf {
        self.path.with_extension(format!("{offset_bytes}.damaged"))
    }
}

/// What comes next in a segment.
#[derive(Debug)]
pub(super) enum Item {
    /// A record whose head is good.
    Record { head: Head, body: Body },
    /// Bytes that are no record, followed by one.
    Gap { from_bytes: u64, to_bytes: u64 },
    /// Bytes that are no record, up to the end of the file.
    BadTail { from_bytes: u64 },
    /// The end, behind a record and zeros that fill its block.
    End,
}

/// The body of a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// As it was written.
    Good(Vec<u8>),
    /// Its checksum is wrong.
    Damaged,
    /// Not read, as asked for.
    Skipped,
}

/// Reads a segment record by record.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: BufReader<File>,
    len_bytes: u64,
    /// Where the next record begins.
    offset_bytes: u64,
}

impl SegmentReader {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len_bytes = file.metadata()?.len();
        Ok(Self { file: BufReader::with_capacity(256 << 10, file), len_bytes, offset_bytes: 0 })
    }

    pub(super) fn offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// The next item. The body of a record is read if `wants_body` says so of its head.
    pub(super) fn next(&mut self, wants_body: impl Fn(&Head) -> bool) -> io::Result<Item> {
        if self.offset_bytes == self.len_bytes {
            return Ok(Item::End);
        }
        let Some((prefix, head)) = self.head()? else {
            return if self.is_padding()? { Ok(Item::End) } else { self.skip_damage() };
        };
        let body = self.body(&prefix, wants_body(&head))?;
        self.offset_bytes += prefix.record_bytes();
        Ok(Item::Record { head, body })
    }

    /// Prefix and head at the current offset; `None` if there is no good record.
    fn head(&mut self) -> io::Result<Option<(Prefix, Head)>> {
        let left = self.len_bytes - self.offset_bytes;
        if left < PREFIX_BYTES as u64 {
            return Ok(None);
        }
        let mut prefix = [0; PREFIX_BYTES];
        self.file.read_exact(&mut prefix)?;
        let Some(prefix) = Prefix::parse(&prefix).filter(|prefix| prefix.record_bytes() <= left) else {
            return Ok(None);
        };
        let mut head = vec![0; prefix.head_bytes];
        self.file.read_exact(&mut head)?;
        Ok(prefix.open_head(&head).map(|head| (prefix, head)))
    }

    /// Whether all that is left are zeros that fill the last block.
    fn is_padding(&mut self) -> io::Result<bool> {
        let left = self.len_bytes - self.offset_bytes;
        if left >= BLOCK_BYTES as u64 || !self.len_bytes.is_multiple_of(BLOCK_BYTES as u64) {
            return Ok(false);
        }
        self.seek(self.offset_bytes)?;
        let mut rest = Vec::new();
        self.file.by_ref().take(left).read_to_end(&mut rest)?;
        Ok(rest.iter().all(|byte| *byte == 0))
    }

    fn body(&mut self, prefix: &Prefix, wanted: bool) -> io::Result<Body> {
        if !wanted {
            self.file.seek_relative(i64::try_from(prefix.body_bytes).unwrap_or(i64::MAX))?;
            return Ok(Body::Skipped);
        }
        let mut body = vec![0; prefix.body_bytes];
        self.file.read_exact(&mut body)?;
        Ok(if prefix.is_body(&body) { Body::Good(body) } else { Body::Damaged })
    }

    /// Looks for the next good head behind the current offset and goes there.
    fn skip_damage(&mut self) -> io::Result<Item> {
        let from_bytes = self.offset_bytes;
        let mut at_bytes = from_bytes + 1;
        while let Some(found) = self.find_magic(at_bytes)? {
            self.seek(found)?;
            if self.head()?.is_some() {
                self.seek(found)?;
                return Ok(Item::Gap { from_bytes, to_bytes: found });
            }
            at_bytes = found + 1;
        }
        self.seek(self.len_bytes)?;
        Ok(Item::BadTail { from_bytes })
    }

    fn seek(&mut self, offset_bytes: u64) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(offset_bytes))?;
        self.offset_bytes = offset_bytes;
        Ok(())
    }

    /// Offset of the next magic number at or behind `from_bytes`.
    fn find_magic(&mut self, from_bytes: u64) -> io::Result<Option<u64>> {
        self.file.seek(SeekFrom::Start(from_bytes.min(self.len_bytes)))?;
        let mut window = [0; MAGIC.len()];
        for (index, byte) in self.file.by_ref().bytes().enumerate() {
            window.rotate_left(1);
            if let Some(last) = window.last_mut() {
                *last = byte?;
            }
            if window == MAGIC && index + 1 >= MAGIC.len() {
                return Ok(Some(from_bytes + (index + 1 - MAGIC.len()) as u64));
            }
        }
        Ok(None)
    }
}
