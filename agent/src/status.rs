//! `status.json` in the state directory: what the agent follows, how far it is, and every counter. For people
//! and for monitoring; the agent never reads it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::limits;
use crate::metrics::Counters;
use crate::process::Step;
use crate::ship::board::CollectorState;
use crate::state_dir;
use crate::tail::Tailer;
use crate::tail::generation::{Generation, Life};
use crate::tail::identity;
use crate::time::Now;

/// Name of the file in the state directory.
pub const FILE_NAME: &str = "status.json";

/// Writes the file, atomically, when something has changed.
#[derive(Debug)]
pub struct StatusFile {
    path: PathBuf,
    latest: Option<Value>,
}

impl StatusFile {
    /// That of a state directory.
    pub fn new(directory: &Path) -> Self {
        Self { path: directory.join(FILE_NAME), latest: None }
    }

    /// Writes how things are, unless they are as they were. Failures are only mentioned: the file is a service.
    pub fn write(&mut self, tailer: &Tailer, counters: &Counters, collectors: &[CollectorState], now: Now) {
        let mut status = status(tailer, counters, collectors);
        if self.latest.as_ref() == Some(&status) {
            return;
        }
        self.latest = Some(status.clone());
        if let Some(members) = status.as_object_mut() {
            members.insert("written_unix_s".into(), now.unix_s().into());
        }
        if let Err(error) = state_dir::replace_loosely(&self.path, format!("{status:#}\n").as_bytes()) {
            tracing::warn!(path = %self.path.display(), %error, "the status can't be written");
        }
    }
}

fn status(tailer: &Tailer, counters: &Counters, collectors: &[CollectorState]) -> Value {
    let first_end_s = collectors.iter().filter_map(|collector| collector.certificate_ends_unix_s).min();
    let mut files: Vec<_> = tailer.generations().filter(|(_, file)| file.life != Life::Dormant).collect();
    let lag_bytes: u64 = files.iter().map(|(_, file)| file.lag_bytes()).sum();
    files.sort_by(|(_, a), (_, b)| b.lag_bytes().cmp(&a.lag_bytes()).then_with(|| a.path.cmp(&b.path)));
    let listed: Vec<Value> = files
        .iter()
        .take(limits::STATUS_FILES_MAX)
        .map(|(stream, file)| {
            let mut entry = of_file(file);
            if let Some(members) = entry.as_object_mut() {
                members.insert("stream".into(), stream.to_string().into());
            }
            entry
        })
        .collect();
    let counters: serde_json::Map<String, Value> = counters
        .all()
        .into_iter()
        .filter(|(name, _)| *name != "scans")
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "pid": std::process::id(),
        "certificate_ends_unix_s": first_end_s,
        "collectors": collectors,
        "files_followed": files.len(),
        "lag_bytes": lag_bytes,
        "counters": counters,
        "process": tailer.process().steps().iter().enumerate().map(of_step).collect::<Vec<_>>(),
        "files": listed,
    })
}

fn of_step((index, step): (usize, &Step)) -> Value {
    json!({
        "step": index,
        "name": step.name,
        "action": step.kind,
        "dropped_lines": step.done.dropped_lines,
        "changed_lines": step.done.changed_lines,
    })
}

fn of_file(file: &Generation) -> Value {
    let state = match file.life {
        Life::Dormant => "remembered",
        Life::Live if !file.covered => "moved away",
        Life::Live if file.renamed => "renamed",
        Life::Live => "followed",
        Life::Deleted => "deleted",
        Life::Cut { .. } => "truncated; a copy is awaited",
    };
    json!({
        "path": identity::path_text(&file.path),
        "origin": identity::path_text(&file.origin),
        "state": state,
        "size_bytes": file.size_seen,
        "read_offset": file.read.offset,
        "acknowledged_offset": file.acked.offset,
        "lag_bytes": file.lag_bytes(),
        "format": file.detector.as_ref().and_then(|detector| detector.format()).map(|format| format.name()),
    })
}
