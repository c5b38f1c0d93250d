//! `millpond-agent`: arguments and logging. What a command does is in `commands`; everything else is in the library.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use millpond_agent::config::collectors;
use millpond_agent::enroll::{self, Enrolment};
use millpond_agent::record::Labels;
use millpond_wire::identity::AgentId;
use millpond_wire::token::JoinToken;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::commands::import::Wanted;
use crate::commands::{DEFAULT_CONFIG, EXIT_SOFTWARE, EXIT_USAGE, failed};

mod commands;

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
        /// Take another id than the one that the directory was enrolled with: the collector sees another agent.
        #[arg(long)]
        force: bool,
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
    /// Show what the agent does: files, lag, connection, trouble.
    Status {
        /// The agent.toml of the agent.
        #[arg(long, default_value = DEFAULT_CONFIG)]
        config: PathBuf,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Say why a file is read, or isn't, and what to do.
    Explain {
        /// The file.
        path: PathBuf,
        /// The agent.toml of the agent.
        #[arg(long, default_value = DEFAULT_CONFIG)]
        config: PathBuf,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Check a configuration: mistakes with their places, and what would be followed.
    Check {
        /// The agent.toml.
        #[arg(long, default_value = DEFAULT_CONFIG)]
        config: PathBuf,
    },
    /// Show what lines on standard input become, one JSON document each.
    Parse {
        /// `auto`, or the name of a format.
        #[arg(long, default_value = "auto")]
        format: String,
        /// For people.
        #[arg(long)]
        pretty: bool,
    },
}

/// `NAME=VALUE`.
fn field(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("is not of the form NAME=VALUE".into()),
    }
}

fn collector_name(text: &str) -> Result<String, String> {
    collectors::check_name(text).map(|()| text.to_owned())
}

/// What `MILLPOND_LOG` lets through goes to standard error, such as `debug` or `info,h2=debug`.
fn log_to_stderr(is_import: bool) {
    let usual = match is_import {
        // An import says itself what became of the files.
        true => Targets::new().with_default(Level::ERROR).with_target("millpond_agent::ship", Level::WARN),
        false => Targets::new().with_default(Level::INFO),
    };
    let wanted = std::env::var("MILLPOND_LOG").ok().map(|text| text.parse::<Targets>());
    let is_wrong = matches!(wanted, Some(Err(_)));
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(std::io::stderr)
        // It would tell of a line that can't be written by writing a line, and panic when it can't: a log file
        // on a full disk must stop nothing.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .finish()
        .with(wanted.and_then(Result::ok).unwrap_or(usual))
        .init();
    if is_wrong {
        tracing::warn!(
            "MILLPOND_LOG is neither a level (error, warn, info, debug, trace) nor a list of target=level"
        );
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
    log_to_stderr(matches!(arguments.command, Command::Import { .. }));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error, EXIT_SOFTWARE),
    };
    match arguments.command {
        Command::Run { config } => runtime.block_on(commands::run::run(&config)),
        Command::Enroll { data_dir, token, name, logs, collector, force } => {
            let enrolment = Enrolment { data_dir, token, name, logs, collector, force };
            runtime.block_on(commands::enroll::enroll(enrolment))
        }
        Command::Import { paths, config, data_dir, format, service, fields, again } => {
            let config = config.or(data_dir.map(|directory| directory.join(enroll::CONFIG_NAME)));
            let wanted = Wanted { paths, format, labels: Labels::new(service, fields), again };
            runtime.block_on(commands::import::import(&config.unwrap_or_default(), wanted))
        }
        Command::Status { config, json } => runtime.block_on(commands::status::status(&config, json)),
        Command::Explain { path, config, json } => {
            runtime.block_on(commands::explain::explain(&path, &config, json))
        }
        Command::Check { config } => commands::check::check(&config),
        Command::Parse { format, pretty } => commands::parse::parse(&format, pretty),
    }
}
