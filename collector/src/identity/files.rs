//! The files of a data directory: names, permissions, and writes that are whole or not there.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use millpond_wire::identity::AgentId;

use super::IdentityError;

/// Read and written by the owner only.
const PRIVATE_FILE_MODE: u32 = 0o600;
/// Entered by the owner only: everything in a data directory is either secret or somebody's logs.
const PRIVATE_DIR_MODE: u32 = 0o700;

/// A collector's data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The directory at `root`, whether it exists or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration that `init` writes.
    pub fn config(&self) -> PathBuf {
        self.root.join("collector.toml")
    }

    /// Certificates and keys.
    pub fn identity(&self) -> PathBuf {
        self.root.join("identity")
    }

    /// The CA's certificate, PEM.
    pub fn ca_certificate(&self) -> PathBuf {
        self.identity().join("ca.pem")
    }

    /// The CA's private key, PEM, mode 0600.
    pub fn ca_key(&self) -> PathBuf {
        self.identity().join("ca-key.pem")
    }

    /// The collector's certificate and the CA's behind it, PEM.
    pub fn server_chain(&self) -> PathBuf {
        self.identity().join("server.pem")
    }

    /// The collector's private key, PEM, mode 0600.
    pub fn server_key(&self) -> PathBuf {
        self.identity().join("server-key.pem")
    }

    /// Join tokens, hashed.
    pub fn tokens(&self) -> PathBuf {
        self.root.join("tokens")
    }

    /// Ids of agents that were given out.
    pub fn agents(&self) -> PathBuf {
        self.root.join("agents")
    }

    /// Ids of agents that are kept out.
    pub fn revoked(&self) -> PathBuf {
        self.root.join("revoked")
    }

    /// When each agent was heard of last, and with which certificate.
    pub fn seen(&self) -> PathBuf {
        self.root.join("agents-seen")
    }

    /// The write-ahead log.
    pub fn wal(&self) -> PathBuf {
        self.root.join("wal")
    }

    /// The store's splits and manifest.
    pub fn store(&self) -> PathBuf {
        self.root.join("store")
    }

    /// Locked by the collector that runs.
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// Takes the directory for this process until the file is dropped.
    ///
    /// # Errors
    /// Another collector has it, or it can't be written.
    pub fn acquire(&self) -> Result<File, IdentityError> {
        let path = self.lock();
        let file = OpenOptions::new().create(true).append(true).mode(PRIVATE_FILE_MODE).open(&path);
        let file = file.map_err(failed(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(error) => {
                let source =
                    io::Error::new(ErrorKind::ResourceBusy, format!("another collector runs here: {error}"));
                Err(failed(&path)(source))
            }
        }
    }

    /// Keeps collectors out until the file is dropped, without writing anything. `None`: none ever ran here.
    ///
    /// # Errors
    /// A collector runs here, or the file can't be read.
    pub fn keep_out(&self) -> Result<Option<File>, IdentityError> {
        let path = self.lock();
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path)(error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {
                let source = io::Error::new(ErrorKind::ResourceBusy, "a collector runs here; stop it first");
                Err(failed(&path)(source))
            }
            Err(TryLockError::Error(error)) => Err(failed(&path)(error)),
        }
    }
}

/// Makes a folder, and its parents, for the owner only. It may exist.
pub(super) fn make_dir(path: &Path) -> Result<(), IdentityError> {
    DirBuilder::new().recursive(true).mode(PRIVATE_DIR_MODE).create(path).map_err(failed(path))
}

/// Makes a file that must not exist, for the owner only, durable when this returns (its name is not,
/// see [`sync_dir`]).
pub(super) fn create_private(path: &Path, contents: &[u8]) -> Result<(), IdentityError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE_MODE).open(path)?;
        file.write_all(contents)?;
        file.sync_all()
    };
    write().map_err(failed(path))
}

/// Replaces a file, for the owner only; after a crash it is the old one or the new one. Its name is durable
/// after [`sync_dir`].
pub(super) fn replace_private(path: &Path, contents: &[u8]) -> Result<(), IdentityError> {
    let new = unfinished(path);
    let _ = std::fs::remove_file(&new);
    create_private(&new, contents)?;
    std::fs::rename(&new, path).map_err(failed(path))
}

/// Name under which a file is written before it takes its place. No agent's id begins with a dot.
fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.new"))
}

/// The agents' ids that files of a folder are named by, in order. A folder that is not there has none.
pub(super) fn ids_in(dir: &Path) -> Result<Vec<AgentId>, IdentityError> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(dir)(error)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed(dir))?.file_name();
        ids.extend(name.to_str().and_then(|name| name.parse().ok()));
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Makes the names in a folder durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), IdentityError> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(failed(path))
}

/// Puts the path to an error.
pub(super) fn failed(path: &Path) -> impl Fn(io::Error) -> IdentityError {
    move |source| IdentityError::File { path: path.to_owned(), source }
}
