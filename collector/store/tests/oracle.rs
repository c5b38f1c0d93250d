//! The oracle: a plain evaluator over the original documents. Random documents, some late, in memory,
//! in fresh disk splits and in a merged split at once; random queries with every operator; rows in both
//! orders and page by page, histograms, aggregates, facets and values must be the same. In every other store the
//! documents lie so close that splits count them by minute and level.
//!
//! `MILLPOND_ORACLE_CASES` sets the number of stores (each takes a hundred queries).

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use millpond_query::table::{Cell, Groups, Table};
use millpond_query::{Filter, GroupKey, Pipe, Row, Scalar, SortKey, Stats, bucket_start_ns, matches, parse};
use millpond_store::log_store::{HistogramPlan, Order, Pick, SearchPlan, Skippable, TimeRange};
use millpond_store::{DocRow, LogStore, TantivyStore};
use millpond_wire::batch::{Batch, DocRef};
use support::{Doc, SECOND_NS, T0, Val, batch, budget, canonical, merging, open, plan, search, wait_for};

const QUERIES: usize = 100;
const FIELDS: [&str; 12] = [
    "message",
    "host.name",
    "service.name",
    "status",
    "took",
    "ok",
    "user.id",
    "note",
    "tags",
    "log.level",
    "long",
    "event.original",
];

/// A small generator of pseudo-random numbers (xorshift64*), the same for a seed everywhere.
struct Random {
    state: u64,
    /// What times are drawn in: late documents come up to 30 of it late.
    unit_ns: i64,
}

