//! How each collector is doing, for people and for the watchdog: written by the network's side, read by everyone. It
//! decides nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::client::Endpoint;
use crate::time::Now;

/// Whether a collector can be reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reach {
    /// Nothing was asked of it yet.
    #[default]
    #[serde(rename = "not tried")]
    NotTried,
    /// The last request was answered.
    #[serde(rename = "answers")]
    Answers,
    /// The last request was not.
    #[serde(rename = "fails")]
    Fails,
}

/// One collector, as the status shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectorState {
    /// From the configuration; `collector` is that of the section `[collector]`.
    pub name: String,
    /// `host:port`.
    pub address: String,
    /// Whether it can be reached.
    pub state: Reach,
    /// Unix seconds since when.
    pub since_unix_s: Option<i64>,
    /// When it last made a batch durable, Unix seconds.
    pub last_acknowledged_unix_s: Option<i64>,
    /// Failures since the last success.
    pub failures: u32,
    /// What went wrong last, if anything ever did.
    pub last_error: Option<String>,
    /// When, Unix seconds.
    pub last_error_unix_s: Option<i64>,
    /// End of our certificate there, Unix seconds.
    pub certificate_ends_unix_s: Option<i64>,
    /// Why it was not renewed, while that lasts.
    pub renewal_error: Option<String>,
}

/// See the module. One entry a collector; held for a few instructions.
#[derive(Debug)]
pub struct Board(Mutex<States>);

#[derive(Debug, Default)]
struct States {
    collectors: Vec<CollectorState>,
    /// When a batch was last done with, on the monotonic clock, in milliseconds; 0 before the first.
    acknowledged_ms: u64,
}

impl Board {
    /// Of collectors that were not tried yet.
    pub fn new(endpoints: &[Endpoint]) -> Self {
        let board = Self(Mutex::default());
        board.begin(endpoints);
        board
    }

    /// Others take the place of those before; what is known of one that stays is kept.
    pub fn begin(&self, endpoints: &[Endpoint]) {
        let mut states = self.lock();
        let before = std::mem::take(&mut states.collectors);
        let state_of = |endpoint: &Endpoint| {
            let (name, address) = (endpoint.name.clone(), endpoint.address.clone());
            let known = before.iter().find(|state| state.name == name && state.address == address).cloned();
            known.unwrap_or_else(|| CollectorState { name, address, ..CollectorState::default() })
        };
        states.collectors = endpoints.iter().map(state_of).collect();
    }

    /// All, in the order of the configuration.
    pub fn all(&self) -> Vec<CollectorState> {
        self.lock().collectors.clone()
    }

    /// The last request to one of them was answered.
    pub fn answers_anywhere(&self) -> bool {
        self.lock().collectors.iter().any(|state| state.state == Reach::Answers)
    }

    /// When a batch was last done with, on the monotonic clock, in milliseconds; 0 before the first.
    pub fn acknowledged_ms(&self) -> u64 {
        self.lock().acknowledged_ms
    }

    /// It answers. True when it didn't before.
    pub fn answers(&self, index: usize, now_s: i64) -> bool {
        let mut is_news = false;
        self.change(index, |state| {
            is_news = state.state == Reach::Fails;
            state.failures = 0;
            state.enter(Reach::Answers, now_s);
        });
        is_news
    }

    /// It does not.
    pub fn fails(&self, index: usize, reason: &str, now_s: i64) {
        self.change(index, |state| {
            state.enter(Reach::Fails, now_s);
            state.failures = state.failures.saturating_add(1);
            state.last_error = Some(reason.to_owned());
            state.last_error_unix_s = Some(now_s);
        });
    }

    /// It has made a batch durable. `now` is of the agent's clock.
    pub fn acknowledged(&self, index: usize, now: Now) {
        self.change(index, |state| state.last_acknowledged_unix_s = Some(now.unix_s()));
        self.lock().acknowledged_ms = now.mono_ms;
    }

    /// What is known of our certificate there.
    pub fn certificate(&self, index: usize, ends_unix_s: Option<i64>) {
        self.change(index, |state| state.certificate_ends_unix_s = ends_unix_s);
    }

    /// How the last renewal went.
    pub fn renewal(&self, index: usize, error: Option<String>) {
        self.change(index, |state| state.renewal_error = error);
    }

    fn change(&self, index: usize, change: impl FnOnce(&mut CollectorState)) {
        if let Some(state) = self.lock().collectors.get_mut(index) {
            change(state);
        }
    }

    fn lock(&self) -> MutexGuard<'_, States> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CollectorState {
    fn enter(&mut self, state: Reach, now_s: i64) {
        if self.state != state {
            self.state = state;
            self.since_unix_s = Some(now_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(name: &str, address: &str) -> Endpoint {
        let (name, address) = (name.into(), address.into());
        Endpoint {
            name,
            address,
            ca: "/c".into(),
            certificate: "/c".into(),
            key: "/k".into(),
            is_renewed: true,
        }
    }

    #[test]
    fn states_know_since_when() {
        let board = Board::new(&[endpoint("collector", "a:1")]);
        let shown = |board: &Board| {
            let state = board.all().remove(0);
            (state.state, state.since_unix_s, state.failures, state.last_error, state.last_error_unix_s)
        };
        assert!(!board.answers(0, 1), "nobody was told that it fails");
        board.answers(0, 2);
        assert_eq!(shown(&board), (Reach::Answers, Some(1), 0, None, None));
        board.fails(0, "a", 3);
        board.fails(0, "b", 4);
        assert_eq!(shown(&board), (Reach::Fails, Some(3), 2, Some("b".into()), Some(4)));
        assert!(!board.answers_anywhere());
        assert!(board.answers(0, 5) && board.answers_anywhere());
        assert_eq!(shown(&board), (Reach::Answers, Some(5), 0, Some("b".into()), Some(4)));
        board.fails(7, "nobody", 6);
    }

    #[test]
    fn who_stays_is_remembered_and_who_moved_is_not() {
        let board = Board::new(&[endpoint("a", "a:1"), endpoint("b", "b:1")]);
        board.answers(0, 1);
        board.answers(1, 1);
        board.begin(&[endpoint("b", "b:1"), endpoint("a", "a:2")]);
        let states: Vec<_> = board.all().into_iter().map(|state| (state.name, state.state)).collect();
        assert_eq!(states, [("b".into(), Reach::Answers), ("a".into(), Reach::NotTried)]);
    }
}
