//! The users' port over real sockets: how many connections, and for how long.

use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::http::endpoints::EXPORT;
use crate::http::listener::{Bounds, serve};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

struct Port {
    address: std::net::SocketAddr,
    metrics: Arc<Metrics>,
    stopper: Stopper,
    serving: JoinHandle<()>,
}

impl Port {
    async fn open(router: Router, bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stopper, stop) = stop_signal();
        let metrics = Arc::default();
        let serving = tokio::spawn(serve(listener, router, bounds, Arc::clone(&metrics), stop));
        Self { address, metrics, stopper, serving }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

fn router() -> Router {
    Router::new().route("/", get(|| async { "here" }))
}

/// Reads up to the end of the reply's body.
async fn reply(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"here") {
        let mut some = [0; 1000];
        let length = timeout(PATIENCE, stream.read(&mut some)).await.unwrap().unwrap();
        assert_ne!(length, 0, "closed after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend_from_slice(&some[..length]);
    }
    String::from_utf8(bytes).unwrap()
}

/// Waits until the other side closes; returns what it said before.
async fn closed(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("still open");
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn who_says_nothing_is_closed() {
    let bounds = Bounds { head_timeout: Duration::from_millis(50), ..Bounds::default() };
    let port = Port::open(router(), bounds).await;
    // Nothing, the beginning of either version of HTTP, a head without an end.
    for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", b"GET / HTTP/1.1\r\nhost: a"] {
        let mut stream = port.connect().await;
        stream.write_all(said).await.unwrap();
        assert!(!closed(&mut stream).await.contains("here"));
    }
    let mut kept = port.connect().await;
    kept.write_all(REQUEST).await.unwrap();
    assert!(reply(&mut kept).await.starts_with("HTTP/1.1 200"));
    assert_eq!(closed(&mut kept).await, "", "an idle connection");
}

#[tokio::test]
async fn connections_are_bounded_and_more_wait() {
    let bounds = Bounds { connections: 2, ..Bounds::default() };
    let port = Port::open(router(), bounds).await;
    let mut held = [port.connect().await, port.connect().await];
    for stream in &mut held {
        stream.write_all(REQUEST).await.unwrap();
        reply(stream).await;
    }
    let mut waiting = port.connect().await;
    waiting.write_all(REQUEST).await.unwrap();
    let early = timeout(Duration::from_millis(50), waiting.read_u8()).await;
    assert!(early.is_err(), "there is no place for it yet");
    drop(held);
    assert!(reply(&mut waiting).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn at_the_stop_requests_under_way_finish() {
    let (go, gone) = tokio::sync::watch::channel(false);
    let slow = get(move || {
        let mut gone = gone.clone();
        async move {
            let _ = gone.wait_for(|gone| *gone).await;
            "here"
        }
    });
    let port = Port::open(router().route("/slow", slow), Bounds::default()).await;
    let mut idle = port.connect().await;
    idle.write_all(REQUEST).await.unwrap();
    reply(&mut idle).await;
    let mut slow = port.connect().await;
    slow.write_all(b"GET /slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    until(|| go.receiver_count() > 1).await;
    port.stopper.stop();
    assert_eq!(closed(&mut idle).await, "");
    assert!(TcpStream::connect(port.address).await.is_err(), "nobody new");
    go.send_replace(true);
    assert!(closed(&mut slow).await.ends_with("here"));
    timeout(PATIENCE, port.serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_takes_nothing_is_closed_and_exports_have_more_patience() {
    const LARGE: usize = 32 << 20;
    let large = || async { "x".repeat(LARGE) };
    let router = Router::new().route("/", get(large)).route(EXPORT.path, get(large));
    let bounds = Bounds { stall: Duration::from_millis(50), ..Bounds::default() };
    let port = Port::open(router, bounds).await;
    let mut export = port.connect().await;
    let request = format!("GET {} HTTP/1.0\r\nconnection: close\r\n\r\n", EXPORT.path);
    export.write_all(request.as_bytes()).await.unwrap();
    let mut other = port.connect().await;
    other.write_all(REQUEST).await.unwrap();
    until(|| port.metrics.http_stalled_total.value() == 1).await;
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, other.read_to_end(&mut bytes)).await.expect("still open");
    assert!(bytes.len() < LARGE, "it was closed before the end");
    assert!(closed(&mut export).await.len() > LARGE);
    assert_eq!(port.metrics.http_stalled_total.value(), 1);
}

#[tokio::test]
async fn paused_clients_stop_no_search_and_get_everything_later() {
    let server = Server::with_limits(Limits { concurrent_queries: 1, ..limits() });
    let lines: Vec<String> =
        (0..4_000).map(|n| format!(r#"{{"message":"line {n} {}"}}"#, "x".repeat(3_000))).collect();
    server.ingest(&lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let port = Port::open(server.router.clone(), Bounds::default()).await;
    let mut paused = Vec::new();
    let since = Instant::now();
    for _ in 0..4 {
        let mut stream = port.connect().await;
        let request =
            "GET /api/v1/query?limit=10000 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        paused.push(stream);
    }
    let is_stalled = async || server.get("/metrics").await.body.contains("http_queries_stalled 4\n");
    while !is_stalled().await {
        assert!(since.elapsed() < PATIENCE);
        tokio::task::yield_now().await;
    }
    assert_eq!(server.get("/api/v1/query?limit=1").await.body.lines().count(), 2);
    for mut stream in paused {
        let reply = closed(&mut stream).await;
        let rows = reply.lines().filter(|line| line.contains("\"_id\"")).count();
        assert!(reply.contains("\"partial\":false"), "{:?}", reply.lines().last());
        assert_eq!(rows, lines.len());
    }
}
