//! Measures the store alone: a seeded corpus of microservice logs (access lines, application messages,
//! stack traces, ids) from finished batches to merged splits, then the queries of the bar. Prints one
//! table of figures.
//!
//! `MILLPOND_BENCH_DOCS` sets the number of documents (default 300,000). Raw bytes are those of the
//! documents as flat JSON, one a line. `MILLPOND_BENCH_PROFILE` names the one query to run, 300 times,
//! under a profiler. `MILLPOND_BENCH_DIR` names a directory that is kept: the next run finds its store
//! there and only asks it. `MILLPOND_BENCH_RUNS` is the number of runs of each query.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use millpond_query::{Pipe, parse};
use millpond_store::log_store::{Budget, HistogramPlan, Order, Pick, SearchPlan, TimeRange};
use millpond_store::{LogStore, StoreConfig, TantivyStore};
use millpond_wire::batch::{Batch, BatchBuilder, ValueRef};

const BATCH_DOCUMENTS: usize = 4_000;
/// 2026-11-22T00:00:00Z.
const T0: i64 = 20_779 * 86_400 * 1_000_000_000;
const SERVICES: [&str; 8] =
    ["checkout", "cart", "payment", "frontend", "search", "auth", "shipping", "recommendation"];

/// A small generator of pseudo-random numbers (xorshift64*), the same for a seed everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Small numbers are much more likely.
    fn skewed(&mut self, end: u64) -> u64 {
        let bits = self.below(u64::from(64 - end.leading_zeros()) + 1);
        self.below(end.min(1 << bits))
    }
}

/// Makes the corpus batch by batch, so that it is never in memory as a whole.
struct Corpus {
    random: Random,
    left: usize,
    sequence: u64,
    time: i64,
    raw_bytes: u64,
    json: Vec<u8>,
}

impl Corpus {
    fn next(&mut self) -> Option<Arc<Batch>> {
        let count = self.left.min(BATCH_DOCUMENTS);
        self.left -= count;
        let mut builder = BatchBuilder::new();
        if self.sequence == 1 {
            // One document without any field, as a probe sends it: no column is full then.
            builder.begin(self.time);
            builder.end();
        }
        for _ in 0..count {
            self.time += self.random.below(50_000_000) as i64;
            let time = self.time - self.random.below(2_000_000_000) as i64;
            document(&mut builder, time, &mut self.random);
        }
        let (mut batch, _) = builder.finish();
        batch.number_from(self.sequence);
        self.sequence += batch.docs().count() as u64;
        for doc in batch.docs() {
            self.json.clear();
            doc.write_json(&mut self.json);
            self.raw_bytes += self.json.len() as u64 + 1;
        }
        (count > 0).then(|| Arc::new(batch))
    }
}

fn document(builder: &mut BatchBuilder, time: i64, random: &mut Random) {
    let service = SERVICES[random.skewed(8) as usize];
    // A head of some thousand and a long flat tail.
    let user = random.below(1_500_000) * random.below(1_000) / 1_000;
    let trace = format!("{:016x}{:016x}", random.next(), random.next());
    builder.begin(time);
    builder.field("service.name", ValueRef::Str(service));
    builder.field("host.name", ValueRef::Str(&format!("node-{:02}", random.below(24))));
    builder.field("kubernetes.pod.name", ValueRef::Str(&format!("{service}-7d9f8-{:03}", random.below(60))));
    builder.field("trace.id", ValueRef::Str(&trace));
    builder.field("user.id", ValueRef::Str(&format!("u{user}")));
    match random.below(100) {
        0..55 => access(builder, random),
        55..97 => application(builder, user, random),
        _ => stack_trace(builder, random),
    }
    builder.end();
}

