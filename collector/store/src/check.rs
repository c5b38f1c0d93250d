//! Checks a store that nobody has open, and writes nothing: what opening it would notice, every checksum,
//! and what should not be there. It says what is wrong; mending is what the next start does, by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::StoreError;
use crate::log_store::WalPosition;
use crate::manifest::{self, Entry, State};
use crate::recovery::{LOCK_FILE, lock_out};
use crate::split::{Split, split_dir, split_id};

/// Name of the directory of splits.
const SPLITS_DIR: &str = "splits";
/// Name of a split's meta file, which lists all other files.
const META_FILE: &str = "meta";

/// Something that a check came upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file or directory.
    pub path: PathBuf,
    /// What is the matter, in words.
    pub what: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// What a kill may leave behind, or what only takes space: nothing is lost.
    Note,
    /// Something is damaged, missing, or does not belong here.
    Wrong,
}

impl Finding {
    /// Something that does no harm.
    pub fn note(path: &Path, what: impl Into<String>) -> Self {
        Self { severity: Severity::Note, path: path.to_owned(), what: what.into() }
    }

    /// Something that is wrong.
    pub fn wrong(path: &Path, what: impl Into<String>) -> Self {
        Self { severity: Severity::Wrong, path: path.to_owned(), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Wrong => "wrong",
        };
        write!(f, "{severity}: {}: {}", self.path.display(), self.what)
    }
}

/// What a check of a store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// In the order of the store's parts.
    pub findings: Vec<Finding>,
    /// Splits that the manifest names.
    pub splits: u64,
    /// Documents in them, as the manifest has it.
    pub documents: u64,
    /// Log position below which the store has everything.
    pub wal_upto: WalPosition,
    /// A sequence number above those of all documents that the store ever made durable.
    pub next_sequence: u64,
}

/// Checks the store in `dir`. Reads all of it.
///
/// # Errors
/// It can't be checked: another process has it open, or the directory can't be read.
pub fn check(dir: &Path) -> Result<Checked, StoreError> {
    let _lock = lock_out(dir)?;
    let mut checked = Checked::default();
    let names = list(dir)?;
    let known = [LOCK_FILE, SPLITS_DIR, manifest::FILE, manifest::NEW_FILE].map(OsStr::new);
    for name in names.iter().filter(|name| !known.contains(&name.file_name().unwrap_or_default())) {
        checked.wrong(name, "it is no file of a store");
    }
    let new_path = dir.join(manifest::NEW_FILE);
    if names.contains(&new_path) {
        checked.note(&new_path, "a manifest that was never finished; it means nothing");
    }
    let splits_dir = dir.join(SPLITS_DIR);
    let entries = if names.contains(&splits_dir) { list(&splits_dir)? } else { Vec::new() };
    let state = match manifest::read(dir) {
        Ok(None) => {
            if !entries.is_empty() {
                checked.wrong(&dir.join(manifest::FILE), "it is missing, and there are splits");
            }
            return Ok(checked);
        }
        Ok(Some((state, _, found))) => {
            checked.manifest(&dir.join(manifest::FILE), found);
            state
        }
        Err(error) => {
            let path = dir.join(manifest::FILE);
            checked.wrong(&path, format!("{error}; which splits count is not known, so none was checked"));
            return Ok(checked);
        }
    };
    checked.splits = state.live.len() as u64;
    checked.documents = state.live.values().map(|entry| entry.documents).sum();
    checked.wal_upto = state.wal_upto;
    checked.next_sequence = state.max_sequence.saturating_add(1);
    checked.strangers(&entries, &state);
    let mut replaced = BTreeMap::new();
    for (id, entry) in &state.live {
        checked.split(&split_dir(&splits_dir, *id), entry, &state, &mut replaced);
    }
    for (id, by) in replaced.iter().filter(|(id, _)| state.live.contains_key(id)) {
        let what = format!("it was merged into {by:016x}, and both count: its documents are there twice");
        checked.wrong(&split_dir(&splits_dir, *id), what);
    }
    Ok(checked)
}

impl Checked {
    fn note(&mut self, path: &Path, what: impl Into<String>) {
        self.findings.push(Finding::note(path, what));
    }

    fn wrong(&mut self, path: &Path, what: impl Into<String>) {
        self.findings.push(Finding::wrong(path, what));
    }

    fn manifest(&mut self, path: &Path, found: manifest::Found) {
        if found.damaged_records > 0 {
            let what = format!(
                "{} of its records can't be read; the next start takes back the splits that only they named",
                found.damaged_records
            );
            self.wrong(path, what);
        }
        match (found.cut_bytes, found.is_cut_whole) {
            (0, _) => {}
            (bytes, true) => self.wrong(
                path,
                format!("the last {bytes} bytes are a damaged record; the next start cuts them off"),
            ),
            (bytes, false) => self.note(
                path,
                format!("the last {bytes} bytes are an unfinished write; the next start cuts them off"),
            ),
        }
    }

    /// What lies among the splits and is none, or is one that does not count.
    fn strangers(&mut self, entries: &[PathBuf], state: &State) {
        for path in entries {
            match path.file_name().and_then(split_id) {
                None => self.wrong(path, "it is no split"),
                Some(id) if state.live.contains_key(&id) => {}
                Some(_) => self.note(
                    path,
                    "a split that was never committed, or is not needed any more; the next start removes it",
                ),
            }
        }
    }

    /// One split that counts; what it was merged from goes to `replaced`.
    fn split(&mut self, dir: &Path, entry: &Entry, state: &State, replaced: &mut BTreeMap<u64, u64>) {
        if !dir.exists() {
            let what = format!("the split is missing: {} documents are lost", entry.documents);
            return self.wrong(dir, what);
        }
        let split = match Split::open(dir) {
            Ok(split) => split,
            Err(error) => {
                return self.wrong(dir, format!("the split of {} documents: {error}", entry.documents));
            }
        };
        if let Err(error) = split.verify() {
            self.wrong(dir, format!("the split of {} documents: {error}", entry.documents));
        }
        let meta = split.meta();
        if Entry::of(meta, split.disk_bytes()) != *entry {
            self.wrong(dir, "the split and the manifest say different things about it");
        }
        if meta.wal_upto > state.wal_upto {
            let what = format!(
                "it has documents up to position {} of the log, and the manifest says that the store has those \
                 below {} only: they would come again from the log",
                meta.wal_upto, state.wal_upto
            );
            self.wrong(dir, what);
        }
        replaced.extend(meta.replaces.iter().map(|id| (*id, meta.id)));
        let mut known: BTreeSet<PathBuf> = meta.files.iter().map(|file| dir.join(&file.path)).collect();
        known.insert(dir.join(META_FILE));
        self.extra_files(dir, &known);
    }

    fn extra_files(&mut self, dir: &Path, known: &BTreeSet<PathBuf>) {
        let entries = match list(dir) {
            Ok(entries) => entries,
            Err(error) => return self.wrong(dir, error.to_string()),
        };
        for path in entries {
            if path.is_dir() && known.iter().any(|file| file.starts_with(&path)) {
                self.extra_files(&path, known);
            } else if !known.contains(&path) {
                self.wrong(&path, "the split does not know this file");
            }
        }
    }
}

/// What is in a directory, sorted.
fn list(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = std::fs::read_dir(dir).map_err(StoreError::io("list", dir))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()).map_err(StoreError::io("list", dir)));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    Ok(paths)
}
