//! `agent.toml`: as written ([`raw`]) and as checked ([`Config`]). After the check there is nothing left to
//! interpret: globs are compiled, names are known, defaults are filled in.

mod archives;
pub mod collectors;
mod inputs;
mod metadata;
mod metrics;
mod multiline;
mod place;
mod process;
mod raw;
mod suggest;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use millpond_parsers::Format;

use self::collectors::Collectors;
pub use self::place::Problem;
pub use self::raw::RawConfig;
use crate::batch::BatchLimits;
use crate::discover::Coverage;
use crate::glob::{Pattern, PatternError};
use crate::inputs::{Input, Kind};
use crate::process::Chain;
use crate::record::Labels;
use crate::spool;
use crate::tail::encoding::Encoding;
use crate::tail::{Section, Settings};

/// The shipped file: every key with its default and a comment.
pub const TEMPLATE: &str = include_str!("../../../config/agent.toml");

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file itself; looked at again for changes.
    pub path: PathBuf,
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
    /// Time without progress after which a file with unread lines counts as stalled, in milliseconds.
    pub stalled_ms: u64,
    /// Where figures are shown; `None`: nowhere.
    pub metrics: Option<SocketAddr>,
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
    /// Mistakes in it: all that could be found.
    #[error("{}", lines(path, problems))]
    Invalid {
        /// Which.
        path: PathBuf,
        /// At least one.
        problems: Vec<Problem>,
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
        let (raw, mut problems) = place::read(text);
        let mut errors = Vec::new();
        let config = raw.and_then(|raw| check(raw, path, &mut errors));
        problems.extend(place::locate(text, errors));
        problems.sort_by_key(|problem| (problem.line, problem.column));
        match config {
            Some(config) if problems.is_empty() => Ok(config),
            _ => Err(ConfigError::Invalid { path: path.to_owned(), problems }),
        }
    }

    /// Receives what another configuration receives: inputs can't change while they run.
    pub fn keep_inputs_of(&mut self, other: &Self) {
        let (new, old) = (&mut self.tailing, &other.tailing);
        let mut is_of_file = new.sections.iter().map(|section| section.input.is_none());
        new.coverage.retain(|_| is_of_file.next().unwrap_or_default());
        new.sections.retain(|section| section.input.is_none());
        for (coverage, section) in old.coverage.iter().zip(&old.sections) {
            if section.input.is_some() {
                new.coverage.push(coverage.clone());
                new.sections.push(section.clone());
            }
        }
        self.inputs.clone_from(&other.inputs);
        self.ends_with_stdin = other.ends_with_stdin;
    }

    /// Follows the spools, too, that hold something and whose inputs have left the configuration: what was received is
    /// shipped. Returns them, with their bytes.
    pub fn cover_left_spools(&mut self) -> Vec<(PathBuf, u64)> {
        let names: Vec<&str> = self.inputs.iter().map(|input| input.name.as_str()).collect();
        let mut left = spool::left_over(&self.data_dir, &names);
        left.retain(|(directory, _)| {
            let Some((coverage, section)) = inputs::of_left_spool(directory) else { return false };
            self.tailing.coverage.push(coverage);
            self.tailing.sections.push(section);
            true
        });
        left
    }

    /// The state directory that a file names, even if the rest of it can't be used: what a running agent was started
    /// with is asked for while its file is being edited.
    pub fn data_dir_of(path: &Path) -> Option<PathBuf> {
        let text = std::fs::read_to_string(path).ok()?;
        let (root, _) = toml::de::DeTable::parse_recoverable(&text);
        let given = root.get_ref().iter().find(|(key, _)| key.get_ref() == "data_dir");
        let given = given.and_then(|(_, value)| value.get_ref().as_str()).map(PathBuf::from);
        given.or_else(|| own_directory(path))
    }
}

fn lines(path: &Path, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("{}:{problem}", path.display())).collect();
    lines.join("\n")
}

/// Key and reason of a mistake.
type Mistake = (String, String);

type Checked<T> = Result<T, Mistake>;

fn own_directory(path: &Path) -> Option<PathBuf> {
    std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned))
}

/// That of the system, where none is given.
fn host_name(given: Option<String>) -> String {
    let of_system = || hostname::get().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    given.filter(|name| !name.is_empty()).unwrap_or_else(of_system)
}

