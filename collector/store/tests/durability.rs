//! What is durable stays, once; what is damaged is found, named and set aside; the rest is served.

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, Instant};

use millpond_query::Filter;
use millpond_query::table::{Cell, Table};
use millpond_store::log_store::{
    Answer, Budget, HistogramPlan, Order, Partial, RetentionPolicy, SearchPlan, TimeRange,
};
use millpond_store::{LogStore, StoreConfig, StoreError, TantivyStore};
use millpond_wire::batch::Batch;
use support::{
    DAY_NS, Doc, T0, Val, all, batch, budget, doc, filter, manual, merging, open, plan, search, wait_for,
};

/// Document number `at`, of one of two days.
fn numbered(at: u64) -> Doc {
    let message = Val::Str(format!("line {at} of the log, id {:x}", at.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    doc(T0 + (at as i64 % 2) * DAY_NS + at as i64, &[("message", message), ("n", Val::I64(at as i64))])
}

/// Batch number `number`: ten documents. The log position after it is `number + 1`.
fn numbered_batch(number: u64) -> Arc<Batch> {
    let docs: Vec<_> = (number * 10..number * 10 + 10).map(numbered).collect();
    batch(&docs, number * 10 + 1)
}

fn append(store: &TantivyStore, batches: std::ops::Range<u64>) {
    for number in batches {
        store.append(numbered_batch(number), number + 1).expect("takes it");
    }
}

/// The numbers of all documents, ascending.
fn numbers(store: &TantivyStore) -> Vec<u64> {
    let mut numbers = Vec::new();
    let everything = plan(Filter::All, Order::Ascending, usize::MAX, None);
    store
        .search(&everything, &budget(), &mut |doc| {
            numbers.push(doc.sequence() - 1);
            ControlFlow::Continue(())
        })
        .expect("runs");
    numbers.sort_unstable();
    numbers
}

fn splits(dir: &Path) -> Vec<PathBuf> {
    let mut dirs: Vec<_> = fs::read_dir(dir.join("splits"))
        .expect("a store")
        .map(|entry| entry.expect("readable").path())
        .collect();
    dirs.sort();
    dirs
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("readable").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

#[test]
fn after_any_stop_the_log_fills_the_gap_exactly() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = StoreConfig {
        build_interval: Duration::from_millis(1),
        build_documents_max: 25,
        ram_tier_splits: 3,
        ..merging()
    };
    let mut next = 0;
    for round in 1..=6 {
        let (store, recovered) = open(dir.path(), config.clone());
        assert!(recovered.durable_upto <= next && recovered.set_aside.is_empty(), "{recovered:?}");
        assert!(recovered.next_sequence <= next * 10 + 1);
        // What a restart does: everything from the durable position on is appended again.
        append(&store, recovered.durable_upto..round * 30);
        next = round * 30;
        if round % 2 == 0 {
            store.wait_visible().expect("builds");
            assert_eq!(numbers(&store), (0..next * 10).collect::<Vec<_>>());
        }
        // Dropped in the middle of whatever its threads do.
    }
    let (store, recovered) = open(dir.path(), config);
    append(&store, recovered.durable_upto..next);
    store.flush().expect("flushes");
    assert_eq!((numbers(&store), store.durable_upto()), ((0..next * 10).collect(), next));
}

#[test]
fn directories_that_were_never_committed_are_removed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    append(&store, 0..3);
    store.flush().expect("flushes");
    drop(store);
    let leftover = dir.path().join("splits").join(format!("{:016x}", 999));
    fs::create_dir(&leftover).expect("writable");
    fs::write(leftover.join("rows"), b"half").expect("writable");
    let (store, recovered) = open(dir.path(), manual());
    assert_eq!((recovered.removed, leftover.exists()), (1, false));
    assert_eq!(numbers(&store).len(), 30);
    append(&store, 3..4);
    store.flush().expect("flushes");
    // The id of the leftover is not used again.
    assert!(splits(dir.path()).iter().all(|split| !split.ends_with(format!("{:016x}", 999))));
}

/// The first split, which is set aside, has the even numbers below 10, all of the first day.
fn check_without_the_first_split(store: &TantivyStore) {
    let expected: Vec<u64> = (0..20).filter(|number| *number >= 10 || number % 2 == 1).collect();
    assert_eq!(numbers(store), expected);
    let (first_day, second_day) = ((T0, T0 + DAY_NS), (T0 + DAY_NS, T0 + 2 * DAY_NS));
    for ((start_ns, end_ns), partial, count) in
        [(first_day, Some(Partial::Damaged), 5), (second_day, None, 10)]
    {
        let range = TimeRange { start_ns: Some(start_ns), end_ns: Some(end_ns) };
        let everything = SearchPlan { range, ..plan(Filter::All, Order::Descending, 100, None) };
        let (rows, found) = search(store, &everything);
        assert_eq!((rows.len() as u64, found), (count, partial));
        let per_hour =
            HistogramPlan { filter: Filter::All, start_ns, step_ns: DAY_NS / 24, bucket_count: 24, by: None };
        let histogram = store.histogram(&per_hour, &budget()).expect("runs");
        assert_eq!((histogram.value.total, histogram.partial), (count, partial));
        let counted = stats(store, "* | stats count()", range, &budget());
        assert_eq!((counted.value.rows, counted.partial), (vec![vec![Cell::I64(count as i64)]], partial));
        let fields = ["n".to_owned()];
        let facets = store.facets(&Filter::All, range, &fields, 3, &budget()).expect("runs");
        assert_eq!((facets.value[0].distinct, facets.partial), (count, partial));
        let values = store.values("n", "", range, 100, &budget()).expect("runs");
        assert_eq!((values.value.len() as u64, values.partial), (count, partial));
    }
}

/// The answer to a query that aggregates.
fn stats(store: &TantivyStore, text: &str, range: TimeRange, budget: &Budget) -> Answer<Table> {
    let query = millpond_query::parse(text).expect("parses").resolve(T0).expect("resolves");
    store.stats(&query.filter, range, &query.pipes, budget).expect("runs")
}

#[test]
fn a_damaged_split_is_found_and_the_rest_is_served() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    // One split per flush and day.
    for number in 0..2 {
        append(&store, number..number + 1);
        store.flush().expect("flushes");
    }
    drop(store);
    let victim = splits(dir.path()).remove(0);
    for path in files(&victim) {
        let sound = fs::read(&path).expect("readable");
        let mut flipped = sound.clone();
        let middle = sound.len() / 2;
        flipped[middle] ^= 0x41;
        for damaged in [&flipped[..], &sound[..sound.len() - 1], &[]] {
            fs::write(&path, damaged).expect("writable");
            let (store, recovered) = open(dir.path(), manual());
            let found = numbers(&store).len();
            // Either it is set aside at the start, or the reader or a check of everything finds it.
            let noticed = !recovered.set_aside.is_empty() || !store.verify().is_empty();
            let harmless = path.ends_with("meta.json") || path.ends_with(".managed.json");
            assert!(noticed || harmless, "{} with {} bytes", path.display(), damaged.len());
            assert!(found >= 15, "{}: {found}", path.display());
            if !recovered.set_aside.is_empty() {
                check_without_the_first_split(&store);
            }
            for text in ["line", "n>=0", "message:/line 1/", "* | stats count() by n"] {
                let _ = search(&store, &plan(filter(text), Order::Descending, 100, None));
            }
        }
        fs::write(&path, &sound).expect("writable");
    }
    let (store, recovered) = open(dir.path(), manual());
    assert!(recovered.set_aside.is_empty() && store.verify().is_empty());
    assert_eq!(numbers(&store).len(), 20);
    drop(store);
    // What retention took is not missed any more.
    fs::write(victim.join("meta"), b"").expect("writable");
    let (store, recovered) = open(dir.path(), manual());
    assert_eq!(recovered.set_aside.len(), 1);
    let everything = plan(Filter::All, Order::Descending, 100, None);
    assert_eq!(search(&store, &everything).1, Some(Partial::Damaged));
    let policy = RetentionPolicy { age_max: None, bytes_max: Some(0) };
    assert_eq!(store.apply_retention(policy, T0).expect("runs").splits, 4);
    assert_eq!(search(&store, &everything), (Vec::new(), None));
}

