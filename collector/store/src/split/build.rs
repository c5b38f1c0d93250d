//! Builds a split in memory from documents that are already in order.

use std::path::Path;

use millpond_wire::batch::DocRef;
use tantivy::directory::{FileSlice, OwnedBytes};

use super::Split;
use super::columns::Columns;
use super::filters::Filters;
use super::learned::Learned;
use super::meta::{Partition, SplitMeta};
use super::minutes::MinuteCounts;
use super::rows::{RowInput, Rows, RowsWriter, Written};
use super::shred::Shredder;
use super::words::WordsWriter;
use crate::error::StoreError;

/// A document of a build.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate<'a> {
    /// Number of its batch within the build.
    pub(crate) batch: usize,
    /// The document.
    pub(crate) doc: DocRef<'a>,
}

/// The order of documents within a build: newest first, ties by sequence number, highest first.
pub(crate) fn sort(docs: &mut [Candidate<'_>]) {
    docs.sort_unstable_by_key(|candidate| std::cmp::Reverse(candidate.doc.id()));
}

/// Builds a split of these documents, at least one, in the order of [`sort`]. `learned` goes from one build to
/// the next.
pub(crate) fn build(
    id: u64,
    partition: Partition,
    docs: &[Candidate<'_>],
    wal_upto: u64,
    arrived_ns: i64,
    learned: &mut Learned,
) -> Result<Split, StoreError> {
    let memory = StoreError::index::<std::io::Error>("write rows in memory");
    if learned.is_new() {
        learn(docs, learned);
    }
    let mut shredder = Shredder::new(std::mem::take(learned));
    let mut words = WordsWriter::new()?;
    let mut rows = RowsWriter::new(Vec::new()).map_err(memory)?;
    let mut id_keys = Vec::new();
    let (mut min_ns, mut max_ns, mut max_sequence) = (i64::MAX, i64::MIN, 0);
    for (candidate, number) in docs.iter().zip(0u32..) {
        let timestamp_ns = candidate.doc.timestamp_ns();
        (min_ns, max_ns) = (min_ns.min(timestamp_ns), max_ns.max(timestamp_ns));
        max_sequence = max_sequence.max(candidate.doc.sequence());
        let parts = shredder.shred(number, candidate.batch, candidate.doc);
        id_keys.clear();
        words.push(parts.message, parts.texts, &mut id_keys)?;
        id_keys.extend_from_slice(parts.id_keys);
        let row = RowInput {
            timestamp_ns,
            message: parts.message,
            residual: parts.residual,
            id_keys: &id_keys,
            unindexed: parts.unindexed,
        };
        rows.push(row).map_err(StoreError::index("write rows in memory"))?;
    }
    let (columns, unindexed) = shredder.finish();
    let documents = docs.len() as u32;
    let (columns_bytes, metas, more) =
        columns.finish(documents).map_err(StoreError::index("write columns in memory"))?;
    *learned = more;
    let (bytes, zones, mut filters) = rows.finish().map_err(StoreError::index("write rows in memory"))?;
    let rows = Rows::in_memory(Written { bytes, zones });
    let words = words.finish()?;
    let columns_len = columns_bytes.len();
    let columns = Columns::open(FileSlice::from(columns_bytes), &metas)?;
    columns.push_dictionaries(&metas, &mut filters)?;
    let filters = OwnedBytes::new(filters.finish());
    let filters = Filters::open(filters, rows.zones().len(), metas.len(), Path::new("filters in memory"))?;
    let files_bytes = columns_len + words.file_bytes() as usize + filters.file_bytes();
    let memory_bytes = files_bytes + rows.memory_bytes();
    let minutes = MinuteCounts::of(&columns, &metas, min_ns, max_ns)?;
    let meta = SplitMeta {
        id,
        partition,
        documents,
        min_ns,
        max_ns,
        arrived_ns,
        max_sequence,
        columns: metas,
        unindexed,
        minutes,
        wal_upto,
        ..SplitMeta::default()
    };
    Ok(Split { meta, words, columns, rows, filters, dir: None, memory_bytes, disk_bytes: 0 })
}

/// Takes the documents of a first build apart to learn from them, so that its columns are like those of the builds after it.
fn learn(docs: &[Candidate<'_>], learned: &mut Learned) {
    let mut shredder = Shredder::new(std::mem::take(learned));
    for (candidate, number) in docs.iter().zip(0u32..) {
        shredder.shred(number, candidate.batch, candidate.doc);
    }
    *learned = shredder.finish().0.into_learned();
}
