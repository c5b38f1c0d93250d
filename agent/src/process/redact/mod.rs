//! What is found in a text and must not leave the host. Each pattern says where in a text it occurs; here the places
//! are put in order and masked. The built-in patterns search for what they can't be without (an `@`, digits in a row,
//! a known prefix) and look closer only there, so that ordinary text is passed over at gigabytes a second.

mod address;
mod card;
mod email;
mod mask;
mod secret;

pub use self::mask::Mask;
use crate::limits;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// First byte. On a character boundary, as `end`.
    pub start: usize,
    /// Byte after the last one.
    pub end: usize,
    /// Of the pattern, in the list of patterns.
    pattern: usize,
}

/// Where a pattern's finds go.
#[derive(Debug, Default)]
pub struct Finds {
    found: Vec<Found>,
    pattern: usize,
}

impl Finds {
    /// Notes a place of the pattern that is searched for.
    pub fn push(&mut self, start: usize, end: usize) {
        self.found.push(Found { start, end, pattern: self.pattern });
    }
}

type Find = fn(text: &str, finds: &mut Finds);

/// The built-in patterns: name and search.
const BUILT_IN: [(&str, Find); 6] = [
    ("email", email::find),
    ("card", card::find),
    ("token", secret::find_tokens),
    ("password", secret::find_passwords),
    ("ipv4", address::find_v4),
    ("ipv6", address::find_v6),
];

/// Names of the built-in patterns.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().map(|(name, _)| *name)
}

#[derive(Debug, Clone)]
enum Search {
    BuiltIn(Find),
    Own(regex::Regex),
}

/// One pattern, with its name in masks.
#[derive(Debug, Clone)]
pub struct Pattern {
    name: String,
    search: Search,
}

impl Pattern {
    /// The built-in one of that name.
    pub fn built_in(name: &str) -> Option<Self> {
        let (name, find) = BUILT_IN.iter().find(|(own, _)| *own == name)?;
        Some(Self { name: (*name).to_owned(), search: Search::BuiltIn(*find) })
    }

    /// One of the user's own.
    ///
    /// # Errors
    /// Says what is wrong with the expression.
    pub fn own(name: &str, expression: &str) -> Result<Self, String> {
        let regex = regex::RegexBuilder::new(expression)
            .size_limit(limits::REDACT_REGEX_BYTES_MAX)
            .dfa_size_limit(limits::REDACT_REGEX_BYTES_MAX)
            .build()
            .map_err(|error| error.to_string())?;
        if regex.is_match("") {
            return Err("it matches the empty text, and so everywhere".into());
        }
        Ok(Self { name: name.to_owned(), search: Search::Own(regex) })
    }

    fn find(&self, text: &str, finds: &mut Finds) {
        match &self.search {
            Search::BuiltIn(find) => find(text, finds),
            Search::Own(regex) => find_own(regex, text, finds),
        }
    }
}

/// One search takes time in proportion to what it looks at, but may look at the whole rest of the text to find a
/// single letter: with many finds that is quadratic. So what the searches of a text may look at together is bounded;
/// what is left after that is masked unseen.
fn find_own(regex: &regex::Regex, text: &str, finds: &mut Finds) {
    let mut searches = regex.find_iter(text);
    let (mut at, mut looked_at_bytes) = (0, 0);
    loop {
        looked_at_bytes += text.len() - at;
        if looked_at_bytes > limits::REDACT_SEARCH_BYTES_MAX {
            return finds.push(at, text.len());
        }
        let Some(found) = searches.next() else { return };
        at = found.end();
        if !found.is_empty() {
            finds.push(found.start(), found.end());
        }
    }
}

/// Patterns, and what is put in the place of what they find. Keeps its allocation from text to text.
#[derive(Debug)]
pub struct Redactor {
    patterns: Vec<Pattern>,
    mask: Mask,
    finds: Finds,
}

impl Clone for Redactor {
    fn clone(&self) -> Self {
        Self { patterns: self.patterns.clone(), mask: self.mask.clone(), finds: Finds::default() }
    }
}

impl Redactor {
    /// For these patterns; where two find the same place, the earlier one names it.
    pub fn new(patterns: Vec<Pattern>, mask: Mask) -> Self {
        Self { patterns, mask, finds: Finds::default() }
    }

    /// The place of the pattern in the list; `None`: it isn't searched for.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.patterns.iter().position(|pattern| pattern.name == name)
    }

    /// Some pattern is the user's own.
    pub fn has_own(&self) -> bool {
        self.patterns.iter().any(|pattern| matches!(pattern.search, Search::Own(_)))
    }

    /// The text with everything masked that is found; `None` when nothing is. Shows each text that goes to `removed`.
    pub fn redact(&mut self, text: &str, removed: &mut dyn FnMut(&str)) -> Option<String> {
        self.finds.found.clear();
        for (index, pattern) in self.patterns.iter().enumerate() {
            self.finds.pattern = index;
            pattern.find(text, &mut self.finds);
        }
        if self.finds.found.is_empty() {
            return None;
        }
        self.finds.found.sort_unstable_by_key(|found| (found.start, found.pattern, found.end));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut found = self.finds.found.iter().copied().peekable();
        while let Some(mut next) = found.next() {
            // What overlaps goes as one, so that no end of it is left over.
            while let Some(other) = found.next_if(|other| other.start < next.end) {
                next.end = next.end.max(other.end);
            }
            let (Some(before), Some(hidden)) = (text.get(at..next.start), text.get(next.start..next.end))
            else {
                continue;
            };
            out.push_str(before);
            self.write_mask(&mut out, next.pattern, hidden);
            removed(hidden);
            at = next.end;
        }
        out.push_str(text.get(at..).unwrap_or_default());
        Some(out)
    }

    /// The whole text as one find of a pattern.
    pub fn whole(&self, pattern: usize, text: &str) -> String {
        let mut out = String::new();
        self.write_mask(&mut out, pattern, text);
        out
    }

    fn write_mask(&self, out: &mut String, pattern: usize, hidden: &str) {
        let name = self.patterns.get(pattern).map_or("redacted", |pattern| &pattern.name);
        self.mask.write(out, name, hidden);
    }
}

/// True for the name of a field whose value is a secret, whatever it looks like: `db.password`, `X-Api-Key`.
pub fn is_secret_name(name: &str) -> bool {
    secret::is_secret_name(name)
}

/// Letters, digits and `_`: what makes a word longer.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The byte before a place; `None` at the start.
fn before(bytes: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|at| bytes.get(at)).copied()
}

#[cfg(test)]
mod tests;
