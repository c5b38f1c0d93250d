//! Histogram, tables, facets, fields and values.

use serde_json::{Value, json};

use super::{Server, encoded};

const LINES: [&str; 6] = [
    r#"{"@timestamp":"2026-11-22T10:00:00Z","message":"a","level":"info","service":"shop","ms":10}"#,
    r#"{"@timestamp":"2026-11-22T10:00:30Z","message":"b","level":"error","service":"shop","ms":20}"#,
    r#"{"@timestamp":"2026-11-22T10:01:00Z","message":"c","level":"error","service":"cart","ms":30}"#,
    r#"{"@timestamp":"2026-11-22T10:05:00Z","message":"d","level":"warn","service":"cart"}"#,
    r#"{"@timestamp":"2026-11-22T10:05:59.999Z","message":"e","service":"Shop"}"#,
    r#"{"@timestamp":"2026-11-22T11:00:00Z","message":"f","service":"other"}"#,
];

const HOUR: &str = "start=2026-11-22T10:00:00Z&end=2026-11-22T11:00:00Z";

/// Start, minutes and seconds only, and count of each bucket that has any.
fn counts(histogram: &Value) -> Vec<(String, u64)> {
    let buckets = histogram["buckets"].as_array().unwrap();
    let pairs = buckets.iter().map(|bucket| {
        (bucket["start"].as_str().unwrap()[11..19].to_owned(), bucket["count"].as_u64().unwrap())
    });
    pairs.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn histograms_count_what_is_in_the_range() {
    let server = Server::holding(&LINES).await;
    let histogram = server.json(&format!("/api/v1/histogram?{HOUR}&step=5m")).await;
    assert_eq!((&histogram["step_ms"], &histogram["total"]), (&json!(300_000), &json!(5)));
    assert_eq!(histogram["buckets"].as_array().unwrap().len(), 12);
    assert_eq!(counts(&histogram), [("10:00:00".to_owned(), 3), ("10:05:00".to_owned(), 2)]);

    let histogram = server.json(&format!("/api/v1/histogram?{HOUR}&by=level&q=level:*")).await;
    assert_eq!(histogram["step_ms"], 60_000);
    assert_eq!(histogram["buckets"][0]["by"], json!({"info": 1, "error": 1}));
    assert_eq!(histogram["buckets"][2], json!({"start": "2026-11-22T10:02:00Z", "count": 0, "by": {}}));

    let inner = "start=2026-11-22T10:00:10Z&end=2026-11-22T10:05:30Z&step=1m";
    let histogram = server.json(&format!("/api/v1/histogram?{inner}")).await;
    assert_eq!(histogram["total"], 3, "buckets reach out of the range, counts do not: {histogram}");
    let histogram = server.json("/api/v1/histogram?buckets=10").await;
    assert_eq!((&histogram["total"], &histogram["step_ms"]), (&json!(6), &json!(600_000)));
}

#[tokio::test]
async fn an_empty_store_has_an_empty_histogram() {
    let server = Server::new();
    let histogram = server.json("/api/v1/histogram").await;
    assert_eq!((&histogram["total"], &histogram["buckets"]), (&json!(0), &json!([])));
    let histogram = server.json(&format!("/api/v1/histogram?{HOUR}&step=30m")).await;
    assert_eq!(histogram["buckets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn tables_have_columns_and_rows() {
    let server = Server::holding(&LINES).await;
    let query = encoded("ms:* | stats count() as n, avg(ms) as mean by service | sort service");
    let table = server.json(&format!("/api/v1/stats?q={query}")).await;
    assert_eq!(
        table,
        json!({
            "columns": [{"name": "service"}, {"name": "n"}, {"name": "mean"}],
            "rows": [["cart", 1, 30.0], ["shop", 2, 15.0]],
            "partial": false,
        })
    );
    let query = encoded("* | stats count() as n by _time:30m | sort @timestamp");
    let table = server.json(&format!("/api/v1/stats?q={query}")).await;
    assert_eq!(table["rows"], json!([["2026-11-22T10:00:00Z", 5], ["2026-11-22T11:00:00Z", 1]]));
}

#[tokio::test]
async fn facets_are_exact() {
    let server = Server::holding(&LINES).await;
    let facets = server.json(&format!("/api/v1/facets?{HOUR}&fields=level,service&top=1")).await;
    assert_eq!(
        facets["fields"],
        json!([
            {"name": "level", "values": [{"value": "error", "count": 2}], "distinct": 3, "missing": 1},
            {"name": "service", "values": [{"value": "cart", "count": 2}], "distinct": 3, "missing": 0},
        ])
    );
    let facets = server.json("/api/v1/facets?fields=ms&q=level:error").await;
    assert_eq!(
        facets["fields"][0]["values"],
        json!([{"value": 20, "count": 1}, {"value": 30, "count": 1}]),
        "numbers stay numbers"
    );
}

#[tokio::test]
async fn fields_and_values_complete() {
    let server = Server::holding(&LINES).await;
    let fields = server.json("/api/v1/fields").await;
    let names: Vec<_> = fields["fields"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    for name in ["message", "service", "ms", "log.level"] {
        assert!(names.contains(&&json!(name)), "{name} in {names:?}");
    }
    let ms = fields["fields"].as_array().unwrap().iter().find(|field| field["name"] == "ms").unwrap();
    assert_eq!((&ms["types"], &ms["count"]), (&json!(["integer"]), &json!(3)));

    let values = server.json("/api/v1/values?field=service&prefix=sh").await;
    assert_eq!(values["values"], json!([{"value": "shop", "count": 2}, {"value": "Shop", "count": 1}]));
    let values = server.json("/api/v1/values?field=service&limit=1").await;
    assert_eq!(values["values"].as_array().unwrap().len(), 1);
}
