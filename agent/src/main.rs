//! `millpond-agent`: arguments, logging, exit code. Everything else is in the library.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millpond_agent::app::{self, AppError};
use millpond_agent::commands;
use millpond_agent::commands::import::Import;
use millpond_agent::config::{self, Config, collectors};
use millpond_agent::enroll::{self, EnrollError, Enrolment};
use millpond_agent::record::Labels;
use millpond_agent::state_dir::StateDirError;
use millpond_wire::identity::AgentId;
use millpond_wire::token::JoinToken;
use tracing_subscriber::EnvFilter;

/// Wrong arguments or configuration (`EX_USAGE` of sysexits.h).
const EXIT_USAGE: u8 = 64;
/// Some files couldn't be read, or some lines were refused (`EX_DATAERR`).
const EXIT_INCOMPLETE: u8 = 65;
/// The collector can't be reached or refuses (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;
/// A defect (`EX_SOFTWARE`).
const EXIT_SOFTWARE: u8 = 70;
/// A directory or file can't be written (`EX_CANTCREAT`).
const EXIT_CANT_CREATE: u8 = 73;
/// Another agent is running with the directory, or an import was interrupted: try again (`EX_TEMPFAIL`).
const EXIT_IN_USE: u8 = 75;

/// Follows the logs of this machine and ships every line exactly once.
#[derive(Debug, Parser)]
#[command(name = "millpond-agent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Join a collector: make a key, get a certificate, write agent.toml.
    Enroll {
        /// Directory for key, certificates, configuration and positions; made if need be.
        #[arg(long)]
        data_dir: PathBuf,
        /// The line that `millpond-collector enroll` printed.
        #[arg(long)]
        token: JoinToken,
        /// Id of this agent; made from the machine's name if not given.
        #[arg(long)]
        name: Option<AgentId>,
        /// Patterns of the files to follow, instead of /var/log/**.
        #[arg(long, value_name = "GLOB", num_args = 1..)]
        logs: Vec<String>,
        /// Join a further collector under this name, beside the one in the section [collector]: its certificate goes
        /// to collectors/NAME/ of the directory, and a section to its agent.toml.
        #[arg(long, value_name = "NAME", value_parser = collector_name, conflicts_with = "logs")]
        collector: Option<String>,
    },
    /// Follow and ship until SIGTERM.
    Run {
        /// The agent.toml that `enroll` wrote.
        #[arg(long)]
        config: PathBuf,
    },
    /// Ship files once, to their end: old logs, archives of gzip and zstd, whole directories. Can be interrupted
    /// and repeated: nothing is shipped twice. Works while the agent runs.
    Import {
        /// Files and directories.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// The agent.toml that `enroll` wrote…
        #[arg(long, required_unless_present = "data_dir")]
        config: Option<PathBuf>,
        /// …or the directory that it is in.
        #[arg(long, conflicts_with = "config")]
        data_dir: Option<PathBuf>,
        /// Format of the lines, as in agent.toml; found by itself if not given.
        #[arg(long, default_value = "auto")]
        format: String,
        /// Value of `service.name`.
        #[arg(long)]
        service: Option<String>,
        /// A field of every event; may be given several times.
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = field)]
        fields: Vec<(String, String)>,
        /// Also what was imported before or is followed by the agent: it will be there twice.
        #[arg(long)]
        again: bool,
    },
}

