//! How the connection to the collector does, for people and for the watchdog. Written by the shipper, read by
//! everyone; it decides nothing.

use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::time::Clock;

/// What is known of the connection at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// `host:port`
    pub address: String,
    /// The last request was answered, whatever the answer.
    pub connected: bool,
    /// Since when that is so, or isn't; Unix seconds. `None` before the first request.
    pub since_unix_s: Option<i64>,
    /// When the collector last made a batch durable, Unix seconds.
    pub last_acknowledged_unix_s: Option<i64>,
    /// Failures since the last success.
    pub failures: u32,
    /// The last failure; kept when it works again.
    pub last_error: Option<String>,
    /// Of the last failure, Unix seconds.
    pub last_error_unix_s: Option<i64>,
    /// The last acknowledgement on the monotonic clock, in milliseconds; 0 before the first.
    #[serde(skip)]
    pub acknowledged_ms: u64,
}

/// The one copy. Its lock is held for moments.
#[derive(Debug)]
pub struct Health {
    clock: Clock,
    link: Mutex<Link>,
}

impl Health {
    /// Nothing is known yet.
    pub fn new(clock: Clock) -> Self {
        Self { clock, link: Mutex::default() }
    }

    /// How it is now.
    pub fn link(&self) -> Link {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Requests go to this address from now on.
    pub fn directed_to(&self, address: &str) {
        self.change(|link, _| address.clone_into(&mut link.address));
    }

    /// A request was answered (or not).
    pub fn reached(&self, connected: bool) {
        self.change(|link, now_s| {
            if link.connected != connected || link.since_unix_s.is_none() {
                link.connected = connected;
                link.since_unix_s = Some(now_s);
            }
        });
    }

    /// A request was answered for good.
    pub fn succeeded(&self) {
        self.change(|link, _| link.failures = 0);
    }

    /// The collector has made a batch durable.
    pub fn acknowledged(&self) {
        let now_ms = self.clock.now().mono_ms;
        self.change(|link, now_s| {
            link.last_acknowledged_unix_s = Some(now_s);
            link.acknowledged_ms = now_ms;
        });
    }

    /// A request will be made again.
    pub fn failed(&self, reason: &str) {
        self.change(|link, now_s| {
            link.failures = link.failures.saturating_add(1);
            link.last_error = Some(reason.to_owned());
            link.last_error_unix_s = Some(now_s);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Link, i64)) {
        let now_s = self.clock.now().unix_s();
        change(&mut self.link.lock().unwrap_or_else(PoisonError::into_inner), now_s);
    }
}