impl Random {
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len() as u64) as usize]
    }

    fn word(&mut self) -> &'static str {
        self.pick(&[
            "error",
            "timeout",
            "connection",
            "refused",
            "GET",
            "500",
            "true",
            "conn",
            "Straße",
            "café",
            "日本",
            "a",
            "web-01",
            "10.0.0.17",
            "/api/v1",
            "7",
            "warn",
            "x_y",
            "deadbeef",
            "deadbeef01",
            "1234567",
            "4bf92f3577b34da6",
            "4bf92f3577b34da7",
            "4bf92f3577b34da6a3ce929d0e0e4736",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        ])
    }

    fn sentence(&mut self) -> String {
        let words: Vec<_> = (0..self.below(6)).map(|_| self.word()).collect();
        words.join(self.pick(&[" ", " ", "-", ": "]))
    }

    fn value(&mut self) -> Val {
        match self.below(8) {
            0 => Val::I64(self.below(4) as i64 * 250),
            1 if self.one_in(2) => Val::F64(self.below(9) as f64 / 7.0),
            1 => Val::F64(self.below(9) as f64 / 4.0),
            2 => Val::Bool(self.one_in(2)),
            3 => Val::Str(self.sentence()),
            _ => self.word().into(),
        }
    }

    fn json(&mut self) -> Val {
        let parts: Vec<_> = (0..self.below(4))
            .map(|_| match self.below(6) {
                0 => "null".to_owned(),
                1 => format!("{{\"k\":{}}}", self.below(3)),
                2 => self.below(3).to_string(),
                3 => "[true,1.5]".to_owned(),
                _ => format!("\"{}\"", self.word()),
            })
            .collect();
        Val::Json(format!("[{}]", parts.join(",")))
    }

    fn doc(&mut self, at: u64) -> Doc {
        let late = if self.one_in(9) { self.below(30) as i64 * self.unit_ns } else { 0 };
        let mut fields = Vec::new();
        let mut add = |name: &str, value: Val| fields.push((name.to_owned(), value));
        match self.below(12) {
            0 => {}
            1 => add("message", self.json()),
            2 => add("message", Val::I64(500)),
            _ => add("message", Val::Str(self.sentence())),
        }
        for name in ["host.name", "service.name", "user.id", "note"] {
            if !self.one_in(3) {
                let value = if self.one_in(5) { self.value() } else { self.word().into() };
                add(name, value);
            }
        }
        for name in ["status", "took", "ok"] {
            if !self.one_in(3) {
                add(name, self.value());
            }
        }
        if self.one_in(4) {
            add("tags", self.json());
        }
        if self.one_in(4) {
            add(
                self.pick(&["log.level", "severity", "level"]),
                self.pick(&["WARN", "error", "audit", "info"]).into(),
            );
        }
        if self.one_in(20) {
            add("long", Val::Str(format!("{} {}", self.sentence(), "filler ".repeat(800))));
        }
        if self.one_in(10) {
            add("event.original", Val::Str(self.sentence()));
        }
        if self.one_in(15) {
            add("tags.k", self.value());
        }
        Doc { time_ns: T0 + at as i64 * (self.unit_ns / 180) / 3 * 3 - late, fields }
    }

    fn condition(&mut self) -> String {
        let field = self.pick(&FIELDS);
        let field = if self.one_in(20) { "tags.k" } else { field };
        let (word, number) = (self.word(), self.below(5) * 125);
        let quoted = |text: &str| format!("\"{text}\"");
        match self.below(17) {
            0 | 1 => word.to_owned(),
            2 => quoted(&self.sentence()),
            3 => format!("{}*", word.chars().take(3).collect::<String>()),
            4 => format!("*{}", word.chars().skip(1).collect::<String>()),
            5 => format!("/{}/i", self.pick(&["conn.*refused", "^err", "t[a-z]+t", "0\\.0"])),
            6 | 7 => format!("{field}:{}", quoted(word)),
            8 => format!("{field}={}", quoted(word)),
            9 => format!("{field}!={}", quoted(word)),
            10 => format!("{field}:*"),
            11 => format!("{field}{}{number}", self.pick(&[">", ">=", "<", "<=", "="])),
            12 => format!("{field}:[{number} TO {}]", number + 300),
            13 => format!("{field}:{}*", word.chars().next().unwrap_or('a')),
            14 => format!("level{}{}", self.pick(&[":", ">=", "<"]), self.pick(&["warn", "error", "info"])),
            15 => self
                .pick(&[
                    "host.name:10.0.0.0/8",
                    "host.name:[10.0.0.2 TO 10.0.0.100]",
                    "note>10.0.0.3",
                    "message:\"10.0.0.17/32\"",
                    "user:*",
                    "missing(tags)",
                    "event:*",
                    "took:1970-01-01T00:08:20",
                    "took=7ms",
                    "status:500ms",
                    "note!=0.5s",
                    "missing(status)",
                    "user.id in (a, error, 7)",
                    "len(message)>12",
                    "len(status)<=3",
                    "note:len_range(4, 9)",
                    "status<1970-01-01T00:08",
                    "user.id>=1970-01-01T00:00:07",
                ])
                .to_owned(),
            _ => self.time(),
        }
    }

    fn time(&mut self) -> String {
        let at = T0 + (self.below(36) as i64 - 30) * self.unit_ns;
        let mut text = Vec::new();
        millpond_wire::batch::write_rfc3339(at, &mut text);
        format!("@timestamp{}\"{}\"", self.pick(&[">=", "<"]), String::from_utf8_lossy(&text))
    }

    /// A query that asks for level and time alone.
    fn levels(&mut self) -> String {
        let level = self.pick(&["warn", "error", "audit", "info"]);
        let level = match self.below(6) {
            0 => return self.time(),
            1 => "*".to_owned(),
            2 => format!("NOT level:{level}"),
            3 => self.pick(&["level:*", "missing(log.level)"]).to_owned(),
            4 => format!("(level:{level} OR log.level=info)"),
            5 if level != "audit" => format!("level{}{level}", self.pick(&[">=", "<"])),
            _ => format!("level:{level}"),
        };
        match self.below(4) {
            0 => format!("{level} AND {} AND {}", self.time(), self.time()),
            1 => format!("({level} OR {})", self.time()),
            2 => format!("{level} AND {}", self.time()),
            _ => level,
        }
    }

    fn query(&mut self, depth: u32) -> String {
        match self.below(if depth == 0 { 2 } else { 7 }) {
            0..=2 => self.condition(),
            3 => format!("({} {})", self.query(depth - 1), self.query(depth - 1)),
            4 => format!("({} OR {})", self.query(depth - 1), self.query(depth - 1)),
            5 => format!("NOT ({})", self.query(depth - 1)),
            _ => format!("{} AND {}", self.condition(), self.query(depth - 1)),
        }
    }
}

