//! The API contract, as clients are written against it: what goes in through `POST /api/v1/ingest`
//! comes out of every endpoint.

use std::time::Duration;

use millpond_tests::client::Client;
use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;
use serde_json::{Value, json};

fn ingest(client: &Client, lines: &[&str]) -> Value {
    let reply = client.post(
        "/api/v1/ingest",
        &[("content-type", "application/x-ndjson")],
        lines.join("\n").as_bytes(),
    );
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

fn visible(client: &Client, count: u64) {
    eventually("all documents are visible", Duration::from_secs(5), || {
        client.count("").filter(|seen| *seen == count)
    });
}

#[test]
fn documents_come_back_as_they_went_in() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    let accepted = ingest(
        &client,
        &[
            r#"{"@timestamp":"2026-11-20T10:00:00.000000001Z","message":"first","n":1,"f":1.0,"b":false,"nested":{"a":{"b":"c"}},"list":[1,"x",null]}"#,
            r#"{"@timestamp":1763632800,"message":"","ü":"é","empty":{},"none":null,"big":18446744073709551615}"#,
            "no object",
            r#"{"message":"now"}"#,
        ],
    );
    assert_eq!(accepted["accepted"], 4);
    visible(&client, 4);
    let documents = client.all("");
    let of = |message: &str| documents.iter().find(|document| document["message"] == message).unwrap();
    let first = of("first");
    assert_eq!(first["@timestamp"], "2026-11-20T10:00:00.000000001Z");
    assert_eq!((&first["n"], &first["f"], &first["b"]), (&json!(1), &json!(1.0), &json!(false)));
    assert_eq!((&first["nested.a.b"], &first["list"]), (&json!("c"), &json!([1, "x", null])));
    let second = of("");
    assert_eq!(second["@timestamp"], "2025-11-20T10:00:00Z");
    assert_eq!((&second["ü"], &second["empty"], &second["none"]), (&json!("é"), &json!({}), &Value::Null));
    assert_eq!(second["big"], json!(18_446_744_073_709_551_615_u64));
    assert_eq!(of("no object")["message"], "no object");
}

#[test]
fn every_endpoint_agrees_on_the_counts() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    let lines: Vec<String> = (0..60)
        .map(|n| {
            let level = ["info", "warn", "error"][n % 3];
            format!(
                r#"{{"@timestamp":"2026-11-20T10:{n:02}:00Z","message":"request {n} done","level":"{level}","service.name":"s{}","ms":{n}}}"#,
                n % 4
            )
        })
        .collect();
    ingest(&client, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    visible(&client, 60);

    let rows =
        [("", 60), ("request", 60), ("\"request 7 done\"", 1), ("level:error", 20), ("level>=warn", 40)];
    let more = [("ms>=50", 10), ("service:s1 ms<8", 2), ("NOT service:s1", 45), ("req*", 60), ("nothing", 0)];
    for (query, expected) in rows.into_iter().chain(more) {
        assert_eq!(client.count(query), Some(expected), "{query}");
        assert_eq!(client.all(query).len() as u64, expected, "{query}");
    }
    let range = [("q", "level:error"), ("start", "2026-11-20T10:00:00Z"), ("end", "2026-11-20T10:30:00Z")];
    let histogram = client
        .get("/api/v1/histogram", &[&range[..], &[("step", "10m"), ("by", "log.level")]].concat())
        .json();
    assert_eq!((&histogram["step_ms"], &histogram["total"]), (&json!(600_000), &json!(10)));
    let counts: Vec<_> =
        histogram["buckets"].as_array().unwrap().iter().map(|bucket| bucket["count"].clone()).collect();
    assert_eq!(counts, [json!(3), json!(3), json!(4)]);
    assert_eq!(histogram["buckets"][0]["by"], json!({"error": 3}));

    let stats = client
        .get(
            "/api/v1/stats",
            &[("q", "| stats count() as n, max(ms) as top by service.name | sort by service.name")],
        )
        .json();
    let names: Vec<_> =
        stats["columns"].as_array().unwrap().iter().map(|column| column["name"].clone()).collect();
    assert_eq!(names, [json!("service.name"), json!("n"), json!("top")]);
    assert_eq!(stats["rows"][3], json!(["s3", 15, 59]));

    let facets =
        client.get("/api/v1/facets", &[("q", ""), ("fields", "service.name,absent"), ("top", "2")]).json();
    assert_eq!(facets["fields"][0]["values"][0], json!({"value": "s0", "count": 15}));
    assert_eq!((&facets["fields"][0]["distinct"], &facets["fields"][1]["missing"]), (&json!(4), &json!(60)));

    let values = client.get("/api/v1/values", &[("field", "service.name"), ("prefix", "s")]).json();
    assert_eq!(values["values"].as_array().unwrap().len(), 4);
    let fields = client.get("/api/v1/fields", &[]).json();
    assert!(fields["fields"].as_array().unwrap().iter().any(|field| field["name"] == "ms"), "{fields}");

    let bad = client.get("/api/v1/query", &[("q", "level:(error")]);
    assert_eq!(bad.status, 400);
    assert!(bad.json()["offset"].is_u64() && bad.json()["code"].is_string(), "{}", bad.text);
}

#[test]
fn ties_in_time_keep_the_order_of_the_stream() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    let lines: Vec<String> = (0..500)
        .map(|n| format!(r#"{{"@timestamp":"2026-11-20T10:00:00Z","message":"m","n":{n}}}"#))
        .collect();
    ingest(&client, &lines.iter().map(String::as_str).collect::<Vec<_>>());
    visible(&client, 500);
    let numbers: Vec<u64> = client.all("").iter().map(|document| document["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
}

#[test]
fn bad_input_is_refused_in_words_and_stops_nothing() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let client = cluster.client();
    let gzip = [("content-encoding", "gzip")];
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a [u8], u16);
    let rows: [Row<'_>; 4] = [
        (&gzip, b"not gzip", 400),
        (&[("content-encoding", "br")], b"{}", 415),
        (&[], b"\xff\xfe{\"a\":", 200),
        (&[], b"", 200),
    ];
    for (headers, body, status) in rows {
        let reply = client.post("/api/v1/ingest", headers, body);
        assert_eq!(reply.status, status, "{body:?}: {}", reply.text);
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(client.post("/api/v1/ingest", &[], format!("{{\"deep\":{deep}}}").as_bytes()).status, 200);
    assert_eq!(client.get("/-/healthy", &[]).status, 200);
}
