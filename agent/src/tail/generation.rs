//! One generation of one file: what is known of it. A generation begins when a file is created or truncated and ends
//! when nothing of it is left to read; meanwhile the file may be renamed, deleted, or live on as a copy. What its file
//! says now, `inspect` asks.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use millpond_parsers::Detector;

use crate::checkpoint::Entry;
use crate::limits;
use crate::tail::backlog::Backlog;
use crate::tail::content::Content;
use crate::tail::dated::Dated;
use crate::tail::encoding::Encoding;
use crate::tail::group::Overflow;
use crate::tail::identity::{Head, Identity, Inode, Mark};
use crate::tail::sent::Sent;
use crate::tail::wakes;
use crate::tail::watchdog::LastTurn;

/// Marks of earlier positions that are kept, to recognise a copy that was made before the last lines were read.
const RECENT_MARKS: usize = 8;

/// Where a generation stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// Remembered, but no file has been found yet.
    Dormant,
    /// Its file is there.
    Live,
    /// Its file has no name any more; the open descriptor holds it.
    Deleted,
    /// Its file holds something else now. A copy of the rest may turn up.
    Cut {
        /// Monotonic time of the discovery.
        since_ms: u64,
    },
}

/// An event at the end of a file that may go on. It is read again at the next turn.
#[derive(Debug, Clone, Copy)]
pub struct Waiting {
    /// After its last line, counted on into the file's successor.
    pub end_offset: u64,
    /// Monotonic time at which that line was seen first.
    pub since_ms: u64,
    /// Monotonic time from which on it is complete.
    pub due_ms: u64,
    /// Pieces of a text are missing.
    pub is_in_pieces: bool,
    /// The file was read up to here.
    pub seen_to: u64,
    /// Bytes that are read again.
    pub open_bytes: u64,
}

impl Waiting {
    /// True when the event is complete.
    pub fn is_due(&self, now_ms: u64) -> bool {
        wakes::is_due(self.due_ms, now_ms)
    }

    /// True when the file has grown too little to read all that is open again: it is worth it from an eighth on, so
    /// that an event that grows line by line costs a few times its length and not the square of it.
    pub fn is_not_worth_a_turn(&self, size: u64, now_ms: u64) -> bool {
        let grown = size.saturating_sub(self.seen_to);
        !self.is_due(now_ms)
            && !self.is_in_pieces
            && self.open_bytes > limits::REREAD_BYTES
            && grown < self.open_bytes / 8
    }
}

/// What is known of an archive beside what comes out of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Archive {
    /// Size of the file itself when last looked at, in bytes.
    pub file_bytes: u64,
    /// Bytes that come out of it, once that is known.
    pub end_bytes: Option<u64>,
    /// The next import unpacks it again, to say again that it isn't whole.
    pub is_told_again: bool,
}

