//! What reaches the tailer's thread from others: hints, answers and the wish to stop. One lock around plain
//! values, held for moments; bounded, since hints beyond a number become one scan, and there is at most one
//! answer.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::config::Config;
use crate::limits;
use crate::status::Report;
use crate::tail::Outcome;
use crate::tail::explain::Explanation;
use crate::watch::Hint;

/// What has arrived since the last look.
#[derive(Debug, Default)]
pub struct Inbox {
    /// Each once.
    pub hints: HashSet<Hint>,
    /// To the batch in flight.
    pub reply: Option<Outcome>,
    /// Read no more.
    pub stop: bool,
    /// No answer will come any more.
    pub is_cut_off: bool,
    /// In force from now on.
    pub config: Option<Box<Config>>,
    /// To be answered.
    pub asks: Vec<Ask>,
}

/// A question to the tailer; the answer goes back on the channel.
#[derive(Debug)]
pub enum Ask {
    /// How things are.
    Status(oneshot::Sender<Report>),
    /// Whether and why a file is read.
    Explain(PathBuf, oneshot::Sender<Explanation>),
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.hints.is_empty()
            && self.reply.is_none()
            && !self.stop
            && !self.is_cut_off
            && self.config.is_none()
            && self.asks.is_empty()
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Mailbox {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

impl Mailbox {
    /// Something may have changed. When there are too many hints they all become a scan.
    pub fn hint(&self, hint: Hint) {
        self.change(|inbox| {
            if inbox.hints.len() >= limits::HINTS_MAX {
                inbox.hints.clear();
                inbox.hints.insert(Hint::Scan);
            }
            inbox.hints.insert(hint);
        });
    }

    /// The collector has answered.
    pub fn reply(&self, outcome: Outcome) {
        self.change(|inbox| inbox.reply = Some(outcome));
    }

    /// The configuration has changed; only the latest counts.
    pub fn reconfigure(&self, config: Config) {
        self.change(|inbox| inbox.config = Some(Box::new(config)));
    }

    /// Somebody wants to know. When too many do, the question is dropped, which the asker sees.
    pub fn ask(&self, ask: Ask) {
        self.change(|inbox| {
            if inbox.asks.len() < limits::ASKS_MAX {
                inbox.asks.push(ask);
            }
        });
    }

    /// The program is to end.
    pub fn stop(&self) {
        self.change(|inbox| inbox.stop = true);
    }

    /// There will be no answers any more.
    pub fn hang_up(&self) {
        self.change(|inbox| inbox.is_cut_off = true);
    }

    /// Takes what has arrived, waiting for something up to `patience`.
    pub fn take(&self, patience: Duration) -> Inbox {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.arrived.wait_timeout_while(inbox, patience, |inbox| inbox.is_empty());
        let (mut inbox, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *inbox)
    }

    fn change(&self, change: impl FnOnce(&mut Inbox)) {
        change(&mut self.inbox.lock().unwrap_or_else(PoisonError::into_inner));
        self.arrived.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_bounded_and_mail_is_taken_once() {
        let mailbox = Mailbox::default();
        for number in 0..limits::HINTS_MAX * 3 {
            mailbox.hint(Hint::Data(format!("/{number}").into()));
        }
        mailbox.reply(Outcome::Accepted);
        mailbox.stop();
        let inbox = mailbox.take(Duration::ZERO);
        assert!(inbox.hints.len() <= limits::HINTS_MAX + 1 && inbox.hints.contains(&Hint::Scan));
        assert_eq!((inbox.reply, inbox.stop), (Some(Outcome::Accepted), true));
        let inbox = mailbox.take(Duration::ZERO);
        assert!(inbox.is_empty());
    }
}
