//! Who is who: the certificate authority of this installation, the collector's own certificate, the
//! certificates, ids, revocations and join tokens of agents, and where their files are. TLS itself is in
//! `millpond_wire::tls`.

mod authority;
pub mod check;
mod files;
mod registry;
mod revocations;
mod tokens;

use std::path::PathBuf;

pub use self::authority::{Authority, BadRequest, made_s};
pub use self::files::DataDir;
pub use self::registry::AgentRegistry;
pub use self::revocations::{Revocation, Revocations};
pub use self::tokens::{Terms, TokenError, TokenStore};

/// An identity that can't be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file of the data directory could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is an identity already; making another would lock out every agent.
    #[error(
        "{0} exists already: this data directory is in use. Choose another one, or delete it if its agents and logs may go"
    )]
    Exists(PathBuf),
    /// There is no identity.
    #[error(
        "{0} is not there: make a data directory with `millpond-collector init --data-dir <folder>` first"
    )]
    Missing(PathBuf),
    /// Certificates could not be made or read.
    #[error("certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS does not take the files.
    #[error(transparent)]
    Tls(#[from] millpond_wire::tls::TlsError),
}
