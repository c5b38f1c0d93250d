//! What the program can be told to do; one file each. Arguments are read here and nowhere else.

mod agents;
mod check;
mod enroll;
mod init;
mod retention;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Millpond's central server: takes logs from agents, makes them durable, searchable, and serves them.
#[derive(Debug, Parser)]
#[command(name = "millpond-collector", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a data directory: a certificate authority, the collector's certificate, a configuration.
    Init(init::Init),
    /// Serves until SIGTERM or SIGINT.
    Run(run::Run),
    /// Prints a join token, which lets one agent enrol.
    Enroll(enroll::Enroll),
    /// Lists the agents; revokes one, or takes that back. Works beside a running collector.
    Agents(agents::Agents),
    /// Says what is wrong with a data directory, and changes nothing. The collector must not run.
    ///
    /// Ends with 0 if nothing is, 1 if something is, 2 if it can't be checked.
    Check(check::Check),
    /// With --dry-run: says which splits retention would remove now, and why. Changes nothing.
    Retention(retention::Retention),
}

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigArgument {
    /// The configuration file, such as the collector.toml that `init` wrote.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

impl Arguments {
    /// Does what the arguments say.
    ///
    /// # Errors
    /// It could not be done; the text says why and what to do.
    pub fn execute(self) -> Result<ExitCode, Box<dyn std::error::Error + Send + Sync>> {
        match self.command {
            Command::Init(init) => init.execute(),
            Command::Run(run) => run.execute(),
            Command::Enroll(enroll) => enroll.execute(),
            Command::Agents(agents) => agents.execute(),
            Command::Retention(retention) => retention.execute(),
            Command::Check(check) => return Ok(check.execute()),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}
