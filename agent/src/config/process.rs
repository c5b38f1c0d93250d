//! `[[process]]`: one section a step, in their order. A section has one action, whose key is its name; so that a step
//! can't be given what belongs to another one.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use millpond_wire::names;
use serde::Deserialize;

use super::{Checked, Mistake, place, suggest};
use crate::limits;
use crate::process::condition::Condition;
use crate::process::redact::{self, Mask, Pattern, Redactor};
use crate::process::step::{rate_limit, redact as redact_step, remove, rename, sample, set};
use crate::process::{Action, Done, Step};
use crate::record::INPUT_TYPE;

/// As written.
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawProcess {
    /// For the status.
    pub name: Option<String>,
    /// A condition of the query language.
    pub when: Option<String>,
    /// Leaves out what the condition holds for.
    pub drop: Option<bool>,
    /// Leaves out everything else.
    pub keep: Option<bool>,
    /// Leaves out a share.
    pub sample: Option<RawSample>,
    /// Leaves out what comes too fast.
    pub rate_limit: Option<RawRateLimit>,
    /// Masks.
    pub redact: Option<RawRedact>,
    /// Old name = new name.
    pub rename: Option<BTreeMap<String, String>>,
    /// Name = value.
    pub set: Option<BTreeMap<String, String>>,
    /// Names.
    pub remove: Option<Vec<String>>,
}

/// `sample`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawSample {
    /// Share that is kept.
    pub percent: f64,
    /// A field of which all lines with one value are kept, or none.
    pub key: Option<String>,
}

/// `rate_limit`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawRateLimit {
    /// Lines.
    pub per_second: u64,
    /// Lines at once; default: those of a second.
    pub burst: Option<u64>,
    /// A field of which each value has a rate of its own.
    pub key: Option<String>,
}

/// `redact`
#[derive(Debug, Clone, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct RawRedact {
    /// Built-in ones.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Name = regular expression.
    #[serde(default)]
    pub regex: BTreeMap<String, String>,
    /// Masks are tokens under this key.
    pub hash_key: Option<String>,
    /// The same, in a file.
    pub hash_key_file: Option<PathBuf>,
}

const ACTIONS: &str = "drop, keep, sample, rate_limit, redact, rename, set or remove";

/// Fields that no step can change: they belong to the file, the input or the host, not to the line, or are made later.
const FIXED: [&str; 6] =
    [names::TIMESTAMP, names::ID, names::AGENT_ID, names::FILE_PATH, names::HOST_NAME, INPUT_TYPE];

/// Checks all sections. A mistake names the section and the key.
pub(super) fn check(raw: Vec<RawProcess>, errors: &mut Vec<Mistake>) -> Vec<Step> {
    if raw.len() > limits::STEPS_MAX {
        errors.push(("process".into(), format!("{} sections; at most {}", raw.len(), limits::STEPS_MAX)));
    }
    let step = |(index, raw)| {
        let step = step(raw, index).map_err(|(key, reason)| match key.as_str() {
            "" => (format!("process[{index}]"), reason),
            key => (format!("process[{index}].{key}"), reason),
        });
        place::note(errors, step)
    };
    raw.into_iter().enumerate().take(limits::STEPS_MAX).filter_map(step).collect()
}

fn step(raw: RawProcess, index: usize) -> Checked<Step> {
    let when =
        raw.when.as_deref().map(Condition::new).transpose().map_err(|reason| ("when".into(), reason))?;
    let mut actions = Vec::new();
    for (kind, flag) in [("drop", raw.drop), ("keep", raw.keep)] {
        match flag {
            Some(true) if when.is_none() => {
                let reason = format!("without `when` it would {kind} every line; say which lines");
                return Err((kind.into(), reason));
            }
            Some(true) => actions.push((kind, Action::Drop)),
            Some(false) => return Err((kind.into(), "write `true`, or take the section away".into())),
            None => {}
        }
    }
    let in_key = |key: &'static str| move |reason| (key.to_owned(), reason);
    if let Some(raw) = raw.sample {
        actions.push(("sample", Action::Sample(sample(raw, index).map_err(in_key("sample"))?)));
    }
    if let Some(raw) = raw.rate_limit {
        actions.push(("rate_limit", Action::RateLimit(rate_limit(raw).map_err(in_key("rate_limit"))?)));
    }
    if let Some(raw) = raw.redact {
        actions.push(("redact", Action::Redact(redact(raw).map_err(in_key("redact"))?)));
    }
    if let Some(fields) = raw.rename {
        actions.push(("rename", Action::Rename(rename(fields).map_err(in_key("rename"))?)));
    }
    if let Some(fields) = raw.set {
        names_of(fields.keys()).map_err(in_key("set"))?;
        actions.push(("set", Action::Set(set::Set { fields: fields.into_iter().collect() })));
    }
    if let Some(fields) = raw.remove {
        names_of(fields.iter().filter(|name| *name != names::ORIGINAL)).map_err(in_key("remove"))?;
        actions.push(("remove", Action::Remove(remove::Remove { fields })));
    }
    let count = actions.len();
    let Some((kind, action)) = actions.pop().filter(|_| count == 1) else {
        let reason = format!(
            "a section does one thing, and this one {}: {ACTIONS}",
            match count {
                0 => "none".to_owned(),
                count => format!("{count}; give each a section of its own"),
            }
        );
        return Err((String::new(), reason));
    };
    let when = if kind == "keep" { when.map(Condition::negated) } else { when };
    Ok(Step { name: raw.name.unwrap_or_else(|| kind.to_owned()), kind, when, action, done: Done::default() })
}

