//! What happens when a store is opened: the manifest says what should be there, the directory what
//! is. Whatever does not fit is named; what is whole is served.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FlockOperation, flock};

use crate::catalog::Catalog;
use crate::engine::remove_dir;
use crate::error::StoreError;
use crate::log_store::WalPosition;
use crate::manifest::{Entry, Found, Manifest, Record};
use crate::split::{Split, split_dir, split_id};

/// Name of the file whose lock says that the store is open.
pub(crate) const LOCK_FILE: &str = "lock";

/// What was found when a store was opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// Position from which the log has to be appended again.
    pub durable_upto: WalPosition,
    /// A sequence number above those of all documents that the store ever made durable.
    pub next_sequence: u64,
    /// Splits that are served.
    pub splits: u64,
    /// Documents in them.
    pub documents: u64,
    /// Splits that can't be read, with the reason. Their files are left where they are, and answers about
    /// their time are partial until retention takes them.
    pub set_aside: Vec<(u64, StoreError)>,
    /// Bytes of a manifest record that a crash cut off.
    pub manifest_cut_bytes: u64,
    /// Damaged manifest records that were skipped.
    pub manifest_damaged_records: u64,
    /// Splits that only a damaged manifest record spoke of and that were taken back.
    pub adopted: u64,
    /// Directories of builds and merges that were never committed, removed.
    pub removed: u64,
}

/// Takes the store's lock; it is released when the file is closed, also by a crash.
pub(crate) fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join(LOCK_FILE);
    let file = File::create(&path).map_err(StoreError::io("create", &path))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked { path: dir.to_owned() }),
        Err(error) => Err(StoreError::io("lock", &path)(error.into())),
    }
}

/// Keeps a store from being opened for as long as the file is held, without writing anything. `None`: it was
/// never opened.
pub(crate) fn lock_out(dir: &Path) -> Result<Option<File>, StoreError> {
    let path = dir.join(LOCK_FILE);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("open", &path)(error)),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::Locked { path: dir.to_owned() }),
        Err(error) => Err(StoreError::io("lock", &path)(error.into())),
    }
}

/// Opens the splits that the manifest names, and clears away what it doesn't.
pub(crate) fn recover(
    manifest: &mut Manifest,
    found: Found,
    splits_dir: &Path,
) -> Result<(Catalog, Recovered), StoreError> {
    let mut recovered = Recovered {
        manifest_cut_bytes: found.cut_bytes,
        manifest_damaged_records: found.damaged_records,
        ..Recovered::default()
    };
    let on_disk = list(splits_dir)?;
    on_disk.iter().for_each(|id| manifest.reserve(*id));
    if found.damaged_records > 0 {
        recovered.adopted = adopt(manifest, splits_dir, &on_disk)?;
    }
    let mut catalog = Catalog::default();
    for (id, entry) in &manifest.state().live {
        match Split::open(&split_dir(splits_dir, *id)) {
            Ok(split) => {
                recovered.splits += 1;
                recovered.documents += u64::from(split.meta().documents);
                catalog.splits.push(Arc::new(split));
            }
            Err(error) => {
                tracing::error!(split = id, %error, "a split can't be read and is set aside");
                recovered.set_aside.push((*id, error));
                catalog.set_aside.push(entry.clone());
            }
        }
    }
    for id in on_disk.iter().filter(|id| !manifest.state().live.contains_key(id)) {
        remove_dir(&split_dir(splits_dir, *id));
        recovered.removed += 1;
    }
    recovered.durable_upto = manifest.state().wal_upto;
    recovered.next_sequence = manifest.state().max_sequence.saturating_add(1);
    Ok((catalog, recovered))
}

fn list(splits_dir: &Path) -> Result<BTreeSet<u64>, StoreError> {
    let entries = std::fs::read_dir(splits_dir).map_err(StoreError::io("list", splits_dir))?;
    let ids = entries.map(|entry| {
        let entry = entry.map_err(StoreError::io("list", splits_dir))?;
        Ok(split_id(&entry.file_name()))
    });
    Ok(ids.collect::<Result<Vec<_>, StoreError>>()?.into_iter().flatten().collect())
}

/// Takes back the splits that a damaged record added. A split is one of those when it is whole, was
/// committed (the log position of a later record is not below its own), and was not merged away since.
/// The splits that it replaced go, as the damaged record would have had it.
fn adopt(manifest: &mut Manifest, splits_dir: &Path, on_disk: &BTreeSet<u64>) -> Result<u64, StoreError> {
    let state = manifest.state();
    let mut orphans: Vec<Split> = on_disk
        .iter()
        .filter(|id| !state.live.contains_key(id))
        .filter_map(|id| Split::open(&split_dir(splits_dir, *id)).ok())
        .filter(|split| split.meta().wal_upto <= state.wal_upto)
        .collect();
    let mut replaced: BTreeSet<u64> =
        orphans.iter().flat_map(|split| split.meta().replaces.clone()).collect();
    for id in state.live.keys() {
        if let Ok(split) = Split::open(&split_dir(splits_dir, *id)) {
            replaced.extend(&split.meta().replaces);
        }
    }
    orphans.retain(|split| !replaced.contains(&split.id()));
    let record = Record {
        added: orphans.iter().map(|split| Entry::of(split.meta(), split.disk_bytes())).collect(),
        removed: replaced.into_iter().filter(|id| state.live.contains_key(id)).collect(),
        max_sequence: orphans.iter().map(|split| split.meta().max_sequence).max().unwrap_or_default(),
        ..Record::default()
    };
    manifest.commit(record)?;
    Ok(orphans.len() as u64)
}
