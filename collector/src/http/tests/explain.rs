//! `/api/v1/explain`, and the shapes for Prometheus' tools.

use serde_json::{Value, json};

use super::{Server, encoded};

/// A day apart: each call of `ingest` makes a split.
async fn two_days() -> Server {
    let server = Server::holding(&[
        r#"{"@timestamp":"2026-11-21T10:00:00Z","message":"old","service":"a","ms":1}"#,
        r#"{"@timestamp":"2026-11-21T10:00:01Z","message":"old timeout","service":"b","ms":2}"#,
    ])
    .await;
    let new = [
        r#"{"@timestamp":"2026-11-22T10:00:00Z","message":"new","service":"a","ms":3}"#,
        r#"{"@timestamp":"2026-11-22T10:00:30Z","message":"new","service":"b","ms":4}"#,
        r#"{"@timestamp":"2026-11-22T10:01:00Z","message":"new timeout","service":"a","ms":5}"#,
    ];
    server.ingest(&new).await;
    server
}

async fn explain(server: &Server, query: &str, parameters: &str) -> Value {
    server.json(&format!("/api/v1/explain?q={}&{parameters}", encoded(query))).await
}

#[tokio::test]
async fn an_explanation_says_what_was_left_out_and_what_was_looked_at() {
    let server = two_days().await;
    // Total, outside, ruled out, searched; documents searched, matched.
    let rows: [(&str, &str, [u64; 6]); 8] = [
        ("", "", [2, 0, 0, 2, 5, 5]),
        ("", "limit=1", [2, 0, 0, 1, 3, 3]),
        ("", "limit=1&order=asc", [2, 0, 0, 1, 2, 2]),
        ("", "start=2026-11-22", [2, 1, 0, 1, 3, 3]),
        ("old", "", [2, 0, 1, 1, 2, 2]),
        ("timeout", "", [2, 0, 0, 2, 5, 2]),
        ("nowhere", "", [2, 0, 2, 0, 0, 0]),
        ("ms>2 | stats avg(ms) by service", "", [2, 0, 1, 1, 3, 3]),
    ];
    for (query, parameters, expected) in rows {
        let told = explain(&server, query, parameters).await;
        let splits = ["total", "outside_time", "ruled_out", "searched"].map(|name| &told["splits"][name]);
        let documents = ["searched", "matched"].map(|name| &told["documents"][name]);
        let found: Vec<_> =
            splits.into_iter().chain(documents).map(|count| count.as_u64().unwrap()).collect();
        assert_eq!(found, expected, "{query} {parameters}: {told}");
    }
    let told =
        explain(&server, "/tim.out/ level:*  |where ms>1|stats p95(ms) by service| sort service", "").await;
    assert_eq!(told["canonical"], "/tim.out/ level:* | where ms>1 | stats p95(ms) by service | sort service");
    let places: Vec<_> = told["pipes"].as_array().unwrap().iter().map(|pipe| &pipe["runs"]).collect();
    assert_eq!(places, ["store", "store", "table"]);
    assert_eq!((&told["approximate"], &told["partial"]), (&json!(true), &json!(false)));
    assert!(told["filter"].as_str().unwrap().contains("log.level"), "{told}");
    let stages: Vec<_> = told["stages"].as_array().unwrap().iter().map(|stage| &stage["name"]).collect();
    assert_eq!(stages, ["queue", "plan", "search"]);
    let told = explain(&server, "/tim.out/", "").await;
    assert!(told["scanned_bytes"].as_u64().unwrap() > 0, "messages were read: {told}");
}

#[tokio::test]
async fn tables_come_in_the_shape_of_prometheus() {
    let server = two_days().await;
    let query = encoded("* | stats count() n by service");
    let path = format!("/api/v1/stats?format=prometheus&end=2026-11-23&q={query}");
    let vector = server.json(&path).await;
    assert_eq!(
        vector["data"],
        json!({"resultType": "vector", "result": [
            {"metric": {"__name__": "n", "service": "a"}, "value": [1_795_392_000, "3"]},
            {"metric": {"__name__": "n", "service": "b"}, "value": [1_795_392_000, "2"]},
        ]})
    );
    let day = "start=2026-11-22&end=2026-11-23";
    for query in ["* | stats count() n by service", "* | timechart span=1h count() n by service"] {
        let path = format!("/api/v1/stats_range?step=60&{day}&q={}", encoded(query));
        let matrix = server.json(&path).await;
        assert_eq!(matrix["status"], "success");
        assert_eq!(
            matrix["data"],
            json!({"resultType": "matrix", "result": [
                {"metric": {"__name__": "n", "service": "a"},
                 "values": [[1_795_341_600, "1"], [1_795_341_660, "1"]]},
                {"metric": {"__name__": "n", "service": "b"}, "values": [[1_795_341_600, "1"]]},
            ]}),
            "{query}"
        );
    }
    let rows = [
        ("q=*|stats+count()", "bad_parameter"),
        ("step=0&q=*|stats+count()", "bad_parameter"),
        ("step=1s&start=2026-11-22&end=2026-11-23&q=*|stats+count()", "bad_parameter"),
        ("step=1m&q=error", "unsupported_query"),
        ("step=1m&q=*|top+5+service", "unsupported_query"),
    ];
    for (parameters, code) in rows {
        let reply = server.get(&format!("/api/v1/stats_range?{parameters}")).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!(code)), "{parameters}");
    }
}

#[tokio::test]
async fn steps_are_bounded_without_start_and_end_too() {
    let lines: Vec<String> = (0..=11_000)
        .map(|n| format!(r#"{{"@timestamp":{},"message":"m"}}"#, 1_700_000_000 + n * 2))
        .collect();
    let server = Server::holding(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (parameters, expected) in [("step=1s", 400), ("step=1s&end=1700021999", 200), ("step=4s", 200)] {
        let query = encoded("* | stats count()");
        let reply = server.get(&format!("/api/v1/stats_range?{parameters}&q={query}")).await;
        assert_eq!(reply.status, expected, "{parameters}: {}", &reply.body[..100]);
    }
}
