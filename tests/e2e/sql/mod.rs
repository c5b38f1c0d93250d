//! The second oracle, which is not ours: the same questions put to the collector and to SQLite over the same rows, in
//! the words of each. A pair is a query and the SQL that must give the same; words are looked up with FTS5.

mod conditions;
mod made;
mod rows;
mod tables;

use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::Value;

/// A collector and a database with the same rows.
fn both() -> (Cluster, Client, Connection) {
    let rows = rows::all();
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    let body: Vec<String> = rows.iter().map(|row| row.to_json().to_string()).collect();
    let reply = client.post("/api/v1/ingest", &[], body.join("\n").as_bytes());
    assert_eq!(reply.json()["accepted"], rows.len(), "{}", reply.text);
    let count = rows.len() as u64;
    eventually("all rows are visible", Duration::from_secs(10), || {
        client.count("").filter(|seen| *seen == count)
    });
    (cluster, client, rows::database(&rows))
}

/// The numbers of the rows that the condition holds for.
fn in_sql(database: &Connection, condition: &str) -> Vec<i64> {
    let sql = format!("SELECT n FROM logs WHERE {condition} ORDER BY n");
    let mut statement = database.prepare(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.collect::<Result<_, _>>().expect("whole numbers")
}

/// The numbers of the documents that the query finds.
fn in_millpond(client: &Client, query: &str) -> Vec<i64> {
    let query = format!("{query} | fields n");
    let reply = client.get("/api/v1/query", &[("q", &query), ("limit", "10000")]);
    assert_eq!(reply.status, 200, "{query}: {}", reply.text);
    let mut lines = reply.lines();
    let meta = lines.pop().expect("a last line");
    assert_eq!(meta["_meta"]["partial"], false, "{query}: {meta}");
    assert_eq!(meta["_meta"]["warnings"], Value::Null, "{query}: {meta}");
    let mut found: Vec<i64> = lines.iter().filter_map(|line| line["n"].as_i64()).collect();
    assert_eq!(found.len(), lines.len(), "{query}: every row has a number");
    found.sort_unstable();
    found
}

#[test]
fn conditions_find_what_sql_finds() {
    let (_cluster, client, database) = both();
    let mut differences = Vec::new();
    let (mut pairs, mut empty) = (0, 0);
    for (query, condition) in conditions::pairs() {
        let (found, expected) = (in_millpond(&client, &query), in_sql(&database, &condition));
        pairs += 1;
        empty += usize::from(expected.is_empty());
        if found != expected {
            let only = |a: &[i64], b: &[i64]| {
                a.iter().filter(|n| !b.contains(n)).take(5).copied().collect::<Vec<_>>()
            };
            differences.push(format!(
                "{query}  ≠  {condition}: {} and {} rows; only ours {:?}, only theirs {:?}",
                found.len(),
                expected.len(),
                only(&found, &expected),
                only(&expected, &found),
            ));
        }
    }
    assert!(differences.is_empty(), "{} of {pairs} differ:\n{}", differences.len(), differences.join("\n"));
    assert!(pairs >= 300 && empty * 5 < pairs, "{pairs} pairs, of which {empty} find nothing");
}

#[test]
fn tables_are_those_of_sql() {
    let (_cluster, client, database) = both();
    let mut differences = Vec::new();
    for (query, sql, order) in tables::PAIRS.iter().chain(made::PAIRS) {
        let (mut ours, mut theirs) = (table_of_millpond(&client, query), table_of_sql(&database, sql));
        if matches!(order, tables::Order::Any) {
            ours.sort();
            theirs.sort();
        }
        if ours != theirs {
            differences.push(format!("{query}\n  {ours:?}\n  {sql}\n  {theirs:?}"));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
}

fn table_of_millpond(client: &Client, query: &str) -> Vec<Vec<String>> {
    let reply = client.get("/api/v1/stats", &[("q", query)]);
    assert_eq!(reply.status, 200, "{query}: {}", reply.text);
    let reply = reply.json();
    assert_eq!(reply["partial"], false, "{query}: {reply}");
    let rows = reply["rows"].as_array().expect("rows").iter();
    rows.map(|row| row.as_array().expect("cells").iter().map(cell).collect()).collect()
}

/// Numbers to nine digits, so that the order of additions makes no difference.
fn cell(value: &Value) -> String {
    match value {
        Value::Number(number) => digits(number.as_f64().expect("a number")),
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    }
}

fn digits(number: f64) -> String {
    format!("{number:.9e}")
}

fn table_of_sql(database: &Connection, sql: &str) -> Vec<Vec<String>> {
    let mut statement = database.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = statement.column_count();
    let mut rows = statement.query([]).expect("it runs");
    let mut table = Vec::new();
    while let Some(row) = rows.next().expect("a row") {
        let cell = |index: usize| match row.get_ref(index).expect("a column") {
            ValueRef::Null => "-".to_owned(),
            ValueRef::Integer(number) => digits(number as f64),
            ValueRef::Real(number) => digits(number),
            ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
        };
        table.push((0..columns).map(cell).collect());
    }
    table
}
