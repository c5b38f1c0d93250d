//! Finds files that have unread lines and get nowhere, says why, and gives them another chance. The decision is
//! [`judge`], a pure function; what is waited for by design (the end of a line, the collector) is no stall.

use std::collections::{HashMap, HashSet};

use millpond_wire::position::StreamId;

use super::Tailer;
use super::generation::{Generation, Life};
use super::inspect;
use super::open::may_be_opened_again;
use crate::time::Now;

/// How the last turn of a file ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LastTurn {
    /// It has had none.
    #[default]
    None,
    /// Every whole line of so many bytes was read; the rest waits for its end.
    AtEnd {
        /// Size of the file then.
        size: u64,
    },
    /// There was more.
    Unfinished,
    /// It couldn't be opened: the system's words.
    NotOpened(String),
    /// It couldn't be read: the system's words.
    Failed(String),
    /// Its identity isn't durable, and the journal can't be written.
    HeldBack,
}

/// What the decision is made of.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Of the file, when it was last looked at.
    pub size: u64,
    /// Bytes that no turn has read.
    pub unread_bytes: u64,
    /// Time since the position last moved or the first unread byte was noticed, in milliseconds.
    pub stuck_ms: u64,
    /// How its last turn ended.
    pub last_turn: &'a LastTurn,
    /// It waits in a queue.
    pub is_queued: bool,
    /// Nothing is read at all: the collector doesn't answer, or has more to do than it can.
    pub is_held_up: bool,
}

/// Why a file is stalled; `None` while it isn't, or while its state is by design.
pub fn judge(seen: &Observed<'_>, limit_ms: u64) -> Option<String> {
    if seen.unread_bytes == 0 || seen.stuck_ms < limit_ms || seen.is_held_up {
        return None;
    }
    match seen.last_turn {
        // A line without its newline, a group without its end.
        LastTurn::AtEnd { size } if *size == seen.size => None,
        LastTurn::NotOpened(error) => Some(format!("it can't be opened: {error}")),
        LastTurn::Failed(error) => Some(format!("it can't be read: {error}")),
        LastTurn::HeldBack => Some("held back: the journal of positions can't be written".into()),
        _ if seen.is_queued => Some("other files take all the turns".into()),
        _ => Some("nothing told the agent that it has grown".into()),
    }
}

/// What is remembered of files with unread lines.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    files: HashMap<StreamId, Watched>,
}

#[derive(Debug)]
struct Watched {
    read_to: (u64, u64),
    since_ms: u64,
    /// Its last chance.
    healed_ms: u64,
    stalled: Option<String>,
}

impl Watchdog {
    /// Why a file is stalled, if it is.
    pub(super) fn stalled(&self, stream: StreamId) -> Option<&str> {
        self.files.get(&stream)?.stalled.as_deref()
    }

    fn see(&mut self, stream: StreamId, file: &Generation, now: Now) -> &mut Watched {
        let read_to = (file.read.offset, file.scanned_to);
        let begin = || Watched { read_to, since_ms: now.mono_ms, healed_ms: 0, stalled: None };
        let watched = self.files.entry(stream).or_insert_with(begin);
        if watched.read_to != read_to {
            if watched.stalled.is_some() {
                tracing::info!(path = %file.path.display(), "goes on again");
            }
            *watched = begin();
        }
        watched
    }
}

