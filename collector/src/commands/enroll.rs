//! `enroll`: prints a join token. Works beside a running collector, which reads the token's file when
//! an agent comes with it.

use std::time::Duration;

use millpond_wire::identity::AgentId;
use millpond_wire::token::JoinToken;

use super::ConfigArgument;
use crate::clock::now_ns;
use crate::config::{Config, host_port, parse_duration};
use crate::identity::{Authority, DataDir, Terms, TokenStore};

/// Longest life of a token: it is a secret in somebody's shell history.
const TTL_MAX: Duration = Duration::from_secs(30 * 86_400);

#[derive(Debug, clap::Args)]
pub(super) struct Enroll {
    #[command(flatten)]
    config: ConfigArgument,
    /// How long the token can be used, such as 30m, 1h or 2d; at most 30d.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    ttl: Duration,
    /// host:port that the agent is to dial, in place of `[ingest] advertise`.
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_address)]
    address: Option<String>,
    /// Makes a token for this agent only, which may be enrolled already: its new certificate takes the
    /// place of the old one. Without it, a token enrols any agent that is not known yet.
    #[arg(long, value_name = "ID")]
    agent: Option<AgentId>,
}

impl Enroll {
    pub(super) fn execute(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if self.ttl.is_zero() || self.ttl > TTL_MAX {
            return Err("--ttl must be above 0 and at most 30d".into());
        }
        let config = Config::load(&self.config.config)?;
        let dir = DataDir::new(&config.data_dir);
        let address = match self.address.or(config.ingest_advertise) {
            Some(address) => address,
            None => own_address(config.ingest_listen.port())?,
        };
        let mut secret = [0; 32];
        getrandom::fill(&mut secret)?;
        let token = JoinToken { address, ca_sha256: Authority::load(&dir)?.fingerprint()?, secret };
        let now_s = u64::try_from(now_ns() / 1_000_000_000).unwrap_or_default();
        let terms = Terms { expiry_s: now_s.saturating_add(self.ttl.as_secs()), agent: self.agent };
        TokenStore::new(dir.tokens()).add(&token.secret_hash(), &terms, now_s)?;
        println!("{token}");
        Ok(())
    }
}

/// This host's name and the port of the agents' port.
fn own_address(port: u16) -> Result<String, String> {
    let name = hostname::get().ok().and_then(|name| name.into_string().ok()).filter(|name| !name.is_empty());
    match name {
        Some(name) if port != 0 => Ok(format!("{name}:{port}")),
        _ => Err("this host's name and port are not known: set [ingest] advertise or give --address".into()),
    }
}

fn parse_address(text: &str) -> Result<String, String> {
    host_port(text).map_err(|(_, reason)| reason)
}
