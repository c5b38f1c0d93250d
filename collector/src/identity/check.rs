//! Checks that the files of an identity can be read and fit together, and writes nothing.

use std::path::{Path, PathBuf};

use millpond_store::check::Finding;
use millpond_wire::identity::AgentId;
use millpond_wire::tls::{enroll_server_config, server_config};

use super::tokens::{OPEN, Terms, USED};
use super::{Authority, DataDir, Revocation};

/// What is wrong with certificates, keys, tokens, revocations and the register of agents. A kill may leave an empty
/// note or token, which lets nobody in, or a file that was not finished and begins with a dot.
pub fn check(dir: &DataDir) -> Vec<Finding> {
    let mut findings = Vec::new();
    match Authority::load(dir) {
        Ok(authority) => findings.extend(certificates(dir, &authority)),
        Err(error) => findings.push(Finding::wrong(&dir.identity(), format!("no authority: {error}"))),
    }
    let ids = files(&dir.agents(), &mut findings, |name, text| {
        let is_id = name.parse::<AgentId>().is_ok();
        is_id && (text.is_empty() || text.trim().parse::<u64>().is_ok())
    });
    findings
        .extend(ids.map(|path| Finding::wrong(&path, "it is no agent's id with the time it was given out")));
    let tokens = files(&dir.tokens(), &mut findings, |name, text| {
        let parts = name.split_once('.');
        let is_named = parts.is_some_and(|(hash, ending)| hash.len() == 64 && [OPEN, USED].contains(&ending));
        is_named && (text.is_empty() || Terms::parse(text).is_some())
    });
    findings.extend(tokens.map(|path| Finding::wrong(&path, "it is no join token, or a damaged one")));
    let revocations = files(&dir.revoked(), &mut findings, |name, text| {
        name.starts_with('.') || (name.parse::<AgentId>().is_ok() && Revocation::parse(text).is_some())
    });
    let damaged = "it is no revocation, or a damaged one, which revokes everything of its agent";
    findings.extend(revocations.map(|path| Finding::wrong(&path, damaged)));
    findings
}

fn certificates(dir: &DataDir, authority: &Authority) -> Option<Finding> {
    let (chain_path, key_path) = (dir.server_chain(), dir.server_key());
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| Finding::wrong(path, format!("it can't be read: {error}")))
    };
    let fit = |chain: Vec<u8>, key: Vec<u8>| {
        let fits = server_config(&chain, &key, authority.ca_pem().as_bytes());
        let fits = fits.and_then(|_| enroll_server_config(&chain, &key));
        fits.map_err(|error| Finding::wrong(&chain_path, format!("the collector's certificate: {error}")))
    };
    read(&chain_path).and_then(|chain| fit(chain, read(&key_path)?)).err()
}

/// The files of a folder that `is_good` does not take by name and contents. A folder that is not there has
/// none; what can't be read becomes a finding.
fn files(
    dir: &Path,
    findings: &mut Vec<Finding>,
    is_good: impl Fn(&str, &str) -> bool,
) -> std::vec::IntoIter<PathBuf> {
    let mut bad = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return bad.into_iter(),
        Err(error) => {
            findings.push(Finding::wrong(dir, format!("it can't be read: {error}")));
            return bad.into_iter();
        }
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !std::fs::read_to_string(&path).is_ok_and(|text| is_good(name, &text)) {
            bad.push(path);
        }
    }
    bad.sort();
    bad.into_iter()
}