/// The documents in three states at once: three disk splits merged into one, a disk split, two RAM splits.
fn store_of(dir: &std::path::Path, batches: &[Arc<Batch>]) -> TantivyStore {
    let (store, _) = open(dir, merging());
    for (number, batch) in batches.iter().enumerate() {
        store.append(Arc::clone(batch), number as u64 + 1).expect("takes it");
        match number {
            0..=2 => store.flush().expect("flushes"),
            3 => {
                wait_for("a merge", || store.health().merges > 0);
                store.flush().expect("flushes");
            }
            _ => store.wait_visible().expect("builds"),
        }
    }
    let health = store.health();
    assert!(health.ram_splits > 0 && health.disk_splits > 0 && health.merges > 0, "{health:?}");
    store
}

fn leaves(doc: DocRef<'_>, field: &str) -> Vec<Cell> {
    let mut values = Vec::new();
    DocRow(doc).field(field, &mut |value| {
        values.push(Cell::from(value));
        ControlFlow::Continue(())
    });
    values
}

fn distinct(mut values: Vec<Cell>) -> Vec<Cell> {
    values.sort();
    values.dedup();
    values
}

fn check_rows(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let wanted: Vec<_> = expected.iter().map(|doc| canonical(*doc)).collect();
    for order in [Order::Descending, Order::Ascending] {
        let (rows, partial) = search(store, &plan(filter.clone(), order, usize::MAX, None));
        assert_eq!(partial, None);
        let mut rows: Vec<_> = rows.into_iter().map(|(_, text)| text).collect();
        if order == Order::Ascending {
            rows.reverse();
        }
        assert_eq!(rows, wanted, "{order:?}");
    }
    let (mut pages, mut after) = (Vec::new(), None);
    let limit = 1 + random.below(40) as usize;
    loop {
        let (rows, _) = search(store, &plan(filter.clone(), Order::Descending, limit, after));
        assert!(rows.len() <= limit);
        after = rows.last().map(|(id, _)| *id);
        let more = rows.len() == limit;
        pages.extend(rows.into_iter().map(|(_, text)| text));
        if !more {
            break;
        }
    }
    assert_eq!(pages, wanted, "pages of {limit}");
}

/// Rows in the order of random fields.
fn check_sorted(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let keys: Vec<SortKey> = (0..1 + random.below(2))
        .map(|_| {
            let field = if random.one_in(9) { "@timestamp" } else { random.pick(&FIELDS) };
            SortKey { field: field.to_owned(), descending: random.one_in(2) }
        })
        .collect();
    let order = if random.one_in(2) { Order::Descending } else { Order::Ascending };
    let best = |doc: DocRef<'_>, key: &SortKey| {
        let mut values = match &*key.field {
            "@timestamp" => vec![Cell::TimeNs(doc.timestamp_ns())],
            name => leaves(doc, name),
        };
        values.sort();
        if key.descending { values.pop() } else { values.into_iter().next() }
    };
    let mut wanted = expected.to_vec();
    if order == Order::Ascending {
        wanted.reverse();
    }
    wanted.sort_by(|a, b| {
        keys.iter().fold(std::cmp::Ordering::Equal, |order, key| {
            order.then_with(|| match (best(*a, key), best(*b, key)) {
                (Some(a), Some(b)) if key.descending => b.cmp(&a),
                (Some(a), Some(b)) => a.cmp(&b),
                // Those without a value come last in either direction.
                (a, b) => a.is_none().cmp(&b.is_none()),
            })
        })
    });
    let limit = if random.one_in(4) { usize::MAX } else { random.below(40) as usize };
    wanted.truncate(limit);
    let asked = SearchPlan { pick: Pick::ByKeys(keys.clone()), ..plan(filter.clone(), order, limit, None) };
    let (rows, partial) = search(store, &asked);
    let rows: Vec<_> = rows.into_iter().map(|(_, text)| text).collect();
    let wanted: Vec<_> = wanted.into_iter().map(canonical).collect();
    assert_eq!((rows, partial), (wanted, None), "{keys:?} {order:?} {limit}");
}

/// What is left out has the values of an earlier row, and none is left out that has not.
fn check_distinct_rows(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let by: Vec<String> = (0..1 + random.below(2)).map(|_| random.pick(&FIELDS).to_owned()).collect();
    let order = if random.one_in(2) { Order::Descending } else { Order::Ascending };
    let mut expected = expected.to_vec();
    if order == Order::Ascending {
        expected.reverse();
    }
    let firsts = |docs: &[DocRef<'_>]| {
        let mut seen = BTreeSet::new();
        let is_new = |doc: &&DocRef<'_>| {
            seen.insert(by.iter().map(|name| distinct(leaves(**doc, name))).collect::<Vec<_>>())
        };
        docs.iter().filter(is_new).map(|doc| doc.id()).collect::<Vec<_>>()
    };
    let found = search_skipping(
        store,
        filter,
        (order, random),
        &expected,
        &Skippable::Repeats { fields: by.clone() },
    );
    assert_eq!(firsts(&found), firsts(&expected), "{by:?} {order:?}");
}