#[test]
fn a_damaged_manifest_record_costs_no_document() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    let mut ends = Vec::new();
    let manifest = dir.path().join("manifest");
    for number in 0..3 {
        append(&store, number..number + 1);
        store.flush().expect("flushes");
        ends.push(fs::metadata(&manifest).expect("there").len());
    }
    drop(store);
    // The record of the second flush.
    let mut bytes = fs::read(&manifest).expect("readable");
    bytes[(ends[0] + ends[1]) as usize / 2] ^= 0x01;
    fs::write(&manifest, bytes).expect("writable");
    let (store, recovered) = open(dir.path(), manual());
    assert_eq!((recovered.manifest_damaged_records, recovered.adopted, recovered.durable_upto), (1, 2, 3));
    assert_eq!(numbers(&store), (0..30).collect::<Vec<_>>());
    drop(store);
    let (_, recovered) = open(dir.path(), manual());
    assert_eq!(recovered.documents, 30);
}

#[test]
fn a_damaged_record_of_a_merge_brings_nothing_back() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let manifest = dir.path().join("manifest");
    let (store, _) = open(dir.path(), merging());
    for number in 0..3 {
        append(&store, number..number + 1);
        store.flush().expect("flushes");
    }
    let before = fs::metadata(&manifest).expect("there").len();
    wait_for("the merges of both days", || store.health().merges == 2);
    let after = fs::metadata(&manifest).expect("there").len();
    // A later record, so that the damaged one is not the last.
    append(&store, 3..4);
    store.flush().expect("flushes");
    drop(store);
    let mut bytes = fs::read(&manifest).expect("readable");
    bytes[(before + (after - before) / 4) as usize] ^= 0x01;
    fs::write(&manifest, bytes).expect("writable");
    let (store, recovered) = open(dir.path(), manual());
    assert_eq!(recovered.manifest_damaged_records, 1);
    assert_eq!(numbers(&store), (0..40).collect::<Vec<_>>());
}

