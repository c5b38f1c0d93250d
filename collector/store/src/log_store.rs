//! The `LogStore` trait: what the collector asks of a store. What crosses it is our own plan and our
//! own documents, nothing of Tantivy, so that the same collector can run on another engine.
//!
//! All calls block; the collector makes them on threads meant for that. Query calls see every
//! document that was visible when they began (a snapshot), whatever is merged or deleted meanwhile.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use millpond_query::table::Table;
use millpond_query::{Filter, Pipe, Row, SortKey};
use millpond_wire::batch::{Batch, DocId, DocRef};

use crate::cost::Cost;
use crate::error::StoreError;
use crate::limits::REST_TIME;

/// A point in the collector's write-ahead log: everything below it has been appended to the store.
/// The store treats it as an opaque, growing number.
pub type WalPosition = u64;

/// Half-open time range in Unix nanoseconds; `None` is unbounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// First instant inside.
    pub start_ns: Option<i64>,
    /// First instant after.
    pub end_ns: Option<i64>,
}

impl TimeRange {
    /// Whether the instant is inside.
    pub fn contains(&self, time_ns: i64) -> bool {
        self.start_ns.is_none_or(|start| start <= time_ns) && self.end_ns.is_none_or(|end| time_ns < end)
    }

    /// Whether all instants from `min_ns` to `max_ns`, both inclusive, are inside.
    pub fn covers(&self, min_ns: i64, max_ns: i64) -> bool {
        self.contains(min_ns) && self.contains(max_ns)
    }

    /// Whether some instant from `min_ns` to `max_ns`, both inclusive, is inside.
    pub fn overlaps(&self, min_ns: i64, max_ns: i64) -> bool {
        self.start_ns.is_none_or(|start| start <= max_ns) && self.end_ns.is_none_or(|end| min_ns < end)
    }

    /// The instants that are in both.
    #[must_use]
    pub fn intersect(&self, other: Self) -> Self {
        Self {
            start_ns: self.start_ns.max(other.start_ns),
            end_ns: match (self.end_ns, other.end_ns) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        }
    }
}

/// What bounds one query: time, a client that left, bytes read, groups and memory; and where it counts what it does.
#[derive(Clone, Debug)]
pub struct Budget {
    /// After this instant the answer is cut and says so.
    pub deadline: Instant,
    /// Set by the caller when nobody waits for the answer any more.
    pub cancelled: Arc<AtomicBool>,
    /// Most bytes of rows to decompress.
    pub scanned_bytes_max: u64,
    /// Most distinct groups or values that an aggregation may hold.
    pub groups_max: usize,
    /// Most memory of the groups of an aggregation, and of the table that is made of them, bytes.
    pub stats_bytes_max: usize,
    /// What the query did, added up over its calls.
    pub cost: Arc<Cost>,
}

impl Budget {
    /// Until when work on what was found may go on. That is worth a moment after the deadline, too.
    pub fn end_of_rest(&self) -> Instant {
        self.deadline.max(Instant::now() + REST_TIME)
    }

    /// Whether an instant has passed, or nobody waits any more.
    pub fn is_over(&self, end: Instant) -> bool {
        self.cancelled.load(Ordering::Relaxed) || Instant::now() >= end
    }
}

/// Why an answer is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partial {
    /// The deadline passed.
    Deadline,
    /// The budget of scanned bytes is used up.
    ScannedBytes,
    /// More groups than `groups_max`; the surplus is left out.
    Groups,
    /// More rows were to be sorted than there is memory for; the last are left out, and none between the others.
    SortRows,
    /// A damaged split was left out.
    Damaged,
}

/// An answer, and whether something is missing in it.
#[derive(Clone, Debug)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// `None`: complete.
    pub partial: Option<Partial>,
}

/// Order of the rows of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Newest first.
    Descending,
    /// Oldest first.
    Ascending,
}

