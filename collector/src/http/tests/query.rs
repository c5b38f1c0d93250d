//! `/api/v1/query`: rows, pages, pipes.

use std::time::{Duration, Instant};

use millpond_query::{Filter, Pipe};
use millpond_store::log_store::{Budget, Order, TimeRange};
use millpond_wire::batch::DocRef;
use serde_json::{Value, json};

use super::{PATIENCE, Server, budget, encoded};
use crate::http::caller::testing::caller;
use crate::http::rows::{Outcome, RowQuery, Visible};

const LINES: [&str; 6] = [
    r#"{"@timestamp":"2026-11-22T10:00:00Z","message":"one","level":"INFO","n":3,"service":"a"}"#,
    r#"{"@timestamp":"2026-11-22T10:00:01Z","message":"two","level":"ERROR","n":1,"service":"b"}"#,
    r#"{"@timestamp":"2026-11-22T10:00:01Z","message":"three","level":"WARN","n":2,"service":"a"}"#,
    r#"{"@timestamp":"2026-11-22T10:00:02Z","message":"four","level":"ERROR","n":5.5,"tags":["x", "y"]}"#,
    r#"{"@timestamp":"2026-11-22T10:00:03Z","message":"five","n":4,"http":{"method":"GET"}}"#,
    "no object",
];

/// Messages of the rows, and the last line's `_meta`.
async fn rows(server: &Server, parameters: &str) -> (Vec<String>, Value) {
    let reply = server.get(&format!("/api/v1/query?{parameters}")).await;
    assert_eq!(reply.status, 200, "{parameters}: {}", reply.body);
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    let mut lines: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.pop().unwrap();
    let messages = lines.iter().map(|row| row["message"].as_str().unwrap_or("-").to_owned()).collect();
    (messages, last["_meta"].clone())
}

async fn check(server: &Server, query: &str, parameters: &str, expected: &[&str]) {
    let (messages, meta) = rows(server, &format!("q={}&{parameters}", encoded(query))).await;
    assert_eq!(messages, expected, "{query} {parameters}");
    assert_eq!(meta["partial"], false, "{query}");
    assert!(meta["took_ms"].is_u64());
}

