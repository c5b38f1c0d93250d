//! What agents can ask for, and who may ask for it.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use millpond_wire::compression::Encoding;
use millpond_wire::identity::AgentId;
use millpond_wire::limits::BODY_BYTES_MAX;
use millpond_wire::otlp::encode_response;

use super::body::read_body;
use super::enroll::Enrollment;
use super::expiry::Expiries;
use super::problem::Problem;
use crate::clock::now_ns;
use crate::ingest::{Ingest, IngestError};
use crate::limits::ENROLL_BODY_BYTES_MAX;
use crate::metrics::Metrics;

const PROTOBUF: &str = "application/x-protobuf";

/// Who is at the other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// An agent with a certificate of ours.
    Agent(AgentId),
    /// Someone with a certificate of our CA that names no agent of this site; says why.
    Stranger(String),
    /// Someone without a certificate, on a connection for enrolment.
    Newcomer,
}

/// The services behind the port.
#[derive(Debug)]
pub struct Routes {
    /// The way in for logs.
    pub ingest: Ingest,
    /// The way in for agents.
    pub enrollment: Arc<Enrollment>,
    /// Ends of agents' certificates.
    pub expiries: Arc<Expiries>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Routes {
    /// Answers one request.
    pub(super) async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let outcome = match (peer, request.method(), request.uri().path()) {
            (Peer::Agent(agent), &Method::POST, "/v1/logs") => self.logs(agent, request).await,
            (Peer::Agent(agent), &Method::GET, "/v1/positions") => self.positions(agent),
            (Peer::Newcomer, &Method::POST, "/v1/enroll") => self.enroll(request).await,
            (Peer::Stranger(reason), ..) => {
                Err(Problem::new(StatusCode::FORBIDDEN, "foreign_identity", reason.clone()))
            }
            _ => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing for you here")),
        };
        outcome.unwrap_or_else(Problem::into_response)
    }

    async fn logs(
        &self,
        agent: &AgentId,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Problem> {
        let received_ns = now_ns();
        let (parts, body) = request.into_parts();
        let content_type = header(&parts.headers, &CONTENT_TYPE).unwrap_or(PROTOBUF);
        if content_type.split(';').next().map(str::trim) != Some(PROTOBUF) {
            let detail = format!("this port takes {PROTOBUF}, not `{content_type}`");
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_type", detail));
        }
        let encoding =
            Encoding::from_header(header(&parts.headers, &CONTENT_ENCODING)).map_err(IngestError::from)?;
        let (body, memory) = read_body(body, BODY_BYTES_MAX, &self.ingest).await?;
        // From here on the ingest accounts for the body by itself.
        drop(memory);
        self.ingest.otlp(agent, encoding, body, received_ns).await?;
        Ok(reply(PROTOBUF, encode_response(0, "")))
    }

    fn positions(&self, agent: &AgentId) -> Result<Response<Full<Bytes>>, Problem> {
        let mut lines = Vec::new();
        for position in self.ingest.positions(agent) {
            serde_json::to_writer(&mut lines, &position).map_err(|error| {
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "positions_failed", error.to_string())
            })?;
            lines.push(b'\n');
        }
        Ok(reply("application/x-ndjson", lines))
    }

    async fn enroll(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Problem> {
        let outcome = self.try_enroll(request).await;
        match &outcome {
            Ok(_) => self.metrics.enroll_accepted_total.add(1),
            Err(problem) => {
                self.metrics.enroll_refused_total.add(1);
                tracing::warn!(code = problem.code, detail = problem.detail, "an enrolment was refused");
            }
        }
        outcome
    }

    async fn try_enroll(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Problem> {
        let (body, _memory) = read_body(request.into_body(), ENROLL_BODY_BYTES_MAX, &self.ingest).await?;
        let enrollment = Arc::clone(&self.enrollment);
        let signing = tokio::task::spawn_blocking(move || enrollment.enroll(&body, now_ns()));
        let answer = signing.await.unwrap_or_else(|_| {
            Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "enrolment_failed", "enrolment broke off"))
        })?;
        Ok(reply("application/json", answer))
    }
}

/// A header's value; `None` if it isn't there or no text.
fn header<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn reply(content_type: &'static str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
