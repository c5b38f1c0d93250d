//! `/api/v1/export`, and the forms in which rows are given.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Version};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Server, encoded, limits};
use crate::config::Limits;

const LINES: [&str; 4] = [
    r#"{"@timestamp":"2026-11-22T10:00:00Z","message":"one, two","level":"INFO","n":-3}"#,
    r#"{"@timestamp":"2026-11-22T10:00:01Z","message":"=cmd|' /C calc'!A0","level":"ERROR","tags":["x", "y"]}"#,
    r#"{"@timestamp":"2026-11-22T10:00:02Z","message":"three\nlines\t\"here\"","n":1.5}"#,
    r#"{"@timestamp":"2026-11-22T10:00:03Z","message":"four","http":{"method":"GET"}}"#,
];

/// Many documents, some at the same time.
fn many(count: usize) -> Vec<String> {
    let line = |n: usize| {
        format!(
            r#"{{"@timestamp":{},"message":"line {n} {}","n":{n}}}"#,
            1_795_366_800 + n / 7,
            "x".repeat(200)
        )
    };
    (0..count).map(line).collect()
}

async fn export(server: &Server, parameters: &str) -> String {
    let reply = server.get(&format!("/api/v1/export?{parameters}")).await;
    assert_eq!(reply.status, 200, "{parameters}: {}", reply.body);
    reply.body
}

#[tokio::test]
async fn every_form_has_the_same_rows() {
    let server = Server::holding(&LINES).await;
    let csv = export(&server, "format=csv&order=asc&fields=@timestamp,log.level,message,n,tags").await;
    let expected = "@timestamp,log.level,message,n,tags\r\n\
        2026-11-22T10:00:00Z,info,\"one, two\",-3,\r\n\
        2026-11-22T10:00:01Z,error,'=cmd|' /C calc'!A0,,\"[\"\"x\"\", \"\"y\"\"]\"\r\n\
        2026-11-22T10:00:02Z,,\"three\nlines\t\"\"here\"\"\",1.5,\r\n\
        2026-11-22T10:00:03Z,,four,,\r\n";
    assert_eq!(csv, expected);
    let text = export(&server, "format=text&order=asc").await;
    let expected = "2026-11-22T10:00:00Z\tinfo\tone, two\n\
        2026-11-22T10:00:01Z\terror\t=cmd|' /C calc'!A0\n\
        2026-11-22T10:00:02Z\t\tthree\\nlines\\t\"here\"\n\
        2026-11-22T10:00:03Z\t\tfour\n";
    assert_eq!(text, expected);
    let csv = export(&server, "format=csv&q=four").await;
    assert!(csv.starts_with("_id,@timestamp,http.method,"), "all fields of the range: {csv}");
    let csv = export(&server, &format!("format=csv&q={}", encoded("* | fields -http -tags -n -level"))).await;
    assert_eq!(csv.lines().next(), Some("_id,@timestamp,message"));
    let ndjson = export(&server, "q=four&fields=http").await;
    let lines: Vec<Value> = ndjson.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (lines.len(), &lines[0]["http.method"], &lines[0]["message"]),
        (2, &json!("GET"), &Value::Null)
    );
    assert_eq!((&lines[1]["_meta"]["partial"], &lines[1]["_meta"]["cursor"]), (&json!(false), &Value::Null));
    let table = encoded("* | stats count() n by level | sort level");
    assert_eq!(
        export(&server, &format!("format=csv&q={table}")).await,
        "log.level,n\r\nerror,1\r\ninfo,1\r\n,2\r\n"
    );
    let reply = server.get("/api/v1/export?format=csv").await;
    assert_eq!(reply.header("content-disposition"), "attachment; filename=\"export.csv\"");
    assert!(reply.header("content-type").starts_with("text/csv"));
}

#[tokio::test]
async fn queries_give_what_is_accepted() {
    let server = Server::holding(&LINES).await;
    let accept = async |accept: &str, path: &str| {
        server.send(Request::get(path).header("accept", accept).body(Body::empty()).unwrap()).await
    };
    let reply = accept("application/json", "/api/v1/query?limit=2").await;
    let json = reply.json();
    assert_eq!((json["rows"].as_array().unwrap().len(), &json["partial"]), (2, &json!(false)));
    assert!(json["cursor"].is_string() && reply.header("content-type") == "application/json");
    let none = accept("application/json", "/api/v1/query?q=nothing").await.json();
    assert_eq!((&none["rows"], &none["cursor"]), (&json!([]), &Value::Null));
    let table =
        accept("application/json", &format!("/api/v1/query?q={}", encoded("*|stats count() n"))).await;
    assert_eq!(table.json()["rows"], json!([{"n": 4}]));
    let csv = accept("text/csv", "/api/v1/query?q=four&limit=1&fields=message").await;
    assert_eq!(csv.body, "message\r\nfour\r\n");
    assert_eq!(accept("text/plain", "/api/v1/query?q=four&limit=1&fields=message").await.body, "four\n");
}

