//! Opens files whose inode isn't known, observes how they relate to what is, and acts on the decision.

use std::fs;
use std::io;
use std::path::Path;

use millpond_wire::position::StreamId;

use super::Tailer;
use super::decide::{self, Likeness, Origin, Tail, Verdict};
use super::generation::{Archive, Generation, Life};
use super::identity::{Head, Inode, Mark};
use super::inspect;
use super::newcomer::{Newcomer, compare};
use crate::discover::{self, Found};
use crate::limits;
use crate::time::Now;

/// A file that can't be told from a copy yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect {
    pub(super) size: u64,
    pub(super) modified_ns: i128,
    pub(super) since_ms: u64,
    pub(super) is_prefix: bool,
    pub(super) grew: bool,
    /// Whose copy it may be.
    pub(super) of: StreamId,
    pub(super) is_related: bool,
}

impl Tailer {
    /// Decides what an unknown file is and follows it, or waits. A file that isn't `covered` is only
    /// followed as the continuation of one that is.
    pub(super) fn examine(&mut self, found: &Found, covered: bool, now: Now) {
        let is_settled = self.table.live_at(found.inode).is_some() || self.archives.is_waiting(found.inode);
        if found.size == 0 || is_settled || self.is_pointless(found) {
            return;
        }
        let unpacked = self.archives.take_unpacked(found.inode);
        let is_unpacked = unpacked.is_some();
        let newcomer = match self.open_newcomer(found, covered, unpacked, now) {
            Ok(Some(newcomer)) => newcomer,
            Ok(None) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.warn_once(&found.path, &error.to_string()),
        };
        self.warned.remove(&found.path);
        if newcomer.file.is_packed() && covered && self.is_fresh(&newcomer.stat, now) {
            // It may still be written; the next scan will see it again.
            return;
        }
        if newcomer.file.is_packed() && !covered && self.is_known_to_be_read(&newcomer) {
            return;
        }
        if newcomer.file.is_packed() && !is_unpacked {
            let needed_bytes = self.needed_bytes(&newcomer);
            if !matches!(newcomer.file.approach(needed_bytes, 0), Ok(true)) {
                return self.await_unpacked(found, covered, needed_bytes);
            }
        }
        let (verdict, stream) = self.judge(&newcomer, now);
        if !covered && verdict != Verdict::Continue {
            return;
        }
        self.suspects.remove(&found.inode);
        match (verdict, stream) {
            (Verdict::Continue, Some(stream)) => self.carry_on(stream, newcomer, covered, now),
            (Verdict::AlreadyRead, _) => match inspect::end_mark(&newcomer.file) {
                Ok(end) => {
                    self.counters.copied_bytes_skipped.add(end.offset);
                    let path = found.path.display();
                    tracing::info!(%path, bytes = end.offset, "a copy of what was read already; followed from its end");
                    self.begin(newcomer, end, now);
                }
                Err(error) => self.warn_once(&found.path, &error.to_string()),
            },
            (Verdict::Wait, Some(of)) => self.suspect(&newcomer, of),
            _ => {
                let start = self.first_position(&newcomer).unwrap_or(Mark::start());
                self.begin(newcomer, start, now);
            }
        }
    }

    /// The file of a generation holds something else now. What was lost of it may be in a copy; what is in
    /// its place is a generation of its own.
    pub(super) fn cut(&mut self, stream: StreamId, now: Now) {
        self.mark_cut(stream, now);
        self.search_copies(stream, now);
    }

    /// A file that is shorter than what was read of it was truncated. Looked at when something has happened to it and not
    /// only in its turn: by then whoever truncated it may have written the same text again, and more.
    pub(super) fn notice_truncation(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get(stream).filter(|it| it.archive.is_none()) else { return };
        let metadata = match &generation.file {
            Some(file) => file.metadata(),
            None => fs::metadata(&generation.path),
        };
        // When its name is another file's, the scan will say.
        let is_short = |metadata: fs::Metadata| {
            Inode::of(&metadata) == generation.inode && metadata.len() < generation.read.offset
        };
        if metadata.is_ok_and(is_short) {
            self.cut(stream, now);
        }
    }

