//! Directories as tests handle them: copied, and compared to the last byte.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// All that must not change when nothing is to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    bytes: Vec<u8>,
    modified: (i64, i64),
    mode: u32,
}

/// Every file and directory below `dir`.
///
/// # Panics
/// Something can't be read.
pub fn tree(dir: &Path) -> BTreeMap<PathBuf, Contents> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let (path, data) = (entry.path(), entry.metadata().expect("it is there"));
        let bytes = if data.is_dir() { Vec::new() } else { fs::read(&path).expect("readable") };
        if data.is_dir() {
            found.extend(tree(&path));
        }
        let modified = (data.mtime(), data.mtime_nsec());
        found.insert(path, Contents { bytes, modified, mode: data.mode() });
    }
    found
}

/// Copies a directory with all that is in it; what is there already stays or is replaced.
///
/// # Panics
/// Something can't be read or written.
pub fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("writable");
        }
    }
}
