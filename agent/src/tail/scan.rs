//! Compares what a walk has found with what is known: which files are where they were, which have new names,
//! which are gone, which are unknown.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use millpond_wire::position::StreamId;

use super::Tailer;
use super::archive::is_name_of_archive;
use super::content::Content;
use super::decide;
use super::generation::{Archive, Life};
use super::identity::Inode;
use super::inspect::{self, Stat};
use super::spooled;
use crate::discover::{self, Found};
use crate::limits;
use crate::time::Now;

impl Tailer {
    /// Looks at everything that is covered. Returns the directories whose changes are worth a hint.
    pub fn scan(&mut self, now: Now) -> HashSet<PathBuf> {
        self.scan_entering(now, &mut |_| ())
    }

    /// As [`Self::scan`]; each directory is named before it is listed (see [`discover::walk_entering`]).
    pub fn scan_entering(&mut self, now: Now, entering: &mut dyn FnMut(&Path)) -> HashSet<PathBuf> {
        self.needs_scan = false;
        self.counters.scans.increment();
        let listing = discover::walk_entering(&self.settings.coverage, &self.settings.never, entering);
        for obstacle in &listing.obstacles {
            self.warn_once(&obstacle.path, &obstacle.reason.to_string());
        }
        self.warned.retain(|path, _| path.symlink_metadata().is_ok());
        self.counters.files_over_limit.add(listing.files_over_limit as u64);
        self.files_over_limit = listing.files_over_limit;
        if listing.files_over_limit > 0 {
            let (followed, left_out) = (listing.files.len(), listing.files_over_limit);
            tracing::warn!(followed, left_out, "more files match than are followed: narrow the patterns");
        }
        let followed = self.table.streams(|generation| generation.life == Life::Live && generation.covered);
        let mut present = HashSet::new();
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for found in &listing.files {
            match self.table.live_at(found.inode) {
                Some(stream) => known.push((stream, found)),
                None => unknown.push(found),
            }
        }
        let mut cut = Vec::new();
        for (stream, found) in known {
            present.insert(stream);
            self.sighted(stream, found, &mut cut, now);
        }
        for stream in followed.into_iter().filter(|stream| !present.contains(stream)) {
            self.missing(stream, &mut cut, now);
        }
        // Files with a remembered inode first, so that the others can be told from their copies.
        unknown.retain(|found| !self.recognise(found, &mut cut, now));
        if self.is_first_scan {
            self.find_renamed(&listing.behind_links, now);
        }
        for stream in cut {
            self.search_copies(stream, now);
        }
        self.note_empty_files(&unknown);
        for found in &unknown {
            self.examine(found, true, now);
        }
        self.keep_arrivals(&unknown);
        let seen: HashSet<Inode> = unknown.iter().map(|found| found.inode).collect();
        self.suspects.retain(|inode, _| seen.contains(inode));
        self.skipped.retain(|inode, _| seen.contains(inode));
        self.expire_cut(now);
        self.look_for_late_writes(now);
        self.expire_dormant(now);
        self.close_resting_files();
        self.release_segments();
        if self.is_first_scan {
            self.is_first_scan = false;
            self.journal.begin();
        }
        listing.directories
    }

    /// A file that is followed was found. When it holds something else now, it is added to `cut`: whose copies
    /// there are can be told when everything that was found has been looked at.
    fn sighted(&mut self, stream: StreamId, found: &Found, cut: &mut Vec<StreamId>, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        generation.covered = true;
        generation.section = found.section;
        let size_then = generation.archive.map_or(generation.read.offset, |archive| archive.file_bytes);
        let has_changed = found.size != size_then || found.modified_ns != generation.modified_ns;
        if has_changed && let Some(archive) = &mut generation.archive {
            archive.end_bytes = None;
        }
        generation.modified_ns = found.modified_ns;
        if found.path != generation.path && !is_at(&generation.path, found.inode) {
            generation.renamed = true;
            generation.quiet_since_ms = now.mono_ms;
            self.counters.renames.increment();
            self.table.place(stream, found.inode, &found.path);
            self.ending.insert(stream);
        }
        if !has_changed {
            return;
        }
        // Looked at here and not only at its turn: while a full batch holds up the turns, what was written
        // after a truncation could be rotated away unseen.
        if self.is_still_there(stream) {
            self.note_growth(stream, found.size, now);
            self.close_surplus(stream);
            self.enqueue(stream);
        } else {
            self.mark_cut(stream, now);
            cut.push(stream);
        }
    }

