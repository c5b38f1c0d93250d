//! The configuration: read once, checked once, then plain values. `raw` is the file as written,
//! [`Config`] is what the program uses. `config/collector.toml` documents every key.

mod keys;
mod raw;
#[cfg(test)]
mod tests;
mod units;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use millpond_store::log_store::RetentionPolicy;

use self::raw::RawConfig;
pub use self::units::parse_duration;
use self::units::{parse_bytes, parse_limit};

/// The shipped file: every key with its default and a comment. `init` writes it.
pub const DEFAULT_TEXT: &str = include_str!("../../../config/collector.toml");

/// Longest site name in bytes: with the longest agent id it still makes a short URI.
const SITE_BYTES_MAX: usize = 128;

/// Bounds of the life of agents' certificates.
const CERTIFICATE_LIFE_MIN: Duration = Duration::from_secs(10);
const CERTIFICATE_LIFE_MAX: Duration = Duration::from_secs(3650 * 86_400);

/// Least memory for requests in bytes: one request of the largest size, decoded, must fit.
const REQUEST_MEMORY_BYTES_MIN: u64 = 160_000_000;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of the installation in agents' identities.
    pub site: String,
    /// Address of the page and the API; always loopback.
    pub http_listen: SocketAddr,
    /// Address of the agents' port.
    pub ingest_listen: SocketAddr,
    /// `host:port` for join tokens; `None`: host name and port of `ingest_listen`.
    pub ingest_advertise: Option<String>,
    /// Life of the certificates that agents get.
    pub certificate_life: Duration,
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Least free space on the data directory's file system, in bytes, for ingest to go on.
    pub min_free_bytes: u64,
    /// What may be deleted.
    pub retention: RetentionPolicy,
    /// Bounds that a user may change.
    pub limits: Limits,
}

/// The bounds of the section `[limits]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections to the agents' port at one time.
    pub agent_connections: u32,
    /// Bytes of requests between arrival and store.
    pub request_memory_bytes: u64,
    /// Longest time of one query.
    pub query_timeout: Duration,
    /// Most bytes of rows that one query may read.
    pub query_scan_bytes: u64,
    /// Most groups or distinct values of one query.
    pub query_groups: u32,
    /// Queries at one time.
    pub concurrent_queries: u32,
    /// Exports at one time.
    pub concurrent_exports: u32,
    /// Live tails at one time.
    pub concurrent_tails: u32,
    /// A query that takes longer is logged.
    pub slow_query: Duration,
}

/// A configuration that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file's contents are wrong at a place.
    #[error("{path}:{line}: {reason}")]
    At {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong and what to do.
        reason: String,
    },
}

impl Config {
    /// Reads and checks a file. Relative paths in it start at its folder.
    ///
    /// # Errors
    /// The file can't be read, or says something that can't be used.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// Checks the text of a file; `path` is for messages and relative paths.
    ///
    /// # Errors
    /// The text says something that can't be used.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let at = |line, reason| ConfigError::At { path: path.to_owned(), line, reason };
        let of_toml = |error: toml::de::Error| {
            let offset_bytes = error.span().map_or(0, |span| span.start);
            at(keys::line_of(text, offset_bytes), error.message().to_owned())
        };
        let raw: Result<RawConfig, _> = toml::from_str(text);
        if let Some(unknown) = keys::first_unknown(text, &known_keys()) {
            return Err(at(unknown.line, unknown_reason(&unknown)));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        check(&raw.map_err(of_toml)?, folder).map_err(|(key, reason)| {
            at(keys::line_of_key(text, key).unwrap_or(1), format!("{key}: {reason}"))
        })
    }
}

/// Every key as `section.key`, taken from the type itself.
fn known_keys() -> Vec<String> {
    let table = toml::Table::try_from(RawConfig::default()).unwrap_or_default();
    let mut keys = Vec::new();
    for (section, members) in &table {
        keys.extend(members.as_table().into_iter().flatten().map(|(key, _)| format!("{section}.{key}")));
    }
    keys
}

fn unknown_reason(unknown: &keys::UnknownKey) -> String {
    match &unknown.nearest {
        Some(nearest) => format!("there is no key `{}`; did you mean `{nearest}`?", unknown.key),
        None => format!("there is no key `{}`; config/collector.toml has them all", unknown.key),
    }
}

