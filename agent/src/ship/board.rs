//! How each collector is doing, for the status file: written by the network's side, read by the worker.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::client::Endpoint;

/// One collector, as `status.json` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectorState {
    /// From the configuration; `collector` is that of the section `[collector]`.
    pub name: String,
    /// `host:port`.
    pub address: String,
    /// `not tried`, `answers` or `fails`.
    pub state: &'static str,
    /// Unix seconds since when.
    pub since_unix_s: Option<i64>,
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
pub struct Board(Mutex<Vec<CollectorState>>);

impl Board {
    /// Of collectors that were not tried yet.
    pub fn new(endpoints: &[Endpoint]) -> Self {
        let states = endpoints.iter().map(|endpoint| CollectorState {
            name: endpoint.name.clone(),
            address: endpoint.address.clone(),
            state: "not tried",
            since_unix_s: None,
            last_error: None,
            last_error_unix_s: None,
            certificate_ends_unix_s: None,
            renewal_error: None,
        });
        Self(Mutex::new(states.collect()))
    }

    /// All, in the order of the configuration.
    pub fn all(&self) -> Vec<CollectorState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// It answers. True when it didn't before.
    pub fn answers(&self, index: usize, now_s: i64) -> bool {
        let mut is_news = false;
        self.change(index, |state| {
            is_news = state.state == "fails";
            state.enter("answers", now_s);
        });
        is_news
    }

    /// It does not.
    pub fn fails(&self, index: usize, reason: &str, now_s: i64) {
        self.change(index, |state| {
            state.enter("fails", now_s);
            state.last_error = Some(reason.to_owned());
            state.last_error_unix_s = Some(now_s);
        });
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
        if let Some(state) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
            change(state);
        }
    }
}

impl CollectorState {
    fn enter(&mut self, state: &'static str, now_s: i64) {
        if self.state != state {
            self.state = state;
            self.since_unix_s = Some(now_s);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_know_since_when() {
        let board = Board(Mutex::new(vec![CollectorState {
            name: "collector".into(),
            address: "a:1".into(),
            state: "not tried",
            since_unix_s: None,
            last_error: None,
            last_error_unix_s: None,
            certificate_ends_unix_s: None,
            renewal_error: None,
        }]));
        let shown = |board: &Board| {
            let state = board.all().remove(0);
            (state.state, state.since_unix_s, state.last_error, state.last_error_unix_s)
        };
        assert!(!board.answers(0, 1), "nobody was told that it fails");
        board.answers(0, 2);
        assert_eq!(shown(&board), ("answers", Some(1), None, None));
        board.fails(0, "a", 3);
        board.fails(0, "b", 4);
        assert_eq!(shown(&board), ("fails", Some(3), Some("b".into()), Some(4)));
        assert!(board.answers(0, 5));
        assert_eq!(shown(&board), ("answers", Some(5), Some("b".into()), Some(4)));
        board.fails(7, "nobody", 6);
    }
}
