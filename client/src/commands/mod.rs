//! One file for each command, and what they share.

use jiff::Zoned;
use serde::{Deserialize, Serialize};

use crate::api::{Api, Parameters};
use crate::arguments::Range;
use crate::failure::Failure;
use crate::render::Look;
use crate::terminal::{self, Output};
use crate::when;

pub(crate) mod context;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fields;
pub(crate) mod histogram;
pub(crate) mod login;
mod pages;
pub(crate) mod search;
pub(crate) mod tail;
pub(crate) mod top;
pub(crate) mod values;

/// Whether a command found something: its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Found,
    Nothing,
}

impl Outcome {
    pub(crate) fn of(is_found: bool) -> Self {
        if is_found { Self::Found } else { Self::Nothing }
    }
}

/// What a command works with.
pub(crate) struct Shell {
    pub(crate) api: Api,
    pub(crate) out: Output,
    /// How standard output is to look.
    pub(crate) look: Look,
    /// How standard error is to look.
    pub(crate) notes: Look,
    pub(crate) now: Zoned,
}

/// What an answer says of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Meta {
    pub(crate) cursor: Option<String>,
    partial: bool,
    reason: Option<String>,
    warnings: Vec<String>,
}

impl Shell {
    /// Parameters of a request for a query in a range.
    pub(crate) fn parameters(&self, query: &str, range: &Range) -> Result<Parameters, Failure> {
        let mut parameters = self.range(range)?;
        parameters.push(("q", query.to_owned()));
        Ok(parameters)
    }

    /// Parameters for a range.
    pub(crate) fn range(&self, range: &Range) -> Result<Parameters, Failure> {
        let bounds = when::range(range.since.as_deref(), range.until.as_deref(), &self.now)?;
        let pairs = ["start", "end"].into_iter().zip(bounds);
        Ok(pairs.filter_map(|(name, bound)| Some((name, bound?))).collect())
    }

    /// Makes a range stay where it is over several requests. It is then told by the clock of this machine.
    pub(crate) fn hold(&self, parameters: &mut Parameters) {
        for (name, value) in parameters {
            if matches!(*name, "start" | "end") {
                *value = when::fixed(value, &self.now);
            }
        }
    }

    /// Writes one JSON object a line.
    pub(crate) fn objects<T: Serialize>(&mut self, objects: &[T]) -> Result<(), Failure> {
        for object in objects {
            let mut line = serde_json::to_vec(object).map_err(|error| Failure::Output(error.into()))?;
            line.push(b'\n');
            self.out.write(&line)?;
        }
        Ok(())
    }

    /// Says something beside the output.
    pub(crate) fn note(&self, text: &str) {
        terminal::note(text, &self.notes);
    }

    /// Says what is wrong with an answer, if anything is.
    pub(crate) fn tell(&self, meta: &Meta) {
        for warning in &meta.warnings {
            self.note(warning);
        }
        if meta.partial {
            let reason = meta.reason.as_deref().unwrap_or("of the collector's limits");
            let reason = match reason {
                "deadline" => "the time for a query was over",
                "scanned_bytes" => "it would read more than a query may",
                "groups" => "it has more groups than a query may",
                "sort_rows" => "it has more rows than can be sorted",
                "dedup_keys" => "it has more different values than can be told apart",
                "fields" => "there are more fields than are listed",
                "damaged" => "a part of the store can't be read",
                "failed" => "the collector failed; its log says why",
                other => other,
            };
            self.note(&format!("the answer is partial: {reason}"));
        }
    }
}