#[test]
fn retention_takes_whole_splits_and_leaves_running_queries_alone() {
    /// The day on which documents arrive, the oldest last.
    static ARRIVAL: AtomicI64 = AtomicI64::new(T0);
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), StoreConfig { now_ns: || ARRIVAL.load(Ordering::Relaxed), ..manual() });
    for day in 0..4i64 {
        ARRIVAL.store(T0 - day * DAY_NS, Ordering::Relaxed);
        let docs: Vec<_> =
            (0..50).map(|at| doc(T0 + day * DAY_NS + at, &[("message", "x".into())])).collect();
        store.append(batch(&docs, day as u64 * 50 + 1), day as u64 + 1).expect("takes it");
        store.flush().expect("flushes");
    }
    let policy = RetentionPolicy { age_max: Some(Duration::from_secs(2 * 86_400)), bytes_max: None };
    let mut seen = 0;
    let everything = plan(Filter::All, Order::Ascending, usize::MAX, None);
    store
        .search(&everything, &budget(), &mut |_| {
            if seen == 0 {
                let report = store.apply_retention(policy, T0 + 1).expect("runs");
                assert_eq!((report.splits, report.documents), (2, 100));
                assert!(report.bytes > 0);
            }
            seen += 1;
            ControlFlow::Continue(())
        })
        .expect("runs");
    assert_eq!((seen, all(&store).len(), splits(dir.path()).len()), (200, 100, 2));
    let policy = RetentionPolicy { age_max: None, bytes_max: Some(store.health().disk_bytes - 1) };
    assert_eq!(store.apply_retention(policy, 0).expect("runs").splits, 1);
    assert_eq!(store.apply_retention(RetentionPolicy::default(), i64::MAX).expect("runs").splits, 0);
    drop(store);
    let (store, recovered) = open(dir.path(), manual());
    assert_eq!((recovered.documents, all(&store).len()), (50, 50));
}

