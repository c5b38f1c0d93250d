//! The fast ways against the plain ones, over splits made here: cells against combinations, one thread against
//! several, candidates against merged dictionaries.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use millpond_query::{Filter, Pipe, parse};
use millpond_wire::batch::{Batch, BatchBuilder, ValueRef};

use super::{facets, histogram, newest, stats};
use crate::log_store::{Budget, HistogramPlan, Order, Partial, Pick, SearchPlan, TimeRange};
use crate::query::conditions::cache::ScanCache;
use crate::query::helpers::Helpers;
use crate::query::meter::{Halt, Meter};
use crate::query::stats::group_by::{Group, GroupBy};
use crate::query::zone::{RowCache, ZoneView};
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::build::{Candidate, build, sort};
use crate::split::learned::Learned;

const T0: i64 = 1_763_769_600_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

fn budget() -> Budget {
    Budget {
        deadline: Instant::now() + Duration::from_secs(60),
        cancelled: Arc::new(AtomicBool::new(false)),
        scanned_bytes_max: u64::MAX,
        groups_max: 100_000,
        stats_bytes_max: usize::MAX,
        cost: Arc::default(),
    }
}

fn split_of(id: u64, batch: &Batch) -> Arc<Split> {
    let mut docs: Vec<_> = batch.docs().map(|doc| Candidate { batch: 0, doc }).collect();
    sort(&mut docs);
    Arc::new(build(id, None, &docs, 1, T0, &mut Learned::default()).expect("builds"))
}

/// A split of so many documents in minutes 0 to 9, the same for a number, that counts by minute or does not.
fn minute_split(number: u64, documents: u64, levels: &[&str], counts: bool) -> Arc<Split> {
    let mut builder = BatchBuilder::new();
    for at in 0..documents {
        let mixed = (at + number * 91).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        builder.begin(T0 + (mixed % 600_000) as i64 * 1_000_000);
        if let Some(level) = levels.get((mixed >> 24) as usize % (levels.len() + 1)) {
            builder.field("log.level", ValueRef::Str(level));
        }
        builder.field("other", ValueRef::I64((mixed % 3) as i64));
        builder.end();
    }
    let (mut batch, _) = builder.finish();
    batch.number_from(1 + number * 1_000_000);
    let split = split_of(number, &batch);
    assert!(split.meta().minutes.is_some());
    let split = Arc::into_inner(split).expect("one owner");
    Arc::new(if counts { split } else { split.without_minutes() })
}

/// Documents with all kinds of fields; `long` ones fill many zones.
fn split(id: u64, documents: u64, long: bool) -> Arc<Split> {
    let mut builder = BatchBuilder::new();
    let mut state = id * 7 + 1;
    let filler = "filler ".repeat(9_000);
    for at in 0..documents {
        let mut below = |end: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % end
        };
        builder.begin(T0 + (at * 61) as i64 * SECOND_NS - below(4_000) as i64 * SECOND_NS);
        if below(5) > 0 {
            builder.field("log.level", ValueRef::Str(["info", "warn", "error"][below(3) as usize]));
        }
        if below(40) > 0 {
            builder.field("service.name", ValueRef::Str(&format!("s{}", below(9))));
        }
        builder.field("user.id", ValueRef::Str(&format!("u{}", below(300) * below(300) / 300)));
        match below(7) {
            0 => builder.field("took", ValueRef::I64(below(90) as i64)),
            1 => {}
            _ => builder.field("took", ValueRef::F64(below(9_000) as f64 / 16.0)),
        }
        if below(30) == 0 {
            builder.field("mixed", ValueRef::I64(below(5) as i64));
        } else {
            builder.field("mixed", ValueRef::Str(&format!("{}", below(5))));
        }
        builder.field("message", ValueRef::Str(if long { &filler } else { "short" }));
        builder.end();
    }
    let (mut batch, _) = builder.finish();
    batch.number_from(1 + id * 1_000_000);
    split_of(id, &batch)
}

fn pipes(text: &str) -> Vec<Pipe> {
    parse(text).expect("parses").resolve(T0).expect("resolves").pipes
}

