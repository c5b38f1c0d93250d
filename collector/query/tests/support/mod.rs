//! One document as a table, and what pipes make of it.

use millpond_query::parse;
use millpond_query::table::{Cell, Table, apply};

/// 2026-11-22T10:30:00Z
pub(crate) const NOW_NS: i64 = 1_795_343_400_000_000_000;

pub(crate) fn document() -> Table {
    let text = |text: &str| Cell::Str(text.to_owned());
    let cells = [
        ("@timestamp", Cell::TimeNs(NOW_NS - 1_500_000_000)),
        ("message", text("Failed password for root from 10.1.2.3 port 2200 ssh2")),
        ("host.name", text("web-01")),
        ("log.level", text("error")),
        ("status", Cell::I64(503)),
        ("bytes", Cell::I64(1_500)),
        ("duration", Cell::F64(2_500.0)),
        ("ok", Cell::Bool(true)),
        ("n", text("7")),
        ("json", text(r#"{"a":1,"b":{"c":"x"},"level":"WARN","tags":["t","u"]}"#)),
        ("logfmt", text(r#"time=now port=80 msg="a b""#)),
        ("odd-name", Cell::I64(3)),
        ("tags", Cell::List(vec![text("blue"), text("green")])),
        ("none", Cell::Null),
    ];
    let (columns, row) = cells.into_iter().map(|(name, cell)| (name.to_owned(), cell)).unzip();
    Table { columns, rows: vec![row] }
}

/// A cell as text, with its type.
pub(crate) fn show(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Bool(value) => value.to_string(),
        Cell::I64(value) | Cell::TimeNs(value) => value.to_string(),
        Cell::F64(value) => format!("{value:?}"),
        Cell::Str(value) => format!("{value:?}"),
        Cell::List(values) => format!("{:?}", values.iter().map(show).collect::<Vec<_>>()),
    }
}

/// The row after the pipes, and its columns.
#[track_caller]
pub(crate) fn run(pipes: &str) -> Table {
    let resolved = parse(pipes)
        .and_then(|query| query.resolve(NOW_NS))
        .unwrap_or_else(|error| panic!("{pipes}: {error}"));
    apply(document(), &resolved.pipes).expect("it is one row")
}
