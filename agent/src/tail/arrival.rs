//! Files that come to the name of one that is gone, and begin like it: whether they are new logs. Collects what there
//! is to see of it; what follows from that is decided in `decide`.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use millpond_parsers::{Context, Detector, FixedZone, Parsed};

use super::Tailer;
use super::archive::is_name_of_archive;
use super::decide::{self, Arrival, Namesake};
use super::generation::Generation;
use super::inspect;
use super::newcomer::Newcomer;
use crate::discover::{self, Found};
use crate::limits;

/// How files have come by their names, until it is known what they are.
#[derive(Debug, Default)]
pub(super) struct Arrivals(HashMap<PathBuf, Arrival>);

impl Arrivals {
    /// A file has come to a name. Beyond [`limits::ARRIVALS_MAX`] it counts as unseen.
    pub(super) fn note(&mut self, path: &Path, arrival: Arrival) {
        if self.0.len() < limits::ARRIVALS_MAX || self.0.contains_key(path) {
            self.0.insert(path.to_owned(), arrival);
        }
    }

    fn forget(&mut self, path: &Path) {
        self.0.remove(path);
    }

    /// What was seen.
    pub(super) fn of(&self, path: &Path) -> Option<Arrival> {
        self.0.get(path).copied()
    }

    /// Forgets all but these.
    pub(super) fn keep(&mut self, paths: &HashSet<&Path>) {
        self.0.retain(|path, _| paths.contains(path.as_path()));
    }
}

impl Tailer {
    /// A file has come to a name. Of a link that says nothing: what it leads to may be old or new.
    pub(super) fn arrived(&mut self, path: &Path, arrival: Arrival) {
        if !self.is_covered(path) {
            return;
        }
        if path.is_symlink() {
            self.arrivals.forget(path);
        } else {
            self.arrivals.note(path, arrival);
        }
    }

    /// What was found empty gets its content where it is.
    pub(super) fn note_empty_files(&mut self, unknown: &[&Found]) {
        for found in unknown.iter().filter(|found| found.size == 0) {
            self.arrivals.note(&found.path, Arrival::Created);
        }
    }

    /// How files have come is of interest as long as it isn't known what they are.
    pub(super) fn keep_arrivals(&mut self, unknown: &[&Found]) {
        let undecided = unknown.iter().filter(|found| self.table.live_at(found.inode).is_none());
        self.arrivals.keep(&undecided.map(|found| found.path.as_path()).collect());
    }
}

/// What there is to see of a newcomer that has the name of a generation; `None`: it has another one.
pub(super) fn namesake(generation: &Generation, newcomer: &Newcomer<'_>) -> Option<Namesake> {
    if newcomer.found.path != generation.origin {
        return None;
    }
    let head = newcomer.start.get(..usize::from(generation.head.len)).unwrap_or(&newcomer.start);
    let mut namesake = Namesake {
        is_elsewhere: generation.renamed,
        arrival: decide::arrival(newcomer.arrival, newcomer.stat.modified_ns, newcomer.stat.changed_ns),
        is_dated: is_dated(head),
    };
    if !namesake.is_new_log() {
        // Last, since it looks at what stands beside it.
        namesake.is_elsewhere = is_in_an_archive(generation);
    }
    Some(namesake)
}

/// True when a line of the text names a time, in any layout that lines are read with.
fn is_dated(text: &[u8]) -> bool {
    let context = Context { now_ns: 0, zone: &FixedZone(0) };
    String::from_utf8_lossy(text).lines().any(|line| {
        let mut parsed = Parsed::new();
        Detector::new().parse(line, &context, &mut parsed);
        parsed.timestamp_ns.is_some()
    })
}

/// True when an archive with a name made from that of the generation says that what was read of it is what it holds.
fn is_in_an_archive(generation: &Generation) -> bool {
    let beside =
        generation.origin.parent().map(|directory| discover::siblings(directory, generation.section));
    let is_of_it = |found: &&Found| {
        is_name_of_archive(&found.path) && decide::names_related(&generation.origin, &found.path)
    };
    let holds_it = |found: &Found| {
        let Ok((archive, _)) = inspect::open(&found.path) else { return false };
        let start = inspect::read_vec(&archive, usize::from(generation.head.len), 0);
        archive.declares(generation.read.offset) && start.is_ok_and(|start| generation.head.matches(&start))
    };
    beside.unwrap_or_default().iter().filter(is_of_it).any(holds_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_with_times() {
        for (text, expected) in [
            (&b"line 1\nline 2\n"[..], false),
            (b"starting up, version 1.2.3\n", false),
            (b"", false),
            (b"=== banner ===\n2026-11-22T10:00:00Z INFO ready\n", true),
            (b"Nov 22 10:00:00 host app[7]: ready\n", true),
            (b"{\"time\":\"2026-11-22T10:00:00Z\",\"msg\":\"ready\"}\n", true),
            (b"\xff\xfe\n[22/Nov/2026:10:00:00 +0000] ready\n", true),
        ] {
            assert_eq!(is_dated(text), expected, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn arrivals_are_bounded() {
        let mut arrivals = Arrivals::default();
        for number in 0..limits::ARRIVALS_MAX + 3 {
            arrivals.note(Path::new(&format!("/{number}")), Arrival::Created);
        }
        arrivals.note(Path::new("/0"), Arrival::Placed);
        assert_eq!(
            (arrivals.0.len(), arrivals.of(Path::new("/0"))),
            (limits::ARRIVALS_MAX, Some(Arrival::Placed))
        );
        arrivals.keep(&HashSet::from([Path::new("/1")]));
        assert_eq!(
            (arrivals.of(Path::new("/0")), arrivals.of(Path::new("/1"))),
            (None, Some(Arrival::Created))
        );
    }
}
