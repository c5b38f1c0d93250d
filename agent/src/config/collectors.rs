//! `[collector]`, `[[collectors]]` and `[tls]`: where batches go, and the files of our certificate for each collector.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use millpond_wire::identity::AgentId;
use serde::Deserialize;

use super::{Checked, Mistake, place, suggest};
use crate::limits;
use crate::ship::client::Endpoint;
use crate::ship::route::Mode;

/// Name of the collector of the section `[collector]`.
pub const FIRST_NAME: &str = "collector";

/// `[collector]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawCollector {
    /// `host:port`
    pub address: String,
    /// `failover` or `mirror`.
    #[serde(default = "failover")]
    pub several: String,
}

/// `[[collectors]]`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawFurther {
    /// Of the folder with its certificate, and in the status.
    pub name: String,
    /// `host:port`
    pub address: String,
}

/// `[tls]`: files in `data_dir` unless given.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawTls {
    /// PEM of the CAs.
    pub ca: Option<PathBuf>,
    /// PEM of our certificate.
    pub certificate: Option<PathBuf>,
    /// PEM of our key.
    pub key: Option<PathBuf>,
}

/// Where batches go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collectors {
    /// What several of them are for.
    pub mode: Mode,
    /// One or more, in their order.
    pub endpoints: Vec<Endpoint>,
}

/// The folder with the certificate for a further collector.
pub fn directory(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join("collectors").join(name)
}

/// A name that can be a folder's, of the form of an agent's id, and isn't the first collector's.
///
/// # Errors
/// It is none; says why.
pub fn check_name(name: &str) -> Result<(), String> {
    if name == FIRST_NAME {
        return Err(format!("`{name}` is the collector of the section [collector]"));
    }
    name.parse::<AgentId>().map(drop).map_err(|_| {
        format!("`{name}` is not 1 to 64 of a-z, 0-9, `.`, `_` and `-`, a letter or digit first")
    })
}

/// `None` after a mistake.
pub(super) fn check(
    first: RawCollector,
    further: Vec<RawFurther>,
    tls: RawTls,
    data_dir: &Path,
    errors: &mut Vec<Mistake>,
) -> Option<Collectors> {
    let mode = match first.several.as_str() {
        "failover" => Ok(Mode::Failover),
        "mirror" => Ok(Mode::Mirror),
        other => Err(suggest::unknown("value", other, ["failover", "mirror"].into_iter())),
    };
    let mode = place::note(errors, mode.map_err(|reason| ("collector.several".into(), reason)));
    if further.len() >= limits::COLLECTORS_MAX {
        let reason = format!("more than {} collectors in all", limits::COLLECTORS_MAX);
        errors.push(("collectors".into(), reason));
        return None;
    }
    let is_renewed = tls.certificate.is_none() && tls.key.is_none();
    let first = place::note(errors, address("collector.address", first.address));
    let first = first.map(|address| {
        let own = files_in(data_dir, FIRST_NAME, address);
        let ca = tls.ca.unwrap_or(own.ca.clone());
        let certificate = tls.certificate.unwrap_or(own.certificate.clone());
        let key = tls.key.unwrap_or(own.key.clone());
        Endpoint { ca, certificate, key, is_renewed, ..own }
    });
    let mut endpoints: Vec<Endpoint> = first.into_iter().collect();
    let count = 1 + further.len();
    let mut names = HashSet::new();
    for (index, RawFurther { name, address: text }) in further.into_iter().enumerate() {
        let key = |key: &str| format!("collectors[{index}].{key}");
        let is_other = match names.insert(name.clone()) {
            true => check_name(&name),
            false => Err(format!("there is another collector `{name}`")),
        };
        let is_other = place::note(errors, is_other.map_err(|reason| (key("name"), reason)));
        if let (Some(()), Some(address)) = (is_other, place::note(errors, address(&key("address"), text))) {
            endpoints.push(files_in(&directory(data_dir, &name), &name, address));
        }
    }
    Some(Collectors { mode: mode?, endpoints }).filter(|collectors| collectors.endpoints.len() == count)
}

/// A collector whose files, written by `millpond-agent enroll`, are in this folder.
fn files_in(directory: &Path, name: &str, address: String) -> Endpoint {
    Endpoint {
        name: name.to_owned(),
        address,
        ca: directory.join("ca.crt"),
        certificate: directory.join("agent.crt"),
        key: directory.join("agent.key"),
        is_renewed: true,
    }
}

fn address(key: &str, text: String) -> Checked<String> {
    if text.rsplit_once(':').is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err()) {
        return Err((key.to_owned(), format!("`{text}` is not of the form host:port")));
    }
    Ok(text)
}

fn failover() -> String {
    "failover".into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn parse(text: &str) -> Result<Collectors, String> {
        let text = format!("{text}\n[[files]]\ninclude = ['/a']\n");
        let config = Config::parse(&text, Path::new("/d/agent.toml")).map_err(|error| error.to_string())?;
        Ok(config.collectors)
    }

    const FIRST: &str = "[collector]\naddress = 'a:1'\n";

    #[test]
    fn collectors_have_files_of_their_own() {
        let one = parse(FIRST).unwrap();
        assert_eq!((one.mode, one.endpoints.len()), (Mode::Failover, 1));
        let text = format!("{FIRST}several = 'mirror'\n[[collectors]]\nname = 'b'\naddress = 'b:2'\n");
        let two = parse(&text).unwrap();
        assert_eq!(two.mode, Mode::Mirror);
        let files: Vec<_> = two
            .endpoints
            .iter()
            .map(|endpoint| (endpoint.name.as_str(), endpoint.key.to_str().unwrap(), endpoint.is_renewed))
            .collect();
        assert_eq!(files, [("collector", "/d/agent.key", true), ("b", "/d/collectors/b/agent.key", true)]);
    }

    #[test]
    fn files_of_others_are_not_renewed() {
        for (tls, expected) in [("ca = '/x'", true), ("key = '/x'", false), ("certificate = '/x'", false)] {
            let collectors = parse(&format!("{FIRST}[tls]\n{tls}\n")).unwrap();
            assert_eq!(collectors.endpoints[0].is_renewed, expected, "{tls}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let further = |name: &str, address: &str| {
            format!("{FIRST}[[collectors]]\nname = '{name}'\naddress = '{address}'\n")
        };
        let many: String =
            (0..8).map(|n| format!("[[collectors]]\nname = 'c{n}'\naddress = 'c:1'\n")).collect();
        let rows = [
            (format!("{FIRST}several = 'mirrored'\n"), "collector.several: unknown value `mirrored`"),
            (further("../b", "b:2"), "collectors[1].name: `../b` is not 1 to 64"),
            (further("collector", "b:2"), "collectors[1].name: `collector` is the collector of"),
            (further("b", "b"), "collectors[1].address: `b` is not of the form host:port"),
            (
                further("b", "b:2") + "[[collectors]]\nname = 'b'\naddress = 'c:3'\n",
                "collectors[2].name: there is another collector `b`",
            ),
            (format!("{FIRST}{many}"), "collectors: more than 8 collectors"),
        ];
        for (text, expected) in rows {
            let error = parse(&text).unwrap_err();
            assert!(error.contains(expected), "{text}\n{error}");
        }
    }
}
