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
use super::peer::Peer;
use super::problem::Problem;
use super::seen::Seen;
use crate::clock::now_ns;
use crate::identity::Revocations;
use crate::ingest::{Ingest, IngestError};
use crate::limits::ENROLL_BODY_BYTES_MAX;
use crate::metrics::Metrics;

const PROTOBUF: &str = "application/x-protobuf";

/// The services behind the port.
#[derive(Debug)]
pub struct Routes {
    /// The way in for logs.
    pub ingest: Ingest,
    /// The way in for agents.
    pub enrollment: Arc<Enrollment>,
    /// Who is kept out.
    pub revocations: Revocations,
    /// Who was here last.
    pub seen: Arc<Seen>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Routes {
    /// Answers one request.
    pub(super) async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let outcome = match self.admit(peer) {
            Ok(()) => self.answer_admitted(peer, request).await,
            Err(problem) => {
                self.metrics.agents_turned_away_total.add(1);
                Err(problem)
            }
        };
        outcome.unwrap_or_else(Problem::into_response)
    }

    /// Whether this peer is answered at all, now: what a file says, which is in the system's memory.
    fn admit(&self, peer: &Peer) -> Result<(), Problem> {
        match peer {
            Peer::Agent(member) => {
                let now_s = now_ns() / 1_000_000_000;
                member.check(&self.revocations, now_s)?;
                self.seen.touch(&member.id, now_s);
                Ok(())
            }
            Peer::Stranger(reason) => {
                Err(Problem::new(StatusCode::FORBIDDEN, "foreign_identity", reason.clone()))
            }
            Peer::Newcomer => Ok(()),
        }
    }

    async fn answer_admitted(
        &self,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Problem> {
        match (peer, request.method(), request.uri().path()) {
            (Peer::Agent(member), &Method::POST, "/v1/logs") => self.logs(&member.id, request).await,
            (Peer::Agent(member), &Method::GET, "/v1/positions") => self.positions(&member.id),
            (Peer::Agent(member), &Method::POST, "/v1/renew") => self.renew(&member.id, request).await,
            (Peer::Newcomer, &Method::POST, "/v1/enroll") => self.enroll(request).await,
            _ => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing for you here")),
        }
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
        self.sign(request, |enrollment, body| enrollment.enroll(body, now_ns())).await
    }

    async fn renew(
        &self,
        agent: &AgentId,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, Problem> {
        let id = agent.clone();
        let outcome = self.sign(request, move |enrollment, body| enrollment.renew(&id, body, now_ns())).await;
        match &outcome {
            Ok(_) => self.metrics.agents_renewals_total.add(1),
            Err(problem) => {
                self.metrics.agents_renewals_refused_total.add(1);
                tracing::warn!(%agent, code = problem.code, detail = problem.detail, "a renewal was refused");
            }
        }
        outcome
    }

    /// Reads a request and lets `sign` answer it on a thread where it may wait for the disk.
    async fn sign(
        &self,
        request: Request<Incoming>,
        sign: impl FnOnce(&Enrollment, &[u8]) -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Response<Full<Bytes>>, Problem> {
        let (body, _memory) = read_body(request.into_body(), ENROLL_BODY_BYTES_MAX, &self.ingest).await?;
        let enrollment = Arc::clone(&self.enrollment);
        let signing = tokio::task::spawn_blocking(move || sign(&enrollment, &body));
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
