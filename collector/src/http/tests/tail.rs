//! `/api/v1/tail`: live documents, and what a slow client is told.

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::{PATIENCE, Server, encoded};

/// An open tail and what was not yet looked at of what it sent.
struct Tail {
    body: Body,
    text: String,
}

impl Tail {
    async fn open(server: &Server, query: &str) -> Self {
        let request = Request::get(format!("/api/v1/tail?q={}", encoded(query))).body(Body::empty()).unwrap();
        let response = server.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut tail = Self { body: response.into_body(), text: String::new() };
        assert_eq!(tail.event().await, ": live\nretry: 2000");
        tail
    }

    /// The next event; empty at the end of the stream.
    async fn event(&mut self) -> String {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = event.to_owned();
                self.text = rest.to_owned();
                return event;
            }
            let Some(frame) = tokio::time::timeout(PATIENCE, self.body.frame()).await.unwrap() else {
                return String::new();
            };
            self.text.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
        }
    }

    async fn document(&mut self) -> Value {
        let event = self.event().await;
        let (id, data) = event.split_once("\ndata: ").unwrap_or_else(|| panic!("{event}"));
        let document: Value = serde_json::from_str(data).unwrap();
        assert_eq!(id.strip_prefix("id: "), document["_id"].as_str());
        document
    }
}

#[tokio::test]
async fn matching_documents_come_as_they_become_durable() {
    let server = Server::holding(&[r#"{"message":"before","level":"error"}"#]).await;
    let mut errors = Tail::open(&server, "level:error | where n>1 | fields message").await;
    let mut all = Tail::open(&server, "").await;
    server
        .ingest(&[
            r#"{"message":"quiet","level":"info","n":5}"#,
            r#"{"message":"low","level":"error","n":1}"#,
            r#"{"message":"loud","level":"error","n":2}"#,
        ])
        .await;
    let document = errors.document().await;
    assert_eq!(document["message"], "loud");
    assert_eq!(document.get("n"), None, "only the field that was asked for");
    for expected in ["quiet", "low", "loud"] {
        assert_eq!(all.document().await["message"], expected);
    }
}

#[tokio::test]
async fn fields_are_made_on_the_way() {
    let server = Server::new();
    let query = "n:* | extract \"user <user>\" | eval n = n * 10 | where n>10 user:* | fields n, user | rename n as tens";
    let mut tail = Tail::open(&server, query).await;
    server
        .ingest(&[
            r#"{"message":"user low","n":1}"#,
            r#"{"message":"nobody","n":5}"#,
            r#"{"message":"user bob!","n":2}"#,
        ])
        .await;
    let mut document = tail.document().await;
    let members = document.as_object_mut().unwrap();
    members.retain(|name, _| !matches!(name.as_str(), "_id" | "@timestamp"));
    assert_eq!(document, serde_json::json!({"user": "bob!", "tens": 20}));
}

#[tokio::test]
async fn a_slow_client_is_told_what_it_missed() {
    let server = Server::new();
    let mut tail = Tail::open(&server, "").await;
    let text = "x".repeat(1 << 20);
    let line = format!("{{\"message\":\"{text}\"}}");
    for _ in 0..6 {
        server.ingest(&[line.as_str(); 5]).await;
    }
    server.ingest(&[r#"{"message":"last"}"#]).await;
    let (mut seen, mut skipped) = (0, 0);
    loop {
        let event = tail.event().await;
        if let Some(notice) = event.strip_prefix("event: skipped\ndata: ") {
            let notice: Value = serde_json::from_str(notice).unwrap();
            skipped += notice["skipped"].as_u64().unwrap();
        } else {
            seen += 1;
            if event.contains(r#""message":"last""#) {
                break;
            }
        }
    }
    assert!(skipped > 0);
    assert_eq!(seen + skipped, 31);
    assert_eq!(server.state.metrics.http_tail_missed_total.value(), skipped);
}

#[tokio::test]
async fn a_stop_ends_the_stream() {
    let server = Server::new();
    let mut tail = Tail::open(&server, "").await;
    server.stopper.stop();
    assert_eq!(tail.event().await, "");
}
