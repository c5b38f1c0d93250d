//! Admission to a bounded number of threads, in the order of a [`Line`]. Whoever waits too long, finds the line full or
//! has to give way there is refused and told to come back, so that a burst costs its senders time and nobody else the
//! collector. Whoever waits for a client meanwhile lends the slot to the next in line.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::line::Line;

/// Slots and the line for them. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Slots(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    all: usize,
    taken: usize,
    /// Slots that were lent while their holders wait for clients, and how many that may be.
    lent: usize,
    lent_max: usize,
    line: Line<Waiter>,
    tickets: u64,
}

#[derive(Debug)]
struct Waiter {
    ticket: u64,
    /// Tells that a slot was handed over. Dropped: turned away.
    turn: oneshot::Sender<()>,
}

/// One slot; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Slot(Slots);

/// A slot that somebody else may use until this is dropped.
#[derive(Debug)]
pub(super) struct Lent<'s>(&'s Slots);

/// What goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// At work.
    pub(super) running: usize,
    /// In line.
    pub(super) waiting: usize,
    /// Waiting for their clients, without a slot.
    pub(super) stalled: usize,
}

/// No slot became free in time, or there was no place in line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Busy;

impl Slots {
    /// So many slots, of which so many may be lent at a time, and so many places in line.
    pub(super) fn new(slots: usize, lent_max: usize, places: usize) -> Self {
        let line = Line::new(places);
        let state = State { all: slots, taken: 0, lent: 0, lent_max, line, tickets: 0 };
        Self(Arc::new(Mutex::new(state)))
    }

    /// A slot, at once or when it is this client's turn.
    pub(super) async fn take(&self, client: &Arc<str>, wait_max: Duration) -> Result<Slot, Busy> {
        let mut waiting = {
            let mut state = self.state();
            if state.taken < state.all {
                state.taken += 1;
                return Ok(Slot(self.clone()));
            }
            let (turn, receiver) = oneshot::channel();
            state.tickets += 1;
            let waiter = Waiter { ticket: state.tickets, turn };
            let ticket = waiter.ticket;
            drop(state.line.enter(client, waiter));
            Waiting { slots: self, ticket, turn: receiver }
        };
        match tokio::time::timeout(wait_max, &mut waiting.turn).await {
            Ok(Ok(())) => Ok(Slot(self.clone())),
            Ok(Err(_)) | Err(_) => Err(Busy),
        }
    }

    /// How many run, wait and stall.
    pub(super) fn load(&self) -> Load {
        let state = self.state();
        Load { running: state.taken, waiting: state.line.len(), stalled: state.lent }
    }

    /// Hands a slot to the next in line, or keeps it free.
    fn hand_over(&self) {
        self.state().hand_over();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hand_over(&mut self) {
        // Those who came back for the slots that they lent were not kept waiting, so there may be too many at work.
        if self.taken > self.all {
            self.taken -= 1;
            return;
        }
        while let Some(waiter) = self.line.next() {
            if waiter.turn.send(()).is_ok() {
                return;
            }
        }
        self.taken -= 1;
    }
}

impl Slot {
    /// Lets another have the slot for as long as the result lives; `None` when that many are lent already. Who lent a
    /// slot goes on at once when the wait is over, so for a moment a few more may be at work than there are slots.
    pub(super) fn lend(&self) -> Option<Lent<'_>> {
        let mut state = self.0.state();
        if state.lent >= state.lent_max {
            return None;
        }
        state.lent += 1;
        state.hand_over();
        Some(Lent(&self.0))
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.lent -= 1;
        state.taken += 1;
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.hand_over();
    }
}

/// One in line. Dropped, it leaves the line, and gives back a slot that it was handed and did not take.
struct Waiting<'s> {
    slots: &'s Slots,
    ticket: u64,
    turn: oneshot::Receiver<()>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.turn.close();
        if self.turn.try_recv().is_ok() {
            self.slots.hand_over();
        } else {
            self.slots.state().line.leave(|waiter| waiter.ticket == self.ticket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_person_waits_for_one_request_of_a_script_and_not_for_all() {
        let slots = Slots::new(1, 0, 64);
        let (script, person): (Arc<str>, Arc<str>) = ("script".into(), "person".into());
        let running = slots.take(&script, LONG).await.unwrap();
        let served = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for client in std::iter::repeat_n(&script, 50).chain([&person]) {
            let (in_line, slots, client, served) =
                (slots.load().waiting, slots.clone(), Arc::clone(client), Arc::clone(&served));
            let waited = slots.clone();
            tasks.push(tokio::spawn(async move {
                let slot = slots.take(&client, LONG).await.unwrap();
                served.lock().unwrap().push(client);
                drop(slot);
            }));
            while waited.load().waiting == in_line {
                tokio::task::yield_now().await;
            }
        }
        drop(running);
        for task in tasks {
            task.await.unwrap();
        }
        let place = served.lock().unwrap().iter().position(|client| *client == person);
        assert!(place <= Some(1), "{place:?}");
        assert_eq!(slots.load(), Load::default());
    }

    #[tokio::test]
    async fn slots_and_places_come_back_from_whoever_gives_up() {
        let slots = Slots::new(1, 0, 1);
        let client: Arc<str> = "a".into();
        let running = slots.take(&client, LONG).await.unwrap();
        assert!(slots.take(&client, Duration::from_millis(1)).await.is_err(), "too long");
        assert_eq!(slots.load(), Load { running: 1, ..Load::default() });
        // Handed a slot, and gone before it was taken.
        let mut waiting = Box::pin(slots.take(&client, LONG));
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(waiting.as_mut().poll(context).is_pending())
        });
        assert!(polled.await);
        assert_eq!(slots.take(&client, LONG).await.err(), Some(Busy), "the line is full");
        drop(running);
        assert_eq!(slots.load(), Load { running: 1, ..Load::default() });
        drop(waiting);
        assert_eq!(slots.load(), Load::default());
    }
    #[tokio::test]
    async fn a_lent_slot_serves_the_next_and_who_lent_it_goes_on_at_once() {
        let slots = Slots::new(1, 1, 1);
        let client: Arc<str> = "a".into();
        let load = |running, stalled| Load { running, waiting: 0, stalled };
        let paused = slots.take(&client, LONG).await.unwrap();
        let lent = paused.lend().unwrap();
        assert_eq!(slots.load(), load(0, 1));
        let second = slots.take(&client, LONG).await.unwrap();
        assert!(second.lend().is_none(), "so many are lent");
        drop(lent);
        assert_eq!(slots.load(), load(2, 0), "nobody is kept waiting who is under way");
        drop(second);
        assert_eq!(slots.load(), load(1, 0));
        assert!(
            slots.take(&client, Duration::from_millis(1)).await.is_err(),
            "and nobody new comes meanwhile"
        );
        drop(paused);
        assert_eq!(slots.load(), load(0, 0));
    }
}