    /// As [`Self::cut`], without looking for copies.
    pub(super) fn mark_cut(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        generation.file = None;
        let path = generation.path.clone();
        self.counters.truncations.increment();
        self.table.set_life(stream, Life::Cut { since_ms: now.mono_ms });
        self.ending.remove(&stream);
        self.needs_scan = true;
        tracing::info!(path = %path.display(), "truncated or overwritten");
    }

    /// Looks at what stands beside the file of a cut generation: it may be a copy, also where the patterns
    /// don't reach.
    pub(super) fn search_copies(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get(stream) else { return };
        let (origin, path, section) =
            (generation.origin.clone(), generation.path.clone(), generation.section);
        let Some(directory) = path.parent() else { return };
        let mut siblings = discover::siblings(directory, section);
        // A file before its copies, which are never longer.
        siblings.sort_by(|a, b| b.size.cmp(&a.size).then_with(|| a.path.cmp(&b.path)));
        for found in siblings {
            let section = discover::section_of(&self.settings.coverage, &found.path);
            let covers = section.is_some();
            if found.path == path || covers || decide::names_related(&origin, &found.path) {
                let found = Found { section: section.unwrap_or(found.section), ..found };
                self.examine(&found, covers, now);
            }
        }
    }

    /// Nothing has changed about a file that was left out, or that may be a copy of one that is there.
    fn is_pointless(&self, found: &Found) -> bool {
        let state = (found.size, found.modified_ns);
        if self.skipped.get(&found.inode) == Some(&state) {
            return true;
        }
        self.suspects.get(&found.inode).is_some_and(|suspect| {
            let of = self.table.get(suspect.of);
            let is_there = of.is_some_and(|of| of.life == Life::Live && of.path == of.origin);
            (suspect.size, suspect.modified_ns) == state && suspect.is_related && is_there
        })
    }

    /// How far an archive must be unpacked until it can be told from the generations that it may be a copy of.
    fn needed_bytes(&self, newcomer: &Newcomer<'_>) -> u64 {
        let candidates = self.candidates(newcomer).into_iter();
        let candidates = candidates.filter_map(|stream| self.table.get(stream));
        // It is no copy of itself.
        let others = candidates.filter(|of| of.inode != newcomer.found.inode);
        let needed = others.map(|of| match of.life {
            Life::Live if of.archive.is_some() => 0,
            Life::Live | Life::Deleted => of.size_seen.max(of.read.offset) + 1,
            Life::Dormant | Life::Cut { .. } => of.read.offset,
        });
        needed.max().unwrap_or(0)
    }

    /// An archive says itself that nothing is in it beyond what was read of the log that it was made of: so the
    /// archives of a month needn't be unpacked at each start.
    fn is_known_to_be_read(&self, newcomer: &Newcomer<'_>) -> bool {
        let candidates = self.candidates(newcomer).into_iter();
        candidates.filter_map(|stream| self.table.get(stream)).any(|of| {
            let is_related = decide::names_related(&of.origin, &newcomer.found.path);
            let is_read = of.life == Life::Dormant && of.read.offset > 0 && of.is_settled();
            is_related && is_read && newcomer.file.declares(of.read.offset)
        })
    }

    /// The verdict that binds most, over all generations whose head the file has.
    fn judge(&mut self, newcomer: &Newcomer<'_>, now: Now) -> (Verdict, Option<StreamId>) {
        let mut best = (Verdict::Independent, None, 0);
        let mut begins_like = None;
        for stream in self.candidates(newcomer) {
            let like = self.likeness(newcomer, stream, now);
            self.close_surplus(stream);
            let Some(like) = like else { continue };
            let verdict = decide::newcomer(&like);
            let read_offset = self.table.get(stream).map_or(0, |generation| generation.read.offset);
            if verdict != Verdict::Independent && (verdict, read_offset) > (best.0, best.2) {
                best = (verdict, Some(stream), read_offset);
            }
            if like.begins_anew() && like.tail == Tail::Same {
                begins_like = begins_like.max(Some(read_offset));
            }
        }
        if let (Verdict::Independent, Some(bytes)) = (best.0, begins_like) {
            self.counters.logs_begun_alike.increment();
            let path = newcomer.found.path.display();
            tracing::info!(%path, bytes, "begins with all that was read of the log before it; read as a new one");
        }
        (best.0, best.1)
    }