fn access(builder: &mut BatchBuilder, random: &mut Random) {
    let method = ["GET", "GET", "GET", "POST", "PUT"][random.below(5) as usize];
    let path = format!(
        "/api/v1/{}/{}",
        ["items", "orders", "users", "carts"][random.below(4) as usize],
        random.skewed(50_000)
    );
    let status = [200, 200, 200, 200, 201, 204, 301, 404, 500, 503][random.skewed(10) as usize];
    let (bytes, took) = (random.skewed(200_000), random.skewed(3_000));
    let ip = format!("10.{}.{}.{}", random.below(4), random.below(256), random.below(256));
    let message = format!(
        "{ip} - - \"{method} {path} HTTP/1.1\" {status} {bytes} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\" {took}ms"
    );
    builder.field("log.level", ValueRef::Str(if status >= 500 { "error" } else { "info" }));
    builder.field("message", ValueRef::Str(&message));
    builder.field("http.request.method", ValueRef::Str(method));
    builder.field("url.path", ValueRef::Str(&path));
    builder.field("http.response.status_code", ValueRef::I64(status));
    builder.field("duration_ms", ValueRef::F64(random.below(90_000) as f64 / 1_000.0));
    builder.field("client.ip", ValueRef::Str(&ip));
}

fn application(builder: &mut BatchBuilder, user: u64, random: &mut Random) {
    let (level, message) = match random.below(20) {
        0..9 => (
            "info",
            format!(
                "order {} of user u{user} accepted, total {}.{:02} EUR",
                random.below(9_000_000),
                random.below(900),
                random.below(100)
            ),
        ),
        9..15 => (
            "debug",
            format!(
                "cache lookup for key session:{:08x} took {} us, hit={}",
                random.next() as u32,
                random.skewed(90_000),
                random.below(2) == 0
            ),
        ),
        15..18 => (
            "warn",
            format!(
                "retrying call to {} after timeout, attempt {}",
                SERVICES[random.below(8) as usize],
                random.below(5) + 1
            ),
        ),
        _ => (
            "error",
            format!(
                "connection refused by {}:{} while processing request {:08x}",
                SERVICES[random.below(8) as usize],
                8_000 + random.below(20),
                random.next() as u32
            ),
        ),
    };
    builder.field("log.level", ValueRef::Str(level));
    builder.field("message", ValueRef::Str(&message));
    builder.field(
        "log.logger",
        ValueRef::Str(["app.orders", "app.cache", "app.http", "app.db"][random.below(4) as usize]),
    );
    builder.field("process.thread.name", ValueRef::Str(&format!("worker-{}", random.below(32))));
    builder.field("duration_ms", ValueRef::F64(random.skewed(500_000) as f64 / 100.0));
}

fn stack_trace(builder: &mut BatchBuilder, random: &mut Random) {
    let mut message = format!("java.lang.IllegalStateException: no route to shard {}\n", random.below(64));
    for depth in 0..8 + random.below(10) {
        message.push_str(&format!(
            "\tat com.example.shop.{}.Handler{}.call(Handler{}.java:{})\n",
            SERVICES[random.below(8) as usize],
            depth,
            depth,
            random.below(900)
        ));
    }
    builder.field("log.level", ValueRef::Str("error"));
    builder.field("message", ValueRef::Str(&message));
    builder.field("error.type", ValueRef::Str("java.lang.IllegalStateException"));
}

/// CPU seconds of the process less those of this thread, which makes the corpus.
fn cpu_seconds() -> f64 {
    cpu_seconds_of("/proc/self/stat") - cpu_seconds_of("/proc/thread-self/stat")
}

/// CPU seconds, in steps of a hundredth.
fn cpu_seconds_of(path: &str) -> f64 {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields = after_name.split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A line of `/proc/self/status`, in MiB.
fn status_mib(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim_matches([':', ' ', '\t', 'k', 'B']).trim().parse::<f64>().ok())
        .unwrap_or(0.0)
        / 1024.0
}

/// Bytes of the files under `dir`, by name or extension.
fn disk_bytes(dir: &Path, parts: &mut BTreeMap<String, u64>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let (path, bytes) = (entry.path(), entry.metadata().map_or(0, |data| data.len()));
        let part = path.extension().or_else(|| path.file_name()).unwrap_or_default();
        match path.is_dir() {
            true => disk_bytes(&path, parts),
            false => *parts.entry(part.to_string_lossy().into_owned()).or_default() += bytes,
        }
    }
}