#[test]
fn a_reader_sees_every_document_once_whatever_is_built_flushed_and_merged() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = StoreConfig {
        build_interval: Duration::from_millis(1),
        build_documents_max: 50,
        ram_tier_splits: 8,
        ..merging()
    };
    let (store, _) = open(dir.path(), config);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            append(&store, 0..400);
            store.flush().expect("flushes");
            done.store(true, Ordering::Release);
        });
        let mut before = 0;
        while !done.load(Ordering::Acquire) {
            let numbers = numbers(&store);
            assert!(numbers.len() >= before, "{} after {before}", numbers.len());
            assert!(numbers.iter().copied().eq(0..numbers.len() as u64), "a gap, or a document twice");
            before = numbers.len();
        }
    });
    assert_eq!(numbers(&store).len(), 4_000);
    wait_for("a merge", || store.health().merges > 0);
    assert_eq!(numbers(&store).len(), 4_000);
}

#[test]
fn an_import_of_scattered_days_makes_a_bounded_number_of_splits() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), StoreConfig { disk_splits_max: 10, ..merging() });
    let day = |at: u64| doc(T0 - (at as i64) * DAY_NS, &[("n", Val::I64(at as i64))]);
    for flush in 0..3 {
        // Each build has a few days only, all of them together too many.
        for build in 0..6 {
            let first = flush * 60 + build * 10;
            let docs: Vec<_> = (first..first + 10).map(day).collect();
            store.append(batch(&docs, first + 1), flush * 6 + build + 1).expect("takes it");
            store.wait_visible().expect("builds");
        }
        let before = store.health();
        store.flush().expect("flushes");
        assert!(before.ram_splits == 60 && store.health().disk_splits <= before.disk_splits + 33);
    }
    wait_for("merges across days", || store.health().disk_splits <= 10);
    assert_eq!(numbers(&store), (0..180).collect::<Vec<_>>());
    let range = TimeRange { start_ns: Some(T0 - 99 * DAY_NS), end_ns: Some(T0 - 89 * DAY_NS) };
    let ten_days = SearchPlan { range, ..plan(Filter::All, Order::Descending, 100, None) };
    let (rows, partial) = search(&store, &ten_days);
    assert_eq!((rows.len(), partial), (10, None));
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    assert!(matches!(TantivyStore::open(dir.path(), manual()), Err(StoreError::Locked { .. })));
    drop(store);
    open(dir.path(), manual());
}

#[test]
fn a_closed_store_takes_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    append(&store, 0..1);
    store.flush().expect("flushes");
    store.close();
    assert!(matches!(store.append(numbered_batch(1), 2), Err(StoreError::Closed)));
    // What it holds can still be read.
    assert_eq!(numbers(&store).len(), 10);
}

#[test]
fn a_disk_that_refuses_is_tried_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    let (splits, aside) = (dir.path().join("splits"), dir.path().join("aside"));
    fs::rename(&splits, &aside).expect("renames");
    fs::write(&splits, b"in the way").expect("writable");
    append(&store, 0..2);
    assert!(matches!(store.flush(), Err(StoreError::Failed(_))));
    assert!(store.health().failure.is_some());
    assert_eq!((numbers(&store).len(), store.durable_upto()), (20, 0));
    fs::remove_file(&splits).expect("removes");
    fs::rename(&aside, &splits).expect("renames");
    wait_for("the disk", || store.flush().is_ok());
    assert_eq!((store.health().failure, numbers(&store).len(), store.durable_upto()), (None, 20, 2));
}