    /// Generations that the newcomer may be a copy of.
    fn candidates(&self, newcomer: &Newcomer<'_>) -> Vec<StreamId> {
        let mut candidates = self.table.with_head_of(&newcomer.start);
        // What was deleted a while ago and is only kept for late writes doesn't live on in a new file.
        candidates.retain(|stream| {
            let is_deleted = self.table.get(*stream).is_some_and(|of| of.life == Life::Deleted);
            // …but an archive may be made of it.
            newcomer.file.is_packed() || !(is_deleted && self.late.contains(stream))
        });
        if candidates.len() > limits::CANDIDATES_MAX {
            candidates.sort_by_cached_key(|stream| {
                let Some(generation) = self.table.get(*stream) else { return u8::MAX };
                match generation.life {
                    Life::Cut { .. } => 0,
                    _ if decide::names_related(&generation.origin, &newcomer.found.path) => 1,
                    Life::Dormant => 2,
                    Life::Deleted => 3,
                    Life::Live => 4,
                }
            });
            candidates.truncate(limits::CANDIDATES_MAX);
        }
        candidates
    }

    /// `None`: it is the very file that was cut, with new content.
    fn likeness(&mut self, newcomer: &Newcomer<'_>, stream: StreamId, now: Now) -> Option<Likeness> {
        let path = &newcomer.found.path;
        let before = self.origin_state(stream, path, now)?;
        let like = compare(self.table.get(stream)?, stream, newcomer, before, now)?;
        // The original may have been truncated while it was compared; then it says nothing about the copy.
        // A life goes on only, so that the second comparison holds.
        let after = self.origin_state(stream, path, now)?;
        if after == before {
            return Some(like);
        }
        compare(self.table.get(stream)?, stream, newcomer, after, now)
    }

    /// What has become of a generation's file, looked at afresh; opens it where it rests.
    fn origin_state(&mut self, stream: StreamId, newcomer_path: &Path, now: Now) -> Option<Origin> {
        let life = self.table.get(stream)?.life;
        if life == Life::Live && !self.is_still_there(stream) {
            self.table.get_mut(stream)?.file = None;
            self.counters.truncations.increment();
            self.table.set_life(stream, Life::Cut { since_ms: now.mono_ms });
            self.needs_scan = true;
        }
        let generation = self.table.get(stream)?;
        Some(match generation.life {
            Life::Dormant => Origin::Gone,
            Life::Cut { .. } => Origin::Cut,
            Life::Deleted if generation.unread_bytes() > 0 => Origin::Draining,
            Life::Deleted => Origin::Gone,
            Life::Live if newcomer_path == generation.origin || newcomer_path == generation.path => {
                Origin::Replaced
            }
            Life::Live => Origin::Alive,
        })
    }

    /// True when the file of a live generation holds what was read from it. A file that can't be looked at
    /// gets the benefit of the doubt.
    pub(super) fn is_still_there(&mut self, stream: StreamId) -> bool {
        if !self.ensure_open(stream) {
            return true;
        }
        let Some(generation) = self.table.get(stream) else { return true };
        let Some(file) = &generation.file else { return true };
        if generation.archive.is_some() {
            // Changes of it are found in its turn.
            return true;
        }
        let tail = inspect::holds(file, &generation.read).unwrap_or(true);
        let head = inspect::read_vec(file, usize::from(generation.head.len), 0);
        tail && head.map_or(true, |start| generation.head.matches(&start))
    }

    fn suspect(&mut self, newcomer: &Newcomer<'_>, of: StreamId) {
        let Some(generation) = self.table.get(of) else { return };
        let is_related = decide::names_related(&generation.origin, &newcomer.found.path);
        if newcomer.suspect.is_none() {
            let (path, original) = (newcomer.found.path.display(), generation.path.display());
            tracing::info!(%path, %original, "looks like a copy; not read unless it turns out otherwise");
        }
        let suspect = Suspect {
            size: newcomer.stat.size,
            modified_ns: newcomer.found.modified_ns,
            since_ms: newcomer.since_ms,
            is_prefix: true,
            grew: newcomer.grew,
            of,
            is_related,
        };
        self.suspects.insert(newcomer.found.inode, suspect);
    }