#[tokio::test]
async fn rows_come_in_order_and_as_they_went_in() {
    let server = Server::holding(&LINES).await;
    let day = "start=2026-11-22T10:00:00Z&end=2026-11-22T11:00:00Z";
    check(&server, "", day, &["five", "four", "three", "two", "one"]).await;
    check(&server, "*", &format!("{day}&order=asc"), &["one", "two", "three", "four", "five"]).await;
    check(&server, "level:error", "", &["four", "two"]).await;
    check(&server, "service:a n>=3", "", &["one"]).await;
    check(&server, "object", "", &["no object"]).await;
    check(&server, "tags:y", "", &["four"]).await;
    check(&server, "", "start=2026-11-22T10:00:01Z&end=2026-11-22T10:00:02Z", &["three", "two"]).await;
    check(&server, "", "start=1795341601&end=1795341602000", &["three", "two"]).await;
    check(&server, "nothing", "", &[]).await;
    let reply = server.get("/api/v1/query?q=four").await;
    let row: Value = serde_json::from_str(reply.body.lines().next().unwrap()).unwrap();
    assert_eq!(row["@timestamp"], "2026-11-22T10:00:02Z");
    assert_eq!((&row["n"], &row["tags"]), (&json!(5.5), &json!(["x", "y"])));
    assert_eq!(row["_id"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn pages_follow_each_other_without_loss_or_repetition() {
    let server = Server::holding(&LINES).await;
    let queries = [
        "",
        "*|sort n",
        "*|limit 5",
        "*|dedup by level",
        "*|fields message,level|where level:error",
        "n:*|sort -n",
    ];
    for query in queries {
        for order in ["asc", "desc"] {
            let all = rows(&server, &format!("q={}&order={order}", encoded(query))).await;
            assert_eq!(all.1["cursor"], Value::Null);
            let mut paged = Vec::new();
            let mut cursor = String::new();
            for _ in 0..10 {
                let parameters = format!("q={}&order={order}&limit=2&cursor={cursor}", encoded(query));
                let (page, meta) = rows(&server, &parameters).await;
                assert!(page.len() <= 2);
                paged.extend(page);
                let Some(next) = meta["cursor"].as_str() else { break };
                cursor = next.to_owned();
            }
            assert_eq!(paged, all.0, "{query} {order}");
        }
    }
}

#[tokio::test]
async fn pipes_work_on_rows() {
    let server = Server::holding(&LINES).await;
    let rows: [(&str, &[&str]); 9] = [
        ("n:* | sort n", &["two", "three", "one", "five", "four"]),
        ("n:* | sort -n | limit 2", &["four", "five"]),
        ("level:* | sort -level, n | limit 3", &["three", "one", "two"]),
        ("n:* | sort @timestamp", &["one", "two", "three", "four", "five"]),
        ("n:* | limit 3 | where level:error", &["four"]),
        ("n:* | limit 2 | sort n", &["five", "four"]),
        ("level:* | dedup by level", &["four", "three", "one"]),
        ("service:* | dedup by service", &["three", "two"]),
        ("n:* | fields n | limit 1", &["-"]),
    ];
    for (query, expected) in rows {
        check(&server, query, "", expected).await;
    }
    let reply = server.get(&format!("/api/v1/query?q={}", encoded("four | fields n"))).await;
    let row: Value = serde_json::from_str(reply.body.lines().next().unwrap()).unwrap();
    let mut names: Vec<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["@timestamp", "_id", "n"]);
}

#[tokio::test]
async fn a_counting_query_gives_the_rows_of_its_table() {
    let server = Server::holding(&LINES).await;
    let query = encoded("n:* | stats count() as c by level | sort -c, level");
    let reply = server.get(&format!("/api/v1/query?q={query}")).await;
    let lines: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({"log.level": "error", "c": 2}), "{}", reply.body);
    assert_eq!(lines.len(), 5);
    assert_eq!(lines[4]["_meta"]["cursor"], Value::Null);
}

#[tokio::test]
async fn a_table_is_paged_by_limit_and_cursor() {
    let server = Server::holding(&LINES).await;
    let query = encoded("n:* | stats count() as c by n | sort n");
    let whole = server.get(&format!("/api/v1/query?q={query}")).await.body;
    let mut rows: Vec<&str> = whole.lines().collect();
    assert_eq!(rows.pop().map(|meta| meta.contains("\"cursor\":null")), Some(true));
    assert_eq!((rows.len(), rows[0]), (5, r#"{"n":1,"c":1}"#));
    for limit in [1, 2, 5, 6] {
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        for _ in 0..=rows.len() {
            let path = format!("/api/v1/query?q={query}&limit={limit}&cursor={cursor}");
            let body = server.get(&path).await.body;
            let mut page: Vec<String> = body.lines().map(str::to_owned).collect();
            let meta: Value = serde_json::from_str(&page.pop().unwrap()).unwrap();
            assert!(page.len() <= limit);
            paged.extend(page);
            let Some(next) = meta["_meta"]["cursor"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!(paged, rows, "{limit}");
    }
    let of_rows =
        server.get(&format!("/api/v1/query?q={query}&cursor=98ea55ac98fcbc800000000000000003")).await;
    assert_eq!(of_rows.json()["code"], "bad_parameter");
}

#[tokio::test]
async fn an_unknown_field_is_a_warning_with_the_nearest() {
    let server = Server::holding(&LINES).await;
    let (messages, meta) = rows(&server, "q=servce:a").await;
    assert!(messages.is_empty());
    let warnings = meta["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].as_str().unwrap().contains("`servce`"), "{warnings:?}");
    let doubtful = [
        ("localhost:5432", "quote it: `\"localhost:5432\"`"),
        ("service=\"a*\"", "write `service=a*`"),
        ("search level:error", "`search` is a word"),
    ];
    for (query, expected) in doubtful {
        let (_, meta) = rows(&server, &format!("q={}", encoded(query))).await;
        assert!(meta["warnings"][0].as_str().unwrap().contains(expected), "{query}: {meta}");
    }
    for query in ["service:a", "level:error", "host:x", "http:x", "@timestamp:*", "@service:a"] {
        let (_, meta) = rows(&server, &format!("q={}", encoded(query))).await;
        let is_known = !matches!(query, "host:x" | "http:x");
        assert_eq!(meta.get("warnings").is_none(), is_known, "{query}: {meta}");
    }
}

#[tokio::test]
async fn an_object_without_a_value_is_a_warning() {
    let server = Server::holding(&[r#"{"message":"m","user":{"name":"bob","id":7}}"#]).await;
    let rows_of = [
        ("user:*", 1, false),
        ("missing(user)", 0, false),
        ("* | rename user as person", 1, false),
        ("user:bob", 0, true),
        ("* | eval x = user", 1, true),
        ("user.name:bob", 1, false),
    ];
    for (query, found, warned) in rows_of {
        let (messages, meta) = rows(&server, &format!("q={}", encoded(query))).await;
        assert_eq!(messages.len(), found, "{query}");
        let warning = meta["warnings"][0].as_str().unwrap_or_default();
        assert_eq!(warning.contains("`user.id`, `user.name`"), warned, "{query}: {meta}");
    }
    for query in ["| top user", "| stats count(user)", "| stats count() by user"] {
        let table = server.json(&format!("/api/v1/stats?q={}", encoded(query))).await;
        assert!(table["warnings"][0].as_str().unwrap().contains("`user` is an object"), "{query}: {table}");
    }
}

#[tokio::test]
async fn post_and_head_say_the_same_as_get() {
    let server = Server::holding(&LINES).await;
    let form = http::Request::post("/api/v1/query?order=asc")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("q=level%3Aerror".into())
        .unwrap();
    assert_eq!(server.send(form).await.body.lines().count(), 3);
    let json = http::Request::post("/api/v1/query")
        .header("content-type", "application/json")
        .body(r#"{"q":"level:error","limit":1}"#.into())
        .unwrap();
    assert_eq!(server.send(json).await.body.lines().count(), 2);
    let head = http::Request::head("/api/v1/query?q=level:error").body("".into()).unwrap();
    let reply = server.send(head).await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (200, ""));
}

#[tokio::test]
async fn an_answer_without_time_is_partial_and_following_its_cursors_ends() {
    let server = Server::holding(&LINES).await;
    let query = |pipes: Vec<Pipe>| RowQuery {
        filter: Filter::All,
        range: TimeRange::default(),
        order: Order::Descending,
        pipes,
        cursor: None,
        limit: 10,
        caller: caller(),
    };
    let (past, future) = (Instant::now() - PATIENCE, Instant::now() + PATIENCE);
    for pipes in [vec![], vec![Pipe::Limit(3)]] {
        let mut rows = 0;
        let mut count = |_: DocRef<'_>, _: &Visible| {
            rows += 1;
            true
        };
        let outcome = query(pipes.clone()).run(&*server.state.store, &budget(past), &mut count).unwrap();
        assert_eq!(outcome, Outcome { cursor: None, partial: Some("deadline") });
        let outcome = query(pipes).run(&*server.state.store, &budget(future), &mut count).unwrap();
        assert_eq!(outcome, Outcome::default());
        assert!(rows > 0);
    }
}

/// Each time, as many documents are looked at as a byte allows, and none passes.
#[tokio::test]
async fn a_partial_page_without_rows_goes_on_behind_what_was_looked_at() {
    let long: Vec<String> =
        (0..20).map(|n| format!(r#"{{"message":"{n} {}"}}"#, "word ".repeat(1 << 14))).collect();
    let server = Server::new();
    for line in &long {
        server.ingest(&[line]).await;
    }
    // The store finds no row, or the pipes refuse all that it finds.
    for text in ["message:/no.such/", "message:/word.word/ | eval a=1 | where a:1 and nothing_such"] {
        let resolved = millpond_query::parse(text).and_then(|query| query.resolve(0)).unwrap();
        let (mut cursor, mut pages) = (None, 0);
        loop {
            let budget = Budget { scanned_bytes_max: 300_000, ..budget(Instant::now() + PATIENCE) };
            let query = RowQuery {
                filter: resolved.filter.clone(),
                range: TimeRange::default(),
                order: Order::Descending,
                pipes: resolved.pipes.clone(),
                cursor,
                limit: 10,
                caller: caller(),
            };
            let outcome = query.run(&*server.state.store, &budget, &mut |_, _| true).unwrap();
            pages += 1;
            assert!(pages <= 22, "it comes to an end");
            let before = std::mem::replace(&mut cursor, outcome.cursor);
            assert!(cursor.is_none() || cursor != before);
            if cursor.is_none() {
                break;
            }
            assert_eq!(outcome.partial, Some("scanned_bytes"));
        }
        assert!(pages > 1, "{text}: where it stopped was told");
    }
}

/// A search reads so much behind a row that it found that it can't read the row again in the end.
#[tokio::test]
async fn a_row_that_a_budget_did_not_reach_is_on_a_later_page() {
    let server = Server::new();
    for n in 0..40 {
        server.ingest(&[&format!(r#"{{"message":"{n} {}"}}"#, "word ".repeat(50_000))]).await;
    }
    for (text, order, expected) in [
        ("message:/^3[37] w.*d/", Order::Descending, ["37", "33"]),
        ("message:/^[26] w.*d/", Order::Ascending, ["2", "6"]),
    ] {
        let filter = millpond_query::parse(text).and_then(|query| query.resolve(0)).unwrap().filter;
        let (mut cursor, mut found, mut pages) = (None, Vec::new(), 0);
        loop {
            let budget = Budget { scanned_bytes_max: 6_000_000, ..budget(Instant::now() + PATIENCE) };
            let query = RowQuery {
                filter: filter.clone(),
                range: TimeRange::default(),
                order,
                pipes: Vec::new(),
                cursor,
                limit: 10,
                caller: caller(),
            };
            let mut write = |row: DocRef<'_>, _: &Visible| {
                found.push(row.message().unwrap().split(' ').next().unwrap().to_owned());
                true
            };
            let outcome = query.run(&*server.state.store, &budget, &mut write).unwrap();
            pages += 1;
            assert!(pages < 50, "{text}: it comes to an end");
            cursor = outcome.cursor;
            if cursor.is_none() {
                assert_eq!(outcome.partial, None, "{text}");
                break;
            }
        }
        assert!(pages > 1, "{text}");
        assert_eq!(found, expected, "{text}");
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_takes_no_time_from_its_query() {
    let server = Server::new();
    // As many at a time as are handed out before the next are looked for.
    for second in 1..=3 {
        let lines = vec![format!(r#"{{"@timestamp":{second},"message":"m"}}"#); 600];
        server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let caller = caller();
    let deadline = Instant::now() + Duration::from_secs(1);
    let budget = budget(deadline);
    let query = RowQuery {
        filter: Filter::All,
        range: TimeRange::default(),
        order: Order::Descending,
        pipes: Vec::new(),
        cursor: None,
        limit: 10_000,
        caller: caller.clone(),
    };
    let mut rows = 0;
    let mut write = |_: DocRef<'_>, _: &Visible| {
        rows += 1;
        if rows == 1 {
            while Instant::now() <= deadline {
                std::thread::yield_now();
            }
            caller.waited_for_client(PATIENCE);
        }
        true
    };
    let outcome = query.run(&*server.state.store, &budget, &mut write).unwrap();
    assert_eq!((outcome, rows), (Outcome::default(), 1_800));
}