/// What is left out fails the test, and none is left out that doesn't.
fn check_passing(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let fields: Vec<String> = (0..random.below(3)).map(|_| random.pick(&FIELDS).to_owned()).collect();
    let (divisor, names) = (2 + random.below(3), fields.clone());
    let test = move |row: &dyn Row| {
        let mut sum = 0;
        for (name, factor) in names.iter().zip(1..) {
            let mut values = BTreeSet::new();
            row.field(name, &mut |value| {
                values.insert(text_of(&Cell::from(value)));
                ControlFlow::Continue(())
            });
            sum += factor * values.iter().flat_map(|text| text.bytes()).map(u64::from).sum::<u64>();
        }
        sum % divisor == 0
    };
    let passing = |docs: &[DocRef<'_>]| {
        docs.iter().filter(|doc| test(&DocRow(**doc))).map(|doc| doc.id()).collect::<Vec<_>>()
    };
    let skippable = Skippable::Failing { fields: fields.clone(), test: Arc::new(test.clone()) };
    let found = search_skipping(store, filter, (Order::Descending, random), expected, &skippable);
    assert_eq!(passing(&found), passing(expected), "{fields:?} {divisor}");
}

/// The rows of a search that may leave some out, in pages of random length.
fn search_skipping<'d>(
    store: &TantivyStore,
    filter: &Filter,
    (order, random): (Order, &mut Random),
    expected: &[DocRef<'d>],
    skippable: &Skippable,
) -> Vec<DocRef<'d>> {
    let by_id: BTreeMap<_, _> = expected.iter().map(|doc| (doc.id(), *doc)).collect();
    let (mut found, mut after) = (Vec::new(), None);
    let limit = if random.one_in(2) { usize::MAX } else { 1 + random.below(40) as usize };
    loop {
        let pick = Pick::ByTime { after, skippable: Some(skippable.clone()) };
        let asked = SearchPlan { pick, ..plan(filter.clone(), order, limit, None) };
        let (rows, partial) = search(store, &asked);
        assert_eq!(partial, None);
        let more = rows.len() == limit;
        after = rows.last().map(|(id, _)| *id);
        found.extend(rows.into_iter().map(|(id, _)| by_id[&id]));
        if !more {
            return found;
        }
    }
}

fn check_histogram(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let step_ns = [60, 3_600, 7_000][random.below(3) as usize] * SECOND_NS;
    let start_ns = T0 - 24 * random.unit_ns - random.below(2) as i64 * 17 * SECOND_NS;
    let by = if random.one_in(2) { "log.level" } else { random.pick(&FIELDS) }.to_owned();
    let plan =
        HistogramPlan { filter: filter.clone(), start_ns, step_ns, bucket_count: 50, by: Some(by.clone()) };
    let found = store.histogram(&plan, &budget()).expect("runs").value;
    assert_eq!(found.buckets.len(), 50);
    for (bucket, start) in found.buckets.iter().zip((start_ns..).step_by(step_ns as usize)) {
        let inside = expected.iter().filter(|doc| (start..start + step_ns).contains(&doc.timestamp_ns()));
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for doc in inside.clone() {
            let values = distinct(leaves(*doc, &by));
            values.iter().for_each(|value| *counts.entry(text_of(value)).or_default() += 1);
        }
        assert_eq!(bucket.count, inside.count() as u64);
        assert_eq!(bucket.by.iter().cloned().collect::<BTreeMap<_, _>>(), counts, "by {by}");
        assert!(bucket.by.is_sorted_by(|a, b| (b.1, &a.0) < (a.1, &b.0)), "{:?}", bucket.by);
    }
    assert_eq!(found.total, found.buckets.iter().map(|bucket| bucket.count).sum::<u64>());
}

