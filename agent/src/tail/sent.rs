//! Where the batches of a stream that left the agent end. A collector may have such a batch although nobody knows: the
//! answer was lost, one mirror took it and another one didn't. It drops what it has by the offsets of first bytes, so
//! what is read again must not make one event of lines on both sides of that end, though time alone has closed the event
//! before it and lines that carry it on were written since: the collector would take all of it for what it has.
//!
//! One end is enough: what is read again stops there until it is acknowledged, so nothing beyond can have left. Ends of
//! smaller batches before it aren't kept: the bytes between stand still, and the same rules make the same events of them.

use millpond_wire::position::StreamPosition;

use crate::tail::generation::Generation;
use crate::tail::identity::Mark;

/// What the collectors have of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// All of them.
    pub position: StreamPosition,
    /// One of them, at most.
    pub furthest: u64,
}

/// See the module. All offsets are those of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Beyond the acknowledged position.
    to: Option<u64>,
    /// What was sent is read again.
    is_again: bool,
}

impl Sent {
    /// As it is known from earlier, by the journal or from a collector that is ahead of others.
    pub fn remembered(to: Option<u64>) -> Self {
        Self { to, is_again: to.is_some() }
    }

    /// A batch leaves that holds the stream's lines up to `end`.
    pub fn note(&mut self, end: u64) {
        self.to = self.to.max(Some(end));
    }

    /// What was sent since the last acknowledgement will be read again.
    pub fn rewind(&mut self) {
        self.is_again = self.to.is_some();
    }

    /// All below `offset` is acknowledged.
    pub fn acknowledge(&mut self, offset: u64) {
        if self.to.is_none_or(|to| to <= offset) {
            *self = Self::default();
        }
    }

    /// End of the furthest batch that left and isn't acknowledged in full.
    pub fn to(&self) -> Option<u64> {
        self.to
    }

    /// Where an event ends, a line too, whatever comes after it; nothing beyond is read before this is acknowledged.
    pub fn kept_end(&self) -> Option<u64> {
        self.to.filter(|_| self.is_again)
    }

    /// Bytes up to there of `len` bytes that begin at `offset`; `None` when it isn't among them.
    pub fn kept_within(&self, len: usize, offset: u64) -> Option<usize> {
        let kept = usize::try_from(self.kept_end()?.saturating_sub(offset)).ok()?;
        Some(kept).filter(|kept| *kept <= len)
    }
}

impl Generation {
    /// The collector has all below.
    pub fn acknowledge(&mut self, mark: Mark) {
        self.acked = mark;
        self.sent.acknowledge(mark.offset);
        self.backlog.settle(mark.offset);
    }

    /// What was sent has been read again, and goes on when the collector has it.
    pub fn is_held(&self) -> bool {
        self.sent.kept_end().is_some_and(|end| end <= self.read.offset)
    }

    /// Goes back to what the collector has.
    pub fn rewind(&mut self) {
        self.read = self.acked;
        self.sent.rewind();
        self.scanned_to = 0;
        self.waiting = None;
        self.overflow = None;
        self.unacked_groups = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_kept_until_it_is_acknowledged() {
        let mut sent = Sent::remembered(None);
        sent.rewind();
        sent.note(10);
        // In flight: the next batch is read meanwhile.
        assert_eq!((sent.to(), sent.kept_end()), (Some(10), None));
        sent.rewind();
        sent.note(7);
        assert_eq!((sent.to(), sent.kept_end()), (Some(10), Some(10)));
        sent.acknowledge(7);
        assert_eq!(sent.kept_end(), Some(10));
        sent.acknowledge(10);
        assert_eq!(sent, Sent::default());
        sent.note(20);
        assert_eq!(sent.kept_end(), None);
        assert_eq!(Sent::remembered(Some(5)).kept_end(), Some(5));
    }
}
