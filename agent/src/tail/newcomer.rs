//! A file with an unknown inode, opened: whether it is text, how it is encoded, where it would be read from.

use std::io;

use millpond_wire::position::StreamId;

use super::arrival;
use super::content::Content;
use super::decide::{self, Arrival, Likeness, Origin, Tail};
use super::encoding::{Decoder, Encoding};
use super::examine::Suspect;
use super::generation::{Archive, Generation};
use super::identity::Mark;
use super::inspect::{self, Stat};
use super::{Settings, Tailer, spooled};
use crate::discover::Found;
use crate::limits;
use crate::time::Now;

/// A file that is being examined.
pub(super) struct Newcomer<'a> {
    pub(super) found: &'a Found,
    pub(super) file: Content,
    pub(super) stat: Stat,
    pub(super) start: Vec<u8>,
    pub(super) suspect: Option<Suspect>,
    pub(super) grew: bool,
    /// How it was seen to come by its name, if it was.
    pub(super) arrival: Option<Arrival>,
    pub(super) since_ms: u64,
}

impl Newcomer<'_> {
    /// What is known of it, if it is an archive.
    pub(super) fn archive(&self) -> Option<Archive> {
        let archive = Archive { file_bytes: self.stat.file_bytes, ..Archive::default() };
        self.file.is_packed().then_some(archive)
    }
}

/// Why a file can't be followed.
pub(super) enum Useless {
    Binary,
    Damaged(String),
    EmptyArchive,
}

/// Why a file that begins like this isn't followed.
pub(super) fn why_useless(content: &Content, start: &[u8], encoding: Encoding) -> Option<Useless> {
    match content.end() {
        Some(end) if start.is_empty() => Some(end.damage.map_or(Useless::EmptyArchive, Useless::Damaged)),
        _ => decide::is_binary(Decoder::default().decode(encoding, start).bytes).then_some(Useless::Binary),
    }
}

/// How a file that begins like this is encoded.
pub(super) fn encoding_of(settings: &Settings, found: &Found, start: &[u8]) -> Encoding {
    let section = settings.sections.get(found.section);
    section.and_then(|section| section.encoding).unwrap_or_else(|| Encoding::of(start))
}

