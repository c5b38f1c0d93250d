//! Which collector a batch goes to next, and when it is done. Pure: what happened and the time in, the next step out.
//!
//! *Failover*: to the first in the list that takes it. One that fails has a pause; after it, it is probed while
//! another one works, and has its place again once it answers. *Mirror*: to all; done when all have it. One collector is
//! either of them.

use crate::tail::Outcome;

/// What several collectors are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// One has the logs; the next stands in for it.
    Failover,
    /// Each has all logs.
    Mirror,
}

/// See the module.
#[derive(Debug)]
pub struct Route {
    mode: Mode,
    lanes: Vec<Lane>,
}

#[derive(Debug, Clone, Default)]
struct Lane {
    /// No try before this, on the monotonic clock.
    free_ms: u64,
    is_failing: bool,
    /// What became of the present batch.
    outcome: Option<Outcome>,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send the batch to this one.
    Try(usize),
    /// See whether this one can be reached, without the batch: another one would take it.
    Probe(usize),
    /// Nothing can be done before this, on the monotonic clock.
    Wait(u64),
    /// The batch is done with.
    Done(Outcome),
}

impl Route {
    /// To so many collectors, none of which was tried yet.
    pub fn new(mode: Mode, count: usize) -> Self {
        Self { mode, lanes: vec![Lane::default(); count] }
    }

    /// The next batch.
    pub fn begin(&mut self) {
        for lane in &mut self.lanes {
            lane.outcome = None;
        }
    }

    /// What to do now.
    pub fn next(&self, now_ms: u64) -> Step {
        if let Some(outcome) = self.outcome() {
            return Step::Done(outcome);
        }
        let pending = || self.lanes.iter().enumerate().filter(|(_, lane)| lane.outcome.is_none());
        match pending().find(|(_, lane)| lane.free_ms <= now_ms) {
            Some((index, lane)) if lane.is_failing && self.has_stand_in() => Step::Probe(index),
            Some((index, _)) => Step::Try(index),
            None => Step::Wait(pending().map(|(_, lane)| lane.free_ms).min().unwrap_or(now_ms)),
        }
    }

    /// A collector answered to the batch for good.
    pub fn answered(&mut self, index: usize, outcome: Outcome) {
        self.change(index, |lane| *lane = Lane { outcome: Some(outcome), ..Lane::default() });
    }

    /// A collector can be reached again; whether it takes anything, the batch will tell.
    pub fn reached(&mut self, index: usize) {
        self.change(index, |lane| lane.is_failing = false);
    }

    /// A collector didn't take the batch; it is left alone until `free_ms`.
    pub fn failed(&mut self, index: usize, free_ms: u64) {
        self.change(index, |lane| *lane = Lane { free_ms, is_failing: true, outcome: None });
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut Lane)) {
        if let Some(lane) = self.lanes.get_mut(index) {
            change(lane);
        }
    }

    fn has_stand_in(&self) -> bool {
        self.mode == Mode::Failover && self.lanes.iter().any(|lane| !lane.is_failing)
    }

    fn outcome(&self) -> Option<Outcome> {
        let outcomes = self.lanes.iter().map(|lane| lane.outcome.as_ref());
        match self.mode {
            Mode::Failover => outcomes.flatten().next().cloned(),
            Mode::Mirror => {
                let all: Option<Vec<&Outcome>> = outcomes.collect();
                // One that refuses has the batch taken apart; what the others have of it they drop then.
                let all = all?;
                let refused = all.iter().find(|outcome| matches!(outcome, Outcome::Refused { .. }));
                refused.or(all.first()).map(|outcome| (*outcome).clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Event {
        Begin,
        Answered(usize),
        Refused(usize),
        Failed(usize, u64),
        Reached(usize),
    }
    use Event::{Answered, Begin, Failed, Reached, Refused};

    fn refused() -> Outcome {
        Outcome::Refused { status: 400, reason: "no".into() }
    }

    fn check(mode: Mode, count: usize, rows: Vec<(Event, u64, Step)>) {
        let mut route = Route::new(mode, count);
        for (row, (event, now_ms, expected)) in rows.into_iter().enumerate() {
            match event {
                Begin => route.begin(),
                Answered(index) => route.answered(index, Outcome::Accepted),
                Refused(index) => route.answered(index, refused()),
                Failed(index, free_ms) => route.failed(index, free_ms),
                Reached(index) => route.reached(index),
            }
            assert_eq!(route.next(now_ms), expected, "{mode:?} of {count}, row {row}");
        }
    }

    const DONE: Step = Step::Done(Outcome::Accepted);

    #[test]
    fn one_collector_is_tried_until_it_answers() {
        for mode in [Mode::Failover, Mode::Mirror] {
            let rows = vec![
                (Begin, 0, Step::Try(0)),
                (Failed(0, 100), 0, Step::Wait(100)),
                (Failed(0, 300), 100, Step::Wait(300)),
                (Reached(9), 300, Step::Try(0)),
                (Answered(0), 301, DONE),
                (Begin, 302, Step::Try(0)),
                (Refused(0), 303, Step::Done(refused())),
            ];
            check(mode, 1, rows);
        }
    }

    #[test]
    fn the_next_stands_in_until_the_first_answers_again() {
        let rows = vec![
            (Begin, 0, Step::Try(0)),
            (Failed(0, 100), 10, Step::Try(1)),
            (Answered(1), 20, DONE),
            (Begin, 30, Step::Try(1)),
            (Answered(1), 40, DONE),
            // Its pause is over: only a probe, since the other one works.
            (Begin, 100, Step::Probe(0)),
            (Failed(0, 300), 110, Step::Try(1)),
            (Answered(1), 120, DONE),
            (Begin, 300, Step::Probe(0)),
            (Reached(0), 310, Step::Try(0)),
            // It can be reached and takes nothing.
            (Failed(0, 700), 320, Step::Try(1)),
            (Failed(1, 400), 330, Step::Wait(400)),
            // None works: the batch itself is the probe.
            (Reached(9), 400, Step::Try(1)),
            (Failed(1, 900), 410, Step::Wait(700)),
            (Reached(9), 700, Step::Try(0)),
            (Answered(0), 710, DONE),
            (Begin, 1_000, Step::Try(0)),
        ];
        check(Mode::Failover, 2, rows);
    }

    #[test]
    fn a_mirrored_batch_is_done_when_all_have_it() {
        let rows = vec![
            (Begin, 0, Step::Try(0)),
            (Failed(0, 100), 10, Step::Try(1)),
            (Answered(1), 20, Step::Try(2)),
            (Answered(2), 20, Step::Wait(100)),
            (Reached(9), 100, Step::Try(0)),
            (Answered(0), 110, DONE),
            (Begin, 120, Step::Try(0)),
            (Answered(0), 130, Step::Try(1)),
            (Refused(1), 130, Step::Try(2)),
            (Answered(2), 140, Step::Done(refused())),
        ];
        check(Mode::Mirror, 3, rows);
    }
}