fn budget() -> Budget {
    Budget {
        deadline: Instant::now() + Duration::from_secs(60),
        cancelled: Arc::new(AtomicBool::new(false)),
        scanned_bytes_max: u64::MAX,
        groups_max: 10_000_000,
        stats_bytes_max: usize::MAX,
        cost: Arc::default(),
    }
}

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

/// Prints the time of the first run and of the best of some more.
fn time(name: &str, mut run: impl FnMut() -> String) {
    let mut times = Vec::new();
    let mut answer = String::new();
    let runs: u32 = match std::env::var("MILLPOND_BENCH_PROFILE") {
        Ok(only) if name != only => return,
        Ok(_) => 300,
        Err(_) => number("MILLPOND_BENCH_RUNS", 5),
    };
    let cpu = cpu_seconds_of("/proc/self/stat");
    for _ in 0..runs {
        let start = Instant::now();
        answer = run();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let first = times.first().copied().unwrap_or_default();
    let best = times.iter().copied().fold(f64::INFINITY, f64::min);
    let cpu = (cpu_seconds_of("/proc/self/stat") - cpu) * 1e3 / f64::from(runs);
    println!("| {name} | {first:.1} | {best:.1} | {cpu:.1} | {answer} |");
}

fn newest(store: &TantivyStore, text: &str) -> String {
    let filter = parse(text).expect("parses").resolve(T0).expect("resolves").filter;
    let plan = SearchPlan {
        filter,
        range: TimeRange::default(),
        order: Order::Descending,
        limit: 100,
        pick: Pick::after(None),
    };
    let mut rows = 0;
    let mut sink = |doc: millpond_wire::batch::DocRef<'_>| {
        black_box(doc.timestamp_ns());
        rows += 1;
        ControlFlow::Continue(())
    };
    store.search(&plan, &budget(), &mut sink).expect("runs");
    format!("{rows} rows")
}

/// The trace id of some document.
fn some_trace(store: &TantivyStore) -> String {
    let filter = parse("trace.id:*").expect("parses").resolve(T0).expect("resolves").filter;
    let plan = SearchPlan {
        filter,
        range: TimeRange::default(),
        order: Order::Ascending,
        limit: 7,
        pick: Pick::after(None),
    };
    let mut trace = String::new();
    let mut sink = |doc: millpond_wire::batch::DocRef<'_>| {
        if let Some(ValueRef::Str(text)) = doc.field("trace.id") {
            trace = text.to_owned();
        }
        ControlFlow::Continue(())
    };
    store.search(&plan, &budget(), &mut sink).expect("runs");
    trace
}

fn stats(store: &TantivyStore, text: &str) -> String {
    let resolved = parse(text).expect("parses").resolve(T0).expect("resolves");
    assert!(matches!(resolved.pipes.first(), Some(Pipe::Stats(_))));
    let answer =
        store.stats(&resolved.filter, TimeRange::default(), &resolved.pipes, &budget()).expect("runs");
    let rows = answer.value.rows;
    let first = rows.first().and_then(|row| row.last()).map(|cell| format!("{cell:?}"));
    format!("{} rows, {}", rows.len(), first.unwrap_or_default())
}

fn histogram(store: &TantivyStore, text: &str, span_ns: i64, by: Option<&str>) -> String {
    let filter = parse(text).expect("parses").resolve(T0).expect("resolves").filter;
    let by = by.map(str::to_owned);
    let plan = HistogramPlan {
        filter,
        start_ns: T0 - 4_000_000_000,
        step_ns: span_ns / 96 + 1,
        bucket_count: 97,
        by,
    };
    let answer = store.histogram(&plan, &budget()).expect("runs");
    format!("{} documents", answer.value.total)
}

