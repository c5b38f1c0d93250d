//! Takes over a changed `agent.toml` while the agent runs: on SIGHUP, or when the file is seen to have changed. A file
//! with mistakes is refused and the former one stays in force. The new [`Config`] goes whole to those who use it, and
//! each takes its part; what can't change while running is listed in [`compare`].

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::signal::unix::Signal;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::config::Config;
use crate::config::collectors::Collectors;
use crate::limits;
use crate::mailbox::Mailbox;
use crate::status::Shared;
use crate::time::Clock;

/// The configuration in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigReport {
    /// The file.
    pub path: String,
    /// When it was taken over, Unix seconds.
    pub loaded_unix_s: i64,
    /// Why what stands in the file now was refused; `None` when it is in force.
    pub problem: Option<String>,
    /// What of it is in force after the next start only.
    #[serde(default)]
    pub later: Vec<String>,
}

/// The one copy of it. Its lock is held for moments.
#[derive(Debug, Default)]
pub struct ConfigState(Mutex<ConfigReport>);

impl ConfigState {
    /// Loaded at the start.
    pub fn new(path: &Path, now_s: i64) -> Self {
        let path = path.to_string_lossy().into_owned();
        Self(Mutex::new(ConfigReport { path, loaded_unix_s: now_s, ..ConfigReport::default() }))
    }

    /// How it is now.
    pub fn report(&self) -> ConfigReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, change: impl FnOnce(&mut ConfigReport)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// What differs between two configurations.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In force at once: for the log.
    pub taken: Vec<String>,
    /// In force after the next start.
    pub later: Vec<&'static str>,
    /// Nothing of the new file can be used: it is another agent's.
    pub refused: Option<String>,
}

/// Compares the configuration in force with a new one.
pub fn compare(old: &Config, new: &Config) -> Changes {
    let mut changes = Changes::default();
    if old.data_dir != new.data_dir {
        let (old, new) = (old.data_dir.display(), new.data_dir.display());
        changes.refused =
            Some(format!("data_dir can't change while the agent runs ({old} to {new}): restart it"));
        return changes;
    }
    if old.inputs != new.inputs {
        changes.later.push("[[syslog]], [journald] or [stdin]");
    }
    if old.metrics != new.metrics {
        changes.later.push("metrics.listen");
    }
    let globs = |config: &Config| -> BTreeSet<String> {
        let coverage = config.tailing.coverage.iter();
        let of_section = |section: &crate::discover::Coverage| {
            let include = section.include.iter().map(|pattern| format!("include {}", pattern.text()));
            let exclude = section.exclude.iter().map(|pattern| format!("exclude {}", pattern.text()));
            include.chain(exclude).collect::<Vec<_>>()
        };
        coverage.flat_map(of_section).collect()
    };
    let (before, after) = (globs(old), globs(new));
    changes.taken.extend(after.difference(&before).map(|glob| format!("+ {glob}")));
    changes.taken.extend(before.difference(&after).map(|glob| format!("- {glob}")));
    let (a, b) = (&old.tailing, &new.tailing);
    let rows = [
        ("labels, formats, multiline or order of [[files]]", a.sections != b.sections),
        ("host_name or [metadata]", (&a.resource, a.path_metadata) != (&b.resource, b.path_metadata)),
        ("[[process]]", !a.process.is_like(&b.process)),
        ("collectors or certificates", old.collectors != new.collectors),
        (
            "limits",
            (a.batch, a.open_files_max, a.rotate_grace_ms, old.scan_ms, old.stalled_ms)
                != (b.batch, b.open_files_max, b.rotate_grace_ms, new.scan_ms, new.stalled_ms),
        ),
    ];
    changes.taken.extend(rows.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()));
    changes
}

/// Looks after the file.
pub struct Reloader {
    /// In force.
    pub current: Config,
    /// To tell.
    pub shared: Shared,
    /// To the tailer's thread.
    pub mailbox: Arc<Mailbox>,
    /// To the shipper.
    pub collectors: watch::Sender<Collectors>,
    /// For the time of loading.
    pub clock: Clock,
}

/// By which a change is noticed: time, size, inode. Editors replace files.
type Stamp = (i64, i64, u64, u64);

fn stamp(path: &Path) -> Option<Stamp> {
    let data = fs::metadata(path).ok()?;
    Some((data.mtime(), data.mtime_nsec(), data.len(), data.ino()))
}

