//! What a field name looks like, for the parser and the printer.

use crate::limits::MAX_BARE_NAME_BYTES;

/// Whether `text` is what people name fields: it starts with a letter, `_` or `@`, ends with a letter, digit or
/// `_`, and has dots, dashes and slashes between. A time, an address and `-->` are not.
pub(crate) fn is_field_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '@'));
    let ends = text.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '/');
    text.len() <= MAX_BARE_NAME_BYTES && starts && ends && text.chars().all(inside)
}
