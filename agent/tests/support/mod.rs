//! A collector that fails on purpose, with a CA of its own, and an agent enrolled with it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use millpond_agent::app;
use millpond_agent::config::Config;
use millpond_wire::compression::{Encoding, decompress};
use millpond_wire::limits::BODY_DECODED_BYTES_MAX;
use millpond_wire::otlp::{Stamp, decode, encode_response};
use millpond_wire::position::{StreamId, StreamPosition};
use millpond_wire::tls::{self, SERVER_NAME};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What goes wrong with a request for logs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// It is kept, and the connection closed before the answer.
    LoseAnswer,
    /// The connection is closed, and nothing kept.
    DropBeforeReading,
    /// Nothing is kept.
    Status(u16),
    /// Nothing is kept, and the answer is 200 with a page.
    Garbage,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    poison: Option<String>,
    positions: HashMap<StreamId, (u64, String)>,
    lines: BTreeMap<String, usize>,
    requests: usize,
    most_requests: usize,
    renewals: usize,
}

/// Keeps positions and lines as the real one does.
#[derive(Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<State>>);

impl Collector {
    pub(crate) fn fail_with(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.lock().unwrap().faults.extend(faults);
    }

    pub(crate) fn faults_left(&self) -> usize {
        self.0.lock().unwrap().faults.len()
    }

    pub(crate) fn refuse(&self, text: &str) {
        self.0.lock().unwrap().poison = Some(text.to_owned());
    }

    pub(crate) fn most_requests_at_once(&self) -> usize {
        self.0.lock().unwrap().most_requests
    }

    /// Requests for a certificate.
    pub(crate) fn renewals(&self) -> usize {
        self.0.lock().unwrap().renewals
    }

    pub(crate) fn lines(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap().lines.clone()
    }

    /// Each line as often as it was kept.
    pub(crate) fn sorted_lines(&self) -> Vec<String> {
        self.lines().into_iter().flat_map(|(line, count)| std::iter::repeat_n(line, count)).collect()
    }

    /// `None` closes the connection.
    async fn answer(&self, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        match (parts.method, parts.uri.path()) {
            (Method::GET, "/v1/positions") => Some(Response::new(Full::from(self.positions()))),
            (Method::POST, "/v1/logs") => {
                assert_eq!(parts.headers["content-type"], "application/x-protobuf");
                let encoding =
                    Encoding::from_header(parts.headers["content-encoding"].to_str().ok()).unwrap();
                self.enter();
                tokio::task::yield_now().await;
                let answer = self.logs(&decompress(encoding, &body, BODY_DECODED_BYTES_MAX).unwrap());
                self.0.lock().unwrap().requests -= 1;
                answer
            }
            // Nobody answers it.
            (Method::POST, "/v1/renew") => {
                self.0.lock().unwrap().renewals += 1;
                std::future::pending().await
            }
            other => panic!("nobody asks for {other:?}"),
        }
    }

    fn enter(&self) {
        let mut state = self.0.lock().unwrap();
        state.requests += 1;
        state.most_requests = state.most_requests.max(state.requests);
    }

    fn logs(&self, body: &[u8]) -> Option<Response<Full<Bytes>>> {
        let mut state = self.0.lock().unwrap();
        let fault = state.faults.pop_front();
        match fault {
            Some(Fault::DropBeforeReading) => return None,
            Some(Fault::Status(status)) => return Some(response(status, b"not now")),
            Some(Fault::Garbage) => return Some(response(200, b"<html>")),
            Some(Fault::LoseAnswer) | None => {}
        }
        let poison = state.poison.clone().unwrap_or_else(|| "no such text".into());
        if memchr::memmem::find(body, poison.as_bytes()).is_some() {
            return Some(response(400, b"there is poison in it"));
        }
        keep(&mut state, body);
        if fault.is_some() { None } else { Some(response(200, &encode_response(0, ""))) }
    }