impl Tailer {
    /// Looks for stalled files. `is_answering`: the collector is there.
    pub fn watch_over(&mut self, is_answering: bool, limit_ms: u64, now: Now) {
        self.look_at_waiting_files(now);
        let is_held_up = !is_answering || self.is_held_up(now);
        let mut stalled = Vec::new();
        let has_unread =
            |file: &Generation| matches!(file.life, Life::Live | Life::Deleted) && file.unread_bytes() > 0;
        let unread = self.table.streams(has_unread);
        for stream in &unread {
            let Some(file) = self.table.get(*stream) else { continue };
            let watched = self.watchdog.see(*stream, file, now);
            let seen = Observed {
                size: file.size_seen,
                unread_bytes: file.unread_bytes(),
                stuck_ms: now.mono_ms.saturating_sub(watched.since_ms),
                last_turn: &file.last_turn,
                is_queued: file.queued,
                is_held_up,
            };
            let Some(reason) = judge(&seen, limit_ms) else { continue };
            if watched.stalled.is_none() {
                self.counters.stalled_files.increment();
                let (path, unread_bytes) = (file.path.display(), seen.unread_bytes);
                tracing::error!(%path, unread_bytes, stuck_ms = seen.stuck_ms, reason, "no progress; opening it anew");
            }
            watched.stalled = Some(reason);
            if now.mono_ms.saturating_sub(watched.healed_ms) >= limit_ms {
                watched.healed_ms = now.mono_ms;
                stalled.push(*stream);
            }
        }
        let unread: HashSet<StreamId> = unread.into_iter().collect();
        self.watchdog.files.retain(|stream, _| unread.contains(stream));
        for stream in stalled {
            self.heal(stream);
        }
    }

    /// Another chance for a stalled file: a new descriptor, a turn, a look at its directory.
    fn heal(&mut self, stream: StreamId) {
        self.needs_scan = true;
        let Some(file) = self.table.get_mut(stream) else { return };
        if may_be_opened_again(file) && file.file.take().is_some() {
            self.open_files = self.open_files.saturating_sub(1);
        }
        // Before all that wait; where it waits already, it has one turn more than it needs.
        file.queued = true;
        self.urgent.push_front(stream);
    }

    /// Files that wait for a turn grow meanwhile; without a turn nobody would notice.
    pub fn look_at_waiting_files(&mut self, now: Now) {
        for (_, file) in self.table.iter_mut().filter(|(_, file)| file.queued) {
            let size = file.file.as_ref().and_then(|file| inspect::stat(file).ok());
            if let Some(stat) = size.filter(|stat| stat.size >= file.size_seen) {
                file.saw_size(stat.size, now.mono_ms);
            }
        }
    }

    /// Nothing is read, whatever the files hold.
    pub(super) fn is_held_up(&self, now: Now) -> bool {
        self.batcher.is_full() || now.mono_ms < self.held_until_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stalls() {
        use LastTurn::*;
        const SEEN: Observed<'_> = Observed {
            size: 100,
            unread_bytes: 10,
            stuck_ms: 60_000,
            last_turn: &None,
            is_queued: false,
            is_held_up: false,
        };
        let check = |what: &str, seen: Observed<'_>, expected: &str| {
            let reason = judge(&seen, 60_000).unwrap_or_default();
            assert!(
                reason.contains(expected) && reason.is_empty() == expected.is_empty(),
                "{what}: {reason}"
            );
        };
        let failed = Failed("I/O error".into());
        let not_opened = NotOpened("Permission denied".into());
        check("unnoticed growth", SEEN, "nothing told");
        check("starved", Observed { is_queued: true, last_turn: &Unfinished, ..SEEN }, "other files");
        check("broken disk", Observed { last_turn: &failed, ..SEEN }, "can't be read: I/O error");
        check("permission taken away", Observed { last_turn: &not_opened, ..SEEN }, "can't be opened: Perm");
        check("full state directory", Observed { last_turn: &HeldBack, ..SEEN }, "journal");
        check("grown since its turn", Observed { last_turn: &AtEnd { size: 90 }, ..SEEN }, "nothing told");
        check("a line without newline", Observed { last_turn: &AtEnd { size: 100 }, ..SEEN }, "");
        check("not yet", Observed { stuck_ms: 59_999, last_turn: &failed, ..SEEN }, "");
        check("all read", Observed { unread_bytes: 0, ..SEEN }, "");
        check("no collector", Observed { is_held_up: true, ..SEEN }, "");
    }
}