/// `NAME=VALUE`.
fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".into()),
    }
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS };
        }
    };
    // An import says itself what became of the files.
    let is_import = matches!(arguments.command, Command::Import { .. });
    let level = if is_import { "error,millpond_agent::ship=warn" } else { "info" };
    let filter = EnvFilter::try_from_env("MILLPOND_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let is_terminal = std::io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // It would tell of a line that can't be written by writing a line, and panic when it can't: a log file
        // on a full disk must stop nothing.
        .log_internal_errors(false)
        .with_ansi(is_terminal)
        .init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, EXIT_SOFTWARE),
    };
    match arguments.command {
        Command::Run { config } => match Config::load(&config) {
            Ok(config) => runtime.block_on(run(config)),
            Err(error) => failed(&error, EXIT_USAGE),
        },
        Command::Import { paths, config, data_dir, format, service, fields, again } => {
            let config = config.or(data_dir.map(|directory| directory.join(enroll::CONFIG_NAME)));
            let labels = Labels::new(service, fields);
            let prepared = Config::load(&config.unwrap_or_default()).map_err(|error| error.to_string());
            let prepared = prepared.and_then(|config| Ok((config, config::format_named(&format)?)));
            match prepared {
                Ok((config, format)) => {
                    runtime.block_on(import(Import { config, paths, format, labels, again }))
                }
                Err(error) => {
                    tracing::error!("{error}");
                    ExitCode::from(EXIT_USAGE)
                }
            }
        }
        Command::Enroll { data_dir, token, name, logs, collector } => {
            runtime.block_on(enroll(Enrolment { data_dir, token, name, logs: absolute(logs), collector }))
        }
    }
}

async fn run(config: Config) -> ExitCode {
    match app::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cant_run(&error),
    }
}

async fn import(what: Import) -> ExitCode {
    let begun = std::time::Instant::now();
    let result = match app::stop_signal() {
        Ok(stop) => commands::import::run(what, stop).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(report) => {
            // A closed pipe is no failure of the import.
            let _ = std::io::stdout().write_all(report.text(begun.elapsed().as_secs()).as_bytes());
            match (report.is_interrupted, report.is_complete()) {
                (true, _) => ExitCode::from(EXIT_IN_USE),
                (false, true) => ExitCode::SUCCESS,
                (false, false) => ExitCode::from(EXIT_INCOMPLETE),
            }
        }
        Err(error) => cant_run(&error),
    }
}

fn cant_run(error: &AppError) -> ExitCode {
    let code = match error {
        AppError::StateDir(StateDirError::InUse { .. }) => EXIT_IN_USE,
        AppError::StateDir(_) | AppError::Journal(_) => EXIT_CANT_CREATE,
        AppError::Start(_) | AppError::TailerEnded => EXIT_SOFTWARE,
    };
    failed(error, code)
}

async fn enroll(enrolment: Enrolment) -> ExitCode {
    match enroll::enroll(&enrolment).await {
        Ok(enrolled) => {
            tracing::info!(agent_id = enrolled.agent_id, site = enrolled.site, "enrolled");
            if enrolled.config_was_kept {
                tracing::info!(path = %enrolled.config.display(), "there was a configuration already; left as it was");
            }
            if let Some(section) = enrolled.to_add {
                tracing::warn!("add this to the agent's configuration:\n{section}");
            }
            tracing::info!("start it with: millpond-agent run --config {}", enrolled.config.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let code = match &error {
                EnrollError::NoName => EXIT_USAGE,
                EnrollError::StateDir(_) | EnrollError::Write { .. } => EXIT_CANT_CREATE,
                EnrollError::Key(_) => EXIT_SOFTWARE,
                _ => EXIT_UNAVAILABLE,
            };
            failed(&error, code)
        }
    }
}

fn collector_name(text: &str) -> Result<String, String> {
    collectors::check_name(text).map(|()| text.to_owned())
}

fn failed(error: &dyn std::error::Error, code: u8) -> ExitCode {
    tracing::error!("{error}");
    ExitCode::from(code)
}

/// Patterns may be given relative to the working directory; the agent will have another one.
fn absolute(patterns: Vec<String>) -> Vec<String> {
    let absolute = |pattern: String| match std::env::current_dir() {
        Ok(directory) if !pattern.starts_with('/') => format!("{}/{pattern}", directory.display()),
        _ => pattern,
    };
    patterns.into_iter().map(absolute).collect()
}