/// A wrong value: its key and what is wrong with it.
type Wrong = (&'static str, String);

fn check(raw: &RawConfig, folder: &Path) -> Result<Config, Wrong> {
    let bytes = |key, text: &str| parse_bytes(text).map_err(|reason| (key, reason));
    let advertise = raw.ingest.advertise.trim();
    Ok(Config {
        site: site(&raw.identity.site)?,
        http_listen: loopback(&raw.http.listen)?,
        ingest_listen: address("ingest.listen", &raw.ingest.listen)?,
        ingest_advertise: (!advertise.is_empty()).then(|| host_port(advertise)).transpose()?,
        certificate_life: certificate_life(&raw.agents.certificate_life)?,
        // Collecting the components takes a `.` in the middle out.
        data_dir: folder.join(&raw.storage.data_dir).components().collect(),
        min_free_bytes: bytes("storage.min_free_bytes", &raw.storage.min_free_bytes)?,
        retention: RetentionPolicy {
            age_max: parse_limit(&raw.retention.max_age, parse_duration)
                .map_err(|reason| ("retention.max_age", reason))?,
            bytes_max: parse_limit(&raw.retention.max_bytes, parse_bytes)
                .map_err(|reason| ("retention.max_bytes", reason))?,
        },
        limits: check_limits(&raw.limits)?,
    })
}

fn check_limits(raw: &raw::RawLimits) -> Result<Limits, Wrong> {
    let at_least_one =
        |key, value: u32| if value == 0 { Err((key, "must be at least 1".into())) } else { Ok(value) };
    let request_memory_bytes =
        parse_bytes(&raw.request_memory).map_err(|reason| ("limits.request_memory", reason))?;
    if !(REQUEST_MEMORY_BYTES_MIN..=u64::from(u32::MAX)).contains(&request_memory_bytes) {
        let reason = "must be between 160MB, which one request of the largest size takes, and 4GB";
        return Err(("limits.request_memory", reason.into()));
    }
    Ok(Limits {
        agent_connections: at_least_one("limits.agent_connections", raw.agent_connections)?,
        request_memory_bytes,
        query_timeout: parse_duration(&raw.query_timeout)
            .map_err(|reason| ("limits.query_timeout", reason))?,
        query_scan_bytes: parse_bytes(&raw.query_scan_bytes)
            .map_err(|reason| ("limits.query_scan_bytes", reason))?,
        query_groups: at_least_one("limits.query_groups", raw.query_groups)?,
        concurrent_queries: at_least_one("limits.concurrent_queries", raw.concurrent_queries)?,
        concurrent_exports: at_least_one("limits.concurrent_exports", raw.concurrent_exports)?,
        concurrent_tails: raw.concurrent_tails,
        slow_query: parse_duration(&raw.slow_query).map_err(|reason| ("limits.slow_query", reason))?,
    })
}

fn address(key: &'static str, text: &str) -> Result<SocketAddr, Wrong> {
    text.trim().parse().map_err(|_| {
        (key, format!("`{text}` is no address and port, such as \"127.0.0.1:7500\" or \"[::1]:7500\""))
    })
}

fn loopback(text: &str) -> Result<SocketAddr, Wrong> {
    let listen = address("http.listen", text)?;
    if listen.ip().is_loopback() {
        return Ok(listen);
    }
    let reason = format!(
        "refusing to listen on {listen}: there are no accounts yet, so whoever reaches this port could \
         read all logs. Use 127.0.0.1 or [::1], and an SSH tunnel to reach it from elsewhere"
    );
    Err(("http.listen", reason))
}

/// Checks `host:port` as join tokens carry it.
///
/// # Errors
/// The text has no host or no port.
pub fn host_port(text: &str) -> Result<String, (&'static str, String)> {
    let is_valid = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && host.len() <= 253 && port.parse::<u16>().is_ok_and(|port| port != 0)
    });
    let reason = || format!("`{text}` is no host and port, such as \"logs.example.com:7514\"");
    if is_valid { Ok(text.to_owned()) } else { Err(("ingest.advertise", reason())) }
}

/// Long enough to be renewed in, and no longer than the CA's.
fn certificate_life(text: &str) -> Result<Duration, Wrong> {
    let key = "agents.certificate_life";
    let life = parse_duration(text).map_err(|reason| (key, reason))?;
    if (CERTIFICATE_LIFE_MIN..=CERTIFICATE_LIFE_MAX).contains(&life) {
        return Ok(life);
    }
    Err((key, format!("`{text}` is not between 10s and 3650d")))
}

/// A SPIFFE trust domain name: lower-case letters, digits, dots, dashes, underscores.
fn site(text: &str) -> Result<String, Wrong> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    if !text.is_empty() && text.len() <= SITE_BYTES_MAX && text.bytes().all(allowed) {
        return Ok(text.to_owned());
    }
    Err((
        "identity.site",
        format!("`{text}` is no site name: use 1 to {SITE_BYTES_MAX} of a-z, 0-9, `.`, `_`, `-`"),
    ))
}
