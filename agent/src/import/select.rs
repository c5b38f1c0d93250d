//! Which files an import reads, and which it leaves to the agent.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::{Import, Report};
use crate::checkpoint::{Entry, Journal, Recovered};
use crate::config::Config;
use crate::discover::{self, Coverage, Found};
use crate::glob::Pattern;
use crate::limits;
use crate::tail::identity::{Identity, Inode};
use crate::tail::multiline::Multiline;
use crate::tail::sent::Known;
use crate::tail::{Section, Settings, identity, inspect};

/// What is to be read, and how: everything that was named, but for what the agent ships.
pub(super) fn select(import: &Import, agents: &Recovered, report: &mut Report) -> (Settings, Vec<Found>) {
    let mut include = Vec::new();
    for path in &import.paths {
        match pattern_of(path) {
            Ok(pattern) => include.push(pattern),
            Err(reason) => report.problems.push((path.clone(), reason)),
        }
    }
    let section = Section {
        format: import.format,
        encoding: None,
        // Nobody writes to them.
        multiline: Multiline { timeout_ms: 0, ..Multiline::default() },
        labels: import.labels.clone(),
        start_at_end: false,
        input: None,
    };
    let mut settings = Settings {
        coverage: vec![Coverage {
            include,
            exclude: Pattern::literal(&import.config.data_dir).into_iter().collect(),
        }],
        sections: vec![section],
        rotate_grace_ms: 0,
        never: identity::inode_of_regular(std::io::stderr()).into_iter().collect(),
        once: true,
        ..import.config.tailing.clone()
    };
    let listing = discover::walk(&settings.coverage, &settings.never);
    report
        .problems
        .extend(listing.obstacles.into_iter().map(|obstacle| (obstacle.path, obstacle.reason.to_string())));
    if listing.files_over_limit > 0 {
        let reason = format!("{} files more than can be imported at once", listing.files_over_limit);
        report.problems.push((PathBuf::new(), reason));
    }
    let mut files = listing.files;
    if !import.again {
        files.retain(|found| match why_the_agents(found, &import.config, agents) {
            None => true,
            Some(reason) => {
                settings.never.insert(found.inode);
                report.left_out.push((found.path.clone(), reason));
                false
            }
        });
    }
    (settings, files)
}

/// The pattern of a file, or of everything in a directory.
fn pattern_of(path: &Path) -> Result<Pattern, String> {
    let path = std::path::absolute(path).map_err(|error| error.to_string())?;
    let metadata = std::fs::metadata(&path).map_err(|error| error.to_string())?;
    let unusable = || "its name isn't UTF-8, or it is nested too deeply".to_owned();
    if !metadata.is_dir() {
        return Pattern::literal(&path).ok_or_else(unusable);
    }
    let mut text = String::new();
    for character in path.to_str().ok_or_else(unusable)?.chars() {
        match character {
            '*' | '?' | '[' | ']' | '{' | '}' | '\\' => text.extend(['[', character, ']']),
            _ => text.push(character),
        }
    }
    Pattern::new(&format!("{}/**", text.trim_end_matches('/'))).map_err(|error| error.to_string())
}

/// Why a file is the agent's business; `None` if it isn't.
fn why_the_agents(found: &Found, config: &Config, agents: &Recovered) -> Option<String> {
    if discover::section_of(&config.tailing.coverage, &found.path).is_some() {
        return Some("the agent follows it: a [[files]] section of agent.toml covers it".into());
    }
    let (content, _) = inspect::open(&found.path).ok()?;
    let start = inspect::read_vec(&content, limits::HEAD_BYTES, 0).ok()?;
    let like = |entry: &&Entry| {
        let identity = &entry.identity;
        let is_evident = identity.inode == found.inode || entry.offset >= limits::EVIDENCE_BYTES_MIN;
        let is_begun = identity.head.len > 0 && entry.offset > 0 && identity.head.matches(&start);
        is_evident && is_begun && inspect::holds(&content, &entry.mark()).unwrap_or(false)
    };
    let entry = agents.entries.values().filter(like).max_by_key(|entry| entry.offset)?;
    let (origin, offset) = (entry.identity.path.display(), entry.offset);
    Some(format!("the agent has shipped its first {offset} bytes, as {origin}"))
}

/// Forgets that files were imported.
pub(super) fn forget(
    files: &[Found],
    journal: &mut Journal,
    recovered: &mut Recovered,
    positions: &mut Vec<Known>,
) {
    let inodes: HashSet<Inode> = files.iter().map(|found| found.inode).collect();
    let starts: Vec<Vec<u8>> = files
        .iter()
        .filter_map(|found| {
            inspect::read_vec(&inspect::open(&found.path).ok()?.0, limits::HEAD_BYTES, 0).ok()
        })
        .collect();
    let is_named = |identity: &Identity| {
        inodes.contains(&identity.inode) || starts.iter().any(|start| identity.head.matches(start))
    };
    positions.retain(|known| !known.position.state.parse().is_ok_and(|identity| is_named(&identity)));
    recovered.entries.retain(|stream, entry| {
        let is_named = is_named(&entry.identity);
        if is_named {
            journal.end(*stream);
        }
        !is_named
    });
}
