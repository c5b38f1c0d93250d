//! `run`: serves until it is told to stop.

use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::ConfigArgument;
use crate::app;
use crate::config::Config;
use crate::limits::STOP_DEADLINE;

#[derive(Debug, clap::Args)]
pub(super) struct Run {
    #[command(flatten)]
    config: ConfigArgument,
}

impl Run {
    pub(super) fn execute(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let filter = EnvFilter::try_from_env("MILLPOND_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
        let is_terminal = std::io::stderr().is_terminal();
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(is_terminal)
            .with_writer(std::io::stderr)
            // It would tell of a line that can't be written by writing a line, and panic when it can't: a log file
            // on a full disk must stop nothing.
            .log_internal_errors(false)
            .init();
        let config = Config::load(&self.config.config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let outcome = runtime.block_on(async {
            let (mut terminate, mut interrupt) =
                (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
            let asked = async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            };
            app::run(config, asked).await.map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        });
        // Queries that nobody waits for any more may still be at work on their threads.
        runtime.shutdown_timeout(STOP_DEADLINE);
        outcome
    }
}
