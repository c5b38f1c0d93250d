//! `[metadata]`: what is added to lines without looking at them.

use serde::Deserialize;

/// As written; as it is it is checked.
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct RawMetadata {
    /// `os.*` and `host.arch`.
    pub host: bool,
    /// `k8s.*`, `container.*` and, by default, `service.name`.
    pub containers: bool,
}

impl Default for RawMetadata {
    fn default() -> Self {
        Self { host: true, containers: true }
    }
}
