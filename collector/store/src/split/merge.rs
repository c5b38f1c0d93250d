//! Merges splits of one partition into a disk split: the parts are stacked in the order given, so
//! that document numbers only shift. Nothing is visible before the caller commits the result.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::columns::{Columns, Values, map_file, sort_columns};
use super::filters::{FiltersWriter, id_key};
use super::meta::{ColumnMeta, Partition, SplitMeta};
use super::minutes::MinuteCounts;
use super::rows::{InColumns, RowsWriter, Zone};
use super::words::Words;
use super::{COLUMNS_FILE, FILTERS_FILE, META_FILE, ROWS_FILE, Split, WORDS_DIR, list_files, split_dir};
use crate::error::{StoreError, guarded};

/// Merges `inputs` into the split `id` under `splits`, synced to the disk, and opens it.
pub(crate) fn merge(
    splits: &Path,
    id: u64,
    partition: Partition,
    inputs: &[Arc<Split>],
) -> Result<Split, StoreError> {
    let dir = split_dir(splits, id);
    let result =
        guarded("merge splits", || write(&dir, id, partition, inputs)).and_then(|()| Split::open(&dir));
    if result.is_err() {
        // Unreferenced, so it would go at the next start anyway.
        let _ = std::fs::remove_dir_all(&dir);
    }
    result
}

/// In which order inputs are stacked: newest first, so that a search for the newest reads from the front.
pub(crate) fn sort(inputs: &mut [Arc<Split>]) {
    inputs.sort_by_key(|split| std::cmp::Reverse((split.meta().max_ns, split.id())));
}

fn write(dir: &Path, id: u64, partition: Partition, inputs: &[Arc<Split>]) -> Result<(), StoreError> {
    let words_dir = dir.join(WORDS_DIR);
    std::fs::create_dir_all(&words_dir).map_err(StoreError::io("create", &words_dir))?;
    let words: Vec<_> = inputs.iter().map(|split| split.words()).collect();
    Words::merge(&words, &words_dir)?;
    let columns_crc = write_columns(&dir.join(COLUMNS_FILE), inputs)?;
    let mut meta = merged_meta(id, partition, inputs);
    let mut filters = write_rows(&dir.join(ROWS_FILE), inputs)?;
    let columns = Columns::open(map_file(dir, COLUMNS_FILE)?, &meta.columns)?;
    columns.push_dictionaries(&meta.columns, &mut filters)?;
    meta.minutes = MinuteCounts::of(&columns, &meta.columns, meta.min_ns, meta.max_ns)?;
    write_file(&dir.join(FILTERS_FILE), &filters.finish())?;
    meta.files = list_files(dir)?;
    meta.columns_crc = columns_crc;
    write_file(&dir.join(META_FILE), &meta.encode())?;
    for path in [&words_dir, dir, dir.parent().unwrap_or(dir)] {
        sync_dir(path)?;
    }
    Ok(())
}

/// Writes the columns file and gives its checksum.
fn write_columns(path: &Path, inputs: &[Arc<Split>]) -> Result<u32, StoreError> {
    let file = File::create(path).map_err(StoreError::io("create", path))?;
    let mut out = Checksummed { out: BufWriter::with_capacity(1 << 16, file), crc: 0 };
    let columns: Vec<_> = inputs.iter().map(|split| split.columns()).collect();
    Columns::merge(&columns, &mut out)?;
    finish_file(out.out, path)?;
    Ok(out.crc)
}

/// A writer that knows the checksum of what went through.
struct Checksummed<W> {
    out: W,
    crc: u32,
}