/// Histograms of filters that counts by minute can answer.
fn check_levels(store: &TantivyStore, docs: &[DocRef<'_>], random: &mut Random) {
    let text = random.levels();
    let filter = parse(&text).and_then(|query| query.resolve(T0)).expect("resolves").filter;
    let expected: Vec<_> = docs.iter().copied().filter(|doc| matches(&filter, &DocRow(*doc))).collect();
    let check = || check_histogram(store, &filter, &expected, random);
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    assert!(checked.is_ok(), "query: {text}\nfilter: {filter}");
}

/// Equal numbers are one value: a float that is whole is shown as the integer.
fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Str(text) => text.clone(),
        Cell::I64(value) => value.to_string(),
        Cell::F64(value) if value.fract() == 0.0 => format!("{value:.0}"),
        Cell::F64(value) => format!("{value:?}"),
        Cell::Bool(value) => value.to_string(),
        other => panic!("{other:?} is no scalar"),
    }
}

fn check_facets(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>]) {
    let fields: Vec<_> = FIELDS.iter().map(|name| (*name).to_owned()).collect();
    let found = store.facets(filter, TimeRange::default(), &fields, 5, &budget()).expect("runs").value;
    for (name, facet) in FIELDS.iter().zip(found) {
        let mut counts: BTreeMap<Cell, u64> = BTreeMap::new();
        let mut missing = 0;
        for doc in expected {
            let values = distinct(leaves(*doc, name));
            missing += u64::from(values.is_empty());
            values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
        }
        assert_eq!((facet.missing, facet.distinct), (missing, counts.len() as u64), "{name}");
        for (value, count) in &facet.values {
            assert_eq!(counts.get(value), Some(count), "{name} {value:?}");
        }
        let mut best: Vec<_> = counts.values().copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        best.truncate(5);
        assert_eq!(facet.values.iter().map(|(_, count)| *count).collect::<Vec<_>>(), best, "{name}");
    }
}

fn check_stats(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let (a, b) = (random.pick(&FIELDS), random.pick(&FIELDS));
    let by = [
        "".to_owned(),
        format!("by {a}"),
        format!("by {a}, {b}"),
        format!("by {a}, _time:1h"),
        format!("by {a}, _time"),
        "by _time".to_owned(),
        format!("by tags, {a}, _time:1w"),
    ];
    let by = &by[random.below(7) as usize];
    let field = random.pick(&["status", "took", "ok", "tags", "note", "message", "long"]);
    // Of long texts not all are kept, which the answer would say.
    let values = match field {
        "note" | "message" | "long" => String::new(),
        short => format!("values({short}) as v, "),
    };
    let text = format!(
        "| stats count() as rows, count({field}) as n, dc({field}) as d, sum({field}) as s, min({field}) as lo, \
         max({field}) as hi, median({field}) as m, stdev({field}) as sd, {values}min(@timestamp) as first, \
         max(_time) as last {by}"
    );
    let pipes = parse(&text).expect("parses").resolve(T0).expect("resolves").pipes;
    let [Pipe::Stats(stats)] = &pipes[..] else { panic!("{text}: {pipes:?}") };
    let found = store.stats(filter, TimeRange::default(), &pipes, &budget()).expect("runs");
    assert_eq!(found.partial, None);
    let wanted = aggregate(expected, stats);
    assert_eq!(found.value.columns, wanted.columns);
    assert_eq!(found.value.rows.len(), wanted.rows.len(), "{text}");
    for (found, wanted) in found.value.rows.iter().zip(&wanted.rows) {
        assert!(found.iter().zip(wanted).all(|(a, b)| nearly(a, b)), "{text}:\n{found:?}\n{wanted:?}");
    }
}

fn check_distinct(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>]) {
    for field in ["user.id", "note", "host.name", "status"] {
        let pipes =
            parse(&format!("| stats dc({field})")).expect("parses").resolve(T0).expect("resolves").pipes;
        let found = store.stats(filter, TimeRange::default(), &pipes, &budget()).expect("runs");
        let [Pipe::Stats(stats)] = &pipes[..] else { panic!("{pipes:?}") };
        assert_eq!((found.value, found.partial), (aggregate(expected, stats), None), "{field}");
    }
}

