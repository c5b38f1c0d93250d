//! `import`: ships files once, to their end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use millpond_agent::app;
use millpond_agent::config::{self, Config};
use millpond_agent::import::{self, Import};
use millpond_agent::record::Labels;

use super::run::cant_run;
use super::{EXIT_IN_USE, EXIT_INCOMPLETE, EXIT_USAGE, failed, print};

/// What the command line says, beside the configuration.
pub(crate) struct Wanted {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) format: String,
    pub(crate) labels: Labels,
    pub(crate) again: bool,
}

pub(crate) async fn import(config: &Path, wanted: Wanted) -> ExitCode {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return failed(&error, EXIT_USAGE),
    };
    let format = match config::format_named(&wanted.format) {
        Ok(format) => format,
        Err(error) => return failed(&error, EXIT_USAGE),
    };
    let Wanted { paths, labels, again, .. } = wanted;
    let begun = Instant::now();
    let result = match app::stop_signal() {
        Ok(stop) => import::run(Import { config, paths, format, labels, again }, stop).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(report) => {
            print(&report.text(begun.elapsed().as_secs()));
            match (report.is_interrupted, report.is_complete()) {
                (true, _) => ExitCode::from(EXIT_IN_USE),
                (false, true) => ExitCode::SUCCESS,
                (false, false) => ExitCode::from(EXIT_INCOMPLETE),
            }
        }
        Err(error) => cant_run(&error),
    }
}
