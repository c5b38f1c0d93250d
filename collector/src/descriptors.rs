//! File descriptors: each connection takes one, and so do segments and splits. Systems start programs
//! with a soft limit of 1,024 for the sake of `select(2)`, which nothing here uses, so the limit is
//! raised to what the system allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::http;
use crate::limits::{DESCRIPTORS_RESERVE, NEWCOMERS_MAX};

/// Raises the soft limit of this process to the hard one and says how it went in the log; warns if it
/// is too low for `agent_connections`.
pub fn raise_limit(agent_connections: u32) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    if let Err(error) = &raised {
        tracing::warn!(%error, "can't raise the limit of file descriptors");
    }
    let limit = if raised.is_ok() { maximum } else { current };
    let needed = needed(agent_connections);
    if is_enough(limit, needed) {
        tracing::info!(limit, before = current, needed, "file descriptors");
    } else {
        tracing::error!(
            limit,
            needed,
            "too few file descriptors: connections will be refused. Raise the hard limit (LimitNOFILE= of systemd, \
             ulimit -Hn) or lower [limits] agent_connections"
        );
    }
}

/// Descriptors of a collector with all its connections in use.
fn needed(agent_connections: u32) -> u64 {
    u64::from(agent_connections) + (NEWCOMERS_MAX + http::CONNECTIONS_MAX) as u64 + DESCRIPTORS_RESERVE
}

/// `limit`: `None` is no limit.
fn is_enough(limit: Option<u64>, needed: u64) -> bool {
    limit.is_none_or(|limit| limit >= needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        raise_limit(1000);
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }

    #[test]
    fn connections_and_files_have_their_descriptors() {
        let default = needed(1000);
        assert!(default > 1024, "the usual soft limit is too low for the shipped configuration");
        let rows = [
            (None, 1000, true),
            (Some(default), 1000, true),
            (Some(default - 1), 1000, false),
            (Some(default), 1001, false),
            (Some(1 << 20), u32::MAX, false),
        ];
        for (limit, connections, expected) in rows {
            assert_eq!(is_enough(limit, needed(connections)), expected, "{limit:?} for {connections}");
        }
    }
}
