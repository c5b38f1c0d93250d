//! Every maximum of the store, with its unit and the reason for the number.

use std::time::Duration;

/// Most documents of one zone: a bitmap of this many bits is 1 KiB and lives on the stack.
pub(crate) const ZONE_DOCUMENTS_MAX: usize = 8_192;

/// A zone's row block is closed at this many bytes of text. 16 KiB blocks compress half as well, and
/// one block is what a single row costs to read (about 0.3 ms).
pub(crate) const ZONE_TEXT_BYTES: usize = 192 << 10;

/// A row block with at least this much text is copied as it is by a merge; smaller ones are joined.
pub(crate) const ZONE_COPY_BYTES: usize = ZONE_TEXT_BYTES / 2;

/// Largest plain size of a row block that is believed when it is read, in bytes. One document comes
/// from one request body, which is at most 64 MiB.
pub(crate) const ZONE_PLAIN_BYTES_MAX: u32 = 256 << 20;

/// zstd level of row blocks: level 1 is no faster on blocks of this size, level 8 costs four times
/// the CPU for a tenth less.
pub(crate) const ROWS_ZSTD_LEVEL: i32 = 3;

/// Longest string that a column holds, in bytes; a longer one is kept with the row. Columns are cut
/// at 65,535 bytes by the library, and dictionaries of long texts are slow to merge.
pub(crate) const COLUMN_STRING_BYTES_MAX: usize = 4 << 10;

/// Longest value that is not a *text* even without white space, in bytes: ids, paths, host names.
pub(crate) const PLAIN_VALUE_BYTES_MAX: usize = 64;

/// Most columns that one build makes; fields beyond it are kept with the row. Each column costs a
/// dictionary and some 200 bytes of headers in every split.
pub(crate) const BUILD_COLUMNS_MAX: usize = 1_000;

/// Most columns of a merged split: splits whose union is wider are not merged with each other.
pub(crate) const MERGED_COLUMNS_MAX: usize = 8_000;

/// Most documents of one build: some 0.2 s of work.
pub(crate) const BUILD_DOCUMENTS_MAX: usize = 16_000;

/// Longest time that an appended document waits for its build: with the build itself it is visible
/// in under a second.
pub(crate) const BUILD_INTERVAL: Duration = Duration::from_millis(300);

/// Most UTC days of one build, or one flush, that get a split each. The rarest days beyond it share one, so that a
/// hostile or confused sender can't make a split for every document.
pub(crate) const BUILD_DAYS_MAX: usize = 32;

/// Most bytes of appended batches that wait for their build or are in it; `append` blocks beyond it. Under full load
/// a document waits for all of it: some 25,000 documents, or 0.4 s.
pub(crate) const QUEUE_BYTES_MAX: usize = 16 << 20;

/// The RAM splits become disk splits at this many bytes: some 450,000 documents, which a restart after a kill has to
/// index again…
pub(crate) const RAM_TIER_BYTES: usize = 36 << 20;

/// …or when the oldest is this old, which bounds the log that a restart reads again…
pub(crate) const RAM_TIER_AGE: Duration = Duration::from_secs(15);

/// …or at this many splits, since every query visits each of them.
pub(crate) const RAM_TIER_SPLITS: usize = 64;

/// Memory that the word index of one build may hint for its hash table, in bytes: it grows, and a table that is too
/// large is cleared for nothing in each build.
pub(crate) const WORDS_BUDGET_BYTES: usize = 4 << 20;

/// Fewest splits of similar size that a merge joins. Wide merges rewrite a document less often.
pub(crate) const MERGE_SPLITS_MIN: usize = 10;

/// Most splits that one merge joins: each is open at once, with its dictionaries.
pub(crate) const MERGE_SPLITS_MAX: usize = 24;

/// With more disk splits than this, days that are over are merged with each other. Each split is an open
/// file, of which a process often may have 1,024, and a place that every query of its time visits.
pub(crate) const DISK_SPLITS_MAX: usize = 400;

/// Most documents of a merged split: it bounds the memory and the time of one merge.
pub(crate) const SPLIT_DOCUMENTS_MAX: u64 = 5_000_000;

/// A merge that failed this often sets its inputs aside from merging.
pub(crate) const MERGE_ATTEMPTS_MAX: u32 = 2;

/// The manifest is rewritten as one snapshot when it is larger than this, in bytes.
pub(crate) const MANIFEST_ROTATE_BYTES: u64 = 4 << 20;

/// Longest manifest record that is believed, in bytes: a snapshot of 100,000 splits.
pub(crate) const MANIFEST_RECORD_BYTES_MAX: usize = 64 << 20;