fn check_top(store: &TantivyStore, filter: &Filter, expected: &[DocRef<'_>], random: &mut Random) {
    let field = random.pick(&FIELDS);
    let text = random.pick(&["top 3", "rare 4"]);
    let text = match random.below(3) {
        0 => format!("| stats count() as c by {field} | sort -c | limit 5"),
        1 => format!("| timechart span=2h limit=2 count(), dc(status) by {field}"),
        _ if random.one_in(9) => format!("* | {text} _time"),
        _ => format!("{field}:* | {text} {field}"),
    };
    let resolved = parse(&text).expect("parses").resolve(T0).expect("resolves");
    let both = Filter::And(vec![filter.clone(), resolved.filter.clone()]);
    let found = store.stats(&both, TimeRange::default(), &resolved.pipes, &budget()).expect("runs").value;
    let [Pipe::Stats(stats), rest @ ..] = &resolved.pipes[..] else { panic!("{text}") };
    let docs: Vec<_> =
        expected.iter().copied().filter(|doc| matches(&resolved.filter, &DocRow(*doc))).collect();
    let wanted = millpond_query::table::apply(aggregate(&docs, stats), rest).expect("few groups");
    assert_eq!(found, wanted, "{text}");
}

/// Sums of floats depend on the order of the summands in the last bits.
fn nearly(a: &Cell, b: &Cell) -> bool {
    match (a, b) {
        (Cell::F64(a), Cell::F64(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0),
        _ => a == b,
    }
}

fn aggregate(docs: &[DocRef<'_>], stats: &Stats) -> Table {
    let mut groups = Groups::new(stats);
    for doc in docs {
        let mut keys: Vec<Vec<Cell>> = vec![Vec::new()];
        for key in &stats.by {
            let mut values = match key {
                GroupKey::Field(name) if name == "@timestamp" => vec![Cell::TimeNs(doc.timestamp_ns())],
                GroupKey::Field(name) => distinct(leaves(*doc, name)),
                GroupKey::Time { step_ns } => {
                    vec![Cell::TimeNs(bucket_start_ns(doc.timestamp_ns(), *step_ns))]
                }
            };
            if values.is_empty() {
                values.push(Cell::Null);
            }
            keys = keys
                .iter()
                .flat_map(|key| {
                    values.iter().map(move |value| [&key[..], std::slice::from_ref(value)].concat())
                })
                .collect();
        }
        for key in keys {
            let results = groups.of(key).expect("few groups");
            for (result, agg) in results.iter_mut().zip(&stats.aggs) {
                match &agg.field {
                    None => result.add_rows(1),
                    Some(name) if name == "@timestamp" => result.add(Scalar::I64(doc.timestamp_ns())),
                    Some(name) => leaves(*doc, name)
                        .iter()
                        .filter_map(Cell::as_scalar)
                        .for_each(|value| result.add(value)),
                }
            }
        }
    }
    groups.finish()
}

fn check_values(store: &TantivyStore, docs: &[DocRef<'_>], random: &mut Random) {
    let field = random.pick(&FIELDS);
    let prefix: String = random.word().chars().take(1).collect();
    let found =
        store.values(field, &prefix, TimeRange::default(), usize::MAX, &budget()).expect("runs").value;
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for doc in docs {
        let texts = distinct(leaves(*doc, field)).iter().map(text_of).collect::<Vec<_>>();
        for text in texts.into_iter().filter(|text| text.to_lowercase().starts_with(&prefix.to_lowercase())) {
            *counts.entry(text).or_default() += 1;
        }
    }
    assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), counts, "{field} {prefix}");
}

fn newest_first(batches: &[Arc<Batch>]) -> Vec<DocRef<'_>> {
    let mut docs: Vec<_> = batches.iter().flat_map(|batch| batch.docs()).collect();
    docs.sort_by_key(|doc| std::cmp::Reverse(doc.id()));
    docs
}

/// Checks everything that can be asked of a filter; gives the number of documents that match.
fn check(
    store: &TantivyStore,
    filter: &Filter,
    docs: &[DocRef<'_>],
    random: &mut Random,
    what: &str,
) -> usize {
    let expected: Vec<_> = docs.iter().copied().filter(|doc| matches(filter, &DocRow(*doc))).collect();
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        check_rows(store, filter, &expected, random);
        check_sorted(store, filter, &expected, random);
        check_distinct_rows(store, filter, &expected, random);
        check_passing(store, filter, &expected, random);
        check_histogram(store, filter, &expected, random);
        check_facets(store, filter, &expected);
        check_stats(store, filter, &expected, random);
        check_distinct(store, filter, &expected);
        check_top(store, filter, &expected, random);
    }));
    assert!(checked.is_ok(), "{what}\nfilter: {filter}");
    expected.len()
}

