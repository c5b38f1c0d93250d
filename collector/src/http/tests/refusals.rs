//! Requests that are refused: each with its status and code, and the next request is served as if nothing was.

use axum::body::Body;
use http::Request;
use serde_json::json;

use super::{Server, encoded, limits};
use crate::config::Limits;

async fn check(server: &Server, request: Request<Body>, status: u16, code: &str) {
    let name = format!("{} {}", request.method(), request.uri());
    let reply = server.send(request).await;
    assert_eq!(reply.status.as_u16(), status, "{name}: {}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{name}");
    let problem = reply.json();
    assert_eq!(problem["code"], code, "{name}: {problem}");
    assert_eq!(problem["status"], status);
    assert!(!problem["detail"].as_str().unwrap().is_empty(), "{name}");
    assert_eq!(reply.header("x-content-type-options"), "nosniff", "{name}");
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn bad_parameters() {
    let server = Server::new();
    let rows = [
        ("/api/v1/query?limt=1", "unknown_parameter"),
        ("/api/v1/query?limit=0", "bad_parameter"),
        ("/api/v1/query?limit=10001", "bad_parameter"),
        ("/api/v1/query?limit=-1", "bad_parameter"),
        ("/api/v1/query?limit=1&limit=2", "bad_parameter"),
        ("/api/v1/query?order=up", "bad_parameter"),
        ("/api/v1/query?cursor=zz", "bad_parameter"),
        ("/api/v1/query?cursor=s5", "bad_parameter"),
        ("/api/v1/query?start=soon", "bad_parameter"),
        ("/api/v1/query?start=now&end=now-1h", "bad_parameter"),
        ("/api/v1/query?timeout=1d", "bad_parameter"),
        ("/api/v1/query?q=%FF", "not_utf8"),
        ("/api/v1/histogram?buckets=1001", "bad_parameter"),
        ("/api/v1/histogram?step=5", "bad_parameter"),
        ("/api/v1/histogram?start=now-10d&end=now&step=1s", "bad_parameter"),
        ("/api/v1/facets", "bad_parameter"),
        ("/api/v1/facets?fields=a&top=1001", "bad_parameter"),
        ("/api/v1/values", "bad_parameter"),
        ("/api/v1/context", "bad_parameter"),
        ("/api/v1/context?id=zz", "bad_parameter"),
        ("/api/v1/context?id=80000000000000000000000000000007&before=1001", "bad_parameter"),
        ("/api/v1/context?id=80000000000000000000000000000007&scope=disk", "bad_parameter"),
        ("/api/v1/export?format=xml", "bad_parameter"),
        ("/api/v1/export?limit=5", "unknown_parameter"),
        ("/api/v1/export?cursor=zz", "bad_parameter"),
        ("/api/v1/export?timeout=0", "bad_parameter"),
        ("/api/v1/stats?q=error", "unsupported_query"),
        ("/api/v1/tail?q=*|limit+5", "unsupported_query"),
        ("/api/v1/tail?start=now", "unknown_parameter"),
    ];
    for (path, code) in rows {
        check(&server, get(path), 400, code).await;
    }
    let many = format!("/api/v1/facets?fields={}", vec!["f"; 51].join(","));
    check(&server, get(&many), 400, "bad_parameter").await;
    let long = format!("/api/v1/values?field={}", "f".repeat(513));
    check(&server, get(&long), 400, "bad_parameter").await;
}

#[tokio::test]
async fn a_query_error_says_where_and_how_to_mend_it() {
    let server = Server::new();
    for endpoint in ["query", "histogram", "stats", "tail", "facets"] {
        let reply = server.get(&format!("/api/v1/{endpoint}?q={}", encoded("é level:(error or"))).await;
        assert_eq!(reply.status, 400, "{endpoint}");
        let problem = reply.json();
        assert_eq!(problem["parameter"], "q", "{problem}");
        let (offset, length) = (problem["offset"].as_u64().unwrap(), problem["length"].as_u64().unwrap());
        assert!(offset + length <= "é level:(error or".len() as u64, "{problem}");
        assert!(problem["code"].is_string() && problem["title"] == "Bad Request");
    }
    let reply = server.get(&format!("/api/v1/query?q={}", encoded("* | stat count()"))).await;
    assert_eq!(reply.json()["code"], "unknown_pipe");
    assert!(reply.json()["hint"].as_str().unwrap().contains("stats"), "{}", reply.body);
}

#[tokio::test]
async fn paths_methods_and_bodies() {
    let server = Server::new();
    check(&server, get("/api/v1/nothing"), 404, "not_found").await;
    check(&server, get("/-/nothing"), 404, "not_found").await;
    let gone = "/api/v1/context?id=80000000000000000000000000000007";
    check(&server, get(gone), 404, "no_such_document").await;
    check(&server, get("/../etc/passwd"), 404, "not_found").await;
    check(&server, get("/api/v1/ingest"), 405, "method_not_allowed").await;
    let delete = Request::delete("/api/v1/query").body(Body::empty()).unwrap();
    check(&server, delete, 405, "method_not_allowed").await;
    let post = Request::post("/api/v1/tail").body(Body::empty()).unwrap();
    check(&server, post, 405, "method_not_allowed").await;
    let reply = server.get("/api/v1/ingest").await;
    assert_eq!(reply.header("allow"), "POST");
    let text =
        Request::post("/api/v1/query").header("content-type", "text/plain").body("q=1".into()).unwrap();
    check(&server, text, 415, "unsupported_media_type").await;
    let large = Request::post("/api/v1/query").body("x".repeat(300 << 10).into()).unwrap();
    check(&server, large, 413, "too_large").await;
}

#[tokio::test]
async fn pages_of_other_origins() {
    let server = Server::new();
    let foreign = Request::get("/metrics").header("host", "evil.example").body(Body::empty()).unwrap();
    check(&server, foreign, 403, "foreign_host").await;
    let foreign = Request::post("/api/v1/ingest")
        .header("host", "127.0.0.1:7500")
        .header("origin", "http://evil.example")
        .body(r#"{"message":"x"}"#.into())
        .unwrap();
    check(&server, foreign, 403, "foreign_origin").await;
    assert_eq!(server.state.metrics.ingest_documents_total.value(), 0);
}

#[tokio::test]
async fn too_many_queries_and_tails() {
    let server = Server::with_limits(Limits { concurrent_tails: 1, ..limits() });
    let open = tower::ServiceExt::oneshot(server.router.clone(), get("/api/v1/tail")).await.unwrap();
    assert_eq!(open.status(), 200);
    let reply = server.get("/api/v1/tail").await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].clone()), (503, json!("overloaded")));
    assert!(reply.header("retry-after").parse::<u32>().is_ok());
    drop(open);
    let again = tower::ServiceExt::oneshot(server.router.clone(), get("/api/v1/tail")).await.unwrap();
    assert_eq!(again.status(), 200);
}