/// Most terms that a token prefix (`conn*`) may stand for before it stops being a prefilter.
pub(crate) const PREFIX_TERMS_MAX: usize = 256;

/// Most rows that a search rebuilds at once: enough that a dictionary block is read once for many
/// rows, little enough that the first rows come at once.
pub(crate) const REBUILD_DOCUMENTS_MAX: usize = 512;

/// Most bytes of them, as far as can be told before: an average of their zones. One row is rebuilt, whatever its size.
pub(crate) const REBUILD_BYTES_MAX: usize = 8 << 20;

/// Bytes that may be decompressed for rows that were found when the budget of a query is used up: at least those of the
/// first, which may have all of a request.
pub(crate) const FOUND_BYTES: u64 = 64 << 20;

/// Rows for each thread that helps to rebuild them: fewer are done before it runs.
pub(crate) const REBUILD_HELPER_DOCUMENTS_MIN: usize = 32;

/// Most bytes of what a store remembers of dictionary scans, of all splits together.
pub(crate) const SCAN_CACHE_BYTES: usize = 32 << 20;

/// Largest of them that is remembered, in bytes: larger ones would drive out all others.
pub(crate) const SCAN_CACHE_ENTRY_BYTES_MAX: usize = 512 << 10;

/// Most bytes of decompressed row blocks that one query keeps.
pub(crate) const ROW_CACHE_BYTES: usize = 4 << 20;

/// Most counts of documents by minute and level that a split keeps, 4 bytes each: a day with ten levels. With more
/// levels or days, histograms read its columns.
pub(crate) const MINUTE_CELLS_MAX: usize = 1 << 14;

/// Time for work on what was found until the deadline: rows that are known are handed out, tables ordered.
pub(crate) const REST_TIME: Duration = Duration::from_secs(1);

/// Longest time that a store spends after its start on what the first queries need: stopping it may wait as long.
pub(crate) const WARM_TIME: Duration = Duration::from_millis(200);

/// Most bytes of row blocks that it reads for that.
pub(crate) const WARM_SCANNED_BYTES: u64 = 16 << 20;

/// Rows that it looks for: those of a page.
pub(crate) const WARM_ROWS: usize = 100;

/// Zones of one split for each thread that helps to scan them: fewer are done before it runs.
pub(crate) const SCAN_HELPER_ZONES_MIN: usize = 32;

/// Zones that a scanning thread takes at a time.
pub(crate) const SCAN_RUN_ZONES: usize = 8;

/// Integers of a column that span at most this are numbered by their distance from the smallest.
pub(crate) const INTEGER_SPAN_MAX: u64 = 1 << 40;

/// Most bytes of strings that one field of one query keeps because they are in no dictionary.
pub(crate) const INTERNED_BYTES_MAX: usize = 32 << 20;

/// Fewest documents that a search by other fields than the time gathers before it lets go of those behind.
pub(crate) const SORT_SETTLE_ROWS_MIN: usize = 32;

/// Bytes of what a search knows of groups of documents that it may leave out, of all splits together: with more it forgets
/// them after the zone it is at.
pub(crate) const SKIP_BYTES_MAX: usize = 32 << 20;

/// Groups that documents are given by arithmetic, without a hash map: one for each combination of the values of
/// all keys, whether it occurs or not.
pub(crate) const CELLS_MAX: u32 = 1 << 16;

/// Most groups that the documents of one zone are in, all together, where that is told by a list: 16 bytes each. Arrays in
/// several keys could else take a gigabyte.
pub(crate) const ZONE_GROUPS_MAX: usize = 4 << 20;

/// Groups times values of a field up to which they are counted in a table, 4 bytes each; beyond it in
/// a hash map.
pub(crate) const TALLY_CELLS_MAX: u64 = 4 << 20;

/// Most rows of a `top` that are found by candidates; with more, nearly every value is one.
pub(crate) const TOP_ROWS_MAX: usize = 1_000;

/// Most candidates for the most frequent values. Each may cost a lookup in every split, some 10 µs; beyond it
/// the dictionaries are merged.
pub(crate) const TOP_CANDIDATES_MAX: usize = 20_000;

/// Candidates for each thread that helps to look them up.
pub(crate) const TOP_HELPER_CANDIDATES_MIN: usize = 64;

/// Bytes that one group of a query's budget stands for, where values are counted without groups: what a
/// group with a key and an aggregate or two takes.
pub(crate) const GROUP_BYTES: usize = 512;