fn run_case(seed: u64) {
    let unit_ns = if seed % 2 == 1 { 3_600 } else { 30 } * SECOND_NS;
    let mut random = Random { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, unit_ns };
    let mut next = 1;
    let batches: Vec<_> = (0..6)
        .map(|part| {
            let docs: Vec<_> = (0..60 + random.below(60)).map(|at| random.doc(part * 100 + at)).collect();
            next += docs.len() as u64;
            batch(&docs, next - docs.len() as u64)
        })
        .collect();
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = store_of(dir.path(), &batches);
    let docs = newest_first(&batches);
    check_values(&store, &docs, &mut random);
    let (mut ran, mut hits) = (0, 0);
    while ran < QUERIES {
        let text = random.query(3);
        let Ok(resolved) = parse(&text).and_then(|query| query.resolve(T0)) else { continue };
        ran += 1;
        let matching =
            check(&store, &resolved.filter, &docs, &mut random, &format!("seed {seed}, query: {text}"));
        hits += usize::from(matching > 0 && matching < docs.len());
        check_levels(&store, &docs, &mut random);
    }
    assert!(hits > QUERIES / 4, "the queries find something: {hits} of {QUERIES}");
    assert_eq!(store.health().damaged, 0);
}

#[test]
fn the_store_agrees_with_the_evaluator() {
    let cases = std::env::var("MILLPOND_ORACLE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(3);
    (1..=cases).for_each(run_case);
}

/// A field of numbered strings, at first; then some are not, some are an array, and at last all are again.
fn numbered_doc(random: &mut Random, part: u64, at: u64) -> Doc {
    let mut user = Val::Str(format!("u{}", random.below(400)));
    match part {
        2 if random.one_in(4) => user = random.pick(&["x", "v7", "U3", "u007", "7"]).into(),
        4 if random.one_in(9) => user = Val::Json(format!("[\"u{}\",\"u3\",\"x\"]", random.below(400))),
        5 if random.one_in(9) => user = Val::I64(7),
        _ => {}
    }
    let note = Val::Str(random.below(1_000).to_string());
    let message = Val::Str(format!("took u{} {}", random.below(20), random.below(500)));
    let fields = [("user.id", user), ("note", note), ("message", message)];
    Doc {
        time_ns: T0 + (part * 400 + at) as i64 * SECOND_NS,
        fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}

#[test]
fn numbered_strings_agree_with_the_evaluator() {
    let mut random = Random { state: 0x5eed_5eed, unit_ns: SECOND_NS };
    let batches: Vec<_> = (0..6)
        .map(|part| {
            let docs: Vec<_> = (0..300).map(|at| numbered_doc(&mut random, part, at)).collect();
            batch(&docs, 1 + part * 300)
        })
        .collect();
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = store_of(dir.path(), &batches);
    let docs = newest_first(&batches);
    let queries = [
        "",
        "user.id=u7",
        "user.id:u7",
        "u7",
        "U7",
        "NOT u7",
        "user.id!=u7",
        "user.id:u1*",
        "user.id:*7",
        "u1*",
        "user.id in (u7, u8, x)",
        "user.id:/^u[12]$/",
        "/u[12]0/",
        "user.id:*",
        "missing(user.id)",
        "user.id=7",
        "user.id=u007",
        "user.id=u999999",
        "note=7",
        "note>=300",
        "note:[100 TO 200]",
        "7",
        "note:7*",
        "note=u7",
    ];
    for text in queries {
        let resolved = parse(text).and_then(|query| query.resolve(T0)).expect("parses");
        check(&store, &resolved.filter, &docs, &mut random, text);
    }
    // Some splits have them as numbers, with strings beside them.
    let metas = std::fs::read_dir(dir.path().join("splits")).expect("lists").map(|split| {
        let meta = std::fs::read(split.expect("lists").path().join("meta")).expect("reads");
        String::from_utf8_lossy(&meta).into_owned()
    });
    let kinds =
        |meta: &String, kind: &str| meta.contains(&format!("{{\"name\":\"user.id\",\"kind\":\"{kind}\""));
    assert!(metas.into_iter().any(|meta| kinds(&meta, "n") && kinds(&meta, "s")));
}
