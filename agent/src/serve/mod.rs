//! What the agent tells about itself over HTTP: figures and health on a port of loopback, status and explanations on a
//! socket in the state directory, which only the agent's user can open, since they name files.
//!
//! | file | what it does |
//! |---|---|
//! | `guard` | keeps web pages away from the port |
//! | `exposition` | a report as figures for Prometheus |
//! | `process` | memory and processor time of this process |
//! | `client` | how the commands ask |

pub mod client;
mod exposition;
mod guard;
mod process;

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use crate::limits;
use crate::mailbox::{Ask, Mailbox};
use crate::status::{Report, Shared};
use crate::time::Clock;

/// Name of the socket in the state directory.
pub const SOCKET: &str = "agent.sock";

/// Answers questions; one for each door.
#[derive(Debug, Clone)]
pub struct Desk {
    /// What is known without the tailer.
    pub shared: Shared,
    /// To the tailer.
    pub mailbox: Arc<Mailbox>,
    /// For what the tailer doesn't answer.
    pub clock: Clock,
}

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Anyone on this machine.
    Port,
    /// The agent's user.
    Socket,
}

type Answer = Response<Full<Bytes>>;

impl Desk {
    /// Serves the port of the figures. A port that is taken is said, and the agent runs without.
    pub async fn serve_port(self, address: SocketAddr) {
        let listener = match TcpListener::bind(address).await {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(%address, %error, "no figures are shown; see [metrics] in agent.toml");
                return;
            }
        };
        tracing::info!(%address, "figures under /metrics");
        let room = Arc::new(Semaphore::new(limits::OBSERVERS_MAX));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().converse(stream, Door::Port, permit))),
                // Out of descriptors, mostly; the agent's work goes on.
                Err(_) => sleep(Duration::from_millis(limits::BACKOFF_FIRST_MS)).await,
            }
        }
    }

    /// Serves the socket of the commands. Where none can be made, `status.json` is what is left.
    pub async fn serve_socket(self, directory: PathBuf) {
        let path = directory.join(SOCKET);
        let listener = match bind(&path) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "no socket for the commands status and explain");
                return;
            }
        };
        let room = Arc::new(Semaphore::new(limits::OBSERVERS_MAX));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => drop(tokio::spawn(self.clone().converse(stream, Door::Socket, permit))),
                Err(_) => sleep(Duration::from_millis(limits::BACKOFF_FIRST_MS)).await,
            }
        }
    }

    /// One connection, one request.
    async fn converse(
        self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        door: Door,
        _permit: tokio::sync::OwnedSemaphorePermit,
    ) {
        let patience = Duration::from_millis(limits::OBSERVER_MS);
        let service = service_fn(|request| {
            let desk = self.clone();
            async move { Ok::<_, Infallible>(desk.answer(&request, door).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        // Whoever is too slow, or speaks something else, is none of our business.
        let _ = timeout(patience, connection).await;
    }

    async fn answer(&self, request: &Request<Incoming>, door: Door) -> Answer {
        if door == Door::Port
            && let Err(reason) = guard::check(request.uri(), request.headers())
        {
            return text(StatusCode::FORBIDDEN, reason);
        }
        if request.method() != Method::GET {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET");
        }
        match (door, request.uri().path()) {
            (Door::Port, "/metrics") => {
                let (report, is_answering) = self.report().await;
                let figures = exposition::write(&report, is_answering, &process::Usage::now());
                reply(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", figures.into())
            }
            (Door::Port, "/healthy") => text(StatusCode::OK, "ok"),
            (Door::Socket, "/status") => json(&self.report().await.0),
            (Door::Socket, "/explain") => self.explain(request.uri().query().unwrap_or_default()).await,
            _ => text(StatusCode::NOT_FOUND, "there is /metrics and /healthy"),
        }
    }

    /// The tailer's report; without it if the tailer is too slow, and then `false`.
    async fn report(&self) -> (Report, bool) {
        let (sender, answer) = oneshot::channel();
        self.mailbox.ask(Ask::Status(sender));
        match timeout(Duration::from_millis(limits::ASK_MS), answer).await {
            Ok(Ok(report)) => (report, true),
            _ => (Report::without_tailer(&self.shared, self.clock.now()), false),
        }
    }

    async fn explain(&self, query: &str) -> Answer {
        let Some(path) = client::decode_path(query) else {
            return text(StatusCode::BAD_REQUEST, "the query is the path in hexadecimal");
        };
        let (sender, answer) = oneshot::channel();
        self.mailbox.ask(Ask::Explain(path, sender));
        match timeout(Duration::from_millis(limits::ASK_MS), answer).await {
            Ok(Ok(explanation)) => json(&explanation),
            _ => text(StatusCode::SERVICE_UNAVAILABLE, "the tailer doesn't answer"),
        }
    }
}

/// The lock of the directory is held: a socket that is there was left behind.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Nobody else can reach it before its mode is set: the directory is private.
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn json(value: &impl serde::Serialize) -> Answer {
    let bytes = serde_json::to_vec(value).expect("reports are plain data");
    reply(StatusCode::OK, "application/json", bytes.into())
}

fn text(status: StatusCode, text: &'static str) -> Answer {
    reply(status, "text/plain; charset=utf-8", format!("{text}\n").into())
}

fn reply(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
    headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    headers.insert(http::header::X_CONTENT_TYPE_OPTIONS, http::HeaderValue::from_static("nosniff"));
    response
}