#[test]
fn empty_batches_move_the_position() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    store.append(batch(&[], 1), 7).expect("takes it");
    store.flush().expect("flushes");
    assert_eq!((store.durable_upto(), store.health().disk_splits), (7, 0));
}

#[test]
fn append_waits_for_room() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let config = StoreConfig { queue_bytes_max: 1, build_interval: Duration::from_millis(1), ..manual() };
    let (store, _) = open(dir.path(), config);
    append(&store, 0..20);
    store.wait_visible().expect("builds");
    assert_eq!(numbers(&store).len(), 200);
}

#[test]
fn facets_of_too_many_values_keep_the_most_frequent() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    for part in 0..3u64 {
        let docs: Vec<_> = (0..1_000)
            .map(|at| {
                let id = if at % 10 == 0 { "often".to_owned() } else { format!("id {part} {at}") };
                doc(T0 + at, &[("id", Val::Str(id)), ("host", Val::Str(format!("h{}", at % 4)))])
            })
            .collect();
        store.append(batch(&docs, part * 1_000 + 1), part + 1).expect("takes it");
        store.flush().expect("flushes");
    }
    // 2,701 ids take more bytes than 20 groups, and those of one split more than 4.
    for (groups_max, partial) in [(40, None), (20, Some(Partial::Groups)), (4, Some(Partial::Groups))] {
        let budget = Budget { groups_max, ..budget() };
        let fields = ["id".to_owned(), "host".to_owned()];
        let range = TimeRange::default();
        let facets = store.facets(&Filter::All, range, &fields, 1, &budget).expect("runs");
        assert_eq!(facets.partial, partial, "{groups_max}");
        let often = vec![(Cell::Str("often".into()), 300)];
        assert_eq!((&facets.value[0].values, facets.value[0].missing), (&often, 0), "{groups_max}");
        assert_eq!(facets.value[0].distinct == 2_701, partial.is_none(), "{groups_max}");
        assert_eq!((facets.value[1].distinct, facets.value[1].values[0].1), (4, 750), "{groups_max}");
        let top = stats(&store, "* | top 1 id", range, &budget);
        assert_eq!(top.partial, partial, "{groups_max}");
        assert_eq!(top.value.rows[0][0], Cell::Str("often".into()), "{groups_max}");
    }
}

#[test]
fn budgets_cut_answers_and_say_so() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    append(&store, 0..5);
    store.flush().expect("flushes");
    let cancelled = Budget { cancelled: Arc::new(AtomicBool::new(true)), ..budget() };
    let late = Budget { deadline: Instant::now(), ..budget() };
    let poor = Budget { scanned_bytes_max: 10, ..budget() };
    let narrow = Budget { groups_max: 3, ..budget() };
    let rows = [
        (&cancelled, "line", Some(Partial::Deadline)),
        (&late, "line", Some(Partial::Deadline)),
        (&poor, "message:/line [0-9]/", Some(Partial::ScannedBytes)),
        (&narrow, "line", Some(Partial::Groups)),
    ];
    for (budget, text, expected) in rows {
        let answer = stats(&store, &format!("{text} | stats count() by n"), TimeRange::default(), budget);
        assert_eq!(answer.partial, expected, "{text}");
    }
    let mut seen = 0;
    let stop = AtomicBool::new(false);
    store
        .search(&plan(Filter::All, Order::Descending, 100, None), &budget(), &mut |_| {
            assert!(!stop.load(Ordering::Relaxed), "called after it broke");
            seen += 1;
            if seen == 3 {
                stop.store(true, Ordering::Relaxed);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .expect("runs");
    assert_eq!(seen, 3);
}
