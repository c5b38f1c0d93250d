//! When files whose last event may go on have their next turn: those that are due are found without a look at the
//! others. Holds at most one time for each file that is followed. Pure.

use std::collections::{BTreeSet, HashMap};

use millpond_wire::position::StreamId;

use crate::limits;

/// See the module. Times are monotonic, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    due_ms: HashMap<StreamId, u64>,
    in_order: BTreeSet<(u64, StreamId)>,
}

impl Wakes {
    /// The time of a file, in place of the one before; `None`: it waits for nothing.
    pub(super) fn set(&mut self, stream: StreamId, due_ms: Option<u64>) {
        let before = match due_ms {
            Some(due_ms) => self.due_ms.insert(stream, due_ms),
            None => self.due_ms.remove(&stream),
        };
        if before == due_ms {
            return;
        }
        if let Some(before) = before {
            self.in_order.remove(&(before, stream));
        }
        self.in_order.extend(due_ms.map(|due_ms| (due_ms, stream)));
    }

    /// The earliest time.
    pub(super) fn next_ms(&self) -> Option<u64> {
        self.in_order.first().map(|(due_ms, _)| *due_ms)
    }

    /// Takes out a file that [is due](is_due).
    pub(super) fn pop_due(&mut self, now_ms: u64) -> Option<StreamId> {
        let (due_ms, stream) = *self.in_order.first()?;
        is_due(due_ms, now_ms).then(|| self.set(stream, None))?;
        Some(stream)
    }
}

/// True when it is time, or nearly: what comes within one round is done in one.
pub(super) fn is_due(due_ms: u64, now_ms: u64) -> bool {
    due_ms <= now_ms.saturating_add(limits::ROUND_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_woken_in_order_and_once() {
        const ROUND_MS: u64 = limits::ROUND_MS;
        let mut wakes = Wakes::default();
        assert_eq!((wakes.next_ms(), wakes.pop_due(u64::MAX)), (None, None));
        for (stream, due_ms) in [(1, Some(900)), (2, Some(500)), (3, Some(700)), (1, Some(600)), (3, None)] {
            wakes.set(StreamId(stream), due_ms);
        }
        for (now_ms, next_ms, expected) in [
            (499 - ROUND_MS, Some(500), None),
            (500 - ROUND_MS, Some(500), Some(2)),
            (500, Some(600), None),
            (9_000, Some(600), Some(1)),
            (9_000, None, None),
        ] {
            assert_eq!(wakes.next_ms(), next_ms, "{now_ms}");
            assert_eq!(wakes.pop_due(now_ms), expected.map(StreamId), "{now_ms}");
        }
        assert!(wakes.due_ms.is_empty() && wakes.in_order.is_empty());
    }
}