    /// What was written is known before it is read: while the collector is away, that may take long.
    fn note_growth(&mut self, stream: StreamId, size: u64, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        if size > generation.size_seen {
            generation.size_seen = size;
            generation.quiet_since_ms = now.mono_ms;
        }
    }

    /// A file that is followed has no covered name any more: it was deleted, or moved. When it was truncated before, it
    /// is added to `cut`: what was found may be its copy.
    fn missing(&mut self, stream: StreamId, cut: &mut Vec<StreamId>, now: Now) {
        let Some(generation) = self.table.get_mut(stream) else { return };
        if generation.life != Life::Live {
            return;
        }
        generation.covered = false;
        generation.quiet_since_ms = now.mono_ms;
        let (inode, path) = (generation.inode, generation.path.clone());
        if let Some(file) = &generation.file {
            if inspect::stat(file).is_ok_and(|stat| stat.is_deleted) {
                self.table.set_life(stream, Life::Deleted);
            } else {
                generation.renamed = true;
                self.counters.renames.increment();
                if let Some(moved) = sibling_with(&path, inode) {
                    self.table.place(stream, inode, &moved.path);
                }
            }
            if !self.is_still_there(stream) {
                self.mark_cut(stream, now);
                return cut.push(stream);
            }
            self.ending.insert(stream);
            return self.enqueue(stream);
        }
        match sibling_with(&path, inode) {
            Some(moved) => {
                generation.renamed = true;
                self.counters.renames.increment();
                self.table.place(stream, inode, &moved.path);
                self.ending.insert(stream);
                self.enqueue(stream);
            }
            None => self.vanished(stream, now),
        }
    }

    /// The file of a generation is gone. What was unread of it may be in an archive.
    pub(super) fn vanished(&mut self, stream: StreamId, now: Now) {
        let Some(generation) = self.table.get(stream) else { return };
        let (unread_bytes, section) = (generation.unread_bytes(), generation.section);
        let (path, directory) = (generation.path.clone(), generation.origin.parent().map(Path::to_owned));
        self.retire(stream, now);
        if unread_bytes > 0 {
            self.problem(path, "gone before all of it was read");
        }
        let may_be_packed = unread_bytes > 0
            && directory.is_some_and(|directory| self.search_archives(&directory, section, now));
        if !may_be_packed {
            self.counters.vanished_unread_bytes.add(unread_bytes);
        }
    }

    /// A file with the inode of a remembered generation: the same one if its content says so. True when it is;
    /// those that it isn't are added to `cut`.
    fn recognise(&mut self, found: &Found, cut: &mut Vec<StreamId>, now: Now) -> bool {
        let mut is_recognised = false;
        for stream in self.table.dormant_at(found.inode) {
            match self.open_if_same(stream, found) {
                Some(opened) if !is_recognised => {
                    is_recognised = true;
                    self.resume(stream, found, opened, true, now);
                }
                _ => {
                    // The inode is another file's now; what it was may live on as a copy.
                    self.table.set_life(stream, Life::Cut { since_ms: now.mono_ms });
                    cut.push(stream);
                }
            }
        }
        is_recognised
    }

    /// A file that was found, if it holds what a generation is remembered to hold. An archive is believed by its head;
    /// what stands before the position is looked at in its turn, when it has been unpacked.
    fn open_if_same(&self, stream: StreamId, found: &Found) -> Option<(Content, Stat)> {
        let generation = self.table.get(stream)?;
        let (file, stat) = spooled::open(&self.settings, found.section, &found.path).ok()?;
        let start = inspect::read_vec(&file, usize::from(generation.head.len), 0).ok()?;
        let is_same = stat.inode == generation.inode
            && !decide::is_reborn(stat.born_s, generation.remembered_s)
            && generation.head.matches(&start)
            && (file.is_packed() || inspect::holds(&file, &generation.read).unwrap_or(false));
        is_same.then_some((file, stat))
    }

    /// Follows a remembered generation again.
    fn resume(&mut self, stream: StreamId, found: &Found, opened: (Content, Stat), covered: bool, now: Now) {
        let (file, stat) = opened;
        self.table.place(stream, found.inode, &found.path);
        let Some(generation) = self.table.get_mut(stream) else { return };
        generation.remembered_s = generation.remembered_s.max(stat.born_s);
        generation.section = found.section;
        generation.covered = covered;
        generation.quiet_since_ms = now.mono_ms;
        generation.modified_ns = found.modified_ns;
        generation.size_seen = found.size;
        if file.is_packed() {
            let is_exhausted = generation.is_exhausted()
                && file.metadata().is_ok_and(|metadata| metadata.ctime() < generation.remembered_s);
            let end_bytes = is_exhausted.then_some(generation.read.offset);
            generation.archive = Some(Archive { file_bytes: found.size, end_bytes, ..Archive::default() });
            generation.size_seen = generation.read.offset + u64::from(!is_exhausted);
        }
        generation.renamed |= !is_at(&generation.origin, found.inode);
        if now.unix_s().saturating_sub(generation.remembered_s) > limits::SEEN_SECONDS {
            generation.remembered_s = now.unix_s();
            let entry = generation.entry_at(&generation.acked, now.unix_s());
            self.journal.put(stream, &entry);
        }
        let has_unread = generation.unread_bytes() > 0;
        if has_unread && (generation.renamed || !covered || self.settings.once) {
            self.ending.insert(stream);
        }
        if has_unread {
            self.keep_open(stream, file);
            self.enqueue(stream);
        }
    }

