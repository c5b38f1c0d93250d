//! What reaches the tailer's thread from others: hints, answers and the wish to stop. One lock around plain
//! values, held for moments; bounded, since hints beyond a number become one scan, and there is at most one
//! answer. The thread waits for it and for file system events in one place.

use std::collections::HashSet;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
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
    /// Nothing more will be written to what is followed: end when the collector has it.
    pub finish: bool,
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
            && !self.finish
            && !self.is_cut_off
            && self.config.is_none()
            && self.asks.is_empty()
    }
}

/// See the module.
#[derive(Debug)]
pub struct Mailbox {
    inbox: Mutex<Inbox>,
    /// Readable when something has arrived.
    arrived: OwnedFd,
}

impl Mailbox {
    /// An empty one.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn new() -> io::Result<Self> {
        let arrived = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { inbox: Mutex::default(), arrived })
    }

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

    /// The inputs have come to their end.
    pub fn finish(&self) {
        self.change(|inbox| inbox.finish = true);
    }

    /// There will be no answers any more.
    pub fn hang_up(&self) {
        self.change(|inbox| inbox.is_cut_off = true);
    }

    /// Takes what has arrived. If that is nothing, waits up to `patience` for something, or for `other` to become
    /// readable.
    pub fn take(&self, patience: Duration, other: Option<BorrowedFd<'_>>) -> Inbox {
        if !patience.is_zero() {
            self.wait(patience, other);
        }
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let inbox = std::mem::take(&mut *inbox);
        if !inbox.is_empty() {
            // It fails when nothing was written since the last time.
            let _ = rustix::io::read(&self.arrived, &mut [0; 8]);
        }
        inbox
    }

    fn wait(&self, patience: Duration, other: Option<BorrowedFd<'_>>) {
        let Ok(patience) = Timespec::try_from(patience) else { return };
        let arrived = PollFd::new(&self.arrived, PollFlags::IN);
        // An error is a signal: the caller looks, and waits again.
        let _ = match other {
            Some(other) => {
                poll(&mut [arrived, PollFd::from_borrowed_fd(other, PollFlags::IN)], Some(&patience))
            }
            None => poll(&mut [arrived], Some(&patience)),
        };
    }

    fn change(&self, change: impl FnOnce(&mut Inbox)) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        let was_empty = inbox.is_empty();
        change(&mut inbox);
        if was_empty {
            // It fails only when the counter is full, and then there is something to read.
            let _ = rustix::io::write(&self.arrived, &1u64.to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_bounded_and_mail_is_taken_once() {
        let mailbox = Mailbox::new().unwrap();
        for number in 0..limits::HINTS_MAX * 3 {
            mailbox.hint(Hint::Data(format!("/{number}").into()));
        }
        mailbox.reply(Outcome::Accepted);
        mailbox.stop();
        let inbox = mailbox.take(Duration::from_secs(60), None);
        assert!(inbox.hints.len() <= limits::HINTS_MAX + 1 && inbox.hints.contains(&Hint::Scan));
        assert_eq!((inbox.reply, inbox.stop), (Some(Outcome::Accepted), true));
        let inbox = mailbox.take(Duration::ZERO, None);
        assert!(inbox.is_empty());
    }
}
