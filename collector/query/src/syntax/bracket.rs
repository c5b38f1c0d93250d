//! What stands in brackets behind a field: ranges `[a TO b]`, lists `in (a, b)`, and the numbers of functions.

use crate::ast::{Condition, Expr, Literal, Name, Value};
use crate::error::QueryError;
use crate::error::QueryErrorCode;
use crate::syntax::cursor::Cursor;
use crate::syntax::expr;
use crate::syntax::value;
use crate::syntax::word::Place;

/// Reads `[a TO b]` or `{a TO b}`: the two brackets may differ, a `(` or `)` leaves its end out, too, and `*` is no
/// bound.
pub(super) fn range(cursor: &mut Cursor<'_>, name: &Name) -> Result<Expr, QueryError> {
    let start = cursor.at();
    let low_inclusive = cursor.bump() == Some('[');
    let low = bound(cursor, name, start)?;
    cursor.skip_space();
    if !cursor.eat_keyword("to") && !cursor.eat(",") {
        return Err(bad_range(cursor, start));
    }
    let high = bound(cursor, name, start)?;
    cursor.skip_space();
    let high_inclusive = match cursor.peek() {
        Some(']') => true,
        Some('}' | ')') => false,
        _ => return Err(bad_range(cursor, start)),
    };
    cursor.bump();
    let condition = Condition::Range { low, low_inclusive, high, high_inclusive };
    expr::field_expr(cursor, name, condition, start)
}

fn bound(cursor: &mut Cursor<'_>, name: &Name, start: usize) -> Result<Option<Literal>, QueryError> {
    cursor.skip_space();
    if cursor.peek() == Some('*')
        && cursor.peek_second().is_none_or(|c| c.is_whitespace() || matches!(c, ',' | ']' | '}' | ')'))
    {
        cursor.bump();
        return Ok(None);
    }
    match value::bound(cursor, name, Place::Bound)? {
        Some(literal) => Ok(Some(literal)),
        None => Err(bad_range(cursor, start)),
    }
}

fn bad_range(cursor: &Cursor<'_>, start: usize) -> QueryError {
    cursor
        .error_from(start, QueryErrorCode::BadRange, "a range is [low TO high]")
        .hint("write [400 TO 499], {0 TO 1} without its ends, or [500 TO *]; quote the text to search for it")
}

/// Reads `in (a, b)` or `in [a b]`; none, and nothing read, when no bracket follows.
pub(super) fn list(cursor: &mut Cursor<'_>, name: &Name) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    cursor.eat_keyword("in");
    cursor.skip_space();
    let open = cursor.at();
    if !matches!(cursor.peek(), Some('(' | '[')) {
        cursor.set(start);
        return Ok(None);
    }
    let values = values(cursor)?;
    if values.is_empty() {
        let error = cursor.error_from(open, QueryErrorCode::Missing, "the list is empty");
        return Err(error.hint("write field in (a, b)"));
    }
    expr::field_expr(cursor, name, Condition::In(values), start).map(Some)
}

/// Reads `(a, b)` or `[a b]`, counting each value.
pub(super) fn values(cursor: &mut Cursor<'_>) -> Result<Vec<Value>, QueryError> {
    let open = cursor.at();
    let (close, place) = if cursor.bump() == Some('(') { (")", Place::Item) } else { ("]", Place::Bound) };
    let mut values = Vec::new();
    loop {
        while cursor.skip_space() || cursor.eat(",") {}
        if cursor.eat(close) {
            return Ok(values);
        }
        let at = cursor.at();
        match value::value(cursor, place)? {
            Some(value) => values.push(value),
            None if cursor.at_end() => {
                cursor.set(open + 1);
                let error = cursor.error_from(open, QueryErrorCode::Unclosed, "this list is never closed");
                return Err(error.hint(format!("add a {close}")));
            }
            None => return Err(expr::left_over(cursor)),
        }
        cursor.count_clause(at)?;
    }
}
