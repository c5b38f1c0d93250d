//! Ingest, health, metrics and the page.

use std::io::Write;

use axum::body::Body;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Request;
use serde_json::json;

use super::{Server, until};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn ingest(encoding: &str, body: impl Into<Body>) -> Request<Body> {
    Request::post("/api/v1/ingest").header("content-encoding", encoding).body(body.into()).unwrap()
}

#[tokio::test]
async fn ingest_takes_every_encoding() {
    let server = Server::new();
    let line = br#"{"message":"hello"}"#;
    let zstd = zstd::bulk::compress(line, 1).unwrap();
    for request in [ingest("identity", line.to_vec()), ingest("gzip", gzip(line)), ingest("zstd", zstd)] {
        let reply = server.send(request).await;
        assert_eq!(reply.json(), json!({"accepted": 1, "rejected": 0, "errors": []}));
    }
    until(|| server.state.store.health().documents == 3).await;
    let reply = server.post("/api/v1/ingest", "").await;
    assert_eq!(reply.json()["accepted"], 0);
    let reply = server.post("/api/v1/ingest", "{\"a\":1}\nplain text\n").await;
    let errors = reply.json();
    assert_eq!((&errors["accepted"], &errors["errors"][0]["line"]), (&json!(2), &json!(2)));
}

#[tokio::test]
async fn ingest_refuses_what_is_too_large_or_no_encoding() {
    let server = Server::new();
    let bomb = gzip(&vec![b'x'; 80 << 20]);
    assert!(bomb.len() < 1 << 20);
    let rows = [
        (ingest("gzip", bomb), 413, "too_large"),
        (ingest("identity", vec![b'x'; 17 << 20]), 413, "too_large"),
        (ingest("gzip", "no gzip"), 400, "bad_body"),
        (ingest("br", "x"), 415, "unsupported_encoding"),
    ];
    for (request, status, code) in rows {
        let reply = server.send(request).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].clone()), (status, json!(code)));
    }
    let reply = server.post("/api/v1/ingest", r#"{"message":"after all that"}"#).await;
    assert_eq!(reply.json()["accepted"], 1);
}

#[tokio::test]
async fn health_and_metrics() {
    let server = Server::holding(&[r#"{"message":"a"}"#]).await;
    assert_eq!(server.get("/-/healthy").await.body, "healthy\n");
    assert_eq!(server.get("/-/ready").await.body, "ready\n");
    server.get("/api/v1/query").await;
    server.get("/api/v1/query?limit=x").await;
    let reply = server.get("/metrics").await;
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        "millpond_ingest_documents_total 1",
        "millpond_http_queries_total 1",
        "millpond_http_query_errors_total 1",
        "millpond_agents_certificates_expiring 0",
        "millpond_ready 1",
    ] {
        assert!(reply.body.lines().any(|have| have == line), "{line} in {}", reply.body);
    }
    server.stopper.stop();
    let reply = server.get("/-/ready").await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].clone()), (503, json!("not_ready")));
    assert_eq!(server.get("/-/healthy").await.status, 200);
}

#[tokio::test]
async fn the_page_is_served_with_its_headers() {
    let server = Server::new();
    let reply = server.get("/").await;
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").starts_with("text/html"));
    assert_eq!(reply.header("cache-control"), "no-cache");
    assert!(reply.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(reply.header("referrer-policy"), "no-referrer");
    let etag = reply.header("etag").to_owned();
    assert!(etag.starts_with("W/\""));
    let again = Request::get("/").header("if-none-match", &etag).body(Body::empty()).unwrap();
    let reply = server.send(again).await;
    assert_eq!((reply.status.as_u16(), reply.body.as_str()), (304, ""));
    let head = Request::head("/index.html").body(Body::empty()).unwrap();
    assert_eq!(server.send(head).await.status, 200);
    for (name, asset) in millpond_ui::assets() {
        let reply = server.get(&format!("/{name}")).await;
        assert_eq!(reply.header("content-type"), asset.content_type);
        assert_eq!(reply.header("cache-control").contains("immutable"), asset.immutable, "{name}");
    }
    let reply = server.post("/index.html", "").await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn the_openapi_document_has_every_endpoint_and_every_parameter() {
    let server = Server::new();
    let document = server.get("/api/v1/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let request = Request::builder().method(method.to_uppercase().as_str());
            let reply =
                server.send(request.uri(format!("{path}?nothing=1")).body(Body::empty()).unwrap()).await;
            if path == "/api/v1/ingest" {
                assert_eq!(reply.status, 200);
                continue;
            }
            let problem = reply.json();
            assert_eq!(problem["code"], "unknown_parameter", "{method} {path}: {problem}");
            let documented = match operation["parameters"].as_array() {
                Some(list) => list.iter().map(|one| one["name"].as_str().unwrap()).collect::<Vec<_>>(),
                None => {
                    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
                    body["properties"].as_object().unwrap().keys().map(String::as_str).collect()
                }
            };
            for name in documented {
                assert!(problem["detail"].as_str().unwrap().contains(name), "{name} in {problem}");
            }
        }
    }
}
