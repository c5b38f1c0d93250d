//! `/regex/i`: a regular expression somewhere in the value.

use std::fmt;

use super::regex_tokens::required_tokens;
use crate::limits::{MAX_REGEX_BYTES, MAX_REGEX_DEPTH, MAX_REGEX_DFA_BYTES};
use crate::number::NumberRange;
use crate::scalar::Scalar;

/// A compiled regular expression in the syntax of the `regex` crate: linear time, no back-references. It is
/// searched for, not anchored; in its own case unless `i` is given. Numbers and bools are matched by their
/// decimal text, when a field is named.
#[derive(Debug, Clone)]
pub struct Regex {
    regex: regex::Regex,
    /// False for a regex without a field, which searches texts only.
    numbers: bool,
    tokens: Vec<String>,
}

impl Regex {
    /// Compiles within the limits. The error is one line for people.
    pub(crate) fn new(source: &str, ignore_case: bool, numbers: bool) -> Result<Regex, String> {
        let regex = regex::RegexBuilder::new(source)
            .case_insensitive(ignore_case)
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(MAX_REGEX_DFA_BYTES)
            .nest_limit(MAX_REGEX_DEPTH)
            .build()
            .map_err(|error| one_line(&error))?;
        let tokens = required_tokens(source, ignore_case);
        Ok(Regex { regex, numbers, tokens })
    }

    /// For its groups, and to replace what it finds.
    pub(crate) fn compiled(&self) -> &regex::Regex {
        &self.regex
    }

    pub(super) fn matches(&self, value: Scalar<'_>) -> bool {
        match value {
            Scalar::Str(text) => self.regex.is_match(text),
            _ if !self.numbers => false,
            Scalar::I64(value) => self.regex.is_match(&value.to_string()),
            Scalar::F64(value) => self.regex.is_match(&value.to_string()),
            Scalar::Bool(value) => self.regex.is_match(if value { "true" } else { "false" }),
        }
    }

    pub(super) fn required_tokens(&self) -> &[String] {
        &self.tokens
    }

    pub(super) fn number_range(&self) -> Option<NumberRange> {
        self.numbers.then_some(NumberRange { decides: false, ..NumberRange::ALL })
    }
}

/// A syntax error is a drawing of several lines, of which the last says what is wrong.
fn one_line(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => format!("it needs more than {limit} bytes when compiled"),
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or("it is not valid");
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

impl fmt::Display for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "~ {:?}", self.regex.as_str())
    }
}
