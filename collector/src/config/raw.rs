//! The configuration as written: one struct a section, every key with its default. Nothing is
//! checked here but names and types.

use serde::{Deserialize, Serialize};

/// A configuration file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawConfig {
    pub(super) identity: RawIdentity,
    pub(super) http: RawHttp,
    pub(super) ingest: RawIngest,
    pub(super) agents: RawAgents,
    pub(super) storage: RawStorage,
    pub(super) retention: RawRetention,
    pub(super) limits: RawLimits,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawIdentity {
    pub(super) site: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawHttp {
    pub(super) listen: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawIngest {
    pub(super) listen: String,
    pub(super) advertise: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawAgents {
    pub(super) certificate_life: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawStorage {
    pub(super) data_dir: String,
    pub(super) min_free_bytes: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawRetention {
    pub(super) max_age: String,
    pub(super) max_bytes: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct RawLimits {
    pub(super) agent_connections: u32,
    pub(super) request_memory: String,
    pub(super) query_timeout: String,
    pub(super) query_scan_bytes: String,
    pub(super) query_groups: u32,
    pub(super) concurrent_queries: u32,
    pub(super) concurrent_exports: u32,
    pub(super) concurrent_tails: u32,
    pub(super) slow_query: String,
}

impl Default for RawIdentity {
    fn default() -> Self {
        Self { site: "millpond".into() }
    }
}

impl Default for RawHttp {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7500".into() }
    }
}

impl Default for RawIngest {
    fn default() -> Self {
        Self { listen: "0.0.0.0:7514".into(), advertise: String::new() }
    }
}

impl Default for RawAgents {
    fn default() -> Self {
        Self { certificate_life: "30d".into() }
    }
}

impl Default for RawStorage {
    fn default() -> Self {
        Self { data_dir: ".".into(), min_free_bytes: "1GB".into() }
    }
}

impl Default for RawRetention {
    fn default() -> Self {
        Self { max_age: "30d".into(), max_bytes: "50GB".into() }
    }
}

impl Default for RawLimits {
    fn default() -> Self {
        Self {
            agent_connections: 1000,
            request_memory: "256MB".into(),
            query_timeout: "30s".into(),
            query_scan_bytes: "8GB".into(),
            query_groups: 200_000,
            concurrent_queries: 4,
            concurrent_exports: 2,
            concurrent_tails: 64,
            slow_query: "5s".into(),
        }
    }
}
