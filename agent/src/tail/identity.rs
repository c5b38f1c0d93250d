//! What makes a file the same file: its inode, verified by a hash of its head that grows with it and by a
//! hash of the bytes before a position. No one of the three is believed alone: inodes are reused, heads are
//! equal in twins and copies, and a position says nothing about what stands before it.
//!
//! Values only; the bytes are read elsewhere. The text form of an [`Identity`] is one line:
//!
//! ```text
//! 1 <device> <inode> <head length> <head xxh3-128> <tail length> <tail xxh3-64> <flags> <seen, Unix s> <path>
//! ```
//!
//! Numbers are hexadecimal; the path comes last, with `%`, control characters and bytes that aren't UTF-8
//! written as `%xx`. The journal and the state that the collector keeps for a stream both hold it.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::limits::{HEAD_BYTES, TAIL_BYTES};

const VERSION: &str = "1";
const FLAG_RENAMED: u64 = 1;
const FLAG_EXHAUSTED: u64 = 2;

/// Device and inode number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inode {
    /// Of the device that holds the file.
    pub device: u64,
    /// Unique on the device while the file exists; reused afterwards.
    pub number: u64,
}

impl Inode {
    /// Of a file.
    pub fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), number: metadata.ino() }
    }
}

/// Hash of the first `len` bytes of a file. It grows up to [`HEAD_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Head {
    /// At most [`HEAD_BYTES`].
    pub len: u16,
    /// xxh3-128; of no bytes, when there are none.
    pub hash: u128,
}

impl Head {
    /// Of a file that begins with these bytes; those beyond [`HEAD_BYTES`] don't count.
    pub fn of(start: &[u8]) -> Self {
        let start = start.get(..HEAD_BYTES).unwrap_or(start);
        Self { len: u16::try_from(start.len()).expect("a head is at most a kilobyte"), hash: xxh3_128(start) }
    }

    /// True when a file that begins with these bytes has this head. False when they are too few to tell.
    pub fn matches(&self, start: &[u8]) -> bool {
        start.get(..usize::from(self.len)).is_some_and(|start| xxh3_128(start) == self.hash)
    }

    /// True when it can grow no more.
    pub fn is_full(&self) -> bool {
        usize::from(self.len) >= HEAD_BYTES
    }
}

/// A position in a file, with a hash of the up to [`TAIL_BYTES`] bytes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// Bytes that are hashed.
    pub tail_len: u8,
    /// xxh3-64 of them.
    pub tail_hash: u64,
}

impl Mark {
    /// The start of any file.
    pub fn start() -> Self {
        Self::new(0, &[])
    }

    /// The position `offset`, before which the file holds `before` (of which only the end counts).
    pub fn new(offset: u64, before: &[u8]) -> Self {
        let tail = before.get(before.len().saturating_sub(TAIL_BYTES)..).unwrap_or_default();
        Self {
            offset,
            tail_len: u8::try_from(tail.len()).expect("a tail is at most 64 bytes"),
            tail_hash: xxh3_64(tail),
        }
    }

    /// Where the hashed bytes begin.
    pub fn tail_offset(&self) -> u64 {
        self.offset.saturating_sub(u64::from(self.tail_len))
    }

    /// True when `tail` (exactly the bytes from [`Self::tail_offset`] to the offset) is what it was.
    pub fn matches(&self, tail: &[u8]) -> bool {
        tail.len() == usize::from(self.tail_len) && xxh3_64(tail) == self.tail_hash
    }
}

/// Everything that is remembered to recognise a file, at some position. The position itself is kept
/// beside it, by the journal and by the collector alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Where it was last.
    pub inode: Inode,
    /// How it begins.
    pub head: Head,
    /// Hash of the bytes before the position.
    pub tail: (u8, u64),
    /// It no longer has the name that it was found under, or is a copy: nobody writes to it any more.
    pub renamed: bool,
    /// It is an archive, and the position is its end: it needn't be unpacked again to know that.
    pub exhausted: bool,
    /// When the position was taken, and not before the file was made; Unix seconds.
    pub seen_s: i64,
    /// The name that it was found under first; where it is now, the inode tells.
    pub path: PathBuf,
}

impl Identity {
    /// The mark that this identity and the position beside it make.
    pub fn mark(&self, offset: u64) -> Mark {
        Mark { offset, tail_len: self.tail.0, tail_hash: self.tail.1 }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        let flags = flag(self.renamed, FLAG_RENAMED) | flag(self.exhausted, FLAG_EXHAUSTED);
        let Inode { device, number } = self.inode;
        let (tail_len, tail_hash) = self.tail;
        write!(f, "{VERSION} {device:x} {number:x} {:x} {:032x} ", self.head.len, self.head.hash)?;
        write!(f, "{tail_len:x} {tail_hash:016x} {flags:x} {:x} ", self.seen_s.max(0))?;
        write_path(f, &self.path)
    }
}

/// A text that is no identity of a version that this program knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identity of a file")]
pub struct BadIdentity;

impl FromStr for Identity {
    type Err = BadIdentity;