    fn positions(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for (stream, (offset, text)) in &self.0.lock().unwrap().positions {
            let position = StreamPosition { stream: *stream, offset: *offset, state: text.clone() };
            serde_json::to_writer(&mut list, &position).unwrap();
            list.push(b'\n');
        }
        list
    }
}

fn keep(state: &mut State, body: &[u8]) {
    let logs = decode(body, &Stamp { agent_id: Some("test"), received_ns: 0 }).unwrap();
    for group in &logs.groups {
        let kept = state.positions.get(&group.span.stream).map_or(0, |position| position.0);
        for index in group.docs.clone().filter(|index| logs.offsets[*index].unwrap() >= kept) {
            let message = logs.batch.doc(index).unwrap().message().unwrap().to_owned();
            *state.lines.entry(message).or_default() += 1;
        }
        if group.span.to_offset > kept {
            state.positions.insert(group.span.stream, (group.span.to_offset, group.span.state.clone()));
        }
    }
}

fn response(status: u16, body: &[u8]) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::from(body.to_vec())).unwrap()
}

/// A collector, and the directory of a host.
pub(crate) struct Site {
    root: TempDir,
    pub(crate) collector: Collector,
    server: JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// An agent that runs in this process.
pub(crate) struct Agent {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Agent {
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::start_with(CertificateParams::default()).await
    }

    /// The agent's certificate is due to be renewed.
    pub(crate) async fn start_before_renewal() -> Self {
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (date_time_ymd(1971, 1, 1), date_time_ymd(2040, 1, 1));
        Self::start_with(params).await
    }

    async fn start_with(of_agent: CertificateParams) -> Self {
        let root = tempfile::tempdir().unwrap();
        for directory in ["logs", "agent"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let acceptor = write_identities(&root.path().join("agent"), of_agent);
        let collector = Collector::default();
        let server = tokio::spawn(serve(listener, acceptor, collector.clone()));
        let logs = root.path().join("logs");
        let config = format!(
            "[collector]\naddress = '{address}'\n[[files]]\ninclude = ['{}/**']\nformat = 'text'\n[limits]\nbatch_bytes = 20000\n",
            logs.display()
        );
        fs::write(root.path().join("agent/agent.toml"), config).unwrap();
        Self { root, collector, server }
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.root.path().join("logs")
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.root.path().join("agent")
    }

    pub(crate) fn config(&self) -> Config {
        Config::load(&self.data_dir().join("agent.toml")).unwrap()
    }

    pub(crate) fn start_agent(&self) -> Agent {
        let (stop, stopped) = oneshot::channel();
        let config = self.config();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            app::run_until(config, stopped).await.unwrap();
        });
        Agent { stop, task }
    }
}

/// Waits for a condition, at most half a minute.
pub(crate) async fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Makes a CA, writes the agent's files and returns the server's side.
fn write_identities(directory: &Path, of_agent: CertificateParams) -> TlsAcceptor {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let issue = |params: CertificateParams| {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (certificate, key) = issue(of_agent);
    for (name, text) in [("ca.crt", ca.pem()), ("agent.crt", certificate), ("agent.key", key)] {
        fs::write(directory.join(name), text).unwrap();
    }
    let (certificate, key) = issue(CertificateParams::new(vec![SERVER_NAME.to_owned()]).unwrap());
    let chain = certificate + &ca.pem();
    TlsAcceptor::from(tls::server_config(chain.as_bytes(), key.as_bytes(), ca.pem().as_bytes()).unwrap())
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, collector: Collector) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, collector) = (acceptor.clone(), collector.clone());
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let (close, closed) = oneshot::channel::<()>();
            let close = Arc::new(Mutex::new(Some(close)));
            let service = service_fn(|request| {
                let (collector, close) = (collector.clone(), Arc::clone(&close));
                async move {
                    match collector.answer(request).await {
                        Some(answer) => Ok::<_, Infallible>(answer),
                        None => {
                            drop(close.lock().unwrap().take());
                            std::future::pending().await
                        }
                    }
                }
            });
            let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                _ = connection => {}
                _ = closed => {}
            }
        });
    }
}
