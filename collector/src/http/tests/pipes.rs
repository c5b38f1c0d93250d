//! Pipes on rows mean what they mean on tables: random pipes, with the query crate's tables as the oracle.

use millpond_query::table::{self, Cell, Table};
use millpond_query::{Pipe, Resolved, SortKey};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;

use super::{Server, encoded};

const COLUMNS: [&str; 7] = ["_id", "@timestamp", "a", "b", "c", "message", "tags"];

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
        members.push(format!(r#""message":"from 10.0.0.{} took {}ms k={}""#, n % 6, n % 11, n % 2));
        members.extend(n.is_multiple_of(5).then(|| format!(r#""tags":["t{}","t{}"]"#, n % 3, n % 2)));
        format!("{{{}}}", members.join(","))
    };
    (0..200).map(line).collect()
}

/// Pipes that make fields.
const ROW_PIPES: [&str; 8] = [
    "eval a = a * 2 + 1, d = b . c",
    "eval c = if(a > 2, null, c), b = upper(b)",
    "eval b = case(c > 4, \"high\", c > 2, 5), a = coalesce(a, -1)",
    "extract \"from <b> took <c>ms\"",
    "rex \"k=(?<a>[1-9])\"",
    "parse logfmt",
    "eval a = tags, tags = null",
    "rename b as x, a as b, x as a",
];

/// One pipe as text.
fn pipe() -> impl Strategy<Value = String> {
    let field = || select(vec!["a", "b", "c", "@timestamp"]);
    let key = (field(), any::<bool>())
        .prop_map(|(field, down)| if down { format!("-{field}") } else { field.to_owned() });
    prop_oneof![
        vec(key, 1..3).prop_map(|keys| format!("sort {}", keys.join(", "))),
        (1_u32..90).prop_map(|rows| format!("limit {rows}")),
        vec(field(), 1..3).prop_map(|by| format!("dedup by {}", by.join(", "))),
        select(ROW_PIPES.to_vec()).prop_map(str::to_owned),
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
        Value::Array(items) => {
            Cell::List(items.iter().map(|item| Cell::Str(item.as_str().unwrap().to_owned())).collect())
        }
        _ => Cell::Null,
    };
    let time = |row: &Value| {
        let text = row["@timestamp"].as_str().unwrap();
        Cell::TimeNs(millpond_query::time::parse_time(text, 0).unwrap().start_ns)
    };
    let row = |row: &Value| {
        let fields = COLUMNS[2..].iter().map(|name| cell(&row[*name]));
        [cell(&row["_id"]), time(row)].into_iter().chain(fields).collect()
    };
    Table { columns: COLUMNS.map(str::to_owned).to_vec(), rows: rows.iter().map(row).collect() }
}

/// What the query crate makes of the same documents.
fn expected(everything: &Table, query: &str) -> Table {
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
    table::apply(everything, &pipes).unwrap()
}

/// A document as it is compared: its fields, with numbers that are equal alike, and without those that are missing.
fn shown_row(row: &Value) -> String {
    let members = row.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    let mut members: Vec<_> = members.map(|(name, value)| format!("{name}={}", shown_value(value))).collect();
    members.sort();
    members.join(" ")
}

fn shown_value(value: &Value) -> String {
    match value {
        // The last digits depend on the order of additions.
        Value::Number(number) => format!("{:.9e}", number.as_f64().unwrap()),
        other => other.to_string(),
    }
}

/// The rows of a table as [`shown_row`] shows documents.
fn shown(table: Table) -> Vec<String> {
    let row = |cells: Vec<Cell>| {
        let cells = cells.into_iter().map(crate::http::search::cell_to_json);
        shown_row(&Value::Object(table.columns.iter().cloned().zip(cells).collect()))
    };
    table.rows.into_iter().map(row).collect()
}

fn same(found: &[String], expected: &[String], what: &str) -> Result<(), TestCaseError> {
    if found == expected {
        return Ok(());
    }
    let different = found.iter().zip(expected).find(|(found, expected)| found != expected);
    let lengths = (found.len(), expected.len());
    Err(TestCaseError::fail(format!("{what}: {lengths:?} rows, found and expected {different:#?}")))
}

/// The server with the documents, and all of them.
fn serving(runtime: &tokio::runtime::Runtime) -> (Server, Table) {
    let server = runtime.block_on(async {
        let server = Server::new();
        server.ingest(&lines().iter().map(String::as_str).collect::<Vec<_>>()).await;
        server
    });
    let everything = to_table(&runtime.block_on(page(&server, "*", 1_000, "")).0);
    assert_eq!(everything.rows.len(), 200);
    (server, everything)
}

#[test]
fn rows_and_tables_agree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, everything) = serving(&runtime);
    let check = |query: &str, limit: usize| {
        let expected = shown(expected(&everything, query));
        let (mut paged, mut cursor) = (Vec::new(), Some(String::new()));
        while let Some(after) = cursor {
            let (rows, next) = runtime.block_on(page(&server, query, limit, &after));
            paged.extend(rows.iter().map(shown_row));
            cursor = next;
        }
        same(&paged, &expected, &format!("{query}, pages of {limit}"))
    };
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let queries = (vec(pipe(), 1..5), 3_usize..220);
    runner.run(&queries, |(pipes, limit)| check(&format!("* | {}", pipes.join(" | ")), limit)).unwrap();
}

/// Rows are grouped alike by the store, as they stream by, and in a table.
#[test]
fn groups_agree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (server, everything) = serving(&runtime);
    let check = |query: &str| {
        let expected = shown(expected(&everything, query));
        let rows = runtime.block_on(page(&server, query, 1_000, "")).0;
        let found: Vec<String> = rows.iter().map(shown_row).collect();
        same(&found, &expected, query)
    };
    let aggregate = select(vec![
        "count()",
        "count(a), sum(a), min(b), max(c)",
        "dc(tags), values(tags), values(a)",
        "first(a), last(b), last(tags)",
        "count(a > 2) as n, sum(c * 2)",
        "p50(c), stdev(c)",
        "rate() by _time:10s",
        "min(_time), last(_time), count() by bin(c, 2) as bin, b",
        "count() by tags, b",
        "count(), first(c) by a, _time:20s",
        "count() by upper(b) as b",
    ])
    .prop_map(|aggregates| format!("stats {aggregates}"));
    let chart = select(vec![
        "timechart span=20s limit=2 count(), dc(b) by a",
        "timechart span=20s limit=1 useother=f max(c) by tags",
        "timechart span=30s p95(c), last(a) by b",
        "top 3 b",
        "rare 4 a, tags",
    ])
    .prop_map(str::to_owned);
    let last = prop_oneof![
        Just(String::new()),
        Just(" | limit 3".to_owned()),
        Just(" | eval z = 1 | sort -z".to_owned())
    ];
    let queries = (vec(pipe(), 0..3), prop_oneof![aggregate, chart], last);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    runner
        .run(&queries, |(pipes, grouped, last)| {
            let pipes: String = pipes.iter().map(|pipe| format!(" | {pipe}")).collect();
            check(&format!("*{pipes} | {grouped}{last}"))
        })
        .unwrap();
}

#[tokio::test]
async fn answers_that_may_be_off_say_so() {
    let server = Server::holding(&lines().iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (query, approximate) in
        [("| stats p95(c)", true), ("| extract \"k=<k>\" | stats median(k)", true), ("| top k", false)]
    {
        let table = server.json(&format!("/api/v1/stats?q={}", encoded(query))).await;
        assert_eq!(table["approximate"] == true, approximate, "{query}: {table}");
        let reply = server.get(&format!("/api/v1/query?q={}", encoded(query))).await;
        let last: Value = serde_json::from_str(reply.body.lines().last().unwrap()).unwrap();
        assert_eq!(last["_meta"]["approximate"] == true, approximate, "{query}: {last}");
    }
}
