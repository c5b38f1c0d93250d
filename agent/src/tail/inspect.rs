//! The few system calls that look at one file: what it says of itself, and whether it holds what it held. What follows
//! from the answers is decided elsewhere.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::SystemTime;

use crate::limits;
use crate::tail::content::Content;
use crate::tail::identity::{Inode, Mark};

/// Opens a file for reading, without ever waiting for a pipe or taking over a terminal.
///
/// # Errors
/// From the system; or when it isn't a regular file.
pub fn open(path: &Path) -> io::Result<(Content, Stat)> {
    let content = Content::of(open_regular(path)?)?;
    let stat = stat(&content)?;
    Ok((content, stat))
}

/// As [`open`], the bare file.
///
/// # Errors
/// As [`open`].
pub fn open_regular(path: &Path) -> io::Result<File> {
    const FLAGS: i32 =
        (rustix::fs::OFlags::NONBLOCK.bits() | rustix::fs::OFlags::NOCTTY.bits()).cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(FLAGS).open(path)?;
    // Before anything is read: what isn't a file may give something else to each reader.
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_regular()) }
}

fn not_regular() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "not a regular file")
}

/// What an open file says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Stat {
    /// Of the file.
    pub inode: Inode,
    /// Of its content, in bytes; see [`Content::size`].
    pub size: u64,
    /// Of the file itself, in bytes.
    pub file_bytes: u64,
    /// When its content was modified last, Unix nanoseconds.
    pub modified_ns: i128,
    /// When anything about it was changed last, Unix nanoseconds.
    pub changed_ns: i128,
    /// When it was made, Unix seconds; 0 where the file system doesn't keep that.
    pub born_s: i64,
    /// It has no name any more.
    pub is_deleted: bool,
}

/// Asks an open file.
///
/// # Errors
/// From the system; or when it isn't a regular file.
pub fn stat(content: &Content) -> io::Result<Stat> {
    let metadata = content.metadata()?;
    if !metadata.is_file() {
        return Err(not_regular());
    }
    Ok(Stat {
        inode: Inode::of(&metadata),
        size: content.size(metadata.len()),
        file_bytes: metadata.len(),
        modified_ns: unix_ns(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: unix_ns(metadata.ctime(), metadata.ctime_nsec()),
        born_s: metadata.created().map_or(0, unix_s),
        is_deleted: metadata.nlink() == 0,
    })
}

fn unix_ns(seconds: i64, nanoseconds: i64) -> i128 {
    i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds)
}

fn unix_s(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok();
    since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(0)
}

/// As [`Content::read_at`], into a vector of at most `len` bytes.
///
/// # Errors
/// As [`Content::read_at`].
pub fn read_vec(content: &Content, len: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let count = content.read_at(&mut bytes, offset)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// True when the file still holds, before the mark, what it held when the mark was made.
///
/// # Errors
/// From the system.
pub fn holds(content: &Content, mark: &Mark) -> io::Result<bool> {
    let tail = read_vec(content, usize::from(mark.tail_len), mark.tail_offset())?;
    Ok(mark.matches(&tail))
}

/// The position `offset` of a file.
///
/// # Errors
/// From the system.
pub fn mark_at(content: &Content, offset: u64) -> io::Result<Mark> {
    let start = offset.saturating_sub(limits::TAIL_BYTES as u64);
    let len = usize::try_from(offset - start).unwrap_or(limits::TAIL_BYTES);
    Ok(Mark::new(offset, &read_vec(content, len, start)?))
}

/// The position after the last byte; all of an archive is unpacked for it.
///
/// # Errors
/// From the system.
pub fn end_mark(content: &Content) -> io::Result<Mark> {
    content.approach(u64::MAX, usize::MAX)?;
    mark_at(content, stat(content)?.size)
}

/// True when all of `copy`, which begins with `copy_start`, is the beginning of `original`, as far as both ends
/// of it tell. Of two archives: when both are the same, packed.
///
/// # Errors
/// From the system.
pub fn is_prefix(copy: &Content, copy_start: &[u8], original: &Content) -> io::Result<bool> {
    if copy.is_packed() && original.is_packed() {
        return is_same_file(copy, original);
    }
    let original_size = stat(original)?.size;
    copy.approach(original_size.saturating_add(1), usize::MAX)?;
    let copy_size = stat(copy)?.size;
    if original_size < copy_size {
        return Ok(false);
    }
    let window = (limits::COMPARE_BYTES as u64).min(copy_size);
    let len = usize::try_from(window).unwrap_or(limits::COMPARE_BYTES);
    let is_same_start = copy_start.get(..len) == Some(&read_vec(original, len, 0)?);
    let end = copy_size - window;
    Ok(is_same_start && read_vec(copy, len, end)? == read_vec(original, len, end)?)
}

/// Of archives: the bytes in the files themselves.
fn is_same_file(a: &Content, b: &Content) -> io::Result<bool> {
    let size = a.metadata()?.len();
    if size != b.metadata()?.len() {
        return Ok(false);
    }
    let mut windows = [[0; limits::COMPARE_BYTES]; 2];
    for offset in [0, size.saturating_sub(limits::COMPARE_BYTES as u64)] {
        for (window, content) in windows.iter_mut().zip([a, b]) {
            window.fill(0);
            content.read_packed_at(window, offset)?;
        }
        if windows[0] != windows[1] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first offset from `offset` on that isn't in a hole; `offset` itself where the file system can't tell.
pub fn next_data(content: &Content, offset: u64) -> u64 {
    if content.is_packed() {
        return offset;
    }
    rustix::fs::seek(content.file(), rustix::fs::SeekFrom::Data(offset)).unwrap_or(offset).max(offset)
}