/// `None` when there is a mistake that leaves nothing to go on with; every mistake is in `errors`.
fn check(raw: RawConfig, path: &Path, errors: &mut Vec<Mistake>) -> Option<Config> {
    let data_dir = raw.data_dir.or_else(|| own_directory(path)).unwrap_or_else(|| PathBuf::from("."));
    if !data_dir.is_absolute() {
        errors.push(("data_dir".into(), "must be an absolute path".into()));
    }
    let collectors = collectors::check(raw.collector, raw.collectors, raw.tls, &data_dir, errors);
    let has_inputs = !raw.syslog.is_empty() || raw.journald.is_some() || raw.stdin.is_some();
    let inputs = inputs::check(raw.syslog, raw.journald, raw.stdin, &data_dir, errors);
    if raw.files.is_empty() && !has_inputs {
        errors.push((
            "files".into(),
            "no [[files]] section and no other input: nothing would be followed".into(),
        ));
    }
    let mut coverage = Vec::new();
    let mut sections = Vec::new();
    for (index, files) in raw.files.into_iter().enumerate() {
        let key = |name: &str| format!("files[{index}].{name}");
        for files in archives::apart(files) {
            coverage.push(Coverage {
                include: patterns(&files.include, Pattern::new, &key("include"), errors),
                exclude: excludes(&files.exclude, &data_dir, &key("exclude"), errors),
            });
            sections.extend(section(files, &key, errors));
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
    let ends_with_stdin = !has_files && inputs.iter().all(|input| matches!(input.kind, Kind::Stdin(_)));
    let limits = raw.limits.check(errors);
    let metrics = place::note(errors, raw.metrics.check());
    let resource = crate::metadata::of_host(host_name(raw.host_name), raw.metadata.host);
    let source = format!("{:?}", raw.process);
    let steps = process::check(raw.process, errors);
    let tailing = Settings {
        coverage,
        sections,
        resource: resource.clone(),
        process: Chain::new(steps, resource).made_of(source),
        path_metadata: raw.metadata.containers,
        batch: BatchLimits { bytes: limits.batch_bytes, age_ms: limits.batch_age_ms },
        open_files_max: limits.open_files,
        rotate_grace_ms: limits.rotate_grace_seconds.saturating_mul(1_000),
        never: HashSet::new(),
        imported: HashSet::new(),
        once: false,
    };
    Some(Config {
        path: path.to_owned(),
        data_dir,
        collectors: collectors?,
        tailing,
        inputs,
        ends_with_stdin,
        scan_ms: limits.scan_seconds.saturating_mul(1_000),
        stalled_ms: limits.stalled_seconds.saturating_mul(1_000),
        metrics: metrics?,
    })
}

fn section(files: raw::RawFiles, key: &dyn Fn(&str) -> String, errors: &mut Vec<Mistake>) -> Option<Section> {
    let start_at_end = match files.start.as_str() {
        "beginning" => Ok(false),
        "end" => Ok(true),
        other => Err(suggest::unknown("value", other, ["beginning", "end"].into_iter())),
    };
    let in_key = |name: &'static str| move |reason: String| (key(name), reason);
    let start_at_end = place::note(errors, start_at_end.map_err(in_key("start")));
    let format = place::note(errors, format_named(&files.format).map_err(in_key("format")));
    let encoding = place::note(errors, encoding_named(&files.encoding).map_err(in_key("encoding")));
    let multiline = files.multiline.check().map_err(|(name, reason)| (key(&name), reason));
    let multiline = place::note(errors, multiline);
    let labels = Labels::new(files.service, files.fields);
    Some(Section {
        format: format?,
        encoding: encoding?,
        multiline: multiline?,
        labels,
        start_at_end: start_at_end?,
        input: None,
    })
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
    key: &str,
    errors: &mut Vec<(String, String)>,
) -> Vec<Pattern> {
    let checked = texts.iter().enumerate().filter_map(|(index, text)| {
        let checked = pattern(text).map_err(|error| (format!("{key}[{index}]"), error.to_string()));
        place::note(errors, checked)
    });
    checked.collect()
}

/// What the agent writes itself is never followed, whatever the patterns say: it would feed itself.
fn excludes(
    texts: &[String],
    data_dir: &Path,
    key: &str,
    errors: &mut Vec<(String, String)>,
) -> Vec<Pattern> {
    let own = Pattern::literal(data_dir);
    patterns(texts, Pattern::of_exclude, key, errors).into_iter().chain(own).collect()
}

#[cfg(test)]
mod tests;
