//! Accepts connections, makes the handshake, and serves requests until the stop or until the agent is
//! revoked. Knows TLS and connections; who it is, is in `peer`, what requests mean in `routes`.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use millpond_wire::tls::{ALPN_ENROLL, TlsError, enroll_server_config, server_config};
use rustls::ServerConfig;
use rustls::server::Acceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::peer::{Peer, identify};
use super::routes::Routes;
use crate::clock::now_ns;
use crate::limits::{
    ENROLL_TIMEOUT, HANDSHAKE_TIMEOUT, NEWCOMERS_MAX, REQUEST_HEAD_TIMEOUT, REVOCATION_INTERVAL,
    STOP_DEADLINE, STREAMS_PER_CONNECTION_MAX,
};
use crate::stop::Stop;

/// Wait after the system refused to accept, which it does while it is out of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How often an idle HTTP/2 connection is asked whether anyone is there, and how long it may take to
/// answer.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes that an agent may send ahead of their being read: one batch, so that a long line between
/// the two does not slow it down.
const WINDOW_BYTES: u32 = 2 << 20;

/// The two faces of the port.
#[derive(Clone, Debug)]
pub struct PortTls {
    /// For agents: a client certificate of our CA is required.
    agents: Arc<ServerConfig>,
    /// For enrolment: no client certificate, and a protocol name that nothing else speaks.
    enroll: Arc<ServerConfig>,
}

impl PortTls {
    /// Both faces from the collector's files (PEM): its chain and key, and the CA's certificate.
    ///
    /// # Errors
    /// The files don't fit together.
    pub fn new(chain_pem: &[u8], key_pem: &[u8], ca_pem: &[u8]) -> Result<Self, TlsError> {
        Ok(Self {
            agents: server_config(chain_pem, key_pem, ca_pem)?,
            enroll: enroll_server_config(chain_pem, key_pem)?,
        })
    }
}

/// Serves the port until the stop, then lets requests under way finish for [`STOP_DEADLINE`].
/// Connections of agents beyond `agents_max` are closed; agents come back by themselves.
pub async fn serve(listener: TcpListener, tls: PortTls, routes: Arc<Routes>, agents_max: u32, stop: Stop) {
    let port = Arc::new(Port {
        tls,
        routes,
        newcomers: Arc::new(Semaphore::new(NEWCOMERS_MAX)),
        agents: Arc::new(Semaphore::new(agents_max as usize)),
        stop,
    });
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            let newcomer = Arc::clone(&port.newcomers).acquire_owned().await;
            (newcomer, listener.accept().await)
        };
        let (newcomer, accepted) = tokio::select! {
            () = port.stop.requested() => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept => accepted,
        };
        match (newcomer, accepted) {
            (Ok(newcomer), Ok((stream, address))) => {
                let port = Arc::clone(&port);
                connections.spawn(async move { port.connection(stream, address, newcomer).await });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "can't accept a connection on the agents' port");
                sleep(ACCEPT_RETRY).await;
            }
            // The semaphore is never closed.
            (Err(_), _) => break,
        }
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    if timeout(STOP_DEADLINE, finish).await.is_err() {
        tracing::warn!(connections = connections.len(), "cut off at the stop");
    }
}

/// What the connections of the port share.
struct Port {
    tls: PortTls,
    routes: Arc<Routes>,
    /// One permit a connection without a certificate yet.
    newcomers: Arc<Semaphore>,
    /// One permit a connection of an agent.
    agents: Arc<Semaphore>,
    stop: Stop,
}

