//! Unknown keys: finds them with their line, and the known key that was probably meant. Pure.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// A key that the configuration doesn't have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct UnknownKey {
    /// `section.key`, as written.
    pub(super) key: String,
    /// Line, from 1.
    pub(super) line: usize,
    /// The known key nearest to it, if one is near.
    pub(super) nearest: Option<String>,
}

/// The first key of `text` that is not among `known` (each `section.key`), in order of the file.
/// A text that is no TOML has none.
pub(super) fn first_unknown(text: &str, known: &[String]) -> Option<UnknownKey> {
    let (key, span) = keys(text).into_iter().find(|(key, _)| !known.contains(key))?;
    Some(UnknownKey { nearest: nearest(&key, known), line: line_of(text, span.start), key })
}

/// Line of `section.key` in `text`, if it is there.
pub(super) fn line_of_key(text: &str, key: &str) -> Option<usize> {
    keys(text).into_iter().find(|(name, _)| name == key).map(|(_, span)| line_of(text, span.start))
}

/// Line of a byte offset, from 1.
pub(super) fn line_of(text: &str, offset_bytes: usize) -> usize {
    1 + text.bytes().take(offset_bytes).filter(|byte| *byte == b'\n').count()
}

/// Every key as `section.key` with its place. An empty section has none; a key outside of sections,
/// or a table where none belongs, stands for itself.
fn keys(text: &str) -> Vec<(String, Range<usize>)> {
    let Ok(table) = DeTable::parse(text) else { return Vec::new() };
    let mut keys = Vec::new();
    for (section, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(members) => {
                keys.extend(
                    members
                        .keys()
                        .map(|key| (format!("{}.{}", section.get_ref(), key.get_ref()), key.span())),
                );
            }
            _ => keys.push((section.get_ref().to_string(), section.span())),
        }
    }
    keys.sort_by_key(|(_, span)| span.start);
    keys
}

fn nearest(key: &str, known: &[String]) -> Option<String> {
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    // A key in the wrong section is as near as one with a letter wrong.
    let distance = |candidate: &String| edits(key, candidate).min(edits(&last(key), &last(candidate)) + 1);
    let best = known.iter().min_by_key(|candidate| distance(candidate))?;
    (distance(best) <= 1 + last(key).chars().count() / 3).then(|| best.clone())
}

/// Levenshtein distance, one row at a time.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, from_char) in from.chars().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        for (to_char, cell) in to.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(from_char != *to_char);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&str, usize, Option<&str>)>) {
        let known =
            ["http.listen", "ingest.listen", "retention.max_age", "retention.max_bytes"].map(String::from);
        let found = first_unknown(text, &known);
        let found = found.as_ref().map(|found| (found.key.as_str(), found.line, found.nearest.as_deref()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn unknown_keys_are_found_with_their_line_and_neighbour() {
        check("[http]\nlisten = \"\"\n", None);
        check("[http]\n\nlisteen = \"\"\n", Some(("http.listeen", 3, Some("http.listen"))));
        check("[http]\nmax_age = \"\"\n", Some(("http.max_age", 2, Some("retention.max_age"))));
        check("[retention]\nmaxage = 1\n", Some(("retention.maxage", 2, Some("retention.max_age"))));
        check("[http]\nbanana = 1\n", Some(("http.banana", 2, None)));
        check("listen = 1\n", Some(("listen", 1, Some("http.listen"))));
        check("[retension]\nmax_age = 1\n", Some(("retension.max_age", 2, Some("retention.max_age"))));
        check("[http.listen]\na = 1\n", None);
        check("not toml", None);
    }

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("é", "e", 1)]
        {
            assert_eq!(edits(a, b), expected, "{a} {b}");
        }
    }
}
