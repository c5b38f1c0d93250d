//! The agent's private directory: who may read it, that one agent has it, and how a file in it is replaced.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Name of the lock file.
const LOCK: &str = "agent.lock";

/// Why a state directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateDirError {
    /// It can't be made, or not be written to.
    #[error("{path}: {source}; the agent needs a directory of its own that it can write to")]
    Unusable {
        /// The directory or the file in it.
        path: PathBuf,
        /// From the system.
        source: io::Error,
    },
    /// The lock is held.
    #[error("{path}: another agent is running with this directory")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
}

/// Holds the directory for one agent; the lock goes with the value, and with the process.
#[derive(Debug)]
pub struct StateDirLock {
    _file: File,
}

/// Makes the directory with mode 0700, parents included, or sets that mode.
///
/// # Errors
/// When the system refuses.
pub fn create(path: &Path) -> Result<(), StateDirError> {
    let make = || {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
    };
    make().map_err(|source| StateDirError::Unusable { path: path.to_owned(), source })
}

/// Takes the directory for this process.
///
/// # Errors
/// When another process has it, or when it can't be written to.
pub fn lock(directory: &Path) -> Result<StateDirLock, StateDirError> {
    let path = directory.join(LOCK);
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = match open {
        Ok(file) => file,
        Err(source) => return Err(StateDirError::Unusable { path, source }),
    };
    match patiently(|| file.try_lock()) {
        Ok(()) => Ok(StateDirLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(StateDirError::InUse { path }),
        Err(TryLockError::Error(source)) => Err(StateDirError::Unusable { path, source }),
    }
}

/// True when an agent is running with the directory.
pub fn is_in_use(directory: &Path) -> bool {
    // A shared lock, for a moment.
    File::open(directory.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whoever asks [`is_in_use`] has the lock for a moment; that must not stop an agent from starting.
fn patiently(try_lock: impl Fn() -> Result<(), TryLockError>) -> Result<(), TryLockError> {
    const TRIES: u32 = 5;
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 1..TRIES {
        match try_lock() {
            Err(TryLockError::WouldBlock) => thread::park_timeout(PAUSE),
            result => return result,
        }
    }
    try_lock()
}

/// Replaces a file atomically and durably, mode 0600: after a crash it holds the old bytes or the new ones.
///
/// # Errors
/// From the system; the old file then stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = write_beside(path, bytes)?;
    File::open(&new)?.sync_data()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

/// Replaces a file atomically, mode 0600, without waiting for the disk: for what may be lost by a power cut.
///
/// # Errors
/// As [`replace`].
pub fn replace_loosely(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = write_beside(path, bytes)?;
    fs::rename(&new, path)
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_it_makes_is_private() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        create(&directory).unwrap();
        assert_eq!(mode(&directory), 0o700);
        let file = directory.join("f");
        replace(&file, b"one").unwrap();
        replace(&file, b"two").unwrap();
        assert_eq!((fs::read(&file).unwrap(), mode(&file)), (b"two".to_vec(), 0o600));
    }

    #[test]
    fn one_agent_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        assert!(!is_in_use(root.path()));
        let held = lock(root.path()).unwrap();
        assert!(is_in_use(root.path()));
        assert!(matches!(lock(root.path()), Err(StateDirError::InUse { .. })));
        drop(held);
        assert!(lock(root.path()).is_ok());
    }
}