fn queries(store: &TantivyStore, span_ns: i64, trace: &str) {
    println!("| query | first ms | best ms | CPU ms | answer |\n|---|---|---|---|---|");
    let newest_rows = [
        ("newest 100 of everything", "*"),
        ("newest 100, a common word", "timeout"),
        ("newest 100, phrase", "\"connection refused by\""),
        ("newest 100, two fields", "service.name=payment http.response.status_code>=500"),
        ("newest 100, regular expression", "message:/refused by [a-c]\\w+:80/"),
        ("newest 100, prefix", "message:Handler1*"),
        ("newest 100, a word that does not occur", "zzyzx"),
    ];
    for (name, text) in newest_rows {
        time(name, || newest(store, text));
    }
    time("one trace id", || newest(store, &format!("trace.id={trace}")));
    time("one trace id, as a bare word", || newest(store, trace));
    time("histogram of everything", || histogram(store, "*", span_ns, None));
    time("histogram of everything by level", || histogram(store, "*", span_ns, Some("log.level")));
    time("histogram of errors", || histogram(store, "level:error", span_ns, None));
    time("histogram of errors by level", || histogram(store, "level:error", span_ns, Some("log.level")));
    let tables = [
        ("count of a common word", "timeout | stats count()"),
        ("errors by hour and service", "level:error | stats count() by service.name, _time:1h"),
        ("top 10 of the user ids", "* | top 10 user.id"),
        (
            "p50, p95, p99 by service",
            "* | stats p50(duration_ms), p95(duration_ms), p99(duration_ms) by service.name",
        ),
        ("different users", "* | stats dc(user.id)"),
    ];
    for (name, text) in tables {
        time(name, || stats(store, text));
    }
    time("facets of five fields", || {
        let fields = ["service.name", "host.name", "log.level", "http.response.status_code", "user.id"]
            .map(str::to_owned);
        let answer = store
            .facets(&millpond_query::Filter::All, TimeRange::default(), &fields, 10, &budget())
            .expect("runs");
        format!("{} different users", answer.value.last().map_or(0, |facet| facet.distinct))
    });
}

/// Fills the store and prints what that cost.
fn ingest(store: &TantivyStore, dir: &Path, count: usize) {
    let mut corpus =
        Corpus { random: Random(7), left: count, sequence: 1, time: T0, raw_bytes: 0, json: Vec::new() };
    let (cpu, start) = (cpu_seconds(), Instant::now());
    let mut upto = 0;
    while let Some(batch) = corpus.next() {
        upto += 1;
        store.append(batch, upto).expect("takes it");
    }
    store.flush().expect("flushes");
    let seconds = start.elapsed().as_secs_f64();
    // The last merges.
    let mut merges = u64::MAX;
    while merges != store.health().merges {
        merges = store.health().merges;
        std::thread::park_timeout(Duration::from_secs(5));
    }
    let cpu = cpu_seconds() - cpu;
    let (raw, megabytes) = (corpus.raw_bytes, corpus.raw_bytes as f64 / 1e6);
    println!("{count} documents, {megabytes:.1} MB of JSON, {:.0} B each", raw as f64 / count as f64);
    println!("| figure | value |\n|---|---|");
    println!("| documents per second, the generator beside it | {:.0} |", count as f64 / seconds);
    println!("| CPU seconds | {cpu:.2} |");
    println!("| raw MB per CPU second | {:.1} |", megabytes / cpu);
    let mut parts = BTreeMap::new();
    disk_bytes(&dir.join("splits"), &mut parts);
    println!("| disk / raw | {:.3} |", parts.values().sum::<u64>() as f64 / raw as f64);
    for (part, bytes) in parts {
        println!("| … of it {part} | {:.4} |", bytes as f64 / raw as f64);
    }
    println!("| peak RSS, MiB | {:.0} |", status_mib("VmHWM"));
}

fn main() {
    let count = number("MILLPOND_BENCH_DOCS", 300_000) as usize;
    let temporary = tempfile::tempdir().expect("temporary directory");
    let kept = std::env::var_os("MILLPOND_BENCH_DIR");
    let dir = kept.map_or(temporary.path().to_owned(), Into::into);
    let (store, _) = TantivyStore::open(&dir, StoreConfig::default()).expect("opens");
    if store.health().disk_splits == 0 {
        ingest(&store, &dir, count);
    }
    let health = store.health();
    println!("| disk splits, merges | {}, {} |", health.disk_splits, health.merges);
    // Time goes on by 25 ms a document, on average.
    queries(&store, health.documents as i64 * 25_000_000, &some_trace(&store));
    println!("peak RSS after the queries: {:.0} MiB, now {:.0}", status_mib("VmHWM"), status_mib("VmRSS"));
}
