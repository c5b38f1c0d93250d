//! What a field name looks like, for the parser and the printer.

use std::fmt::{self, Formatter};

use crate::limits::MAX_BARE_NAME_BYTES;
use crate::print::quote;

/// Whether `text` is what people name fields: it starts with a letter, `_` or `@`, ends with a letter, digit or
/// `_`, and has dots, dashes and slashes between. A time, an address and `-->` are not.
pub(crate) fn is_field_name(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '@'));
    let ends = text.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@' | '/');
    text.len() <= MAX_BARE_NAME_BYTES && starts && ends && text.chars().all(inside)
}

/// Whether what could be a name is arithmetic that stands where no formula can: `status/100`, `bytes*8`. A name that looks
/// so stands in quotes.
pub(crate) fn is_arithmetic(text: &str) -> bool {
    let by_number = |by: &str| !by.is_empty() && by.bytes().all(|byte| byte.is_ascii_digit());
    text.rsplit_once('/').is_some_and(|(_, by)| by_number(by)) || text.contains(['+', '*', '%'])
}

/// Whether a word between the parentheses of an aggregate is a name: a `-` between letters belongs to it, as in
/// `x-request-id`. Any other sign of arithmetic makes it a formula, unless it stands in quotes.
pub(crate) fn is_name_in_aggregate(text: &str) -> bool {
    let joins = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
    is_field_name(text) && !text.contains('/') && text.split('-').skip(1).all(joins)
}

/// Whether `c` continues a name without quotes in a formula, where `-` and `/` are operators.
pub(crate) fn continues_name_in_formula(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '@')
}

/// Words that are no names in a formula.
pub(crate) const FORMULA_WORDS: [&str; 6] = ["and", "or", "not", "true", "false", "null"];

/// Writes the name of a field as a formula has it: as it is, in backticks, or as `field("…")`.
pub(crate) fn in_formula(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    let is_word = FORMULA_WORDS.iter().any(|word| word.eq_ignore_ascii_case(name));
    if is_field_name(name) && name.chars().all(continues_name_in_formula) && !is_word {
        f.write_str(name)
    } else if name.contains('`') {
        f.write_str("field(")?;
        quote(f, name)?;
        f.write_str(")")
    } else {
        write!(f, "`{name}`")
    }
}
