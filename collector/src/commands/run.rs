//! `run`: serves until it is told to stop.

use std::io::IsTerminal;

use tokio::signal::unix::{SignalKind, signal};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
        log_to_stderr();
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

/// What `MILLPOND_LOG` lets through goes to standard error, such as `debug` or `info,tantivy=debug`.
fn log_to_stderr() {
    let wanted = std::env::var("MILLPOND_LOG").ok().map(|text| text.parse::<Targets>());
    let is_wrong = matches!(wanted, Some(Err(_)));
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        // It would tell of a line that can't be written by writing a line, and panic when it can't: a log file
        // on a full disk must stop nothing.
        .log_internal_errors(false)
        .finish()
        .with(wanted.and_then(Result::ok).unwrap_or_else(|| Targets::new().with_default(Level::INFO)))
        .init();
    if is_wrong {
        tracing::warn!(
            "MILLPOND_LOG is neither a level (error, warn, info, debug, trace) nor a list of target=level"
        );
    }
}