    /// At the start: files that were renamed out of the patterns while the agent was down, in the directory
    /// where they were, and files that a link has led to. They are read to their end, and so are archives that were
    /// made of them.
    fn find_renamed(&mut self, behind_links: &HashSet<PathBuf>, now: Now) {
        let by_inode = |directory: &Path| -> HashMap<Inode, Found> {
            discover::siblings(directory, 0).into_iter().map(|found| (found.inode, found)).collect()
        };
        let mut listings: HashMap<PathBuf, HashMap<Inode, Found>> = HashMap::new();
        let linked: HashMap<Inode, Found> = behind_links.iter().flat_map(|path| by_inode(path)).collect();
        for stream in self.table.streams(|generation| generation.life == Life::Dormant) {
            let Some(generation) = self.table.get(stream) else { continue };
            let section = discover::section_of(&self.settings.coverage, &generation.origin);
            let (Some(section), Some(directory)) = (section, generation.origin.parent()) else { continue };
            let beside = listings.entry(directory.to_owned()).or_insert_with(|| by_inode(directory));
            let found = beside.get(&generation.inode).or_else(|| linked.get(&generation.inode));
            let Some(found) = found.map(|found| Found { section, ..found.clone() }) else { continue };
            let is_packed = is_name_of_archive(&found.path);
            if generation.is_exhausted() || (found.size <= generation.read.offset && !is_packed) {
                continue;
            }
            if let Some(opened) = self.open_if_same(stream, &found) {
                self.resume(stream, &found, opened, false, now);
            }
        }
        for directory in listings.into_keys() {
            self.search_archives(&directory, 0, now);
        }
    }

    /// Forgets the files that have been away for very long, and those away longest when very many are. To be
    /// called when everything that is there has been found.
    fn expire_dormant(&mut self, now: Now) {
        let mut dormant: Vec<(i64, StreamId)> = self
            .table
            .iter()
            .filter(|(_, generation)| generation.life == Life::Dormant && generation.unacked_groups == 0)
            .map(|(stream, generation)| (generation.remembered_s, stream))
            .collect();
        let surplus = dormant.len().saturating_sub(limits::DORMANT_MAX);
        dormant.sort_unstable_by_key(|(remembered_s, stream)| (*remembered_s, *stream));
        for (index, (remembered_s, stream)) in dormant.into_iter().enumerate() {
            let away_s = now.unix_s().saturating_sub(remembered_s);
            let is_old = remembered_s > 0 && away_s > limits::DORMANT_SECONDS_MAX && !self.settings.once;
            if index < surplus || is_old {
                self.forget(stream);
            }
        }
    }

    /// Gives up waiting for copies of what was truncated.
    fn expire_cut(&mut self, now: Now) {
        for stream in self.table.streams(|generation| matches!(generation.life, Life::Cut { .. })) {
            let Some(generation) = self.table.get(stream) else { continue };
            let Life::Cut { since_ms } = generation.life else { continue };
            if now.mono_ms.saturating_sub(since_ms) < limits::COPY_SEARCH_MS || generation.unacked_groups > 0
            {
                continue;
            }
            let unread_bytes = generation.unread_bytes();
            if unread_bytes > 0 {
                let path = generation.origin.display();
                tracing::warn!(%path, unread_bytes, "truncated before it was read, and no copy was found");
                self.counters.truncated_unread_bytes.add(unread_bytes);
            }
            self.forget(stream);
        }
    }
}

/// True when the path still leads to that file.
fn is_at(path: &Path, inode: Inode) -> bool {
    fs::metadata(path).is_ok_and(|metadata| Inode::of(&metadata) == inode)
}

/// The file with that inode in the directory of `path`.
fn sibling_with(path: &Path, inode: Inode) -> Option<Found> {
    discover::siblings(path.parent()?, 0).into_iter().find(|found| found.inode == inode)
}