#[test]
fn cells_and_combinations_group_alike() {
    let (budget, scans, helpers) = (budget(), ScanCache::default(), Helpers::of(0));
    let meter = Meter::new(&budget, &scans, &helpers);
    let split = split(1, 5_000, false);
    for by in
        ["log.level", "log.level, service.name", "_time:7m, log.level", "nothing, _time:1h, service.name"]
    {
        let pipes = pipes(&format!("| stats count() by {by}"));
        let [Pipe::Stats(stats)] = &pipes[..] else { panic!("{by}") };
        let run = |use_cells: bool, every: usize| {
            let mut groups = GroupBy::with(&stats.by, &split, use_cells).expect("opens");
            assert_eq!(groups.numbers_agree(), use_cells, "{by}");
            let cache = RowCache::default();
            for (index, zone) in split.rows().zones().iter().enumerate() {
                let view = ZoneView::new(&split, index, zone, &cache, &meter);
                let mut bits = Bits::none(view.len());
                (0..view.len() as u32).step_by(every).for_each(|at| bits.set(at));
                groups.read(&view, &bits, &meter).expect("reads");
            }
            let groups = groups.finish().expect("resolves");
            let mut groups: Vec<_> =
                groups.into_iter().map(|Group { keys, rows, .. }| (keys, rows)).collect();
            groups.sort_unstable();
            groups
        };
        for every in [1, 3, 50] {
            let found = run(true, every);
            assert_eq!(found, run(false, every), "{by}, every {every}");
            assert_eq!(found.iter().map(|(_, rows)| *rows).sum::<u64>(), 5_000_u64.div_ceil(every as u64));
        }
    }
}

/// Arrays in several keys put each document in thousands of groups.
#[test]
fn grouping_a_zone_ends_when_nobody_waits() {
    let values = format!("[{}]", (0..90).map(|at| at.to_string()).collect::<Vec<_>>().join(","));
    let mut builder = BatchBuilder::new();
    for at in 0..20 {
        builder.begin(T0 + at);
        ["a", "b"].iter().for_each(|name| builder.field(name, ValueRef::Json(&values)));
        builder.end();
    }
    let split = split_of(1, &builder.finish().0);
    let (budget, scans, helpers) = (budget(), ScanCache::default(), Helpers::of(0));
    let meter = Meter::new(&budget, &scans, &helpers);
    let pipes = pipes("| stats count() by a, b");
    let [Pipe::Stats(stats)] = &pipes[..] else { panic!("{pipes:?}") };
    let (cache, zone) = (RowCache::default(), &split.rows().zones()[0]);
    let view = ZoneView::new(&split, 0, zone, &cache, &meter);
    let mut bits = Bits::none(view.len());
    (0..view.len() as u32).for_each(|at| bits.set(at));
    let read = || GroupBy::new(&stats.by, &split).and_then(|mut groups| groups.read(&view, &bits, &meter));
    assert!(read().is_ok());
    budget.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(read(), Err(Halt::Partial(Partial::Deadline))));
}

#[test]
fn many_threads_find_what_one_finds() {
    let splits = [split(1, 400, true), split(2, 90, false)];
    assert!(splits[0].rows().zones().len() >= 100, "{}", splits[0].rows().zones().len());
    let (budget, scans) = (budget(), ScanCache::default());
    let queries = [
        "| stats count(), dc(user.id), p50(took), p90(took), max(took), sum(mixed) by service.name",
        "| stats count(), count(took), min(user.id) by mixed, _time:1h",
        "log.level:error filler | stats count() by _time:10m, log.level",
        "| top 7 user.id",
    ];
    let run = |threads: usize| {
        let helpers = Helpers::of(threads);
        let meter = Meter::new(&budget, &scans, &helpers);
        let tables: Vec<_> = queries
            .iter()
            .map(|text| {
                let resolved = parse(text).expect("parses").resolve(T0).expect("resolves");
                let (filter, range) = (&resolved.filter, TimeRange::default());
                let [Pipe::Stats(stats), ..] = &resolved.pipes[..] else { panic!("{text}") };
                facets::top(&splits, filter, range, &resolved.pipes, &meter)
                    .unwrap_or_else(|| stats::stats(&splits, filter, range, stats, &meter))
            })
            .collect();
        let by = Some("mixed".to_owned());
        let plan = HistogramPlan {
            filter: Filter::All,
            start_ns: T0 - 1_000 * SECOND_NS,
            step_ns: 777 * SECOND_NS,
            bucket_count: 30,
            by,
        };
        let histogram = histogram::histogram(&splits, &plan, &meter);
        let fields = ["user.id", "mixed", "took"].map(str::to_owned);
        let facets = facets::facets(&splits, &Filter::All, TimeRange::default(), &fields, 9, &meter);
        assert_eq!((meter.partial(), helpers.take(9).count()), (None, threads));
        format!("{tables:#?} {histogram:?} {facets:?}")
    };
    assert_eq!(run(0), run(3));
}

