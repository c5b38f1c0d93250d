//! The manifest: which disk splits make up the store, and up to which log position they hold its
//! documents. One appended record, synced, is the commit point of every change, however many splits
//! it adds and removes.
//!
//! A record that was cut off by a crash was never committed and is removed. A damaged record in the
//! middle is skipped and counted; the splits it spoke of tell the rest themselves (see
//! [`crate::recovery`]).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::limits::{MANIFEST_RECORD_BYTES_MAX, MANIFEST_ROTATE_BYTES};
use crate::split::merge::sync_dir;
use crate::split::meta::{Partition, SplitMeta};

/// Its name.
pub(crate) const FILE: &str = "manifest";
/// Its name while it is being written anew.
pub(crate) const NEW_FILE: &str = "manifest.new";
/// First bytes of the file; the digit is the format version.
const MAGIC: [u8; 8] = *b"MLPMANI1";
const FRAME_BYTES: usize = 8;

/// What the manifest knows of a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// The split.
    pub(crate) id: u64,
    /// See [`SplitMeta::partition`].
    pub(crate) partition: Partition,
    /// Number of documents.
    pub(crate) documents: u64,
    /// Bytes on disk.
    pub(crate) bytes: u64,
    /// Oldest event time, Unix nanoseconds.
    pub(crate) min_ns: i64,
    /// Newest event time, Unix nanoseconds.
    pub(crate) max_ns: i64,
    /// See [`SplitMeta::arrived_ns`].
    pub(crate) arrived_ns: i64,
}

impl Entry {
    /// The entry of a disk split.
    pub(crate) fn of(meta: &SplitMeta, bytes: u64) -> Self {
        Self {
            id: meta.id,
            partition: meta.partition,
            documents: u64::from(meta.documents),
            bytes,
            min_ns: meta.min_ns,
            max_ns: meta.max_ns,
            arrived_ns: meta.arrived_ns,
        }
    }
}

/// One change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Forget everything before: the record is a snapshot.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) snapshot: bool,
    /// Splits that are new.
    pub(crate) added: Vec<Entry>,
    /// Splits that are gone.
    pub(crate) removed: Vec<u64>,
    /// Log position below which all documents are in the splits.
    pub(crate) wal_upto: u64,
    /// Highest sequence number that any split ever had.
    pub(crate) max_sequence: u64,
    /// Ids below it have been used.
    pub(crate) next_id: u64,
}

/// What all records together say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The splits, by id.
    pub(crate) live: BTreeMap<u64, Entry>,
    /// See [`Record::wal_upto`].
    pub(crate) wal_upto: u64,
    /// See [`Record::max_sequence`].
    pub(crate) max_sequence: u64,
    /// See [`Record::next_id`].
    pub(crate) next_id: u64,
}

impl State {
    fn apply(&mut self, record: &Record) {
        if record.snapshot {
            self.live.clear();
        }
        for id in &record.removed {
            self.live.remove(id);
        }
        self.live.extend(record.added.iter().map(|entry| (entry.id, entry.clone())));
        self.wal_upto = self.wal_upto.max(record.wal_upto);
        self.max_sequence = self.max_sequence.max(record.max_sequence);
        self.next_id = self.next_id.max(record.next_id);
    }

    fn snapshot(&self) -> Record {
        Record {
            snapshot: true,
            added: self.live.values().cloned().collect(),
            removed: Vec::new(),
            wal_upto: self.wal_upto,
            max_sequence: self.max_sequence,
            next_id: self.next_id,
        }
    }
}

/// What was found when the manifest was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes of a record that was cut off, removed.
    pub(crate) cut_bytes: u64,
    /// Those bytes are as many as they say they should be: rather damage than a write that was cut off.
    pub(crate) is_cut_whole: bool,
    /// Damaged records in the middle, skipped.
    pub(crate) damaged_records: u64,
}

/// The open manifest. One per store, behind a lock.
#[derive(Debug)]
pub(crate) struct Manifest {
    dir: PathBuf,
    path: PathBuf,
    file: File,
    state: State,
    /// Bytes known to be good. What lies beyond is left from a write that failed.
    good_bytes: u64,
    /// Size of the last snapshot, so that rotation pays.
    snapshot_bytes: u64,
}

impl Manifest {
    /// Reads the manifest in `dir`, or begins one.
    pub(crate) fn open(dir: &Path) -> Result<(Self, Found), StoreError> {
        let path = dir.join(FILE);
        let Some((state, good_bytes, found)) = read(dir)? else {
            let mut manifest = Self::begin(dir, State::default())?;
            manifest.state.next_id = 1;
            return Ok((manifest, Found::default()));
        };
        let file = OpenOptions::new().write(true).open(&path).map_err(StoreError::io("open", &path))?;
        if found.cut_bytes > 0 {
            file.set_len(good_bytes).map_err(StoreError::io("cut", &path))?;
            file.sync_all().map_err(StoreError::io("sync", &path))?;
        }
        let manifest = Self { dir: dir.to_owned(), path, file, state, good_bytes, snapshot_bytes: 0 };
        Ok((manifest, found))
    }

