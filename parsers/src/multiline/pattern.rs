//! Rules that a user writes as regular expressions: the first lines of records, the lines that carry on, or the last
//! ones. Time is linear in the line; what the expression may cost to hold is limited.

use regex::bytes::{Regex, RegexBuilder};

use crate::limits::{PATTERN_LOOK_BYTES_MAX, PATTERN_SIZE_BYTES_MAX};

/// Which lines a pattern describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// First lines. All others carry on.
    Start,
    /// Lines that carry on.
    Continue,
    /// Last lines. All up to them carry on.
    End,
}

/// A pattern and what its match means.
#[derive(Debug, Clone)]
pub struct Pattern {
    place: Place,
    regex: Regex,
    negate: bool,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        let key = |of: &Self| (of.place, of.negate, of.regex.as_str().to_owned());
        key(self) == key(other)
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// `negate`: the lines that don't match are those of that place.
    ///
    /// # Errors
    /// When the expression is none, or too large.
    pub fn new(place: Place, expression: &str, negate: bool) -> Result<Self, regex::Error> {
        let mut builder = RegexBuilder::new(expression);
        builder.size_limit(PATTERN_SIZE_BYTES_MAX).dfa_size_limit(PATTERN_SIZE_BYTES_MAX);
        Ok(Self { place, regex: builder.build()?, negate })
    }

    fn matches(&self, line: &[u8]) -> bool {
        self.regex.is_match(line.get(..PATTERN_LOOK_BYTES_MAX).unwrap_or(line)) != self.negate
    }

    pub(super) fn continues(&self, line: &[u8]) -> bool {
        match self.place {
            Place::Start => !self.matches(line),
            Place::Continue => self.matches(line),
            Place::End => true,
        }
    }

    pub(super) fn ends_with(&self, line: &[u8]) -> bool {
        self.place == Place::End && self.matches(line)
    }

    pub(super) fn waits_for_its_end(&self) -> bool {
        self.place == Place::End
    }
}