#[test]
fn rows_are_the_same_from_many_threads() {
    let splits = [split(1, 300, true), split(2, 90, false), split(3, 200, false), split(4, 1, true)];
    let (budget, scans) = (budget(), ScanCache::default());
    let run = |threads: usize, filter: &Filter, limit: usize| {
        let helpers = Helpers::of(threads);
        let meter = Meter::new(&budget, &scans, &helpers);
        let (range, order) = (TimeRange::default(), Order::Descending);
        let plan = SearchPlan { filter: filter.clone(), range, order, limit, pick: Pick::after(None) };
        let mut rows = Vec::new();
        newest::search(&splits, &plan, (None, None), &meter, &mut |doc| {
            let mut text = Vec::new();
            doc.write_json(&mut text);
            rows.push(text);
            ControlFlow::Continue(())
        });
        assert_eq!((meter.partial(), helpers.take(9).count()), (None, threads));
        rows
    };
    for query in ["*", "log.level:error", "filler"] {
        let filter = parse(query).expect("parses").resolve(T0).expect("resolves").filter;
        for limit in [1, 64, 100, 1_000] {
            let rows = run(0, &filter, limit);
            assert!(rows.len() == limit || limit == 1_000 || query != "*");
            for threads in [1, 2, 9] {
                assert!(run(threads, &filter, limit) == rows, "{query} {limit} {threads}");
            }
        }
    }
}

#[test]
fn candidates_find_what_merged_dictionaries_give() {
    let splits: Vec<_> =
        [(1, 3_000), (2, 200), (3, 1_000), (4, 1)].map(|(id, documents)| split(id, documents, false)).into();
    let (budget, scans, helpers) = (budget(), ScanCache::default(), Helpers::of(0));
    let meter = Meter::new(&budget, &scans, &helpers);
    for field in ["user.id", "service.name", "mixed", "took", "nothing"] {
        let fields = [field.to_owned()];
        for limit in [1, 2, 10, 60, 299, 5_000] {
            let pipes = pipes(&format!("| stats count() as n by {field} | sort -n, {field} | limit {limit}"));
            let table = facets::top(&splits, &Filter::All, TimeRange::default(), &pipes, &meter);
            let mut found = table.expect("a top").rows;
            let merged = facets::facets(&splits, &Filter::All, TimeRange::default(), &fields, limit, &meter);
            let mut wanted = merged[0].values.clone();
            if merged[0].missing > 0 {
                wanted.push((millpond_query::table::Cell::Null, merged[0].missing));
                wanted.sort_by(|(a, n), (b, m)| m.cmp(n).then_with(|| a.cmp(b)));
            }
            wanted.truncate(limit);
            found.iter_mut().for_each(|row| row.truncate(2));
            let found: Vec<_> = found.into_iter().map(|row| format!("{row:?}")).collect();
            let wanted: Vec<_> = wanted
                .into_iter()
                .map(|(value, count)| {
                    format!("{:?}", [value, millpond_query::table::Cell::I64(count as i64)])
                })
                .collect();
            assert_eq!(found, wanted, "{field} {limit}");
        }
    }
}