    fn from_str(text: &str) -> Result<Self, BadIdentity> {
        let mut parts = text.splitn(10, ' ');
        if parts.next() != Some(VERSION) {
            return Err(BadIdentity);
        }
        let mut number = || -> Result<u128, BadIdentity> {
            let digits = parts.next().ok_or(BadIdentity)?;
            u128::from_str_radix(digits, 16).map_err(|_| BadIdentity)
        };
        fn narrow<T: TryFrom<u128>>(number: u128) -> Result<T, BadIdentity> {
            T::try_from(number).map_err(|_| BadIdentity)
        }
        let inode = Inode { device: narrow(number()?)?, number: narrow(number()?)? };
        let head = Head { len: narrow(number()?)?, hash: number()? };
        let tail = (narrow(number()?)?, narrow(number()?)?);
        let flags = number()?;
        let is_set = |flag: u64| flags & u128::from(flag) != 0;
        let (renamed, exhausted) = (is_set(FLAG_RENAMED), is_set(FLAG_EXHAUSTED));
        let seen_s = narrow(number()?)?;
        if usize::from(head.len) > HEAD_BYTES || usize::from(tail.0) > TAIL_BYTES {
            return Err(BadIdentity);
        }
        let path = read_path(parts.next().ok_or(BadIdentity)?)?;
        Ok(Self { inode, head, tail, renamed, exhausted, seen_s, path })
    }
}

/// The inode of an open descriptor, when it is a regular file: the agent's own output may be one.
pub fn inode_of_regular(descriptor: impl std::os::fd::AsFd) -> Option<Inode> {
    let stat = rustix::fs::fstat(descriptor).ok()?;
    let is_regular = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::RegularFile;
    is_regular.then_some(Inode { device: stat.st_dev, number: stat.st_ino })
}

/// A path as users see it: bytes that aren't UTF-8 as `%E9`, so that two names stay two.
pub fn path_text(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("%{byte:02X}")));
    }
    Cow::Owned(text)
}

fn write_path(f: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '%' || character.is_ascii_control() {
                write!(f, "%{:02x}", u32::from(character))?;
            } else {
                write!(f, "{character}")?;
            }
        }
        for byte in chunk.invalid() {
            write!(f, "%{byte:02x}")?;
        }
    }
    Ok(())
}

fn read_path(text: &str) -> Result<PathBuf, BadIdentity> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(BadIdentity)?;
        let digits = std::str::from_utf8(digits).map_err(|_| BadIdentity)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| BadIdentity)?);
        rest = after;
    }
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn heads_match_what_begins_with_them() {
        let check = |head: &[u8], file: &[u8], expected: bool| {
            assert_eq!(Head::of(head).matches(file), expected, "{head:?} {file:?}");
        };
        check(b"", b"anything", true);
        check(b"abc", b"abcdef", true);
        check(b"abc", b"abd", false);
        check(b"abc", b"ab", false);
        let long = vec![b'x'; 5000];
        check(&long, &long, true);
        check(&long, &long[..1024], true);
        check(&long, &long[..1023], false);
        assert!(Head::of(&long).is_full());
    }

    #[test]
    fn marks_match_the_same_tail() {
        let mark = Mark::new(100, &[b'y'; 100]);
        assert_eq!((mark.tail_offset(), mark.tail_len), (36, 64));
        assert!(mark.matches(&[b'y'; 64]));
        assert!(!mark.matches(&[b'y'; 63]));
        assert!(!mark.matches(&[b'x'; 64]));
        assert!(Mark::start().matches(b""));
    }

    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        for (path, expected) in [
            (&b"/var/log/app.log"[..], "/var/log/app.log"),
            ("/ünï/✓".as_bytes(), "/ünï/✓"),
            (b"/caf\xe9.log", "/caf%E9.log"),
            (b"/caf\xe8.log", "/caf%E8.log"),
            (b"/\xe2\x82/100%", "/%E2%82/100%"),
        ] {
            assert_eq!(path_text(Path::new(OsStr::from_bytes(path))), expected);
        }
    }

    #[test]
    fn identities_travel_as_text() {
        for path in [&b"/var/log/app.log"[..], b"/a b/%41\n\xff\xc3.log", b"", "/ünï/✓".as_bytes()] {
            let identity = Identity {
                exhausted: false,
                inode: Inode { device: u64::MAX, number: 7 },
                head: Head::of(b"head"),
                tail: (64, u64::MAX),
                renamed: true,
                seen_s: 1_900_000_000,
                path: PathBuf::from(OsStr::from_bytes(path)),
            };
            let text = identity.to_string();
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(text.parse(), Ok(identity));
        }
        let good = "1 1 2 3 4 5 6 0 7 /a";
        assert!(good.parse::<Identity>().is_ok());
        for bad in [
            "",
            "1",
            "2 1 2 3 4 5 6 0 7 /a",
            "1 1 2 401 4 5 6 0 7 /a",
            "1 1 2 3 4 41 6 0 7 /a",
            "1 1 2 3 4 5 6 0 7",
        ] {
            assert_eq!(bad.parse::<Identity>(), Err(BadIdentity), "{bad}");
        }
        assert_eq!("1 1 2 3 4 5 6 0 7 /a%f".parse::<Identity>(), Err(BadIdentity));
    }
}
