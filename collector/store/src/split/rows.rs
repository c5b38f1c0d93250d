//! The rows of a split: messages and residuals in compressed blocks. A block is a *zone*, the unit in
//! which every query works; the zone table says which documents and which times it holds.
//!
//! It knows nothing of columns and words. The layout is in FORMAT.md.

mod block;
mod messages;
mod streams;
mod template;
mod writer;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

pub(crate) use self::block::ZoneRows;
pub(crate) use self::writer::{InColumns, RowInput, RowsWriter, Written};
use crate::error::StoreError;
use crate::limits::{ZONE_DOCUMENTS_MAX, ZONE_PLAIN_BYTES_MAX};

/// First and last bytes of a rows file; the digits are the format version.
pub(crate) const ROWS_MAGIC: [u8; 8] = *b"MLPROW01";
const ZONE_BYTES: usize = 64;
const FOOTER_BYTES: usize = 24;

/// One block of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    /// Number of the first document in the split.
    pub(crate) first_doc: u32,
    /// Documents, 1 to [`ZONE_DOCUMENTS_MAX`].
    pub(crate) documents: u32,
    /// Oldest event time, Unix nanoseconds.
    pub(crate) min_ns: i64,
    /// Newest event time, Unix nanoseconds.
    pub(crate) max_ns: i64,
    /// Where the block begins in the file.
    offset_bytes: u64,
    /// Size of the compressed frame and of what is kept as it is behind it.
    stored_bytes: u32,
    /// Size of what is kept as it is.
    noise_bytes: u32,
    /// Size of the frame after decompression.
    plain_bytes: u32,
    /// Bytes of all messages and residuals.
    pub(crate) text_bytes: u32,
    /// crc32c of the stored bytes.
    crc: u32,
    /// Documents with a message.
    pub(crate) messages: u32,
    /// Documents with scalars that are in no column.
    pub(crate) unindexed: u32,
}

impl Zone {
    /// The numbers of its documents.
    pub(crate) fn docs(&self) -> std::ops::Range<u32> {
        self.first_doc..self.first_doc.saturating_add(self.documents)
    }

    fn write(&self, out: &mut Vec<u8>) {
        for number in [self.first_doc, self.documents] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.min_ns.cast_unsigned(), self.max_ns.cast_unsigned(), self.offset_bytes] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let sizes = [self.stored_bytes, self.noise_bytes, self.plain_bytes, self.text_bytes];
        for number in sizes.into_iter().chain([self.crc, self.messages, self.unindexed, 0]) {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn read(bytes: &[u8; ZONE_BYTES]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let low = |at: usize| (word(at) & u64::from(u32::MAX)) as u32;
        let high = |at: usize| (word(at) >> 32) as u32;
        Self {
            first_doc: low(0),
            documents: high(0),
            min_ns: word(8).cast_signed(),
            max_ns: word(16).cast_signed(),
            offset_bytes: word(24),
            stored_bytes: low(32),
            noise_bytes: high(32),
            plain_bytes: low(40),
            text_bytes: high(40),
            crc: low(48),
            messages: high(48),
            unindexed: low(56),
        }
    }
}

/// Where the bytes of a rows file are.
#[derive(Debug)]
enum Source {
    Memory(Vec<u8>),
    Disk { file: File, path: PathBuf },
}

impl Source {
    fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        self.read_into(offset, len, &mut bytes)?;
        Ok(bytes)
    }

    /// Replaces what is in `bytes`.
    fn read_into(&self, offset: u64, len: usize, bytes: &mut Vec<u8>) -> Result<(), StoreError> {
        match self {
            Self::Memory(all) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let part = all.get(start..start.saturating_add(len));
                bytes.clear();
                bytes
                    .extend_from_slice(part.ok_or_else(|| self.damaged("a block lies outside of the file"))?);
                Ok(())
            }
            Self::Disk { file, path } => {
                bytes.resize(len, 0);
                file.read_exact_at(bytes, offset).map_err(StoreError::io("read", path))
            }
        }
    }

    fn damaged(&self, detail: &str) -> StoreError {
        match self {
            Self::Memory(_) => StoreError::Index { action: "read rows in memory", detail: detail.to_owned() },
            Self::Disk { path, .. } => StoreError::damaged(path, detail),
        }
    }
}

/// Decompresses one block after the other: what it needs is made at the first one, which takes as long as a small
/// block does.
#[derive(Default)]
pub(crate) struct Unpacker {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    stored: Vec<u8>,
}

/// The rows of an open split.
#[derive(Debug)]
pub(crate) struct Rows {
    source: Source,
    /// In order of documents, without gaps.
    zones: Vec<Zone>,
}

