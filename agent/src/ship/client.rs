//! One HTTP/2 connection to the collector over mutual TLS, made when it is needed and again when it is lost.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use millpond_wire::tls::{SERVER_NAME, TlsError};
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::answer::Answer;
use super::identity::Identity;
use crate::certificate::Validity;
use crate::limits;
use crate::metrics::Counters;

/// Where a collector is and who we are there. The files are looked at again and again, so that other
/// certificates need no restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name in the log and the status.
    pub name: String,
    /// `host:port` of the agents' port.
    pub address: String,
    /// PEM file of the CA.
    pub ca: PathBuf,
    /// PEM file of our certificate.
    pub certificate: PathBuf,
    /// PEM file of our key.
    pub key: PathBuf,
    /// Whether we ask for other certificates in time and replace these files; otherwise somebody else does.
    pub is_renewed: bool,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// One of the endpoint's files can't be read.
    #[error("{path}: {source}; was this agent enrolled?")]
    File {
        /// Which.
        path: PathBuf,
        /// From the system.
        source: io::Error,
    },
    /// The files don't make an identity.
    #[error("the agent's certificates: {0}")]
    Identity(#[from] TlsError),
    /// No connection, or no handshake.
    #[error("{address}: {source}")]
    Connect {
        /// Where to.
        address: String,
        /// What happened.
        source: io::Error,
    },
    /// No answer in time.
    #[error("{address}: no answer within {seconds} s")]
    Unanswered {
        /// Where to.
        address: String,
        /// The patience.
        seconds: u64,
    },
    /// No connection in time.
    #[error("{address}: nothing within {seconds} s")]
    TimedOut {
        /// Where to.
        address: String,
        /// The patience.
        seconds: u64,
    },
    /// The connection broke, or what came isn't HTTP/2.
    #[error("{address}: {reason}")]
    Broken {
        /// Where to.
        address: String,
        /// What happened.
        reason: String,
    },
}

impl ClientError {
    /// True when the request was sent, or a part of it: the collector may have acted on it.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Broken { .. } | Self::Unanswered { .. })
    }
}

/// A request to be sent.
#[derive(Debug)]
pub struct Request<'a> {
    /// GET or POST.
    pub method: Method,
    /// Absolute.
    pub path: &'a str,
    /// Names and values.
    pub headers: &'a [(&'static str, &'a str)],
    /// Content.
    pub body: Bytes,
    /// A longer answer is an error.
    pub answer_bytes_max: usize,
}

/// See the module.
#[derive(Debug)]
pub struct Client {
    address: String,
    identity: Identity,
    connection: Option<Connection>,
    /// What the collector showed last.
    server_chain: Vec<CertificateDer<'static>>,
}

/// The task drives the connection and ends with it.
#[derive(Debug)]
struct Connection {
    requests: SendRequest<Full<Bytes>>,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    /// Connects with the first request.
    pub fn new(endpoint: Endpoint, counters: Arc<Counters>) -> Self {
        let address = endpoint.address.clone();
        let identity = Identity::new(endpoint, counters);
        Self { address, identity, connection: None, server_chain: Vec::new() }
    }

    /// From when until when the certificate in use is good; `None` before the first connection.
    pub fn validity(&self) -> Option<Validity> {
        self.identity.validity()
    }

    /// The certificates that the collector showed last.
    pub fn server_chain(&self) -> &[CertificateDer<'static>] {
        &self.server_chain
    }

    /// Looks now and then whether our files were replaced; if so, the next request makes a new connection.
    pub fn refresh(&mut self) {
        if self.identity.refresh_if_due() {
            self.connection = None;
        }
    }

    /// As [`Self::refresh`], at once.
    pub fn refresh_now(&mut self) {
        if self.identity.refresh().unwrap_or(false) {
            self.connection = None;
        }
    }

    /// There is a connection, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.requests.is_ready())
    }

    /// Connects if there is no connection, with little patience.
    ///
    /// # Errors
    /// The collector can't be reached.
    pub async fn probe(&mut self) -> Result<(), ClientError> {
        if self.is_connected() {
            return Ok(());
        }
        let seconds = limits::PROBE_SECONDS;
        let address = self.address.clone();
        match timeout(Duration::from_secs(seconds), self.connect()).await {
            Ok(connection) => self.connection = Some(connection?),
            Err(_) => return Err(ClientError::TimedOut { address, seconds }),
        }
        Ok(())
    }

    /// Sends a request and reads the whole answer. After an error the next request makes a new connection.
    ///
    /// # Errors
    /// When no answer came; the collector may have acted on the request all the same.
    pub async fn send(&mut self, request: Request<'_>) -> Result<Answer, ClientError> {
        let mut connection = match self.connection.take().filter(|connection| connection.requests.is_ready())
        {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let exchange = exchange(&mut connection.requests, request);
        let seconds = limits::REQUEST_SECONDS;
        let result = timeout(Duration::from_secs(seconds), exchange).await;
        let address = self.address.clone();
        let answer = match result {
            Ok(answer) => answer.map_err(|reason| ClientError::Broken { address, reason })?,
            Err(_) => return Err(ClientError::Unanswered { address, seconds }),
        };
        self.connection = Some(connection);
        Ok(answer)
    }

    async fn connect(&mut self) -> Result<Connection, ClientError> {
        self.identity.refresh()?;
        let address = self.address.clone();
        let Some(config) = self.identity.config() else {
            return Err(TlsError::Certificate("agent").into());
        };
        let stream = connect_tls(&address, config).await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        self.server_chain = shown.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let broken =
            |error: hyper::Error| ClientError::Broken { address: address.clone(), reason: chain(&error) };
        let builder = http2::Builder::new(TokioExecutor::new());
        let (requests, driver) = builder.handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let driver = tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(error = chain(&error), "connection ended");
            }
        });
        Ok(Connection { requests, driver })
    }
}

/// Connects and shakes hands, within [`limits::CONNECT_SECONDS`]. The name that is verified is the
/// collector's own, whatever the address.
///
/// # Errors
/// When one of the two fails or takes too long.
pub async fn connect_tls(
    address: &str,
    config: Arc<rustls::ClientConfig>,
) -> Result<TlsStream<TcpStream>, ClientError> {
    let seconds = limits::CONNECT_SECONDS;
    let connect = async {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(SERVER_NAME).map_err(io::Error::other)?;
        TlsConnector::from(config).connect(name, stream).await
    };
    match timeout(Duration::from_secs(seconds), connect).await {
        Ok(stream) => stream.map_err(|source| ClientError::Connect { address: address.to_owned(), source }),
        Err(_) => Err(ClientError::TimedOut { address: address.to_owned(), seconds }),
    }
}

async fn exchange(requests: &mut SendRequest<Full<Bytes>>, request: Request<'_>) -> Result<Answer, String> {
    let uri = format!("https://{SERVER_NAME}{}", request.path);
    let mut builder = http::Request::builder().method(request.method).uri(uri);
    for (name, value) in request.headers {
        builder = builder.header(*name, *value);
    }
    let request_bytes_max = request.answer_bytes_max;
    let request = builder.body(Full::new(request.body)).map_err(|error| error.to_string())?;
    let response = requests.send_request(request).await.map_err(|error| chain(&error))?;
    let retry_after_s =
        response.headers().get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), request_bytes_max)
        .collect()
        .await
        .map_err(|error| error.to_string())?;
    Ok(Answer { status, retry_after_s, body: body.to_bytes() })
}

/// An error with its causes: hyper's own words rarely say what happened.
pub fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