/// See the module. Owned by the table of generations; changed by the tailer only.
#[derive(Debug)]
pub struct Generation {
    /// Index of the section of the configuration that covers it.
    pub section: usize,
    /// The name that it was found under: what its lines are labelled with.
    pub origin: PathBuf,
    /// Where it is now.
    pub path: PathBuf,
    /// Of the file.
    pub inode: Inode,
    /// How the file begins.
    pub head: Head,
    /// All below has been read into batches.
    pub read: Mark,
    /// All below is durable at the collector.
    pub acked: Mark,
    /// Where the batches that left end.
    pub sent: Sent,
    /// Positions read to earlier, oldest first.
    pub recent: VecDeque<Mark>,
    /// Groups of lines that were handed on and not acknowledged yet.
    pub unacked_groups: u32,
    /// Where it stands.
    pub life: Life,
    /// The last scan found it under a name that the patterns cover.
    pub covered: bool,
    /// It has lost its name, or is a copy: once it rests, what is left of a last line is complete.
    pub renamed: bool,
    /// Open descriptor; closed when many files rest.
    pub file: Option<Content>,
    /// It is packed.
    pub archive: Option<Archive>,
    /// Size when last looked at, in bytes.
    pub size_seen: u64,
    /// Modification time when last looked at, Unix nanoseconds.
    pub modified_ns: i128,
    /// Monotonic time of its last growth or change of name.
    pub quiet_since_ms: u64,
    /// A line that is longer than any window was searched for its end up to here; 0 when there is none.
    pub scanned_to: u64,
    /// What stands at its end and may go on, if anything.
    pub waiting: Option<Waiting>,
    /// The lines that carry on what was cut short are left out.
    pub overflow: Option<Overflow>,
    /// When a remembered one was seen last, and not before its file was made; Unix seconds.
    pub remembered_s: i64,
    /// It waits in a queue for its turn.
    pub queued: bool,
    /// How its bytes are to be read; `None` until enough of them have been seen.
    pub encoding: Option<Encoding>,
    /// Finds the format of its lines.
    pub detector: Option<Box<Detector>>,
    /// Its last event with a time.
    pub dated: Option<Dated>,
    /// What its path says of who writes it, once that was asked for.
    pub metadata: Option<Arc<[(&'static str, String)]>>,
    /// How old what isn't acknowledged is.
    pub backlog: Backlog,
    /// How its last turn ended.
    pub last_turn: LastTurn,
}

impl Generation {
    /// A new one, to be read from `start`.
    pub fn new(section: usize, path: &Path, inode: Inode, head: Head, start: Mark, now_ms: u64) -> Self {
        Self {
            section,
            origin: path.to_owned(),
            path: path.to_owned(),
            inode,
            head,
            read: start,
            acked: start,
            sent: Sent::default(),
            recent: VecDeque::new(),
            unacked_groups: 0,
            life: Life::Live,
            covered: true,
            renamed: false,
            file: None,
            archive: None,
            size_seen: 0,
            modified_ns: 0,
            quiet_since_ms: now_ms,
            scanned_to: 0,
            waiting: None,
            overflow: None,
            remembered_s: 0,
            queued: false,
            encoding: None,
            detector: None,
            dated: None,
            metadata: None,
            backlog: Backlog::default(),
            last_turn: LastTurn::None,
        }
    }

    /// One that is known from the journal or from the collector.
    pub fn remembered(entry: &Entry) -> Self {
        let Identity { inode, head, ref path, .. } = entry.identity;
        let exhausted = Archive { end_bytes: Some(entry.offset), ..Archive::default() };
        Self {
            life: Life::Dormant,
            archive: entry.identity.exhausted.then_some(exhausted),
            covered: false,
            renamed: entry.identity.renamed,
            sent: Sent::remembered(entry.sent_to),
            size_seen: entry.offset,
            remembered_s: entry.identity.seen_s,
            ..Self::new(0, path, inode, head, entry.mark(), 0)
        }
    }

    /// What is to be remembered of it at a position.
    pub fn entry_at(&self, mark: &Mark, now_s: i64) -> Entry {
        let identity = Identity {
            inode: self.inode,
            head: self.head,
            tail: (mark.tail_len, mark.tail_hash),
            renamed: self.renamed,
            exhausted: self
                .archive
                .is_some_and(|archive| archive.end_bytes == Some(mark.offset) && !archive.is_told_again),
            seen_s: now_s.max(self.remembered_s),
            path: self.origin.clone(),
        };
        let sent_to = self.sent.to().filter(|to| *to > mark.offset);
        Entry { offset: mark.offset, identity, sent_to }
    }

    /// It is an archive, and all of it has been read.
    pub fn is_exhausted(&self) -> bool {
        self.archive.is_some_and(|archive| archive.end_bytes == Some(self.read.offset))
    }

    /// Moves on to a position that has been read to.
    pub fn advance(&mut self, mark: Mark) {
        if self.recent.len() >= RECENT_MARKS {
            self.recent.pop_front();
        }
        self.recent.push_back(self.read);
        self.read = mark;
        self.scanned_to = 0;
    }

    /// It was looked at and has this size.
    pub fn saw_size(&mut self, size: u64, now_ms: u64) {
        if size != self.size_seen {
            self.quiet_since_ms = now_ms;
        }
        self.size_seen = size;
        self.backlog.saw(size, self.acked.offset, now_ms);
    }

    /// Bytes that are known to stand after the position.
    pub fn unread_bytes(&self) -> u64 {
        self.size_seen.saturating_sub(self.read.offset)
    }

    /// Everything that was read has been acknowledged.
    pub fn is_settled(&self) -> bool {
        self.unacked_groups == 0 && self.acked == self.read
    }
}
