//! The examples of `LANGUAGE.md`, run on the store: each query finds the documents that stand beside it, and each table is
//! what the row evaluator makes of it.

mod support;

use std::ops::ControlFlow;

use millpond_query::table::{Groups, apply};
use millpond_query::time::parse_time;
use millpond_query::{Pipe, Resolved, matches, parse};
use millpond_store::log_store::{Order, TimeRange};
use millpond_store::{DocRow, LogStore, TantivyStore};
use millpond_wire::batch::DocRef;
use serde_json::Value;
use support::{Doc, Val, batch, budget, manual, open, plan};

const LANGUAGE: &str = include_str!("../../query/LANGUAGE.md");
/// 2026-11-22T10:30:00Z
const NOW_NS: i64 = 1_795_343_400_000_000_000;

/// The documents of the page. Their `_id`s are their numbers in the batch.
fn documents() -> Vec<Doc> {
    let (_, rest) = LANGUAGE.split_once("```ndjson\n").expect("the page has documents");
    let (lines, _) = rest.split_once("```").expect("the block ends");
    let doc = |line: &str| {
        let Value::Object(members) = serde_json::from_str(line).expect("a JSON object") else {
            panic!("{line}")
        };
        let time =
            members["@timestamp"].as_str().and_then(|time| parse_time(time, 0)).expect("it has a time");
        let fields = members.into_iter().filter(|(name, _)| !matches!(name.as_str(), "_id" | "@timestamp"));
        let value = |value: Value| match value {
            Value::String(text) => Val::Str(text),
            Value::Bool(truth) => Val::Bool(truth),
            Value::Number(number) => number.as_i64().map(Val::I64).expect("a whole number"),
            other => Val::Json(other.to_string()),
        };
        Doc { time_ns: time.start_ns, fields: fields.map(|(name, own)| (name, value(own))).collect() }
    };
    lines.lines().map(doc).collect()
}

fn resolved(query: &str) -> Resolved {
    let resolved = parse(query).and_then(|query| query.resolve(NOW_NS));
    resolved.unwrap_or_else(|error| panic!("{query}: {error:?}"))
}

/// The numbers of the documents that the store finds, side by side.
fn found(store: &TantivyStore, query: &str, all: usize) -> String {
    let mut ids = Vec::new();
    let plan = plan(resolved(query).filter, Order::Descending, usize::MAX, None);
    let answer = store.search(&plan, &budget(), &mut |row| {
        ids.push(row.id().sequence);
        ControlFlow::Continue(())
    });
    assert_eq!(answer.expect("runs").partial, None);
    ids.sort_unstable();
    match ids.len() {
        0 => "none".to_owned(),
        found if found == all => "all".to_owned(),
        _ => ids.iter().map(u64::to_string).collect::<Vec<_>>().join(" "),
    }
}

/// The first two cells of each line of a table; `\|` is no end of a cell.
fn cells(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("| ")?.replace("\\|", "\u{0}");
    let mut cells = line.split('|').map(|cell| cell.trim().replace('\u{0}', "|"));
    Some((cells.next()?, cells.next()?))
}

#[test]
fn every_query_of_the_page_finds_in_the_store_what_stands_beside_it() {
    let (dir, docs) = (tempfile::tempdir().expect("temporary directory"), documents());
    let (store, _) = open(dir.path(), manual());
    store.append(batch(&docs, 1), 1).expect("takes it");
    store.flush().expect("flushes");
    let (mut in_table, mut checked, mut wrong) = (false, 0, Vec::new());
    for line in LANGUAGE.lines() {
        match cells(line) {
            None => in_table = in_table && line.starts_with('|'),
            Some((_, name)) if name == "finds" => in_table = true,
            Some((query, expected)) if in_table => {
                let query = query.trim_matches('`');
                let found = found(&store, query, docs.len());
                checked += 1;
                if found != expected {
                    wrong.push(format!("{query} finds {found}, not {expected}"));
                }
            }
            Some(_) => {}
        }
    }
    assert!(checked > 70, "{checked} examples found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_stats_of_the_page_gives_in_the_store_what_it_gives_of_rows() {
    let (dir, docs) = (tempfile::tempdir().expect("temporary directory"), documents());
    let (store, _) = open(dir.path(), manual());
    let batch = batch(&docs, 1);
    store.append(std::sync::Arc::clone(&batch), 1).expect("takes it");
    store.flush().expect("flushes");
    let in_backticks = LANGUAGE.split('`').skip(1).step_by(2);
    let starts = ["stats ", "top ", "rare ", "timechart "];
    let mut checked = 0;
    for text in in_backticks.filter(|text| starts.iter().any(|start| text.starts_with(start))) {
        let query = format!("_time>=2026-11-01 | {text}");
        // Some are the beginning of a pipe.
        let Ok(Resolved { filter, pipes }) = parse(&query).and_then(|query| query.resolve(NOW_NS)) else {
            continue;
        };
        let [Pipe::Stats(stats), rest @ ..] = pipes.as_slice() else { continue };
        if stats.needs_rows() {
            continue;
        }
        let rows: Vec<DocRef<'_>> = batch.docs().filter(|doc| matches(&filter, &DocRow(*doc))).collect();
        let mut groups = Groups::new(stats);
        rows.iter().for_each(|row| groups.add_row(&DocRow(*row)).expect("few groups"));
        let expected = apply(groups.finish(), rest).expect("few groups");
        let answer = store.stats(&filter, TimeRange::default(), &pipes, &budget()).expect("runs");
        assert_eq!((answer.value, answer.partial), (expected, None), "{text}");
        checked += 1;
    }
    assert!(checked > 10, "{checked} examples found");
}