/// A search for rows.
#[derive(Clone, Debug)]
pub struct SearchPlan {
    /// Which documents.
    pub filter: Filter,
    /// When.
    pub range: TimeRange,
    /// Rows come in order of time, ties in order of sequence number.
    pub order: Order,
    /// Most rows to return.
    pub limit: usize,
    /// Which rows of those.
    pub pick: Pick,
}

/// Rows that whoever asks has no use for.
#[derive(Clone)]
pub enum Skippable {
    /// For which an earlier one has the same values of these fields.
    Repeats {
        /// Canonical names.
        fields: Vec<String>,
    },
    /// Whose values of these fields fail a test.
    Failing {
        /// Canonical names.
        fields: Vec<String>,
        /// Whether rows pass that have the values of this one, however often. It asks for no other field, nor for the time.
        test: RowTest,
    },
}

/// A test of a row.
pub type RowTest = Arc<dyn Fn(&dyn Row) -> bool + Send + Sync>;

impl std::fmt::Debug for Skippable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repeats { fields } => f.debug_struct("Repeats").field("fields", fields).finish(),
            Self::Failing { fields, .. } => {
                f.debug_struct("Failing").field("fields", fields).finish_non_exhaustive()
            }
        }
    }
}

/// Which rows of a search are handed out, and in which order.
#[derive(Clone, Debug)]
pub enum Pick {
    /// All, in the order of time, after this one: the last row of the page before.
    ByTime {
        /// `None`: from the first.
        after: Option<DocId>,
        /// Which of them may be left out, if the store knows of them without reading them.
        skippable: Option<Skippable>,
    },
    /// Those that come first by these keys, the others in the order of time. Of several values that a row has for a
    /// key, the one counts that comes first.
    ByKeys(Vec<SortKey>),
}

impl Pick {
    /// All rows after this one; `None`: from the first.
    pub fn after(after: Option<DocId>) -> Self {
        Self::ByTime { after, skippable: None }
    }
}

/// Counts per time bucket.
#[derive(Clone, Debug)]
pub struct HistogramPlan {
    /// Which documents.
    pub filter: Filter,
    /// First bucket's start, Unix nanoseconds.
    pub start_ns: i64,
    /// Width of each bucket in nanoseconds, above 0.
    pub step_ns: i64,
    /// Number of buckets; the caller bounds it.
    pub bucket_count: usize,
    /// Break each bucket down by this field's values.
    pub by: Option<String>,
}

/// The counts of a histogram.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// One per bucket, empty ones included.
    pub buckets: Vec<Bucket>,
    /// Documents in all buckets.
    pub total: u64,
}

/// One bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Documents.
    pub count: u64,
    /// By value of the breakdown field, the most frequent first; documents without it are in none.
    pub by: Vec<(String, u64)>,
}

/// Exact top values of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    /// The field's dotted name.
    pub name: String,
    /// Most frequent first, ties by value.
    pub values: Vec<(millpond_query::table::Cell, u64)>,
    /// Number of different values.
    pub distinct: u64,
    /// Documents without the field.
    pub missing: u64,
}

/// A field that some document in the range has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldInfo {
    /// Dotted name.
    pub name: String,
    /// `string`, `integer`, `float`, `bool`, sorted.
    pub types: Vec<&'static str>,
    /// Documents that have it, in the splits that overlap the range: an upper bound in the range.
    pub count: u64,
}

/// Which documents may go. Whole splits only, the oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Splits whose last document arrived longer ago than this go.
    pub age_max: Option<Duration>,
    /// The oldest splits go until the store is at most this large.
    pub bytes_max: Option<u64>,
}

/// What retention removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Splits.
    pub splits: u64,
    /// Documents.
    pub documents: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// The state of a store, for readiness and metrics.
