//! `/api/v1/context`: neighbours in the same stream.

use serde_json::{Value, json};

use super::{Server, encoded};
use crate::http::limits::CONTEXT_BYTES_MAX;

/// Two files of one host and one of another, in turns; the same second for every five.
fn lines() -> Vec<String> {
    let line = |n: usize| {
        let (host, file) = [("a", "x"), ("a", "y"), ("b", "x")][n % 3];
        let level = if n.is_multiple_of(2) { "error" } else { "info" };
        format!(
            r#"{{"@timestamp":{},"message":"m{n}","level":"{level}","host.name":"{host}","log.file.path":"{file}"}}"#,
            1_795_366_800 + n / 5
        )
    };
    (0..60).map(line).chain([r#"{"@timestamp":1795366806,"message":"bare"}"#.to_owned()]).collect()
}

/// The messages around the message `of`, and `_meta`.
async fn around(server: &Server, of: &str, parameters: &str) -> (Vec<String>, Value) {
    let found = server.get(&format!("/api/v1/query?q={}", encoded(&format!("message={of}")))).await.body;
    let found: Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
    let id = found["_id"].as_str().unwrap();
    let reply = server.get(&format!("/api/v1/context?id={id}&{parameters}")).await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let mut lines: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let meta = lines.pop().unwrap()["_meta"].clone();
    assert_eq!((&meta["anchor"], &meta["partial"]), (&json!(id), &json!(false)));
    assert!(lines.is_sorted_by_key(|line| line["_id"].as_str().unwrap()));
    (lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect(), meta)
}

#[tokio::test]
async fn neighbours_are_of_the_same_stream_in_order() {
    let lines = lines();
    let server = Server::holding(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let rows: [(&str, &str, &[&str]); 9] = [
        ("m30", "before=2&after=2", &["m24", "m27", "m30", "m33", "m36"]),
        ("m30", "before=0&after=1", &["m30", "m33"]),
        ("m30", "before=0&after=0", &["m30"]),
        ("m0", "before=5&after=1", &["m0", "m3"]),
        ("m30", "before=2&after=2&scope=host", &["m27", "m28", "m30", "m31", "m33"]),
        ("m30", "before=2&after=2&scope=all", &["m28", "m29", "m30", "m31", "m32"]),
        ("m30", "before=2&after=2&q=level:info", &["m21", "m27", "m30", "m33", "m39"]),
        ("bare", "before=1&after=1", &["m34", "bare", "m35"]),
        ("m30", "before=9&after=9&start=1795366805&end=1795366807", &["m27", "m30", "m33"]),
    ];
    for (of, parameters, expected) in rows {
        let (found, _) = around(&server, of, parameters).await;
        assert_eq!(found, expected, "{of} {parameters}");
    }
    let (all, _) = around(&server, "m30", "scope=all&before=1000&after=1000").await;
    assert_eq!(all.len(), lines.len());
}

#[tokio::test]
async fn neighbours_before_are_bounded_in_bytes_and_the_nearest_are_there() {
    const BYTES: usize = 1_000_000;
    let server = Server::new();
    for part in 0..4 {
        let line =
            |n: usize| format!(r#"{{"@timestamp":{},"message":"{}"}}"#, part * 10 + n, "x".repeat(BYTES));
        let lines: Vec<String> = (0..10).map(line).collect();
        server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
    let newest = server.get("/api/v1/query?limit=1").await.body;
    let newest: Value = serde_json::from_str(newest.lines().next().unwrap()).unwrap();
    let path = format!("/api/v1/context?before=1000&id={}", newest["_id"].as_str().unwrap());
    let reply = server.get(&path).await;
    let (rows, meta) = reply.body.trim_end().rsplit_once('\n').unwrap();
    assert!(meta.contains(r#""partial":true,"reason":"context_bytes""#), "{meta}");
    let kept = rows.lines().count() - 1;
    assert!(kept >= 16 && kept * BYTES <= CONTEXT_BYTES_MAX, "{kept}");
    let first: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    assert_eq!(first["@timestamp"], crate::http::search::rfc3339((39 - kept as i64) * 1_000_000_000));
}

#[tokio::test]
async fn pipes_are_refused_where_they_would_change_nothing() {
    let server = Server::holding(&lines().iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (query, refused) in
        [("* | limit 1", true), ("* | stats count()", true), ("* | where level:info", false)]
    {
        let found = server.get("/api/v1/query?limit=1").await.body;
        let found: Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
        let path = format!("/api/v1/context?id={}&q={}", found["_id"].as_str().unwrap(), encoded(query));
        let reply = server.get(&path).await;
        assert_eq!(reply.status == 400, refused, "{query}: {}", reply.body);
        assert_eq!(reply.body.contains("unsupported_query"), refused);
    }
}
