//! One generation of one file: what is known of it, and the few system calls that look at it. A generation
//! begins when a file is created or truncated and ends when nothing of it is left to read; meanwhile the file
//! may be renamed, deleted, or live on as a copy.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use millpond_parsers::Detector;

use crate::checkpoint::Entry;
use crate::limits;
use crate::tail::backlog::Backlog;
use crate::tail::identity::{Head, Identity, Inode, Mark};
use crate::tail::watchdog::LastTurn;

/// Marks of earlier positions that are kept, to recognise a copy that was made before the last lines were read.
const RECENT_MARKS: usize = 8;

/// Where a generation stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Remembered, but no file has been found yet.
    Dormant,
    /// Its file is there.
    Live,
    /// Its file has no name any more; the open descriptor holds it.
    Deleted,
    /// Its file holds something else now. A copy of the rest may turn up.
    Cut {
        /// Monotonic time of the discovery.
        since_ms: u64,
    },
}

/// See the module. Owned by the table of generations; changed by the tailer only.
#[derive(Debug)]
pub struct Generation {
    /// Index of the section of the configuration that covers it.
    pub section: usize,
    /// The name that it was found under: what its lines are labelled with.
    pub origin: PathBuf,
    /// Where it is now.
    pub path: PathBuf,
    /// Of the file.
    pub inode: Inode,
    /// How the file begins.
    pub head: Head,
    /// All below has been read into batches.
    pub read: Mark,
    /// All below is durable at the collector.
    pub acked: Mark,
    /// Positions read to earlier, oldest first.
    pub recent: VecDeque<Mark>,
    /// Groups of lines that were handed on and not acknowledged yet.
    pub unacked_groups: u32,
    /// Where it stands.
    pub life: Life,
    /// The last scan found it under a name that the patterns cover.
    pub covered: bool,
    /// It has lost its name, or is a copy: once it rests, what is left of a last line is complete.
    pub renamed: bool,
    /// Open descriptor; closed when many files rest.
    pub file: Option<File>,
    /// Size when last looked at, in bytes.
    pub size_seen: u64,
    /// Modification time when last looked at, Unix nanoseconds.
    pub modified_ns: i128,
    /// Monotonic time of its last growth or change of name.
    pub quiet_since_ms: u64,
    /// A line that is longer than any window was searched for its end up to here; 0 when there is none.
    pub scanned_to: u64,
    /// When a remembered one was seen last, Unix seconds.
    pub remembered_s: i64,
    /// It waits in a queue for its turn.
    pub queued: bool,
    /// Finds the format of its lines.
    pub detector: Option<Box<Detector>>,
    /// How old what isn't acknowledged is.
    pub backlog: Backlog,
    /// How its last turn ended.
    pub last_turn: LastTurn,
}

impl Generation {
    /// A new one, to be read from `start`.
    pub fn new(section: usize, path: &Path, inode: Inode, head: Head, start: Mark, now_ms: u64) -> Self {
        Self {
            section,
            origin: path.to_owned(),
            path: path.to_owned(),
            inode,
            head,
            read: start,
            acked: start,
            recent: VecDeque::new(),
            unacked_groups: 0,
            life: Life::Live,
            covered: true,
            renamed: false,
            file: None,
            size_seen: 0,
            modified_ns: 0,
            quiet_since_ms: now_ms,
            scanned_to: 0,
            remembered_s: 0,
            queued: false,
            detector: None,
            backlog: Backlog::default(),
            last_turn: LastTurn::None,
        }
    }

    /// One that is known from the journal or from the collector.
    pub fn remembered(entry: &Entry) -> Self {
        let Identity { inode, head, ref path, .. } = entry.identity;
        Self {
            life: Life::Dormant,
            covered: false,
            renamed: entry.identity.renamed,
            size_seen: entry.offset,
            remembered_s: entry.identity.seen_s,
            ..Self::new(0, path, inode, head, entry.mark(), 0)
        }
    }

    /// What is to be remembered of it at a position.
    pub fn entry_at(&self, mark: &Mark, now_s: i64) -> Entry {
        let identity = Identity {
            inode: self.inode,
            head: self.head,
            tail: (mark.tail_len, mark.tail_hash),
            renamed: self.renamed,
            seen_s: now_s,
            path: self.origin.clone(),
        };
        Entry { offset: mark.offset, identity }
    }

