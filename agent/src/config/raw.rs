//! The keys of `agent.toml` as written, with their defaults. A key is a field here and a line in
//! `config/agent.toml`; a test holds the two together.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Mistake;
use super::collectors::{RawCollector, RawFurther};
use super::inputs::{RawJournald, RawStdin, RawSyslog};
use super::metadata::RawMetadata;
use super::metrics::RawMetrics;
use super::multiline::RawMultiline;
use super::process::RawProcess;
use crate::limits;

/// The whole file.
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// `None`: the directory of the file.
    pub data_dir: Option<PathBuf>,
    /// `None`: the system's.
    pub host_name: Option<String>,
    /// `[collector]`
    pub collector: RawCollector,
    /// `[[collectors]]`
    #[serde(default)]
    pub collectors: Vec<RawFurther>,
    /// `[tls]`
    #[serde(default)]
    pub tls: super::collectors::RawTls,
    /// `[[files]]`
    #[serde(default)]
    pub files: Vec<RawFiles>,
    /// `[[syslog]]`
    #[serde(default)]
    pub syslog: Vec<RawSyslog>,
    /// `[journald]`
    pub journald: Option<RawJournald>,
    /// `[stdin]`
    pub stdin: Option<RawStdin>,
    /// `[[process]]`
    #[serde(default)]
    pub process: Vec<RawProcess>,
    /// `[metadata]`
    #[serde(default)]
    pub metadata: RawMetadata,
    /// `[limits]`
    #[serde(default)]
    pub limits: RawLimits,
    /// `[metrics]`
    #[serde(default)]
    pub metrics: RawMetrics,
}

/// `[[files]]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawFiles {
    /// Globs.
    pub include: Vec<String>,
    /// Globs and names.
    #[serde(default = "default_excludes")]
    pub exclude: Vec<String>,
    /// `auto` or the name of a format.
    #[serde(default = "auto")]
    pub format: String,
    /// `auto` or the name of an encoding.
    #[serde(default = "auto")]
    pub encoding: String,
    /// Which lines belong together.
    #[serde(default)]
    pub multiline: RawMultiline,
    /// Value of `service.name`.
    pub service: Option<String>,
    /// `beginning` or `end`.
    #[serde(default = "beginning")]
    pub start: String,
    /// Fields of every record.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct RawLimits {
    /// Before compression.
    pub batch_bytes: usize,
    /// Milliseconds.
    pub batch_age_ms: u64,
    /// Number.
    pub open_files: usize,
    /// Seconds.
    pub scan_seconds: u64,
    /// Seconds.
    pub rotate_grace_seconds: u64,
    /// Seconds.
    pub stalled_seconds: u64,
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            batch_bytes: 1 << 20,
            batch_age_ms: 100,
            open_files: 512,
            scan_seconds: 10,
            rotate_grace_seconds: 5,
            stalled_seconds: 60,
        }
    }
}

impl RawLimits {
    /// Within what the rest of the program can hold.
    pub(super) fn check(self, errors: &mut Vec<Mistake>) -> Self {
        let rows = [
            ("batch_bytes", self.batch_bytes as u64, 4 << 10, 8 << 20),
            ("batch_age_ms", self.batch_age_ms, 1, 60_000),
            ("open_files", self.open_files as u64, 8, 100_000),
            ("scan_seconds", self.scan_seconds, 1, 3_600),
            ("rotate_grace_seconds", self.rotate_grace_seconds, 1, 86_400),
            ("stalled_seconds", self.stalled_seconds, 1, 86_400),
        ];
        for (name, value, min, max) in rows {
            if !(min..=max).contains(&value) {
                errors.push((format!("limits.{name}"), format!("{value} is not between {min} and {max}")));
            }
        }
        self
    }
}

pub(super) fn default_excludes() -> Vec<String> {
    limits::DEFAULT_EXCLUDES.map(str::to_owned).to_vec()
}

pub(super) fn auto() -> String {
    "auto".into()
}

fn beginning() -> String {
    "beginning".into()
}
