//! What reaches the tailer's thread from others: hints, answers and the wish to stop. One lock around plain
//! values, held for moments; bounded, since hints beyond a number become one scan, and there is at most one
//! answer.

use std::collections::HashSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::limits;
use crate::tail::Outcome;
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
    /// Nothing more will be written to what is followed: end when the collector has it.
    pub finish: bool,
    /// No answer will come any more.
    pub is_cut_off: bool,
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.hints.is_empty() && self.reply.is_none() && !self.stop && !self.finish && !self.is_cut_off
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

    /// The program is to end.
    pub fn stop(&self) {
        self.change(|inbox| inbox.stop = true);
    }

    /// The inputs have come to their end.
    pub fn finish(&self) {
        self.change(|inbox| inbox.finish = true);
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