impl Rows {
    /// Rows that were just built.
    pub(crate) fn in_memory(written: Written) -> Self {
        Self { source: Source::Memory(written.bytes), zones: written.zones }
    }

    /// Opens a rows file and checks its table.
    pub(crate) fn open(path: PathBuf, documents: u32) -> Result<Self, StoreError> {
        let file = File::open(&path).map_err(StoreError::io("open", &path))?;
        let len = file.metadata().map_err(StoreError::io("measure", &path))?.len();
        let source = Source::Disk { file, path };
        let zones = read_table(&source, len)?;
        let mut next = 0u32;
        for zone in &zones {
            let fits = zone.first_doc == next
                && (1..=ZONE_DOCUMENTS_MAX as u32).contains(&zone.documents)
                && zone.plain_bytes.max(zone.text_bytes) <= ZONE_PLAIN_BYTES_MAX
                && zone.noise_bytes <= zone.stored_bytes
                && zone.offset_bytes.saturating_add(u64::from(zone.stored_bytes)) <= len;
            if !fits {
                return Err(source.damaged("the zone table does not fit"));
            }
            next = next.saturating_add(zone.documents);
        }
        if next != documents {
            return Err(source.damaged("the zone table has another number of documents"));
        }
        Ok(Self { source, zones })
    }

    /// The zones in order of documents.
    pub(crate) fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The zone that has this document.
    pub(crate) fn zone_of(&self, doc: u32) -> Option<usize> {
        let after = self.zones.partition_point(|zone| zone.first_doc <= doc);
        after.checked_sub(1)
    }

    /// Heap bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        let blocks = match &self.source {
            Source::Memory(bytes) => bytes.len(),
            Source::Disk { .. } => 0,
        };
        blocks + self.zones.len() * size_of::<Zone>()
    }

    /// Reads and decompresses one block.
    pub(crate) fn read(&self, zone: &Zone) -> Result<ZoneRows, StoreError> {
        self.read_with(zone, &mut Unpacker::default())
    }

    /// As [`Self::read`], for several blocks.
    pub(crate) fn read_with(&self, zone: &Zone, unpacker: &mut Unpacker) -> Result<ZoneRows, StoreError> {
        let Unpacker { zstd, stored } = unpacker;
        self.read_stored(zone, stored)?;
        let (frame, noise) = stored.split_at(stored.len().saturating_sub(zone.noise_bytes as usize));
        let damaged = |error| self.source.damaged(&format!("a row block does not decompress: {error}"));
        let zstd = match zstd {
            Some(zstd) => zstd,
            none => none.insert(zstd::bulk::Decompressor::new().map_err(damaged)?),
        };
        let plain = zstd.decompress(frame, zone.plain_bytes as usize).map_err(damaged)?;
        ZoneRows::parse(plain, noise.to_vec(), zone.documents)
            .ok_or_else(|| self.source.damaged("a row block does not parse"))
    }

    /// Fills `stored` with the compressed bytes of one block, checked.
    fn read_stored(&self, zone: &Zone, stored: &mut Vec<u8>) -> Result<(), StoreError> {
        self.source.read_into(zone.offset_bytes, zone.stored_bytes as usize, stored)?;
        if crc32c::crc32c(stored) == zone.crc {
            Ok(())
        } else {
            Err(self.source.damaged("a row block has a wrong checksum"))
        }
    }
}

fn read_table(source: &Source, len: u64) -> Result<Vec<Zone>, StoreError> {
    let footer_at = len.checked_sub(FOOTER_BYTES as u64).ok_or_else(|| source.damaged("it is too short"))?;
    let footer = source.read(footer_at, FOOTER_BYTES)?;
    let (numbers, magic) = footer.split_at(FOOTER_BYTES - ROWS_MAGIC.len());
    if magic != ROWS_MAGIC {
        return Err(source.damaged("it does not end like a rows file of this version"));
    }
    let number = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&numbers[at..at + 4]);
        u32::from_le_bytes(word)
    };
    let (count, crc) = (number(0) as usize, number(4));
    let table_offset = u64::from(number(8)) | u64::from(number(12)) << 32;
    if table_offset.checked_add((count * ZONE_BYTES) as u64) != Some(footer_at) {
        return Err(source.damaged("the zone table has a wrong size"));
    }
    let table = source.read(table_offset, count * ZONE_BYTES)?;
    if crc32c::crc32c(&table) != crc {
        return Err(source.damaged("the zone table has a wrong checksum"));
    }
    Ok(table.as_chunks().0.iter().map(Zone::read).collect())
}

#[cfg(test)]
mod tests;