impl Reloader {
    /// Runs for ever.
    pub async fn run(mut self, mut hangup: Signal) {
        let mut ticks = interval(Duration::from_millis(limits::CONFIG_POLL_MS));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = stamp(&self.current.path);
        let mut before = known;
        loop {
            let is_asked = tokio::select! {
                _ = ticks.tick() => false,
                _ = hangup.recv() => true,
            };
            let now = stamp(&self.current.path);
            // A file that is gone is about to come back; one that just changed may still be written to.
            let has_changed = now.is_some() && now != known && now == before;
            before = now;
            if is_asked || has_changed {
                known = now;
                self.reload();
            }
        }
    }

    /// What can't be taken over stays as it is in `current`, so that it is told of until the next start.
    fn reload(&mut self) {
        let counters = &self.shared.counters;
        let refuse = |problem: String| {
            counters.config_reload_failures.increment();
            tracing::error!("the changed configuration is refused, the former one stays in force: {problem}");
            self.shared.config.set(|report| report.problem = Some(problem));
        };
        let mut new = match Config::load(&self.current.path) {
            Ok(config) => config,
            Err(error) => return refuse(error.to_string()),
        };
        crate::app::fit_to_process(&mut new);
        let changes = compare(&self.current, &new);
        if let Some(problem) = changes.refused {
            return refuse(problem);
        }
        // Those that run go on, and with them whoever reads their spools.
        new.keep_inputs_of(&self.current);
        new.metrics = self.current.metrics;
        counters.config_reloads.increment();
        let now_s = self.clock.now().unix_s();
        self.shared.config.set(|report| {
            report.loaded_unix_s = now_s;
            report.problem = None;
            report.later = changes.later.iter().map(|key| (*key).to_owned()).collect();
        });
        let changed = changes.taken.join("; ");
        tracing::info!(path = %new.path.display(), changed, "configuration taken over");
        for key in changes.later {
            tracing::warn!(key, "can't change while the agent runs; restart it");
        }
        if self.current.collectors != new.collectors {
            self.collectors.send_replace(new.collectors.clone());
        }
        self.mailbox.reconfigure(new.clone());
        self.current = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_named() {
        let parse = |text: &str| Config::parse(text, Path::new("/d/agent.toml")).unwrap();
        let base = "[collector]\naddress = 'c:1'\n[[files]]\ninclude = ['/a', '/b']\nexclude = []\n";
        let old = parse(base);
        let taken = |rows: &[&str]| Changes {
            taken: rows.iter().map(|row| (*row).to_owned()).collect(),
            ..Changes::default()
        };
        for (text, expected) in [
            (base.to_owned(), taken(&[])),
            (base.replace("'/b'", "'/c'"), taken(&["+ include /c", "- include /b"])),
            (base.replace("[]", "['*.gz']"), taken(&["+ exclude *.gz"])),
            (format!("{base}service = 's'\n"), taken(&["labels, formats, multiline or order of [[files]]"])),
            (
                format!("{base}multiline = {{ start = '^#' }}\n"),
                taken(&["labels, formats, multiline or order of [[files]]"]),
            ),
            (format!("host_name = 'h'\n{base}"), taken(&["host_name or [metadata]"])),
            (
                format!("{base}encoding = 'utf-16le'\n"),
                taken(&["labels, formats, multiline or order of [[files]]"]),
            ),
            (base.replace("c:1", "d:1"), taken(&["collectors or certificates"])),
            (format!("{base}[[process]]\nwhen = 'a'\ndrop = true\n"), taken(&["[[process]]"])),
            (format!("{base}[limits]\nscan_seconds = 3\n"), taken(&["limits"])),
            (
                format!("{base}[metrics]\nlisten = ''\n"),
                Changes { later: vec!["metrics.listen"], ..Changes::default() },
            ),
        ] {
            assert_eq!(compare(&old, &parse(&text)), expected, "{text}");
        }
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key");
        let redact = format!("redact = {{ patterns = ['email'], hash_key_file = '{}' }}\n", key.display());
        let with_key = |text: &str| {
            fs::write(&key, text).unwrap();
            parse(&format!("{base}[[process]]\n{redact}"))
        };
        let keyed = with_key("0123456789abcdef");
        assert_eq!(compare(&keyed, &with_key("0123456789abcdef\n")), taken(&[]));
        assert_eq!(compare(&keyed, &with_key("fedcba9876543210")), taken(&["[[process]]"]));
        let moved = compare(&old, &parse(&format!("data_dir = '/e'\n{base}")));
        assert!(moved.refused.is_some() && moved.taken.is_empty());
    }
}
