//! `[[syslog]]`, `[journald]` and `[stdin]`: their keys, and the check. Each becomes an input, and a section of
//! followed files: its spool.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use millpond_parsers::Format;
use millpond_parsers::multiline::Rules;
use serde::Deserialize;

use super::multiline::RawMultiline;
use super::{Checked, Mistake, format_named, place};
use crate::discover::Coverage;
use crate::glob::Pattern;
use crate::inputs::syslog::{self, Certificates, Transport};
use crate::inputs::{Input, InputType, Kind, journald, stdin};
use crate::limits;
use crate::record::Labels;
use crate::spool;
use crate::tail::Section;
use crate::tail::encoding::Encoding;
use crate::tail::multiline::Multiline;

/// `[[syslog]]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawSyslog {
    /// `udp://`, `tcp://` or `tls://` with address and port.
    pub listen: String,
    /// `auto` or the name of a format.
    #[serde(default = "syslog_format")]
    pub format: String,
    /// PEM of the listener's certificate, for `tls`.
    pub certificate: Option<PathBuf>,
    /// PEM of its key, for `tls`.
    pub key: Option<PathBuf>,
    /// PEM of the CA of senders, for `tls`.
    pub client_ca: Option<PathBuf>,
    /// Value of `service.name`.
    pub service: Option<String>,
    /// Fields of every record.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Bound of the spool.
    #[serde(default = "spool_bytes")]
    pub spool_bytes: u64,
}

/// `[journald]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawJournald {
    /// Units; all if there is none.
    #[serde(default)]
    pub units: Vec<String>,
    /// In the words of `journalctl`.
    pub since: Option<String>,
    /// Of the journal's files.
    pub directory: Option<PathBuf>,
    /// Value of `service.name`.
    pub service: Option<String>,
    /// Fields of every record.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Bound of the spool.
    #[serde(default = "spool_bytes")]
    pub spool_bytes: u64,
}

/// `[stdin]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawStdin {
    /// `auto` or the name of a format.
    #[serde(default = "super::raw::auto")]
    pub format: String,
    /// Which lines belong together.
    #[serde(default)]
    pub multiline: RawMultiline,
    /// Value of `service.name`.
    pub service: Option<String>,
    /// Fields of every record.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Bound of the spool.
    #[serde(default = "spool_bytes")]
    pub spool_bytes: u64,
}

/// An input and how its records are treated.
#[derive(Debug)]
pub(super) struct CheckedInput {
    pub(super) input: Input,
    pub(super) coverage: Coverage,
    pub(super) section: Section,
}

/// Checks the three kinds of sections.
pub(super) fn check(
    syslog: Vec<RawSyslog>,
    journald: Option<RawJournald>,
    stdin: Option<RawStdin>,
    data_dir: &Path,
    errors: &mut Vec<Mistake>,
) -> Vec<CheckedInput> {
    let mut inputs = Vec::new();
    let mut names = BTreeSet::new();
    for (index, raw) in syslog.into_iter().enumerate() {
        let input = of_syslog(raw, data_dir).and_then(|input| match names.insert(input.input.name.clone()) {
            true => Ok(input),
            false => Err(("listen", "another section listens there".into())),
        });
        let key = |(name, reason)| (format!("syslog[{index}].{name}"), reason);
        inputs.extend(place::note(errors, input.map_err(key)));
    }
    if let Some(raw) = journald {
        let settings = journald::Settings { units: raw.units, since: raw.since, directory: raw.directory };
        let (labels, kind) = (Labels::new(raw.service, raw.fields), Kind::Journald(settings));
        let input = Input { name: "journald".into(), spool_bytes_max: raw.spool_bytes, kind };
        let input = checked(input, InputType::Journald, Some(Format::Journald), labels, data_dir);
        let key = |(name, reason)| (format!("journald.{name}"), reason);
        inputs.extend(place::note(errors, input.map_err(key)));
    }
    if let Some(raw) = stdin {
        let key = |(name, reason)| (format!("stdin.{name}"), reason);
        inputs.extend(place::note(errors, of_stdin(raw, data_dir).map_err(key)));
    }
    inputs
}

