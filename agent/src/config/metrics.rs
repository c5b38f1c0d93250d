//! `[metrics]`: where figures are shown.

use std::net::SocketAddr;

use serde::Deserialize;

use super::Checked;

/// As written.
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct RawMetrics {
    /// `address:port`; empty: none.
    pub listen: String,
}

impl Default for RawMetrics {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7515".into() }
    }
}

impl RawMetrics {
    /// Only loopback: whoever reaches the port may read the figures.
    pub(super) fn check(&self) -> Checked<Option<SocketAddr>> {
        if self.listen.is_empty() {
            return Ok(None);
        }
        let error = |reason: &str| Err(("metrics.listen".into(), format!("`{}` {reason}", self.listen)));
        match self.listen.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(Some(address)),
            Ok(_) => error("is not an address of loopback, such as 127.0.0.1:7515"),
            Err(_) => error("is not of the form address:port, such as 127.0.0.1:7515"),
        }
    }
}
