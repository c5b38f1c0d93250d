//! Accepts connections of users and serves them HTTP/1.1 until the stop: so many at one time, none of them for
//! longer than a request needs to begin, or while its client takes nothing of a reply. So even when all places are taken
//! by clients that do nothing, there is one for the next probe of health in half a minute. What requests mean is in the
//! router.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::endpoints::{EXPORT, TAIL};
use super::limits::{CONNECTIONS_MAX, PATIENT_STALL_MAX, REQUEST_HEAD_TIMEOUT, SEND_BUFFER_BYTES, STALL_MAX};
use super::stall::{Patience, Watched};
use crate::limits::STOP_DEADLINE;
use crate::metrics::Metrics;
use crate::stop::Stop;

/// Wait after the system refused to accept, which it does while it is out of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at one time; more wait in the system's queue.
    pub(super) connections: usize,
    /// Longest time for a request's head to arrive, and for an idle connection to be kept.
    pub(super) head_timeout: Duration,
    /// Longest time for a client to take nothing of a reply.
    pub(super) stall: Duration,
    /// The same for exports and tails.
    pub(super) patient_stall: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS_MAX,
            head_timeout: REQUEST_HEAD_TIMEOUT,
            stall: STALL_MAX,
            patient_stall: PATIENT_STALL_MAX,
        }
    }
}

/// Serves the port until the stop, then lets requests under way finish for [`STOP_DEADLINE`].
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    metrics: Arc<Metrics>,
    stop: Stop,
) {
    let places = Arc::new(Semaphore::new(bounds.connections));
    let mut connections = JoinSet::new();
    loop {
        let accept = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            () = stop.requested() => break,
            Some(_) = connections.join_next() => continue,
            accepted = accept => accepted,
        };
        match (place, accepted) {
            (Ok(place), Ok((stream, _))) => {
                let (router, metrics, stop) = (router.clone(), Arc::clone(&metrics), stop.clone());
                connections.spawn(async move {
                    connection(stream, router, bounds, &metrics, &stop).await;
                    drop(place);
                });
            }
            (_, Err(error)) => {
                tracing::warn!(%error, "can't accept a connection on the users' port");
                sleep(ACCEPT_RETRY).await;
            }
            // The semaphore is never closed.
            (Err(_), _) => break,
        }
    }
    drop(listener);
    let finish = async { while connections.join_next().await.is_some() {} };
    if timeout(STOP_DEADLINE, finish).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests of users were cut off at the stop");
    }
}

/// Answers requests until the other side leaves, says or takes nothing for too long, or the stop.
async fn connection(stream: TcpStream, router: Router, bounds: Bounds, metrics: &Metrics, stop: &Stop) {
    // Rows are sent in chunks as they are found: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    // Otherwise the system takes megabytes at a time, and a slow reader looks like one that has stopped.
    let _ = set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES);
    let patience = Patience::new(bounds.stall);
    let stream = Watched::new(stream, patience.clone(), || metrics.http_stalled_total.add(1));
    let service = TowerToHyperService::new(router);
    let service = service_fn(move |request: http::Request<Incoming>| {
        let is_patient = [EXPORT.path, TAIL.path].contains(&request.uri().path());
        patience.set(if is_patient { bounds.patient_stall } else { bounds.stall });
        service.call(request)
    });
    let mut builder = http1::Builder::new();
    // Of all versions this one alone: telling them apart would be a wait for bytes without an end.
    builder.timer(TokioTimer::new()).header_read_timeout(bounds.head_timeout);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let outcome = tokio::select! {
        outcome = serving.as_mut() => outcome,
        () = stop.requested() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection of a user ended");
    }
}
