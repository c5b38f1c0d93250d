//! Opens files whose inode isn't known, observes how they relate to what is, and acts on the decision.

use std::fs::File;
use std::io;
use std::path::Path;

use millpond_wire::position::StreamId;

use super::Tailer;
use super::decide::{self, Likeness, Origin, Tail, Verdict};
use super::generation::{self, Generation, Life, Stat};
use super::identity::{Head, Mark};
use crate::discover::{self, Found};
use crate::limits;
use crate::time::Now;

/// A file that can't be told from a copy yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Suspect {
    size: u64,
    modified_ns: i128,
    since_ms: u64,
    is_prefix: bool,
    grew: bool,
    /// Whose copy it may be.
    pub(super) of: StreamId,
    is_related: bool,
}

/// A file that is being examined.
pub(super) struct Newcomer<'a> {
    pub(super) found: &'a Found,
    pub(super) file: File,
    pub(super) stat: Stat,
    pub(super) start: Vec<u8>,
    pub(super) suspect: Option<Suspect>,
    pub(super) grew: bool,
    pub(super) since_ms: u64,
}

impl Tailer {
    /// Decides what an unknown file is and follows it, or waits. A file that isn't `covered` is only
    /// followed as the continuation of one that is.
    pub(super) fn examine(&mut self, found: &Found, covered: bool, now: Now) {
        if found.size == 0 || self.table.live_at(found.inode).is_some() || self.is_pointless(found) {
            return;
        }
        let newcomer = match self.open_newcomer(found, now) {
            Ok(Some(newcomer)) => newcomer,
            Ok(None) => return,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.warn_once(&found.path, &error.to_string()),
        };
        self.warned.remove(&found.path);
        let (verdict, stream) = self.judge(&newcomer, now);
        if !covered && verdict != Verdict::Continue {
            return;
        }
        self.suspects.remove(&found.inode);
        match (verdict, stream) {
            (Verdict::Continue, Some(stream)) => self.carry_on(stream, newcomer, covered, now),
            (Verdict::AlreadyRead, _) => match generation::mark_at(&newcomer.file, newcomer.stat.size) {
                Ok(end) => self.begin(newcomer, end, now),
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
        let Some(generation) = self.table.get_mut(stream) else { return };
        generation.file = None;
        let path = generation.path.clone();
        self.counters.truncations.increment();
        self.table.set_life(stream, Life::Cut { since_ms: now.mono_ms });
        self.ending.remove(&stream);
        self.needs_scan = true;
        tracing::info!(path = %path.display(), "truncated or overwritten");
        self.search_copies(stream, now);
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

    fn open_newcomer<'a>(&mut self, found: &'a Found, now: Now) -> io::Result<Option<Newcomer<'a>>> {
        let (file, stat) = generation::open(&found.path)?;
        // Replaced or emptied since it was listed: the next scan will see.
        if stat.inode != found.inode || stat.size == 0 {
            return Ok(None);
        }
        let start = generation::read_vec(&file, limits::COMPARE_BYTES, 0)?;
        if decide::is_binary(&start) {
            if self.skipped.len() < limits::SKIPPED_MAX
                && self.skipped.insert(found.inode, (found.size, found.modified_ns)).is_none()
            {
                self.counters.binary_files.increment();
                tracing::warn!(path = %found.path.display(), "not followed: binary, not text");
            }
            return Ok(None);
        }
        let suspect = self.suspects.get(&found.inode).copied();
        let since_ms = suspect.map_or(now.mono_ms, |suspect| suspect.since_ms);
        let is_old = now.mono_ms.saturating_sub(since_ms) >= limits::COPY_GROWTH_MS;
        let grew = suspect.is_some_and(|suspect| {
            suspect.grew || (is_old && decide::grew_like_a_log(suspect.size, stat.size))
        });
        Ok(Some(Newcomer { found, file, stat, start, suspect, grew, since_ms }))
    }

    /// The verdict that binds most, over all generations whose head the file has.
    fn judge(&mut self, newcomer: &Newcomer<'_>, now: Now) -> (Verdict, Option<StreamId>) {
        let mut best = (Verdict::Independent, None, 0);
        for stream in self.candidates(newcomer) {
            let Some(like) = self.likeness(newcomer, stream, now) else { continue };
            let verdict = decide::newcomer(&like);
            let read_offset = self.table.get(stream).map_or(0, |generation| generation.read.offset);
            if verdict != Verdict::Independent && (verdict, read_offset) > (best.0, best.2) {
                best = (verdict, Some(stream), read_offset);
            }
        }
        (best.0, best.1)
    }

    /// Generations that the newcomer may be a copy of.
    fn candidates(&self, newcomer: &Newcomer<'_>) -> Vec<StreamId> {
        let mut candidates = self.table.with_head_of(&newcomer.start);
        // What was deleted a while ago and is only kept for late writes doesn't live on in a new file.
        candidates.retain(|stream| {
            let is_deleted = self.table.get(*stream).is_some_and(|of| of.life == Life::Deleted);
            !(is_deleted && self.late.contains(stream))
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
        let tail = generation::holds(file, &generation.read).unwrap_or(true);
        let head = generation::read_vec(file, usize::from(generation.head.len), 0);
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

    /// A copy takes the place of a generation's lost file.
    fn carry_on(&mut self, stream: StreamId, newcomer: Newcomer<'_>, covered: bool, now: Now) {
        self.counters.copies_continued.increment();
        self.table.place(stream, newcomer.found.inode, &newcomer.found.path);
        let Some(generation) = self.table.get_mut(stream) else { return };
        // Written to the original after the copy was made, and not read before the truncation.
        let lost_bytes = generation.size_seen.saturating_sub(newcomer.stat.size);
        self.counters.truncated_unread_bytes.add(lost_bytes);
        let (path, original) = (newcomer.found.path.display(), generation.origin.display());
        tracing::info!(%path, %original, offset = generation.read.offset, "the rest is read from a copy");
        generation.covered = covered;
        generation.renamed = true;
        generation.scanned_to = 0;
        generation.size_seen = newcomer.stat.size;
        generation.modified_ns = newcomer.found.modified_ns;
        generation.quiet_since_ms = now.mono_ms;
        let entry = generation.entry_at(&generation.acked, now.unix_s());
        self.journal.put(stream, &entry);
        self.keep_open(stream, newcomer.file);
        self.ending.insert(stream);
        self.enqueue(stream);
    }

    /// Follows a new generation from a position.
    fn begin(&mut self, newcomer: Newcomer<'_>, start: Mark, now: Now) {
        let Newcomer { found, file, stat, start: bytes, .. } = newcomer;
        let mut generation =
            Generation::new(found.section, &found.path, found.inode, Head::of(&bytes), start, now.mono_ms);
        generation.size_seen = stat.size;
        generation.modified_ns = found.modified_ns;
        let stream = self.unused_stream();
        self.journal.put(stream, &generation.entry_at(&start, now.unix_s()));
        self.unnoted.insert(stream);
        self.counters.generations.increment();
        self.table.insert(stream, generation);
        self.keep_open(stream, file);
        self.enqueue(stream);
    }

    /// Where a new generation starts: at its beginning, unless it was there before the agent's first start
    /// and its section wants the end; then after the last whole line.
    fn first_position(&self, newcomer: &Newcomer<'_>) -> io::Result<Mark> {
        let section = self.settings.sections.get(newcomer.found.section);
        let at_end = section.is_some_and(|section| section.start_at_end);
        if !(at_end && self.is_first_start && self.is_first_scan) {
            return Ok(Mark::start());
        }
        let window = (limits::READ_WINDOW_BYTES as u64).min(newcomer.stat.size);
        let from = newcomer.stat.size - window;
        let bytes = generation::read_vec(&newcomer.file, limits::READ_WINDOW_BYTES, from)?;
        let after_line = memchr::memrchr(b'\n', &bytes).map_or(0, |at| at as u64 + 1);
        generation::mark_at(&newcomer.file, from + after_line)
    }

    fn unused_stream(&self) -> StreamId {
        loop {
            let stream = StreamId(crate::random::number());
            if self.table.get(stream).is_none() {
                return stream;
            }
        }
    }

    /// Opens a resting file again. False when it isn't where it was; the next scan will say.
    pub(super) fn ensure_open(&mut self, stream: StreamId) -> bool {
        let Some(generation) = self.table.get_mut(stream) else { return false };
        if generation.file.is_some() {
            return true;
        }
        match generation::open(&generation.path) {
            Ok((file, stat)) if stat.inode == generation.inode => {
                generation.file = Some(file);
                self.open_files += 1;
                true
            }
            Ok(_) => {
                self.needs_scan = true;
                false
            }
            Err(error) => {
                let path = generation.path.clone();
                self.needs_scan |= error.kind() == io::ErrorKind::NotFound;
                if error.kind() != io::ErrorKind::NotFound {
                    self.warn_once(&path, &error.to_string());
                }
                false
            }
        }
    }

    /// Drops a generation for good.
    pub(super) fn forget(&mut self, stream: StreamId) {
        self.journal.end(stream);
        self.table.remove(stream);
        self.ending.remove(&stream);
        self.late.remove(&stream);
        self.unnoted.remove(&stream);
    }
}

/// What the two files have in common, given what has become of the generation's own.
pub(super) fn compare(
    generation: &Generation,
    stream: StreamId,
    newcomer: &Newcomer<'_>,
    origin: Origin,
    now: Now,
) -> Option<Likeness> {
    if generation.inode == newcomer.found.inode {
        return None;
    }
    let (read, size) = (generation.read, newcomer.stat.size);
    let tail = if size < read.offset {
        Tail::TooShort
    } else if generation::holds(&newcomer.file, &read).unwrap_or(false) {
        Tail::Same
    } else {
        Tail::Other
    };
    let compared = generation
        .file
        .as_ref()
        .map(|original| generation::is_prefix(&newcomer.file, size, original).unwrap_or(false));
    let was_prefix = newcomer.suspect.is_some_and(|suspect| suspect.of == stream && suspect.is_prefix);
    let passes_a_mark = || {
        let marks = generation.recent.iter().chain([&generation.acked]);
        let last = marks.filter(|mark| mark.offset > 0 && mark.offset <= size).max_by_key(|mark| mark.offset);
        last.is_some_and(|mark| generation::holds(&newcomer.file, mark).unwrap_or(false))
    };
    let is_prefix = compared.unwrap_or(was_prefix || (tail == Tail::TooShort && passes_a_mark()));
    Some(Likeness {
        origin,
        tail,
        evidence_bytes: read.offset.max(u64::from(generation.head.len)),
        size,
        acked_bytes: generation.acked.offset,
        is_prefix,
        grew: newcomer.grew,
        related: decide::names_related(&generation.origin, &newcomer.found.path),
        waited_ms: now.mono_ms.saturating_sub(newcomer.since_ms),
    })
}
