//! A split: an immutable set of documents with everything to search and to give them back. It is
//! built in memory, merged onto disk, merged again, and dropped as a whole.
//!
//! | part | file | answers |
//! |---|---|---|
//! | [`words`] | `words/` (Tantivy) | which documents have this token in their message or long texts |
//! | [`columns`] | `columns` | the typed value of a field, by document; values by dictionary |
//! | [`filters`] | `filters` | which ids a zone may have, in its messages and in columns of ids; which words a dictionary |
//! | [`rows`] | `rows` | message and residual, in compressed blocks; times by block |
//! | [`ids`], `decimals` | | ids and short decimals as whole numbers |
//! | [`meta`] | `meta` | what the split holds, without reading it |
//! | [`minutes`] | `meta` | how many documents of each level a minute has |
//!
//! [`shred`] takes documents apart, [`rebuild`] puts them together, [`build`] and [`merge`] make splits.

pub(crate) mod bits;
pub(crate) mod build;
pub(crate) mod columns;
mod columns_writer;
mod decimals;
pub(crate) mod filters;
pub(crate) mod ids;
pub(crate) mod learned;
mod lines;
pub(crate) mod merge;
pub(crate) mod meta;
pub(crate) mod minutes;
pub(crate) mod numbered;
pub(crate) mod rebuild;
pub(crate) mod residual;
pub(crate) mod rows;
pub(crate) mod shred;
mod storeless;
mod varint;
pub(crate) mod visits;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use self::columns::{Columns, map_file};
use self::filters::Filters;
use self::meta::{FileMeta, SplitMeta};
use self::minutes::MinuteCounts;
use self::rows::Rows;
use self::words::Words;
use crate::error::{StoreError, guarded};

const META_FILE: &str = "meta";
const COLUMNS_FILE: &str = "columns";
const ROWS_FILE: &str = "rows";
const FILTERS_FILE: &str = "filters";
const WORDS_DIR: &str = "words";

/// An open split. Queries hold it while they run; its directory may be gone by then.
#[derive(Debug)]
pub(crate) struct Split {
    meta: SplitMeta,
    words: Words,
    columns: Columns,
    rows: Rows,
    filters: Filters,
    /// `None` in memory.
    dir: Option<PathBuf>,
    memory_bytes: usize,
    disk_bytes: u64,
}

impl Split {
    /// Opens the split in `dir` and checks its meta file, the sizes of all files and their tables; the
    /// data itself is checked as it is read.
    pub(crate) fn open(dir: &Path) -> Result<Self, StoreError> {
        guarded("open a split", || Self::open_unguarded(dir))
    }

    fn open_unguarded(dir: &Path) -> Result<Self, StoreError> {
        let meta_path = dir.join(META_FILE);
        let bytes = std::fs::read(&meta_path).map_err(StoreError::io("read", &meta_path))?;
        let meta = SplitMeta::decode(&bytes, &meta_path)?;
        for file in &meta.files {
            let path = dir.join(&file.path);
            let found = std::fs::metadata(&path).map_err(StoreError::io("measure", &path))?.len();
            if found != file.bytes {
                let detail = format!("it has {found} bytes instead of {}", file.bytes);
                return Err(StoreError::damaged(&path, detail));
            }
        }
        let words = Words::open(&dir.join(WORDS_DIR))?;
        let columns = Columns::open(map_file(dir, COLUMNS_FILE)?, &meta.columns)?;
        let rows = Rows::open(dir.join(ROWS_FILE), meta.documents)?;
        let filters = map_file(dir, FILTERS_FILE)?.read_bytes().map_err(StoreError::io("map", dir))?;
        let filters =
            Filters::open(filters, rows.zones().len(), meta.columns.len(), &dir.join(FILTERS_FILE))?;
        if words.documents() != meta.documents || columns.documents() != meta.documents {
            return Err(StoreError::damaged(dir, "its parts have different numbers of documents"));
        }
        let disk_bytes = meta.files.iter().map(|file| file.bytes).sum::<u64>() + bytes.len() as u64;
        let memory_bytes = rows.memory_bytes() + bytes.len();
        Ok(Self { meta, words, columns, rows, filters, dir: Some(dir.to_owned()), memory_bytes, disk_bytes })
    }

    /// As a split that does not count by minute, for comparison.
    #[cfg(test)]
    pub(crate) fn without_minutes(mut self) -> Self {
        self.meta.minutes = None;
        self
    }

    /// What it says about itself.
    pub(crate) fn meta(&self) -> &SplitMeta {
        &self.meta
    }

    /// Checks every checksum: reads all of it.
    pub(crate) fn verify(&self) -> Result<(), StoreError> {
        guarded("check a split", || {
            self.words.verify()?;
            self.rows.zones().iter().try_for_each(|zone| self.rows.read(zone).map(drop))?;
            if let Some(dir) = &self.dir {
                self.filters.verify(&dir.join(FILTERS_FILE))?;
                merge::verify_columns(dir, &self.meta)?;
            }
            // Last: what is compared is then known to be sound.
            self.verify_minutes()
        })
    }

    /// Checks the counts of its minutes against its columns.
    fn verify_minutes(&self) -> Result<(), StoreError> {
        let (Some(minutes), Some(dir)) = (&self.meta.minutes, &self.dir) else { return Ok(()) };
        let meta = &self.meta;
        let counted = MinuteCounts::of(&self.columns, &meta.columns, meta.min_ns, meta.max_ns)?;
        if counted.as_ref() == Some(minutes) {
            Ok(())
        } else {
            Err(StoreError::damaged(
                &dir.join(META_FILE),
                "its counts by minute are not those of its columns",
            ))
        }
    }

    /// Unique in the store for ever.
    pub(crate) fn id(&self) -> u64 {
        self.meta.id
    }

    /// Its word index.
    pub(crate) fn words(&self) -> &Words {
        &self.words
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Its filters, one for each zone.
    pub(crate) fn filters(&self) -> &Filters {
        &self.filters
    }

    /// Its rows.
    pub(crate) fn rows(&self) -> &Rows {
        &self.rows
    }

    /// Heap bytes, roughly.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    /// Bytes on disk; 0 in memory.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.disk_bytes
    }

    /// True when it is on disk.
    pub(crate) fn is_durable(&self) -> bool {
        self.dir.is_some()
    }
}

/// The directory of a disk split.
pub(crate) fn split_dir(splits: &Path, id: u64) -> PathBuf {
    splits.join(format!("{id:016x}"))
}

/// The id that a directory's name stands for.
pub(crate) fn split_id(name: &std::ffi::OsStr) -> Option<u64> {
    let name = name.to_str().filter(|name| name.len() == 16)?;
    u64::from_str_radix(name, 16).ok()
}

/// Every file of a split directory but the meta file, with its size.
fn list_files(dir: &Path) -> Result<Vec<FileMeta>, StoreError> {
    let mut files = Vec::new();
    for sub in ["", WORDS_DIR] {
        let path = dir.join(sub);
        let list = std::fs::read_dir(&path).map_err(StoreError::io("list", &path))?;
        for entry in list {
            let entry = entry.map_err(StoreError::io("list", &path))?;
            let data = entry.metadata().map_err(StoreError::io("measure", &path))?;
            if data.is_file() {
                let name = Path::new(sub).join(entry.file_name());
                files.push(FileMeta { path: name.to_string_lossy().into_owned(), bytes: data.len() });
            }
        }
    }
    files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
