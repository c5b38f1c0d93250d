//! `agent.toml`: as written ([`raw`]) and as checked ([`Config`]). After the check there is nothing left to
//! interpret: globs are compiled, names are known, defaults are filled in.

mod archives;
pub mod collectors;
mod inputs;
mod metadata;
mod process;
mod raw;
mod suggest;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use millpond_parsers::Format;

use self::collectors::Collectors;
pub use self::raw::RawConfig;
use crate::batch::BatchLimits;
use crate::discover::Coverage;
use crate::glob::{Pattern, PatternError};
use crate::inputs::{Input, Kind};
use crate::process::Chain;
use crate::record::Labels;
use crate::tail::encoding::Encoding;
use crate::tail::{Section, Settings};

/// The shipped file: every key with its default and a comment.
pub const TEMPLATE: &str = include_str!("../../../config/agent.toml");

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where positions, identity and status are kept.
    pub data_dir: PathBuf,
    /// The collectors and our certificates.
    pub collectors: Collectors,
    /// What is followed, and how.
    pub tailing: Settings,
    /// What is received, each with a section of `tailing` for its spool.
    pub inputs: Vec<Input>,
    /// Standard input is all there is: its end is the agent's.
    pub ends_with_stdin: bool,
    /// Time between scans while directories are watched, in milliseconds.
    pub scan_ms: u64,
}

/// Why a configuration can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// From the system.
        source: std::io::Error,
    },
    /// It isn't TOML, or has an unknown key or a value of the wrong kind.
    #[error("{path}, line {line}: {reason}")]
    Syntax {
        /// Which.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What and, for a key, which was meant.
        reason: String,
    },
    /// A value has no meaning.
    #[error("{path}: {key}: {reason}")]
    Value {
        /// Which.
        path: PathBuf,
        /// Dotted.
        key: String,
        /// What and what to do.
        reason: String,
    },
}

impl Config {
    /// Reads and checks a file. Relative to nothing: `data_dir` is the file's own directory unless it says otherwise.
    ///
    /// # Errors
    /// When it can't be read or used; says where and what was meant.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text, path)
    }

    /// As [`Self::load`], of a text; `path` is for messages and for the default of `data_dir`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| syntax_error(text, path, &error))?;
        let value_error =
            |(key, reason): (String, String)| ConfigError::Value { path: path.to_owned(), key, reason };
        check(raw, path).map_err(value_error)
    }
}

type Checked<T> = Result<T, (String, String)>;

fn check(raw: RawConfig, path: &Path) -> Checked<Config> {
    let own_directory = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let data_dir = raw.data_dir.or(own_directory).unwrap_or_else(|| PathBuf::from("."));
    if !data_dir.is_absolute() {
        return Err(("data_dir".into(), "must be an absolute path".into()));
    }
    let collectors = collectors::check(raw.collector, raw.collectors, raw.tls, &data_dir)?;
    let inputs = inputs::check(raw.syslog, raw.journald, raw.stdin, &data_dir)?;
    if raw.files.is_empty() && inputs.is_empty() {
        return Err((
            "files".into(),
            "no [[files]] section and no other input: nothing would be followed".into(),
        ));
    }
    let host_name = match raw.host_name {
        Some(name) if !name.is_empty() => name,
        _ => hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let mut coverage = Vec::new();
    let mut sections = Vec::new();
    for (index, files) in raw.files.into_iter().enumerate() {
        let key = |name: &str| format!("files[{index}].{name}");
        for files in archives::apart(files) {
            coverage.push(Coverage {
                include: patterns(&files.include, Pattern::new).map_err(|reason| (key("include"), reason))?,
                exclude: excludes(&files.exclude, &data_dir).map_err(|reason| (key("exclude"), reason))?,
            });
            sections.push(section(files).map_err(|(name, reason)| (key(&name), reason))?);
        }
    }
    let has_files = !sections.is_empty();
    let inputs = inputs.into_iter().map(|checked| {
        coverage.push(checked.coverage);
        sections.push(checked.section);
        checked.input
    });
    let inputs: Vec<Input> = inputs.collect();
    // Once standard input has ended nothing more can come.
    let ends_with_stdin = !has_files && inputs.iter().all(|input| matches!(input.kind, Kind::Stdin));
    let limits = raw.limits.check()?;
    let resource = crate::metadata::of_host(host_name, raw.metadata.host);
    let tailing = Settings {
        coverage,
        sections,
        resource: resource.clone(),
        process: Chain::new(process::check(raw.process)?, resource),
        path_metadata: raw.metadata.containers,
        batch: BatchLimits { bytes: limits.batch_bytes, age_ms: limits.batch_age_ms },
        open_files_max: limits.open_files,
        rotate_grace_ms: limits.rotate_grace_seconds.saturating_mul(1_000),
        never: HashSet::new(),
        imported: HashSet::new(),
        once: false,
    };
    let scan_ms = limits.scan_seconds.saturating_mul(1_000);
    Ok(Config { data_dir, collectors, tailing, inputs, ends_with_stdin, scan_ms })
}

fn section(files: raw::RawFiles) -> Checked<Section> {
    let format = format_named(&files.format).map_err(|reason| ("format".to_owned(), reason))?;
    let start_at_end = match files.start.as_str() {
        "beginning" => false,
        "end" => true,
        other => {
            return Err(("start".into(), suggest::unknown("value", other, ["beginning", "end"].into_iter())));
        }
    };
    let encoding = encoding_named(&files.encoding).map_err(|reason| ("encoding".to_owned(), reason))?;
    let labels = Labels::new(files.service, files.fields);
    Ok(Section { format, encoding, labels, start_at_end, input: None })
}

fn encoding_named(name: &str) -> Result<Option<Encoding>, String> {
    if name == "auto" {
        return Ok(None);
    }
    let names = || std::iter::once("auto").chain(Encoding::ALL.iter().map(|(name, _)| *name));
    let found = Encoding::ALL.iter().find(|(known, _)| *known == name).map(|(_, encoding)| *encoding);
    found.map(Some).ok_or_else(|| suggest::unknown("encoding", name, names()))
}

/// The format of a name; `None` for `auto`.
///
/// # Errors
/// There is none of that name; says which was probably meant.
pub fn format_named(name: &str) -> Result<Option<Format>, String> {
    if name == "auto" {
        return Ok(None);
    }
    let names = || std::iter::once("auto").chain(Format::ALL.iter().map(|format| format.name()));
    Format::from_name(name).map(Some).ok_or_else(|| suggest::unknown("format", name, names()))
}

fn patterns(
    texts: &[String],
    pattern: fn(&str) -> Result<Pattern, PatternError>,
) -> Result<Vec<Pattern>, String> {
    texts.iter().map(|text| pattern(text).map_err(|error| error.to_string())).collect()
}

/// What the agent writes itself is never followed, whatever the patterns say: it would feed itself.
fn excludes(texts: &[String], data_dir: &Path) -> Result<Vec<Pattern>, String> {
    let own = Pattern::literal(data_dir);
    Ok(patterns(texts, Pattern::of_exclude)?.into_iter().chain(own).collect())
}

fn syntax_error(text: &str, path: &Path, error: &toml::de::Error) -> ConfigError {
    let start = error.span().map_or(0, |span| span.start);
    let line = text.get(..start).unwrap_or_default().bytes().filter(|byte| *byte == b'\n').count() + 1;
    ConfigError::Syntax { path: path.to_owned(), line, reason: suggest::explain(error.message()) }
}

#[cfg(test)]
mod tests;
