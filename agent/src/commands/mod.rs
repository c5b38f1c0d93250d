//! The commands of `millpond-agent`, one file each: arguments in, text and an exit code out. What they do is the
//! library's.

pub(crate) mod check;
pub(crate) mod enroll;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod parse;
pub(crate) mod run;
pub(crate) mod status;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Not everything could be read (`EX_DATAERR`).
pub(crate) const EXIT_INCOMPLETE: u8 = 65;
/// Wrong arguments or configuration (`EX_USAGE` of sysexits.h).
pub(crate) const EXIT_USAGE: u8 = 64;
/// The collector can't be reached or refuses, or no agent is running (`EX_UNAVAILABLE`).
pub(crate) const EXIT_UNAVAILABLE: u8 = 69;
/// A defect (`EX_SOFTWARE`).
pub(crate) const EXIT_SOFTWARE: u8 = 70;
/// A directory or file can't be written (`EX_CANTCREAT`).
pub(crate) const EXIT_CANT_CREATE: u8 = 73;
/// Input or output failed (`EX_IOERR`).
pub(crate) const EXIT_IO: u8 = 74;
/// Another agent is running with the directory, or the command was interrupted (`EX_TEMPFAIL`).
pub(crate) const EXIT_IN_USE: u8 = 75;

/// Where `agent.toml` is unless an option says otherwise.
pub(crate) const DEFAULT_CONFIG: &str = "/var/lib/millpond-agent/agent.toml";

/// Ends a command with an error.
pub(crate) fn failed(error: &dyn std::fmt::Display, code: u8) -> ExitCode {
    tracing::error!("{error}");
    ExitCode::from(code)
}

/// Writes to standard output. A reader that has gone away, such as `head`, has what it wanted.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// The state directory of the agent that a configuration file is of.
pub(crate) fn data_dir(config: &Path) -> Option<PathBuf> {
    millpond_agent::config::Config::data_dir_of(config)
}
