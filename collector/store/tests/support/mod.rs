//! What the tests of the store share: building batches, running queries, and the three states that a
//! document can be in.

#![allow(dead_code, reason = "each test program uses a part")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use millpond_query::{Filter, parse};
use millpond_store::log_store::{Budget, Order, Partial, Pick, SearchPlan, TimeRange};
use millpond_store::{LogStore, Recovered, StoreConfig, TantivyStore};
use millpond_wire::batch::{Batch, BatchBuilder, DocId, DocRef, ValueRef};

pub(crate) const SECOND_NS: i64 = 1_000_000_000;
pub(crate) const DAY_NS: i64 = 86_400 * SECOND_NS;
/// A time of the tests: 2026-11-22T00:00:00Z.
pub(crate) const T0: i64 = 20_779 * DAY_NS;

/// An owned value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val {
    Str(String),
    I64(i64),
    F64(f64),
    Bool(bool),
    Json(String),
}

impl Val {
    pub(crate) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Val::Str(text) => ValueRef::Str(text),
            Val::I64(value) => ValueRef::I64(*value),
            Val::F64(value) => ValueRef::F64(*value),
            Val::Bool(value) => ValueRef::Bool(*value),
            Val::Json(text) => ValueRef::Json(text),
        }
    }
}

impl From<&str> for Val {
    fn from(text: &str) -> Self {
        Val::Str(text.to_owned())
    }
}

/// A document.
#[derive(Clone, Debug)]
pub(crate) struct Doc {
    pub(crate) time_ns: i64,
    pub(crate) fields: Vec<(String, Val)>,
}

pub(crate) fn doc(time_ns: i64, fields: &[(&str, Val)]) -> Doc {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Doc { time_ns, fields }
}

pub(crate) fn batch(docs: &[Doc], first_sequence: u64) -> Arc<Batch> {
    let mut builder = BatchBuilder::new();
    for doc in docs {
        builder.begin(doc.time_ns);
        for (name, value) in &doc.fields {
            builder.field(name, value.as_ref());
        }
        builder.end();
    }
    let (mut batch, _) = builder.finish();
    batch.number_from(first_sequence);
    Arc::new(batch)
}

/// A document as comparable text: id, then the fields in order of name.
pub(crate) fn canonical(doc: DocRef<'_>) -> String {
    let mut fields: Vec<_> = doc.fields().map(|field| format!("{}={:?}", field.name, field.value)).collect();
    fields.sort();
    let level = doc.level().map_or("-", |level| level.name());
    format!("{} level={level} {}", doc.id(), fields.join("; "))
}

/// Nothing happens by itself: tests say when to build, flush and merge.
pub(crate) fn manual() -> StoreConfig {
    StoreConfig {
        now_ns: || T0,
        ram_tier_age: Duration::from_secs(3600),
        ram_tier_splits: usize::MAX,
        merge: false,
        ..StoreConfig::default()
    }
}

/// As [`manual`], but disk splits of days that are over merge by three.
pub(crate) fn merging() -> StoreConfig {
    StoreConfig { now_ns: || T0 + 10 * DAY_NS, merge: true, ..manual() }
}

pub(crate) fn open(dir: &Path, config: StoreConfig) -> (TantivyStore, Recovered) {
    TantivyStore::open(dir, config).expect("opens")
}

pub(crate) fn budget() -> Budget {
    Budget {
        deadline: Instant::now() + Duration::from_secs(120),
        cancelled: Arc::new(AtomicBool::new(false)),
        scanned_bytes_max: u64::MAX,
        groups_max: 1_000_000,
        stats_bytes_max: usize::MAX,
        cost: Arc::default(),
    }
}

/// The filter of a query text.
pub(crate) fn filter(text: &str) -> Filter {
    let query = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
    query.resolve(T0).unwrap_or_else(|error| panic!("{text:?}: {error}")).filter
}

pub(crate) fn plan(filter: Filter, order: Order, limit: usize, after: Option<DocId>) -> SearchPlan {
    SearchPlan { filter, range: TimeRange::default(), order, limit, pick: Pick::after(after) }
}

/// The rows of a search, as [`canonical`] text, with their ids.
pub(crate) fn search(store: &dyn LogStore, plan: &SearchPlan) -> (Vec<(DocId, String)>, Option<Partial>) {
    let mut rows = Vec::new();
    let answer = store
        .search(plan, &budget(), &mut |doc| {
            rows.push((doc.id(), canonical(doc)));
            ControlFlow::Continue(())
        })
        .expect("runs");
    (rows, answer.partial)
}

/// All documents, newest first.
pub(crate) fn all(store: &dyn LogStore) -> Vec<String> {
    let (rows, partial) = search(store, &plan(Filter::All, Order::Descending, usize::MAX, None));
    assert_eq!(partial, None);
    rows.into_iter().map(|(_, text)| text).collect()
}

/// Waits for a condition.
pub(crate) fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::yield_now();
    }
}