fn sample(raw: RawSample, index: usize) -> Result<sample::Sample, String> {
    if !(raw.percent > 0.0 && raw.percent < 100.0) {
        return Err(format!("percent is the share that is kept: {} is not between 0 and 100", raw.percent));
    }
    Ok(sample::Sample::new(raw.percent, raw.key.map(canonical), index as u64))
}

fn rate_limit(raw: RawRateLimit) -> Result<rate_limit::RateLimit, String> {
    const LINES_MAX: u64 = 1_000_000;
    let burst = raw.burst.unwrap_or(raw.per_second);
    for (key, lines) in [("per_second", raw.per_second), ("burst", burst)] {
        if !(1..=LINES_MAX).contains(&lines) {
            return Err(format!("{key}: {lines} is not between 1 and {LINES_MAX}"));
        }
    }
    Ok(rate_limit::RateLimit::new(raw.per_second, burst, raw.key.map(canonical)))
}

fn redact(raw: RawRedact) -> Result<redact_step::Redact, String> {
    let mut patterns = Vec::new();
    for name in &raw.patterns {
        let unknown = || suggest::unknown("pattern", name, redact::names());
        patterns.push(Pattern::built_in(name).ok_or_else(unknown)?);
    }
    for (name, expression) in &raw.regex {
        if redact::names().any(|built_in| built_in == name) {
            return Err(format!("regex.{name}: this is the name of a built-in pattern; choose another"));
        }
        patterns.push(Pattern::own(name, expression).map_err(|reason| format!("regex.{name}: {reason}"))?);
    }
    if patterns.is_empty() {
        let names: Vec<_> = redact::names().collect();
        return Err(format!("give `patterns` (of {}), `regex`, or both", names.join(", ")));
    }
    let key = match (raw.hash_key, raw.hash_key_file) {
        (Some(_), Some(_)) => return Err("give hash_key or hash_key_file, not both".into()),
        (Some(key), None) => Some(key.into_bytes()),
        (None, Some(path)) => {
            Some(key_file(&path).map_err(|reason| format!("hash_key_file: {}: {reason}", path.display()))?)
        }
        (None, None) => None,
    };
    let mask = match key {
        None => Mask::Name,
        Some(key) if key.len() < limits::MASK_KEY_BYTES_MIN => {
            return Err(format!(
                "a key has at least {} bytes, this one {}",
                limits::MASK_KEY_BYTES_MIN,
                key.len()
            ));
        }
        Some(key) => Mask::token(&key),
    };
    Ok(redact_step::Redact::new(Redactor::new(patterns, mask)))
}

/// The content of a key file without the newline that editors leave.
fn key_file(path: &std::path::Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > limits::MASK_KEY_BYTES_MAX {
        return Err(format!("{size} bytes; a key file has at most {}", limits::MASK_KEY_BYTES_MAX));
    }
    let mut key = std::fs::read(path).map_err(|error| error.to_string())?;
    while key.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        key.pop();
    }
    Ok(key)
}

fn rename(fields: BTreeMap<String, String>) -> Result<rename::Rename, String> {
    names_of(fields.keys().chain(fields.values()))?;
    let mut new_names = HashSet::new();
    for (old, new) in &fields {
        if old == new || fields.contains_key(new) || !new_names.insert(new) {
            return Err(format!(
                "`{new}` is the new name of `{old}` and of another field, or an old name itself"
            ));
        }
    }
    Ok(rename::Rename { fields: fields.into_iter().collect() })
}

/// Fields that a step may change.
fn names_of<'n>(mut fields: impl Iterator<Item = &'n String>) -> Result<(), String> {
    let mut count = 0;
    let refused = fields.find(|name| {
        count += 1;
        name.is_empty()
            || FIXED.contains(&name.as_str())
            || *name == names::ORIGINAL
            || *name != &canonical(name.to_string())
    });
    match refused {
        None if count == 0 => Err("names no field".into()),
        None => Ok(()),
        Some(name) if name.is_empty() => Err("a field needs a name".into()),
        Some(name) if FIXED.contains(&name.as_str()) || name == names::ORIGINAL => {
            Err(format!("`{name}` can't be changed by a step"))
        }
        Some(name) => {
            Err(format!("`{name}` is a short name of queries; write `{}`", canonical(name.clone())))
        }
    }
}

/// Keys may be given by their short names.
fn canonical(name: String) -> String {
    millpond_query::aliases::canonical(&name).to_owned()
}

#[cfg(test)]
mod tests;
