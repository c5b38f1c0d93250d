//! Writes a rows file, block by block, and the filter of each beside it.

use std::path::PathBuf;

use super::block::BlockBuilder;
use super::{ROWS_MAGIC, Rows, ZONE_BYTES, Zone};
use crate::error::StoreError;
use crate::limits::{ROWS_ZSTD_LEVEL, ZONE_COPY_BYTES, ZONE_DOCUMENTS_MAX, ZONE_TEXT_BYTES};
use crate::split::filters::{FilterKey, FiltersWriter, push_message_keys};
use crate::split::residual;

/// What a [`RowsWriter`] made.
#[derive(Debug)]
pub(crate) struct Written {
    /// The whole file.
    pub(crate) bytes: Vec<u8>,
    /// Its table.
    pub(crate) zones: Vec<Zone>,
}

/// One document for a [`RowsWriter`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowInput<'a> {
    pub(crate) timestamp_ns: i64,
    pub(crate) message: Option<&'a str>,
    pub(crate) residual: &'a [u8],
    /// Of the ids in its message and its columns, for the filter of its zone.
    pub(crate) id_keys: &'a [FilterKey],
    /// Some scalar of the residual is in no column.
    pub(crate) unindexed: bool,
}

/// What the documents of one zone have in columns, by their place in it.
#[derive(Debug)]
pub(crate) struct InColumns {
    pub(crate) times: Vec<i64>,
    pub(crate) id_keys: Vec<Vec<FilterKey>>,
}

/// Writes a rows file to `W`, a block at a time.
pub(crate) struct RowsWriter<W> {
    out: W,
    written_bytes: u64,
    zones: Vec<Zone>,
    next_doc: u32,
    compressor: zstd::bulk::Compressor<'static>,
    block: BlockBuilder,
    filters: FiltersWriter,
    open: Option<Zone>,
}

impl<W: std::io::Write> RowsWriter<W> {
    /// Begins a file.
    pub(crate) fn new(mut out: W) -> std::io::Result<Self> {
        out.write_all(&ROWS_MAGIC)?;
        Ok(Self {
            out,
            written_bytes: ROWS_MAGIC.len() as u64,
            zones: Vec::new(),
            next_doc: 0,
            compressor: zstd::bulk::Compressor::new(ROWS_ZSTD_LEVEL)?,
            block: BlockBuilder::default(),
            filters: FiltersWriter::default(),
            open: None,
        })
    }

    /// Adds the next document.
    pub(crate) fn push(&mut self, row: RowInput<'_>) -> std::io::Result<()> {
        self.block.push(row.message, row.residual);
        self.filters.push(row.id_keys);
        let zone = self.open.get_or_insert(Zone {
            first_doc: self.next_doc,
            documents: 0,
            min_ns: i64::MAX,
            max_ns: i64::MIN,
            offset_bytes: 0,
            stored_bytes: 0,
            noise_bytes: 0,
            plain_bytes: 0,
            text_bytes: 0,
            crc: 0,
            messages: 0,
            unindexed: 0,
        });
        zone.documents += 1;
        zone.min_ns = zone.min_ns.min(row.timestamp_ns);
        zone.max_ns = zone.max_ns.max(row.timestamp_ns);
        zone.messages += u32::from(row.message.is_some());
        zone.unindexed += u32::from(row.unindexed);
        self.next_doc += 1;
        let full =
            zone.documents as usize >= ZONE_DOCUMENTS_MAX || self.block.text_bytes() >= ZONE_TEXT_BYTES;
        if full { self.close_zone() } else { Ok(()) }
    }

    /// Adds all documents of a block of another file: as it is, with its filter, when it is large enough, and else
    /// by joining it with its neighbours. `columns` gives what its documents have in columns.
    pub(crate) fn push_zone(
        &mut self,
        rows: &Rows,
        zone: &Zone,
        filter: &[u8],
        columns: impl FnOnce() -> Result<InColumns, StoreError>,
    ) -> Result<(), StoreError> {
        let write_error = |source| StoreError::Io { action: "write rows to", path: PathBuf::new(), source };
        if zone.text_bytes as usize >= ZONE_COPY_BYTES {
            self.close_zone().map_err(write_error)?;
            let mut stored = Vec::new();
            rows.read_stored(zone, &mut stored)?;
            let copy = Zone { first_doc: self.next_doc, offset_bytes: self.written_bytes, ..*zone };
            self.next_doc += zone.documents;
            self.filters.copy_zone(filter);
            return self.append_block(copy, &stored).map_err(write_error);
        }
        let texts = rows.read(zone)?;
        let InColumns { times, id_keys } = columns()?;
        for (index, (timestamp_ns, mut id_keys)) in times.into_iter().zip(id_keys).enumerate() {
            let residual = texts.residual(index);
            let unindexed = residual::entries(residual).any(|entry| entry.unindexed);
            let message = texts.message(index);
            let message = message.as_deref();
            push_message_keys(message.unwrap_or_default(), &mut id_keys);
            let row = RowInput { timestamp_ns, message, residual, id_keys: &id_keys, unindexed };
            self.push(row).map_err(write_error)?;
        }
        Ok(())
    }

    /// Writes the table and the footer; gives back the writer, the table, and the filters of its zones.
    pub(crate) fn finish(mut self) -> std::io::Result<(W, Vec<Zone>, FiltersWriter)> {
        self.close_zone()?;
        let mut table = Vec::with_capacity(self.zones.len() * ZONE_BYTES);
        self.zones.iter().for_each(|zone| zone.write(&mut table));
        self.out.write_all(&table)?;
        self.out.write_all(&(self.zones.len() as u32).to_le_bytes())?;
        self.out.write_all(&crc32c::crc32c(&table).to_le_bytes())?;
        self.out.write_all(&self.written_bytes.to_le_bytes())?;
        self.out.write_all(&ROWS_MAGIC)?;
        Ok((self.out, self.zones, self.filters))
    }

    fn close_zone(&mut self) -> std::io::Result<()> {
        let Some(mut zone) = self.open.take() else { return Ok(()) };
        zone.text_bytes = self.block.text_bytes() as u32;
        let streams = self.block.finish();
        let mut stored = self.compressor.compress(&streams.plain)?;
        stored.extend_from_slice(&streams.noise);
        zone.noise_bytes = streams.noise.len() as u32;
        zone.plain_bytes = streams.plain.len() as u32;
        zone.stored_bytes = stored.len() as u32;
        zone.crc = crc32c::crc32c(&stored);
        zone.offset_bytes = self.written_bytes;
        self.filters.close_zone();
        self.append_block(zone, &stored)
    }

    fn append_block(&mut self, zone: Zone, stored: &[u8]) -> std::io::Result<()> {
        self.out.write_all(stored)?;
        self.written_bytes += stored.len() as u64;
        self.zones.push(zone);
        Ok(())
    }
}
