//! Ships batches: one request in flight, the same batch again until the collector has answered for good.
//! What is shipped and what becomes of the answer is the tailer's business.

pub mod answer;
pub mod backoff;
pub mod client;
pub mod health;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use millpond_wire::compression::{Encoding, compress_zstd};
use millpond_wire::position::StreamPosition;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use self::answer::{Answer, Decision};
use self::backoff::Backoff;
use self::client::{Client, ClientError, Request};
use self::health::Health;
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::tail::Outcome;
use crate::{limits, random};

/// See the module.
#[derive(Debug)]
pub struct Shipper {
    client: Client,
    backoff: Backoff,
    counters: Arc<Counters>,
    health: Arc<Health>,
    /// Becomes true when the program ends: no more repetitions then.
    stop: watch::Receiver<bool>,
}

impl Shipper {
    /// Talks through this client until `stop` becomes true.
    pub fn new(
        client: Client,
        counters: Arc<Counters>,
        health: Arc<Health>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { client, backoff: Backoff::default(), counters, health, stop }
    }

    /// Ships every batch that comes and posts the collector's answers, until the sender is gone or a
    /// failure meets the end of the program.
    pub async fn run(&mut self, mut batches: mpsc::Receiver<Vec<u8>>, mailbox: &Mailbox) {
        while let Some(body) = batches.recv().await {
            let Some(outcome) = self.deliver(body).await else { break };
            mailbox.reply(outcome);
        }
        mailbox.hang_up();
    }

    /// What the collector has of this agent's streams. `patience`: how long to try; for ever if `None`.
    /// The result is `None` when the patience ran out.
    pub async fn positions(&mut self, patience: Option<Duration>) -> Option<Vec<StreamPosition>> {
        match patience {
            Some(patience) => timeout(patience, self.ask_for_positions()).await.ok(),
            None => Some(self.ask_for_positions().await),
        }
    }

    async fn ask_for_positions(&mut self) -> Vec<StreamPosition> {
        loop {
            match self.positions_once().await {
                Ok(positions) => {
                    self.backoff.reset();
                    self.health.succeeded();
                    return positions;
                }
                Err(reason) => {
                    if !self.pause(None, &reason).await {
                        return Vec::new();
                    }
                }
            }
        }
    }

    async fn positions_once(&mut self) -> Result<Vec<StreamPosition>, String> {
        let request = Request {
            method: Method::GET,
            path: "/v1/positions",
            headers: &[],
            body: Bytes::new(),
            answer_bytes_max: limits::POSITIONS_BYTES_MAX,
        };
        let answer = self.send(request).await.map_err(|error| error.to_string())?;
        if answer.status != 200 {
            return Err(format!(
                "asked for positions, the collector answered {}: {}",
                answer.status,
                answer.text()
            ));
        }
        answer::positions(&answer.body).map_err(|error| format!("the collector's list of positions: {error}"))
    }

    /// Sends a batch until it is answered for good; `None` when the program ends before.
    async fn deliver(&mut self, body: Vec<u8>) -> Option<Outcome> {
        let (body, encoding) = match compress_zstd(&body, limits::ZSTD_LEVEL) {
            Ok(packed) => (Bytes::from(packed), Encoding::Zstd),
            Err(_) => (Bytes::from(body), Encoding::Identity),
        };
        let headers = [("content-type", "application/x-protobuf"), ("content-encoding", encoding.name())];
        let mut is_retry = false;
        loop {
            if is_retry {
                self.counters.retries.increment();
            }
            is_retry = true;
            self.counters.bytes_sent.add(body.len() as u64);
            let request = Request {
                method: Method::POST,
                path: "/v1/logs",
                headers: &headers,
                body: body.clone(),
                answer_bytes_max: limits::ANSWER_BYTES_MAX,
            };
            let decision = match self.send(request).await {
                Ok(answer) => answer::decide(&answer),
                Err(error) => Decision::Retry { after: None, reason: error.to_string() },
            };
            match decision {
                Decision::Retry { after, reason } => {
                    if !self.pause(after, &reason).await {
                        return None;
                    }
                }
                Decision::Done(outcome) => {
                    if self.backoff.failures() > 0 {
                        tracing::info!("the collector answers again");
                    }
                    self.backoff.reset();
                    self.health.succeeded();
                    if outcome == Outcome::Accepted {
                        self.health.acknowledged();
                    }
                    return Some(outcome);
                }
            }
        }
    }

    async fn send(&mut self, request: Request<'_>) -> Result<Answer, ClientError> {
        let result = self.client.send(request).await;
        self.health.directed_to(self.client.address());
        self.health.reached(result.is_ok());
        result
    }

    /// Waits before the next try, or until there is another collector to try. False when the program ends instead.
    async fn pause(&mut self, after: Option<Duration>, reason: &str) -> bool {
        let pause = self.backoff.next(random::number()).max(after.unwrap_or_default());
        let (failures, pause_ms) = (self.backoff.failures(), pause.as_millis());
        self.health.failed(reason);
        // Said at once, then ever more rarely.
        if failures.is_power_of_two() {
            tracing::warn!(failures, pause_ms, reason, "no delivery; trying again, nothing is lost");
        }
        tokio::select! {
            () = sleep(pause) => true,
            () = self.client.redirected() => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }
}
