//! What every request gets: an id, its times, a fair share of the threads, and a line in the log when it was slow.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};

use super::{Server, limits};
use crate::config::Limits;

#[tokio::test]
async fn replies_and_errors_have_the_id_of_the_request() {
    let server = Server::holding(&[r#"{"message":"a"}"#]).await;
    let send = async |path: &str, id: &str| {
        let request = Request::get(path).header("x-request-id", id).body(Body::empty()).unwrap();
        server.send(request).await
    };
    let paths =
        ["/api/v1/query", "/api/v1/stats?q=*|stats%20count()", "/api/v1/nothing", "/api/v1/query?x=1"];
    for path in paths {
        assert_eq!(send(path, "4bf92f35-77b3").await.header("x-request-id"), "4bf92f35-77b3");
        let made = send(path, "no sane id").await;
        assert_eq!(made.header("x-request-id").len(), 16, "{path}");
        assert_ne!(made.header("x-request-id"), server.get(path).await.header("x-request-id"));
    }
    let problem = send("/api/v1/query?x=1", "abc").await.json();
    assert_eq!((&problem["request_id"], &problem["code"]), (&json!("abc"), &json!("unknown_parameter")));
    let foreign = Request::get("/").header("host", "evil.example").body(Body::empty()).unwrap();
    let foreign = server.send(foreign).await;
    assert_eq!(foreign.json()["request_id"], foreign.header("x-request-id"));
    let head = Request::head("/api/v1/query?x=1").body(Body::empty()).unwrap();
    assert_eq!(server.send(head).await.body, "");
}

#[tokio::test]
async fn replies_say_what_took_how_long() {
    let server = Server::holding(&[r#"{"message":"a"}"#]).await;
    let rows = [
        ("/api/v1/query?q=a", &["queue", "plan", "search", "total"][..]),
        ("/api/v1/histogram?q=a", &["queue", "plan", "search", "total"]),
        ("/api/v1/fields", &["queue", "plan", "search", "total"]),
        ("/api/v1/values?field=a", &["queue", "plan", "search", "total"]),
        ("/-/healthy", &["total"]),
    ];
    for (path, expected) in rows {
        let reply = server.get(path).await;
        let timing = reply.header("server-timing").to_owned();
        let parts: Vec<_> = timing.split(", ").map(|part| part.split_once(";dur=").unwrap()).collect();
        let names: Vec<_> = parts.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, expected, "{path}: {timing}");
        assert!(parts.iter().all(|(_, ms)| ms.parse::<f64>().is_ok()), "{timing}");
    }
}

#[tokio::test]
async fn slow_queries_are_counted() {
    let slow = |server: &Server| server.state.metrics.http_queries_slow_total.value();
    for (slow_query, expected) in [(Duration::ZERO, 3), (Duration::from_secs(60), 0)] {
        let server = Server::with_limits(Limits { slow_query, ..limits() });
        server.ingest(&[r#"{"message":"a"}"#]).await;
        for path in ["/api/v1/query?q=a", "/api/v1/facets?fields=a", "/api/v1/query?q=("] {
            server.get(path).await;
        }
        assert_eq!(slow(&server), expected);
    }
}

#[tokio::test]
async fn the_load_of_the_threads_is_in_the_metrics() {
    let server = Server::new();
    let metrics = server.get("/metrics").await.body;
    for line in ["millpond_http_queries_running 0", "millpond_http_exports_waiting 0"] {
        assert!(metrics.lines().any(|have| have == line), "{line} in {metrics}");
    }
    let no_fields: Value = server.get("/api/v1/facets").await.json();
    assert_eq!(no_fields["code"], "bad_parameter");
}
