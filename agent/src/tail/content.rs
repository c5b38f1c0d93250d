//! What stands in a file: its bytes as they are, or, where it is an archive of gzip (RFC 1952, all of its
//! members) or of zstd (RFC 8878, all of its frames), those that come out of it. Which it is, its first bytes
//! tell, not its name. All offsets are into what comes out, so that a log and its archive are the same text.
//!
//! An archive is unpacked in order. The decoder lives with the value, and keeps the last bytes that came out:
//! reading on costs nothing extra, going further back begins anew. What comes out is the same each time, also
//! before damage, so that an offset stays true over restarts. Who reads when is not decided here.

use std::cell::{Cell, RefCell};
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::limits;

/// Bytes that one step unpacks; what comes out of the step in which damage is met may be lost.
const STEP_BYTES: usize = 16 << 10;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Content {
    file: Arc<File>,
    packing: Option<Packing>,
    unpacker: RefCell<Option<Unpacker>>,
    /// What was found at the end of an archive.
    end: RefCell<Option<End>>,
    /// Bytes of the archive that have been unpacked.
    packed_at: Cell<u64>,
}

/// The end of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Bytes that come out.
    pub bytes: u64,
    /// Why there are no more, if the archive isn't whole.
    pub damage: Option<String>,
}

impl Content {
    /// Of an open file.
    ///
    /// # Errors
    /// From the system.
    pub fn of(file: File) -> io::Result<Self> {
        let mut start = [0; 4];
        let count = read_plain(&file, &mut start, 0)?;
        let packing = Packing::of(start.get(..count).unwrap_or_default());
        Ok(Self { packing, ..Self::plain(file) })
    }

    /// Of an open file that is no archive, whatever it begins with.
    pub fn plain(file: File) -> Self {
        Self {
            file: Arc::new(file),
            packing: None,
            unpacker: RefCell::default(),
            end: RefCell::default(),
            packed_at: Cell::default(),
        }
    }

    /// True for an archive.
    pub fn is_packed(&self) -> bool {
        self.packing.is_some()
    }

    /// Of the file itself.
    ///
    /// # Errors
    /// From the system.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// Reads the file itself, packed or not.
    ///
    /// # Errors
    /// From the system, when nothing was read.
    pub fn read_packed_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        read_plain(&self.file, buffer, offset)
    }

    /// True when an archive says itself that this many bytes come out of it; of several members or frames, it
    /// says something else. A hint that costs no unpacking.
    pub fn declares(&self, bytes: u64) -> bool {
        let Ok(file_bytes) = self.metadata().map(|metadata| metadata.len()) else { return false };
        match self.packing {
            // The size modulo 2^32, at the end (RFC 1952, 2.3.1).
            Some(Packing::Gzip) => {
                let mut end = [0; 4];
                let read = self.read_packed_at(&mut end, file_bytes.saturating_sub(4));
                read.is_ok_and(|count| count == 4) && u64::from(u32::from_le_bytes(end)) == bytes % (1 << 32)
            }
            // In the header of the first frame (RFC 8878, 3.1.1.1).
            Some(Packing::Zstd) => {
                let mut start = [0; 18];
                let count = self.read_packed_at(&mut start, 0).unwrap_or(0);
                let header = start.get(..count).unwrap_or_default();
                zstd::zstd_safe::get_frame_content_size(header).is_ok_and(|declared| declared == Some(bytes))
            }
            None => false,
        }
    }

    /// The file itself.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The end of an archive, once it has been reached.
    pub fn end(&self) -> Option<End> {
        self.end.borrow().clone()
    }

    /// Bytes that can be read, given the file's own size. Of an archive whose end hasn't been reached yet, a
    /// number beyond what has been unpacked: no text is smaller than a byte for each that is still packed,
    /// as far as is known.
    pub fn size(&self, file_bytes: u64) -> u64 {
        if self.packing.is_none() {
            return file_bytes;
        }
        match (&*self.end.borrow(), &*self.unpacker.borrow()) {
            (Some(end), _) => end.bytes,
            (None, Some(unpacker)) => {
                unpacker.at() + file_bytes.saturating_sub(unpacker.stream.packed_at()).max(1)
            }
            (None, None) => file_bytes.max(1),
        }
    }

    /// Bytes of an archive that were unpacked, for a measure of how far it is.
    pub fn packed_at(&self) -> u64 {
        self.packed_at.get()
    }

    /// Reads until the buffer is full or the content ends; returns the number of bytes.
    ///
    /// # Errors
    /// From the system, when nothing was read. Damage of an archive is its end and no error.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.packing {
            None => read_plain(&self.file, buffer, offset),
            Some(packing) => {
                let to = offset.saturating_add(buffer.len() as u64);
                self.with_unpacker(packing, offset, |unpacker| {
                    while unpacker.end.is_none() && unpacker.at() < to {
                        unpacker.step(offset)?;
                    }
                    Ok(unpacker.copy_to(buffer, offset))
                })
            }
        }
    }

    /// Unpacks an archive on the way to an offset, at most `budget_bytes` of what comes out. True when it is
    /// there, or at its end; a plain file always is.
    ///
    /// # Errors
    /// From the system.
    pub fn approach(&self, offset: u64, budget_bytes: usize) -> io::Result<bool> {
        let Some(packing) = self.packing else { return Ok(true) };
        // What is looked at first stands before the offset.
        let back = offset.saturating_sub(limits::TAIL_BYTES as u64);
        self.with_unpacker(packing, back, |unpacker| {
            let to = offset.min(unpacker.at().saturating_add(budget_bytes as u64));
            while unpacker.end.is_none() && unpacker.at() < to {
                unpacker.step(back)?;
            }
            Ok(unpacker.end.is_some() || unpacker.at() >= offset)
        })
    }

    /// Lets go of the decoder; reading begins anew. `has_changed`: also of what is known of the end.
    pub fn rest(&self, has_changed: bool) {
        *self.unpacker.borrow_mut() = None;
        if has_changed {
            *self.end.borrow_mut() = None;
        }
    }

    /// Gives what is kept from `offset` on, and what comes after it.
    fn with_unpacker<T>(
        &self,
        packing: Packing,
        offset: u64,
        act: impl FnOnce(&mut Unpacker) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut slot = self.unpacker.borrow_mut();
        let mut unpacker = match slot.take() {
            Some(unpacker) if unpacker.kept_from <= offset => unpacker,
            _ => Unpacker::new(&self.file, packing)?,
        };
        // After an error of the system the decoder is of no use any more.
        let result = act(&mut unpacker)?;
        self.packed_at.set(unpacker.stream.packed_at());
        if unpacker.end.is_some() {
            self.end.borrow_mut().clone_from(&unpacker.end);
        }
        *slot = Some(unpacker);
        Ok(result)
    }
}