#[test]
fn counts_by_minute_are_those_of_the_documents() {
    let splits = |counts: bool| {
        let levels = ["debug", "error", "info", "warn"];
        [(1, 4_000, &levels[..]), (2, 90, &levels[1..3]), (3, 50, &[])]
            .map(|(number, documents, levels)| minute_split(number, documents, levels, counts))
    };
    let (counted, read) = (splits(true), splits(false));
    let (budget, scans, helpers) = (budget(), ScanCache::default(), Helpers::of(0));
    let second = |second: i64| T0 + second * SECOND_NS;
    let queries = [
        "*",
        "level:error",
        "level>=warn",
        "NOT level:info",
        "level:*",
        "missing(log.level)",
        "other:1",
        "level:nothing",
    ];
    // Nothing, the edges of minutes, within minutes, within one minute, and beyond everything.
    let bounds = [
        (None, None),
        (Some(0), Some(600)),
        (Some(61), Some(299)),
        (Some(119), Some(121)),
        (Some(70), Some(71)),
    ];
    let bounds =
        bounds.into_iter().chain([(Some(-500), Some(180)), (Some(540), Some(9_000)), (Some(700), None)]);
    for (start, end) in bounds {
        for (query, by) in
            queries.iter().flat_map(|query| [None, Some("log.level"), Some("other")].map(|by| (query, by)))
        {
            for (first, step) in
                [(0, 60), (-120, 120), (60, 60), (-3, 60), (0, 45), (0, 86_400), (-60, 7_200)]
            {
                let filter = parse(query).expect("parses").resolve(T0).expect("resolves").filter;
                let time = Filter::Time { start_ns: start.map(second), end_ns: end.map(second) };
                let plan = HistogramPlan {
                    filter: Filter::And(vec![time, filter]),
                    start_ns: second(first),
                    step_ns: step * SECOND_NS,
                    bucket_count: 8,
                    by: by.map(str::to_owned),
                };
                let run =
                    |splits| histogram::histogram(splits, &plan, &Meter::new(&budget, &scans, &helpers));
                assert_eq!(
                    run(&counted),
                    run(&read),
                    "{query} by {by:?} from {start:?} to {end:?}, {first} {step}"
                );
            }
        }
    }
}

/// Documents with numbered strings, 53 apart from `first` on; they fill many zones.
fn numbered_split(id: u64, first: u64) -> (Arc<Split>, Vec<String>) {
    let mut builder = BatchBuilder::new();
    let filler = "filler ".repeat(9_000);
    let texts: Vec<String> =
        (0..400).map(|at| format!("u{}", first + if at < 300 { at % 150 } else { at % 10 } * 53)).collect();
    for (at, text) in texts.iter().enumerate() {
        builder.begin(T0 + at as i64 * SECOND_NS);
        builder.field("user.id", ValueRef::Str(text));
        builder.field("message", ValueRef::Str(&filler));
        builder.end();
    }
    let (mut batch, _) = builder.finish();
    batch.number_from(1 + id * 1_000_000);
    (split_of(id, &batch), texts)
}

/// A reader with a table that begins with the number of another split, beside one that got none.
#[test]
fn numbers_are_counted_alike_whether_tables_are_lent_or_not() {
    let (splits, texts): (Vec<_>, Vec<_>) =
        [(1, 0), (2, 3), (3, 9)].map(|(id, first)| numbered_split(id, first)).into_iter().unzip();
    for split in &splits {
        assert!(
            split.meta().columns.iter().any(|column| column.prefix == "u") && split.rows().zones().len() > 99
        );
    }
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    texts.iter().flatten().for_each(|text| *counts.entry(text).or_default() += 1);
    let mut wanted: Vec<(&str, u64)> = counts.into_iter().collect();
    wanted.sort_by_key(|(text, count)| (std::cmp::Reverse(*count), *text));
    // Bytes for two tables, for one, and for none.
    for (groups_max, threads) in [(1_000, 0), (1_000, 1), (90, 0), (90, 1), (60, 1)] {
        let budget = Budget { groups_max, ..budget() };
        let (scans, helpers) = (ScanCache::default(), Helpers::of(threads));
        let meter = Meter::new(&budget, &scans, &helpers);
        let fields = ["user.id".to_owned()];
        let facets = facets::facets(&splits, &Filter::All, TimeRange::default(), &fields, 20, &meter);
        let found: Vec<_> =
            facets[0].values.iter().map(|(cell, count)| (format!("{cell:?}"), *count)).collect();
        let expected: Vec<_> =
            wanted.iter().take(20).map(|(text, count)| (format!("Str({text:?})"), *count)).collect();
        assert_eq!(found, expected, "{groups_max} {threads}");
        assert_eq!((facets[0].distinct, facets[0].missing, meter.partial()), (wanted.len() as u64, 0, None));
        let pipes = pipes("| stats dc(user.id)");
        let [Pipe::Stats(stats)] = &pipes[..] else { panic!("{pipes:?}") };
        let table = facets::distinct(&splits, &Filter::All, TimeRange::default(), stats, &meter);
        // With little room sets of hashes do it.
        assert_eq!(table.is_some(), groups_max * 512 > (threads + 1) * 40_000);
        let cell = table.map_or(wanted.len() as i64, |table| match table.rows[0][0] {
            millpond_query::table::Cell::I64(count) => count,
            _ => -1,
        });
        assert_eq!(cell, wanted.len() as i64);
    }
}
