//! `LANGUAGE.md`, run: each query in a table finds the documents that stand beside it, each block of a query and
//! a table gives that table, and every other example is a query.

#[path = "support/documents.rs"]
mod documents;

use std::collections::BTreeSet;

use millpond_query::complete::pipe_names;
use millpond_query::table::{Cell, Table, apply};
use millpond_query::{Filter, Pipe, Row, parse};

use crate::documents::{LANGUAGE, NOW_NS, documents, found, resolved};

/// The cells of a line of a table; `\|` is no end of a cell.
fn cells(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("| ")?.strip_suffix('|')?.replace("\\|", "\u{0}");
    Some(line.split('|').map(|cell| cell.trim().replace('\u{0}', "|")).collect())
}

#[test]
fn every_query_of_the_page_finds_what_stands_beside_it() {
    let mut in_table = false;
    let mut checked = 0;
    let mut wrong = Vec::new();
    for line in LANGUAGE.lines() {
        let Some(cells) = cells(line) else {
            in_table = in_table && line.starts_with('|');
            continue;
        };
        if cells.get(1).is_some_and(|name| name == "finds") {
            in_table = true;
        } else if in_table {
            let query = cells[0].trim_matches('`');
            checked += 1;
            if found(query) != cells[1] {
                wrong.push(format!("{query} finds {}, not {}", found(query), cells[1]));
            }
        }
    }
    assert!(checked > 70, "{checked} examples found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A block opened with ` ```table ` is a query, an empty line, and the table that it gives: columns in the first line,
/// `-` where there is no value.
#[test]
fn every_table_of_the_page_is_what_its_query_gives() {
    let blocks: Vec<&str> =
        LANGUAGE.split("```table\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        let (query, expected) = block.split_once("\n\n").expect("a query, an empty line, a table");
        let line = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let expected: Vec<Vec<String>> = expected.lines().map(line).collect();
        assert_eq!(table_of(query), expected, "{query}");
    }
}

/// The table that a query gives, with its columns as the first row.
fn table_of(query: &str) -> Vec<Vec<String>> {
    let resolved = resolved(query);
    let documents = documents();
    let mut columns: Vec<String> = documents.iter().flat_map(|document| document.0.keys().cloned()).collect();
    columns.sort();
    columns.dedup();
    let rows = documents.iter().map(|document| {
        let cell = |name: &String| match document.0.get(name) {
            _ if name == "@timestamp" => Cell::TimeNs(document.timestamp_ns()),
            Some(serde_json::Value::String(text)) => Cell::Str(text.clone()),
            Some(serde_json::Value::Bool(truth)) => Cell::Bool(*truth),
            Some(serde_json::Value::Number(number)) => number.as_i64().map_or(Cell::Null, Cell::I64),
            _ => Cell::Null,
        };
        columns.iter().map(cell).collect()
    });
    let table = Table { rows: rows.collect(), columns };
    let stages = match resolved.filter {
        Filter::All => resolved.pipes,
        filter => [vec![Pipe::Where(filter)], resolved.pipes].concat(),
    };
    let table = apply(table, &stages).expect("there are few groups");
    let show = |cell: &Cell| match cell {
        Cell::Null => "-".to_owned(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::I64(number) => number.to_string(),
        Cell::F64(number) => number.to_string(),
        Cell::Str(text) => text.clone(),
        Cell::TimeNs(at_ns) => (at_ns / 1_000_000_000).to_string(),
        Cell::List(cells) => format!("{cells:?}"),
    };
    let rows = table.rows.iter().map(|row| row.iter().map(show).collect());
    std::iter::once(table.columns.clone()).chain(rows).collect()
}

/// The pipes are described by examples in the first column, and none is left out.
#[test]
fn every_pipe_of_the_page_is_one() {
    let (_, pipes) = LANGUAGE.split_once("\n## Pipes\n").expect("the page has pipes");
    let mut checked = 0;
    for cells in pipes.lines().filter_map(cells) {
        let Some(text) = cells.first().filter(|text| text.starts_with('`')) else { continue };
        for pipe in text.split('`').skip(1).step_by(2) {
            let query = format!("| {pipe}");
            let outcome = parse(&query).and_then(|query| query.resolve(NOW_NS));
            assert!(outcome.is_ok(), "{query}: {outcome:?}");
            checked += 1;
        }
    }
    assert!(checked > 40, "{checked} pipes and aggregates found");
    // By any of its names, in an example or beside it.
    let (pipes, _) = pipes.split_once("\n## ").expect("the section ends");
    let written: BTreeSet<&str> = pipes.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let missing: Vec<&str> = pipe_names().filter(|name| !written.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What the page in the browser proposes behind a `|` must be something.
#[test]
fn what_the_browser_proposes_are_pipes() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/web/src/core/complete.ts");
    let source = std::fs::read_to_string(source).expect("the page's source");
    let mut proposed = BTreeSet::new();
    for line in source.lines().filter_map(|line| line.trim().strip_prefix("{ name: \"")) {
        let (name, rest) = line.split_once("\", example: ").expect("an example");
        let example = rest.trim_end_matches([' ', '}', ',']);
        let example = example.get(1..example.len() - 1).expect("quotes").replace("\\\\", "\\");
        let outcome = parse(&format!("| {example}")).and_then(|query| query.resolve(NOW_NS));
        assert!(outcome.is_ok(), "{example}: {outcome:?}");
        assert!(example.starts_with(name) && pipe_names().any(|pipe| pipe == name), "{name}");
        proposed.insert(name.to_owned());
    }
    assert!(proposed.len() >= 14, "{proposed:?}");
}