    /// Some may turn out not to be copies, with time.
    pub(super) fn has_open_suspects(&self) -> bool {
        self.suspects.values().any(|suspect| !suspect.is_related)
    }

    /// A copy takes the place of a generation's lost file.
    fn carry_on(&mut self, stream: StreamId, newcomer: Newcomer<'_>, covered: bool, now: Now) {
        self.counters.copies_continued.increment();
        self.table.place(stream, newcomer.found.inode, &newcomer.found.path);
        let Some(generation) = self.table.get_mut(stream) else { return };
        // Written to the original after the copy was made, and not read before the truncation.
        let size = newcomer.stat.size;
        let is_size_known = !newcomer.file.is_packed() || newcomer.file.end().is_some();
        self.counters.copied_bytes_skipped.add(generation.read.offset);
        let lost_bytes = if is_size_known { generation.size_seen.saturating_sub(size) } else { 0 };
        self.counters.truncated_unread_bytes.add(lost_bytes);
        generation.renamed = newcomer.found.path != generation.origin;
        let (path, original) = (newcomer.found.path.display(), generation.origin.display());
        let offset = generation.read.offset;
        if generation.renamed {
            tracing::info!(%path, %original, offset, "the rest is read from a copy");
        } else {
            tracing::info!(%path, offset, "rewritten or restored; read on from where it was");
        }
        // The lines are those of the file that it is a copy of, treated as that one's.
        let section = discover::section_of(&self.settings.coverage, &generation.origin);
        generation.section = section.unwrap_or(newcomer.found.section);
        generation.covered = covered;
        generation.remembered_s = generation.remembered_s.max(newcomer.stat.born_s);
        generation.scanned_to = 0;
        generation.waiting = None;
        generation.size_seen = size;
        generation.archive = newcomer.archive();
        generation.modified_ns = newcomer.found.modified_ns;
        generation.quiet_since_ms = now.mono_ms;
        let entry = generation.entry_at(&generation.acked, now.unix_s());
        self.journal.put(stream, &entry);
        let is_finished = generation.renamed || generation.archive.is_some() || self.settings.once;
        self.keep_open(stream, newcomer.file);
        if is_finished {
            self.ending.insert(stream);
        } else {
            self.ending.remove(&stream);
        }
        self.enqueue(stream);
    }

    /// Follows a new generation from a position.
    fn begin(&mut self, newcomer: Newcomer<'_>, start: Mark, now: Now) {
        let archive = newcomer.archive().map(|archive| {
            let end_bytes = newcomer.file.end().map(|end| end.bytes).filter(|end| *end == start.offset);
            // One that isn't wanted is done with as it is.
            let is_unwanted = self.starts_at_end(&newcomer);
            Archive { end_bytes: end_bytes.or(is_unwanted.then_some(start.offset)), ..archive }
        });
        let Newcomer { found, file, stat, start: bytes, .. } = newcomer;
        let mut generation =
            Generation::new(found.section, &found.path, found.inode, Head::of(&bytes), start, now.mono_ms);
        generation.size_seen = stat.size;
        generation.archive = archive;
        generation.modified_ns = found.modified_ns;
        generation.remembered_s = stat.born_s;
        let stream = self.unused_stream();
        self.journal.put(stream, &generation.entry_at(&start, now.unix_s()));
        self.unnoted.insert(stream);
        self.counters.generations.increment();
        self.table.insert(stream, generation);
        self.keep_open(stream, file);
        if archive.is_some() || self.settings.once {
            self.ending.insert(stream);
        }
        self.enqueue(stream);
    }

    fn unused_stream(&self) -> StreamId {
        loop {
            let stream = StreamId(crate::random::number());
            if self.table.get(stream).is_none() {
                return stream;
            }
        }
    }

    /// Drops a generation for good.
    pub(super) fn forget(&mut self, stream: StreamId) {
        self.journal.end(stream);
        self.table.remove(stream);
        self.ending.remove(&stream);
        self.late.remove(&stream);
        self.waiting.set(stream, None);
        self.unnoted.remove(&stream);
    }
}