    /// Moves on to a position that has been read to.
    pub fn advance(&mut self, mark: Mark) {
        if self.recent.len() >= RECENT_MARKS {
            self.recent.pop_front();
        }
        self.recent.push_back(self.read);
        self.read = mark;
        self.scanned_to = 0;
    }

    /// Goes back to what the collector has.
    pub fn rewind(&mut self) {
        self.read = self.acked;
        self.scanned_to = 0;
        self.unacked_groups = 0;
    }

    /// It was looked at and has this size.
    pub fn saw_size(&mut self, size: u64, now_ms: u64) {
        if size != self.size_seen {
            self.quiet_since_ms = now_ms;
        }
        self.size_seen = size;
        self.backlog.saw(size, self.acked.offset, now_ms);
    }

    /// Bytes that are known to stand after the position.
    pub fn unread_bytes(&self) -> u64 {
        self.size_seen.saturating_sub(self.read.offset)
    }

    /// Bytes that the collector hasn't acknowledged.
    pub fn lag_bytes(&self) -> u64 {
        self.size_seen.saturating_sub(self.acked.offset)
    }

    /// Everything that was read has been acknowledged.
    pub fn is_settled(&self) -> bool {
        self.unacked_groups == 0 && self.acked == self.read
    }
}

/// Opens a file for reading, without ever waiting for a pipe or taking over a terminal.
///
/// # Errors
/// From the system; or when it isn't a regular file.
pub fn open(path: &Path) -> io::Result<(File, Stat)> {
    const FLAGS: i32 =
        (rustix::fs::OFlags::NONBLOCK.bits() | rustix::fs::OFlags::NOCTTY.bits()).cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(FLAGS).open(path)?;
    let stat = stat(&file)?;
    Ok((file, stat))
}

/// What an open file says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    /// Of the file.
    pub inode: Inode,
    /// In bytes.
    pub size: u64,
    /// It has no name any more.
    pub is_deleted: bool,
}

/// Asks an open file.
///
/// # Errors
/// From the system; or when it isn't a regular file.
pub fn stat(file: &File) -> io::Result<Stat> {
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(Stat { inode: Inode::of(&metadata), size: metadata.len(), is_deleted: metadata.nlink() == 0 })
}

/// Reads until the buffer is full or the file ends; returns the number of bytes.
///
/// # Errors
/// From the system, when nothing was read.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if filled == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(filled)
}

/// As [`read_at`], into a vector of at most `len` bytes.
///
/// # Errors
/// As [`read_at`].
pub fn read_vec(file: &File, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let count = read_at(file, &mut bytes, offset)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// True when the file still holds, before the mark, what it held when the mark was made.
///
/// # Errors
/// From the system.
pub fn holds(file: &File, mark: &Mark) -> io::Result<bool> {
    let tail = read_vec(file, usize::from(mark.tail_len), mark.tail_offset())?;
    Ok(mark.matches(&tail))
}

/// The position `offset` of a file.
///
/// # Errors
/// From the system.
pub fn mark_at(file: &File, offset: u64) -> io::Result<Mark> {
    let start = offset.saturating_sub(limits::TAIL_BYTES as u64);
    let len = usize::try_from(offset - start).unwrap_or(limits::TAIL_BYTES);
    Ok(Mark::new(offset, &read_vec(file, len, start)?))
}

/// True when all of `copy`, as far as both ends of it tell, is the beginning of `original`.
///
/// # Errors
/// From the system.
pub fn is_prefix(copy: &File, copy_size: u64, original: &File) -> io::Result<bool> {
    if stat(original)?.size < copy_size {
        return Ok(false);
    }
    let window = (limits::COMPARE_BYTES as u64).min(copy_size);
    let len = usize::try_from(window).unwrap_or(limits::COMPARE_BYTES);
    for offset in [0, copy_size - window] {
        if read_vec(copy, len, offset)? != read_vec(original, len, offset)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first offset from `offset` on that isn't in a hole; `offset` itself where the file system can't tell.
pub fn next_data(file: &File, offset: u64) -> u64 {
    rustix::fs::seek(file, rustix::fs::SeekFrom::Data(offset)).unwrap_or(offset).max(offset)
}