#[tokio::test]
async fn an_export_that_was_cut_goes_on_after_its_last_row() {
    let server = Server::with_limits(Limits { query_timeout: Duration::from_secs(60), ..limits() });
    let lines = many(5_000);
    server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for order in ["asc", "desc"] {
        let mut seen = BTreeSet::new();
        let mut cursor = String::new();
        for part in 1.. {
            let path = format!("/api/v1/export?order={order}&cursor={cursor}");
            let request = Request::get(&path).body(Body::empty()).unwrap();
            let mut body = server.router.clone().oneshot(request).await.unwrap().into_body();
            let mut text = Vec::new();
            // Two chunks, and the client leaves in the middle of a line.
            for _ in 0..2 {
                if let Some(frame) = body.frame().await {
                    text.extend_from_slice(&frame.unwrap().into_data().unwrap());
                }
            }
            let whole = text.iter().rposition(|byte| *byte == b'\n').unwrap();
            let text = String::from_utf8(text[..whole].to_vec()).unwrap();
            let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let rows: Vec<Value> = rows.filter(|row| row.get("_meta").is_none()).collect();
            let Some(last) = rows.last() else { break };
            cursor = last["_id"].as_str().unwrap().to_owned();
            for row in rows {
                assert!(seen.insert(row["n"].as_u64().unwrap()), "{row} came twice");
            }
            assert!(part < 1_000);
        }
        assert_eq!(seen.len(), lines.len(), "{order}");
    }
}

#[tokio::test]
async fn a_reply_that_can_not_say_what_is_missing_is_an_error() {
    let server = Server::with_limits(Limits { query_scan_bytes: 1, ..limits() });
    server.ingest(&LINES).await;
    for (accept, status, expected) in [
        ("text/csv", 503, "incomplete"),
        ("text/plain", 503, "incomplete"),
        ("application/json", 200, "scanned_bytes"),
    ] {
        let path = format!("/api/v1/query?limit=9&q={}", encoded("/o.*e|r/"));
        // Again and again, since what nobody has read may have left or not.
        for _ in 0..5 {
            let request = Request::get(&path).header("accept", accept).body(Body::empty()).unwrap();
            let reply = server.send(request).await;
            assert!(reply.status == status && reply.body.contains(expected), "{accept}: {}", reply.body);
            assert_eq!(reply.header("retry-after").is_empty(), status == 200);
        }
    }
}

#[tokio::test]
async fn an_export_has_the_time_it_asks_for_and_no_limit_of_bytes() {
    let server = Server::with_limits(Limits { query_scan_bytes: 1, ..limits() });
    server.ingest(&LINES).await;
    for timeout in ["", "1h", "30d", "200y"] {
        let path = format!("/api/v1/export?timeout={timeout}&q={}", encoded("/o.*e|r/"));
        let reply = server.get(&path).await;
        let is_whole = reply.body.contains("\"partial\":false");
        // No text is taken for a time that is none.
        assert_eq!(
            (reply.status.as_u16(), is_whole),
            if timeout == "200y" { (400, false) } else { (200, true) }
        );
    }
}

#[tokio::test]
async fn where_nobody_could_see_that_rows_are_missing_csv_and_text_are_refused() {
    let server = Server::holding(&LINES).await;
    let table = encoded("* | stats count() n");
    let rows = [
        (Version::HTTP_10, "export?format=csv", "", 505),
        (Version::HTTP_10, "export?format=text", "", 505),
        (Version::HTTP_10, "export?format=ndjson", "", 200),
        (Version::HTTP_10, "query?limit=1", "text/csv", 505),
        (Version::HTTP_10, "query", "application/json", 200),
        (Version::HTTP_11, "query", "text/csv", 400),
        (Version::HTTP_11, "query", "text/plain", 400),
        (Version::HTTP_11, "query?limit=1", "text/plain", 200),
        (Version::HTTP_11, &format!("query?q={table}"), "text/csv", 200),
    ];
    for (version, path, accept, status) in rows {
        let request = Request::get(format!("/api/v1/{path}")).version(version).header("accept", accept);
        let reply = server.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status.as_u16(), status, "{version:?} {path} {accept}: {}", reply.body);
    }
}

#[tokio::test]
async fn a_field_that_is_called_as_an_alias_is_a_column_of_its_own() {
    let line =
        r#"{"@timestamp":0,"message":"m","level":"INFO","log.level":"error","host":"a","host.name":"b"}"#;
    let server = Server::holding(&[line]).await;
    let all = export(&server, "format=csv").await;
    let columns = all.lines().next().unwrap();
    assert_eq!(columns, "_id,@timestamp,host,host.name,level,log.level,message");
    assert_eq!(export(&server, &format!("format=csv&fields={columns}")).await, all);
    assert_eq!(
        export(&server, "format=csv&fields=log.level,level,severity").await,
        "log.level,level\r\nerror,INFO\r\n"
    );
    let filtered = export(&server, "format=csv&fields=host&q=level:error").await;
    assert_eq!(filtered, "host\r\na\r\n", "conditions read names as ever");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_leave_the_threads_of_queries_alone() {
    let server = Server::with_limits(Limits { concurrent_queries: 1, concurrent_exports: 1, ..limits() });
    let lines = many(3_000);
    server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let request = Request::get("/api/v1/export").body(Body::empty()).unwrap();
    let stalled = server.router.clone().oneshot(request).await.unwrap().into_body();
    let rows = server.get("/api/v1/query?limit=1").await;
    assert_eq!(rows.body.lines().count(), 2);
    let load = async |line: &str| server.get("/metrics").await.body.contains(line);
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
    while !load("millpond_http_exports_stalled 1\n").await {
        assert!(tokio::time::Instant::now() < deadline, "a client that takes nothing");
    }
    let second = server.get("/api/v1/export?q=n:7").await;
    assert_eq!(second.body.lines().count(), 2, "a stalled export keeps no other waiting");
    drop(stalled);
    let deadline = tokio::time::Instant::now() + super::PATIENCE;
    while !load("millpond_http_exports_stalled 0\n").await {
        assert!(tokio::time::Instant::now() < deadline, "the thread of a client that left");
    }
    assert!(load("millpond_http_queries_cancelled_total 1\n").await);
}