impl<W: Write> Write for Checksummed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.crc = crc32c::crc32c_append(self.crc, bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

/// Checks the columns file against its checksum.
pub(crate) fn verify_columns(dir: &Path, meta: &SplitMeta) -> Result<(), StoreError> {
    let path = dir.join(COLUMNS_FILE);
    let mut file = File::open(&path).map_err(StoreError::io("open", &path))?;
    let mut sink = Checksummed { out: std::io::sink(), crc: 0 };
    std::io::copy(&mut file, &mut sink).map_err(StoreError::io("read", &path))?;
    if sink.crc == meta.columns_crc { Ok(()) } else { Err(StoreError::damaged(&path, "wrong checksum")) }
}

/// Writes the rows file and gives the filters of its zones.
fn write_rows(path: &Path, inputs: &[Arc<Split>]) -> Result<FiltersWriter, StoreError> {
    let file = File::create(path).map_err(StoreError::io("create", path))?;
    let mut rows =
        RowsWriter::new(BufWriter::with_capacity(1 << 16, file)).map_err(StoreError::io("write", path))?;
    for split in inputs {
        for (number, zone) in split.rows().zones().iter().enumerate() {
            rows.push_zone(split.rows(), zone, split.filters().of_zone(number), || in_columns(split, zone))?;
        }
    }
    let (out, _, filters) = rows.finish().map_err(StoreError::io("write", path))?;
    finish_file(out, path)?;
    Ok(filters)
}

/// Writes a file that is in memory as a whole, synced.
fn write_file(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = File::create(path).map_err(StoreError::io("create", path))?;
    file.write_all(bytes).map_err(StoreError::io("write", path))?;
    file.sync_all().map_err(StoreError::io("sync", path))
}

/// What the documents of a zone have in columns.
fn in_columns(split: &Split, zone: &Zone) -> Result<InColumns, StoreError> {
    let docs = zone.docs();
    let mut id_keys = vec![Vec::new(); docs.len()];
    for (index, column) in split.meta().columns.iter().enumerate() {
        let Some(shape) = column.kind.id_shape() else { continue };
        if let Values::Ids(ids) = split.columns().values(index)? {
            ids.for_each(&docs, |doc, id| {
                if let Some(keys) = id_keys.get_mut((doc - docs.start) as usize) {
                    keys.push(id_key(&column.name, shape, id));
                }
            });
        }
    }
    Ok(InColumns { times: split.columns().times(&docs), id_keys })
}

fn finish_file(out: BufWriter<File>, path: &Path) -> Result<(), StoreError> {
    let file = out.into_inner().map_err(|error| error.into_error()).map_err(StoreError::io("write", path))?;
    file.sync_data().map_err(StoreError::io("sync", path))
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(StoreError::io("sync", path))
}

fn merged_meta(id: u64, partition: Partition, inputs: &[Arc<Split>]) -> SplitMeta {
    let metas = || inputs.iter().map(|split| split.meta());
    let mut columns: BTreeMap<(&str, super::meta::Kind, &str), ColumnMeta> = BTreeMap::new();
    for column in metas().flat_map(|meta| &meta.columns) {
        columns
            .entry((&column.name, column.kind, &column.prefix))
            .and_modify(|merged| {
                merged.documents = merged.documents.saturating_add(column.documents);
                merged.folded &= column.folded;
                merged.texts &= column.texts;
            })
            .or_insert_with(|| column.clone());
    }
    let mut columns: Vec<_> = columns.into_values().collect();
    sort_columns(&mut columns);
    let mut unindexed: Vec<_> = metas().flat_map(|meta| meta.unindexed.iter().cloned()).collect();
    unindexed.sort_unstable();
    unindexed.dedup();
    SplitMeta {
        id,
        partition,
        documents: metas().map(|meta| meta.documents).sum(),
        min_ns: metas().map(|meta| meta.min_ns).min().unwrap_or_default(),
        max_ns: metas().map(|meta| meta.max_ns).max().unwrap_or_default(),
        arrived_ns: metas().map(|meta| meta.arrived_ns).max().unwrap_or_default(),
        max_sequence: metas().map(|meta| meta.max_sequence).max().unwrap_or_default(),
        columns,
        unindexed,
        minutes: None,
        wal_upto: metas().map(|meta| meta.wal_upto).max().unwrap_or_default(),
        replaces: inputs.iter().filter(|split| split.is_durable()).map(|split| split.id()).collect(),
        files: Vec::new(),
        columns_crc: 0,
    }
}