    /// What the records say.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// An id that was never used.
    pub(crate) fn next_id(&mut self) -> u64 {
        let id = self.state.next_id.max(1);
        self.state.next_id = id + 1;
        id
    }

    /// Never uses `id` again.
    pub(crate) fn reserve(&mut self, id: u64) {
        self.state.next_id = self.state.next_id.max(id.saturating_add(1));
    }

    /// Commits a change. After an error it is not known whether a restart would see it: the files of
    /// the splits it speaks of must stay, and the caller may try again.
    pub(crate) fn commit(&mut self, mut record: Record) -> Result<(), StoreError> {
        record.next_id = self.state.next_id;
        let rotate_at = MANIFEST_ROTATE_BYTES.max(self.snapshot_bytes.saturating_mul(4));
        if self.good_bytes > rotate_at {
            let mut state = self.state.clone();
            state.apply(&record);
            *self = Self::begin(&self.dir, state)?;
            return Ok(());
        }
        let frame = frame(&record);
        let write = |file: &File| {
            file.write_all_at(&frame, self.good_bytes)?;
            // Rests of a longer write that failed.
            file.set_len(self.good_bytes + frame.len() as u64)?;
            file.sync_data()
        };
        write(&self.file).map_err(StoreError::io("write", &self.path))?;
        self.good_bytes += frame.len() as u64;
        self.state.apply(&record);
        Ok(())
    }

    /// Writes a new file with one snapshot and puts it in the place of the old one.
    fn begin(dir: &Path, state: State) -> Result<Self, StoreError> {
        let (path, new_path) = (dir.join(FILE), dir.join(NEW_FILE));
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&frame(&state.snapshot()));
        let file = File::create(&new_path).map_err(StoreError::io("create", &new_path))?;
        file.write_all_at(&bytes, 0).map_err(StoreError::io("write", &new_path))?;
        file.sync_all().map_err(StoreError::io("sync", &new_path))?;
        std::fs::rename(&new_path, &path).map_err(StoreError::io("rename", &new_path))?;
        sync_dir(dir)?;
        let good_bytes = bytes.len() as u64;
        Ok(Self { dir: dir.to_owned(), path, file, state, good_bytes, snapshot_bytes: good_bytes })
    }
}

/// Reads the manifest in `dir` and changes nothing: what its records say, how many of its bytes are good,
/// what was found. `None`: it was never begun. Safe beside a store that is open, whose records are
/// appended whole or not yet, and whose new files take the name of the old one.
pub(crate) fn read(dir: &Path) -> Result<Option<(State, u64, Found)>, StoreError> {
    let path = dir.join(FILE);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(StoreError::io("read", &path)(error)),
    };
    // A file that is shorter than its magic was never given a record.
    if bytes.len() < MAGIC.len() && MAGIC.starts_with(&bytes) {
        return Ok(None);
    }
    let Some(records) = bytes.strip_prefix(&MAGIC) else {
        return Err(StoreError::damaged(&path, "it does not begin like a manifest of this version"));
    };
    let (state, good, found) = replay(records);
    Ok(Some((state, (MAGIC.len() + good) as u64, found)))
}

fn frame(record: &Record) -> Vec<u8> {
    let body = serde_json::to_vec(record).expect("a plain struct");
    let mut frame = Vec::with_capacity(FRAME_BYTES + body.len());
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
    frame.extend_from_slice(&body);
    frame
}

/// The state after all records, and the number of good bytes.
fn replay(bytes: &[u8]) -> (State, usize, Found) {
    let (mut state, mut found, mut at) = (State::default(), Found::default(), 0);
    while at < bytes.len() {
        if let Some((record, len)) = read_frame(bytes, at) {
            state.apply(&record);
            at += len;
            continue;
        }
        // Either the file ends in a record that was cut off, or good records follow.
        match (at + 1..bytes.len()).find(|at| read_frame(bytes, *at).is_some()) {
            Some(next) => {
                found.damaged_records += 1;
                at = next;
            }
            None => {
                found.cut_bytes = (bytes.len() - at) as u64;
                found.is_cut_whole = is_whole(bytes, at);
                break;
            }
        }
    }
    (state, at, found)
}

