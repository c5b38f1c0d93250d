//! Where in the text of a configuration a mistake stands, and how it is shown: line, column, the line itself with
//! carets under the culprit. Also reads past a mistake, so that all of them are said at once. Pure.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::{Checked, Mistake, RawConfig, suggest};

/// Mistakes that are said at once; who has more has the wrong file.
const PROBLEMS_MAX: usize = 20;

/// One mistake, with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// Dotted, with places counted from 1; `None` where the text itself is no TOML or a key is unknown.
    pub key: Option<String>,
    /// What and what to do.
    pub reason: String,
    source: String,
    width: usize,
}

impl Problem {
    fn new(text: &str, span: Range<usize>, key: Option<String>, reason: String) -> Self {
        let start = text.floor_char_boundary(span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let source = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let inside = text.get(start..text.floor_char_boundary(span.end)).unwrap_or_default();
        let width = inside.lines().next().unwrap_or_default().chars().count().max(1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self { line, column, key, reason, source: source.to_owned(), width }
    }

    /// The line with carets under what is meant.
    pub fn excerpt(&self) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs stay tabs, so that the carets stand where the terminal puts the text.
        let skip = self.source.chars().take(self.column - 1).map(|c| if c == '\t' { '\t' } else { ' ' });
        let skip: String = skip.collect();
        format!("{number} | {}\n{margin} | {skip}{}", self.source, "^".repeat(self.width))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        f.write_str(&self.reason)
    }
}

/// Reads the keys. What can't be used is left out and said, and the rest is read all the same; the first value is
/// `None` when too much is missing.
pub(super) fn read(text: &str) -> (Option<RawConfig>, Vec<Problem>) {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    let of_error = |error: &toml::de::Error| {
        Problem::new(text, error.span().unwrap_or(0..0), None, suggest::explain(error.message()))
    };
    let mut problems: Vec<Problem> = errors.iter().take(PROBLEMS_MAX).map(of_error).collect();
    if !problems.is_empty() {
        // What was recovered is a guess; complaints about it would mislead.
        return (None, problems);
    }
    loop {
        match serde::Deserialize::deserialize(Deserializer::from(root.clone())) {
            Ok(raw) => return (Some(raw), problems),
            // May be a consequence of what was left out.
            Err(error) if error.message().starts_with("missing field") && !problems.is_empty() => {
                return (None, problems);
            }
            Err(error) => {
                problems.push(of_error(&error));
                let start = error.span().map_or(0, |span| span.start);
                if problems.len() >= PROBLEMS_MAX || !remove_at(root.get_mut(), start) {
                    return (None, problems);
                }
            }
        }
    }
}

/// Gives errors of values their places. A key is dotted, with indexes: `files[0].include`.
pub(super) fn locate(text: &str, errors: Vec<Mistake>) -> Vec<Problem> {
    let (root, _) = DeTable::parse_recoverable(text);
    let of_error = |(key, reason): Mistake| {
        let span = span_of(root.get_ref(), &key).unwrap_or(0..0);
        Problem::new(text, span, Some(counted_from_1(&key)), reason)
    };
    errors.into_iter().map(of_error).collect()
}

/// A key as people count: `files[0]` is the first section.
fn counted_from_1(key: &str) -> String {
    let mut parts = key.split('[');
    let mut counted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (index, rest) = part.split_once(']').unwrap_or((part, ""));
        match index.parse::<usize>() {
            Ok(index) => counted.push_str(&format!("[{}]{rest}", index.saturating_add(1))),
            Err(_) => counted.push_str(&format!("[{part}")),
        }
    }
    counted
}

/// Keeps the value, or notes why there is none.
pub(super) fn note<T>(errors: &mut Vec<Mistake>, checked: Checked<T>) -> Option<T> {
    checked.map_err(|error| errors.push(error)).ok()
}

/// Removes the key or value that begins at an offset. False when there is none.
fn remove_at(table: &mut DeTable<'_>, offset: usize) -> bool {
    let is_it = |key: &Spanned<_>, value: &Spanned<DeValue<'_>>| {
        let is_scalar = !matches!(value.get_ref(), DeValue::Table(_));
        key.span().start == offset || (is_scalar && value.span().start == offset)
    };
    let culprit = table.iter().find(|(key, value)| is_it(key, value)).map(|(key, _)| key.clone());
    match culprit {
        Some(key) => table.remove(&key).is_some(),
        None => table.iter_mut().any(|(_, value)| remove_in(value.get_mut(), offset)),
    }
}

fn remove_in(value: &mut DeValue<'_>, offset: usize) -> bool {
    match value {
        DeValue::Table(table) => remove_at(table, offset),
        DeValue::Array(array) => array.iter_mut().any(|value| remove_in(value.get_mut(), offset)),
        _ => false,
    }
}

/// The value of a dotted key, or of the nearest of its ancestors that is there.
fn span_of(root: &DeTable<'_>, key: &str) -> Option<Range<usize>> {
    let mut table = Some(root);
    let mut span = None;
    for part in key.split('.') {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        let Some((_, found)) = table.and_then(|table| table.iter().find(|(key, _)| key.get_ref() == name))
        else {
            break;
        };
        let found = match index {
            Some(index) => found.get_ref().get(index).unwrap_or(found),
            None => found,
        };
        span = Some(found.span());
        table = found.get_ref().as_table();
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_places() {
        let text = "a = 1\n[[files]]\ninclude = ['/x', 'y']\n[[files]]\nstart = 'é'\n[limits]\nb.c = 2\n";
        let (root, _) = DeTable::parse_recoverable(text);
        for (key, expected) in [
            ("a", "1"),
            ("files[0].include", "['/x', 'y']"),
            ("files[0].include[1]", "'y'"),
            ("files[1].start", "'é'"),
            ("files[0].missing", "[[files]]"),
            ("limits.b.c", "2"),
        ] {
            let span = span_of(root.get_ref(), key).unwrap();
            assert_eq!(&text[span], expected, "{key}");
        }
        assert_eq!(span_of(root.get_ref(), "nothing"), None);
    }

    #[test]
    fn people_count_from_1() {
        for (key, expected) in [
            ("files[0].include[9]", "files[1].include[10]"),
            ("limits.a", "limits.a"),
            ("a[b]", "a[b]"),
            ("[", "["),
        ] {
            assert_eq!(counted_from_1(key), expected);
        }
    }

    #[test]
    fn carets_stand_under_the_culprit() {
        let problem = Problem::new("x\n\té = 'bad'\n", 8..13, None, "no".into());
        assert_eq!((problem.line, problem.column), (2, 6));
        assert_eq!(problem.excerpt(), "2 | \té = 'bad'\n  | \t    ^^^^^");
    }
}
