//! `explain`: why a file is read, or isn't. Asks the running agent; where none answers, the configuration and the
//! journal of positions say what its next start would find.

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use millpond_agent::checkpoint;
use millpond_agent::config::Config;
use millpond_agent::serve::client;
use millpond_agent::tail::explain::{Explanation, without_agent};
use millpond_agent::time::{Clock, Now};

use super::{EXIT_UNAVAILABLE, EXIT_USAGE, data_dir, failed, print};

pub(crate) async fn explain(path: &Path, config: &Path, is_json: bool) -> ExitCode {
    let path = as_walked(path);
    let Some(directory) = data_dir(config) else {
        return failed(&format!("{}: can't be read; see --config", config.display()), EXIT_USAGE);
    };
    let target = format!("/explain?{}", client::encode_path(&path));
    let explanation = match client::get(&directory, &target).await {
        Ok(bytes) => match serde_json::from_slice::<Explanation>(&bytes) {
            Ok(explanation) => explanation,
            Err(error) => {
                return failed(&format!("the agent is of another version: {error}"), EXIT_UNAVAILABLE);
            }
        },
        Err(error) => {
            tracing::warn!("no agent answers ({error}); this is what its next start would find");
            match from_files(&path, config) {
                Ok(explanation) => explanation,
                Err(code) => return code,
            }
        }
    };
    if is_json {
        print(&format!("{}\n", serde_json::to_string(&explanation).unwrap_or_default()));
    } else {
        print(&text(&explanation));
    }
    ExitCode::SUCCESS
}

/// The name under which the agent would find it: absolute, without `..`; links are left as they are.
fn as_walked(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.components().fold(PathBuf::new(), |mut walked, component| {
        match component {
            Component::ParentDir => drop(walked.pop()),
            component => walked.push(component),
        }
        walked
    })
}

fn from_files(path: &Path, config: &Path) -> Result<Explanation, ExitCode> {
    let mut config = Config::load(config).map_err(|error| failed(&error, EXIT_USAGE))?;
    config.cover_left_spools();
    let journal = config.data_dir.join(checkpoint::FILE_NAME);
    // Without it, every file is new.
    let recovered = checkpoint::record::recover(&std::fs::read(journal).unwrap_or_default());
    let now: Now = Clock::start().now();
    Ok(without_agent(&config.tailing, &recovered, path, now))
}

fn text(explanation: &Explanation) -> String {
    let verdict = if explanation.is_read { "read" } else { "not read" };
    let mut out = format!("{}: {verdict}\n  {}\n", explanation.path.display(), explanation.reason);
    if !explanation.advice.is_empty() {
        let _ = writeln!(out, "  to do: {}", explanation.advice);
    }
    if let Some(file) = &explanation.file {
        let (size, read, acked) = (file.size_bytes, file.read_offset, file.acknowledged_offset);
        let _ = writeln!(out, "  generation {}, {}", file.stream, file.state);
        let _ = writeln!(out, "  size {size}, read to {read}, acknowledged to {acked}");
        let _ = writeln!(out, "  lag {} bytes, {} s", file.lag_bytes, file.lag_seconds);
        if let Some(format) = &file.format {
            let hits = file.format_hits_percent.map(|percent| format!(", {percent}% of its lines"));
            let _ = writeln!(out, "  format {format}{}", hits.unwrap_or_default());
        }
        if let Some(error) = &file.last_error {
            let _ = writeln!(out, "  last error: {error}");
        }
    }
    out
}
