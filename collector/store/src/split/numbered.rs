//! Strings that are a prefix and a decimal number: user ids, order numbers. As strings each different one would be a term
//! of a dictionary, which merges have to read and counts across splits have to compare; as numbers they are a column that
//! merges copy, and counts add up by number. The prefix is the column's. Pure, but for reading the column.

use tantivy::columnar::Column;

/// Longest prefix.
const PREFIX_BYTES_MAX: usize = 16;

/// Most digits, so that every number fits 32 bits, as ordinals do.
const DIGITS_MAX: usize = 9;

/// Whether a byte can be in a prefix. No digits, so that addresses and versions, which would have many, are none; no
/// colon, which ends it in the column's name.
fn is_prefix(byte: u8) -> bool {
    byte.is_ascii_graphic() && !byte.is_ascii_digit() && byte != b':'
}

/// The prefix and the number of a text; `None` when they would not give the text back.
pub(crate) fn parse(text: &str) -> Option<(&str, u32)> {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).take(DIGITS_MAX + 1).count();
    let (prefix, number) = text.split_at_checked(text.len() - digits)?;
    let is_plain = number.len() == 1 || !number.starts_with('0');
    let fits = (1..=DIGITS_MAX).contains(&digits) && prefix.len() <= PREFIX_BYTES_MAX;
    if !fits || !is_plain || !prefix.bytes().all(is_prefix) {
        return None;
    }
    Some((prefix, number.parse().ok()?))
}

/// A column of such strings.
#[derive(Clone)]
pub(crate) struct Numbered {
    prefix: Box<str>,
    column: Column<i64>,
}

impl Numbered {
    /// The numbers of strings with this prefix.
    pub(crate) fn new(prefix: &str, column: Column<i64>) -> Self {
        Self { prefix: prefix.into(), column }
    }

    /// What all begin with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The numbers.
    pub(crate) fn column(&self) -> &Column<i64> {
        &self.column
    }

    /// The smallest number, and how many there are from it to the largest.
    pub(crate) fn span(&self) -> (u32, u32) {
        // Damaged columns could hold anything.
        let bound = |value: i64| u32::try_from(value).unwrap_or(u32::MAX - 1);
        let (first, last) = (bound(self.column.min_value()), bound(self.column.max_value()));
        (first, last.saturating_sub(first) + 1)
    }

    /// The number of a text; `None` when it has another prefix or none.
    pub(crate) fn number_of(&self, text: &str) -> Option<u32> {
        parse(text).filter(|(prefix, _)| *prefix == &*self.prefix).map(|(_, number)| number)
    }

    /// The text of a number.
    pub(crate) fn text(&self, number: i64) -> String {
        format!("{}{number}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_as_it_was_is_numbered_and_nothing_else() {
        let rows = [
            ("u48213", Some(("u", 48_213))),
            ("0", Some(("", 0))),
            ("200", Some(("", 200))),
            ("-7", Some(("-", 7))),
            ("User/a-0", Some(("User/a-", 0))),
            ("a123456789", Some(("a", 123_456_789))),
            ("sixteen_bytes_ok7", Some(("sixteen_bytes_ok", 7))),
            ("seventeen_bytes_no7", None),
            ("a1234567890", None),
            ("a007", None),
            ("00", None),
            ("10.0.0.7", None),
            ("v1-2", None),
            ("a:7", None),
            ("a 7", None),
            ("é7", None),
            ("a", None),
            ("7a", None),
            ("٣", None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), expected, "{text}");
            if let Some((prefix, number)) = expected {
                assert_eq!(format!("{prefix}{number}"), text);
            }
        }
    }
}
