//! The label selector of Loki and VictoriaLogs, and the line filters that follow it:
//! `{app="nginx", env!="dev"} |= "refused" !~ "health|ready"`. As there, a regular expression in a selector has to match
//! the whole value, one of a line filter a part of the line.

use crate::aliases::MESSAGE;
use crate::ast::{Condition, Expr, Name, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode};
use crate::syntax::cursor::Cursor;
use crate::syntax::expr;
use crate::syntax::field::{operand, plain_operator};
use crate::syntax::value;
use crate::syntax::word::{self, Place};

/// Reads a selector; none, and nothing read, when it does not look like one.
pub(super) fn selector(cursor: &mut Cursor<'_>) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    if !cursor.eat("{") {
        return Ok(None);
    }
    let mut parts = Vec::new();
    loop {
        while cursor.skip_space() || cursor.eat(",") {}
        if cursor.eat("}") {
            break;
        }
        let word = word::word(cursor, Place::Term)?;
        let name = word.field_name().map(|text| Name { text: text.to_owned(), span: word.span });
        cursor.skip_space();
        let operator = plain_operator(cursor);
        let (Some(name), Some(operator)) = (name, operator) else {
            if parts.is_empty() {
                cursor.set(start);
                return Ok(None);
            }
            return Err(bad_selector(cursor, start));
        };
        parts.push(cursor.with_whole_regexes(|cursor| operand(cursor, &name, operator, Place::Bound))?);
    }
    if parts.is_empty() {
        cursor.set(start);
        return Ok(None);
    }
    Ok(Some(expr::all(parts)))
}

fn bad_selector(cursor: &Cursor<'_>, start: usize) -> QueryError {
    cursor
        .error_from(start, QueryErrorCode::Unexpected, "a selector is {name=\"value\", name!=\"value\"}")
        .hint("quote the text to search for it")
}

/// As written, whether it keeps the lines that match, and whether it is a regular expression.
const LINE_FILTERS: [(&str, bool, bool); 4] =
    [("|=", true, false), ("|~", true, true), ("!=", false, false), ("!~", false, true)];

/// Whether a line filter is next: its sign, and a text in quotes.
pub(super) fn sees_line_filter(cursor: &Cursor<'_>) -> bool {
    let after = LINE_FILTERS.iter().find_map(|(sign, ..)| cursor.rest().strip_prefix(sign));
    after.is_some_and(|after| after.trim_start().starts_with(['"', '\'', '`']))
}

/// Reads a line filter: a part of the message, in this case and inside of words, too, or a regular expression.
/// `or` and another text in quotes belong to it. None, and nothing read, when there is none.
pub(super) fn line_filter(cursor: &mut Cursor<'_>) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    if !sees_line_filter(cursor) {
        return Ok(None);
    }
    let Some((_, keep, is_regex)) = LINE_FILTERS.into_iter().find(|(sign, ..)| cursor.eat(sign)) else {
        return Ok(None);
    };
    let name = Name { text: MESSAGE.to_owned(), span: cursor.span_from(start) };
    let mut parts = Vec::new();
    loop {
        cursor.skip_space();
        let at = cursor.at();
        let Some(text) = value::quoted(cursor)? else { break };
        parts.push(if text.is_empty() { Expr::All } else { in_line(cursor, &name, at, &text, is_regex)? });
        let end = cursor.at();
        cursor.skip_space();
        let another = cursor.eat_keyword("or") && {
            cursor.skip_space();
            matches!(cursor.peek(), Some('"' | '\'' | '`'))
        };
        if !another {
            cursor.set(end);
            break;
        }
    }
    let found = expr::any_part(parts);
    Ok(Some(if keep { found } else { Expr::Not(Box::new(found)) }))
}

fn in_line(
    cursor: &mut Cursor<'_>,
    name: &Name,
    at: usize,
    text: &str,
    is_regex: bool,
) -> Result<Expr, QueryError> {
    cursor.count_regex(at)?;
    let source = if is_regex { value::regex_source(text) } else { Some(regex_syntax::escape(text)) };
    let span = cursor.span_from(at);
    let source = source.ok_or_else(|| value::bad_regex(span))?;
    let condition = Condition::Has(Value { kind: ValueKind::Regex { source, ignore_case: false }, span });
    expr::field_expr(cursor, name, condition, at)
}
