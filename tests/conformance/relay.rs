//! Stands between the agent and the collector, with the collector's certificate to the one and the agent's to the
//! other, and refuses what has a certain text in it. Everything else goes to the real collector.

use std::convert::Infallible;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use millpond_tests::cluster::Cluster;
use millpond_wire::compression::{Encoding, decompress};
use millpond_wire::limits::BODY_DECODED_BYTES_MAX;
use millpond_wire::tls::{self, SERVER_NAME};
use rustls::pki_types::ServerName;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A running relay; it ends when it is dropped.
pub(crate) struct Relay {
    address: String,
    inner: Arc<Inner>,
    _runtime: Runtime,
}

struct Inner {
    collector: String,
    connector: TlsConnector,
    poison: Vec<u8>,
    refusals: AtomicU64,
}

impl Relay {
    /// For an agent that is enrolled.
    pub(crate) fn start(cluster: &Cluster, poison: &[u8]) -> Self {
        let read = |name: &str| fs::read(cluster.path(name)).expect("a PEM file");
        let ca = read("collector/identity/ca.pem");
        let (chain, key) = (read("collector/identity/server.pem"), read("collector/identity/server-key.pem"));
        let to_agent = tls::server_config(&chain, &key, &ca).expect("the collector's certificate");
        let (chain, key) = (read("agent/agent.crt"), read("agent/agent.key"));
        let to_collector = tls::client_config(&ca, &chain, &key).expect("the agent's certificate");
        let inner = Arc::new(Inner {
            collector: cluster.ingest_address().to_owned(),
            connector: TlsConnector::from(to_collector),
            poison: poison.to_vec(),
            refusals: AtomicU64::new(0),
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        runtime.spawn(serve(listener, TlsAcceptor::from(to_agent), Arc::clone(&inner)));
        Self { address, inner, _runtime: runtime }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Requests that were refused so far.
    pub(crate) fn refusals(&self) -> u64 {
        self.inner.refusals.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, inner: Arc<Inner>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, inner) = (acceptor.clone(), Arc::clone(&inner));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request| {
                let inner = Arc::clone(&inner);
                async move { Ok::<_, Infallible>(inner.answer(request).await) }
            });
            let connection = server::Builder::new(TokioExecutor::new());
            // It ends when the agent goes.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Inner {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        match self.pass(request).await {
            Ok(response) => response,
            Err(reason) => response(503, reason.to_string()),
        }
    }

    async fn pass(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let encoding = parts.headers.get("content-encoding").and_then(|value| value.to_str().ok());
        let plain = decompress(Encoding::from_header(encoding)?, &body, BODY_DECODED_BYTES_MAX)?;
        if memchr::memmem::find(&plain, &self.poison).is_some() {
            self.refusals.fetch_add(1, Ordering::SeqCst);
            return Ok(response(400, "there is poison in it".into()));
        }
        let stream = TcpStream::connect(&self.collector).await?;
        let stream = self.connector.connect(ServerName::try_from(SERVER_NAME)?, stream).await?;
        let (mut requests, connection) =
            client::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let answer = requests.send_request(Request::from_parts(parts, Full::new(body))).await?;
        let (parts, body) = answer.into_parts();
        Ok(Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
    }
}

fn response(status: u16, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = http::StatusCode::from_u16(status).expect("a status");
    response
}
