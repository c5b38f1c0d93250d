//! One collector: what is asked of it and how it answers, our certificate there, and how long it is left alone after
//! a failure. Which of several is asked is the route's business.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use millpond_wire::position::StreamPosition;
use tokio::time::timeout;

use super::answer::{self, Decision};
use super::backoff::Backoff;
use super::board::Board;
use super::client::{Client, Endpoint, Request};
use super::renewal::{Renewal, renew};
use crate::batch::Body;
use crate::metrics::Counters;
use crate::time::Now;
use crate::{limits, random};

/// What became of one try to send a batch.
#[derive(Debug)]
pub struct Tried {
    /// What is to be done.
    pub decision: Decision,
    /// No answer came: the collector may have the batch.
    pub is_in_doubt: bool,
}

/// Whom to ask for another certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// There is time to connect.
    Anyone,
    /// A batch waits: only a collector that is there.
    Connected,
}

/// See the module.
#[derive(Debug)]
pub struct Target {
    index: usize,
    endpoint: Endpoint,
    client: Client,
    backoff: Backoff,
    renewal: Renewal,
    counters: Arc<Counters>,
    board: Arc<Board>,
}

impl Target {
    /// The collector at this place of the board.
    pub fn new(index: usize, endpoint: Endpoint, counters: Arc<Counters>, board: Arc<Board>) -> Self {
        let client = Client::new(endpoint.clone(), Arc::clone(&counters));
        let renewal = Renewal::new(random::number());
        Self { index, endpoint, client, backoff: Backoff::default(), renewal, counters, board }
    }

    /// Sends a batch once.
    pub async fn send(&mut self, batch: &Body) -> Tried {
        self.counters.bytes_sent.add(batch.bytes.len() as u64);
        let request = Request {
            method: Method::POST,
            path: "/v1/logs",
            headers: &[
                ("content-type", "application/x-protobuf"),
                ("content-encoding", batch.encoding.name()),
            ],
            body: batch.bytes.clone(),
            answer_bytes_max: limits::ANSWER_BYTES_MAX,
        };
        match self.client.send(request).await {
            Ok(answer) => Tried { decision: answer::decide(&answer), is_in_doubt: false },
            Err(error) => Tried {
                is_in_doubt: error.may_have_arrived(),
                decision: Decision::Retry { after: None, reason: error.to_string() },
            },
        }
    }

    /// Sees whether it can be reached.
    ///
    /// # Errors
    /// Why not.
    pub async fn probe(&mut self) -> Result<(), String> {
        self.client.probe().await.map_err(|error| error.to_string())
    }

    /// What it has of this agent's streams.
    ///
    /// # Errors
    /// Why it doesn't say.
    pub async fn positions(&mut self) -> Result<Vec<StreamPosition>, String> {
        let request = Request {
            method: Method::GET,
            path: "/v1/positions",
            headers: &[],
            body: Bytes::new(),
            answer_bytes_max: limits::POSITIONS_BYTES_MAX,
        };
        let answer = self.client.send(request).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            let (status, text) = (answer.status, answer.text());
            return Err(format!("asked for positions, the collector answered {status}: {text}"));
        }
        answer::positions(&answer.body).map_err(|error| format!("the collector's list of positions: {error}"))
    }

    /// It works.
    pub fn worked(&mut self, now: Now) {
        self.backoff.reset();
        if self.board.answers(self.index, now.unix_s()) {
            tracing::info!(collector = self.endpoint.name, "the collector answers again");
        }
    }

    /// It doesn't: how long it is to be left alone.
    pub fn failed(&mut self, after: Option<Duration>, reason: &str, now: Now) -> Duration {
        let pause = self.backoff.next(random::number()).max(after.unwrap_or_default());
        let reason = match self.client.validity() {
            Some(validity) if validity.end_s < now.unix_s() => format!(
                "{reason}; this agent's certificate has ended: make a token with `millpond-collector enroll --agent \
                 <its id>` and enrol it again in {}",
                self.directory()
            ),
            _ => reason.to_owned(),
        };
        self.board.fails(self.index, &reason, now.unix_s());
        let (failures, pause_ms) = (self.backoff.failures(), pause.as_millis());
        // Said at once, then ever more rarely.
        if failures.is_power_of_two() {
            let (collector, address) = (&self.endpoint.name, &self.endpoint.address);
            tracing::warn!(
                collector,
                address,
                failures,
                pause_ms,
                reason,
                "no delivery; trying again, nothing is lost"
            );
        }
        pause
    }

    /// Milliseconds until the certificate is to be looked at.
    pub fn care_in_ms(&self, now: Now) -> u64 {
        let validity = self.client.validity().filter(|_| self.endpoint.is_renewed);
        let due = validity.map(|validity| self.renewal.due_in_ms(validity, now));
        due.unwrap_or(u64::MAX).min(limits::CERTIFICATE_LOOK_MS)
    }

    /// Looks whether the files of the certificate were replaced; asks for another certificate when it is time.
    pub async fn care(&mut self, ask: Ask, now: Now) {
        self.client.refresh();
        let Some(validity) = self.client.validity() else { return };
        let is_asked = ask == Ask::Anyone || self.client.is_connected();
        if is_asked && self.endpoint.is_renewed && self.renewal.due_in_ms(validity, now) == 0 {
            let seconds = limits::RENEWAL_SECONDS;
            let renewing = renew(&mut self.client, &self.endpoint, now);
            let renewed = timeout(Duration::from_secs(seconds), renewing).await;
            match renewed.unwrap_or_else(|_| Err(format!("nothing within {seconds} s"))) {
                Ok(()) => {
                    self.renewal.succeeded();
                    self.counters.certificates_renewed.increment();
                    self.board.renewal(self.index, None);
                    self.client.refresh_now();
                }
                Err(reason) => {
                    self.renewal.failed(validity, now, random::number());
                    self.counters.certificate_errors.increment();
                    let collector = &self.endpoint.name;
                    tracing::warn!(collector, reason, "the certificate was not renewed; trying again");
                    self.board.renewal(self.index, Some(reason));
                }
            }
        }
        let validity = self.client.validity();
        self.board.certificate(self.index, validity.map(|validity| validity.end_s));
        if let Some(validity) = validity.filter(|validity| self.renewal.warns(*validity, now)) {
            let days_left = validity.end_s.saturating_sub(now.unix_s()).div_euclid(24 * 3600);
            let (collector, directory) = (&self.endpoint.name, self.directory());
            tracing::warn!(
                collector,
                days_left,
                directory,
                "the agent's certificate ends soon or has ended; nothing is accepted after that. Make a token with \
                 `millpond-collector enroll --agent <its id>`, and run `millpond-agent enroll` with the token and this \
                 id as --name; a restart isn't needed"
            );
        }
    }

    fn directory(&self) -> String {
        let directory = self.endpoint.certificate.parent().unwrap_or(&self.endpoint.certificate);
        directory.display().to_string()
    }
}
