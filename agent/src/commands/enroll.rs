//! `enroll`: joins a collector.

use std::process::ExitCode;

use millpond_agent::enroll::{self, EnrollError, Enrolment};

use super::{EXIT_CANT_CREATE, EXIT_SOFTWARE, EXIT_UNAVAILABLE, EXIT_USAGE, failed};

pub(crate) async fn enroll(mut enrolment: Enrolment) -> ExitCode {
    enrolment.logs = absolute(enrolment.logs);
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
                EnrollError::NoName | EnrollError::OtherId { .. } => EXIT_USAGE,
                EnrollError::StateDir(_) | EnrollError::Write { .. } => EXIT_CANT_CREATE,
                EnrollError::Key(_) => EXIT_SOFTWARE,
                _ => EXIT_UNAVAILABLE,
            };
            failed(&error, code)
        }
    }
}

/// Patterns may be given relative to the working directory; the agent will have another one.
fn absolute(patterns: Vec<String>) -> Vec<String> {
    let absolute = |pattern: String| match std::env::current_dir() {
        Ok(directory) if !pattern.starts_with('/') => format!("{}/{pattern}", directory.display()),
        _ => pattern,
    };
    patterns.into_iter().map(absolute).collect()
}