type Named<T> = Result<T, (&'static str, String)>;

fn of_stdin(raw: RawStdin, data_dir: &Path) -> Checked<CheckedInput> {
    let named = |(name, reason): (&str, String)| (name.to_owned(), reason);
    let format = format_named(&raw.format).map_err(|reason| named(("format", reason)))?;
    let settings = stdin::Settings { multiline: raw.multiline.check()?, format };
    let kind = Kind::Stdin(settings);
    let input = Input { name: "stdin".into(), spool_bytes_max: raw.spool_bytes, kind };
    let labels = Labels::new(raw.service, raw.fields);
    checked(input, InputType::Stdin, format, labels, data_dir).map_err(named)
}

fn of_syslog(raw: RawSyslog, data_dir: &Path) -> Named<CheckedInput> {
    let wrong = || {
        let reason = format!("`{}` is not of the form udp://, tcp:// or tls://address:port", raw.listen);
        ("listen", reason)
    };
    let (scheme, address) = raw.listen.split_once("://").ok_or_else(wrong)?;
    let address = address.parse().map_err(|_| wrong())?;
    let transport = match (scheme, raw.certificate, raw.key) {
        ("tls", Some(certificate), Some(key)) => {
            Transport::Tls(Certificates { certificate, key, client_ca: raw.client_ca })
        }
        ("tls", ..) => return Err(("certificate", "tls needs `certificate` and `key`".into())),
        ("udp" | "tcp", None, None) if raw.client_ca.is_none() => {
            if scheme == "udp" {
                Transport::Udp
            } else {
                Transport::Tcp
            }
        }
        ("udp" | "tcp", ..) => return Err(("listen", "certificates are for tls:// alone".into())),
        _ => return Err(wrong()),
    };
    let format = format_named(&raw.format).map_err(|reason| ("format", reason))?;
    // Also the name of a directory.
    let place = format!("{address}").replace(|char: char| !char.is_ascii_alphanumeric() && char != '.', "-");
    let input = Input {
        name: format!("syslog-{scheme}-{place}"),
        spool_bytes_max: raw.spool_bytes,
        kind: Kind::Syslog(syslog::Settings { address, transport }),
    };
    checked(input, InputType::Syslog, format, Labels::new(raw.service, raw.fields), data_dir)
}

fn checked(
    input: Input,
    input_type: InputType,
    format: Option<Format>,
    labels: Labels,
    data_dir: &Path,
) -> Named<CheckedInput> {
    let min = 4 * limits::SPOOL_SEGMENT_BYTES;
    if input.spool_bytes_max < min {
        return Err(("spool_bytes", format!("{} is less than {min}", input.spool_bytes_max)));
    }
    let directory = spool::directory(data_dir, &input.name);
    let too_deep = || ("spool_bytes", format!("{}: too deep, or not UTF-8", directory.display()));
    let (coverage, section) = of_spool(&directory, input_type, format, labels).ok_or_else(too_deep)?;
    Ok(CheckedInput { input, coverage, section })
}

/// What the tailer is told of a spool; `None` when its path can't be a pattern.
fn of_spool(
    directory: &Path,
    input_type: InputType,
    format: Option<Format>,
    labels: Labels,
) -> Option<(Coverage, Section)> {
    let coverage = Coverage { include: vec![Pattern::files_of(directory)?], exclude: Vec::new() };
    // Inputs write UTF-8, whatever it was that they received.
    let encoding = Some(Encoding::Utf8);
    // Each record is one line, with the line feeds of its message escaped.
    let multiline = Multiline { rules: Rules::Off, ..Multiline::default() };
    let input_type = Some(input_type);
    let section = Section { format, encoding, multiline, labels, start_at_end: false, input: input_type };
    Some((coverage, section))
}

/// As [`of_spool`], of a spool whose section has left the configuration, and with it what it said of the lines: all that
/// is known is its name.
pub(super) fn of_left_spool(directory: &Path) -> Option<(Coverage, Section)> {
    let name = directory.file_name()?.to_str()?;
    let (input_type, format) = match name {
        "journald" => (InputType::Journald, Some(Format::Journald)),
        "stdin" => (InputType::Stdin, None),
        _ if name.starts_with("syslog-") => (InputType::Syslog, Some(Format::Syslog)),
        _ => return None,
    };
    of_spool(directory, input_type, format, Labels::default())
}

fn syslog_format() -> String {
    Format::Syslog.name().into()
}

fn spool_bytes() -> u64 {
    limits::SPOOL_BYTES_DEFAULT
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn parse(sections: &str) -> Result<Config, String> {
        let text = format!("data_dir = '/d [x]'\n[collector]\naddress = 'c:1'\n{sections}");
        Config::parse(&text, Path::new("/etc/agent.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_input_comes_with_a_section_for_its_spool() {
        let config = parse(
            "[[syslog]]\nlisten = 'udp://[::1]:514'\nservice = 'router'\n\
             [[syslog]]\nlisten = 'tls://0.0.0.0:6514'\ncertificate = '/c'\nkey = '/k'\nclient_ca = '/a'\n\
             [journald]\nunits = ['ssh.service']\n[stdin]\nformat = 'json'\n",
        )
        .unwrap();
        let names: Vec<_> = config.inputs.iter().map(|input| input.name.as_str()).collect();
        assert_eq!(names, ["syslog-udp----1--514", "syslog-tls-0.0.0.0-6514", "journald", "stdin"]);
        for (index, (name, input_type)) in [
            (names[0], InputType::Syslog),
            (names[1], InputType::Syslog),
            (names[2], InputType::Journald),
            (names[3], InputType::Stdin),
        ]
        .into_iter()
        .enumerate()
        {
            let segment = Path::new("/d [x]/spool").join(name).join("00000000000000000001.log");
            let section = crate::discover::section_of(&config.tailing.coverage, &segment);
            assert_eq!(section, Some(index), "{segment:?}");
            assert_eq!(config.tailing.sections[index].input, Some(input_type));
        }
        let formats: Vec<_> = config.tailing.sections.iter().map(|section| section.format).collect();
        let expected = [Format::Syslog, Format::Syslog, Format::Journald, Format::Json];
        assert_eq!(formats, expected.map(Some));
    }

    #[test]
    fn spools_that_were_left_are_covered() {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in
            [("stdin", "a"), ("syslog-udp-1.2.3.4-514", "b"), ("journald", ""), ("other", "c")]
        {
            std::fs::create_dir_all(spool::directory(directory.path(), name)).unwrap();
            std::fs::write(spool::directory(directory.path(), name).join("01.log"), text).unwrap();
        }
        let text = format!(
            "data_dir = '{}'\n[collector]\naddress = 'c:1'\n[journald]\n",
            directory.path().display()
        );
        let mut config = Config::parse(&text, Path::new("/etc/agent.toml")).unwrap();
        let mut left: Vec<_> = config.cover_left_spools().into_iter().map(|(path, _)| path).collect();
        left.sort_unstable();
        let of = |name: &str| spool::directory(directory.path(), name);
        assert_eq!(left, [of("stdin"), of("syslog-udp-1.2.3.4-514")]);
        for (name, expected) in [("stdin", InputType::Stdin), ("syslog-udp-1.2.3.4-514", InputType::Syslog)] {
            let section = crate::discover::section_of(&config.tailing.coverage, &of(name).join("01.log"));
            let section = &config.tailing.sections[section.unwrap()];
            assert_eq!((section.input, &section.labels), (Some(expected), &Labels::default()));
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let rows = [
            ("[[syslog]]\nlisten = '0.0.0.0:514'\n", "syslog[1].listen: `0.0.0.0:514` is not of the form"),
            ("[[syslog]]\nlisten = 'udp://localhost'\n", "syslog[1].listen: `udp://localhost` is not"),
            ("[[syslog]]\nlisten = 'dtls://[::]:1'\n", "is not of the form"),
            ("[[syslog]]\nlisten = 'tls://[::]:1'\n", "syslog[1].certificate: tls needs"),
            ("[[syslog]]\nlisten = 'tcp://[::]:1'\nkey = '/k'\n", "certificates are for tls:// alone"),
            ("[[syslog]]\nlisten = 'tcp://[::]:1'\nformat = 'sylog'\n", "did you mean `syslog`?"),
            (
                "[[syslog]]\nlisten = 'tcp://[::]:1'\n[[syslog]]\nlisten = 'tcp://[::]:1'\n",
                "syslog[2].listen: another section listens there",
            ),
            ("[journald]\nspool_bytes = 1\n", "journald.spool_bytes: 1 is less than"),
            ("[stdin]\nformt = 'auto'\n", "did you mean `format`?"),
            ("", "nothing would be followed"),
        ];
        for (sections, expected) in rows {
            let error = parse(sections).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
