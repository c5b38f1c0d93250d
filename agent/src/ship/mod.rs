//! Ships batches: one at a time, the same batch again until it is answered for good. What is shipped and what becomes
//! of the answer is the tailer's business.
//!
//! | module | what it does |
//! |---|---|
//! | [`route`], [`positions`] | several collectors: who is next, whose word counts. Pure |
//! | [`target`] | one collector: its answers, our certificate there |
//! | [`client`], [`identity`], [`renewal`] | connection; certificate files; another certificate in time |
//! | [`answer`], [`backoff`] | what an answer means, how long a pause is. Pure |
//! | [`board`] | how the collectors are, for the status |

pub mod answer;
pub mod backoff;
pub mod board;
pub mod client;
pub mod identity;
pub mod positions;
pub mod renewal;
pub mod route;
pub mod target;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use self::answer::Decision;
use self::board::Board;
use self::client::Endpoint;
use self::positions::{Answer, is_enough, merge};
use self::route::{Mode, Route, Step};
use self::target::{Ask, Target};
use crate::batch::Body;
use crate::config::collectors::Collectors;
use crate::limits;
use crate::mailbox::Mailbox;
use crate::metrics::Counters;
use crate::tail::Outcome;
use crate::tail::sent::Known;
use crate::time::Clock;

/// See the module.
#[derive(Debug)]
pub struct Shipper {
    /// Those to ship to; others when the configuration changes.
    latest: watch::Receiver<Collectors>,
    board: Arc<Board>,
    mode: Mode,
    targets: Vec<Target>,
    route: Route,
    clock: Clock,
    counters: Arc<Counters>,
    /// Becomes true when the program ends: no more repetitions then.
    stop: watch::Receiver<bool>,
}

impl Shipper {
    /// Ships to the latest of these collectors until `stop` becomes true; how they do is on the board. `clock` is the
    /// agent's.
    pub fn new(
        latest: watch::Receiver<Collectors>,
        board: &Arc<Board>,
        clock: Clock,
        counters: Arc<Counters>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let (board, mode) = (Arc::clone(board), Mode::Failover);
        let (targets, route) = (Vec::new(), Route::new(mode, 0));
        let mut shipper = Self { latest, board, mode, targets, route, clock, counters, stop };
        shipper.take_latest();
        shipper
    }

    /// Ships to other collectors from now on.
    fn take_latest(&mut self) {
        let Collectors { mode, endpoints } = self.latest.borrow_and_update().clone();
        self.board.begin(&endpoints);
        let target = |(index, endpoint): (usize, Endpoint)| {
            Target::new(index, endpoint, Arc::clone(&self.counters), Arc::clone(&self.board))
        };
        self.targets = endpoints.into_iter().enumerate().map(target).collect();
        self.mode = mode;
        self.route = Route::new(mode, self.targets.len());
        self.route.begin();
    }

    /// Ships every batch that comes and posts the collectors' answers, until the sender is gone or a
    /// failure meets the end of the program.
    pub async fn run(&mut self, mut batches: mpsc::Receiver<Body>, mailbox: &Mailbox) {
        loop {
            let now = self.clock.now();
            let care_in_ms = self.targets.iter().map(|target| target.care_in_ms(now)).min();
            let batch = tokio::select! {
                batch = batches.recv() => batch,
                Ok(()) = self.latest.changed() => {
                    self.take_latest();
                    continue;
                }
                () = sleep(Duration::from_millis(care_in_ms.unwrap_or(u64::MAX))) => {
                    // A batch doesn't wait for it; it is asked for again.
                    tokio::select! {
                        () = self.care(Ask::Anyone) => continue,
                        batch = batches.recv() => batch,
                    }
                }
            };
            let Some(body) = batch else { break };
            let Some(outcome) = self.deliver(body).await else { break };
            mailbox.reply(outcome);
        }
        mailbox.hang_up();
    }

    /// What the collectors have of this agent's streams. `is_intact`: the agent's own positions are in order, so that
    /// it can do without those of a collector that doesn't answer.
    pub async fn positions(&mut self, is_intact: bool) -> Vec<Known> {
        let mut answers: Vec<Answer> = vec![None; self.targets.len()];
        let asking = self.ask_for_positions(&mut answers, is_intact);
        if is_intact {
            // One connection that hangs takes longer than that.
            let _ = timeout(Duration::from_secs(limits::POSITIONS_SECONDS), asking).await;
        } else {
            asking.await;
        }
        merge(self.mode, answers)
    }

