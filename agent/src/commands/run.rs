//! `run`: follows and ships until SIGTERM.

use std::path::Path;
use std::process::ExitCode;

use millpond_agent::app::{self, AppError};
use millpond_agent::config::Config;
use millpond_agent::state_dir::StateDirError;

use super::{EXIT_CANT_CREATE, EXIT_IN_USE, EXIT_SOFTWARE, EXIT_USAGE, failed};

pub(crate) async fn run(config: &Path) -> ExitCode {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return failed(&error, EXIT_USAGE),
    };
    match app::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cant_run(&error),
    }
}

/// Ends a command that the agent's parts can't carry out.
pub(crate) fn cant_run(error: &AppError) -> ExitCode {
    let code = match error {
        AppError::StateDir(StateDirError::InUse { .. }) => EXIT_IN_USE,
        AppError::StateDir(_) | AppError::Journal(_) => EXIT_CANT_CREATE,
        AppError::Start(_) | AppError::TailerEnded => EXIT_SOFTWARE,
    };
    failed(error, code)
}