impl Tailer {
    /// Opens a file and looks at how it begins. `None`: it isn't followed, or not now.
    pub(super) fn open_newcomer<'a>(
        &mut self,
        found: &'a Found,
        covered: bool,
        unpacked: Option<Content>,
        now: Now,
    ) -> io::Result<Option<Newcomer<'a>>> {
        let (file, stat) = match unpacked {
            Some(content) => inspect::stat(&content).map(|stat| (content, stat))?,
            None => spooled::open(&self.settings, found.section, &found.path)?,
        };
        // Replaced or emptied since it was listed: the next scan will see.
        if stat.inode != found.inode || stat.size == 0 {
            return Ok(None);
        }
        let start = inspect::read_vec(&file, limits::COMPARE_BYTES, 0)?;
        if let Some(reason) = why_useless(&file, &start, self.encoding_of(found, &start))
            .filter(|_| !(file.is_packed() && self.is_fresh(&stat, now)))
        {
            if covered {
                self.skip(found, &reason);
            }
            return Ok(None);
        }
        let suspect = self.suspects.get(&found.inode).copied();
        let since_ms = suspect.map_or(now.mono_ms, |suspect| suspect.since_ms);
        let is_old = now.mono_ms.saturating_sub(since_ms) >= limits::COPY_GROWTH_MS;
        let grew = suspect.is_some_and(|suspect| {
            let grows = !file.is_packed() && decide::grew_like_a_log(suspect.size, stat.size);
            suspect.grew || (is_old && grows)
        });
        let arrival = self.arrivals.of(&found.path);
        Ok(Some(Newcomer { found, file, stat, start, suspect, grew, arrival, since_ms }))
    }

    /// A file that isn't followed as it is.
    fn skip(&mut self, found: &Found, reason: &Useless) {
        let state = (found.size, found.modified_ns);
        let has_room = self.skipped.len() < limits::SKIPPED_MAX;
        if !has_room || self.skipped.insert(found.inode, state).is_some() {
            return;
        }
        let (counter, reason) = match reason {
            Useless::Binary => (&self.counters.binary_files, "binary, not text"),
            Useless::Damaged(reason) => (&self.counters.archives_damaged, reason.as_str()),
            Useless::EmptyArchive => return,
        };
        counter.increment();
        if self.warned.len() < limits::SKIPPED_MAX {
            self.warned.insert(found.path.clone(), reason.to_owned());
        }
        tracing::warn!(path = %found.path.display(), reason, "not followed");
        self.problem(found.path.clone(), reason);
    }

    fn encoding_of(&self, found: &Found, start: &[u8]) -> Encoding {
        encoding_of(&self.settings, found, start)
    }

    /// It was there before the agent's first start, and what was there isn't wanted.
    pub(super) fn starts_at_end(&self, newcomer: &Newcomer<'_>) -> bool {
        let section = self.settings.sections.get(newcomer.found.section);
        let at_end = section.is_some_and(|section| section.start_at_end);
        at_end && self.is_first_start && self.is_first_scan
    }

    /// Where a new generation starts: at its beginning, unless it was there before the agent's first start
    /// and its section wants the end; then after the last whole line.
    pub(super) fn first_position(&self, newcomer: &Newcomer<'_>) -> io::Result<Mark> {
        if newcomer.file.is_packed() || !self.starts_at_end(newcomer) {
            return Ok(Mark::start());
        }
        let encoding = self.encoding_of(newcomer.found, &newcomer.start);
        let window = (limits::READ_WINDOW_BYTES as u64).min(newcomer.stat.size);
        let unit_bytes = encoding.unit_bytes() as u64;
        let from = (newcomer.stat.size - window).next_multiple_of(unit_bytes);
        let bytes = inspect::read_vec(&newcomer.file, limits::READ_WINDOW_BYTES, from)?;
        let after_line = encoding.rfind_newline(&bytes).map_or(0, |at| at as u64 + unit_bytes);
        inspect::mark_at(&newcomer.file, from + after_line)
    }
}

/// What a newcomer and the file of a generation have in common, given what has become of the latter. `None`: it is the
/// very file that was cut, with new content.
pub(super) fn compare(
    generation: &Generation,
    stream: StreamId,
    newcomer: &Newcomer<'_>,
    origin: Origin,
    now: Now,
) -> Option<Likeness> {
    let is_reborn = || decide::is_reborn(newcomer.stat.born_s, generation.remembered_s);
    if generation.inode == newcomer.found.inode && !is_reborn() {
        return None;
    }
    let read = generation.read;
    newcomer.file.approach(read.offset, usize::MAX).ok()?;
    let size = inspect::stat(&newcomer.file).ok()?.size;
    let tail = if size < read.offset {
        Tail::TooShort
    } else if inspect::holds(&newcomer.file, &read).unwrap_or(false) {
        Tail::Same
    } else {
        Tail::Other
    };
    let compared = match &generation.file {
        Some(_) if generation.archive.is_some() && !newcomer.file.is_packed() => {
            Some(tail == Tail::Same && read.offset > 0)
        }
        Some(original) => {
            Some(inspect::is_prefix(&newcomer.file, &newcomer.start, original).unwrap_or(false))
        }
        None => None,
    };
    let was_prefix = newcomer.suspect.is_some_and(|suspect| suspect.of == stream && suspect.is_prefix);
    let passes_a_mark = || {
        let marks = generation.recent.iter().chain([&generation.acked]);
        let last = marks.filter(|mark| mark.offset > 0 && mark.offset <= size).max_by_key(|mark| mark.offset);
        last.is_some_and(|mark| inspect::holds(&newcomer.file, mark).unwrap_or(false))
    };
    // Where the original is, the next scan will say.
    let is_unseen = compared.is_none() && origin == Origin::Alive && tail == Tail::Same;
    let is_prefix =
        compared.unwrap_or(was_prefix || is_unseen || (tail == Tail::TooShort && passes_a_mark()));
    let is_gone = matches!(origin, Origin::Gone | Origin::Cut | Origin::Draining);
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
        namesake: is_gone.then(|| arrival::namesake(generation, newcomer)).flatten(),
    })
}