#[derive(Clone, Debug, Default)]
pub struct StoreHealth {
    /// Why the store can't take documents; `None` when it can.
    pub failure: Option<String>,
    /// Documents that queries see.
    pub documents: u64,
    /// Bytes on disk.
    pub disk_bytes: u64,
    /// Bytes of splits, batches and remembered scans held in memory.
    pub memory_bytes: u64,
    /// Splits in memory and on disk.
    pub ram_splits: u64,
    /// Splits on disk.
    pub disk_splits: u64,
    /// Merges done since the start.
    pub merges: u64,
    /// Splits or rows that could not be read and were set aside.
    pub damaged: u64,
    /// Oldest and newest event time, Unix nanoseconds.
    pub time_range: Option<(i64, i64)>,
}

/// What a store can do beyond the trait's calls, so that a page can hide what it can't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Regular expressions and wildcards.
    pub regex: bool,
    /// Counts are exact.
    pub exact_counts: bool,
    /// Retention by bytes.
    pub retention_by_bytes: bool,
}

/// A store of logs.
pub trait LogStore: Send + Sync {
    /// What this store can do.
    fn capabilities(&self) -> Capabilities;

    /// Takes documents that are already durable in the write-ahead log up to `upto`. They are visible
    /// to queries within a second. Positions come in ascending order. Blocks while the store is at
    /// its memory bound: that is the back-pressure of the whole collector.
    ///
    /// # Errors
    /// The store failed for good; nothing more will be taken until it is opened again.
    fn append(&self, batch: Arc<Batch>, upto: WalPosition) -> Result<(), StoreError>;

    /// Everything below this position is durable in the store: the log before it may go, and a
    /// restart appends from here.
    fn durable_upto(&self) -> WalPosition;

    /// Makes everything appended so far durable. For an orderly stop.
    ///
    /// # Errors
    /// The disk refused; the log still has the documents.
    fn flush(&self) -> Result<(), StoreError>;

    /// Hands rows to `sink` in the plan's order, as soon as each is known, until the limit or a break. An answer by time that
    /// is cut says where to go on, if it got anywhere: up to there, all rows were handed out or could be left out.
    ///
    /// # Errors
    /// The plan can't be run. Damaged splits are left out and reported as partial.
    fn search(
        &self,
        plan: &SearchPlan,
        budget: &Budget,
        sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
    ) -> Result<Answer<Option<DocId>>, StoreError>;

    /// Exact counts per bucket.
    ///
    /// # Errors
    /// The plan can't be run.
    fn histogram(&self, plan: &HistogramPlan, budget: &Budget) -> Result<Answer<Histogram>, StoreError>;

    /// Runs a filter and its pipes, the first of which aggregates (`stats`, `timechart`, `top`, `rare`) and does not
    /// [need rows](millpond_query::Stats::needs_rows).
    ///
    /// # Errors
    /// The plan can't be run.
    fn stats(
        &self,
        filter: &Filter,
        range: TimeRange,
        pipes: &[Pipe],
        budget: &Budget,
    ) -> Result<Answer<Table>, StoreError>;

    /// Exact top values of each field.
    ///
    /// # Errors
    /// The plan can't be run.
    fn facets(
        &self,
        filter: &Filter,
        range: TimeRange,
        fields: &[String],
        top: usize,
        budget: &Budget,
    ) -> Result<Answer<Vec<Facet>>, StoreError>;

    /// Fields of the documents in the range, from the catalog alone: reads no document.
    fn fields(&self, range: TimeRange) -> Vec<FieldInfo>;

    /// Values of a field that start with `prefix` (case-insensitive), the most frequent first.
    ///
    /// # Errors
    /// The plan can't be run.
    fn values(
        &self,
        field: &str,
        prefix: &str,
        range: TimeRange,
        limit: usize,
        budget: &Budget,
    ) -> Result<Answer<Vec<(String, u64)>>, StoreError>;

    /// Removes what the policy says. Queries under way keep what they see.
    ///
    /// # Errors
    /// The manifest could not be written; nothing was removed.
    fn apply_retention(&self, policy: RetentionPolicy, now_ns: i64) -> Result<RetentionReport, StoreError>;

    /// The state of the store.
    fn health(&self) -> StoreHealth;
}