    async fn ask_for_positions(&mut self, answers: &mut [Answer], is_intact: bool) {
        let start_ms = self.clock.now().mono_ms;
        loop {
            let mut shortest = Duration::MAX;
            for (target, answer) in self.targets.iter_mut().zip(answers.iter_mut()) {
                if answer.is_some() {
                    continue;
                }
                let outcome = target.positions().await;
                let now = self.clock.now();
                match outcome {
                    Ok(positions) => {
                        target.worked(now);
                        *answer = Some(positions);
                    }
                    Err(reason) => shortest = shortest.min(target.failed(None, &reason, now)),
                }
            }
            let waited_ms = self.clock.now().mono_ms.saturating_sub(start_ms);
            if is_enough(self.mode, answers, is_intact, waited_ms) || !self.wait(shortest).await {
                return;
            }
        }
    }

    /// Sends a batch until it is answered for good; `None` when the program ends before.
    async fn deliver(&mut self, body: Body) -> Option<Outcome> {
        self.route.begin();
        let mut has_failed = false;
        // The collector that may have the batch, though it did not answer.
        let mut in_doubt = None;
        loop {
            if self.latest.has_changed().unwrap_or(false) {
                // Whoever has the batch already will drop it.
                self.take_latest();
                in_doubt = None;
            }
            self.care(Ask::Connected).await;
            let now = self.clock.now();
            let index = match self.route.next(now.mono_ms) {
                Step::Done(outcome) => return Some(outcome),
                Step::Wait(until_ms) => {
                    let pause = Duration::from_millis(until_ms.saturating_sub(now.mono_ms));
                    if !self.wait(pause).await {
                        return None;
                    }
                    continue;
                }
                // After a failure the end of the program ends the tries, too.
                Step::Try(_) | Step::Probe(_) if has_failed && *self.stop.borrow() => return None,
                Step::Probe(index) => {
                    self.probe(index).await;
                    continue;
                }
                Step::Try(index) => index,
            };
            if has_failed {
                self.counters.retries.increment();
            }
            let tried = self.targets.get_mut(index)?.send(&body).await;
            if tried.is_in_doubt {
                in_doubt = Some(index);
            }
            match tried.decision {
                Decision::Retry { after, reason } => {
                    has_failed = true;
                    self.failed(index, after, &reason);
                }
                Decision::Done(outcome) => {
                    if self.mode == Mode::Failover && in_doubt.is_some_and(|other| other != index) {
                        self.counters.batches_maybe_twice.increment();
                    }
                    let now = self.clock.now();
                    self.targets.get_mut(index)?.worked(now);
                    if outcome == Outcome::Accepted {
                        self.board.acknowledged(index, now);
                    }
                    self.route.answered(index, outcome);
                }
            }
        }
    }

    async fn probe(&mut self, index: usize) {
        let Some(target) = self.targets.get_mut(index) else { return };
        match target.probe().await {
            Ok(()) => self.route.reached(index),
            Err(reason) => self.failed(index, None, &reason),
        }
    }

    fn failed(&mut self, index: usize, after: Option<Duration>, reason: &str) {
        let now = self.clock.now();
        let Some(target) = self.targets.get_mut(index) else { return };
        let pause_ms = u64::try_from(target.failed(after, reason, now).as_millis()).unwrap_or(u64::MAX);
        self.route.failed(index, now.mono_ms.saturating_add(pause_ms));
    }

    /// Looks after the certificates, those of collectors that fail included: an old one may be the reason.
    async fn care(&mut self, ask: Ask) {
        for target in &mut self.targets {
            target.care(ask, self.clock.now()).await;
        }
    }

    /// Waits before the next try, or until there are other collectors to try. False when the program ends instead.
    async fn wait(&mut self, pause: Duration) -> bool {
        tokio::select! {
            () = sleep(pause) => true,
            Ok(()) = changed(self.latest.clone()) => true,
            _ = self.stop.wait_for(|stop| *stop) => false,
        }
    }
}

/// Waits for a change without taking note of it.
async fn changed(mut latest: watch::Receiver<Collectors>) -> Result<(), watch::error::RecvError> {
    latest.changed().await
}
