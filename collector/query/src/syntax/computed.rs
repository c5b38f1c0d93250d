//! Functions that a condition does not compute: those of formulas, aggregates, and those of other languages. Each is an
//! error that shows what does the same.

use crate::ast::Name;
use crate::error::{QueryError, QueryErrorCode};
use crate::formula::Function;
use crate::syntax::cursor::Cursor;

/// Longest call that a hint repeats, bytes.
const MAX_REPEATED_BYTES: usize = 80;

/// Functions that have a better form than a formula, in small letters.
const BETTER: [(&str, &str); 15] = [
    ("contains", "write field:*text*"),
    ("startswith", "write field=text*"),
    ("starts_with", "write field=text*"),
    ("endswith", "write field=*text"),
    ("ends_with", "write field=*text"),
    ("matches", "write field:/regex/"),
    ("to_lower", "write field:text, which finds any case, or | eval x = lower(field) | where x=text"),
    ("to_upper", "write field:text, which finds any case, or | eval x = upper(field) | where x=TEXT"),
    ("searchmatch", "write the words themselves"),
    ("seq", "write message:/first.*second/"),
    ("mvcount", "a value of a list is a value of the field: write field:value"),
    ("mvindex", "a value of a list is a value of the field: write field:value"),
    ("mvfind", "a value of a list is a value of the field: write field:value"),
    ("range", "write field:[1 TO 5]"),
    ("ip", "write field:10.0.0.0/8"),
];

/// The error for a function whose name has just been read and whose parenthesis comes next; none for a word that is none.
pub(super) fn refused(cursor: &Cursor<'_>, called: &Name, is_aggregate: bool) -> Option<QueryError> {
    let lower = called.text.to_ascii_lowercase();
    let better = BETTER.iter().find(|(known, _)| *known == lower).map(|(_, hint)| *hint);
    let function = Function::called(&called.text).map(|(function, _)| function);
    let call = text_of(cursor, called);
    let (message, hint) = match (better, is_aggregate, function) {
        (Some(hint), ..) => (format!("{} is no condition", called.text), hint.to_owned()),
        (None, true, _) => (
            format!("{} is an aggregate, which stats computes", called.text),
            format!("write | stats {call} by host | where {call}>5"),
        ),
        (None, false, Some(function)) => {
            let compared = if function.is_condition() { "x=true" } else { "x=…" };
            let message = format!("{} is computed by eval, not by a condition", called.text);
            (message, format!("write | eval x = {call} | where {compared}"))
        }
        (None, false, None) => return None,
    };
    let error = QueryError::new(QueryErrorCode::UnknownFunction, called.span, message);
    Some(error.hint(format!("{hint}; quote the text to search for it")))
}

/// The name with what is in its parentheses, if that is short.
fn text_of(cursor: &Cursor<'_>, called: &Name) -> String {
    let mut depth = 0_usize;
    for (at, c) in cursor.rest().char_indices().take_while(|(at, _)| *at < MAX_REPEATED_BYTES) {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => {
                return format!("{}{}", called.text, cursor.rest().get(..=at).unwrap_or_default());
            }
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    format!("{}(…)", called.text)
}