/// Whether all bytes of a record at `at` are there, by the length that it gives itself.
fn is_whole(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).and_then(<[u8]>::split_first_chunk::<4>);
    rest.is_some_and(|(len, rest)| rest.len() >= (u32::from_le_bytes(*len) as usize).saturating_add(4))
}

/// The record at `at` and its length with the frame.
fn read_frame(bytes: &[u8], at: usize) -> Option<(Record, usize)> {
    let rest = bytes.get(at..)?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let len = u32::from_le_bytes(*len) as usize;
    let body = rest.get(..len).filter(|_| len <= MANIFEST_RECORD_BYTES_MAX)?;
    if crc32c::crc32c(body) != u32::from_le_bytes(*crc) {
        return None;
    }
    Some((serde_json::from_slice(body).ok()?, FRAME_BYTES + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: u64) -> Entry {
        Entry { id, partition: Some(3), documents: 10, bytes: 100, min_ns: 1, max_ns: 2, arrived_ns: 2 }
    }

    fn record(added: &[u64], removed: &[u64], wal_upto: u64) -> Record {
        let added = added.iter().map(|id| entry(*id)).collect();
        Record { added, removed: removed.to_vec(), wal_upto, ..Record::default() }
    }

    /// The ids that are live and the log position, after each record.
    const STATES: [(&[u64], u64); 4] = [(&[], 0), (&[1, 2], 10), (&[3], 10), (&[3, 4], 25)];

    fn written(dir: &Path) -> Vec<u8> {
        let (mut manifest, _) = Manifest::open(dir).expect("new");
        for record in [record(&[1, 2], &[], 10), record(&[3], &[1, 2], 10), record(&[4], &[], 25)] {
            manifest.commit(record).expect("writable");
        }
        std::fs::read(dir.join(FILE)).expect("readable")
    }

    fn seen(manifest: &Manifest) -> (Vec<u64>, u64) {
        (manifest.state().live.keys().copied().collect(), manifest.state().wal_upto)
    }

    #[test]
    fn cut_at_every_byte_it_opens_with_a_prefix_of_the_records() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let bytes = written(dir.path());
        for cut in 0..=bytes.len() {
            std::fs::write(dir.path().join(FILE), &bytes[..cut]).expect("writable");
            let (mut manifest, found) = Manifest::open(dir.path()).expect("opens");
            let state = seen(&manifest);
            assert!(
                STATES.iter().any(|(live, upto)| (live.to_vec(), *upto) == state),
                "cut at {cut}: {state:?}"
            );
            assert_eq!(found.damaged_records, 0, "cut at {cut}");
            // It goes on after the cut.
            manifest.commit(record(&[9], &[], 0)).expect("writable");
            let (again, found) = Manifest::open(dir.path()).expect("opens");
            assert_eq!(
                (found, again.state().live.contains_key(&9)),
                (Found::default(), true),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn a_flipped_byte_loses_at_most_its_own_record() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let bytes = written(dir.path());
        for at in MAGIC.len()..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x20;
            std::fs::write(dir.path().join(FILE), &flipped).expect("writable");
            let (manifest, found) = Manifest::open(dir.path()).expect("opens");
            assert!(found != Found::default(), "byte {at} was not noticed");
            let last = found.damaged_records == 0;
            assert_eq!(manifest.state().live.contains_key(&4), !last, "byte {at}");
        }
    }

    #[test]
    fn a_foreign_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().expect("temporary directory");
        std::fs::write(dir.path().join(FILE), b"something else").expect("writable");
        assert!(matches!(Manifest::open(dir.path()), Err(StoreError::Damaged { .. })));
        assert_eq!(std::fs::read(dir.path().join(FILE)).expect("readable"), b"something else");
    }

    #[test]
    fn it_is_rewritten_when_it_has_grown() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (mut manifest, _) = Manifest::open(dir.path()).expect("new");
        let many: Vec<u64> = (1..2_000).collect();
        let mut grown = 0;
        for round in 0..40 {
            manifest.commit(record(&many, &[], round)).expect("writable");
            grown = grown.max(manifest.good_bytes);
        }
        assert!(manifest.good_bytes < grown, "{} of {grown}", manifest.good_bytes);
        let (again, found) = Manifest::open(dir.path()).expect("opens");
        assert_eq!((again.state(), found), (manifest.state(), Found::default()));
    }

    #[test]
    fn ids_are_never_used_twice() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let (mut manifest, _) = Manifest::open(dir.path()).expect("new");
        let id = manifest.next_id();
        manifest.commit(record(&[id], &[], 0)).expect("writable");
        manifest.commit(record(&[], &[id], 0)).expect("writable");
        let (mut again, _) = Manifest::open(dir.path()).expect("opens");
        assert!(again.next_id() > id);
    }
}