impl Port {
    async fn connection(&self, stream: TcpStream, address: SocketAddr, newcomer: OwnedSemaphorePermit) {
        // Answers are small: waiting to fill a packet would only delay them.
        let _ = stream.set_nodelay(true);
        let site = self.routes.enrollment.site();
        let (stream, peer) = match timeout(HANDSHAKE_TIMEOUT, handshake(stream, &self.tls, site)).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return self.refused(address, &error),
            Err(_) => return self.refused(address, &"the handshake took too long"),
        };
        self.routes.metrics.agents_connections_total.add(1);
        if peer == Peer::Newcomer {
            // Cut off without a word: whoever enrols needs a second.
            let _ = timeout(ENROLL_TIMEOUT, self.serve(stream, address, peer)).await;
            return;
        }
        drop(newcomer);
        let Ok(_agent) = Arc::clone(&self.agents).try_acquire_owned() else {
            return self.refused(address, &"more connections than [limits] agent_connections");
        };
        self.note_certificate(&peer);
        let agent = match &peer {
            Peer::Agent(member) => Some(member.id.clone()),
            Peer::Stranger(_) | Peer::Newcomer => None,
        };
        self.serve(stream, address, peer).await;
        if let Some(agent) = agent {
            self.routes.seen.left(&agent, now_s());
        }
    }

    /// Answers requests until the other side leaves, is turned out, or the stop.
    async fn serve(&self, stream: TlsStream<TcpStream>, address: SocketAddr, peer: Peer) {
        let turned_out = self.turned_out(&peer);
        let service = service_fn(|request| {
            let (routes, peer) = (Arc::clone(&self.routes), peer.clone());
            async move { Ok::<_, Infallible>(routes.answer(&peer, request).await) }
        });
        let builder = http_builder();
        let serving = builder.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(serving);
        let outcome = tokio::select! {
            outcome = serving.as_mut() => outcome,
            () = self.stop.requested() => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
            () = turned_out => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%address, %error, "a connection of an agent ended");
        }
    }

    /// Waits until an agent that was let in is to be turned out.
    async fn turned_out(&self, peer: &Peer) {
        let Peer::Agent(member) = peer else { return std::future::pending().await };
        loop {
            // Not at once: whoever is revoked already is told so with its first request.
            sleep(REVOCATION_INTERVAL).await;
            if let Err(problem) = member.check(&self.routes.revocations, now_s()) {
                let (agent, code) = (&member.id, problem.code);
                tracing::warn!(%agent, code, "the connection of an agent is closed");
                return;
            }
            self.routes.seen.still_here(&member.id, now_s());
        }
    }

    /// Remembers the certificate of an agent, and says so if it ends soon.
    fn note_certificate(&self, peer: &Peer) {
        let Peer::Agent(member) = peer else { return };
        let agent = &member.id;
        if let Some(days) = self.routes.seen.note(agent, member.certificate.clone()) {
            tracing::warn!(
                %agent,
                days,
                "an agent's certificate ends soon and was not renewed; its log says why. Or enrol it again with a \
                 token made with `millpond-collector enroll --agent {agent}`"
            );
        }
    }

    fn refused(&self, address: SocketAddr, reason: &dyn std::fmt::Display) {
        self.routes.metrics.agents_refused_total.add(1);
        tracing::info!(%address, %reason, "a connection to the agents' port was refused");
    }
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(REQUEST_HEAD_TIMEOUT);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    builder
}

/// Reads which protocols the client offers, then goes on with the face for them: whoever wants
/// anything but enrolment needs a certificate to get past here.
async fn handshake(stream: TcpStream, tls: &PortTls, site: &str) -> io::Result<(TlsStream<TcpStream>, Peer)> {
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let is_enrolment =
        start.client_hello().alpn().into_iter().flatten().any(|protocol| protocol == ALPN_ENROLL);
    if is_enrolment {
        return Ok((start.into_stream(Arc::clone(&tls.enroll)).await?, Peer::Newcomer));
    }
    let stream = start.into_stream(Arc::clone(&tls.agents)).await?;
    let peer = identify(stream.get_ref().1.peer_certificates().unwrap_or_default(), site, now_s());
    Ok((stream, peer))
}

fn now_s() -> i64 {
    now_ns() / 1_000_000_000
}
