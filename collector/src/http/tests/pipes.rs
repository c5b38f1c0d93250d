//! Pipes on rows mean what they mean on tables: random pipes, with the query crate's tables as the oracle.

use millpond_query::table::{self, Cell, Table};
use millpond_query::{Pipe, Resolved, SortKey};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use super::{Server, encoded};

const COLUMNS: [&str; 5] = ["_id", "@timestamp", "a", "b", "c"];

/// Documents with few different values, some missing, several at one time.
fn lines() -> Vec<String> {
    let line = |n: u32| {
        let mut members = vec![format!(r#""@timestamp":{}"#, 1_795_366_800 + u64::from(n / 3))];
        members.extend((!n.is_multiple_of(4)).then(|| format!(r#""a":{}"#, n * 7 % 5)));
        members.extend(
            (!n.is_multiple_of(3)).then(|| format!(r#""b":"{}""#, ["x", "y", "Z"][n as usize * 5 % 3])),
        );
        members.push(if n.is_multiple_of(2) {
            format!(r#""c":{}.5"#, n % 7)
        } else {
            format!(r#""c":{}"#, n % 7)
        });
        format!("{{{}}}", members.join(","))
    };
    (0..200).map(line).collect()
}

/// One pipe as text.
fn pipe() -> impl Strategy<Value = String> {
    let field = || select(vec!["a", "b", "c", "@timestamp"]);
    let key = (field(), any::<bool>())
        .prop_map(|(field, down)| if down { format!("-{field}") } else { field.to_owned() });
    prop_oneof![
        vec(key, 1..3).prop_map(|keys| format!("sort {}", keys.join(", "))),
        (1_u32..90).prop_map(|rows| format!("limit {rows}")),
        vec(field(), 1..3).prop_map(|by| format!("dedup by {}", by.join(", "))),
        select(vec!["where a>1", "where b:x", "where -b:*", "where c<=3", "where a!=2 or c>4"])
            .prop_map(str::to_owned),
    ]
}

/// The `_id`s of one page and its cursor.
async fn page(server: &Server, query: &str, limit: usize, cursor: &str) -> (Vec<Value>, Option<String>) {
    let reply =
        server.get(&format!("/api/v1/query?q={}&limit={limit}&cursor={cursor}", encoded(query))).await;
    let mut rows: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let meta = rows.pop().unwrap()["_meta"].take();
    assert_eq!(meta["partial"], false, "{query}: {meta}");
    (rows, meta["cursor"].as_str().map(str::to_owned))
}

fn to_table(rows: &[Value]) -> Table {
    let cell = |value: &Value| match value {
        Value::String(text) => Cell::Str(text.clone()),
        Value::Number(number) => number.as_i64().map_or(Cell::F64(number.as_f64().unwrap()), Cell::I64),
        _ => Cell::Null,
    };
    let time = |row: &Value| {
        let text = row["@timestamp"].as_str().unwrap();
        Cell::TimeNs(millpond_query::time::parse_time(text, 0).unwrap().start_ns)
    };
    let row =
        |row: &Value| vec![cell(&row["_id"]), time(row), cell(&row["a"]), cell(&row["b"]), cell(&row["c"])];
    Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows: rows.iter().map(row).collect() }
}

/// What the query crate makes of the same documents.
fn expected(everything: &Table, query: &str) -> Vec<Cell> {
    let Resolved { filter, mut pipes } = millpond_query::parse(query).unwrap().resolve(0).unwrap();
    let mut everything = everything.clone();
    // Sorting by time alone is the order of the search itself, in which documents of one time turn round as well.
    if let Some(Pipe::Sort(keys)) = pipes.first()
        && let [SortKey { field, descending: false }] = keys.as_slice()
        && field == "@timestamp"
    {
        everything.rows.reverse();
    }
    pipes.insert(0, Pipe::Where(filter));
    let rows = table::apply(everything, &pipes).unwrap().rows;
    rows.into_iter().map(|mut row| row.swap_remove(0)).collect()
}

#[test]
fn rows_and_tables_agree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let server = Server::new();
        server.ingest(&lines().iter().map(String::as_str).collect::<Vec<_>>()).await;
        server
    });
    let everything = to_table(&runtime.block_on(page(&server, "*", 1_000, "")).0);
    assert_eq!(everything.rows.len(), 200);
    let check = |query: &str, limit: usize| {
        let expected = expected(&everything, query);
        let (mut paged, mut cursor) = (Vec::new(), Some(String::new()));
        while let Some(after) = cursor {
            let (rows, next) = runtime.block_on(page(&server, query, limit, &after));
            paged.extend(rows.into_iter().map(|row| Cell::Str(row["_id"].as_str().unwrap().to_owned())));
            cursor = next;
        }
        if paged == expected {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!("{query}, pages of {limit}")))
        }
    };
    let mut runner = TestRunner::new(Config { cases: 60, failure_persistence: None, ..Config::default() });
    let queries = (vec(pipe(), 1..5), 3_usize..220);
    runner.run(&queries, |(pipes, limit)| check(&format!("* | {}", pipes.join(" | ")), limit)).unwrap();
}