fn read_plain(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
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

/// A decoder, with the last bytes that came out of it.
struct Unpacker {
    stream: Stream,
    kept: Vec<u8>,
    /// Offset of the first byte that is kept.
    kept_from: u64,
    end: Option<End>,
}

impl Unpacker {
    fn new(file: &Arc<File>, packing: Packing) -> io::Result<Self> {
        let stream = Stream::new(Source { file: Arc::clone(file), at: 0 }, packing)?;
        Ok(Self { stream, kept: Vec::new(), kept_from: 0, end: None })
    }

    /// Bytes that have come out.
    fn at(&self) -> u64 {
        self.kept_from + self.kept.len() as u64
    }

    /// Unpacks a little more. What stands before `needed_from` may be let go of, but for a line or two.
    fn step(&mut self, needed_from: u64) -> io::Result<()> {
        let floor = needed_from.min(self.at().saturating_sub(limits::UNPACKED_BACK_BYTES as u64));
        let spare = usize::try_from(floor.saturating_sub(self.kept_from)).unwrap_or(usize::MAX);
        // Not at each step: what is kept moves.
        if spare > limits::UNPACKED_BACK_BYTES / 2 {
            self.kept.drain(..spare.min(self.kept.len()));
            self.kept_from = floor;
        }
        let filled = self.kept.len();
        self.kept.resize(filled + STEP_BYTES, 0);
        let result = self.stream.read(self.kept.get_mut(filled..).unwrap_or_default());
        self.kept.truncate(filled + result.as_ref().map_or(0, |count| *count));
        let damage = match result {
            Ok(0) => None,
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) if error.raw_os_error().is_some() => return Err(error),
            Err(error) => Some(error.to_string()),
        };
        self.end = Some(End { bytes: self.at(), damage });
        Ok(())
    }

    fn copy_to(&self, buffer: &mut [u8], offset: u64) -> usize {
        let from = usize::try_from(offset - self.kept_from).unwrap_or(usize::MAX);
        let bytes = self.kept.get(from..).unwrap_or_default();
        let count = bytes.len().min(buffer.len());
        if let (Some(to), Some(bytes)) = (buffer.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(bytes);
        }
        count
    }
}

impl std::fmt::Debug for Unpacker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unpacker").field("at", &self.at()).field("end", &self.end).finish_non_exhaustive()
    }
}

enum Stream {
    Gzip(Box<flate2::bufread::MultiGzDecoder<BufReader<Source>>>),
    Zstd(zstd::stream::read::Decoder<'static, BufReader<Source>>),
}

impl Stream {
    fn new(source: Source, packing: Packing) -> io::Result<Self> {
        let source = BufReader::with_capacity(limits::PACKED_READ_BYTES, source);
        Ok(match packing {
            Packing::Gzip => Self::Gzip(Box::new(flate2::bufread::MultiGzDecoder::new(source))),
            Packing::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
                decoder.window_log_max(limits::ZSTD_WINDOW_LOG_MAX)?;
                Self::Zstd(decoder)
            }
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
        }
    }

    fn packed_at(&self) -> u64 {
        match self {
            Self::Gzip(decoder) => decoder.get_ref().get_ref().at,
            Self::Zstd(decoder) => decoder.get_ref().get_ref().at,
        }
    }
}

/// The packed bytes, from the start.
#[derive(Debug)]
struct Source {
    file: Arc<File>,
    at: u64,
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
pub(super) mod tests;
