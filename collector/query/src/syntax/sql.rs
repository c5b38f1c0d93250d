//! The conditions of SQL and ES|QL: `x IS NOT NULL`, `x LIKE "a%"`, `x RLIKE "re"`, `x BETWEEN 1 AND 5`. In capitals
//! only, as these languages are written: `is`, `like` and `between` are words that people search for.

use crate::ast::{Condition, Expr, Literal, Name, Piece, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode};
use crate::syntax::cursor::Cursor;
use crate::syntax::doubtful;
use crate::syntax::expr;
use crate::syntax::value;
use crate::syntax::word::{self, Place};

/// Reads the condition behind a name; none, and nothing read, when there is none.
pub(super) fn after_name(cursor: &mut Cursor<'_>, name: &Name) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    cursor.skip_space();
    let first = cursor.at();
    let is = eat(cursor, "IS");
    let negated = eat(cursor, "NOT");
    let condition = if is && eat(cursor, "NULL") {
        // `IS NULL` is the negation here.
        let exists = expr::field_expr(cursor, name, Condition::Exists, first)?;
        return Ok(Some(if negated { exists } else { Expr::Not(Box::new(exists)) }));
    } else if is {
        None
    } else if eat(cursor, "LIKE") {
        Some(like(argument(cursor, name, "LIKE \"ab*\"")?)?)
    } else if eat(cursor, "RLIKE") {
        let regex = argument(cursor, name, "RLIKE \"ab.*\"")?;
        Some(value::whole_regex_of(cursor, &regex)?)
    } else if eat(cursor, "BETWEEN") {
        Some(between(cursor, name)?)
    } else {
        None
    };
    let Some(condition) = condition else {
        cursor.set(start);
        return Ok(None);
    };
    let found = expr::field_expr(cursor, name, condition, first)?;
    Ok(Some(if negated { Expr::Not(Box::new(found)) } else { found }))
}

/// Reads the keyword, in capitals, and the space after it.
fn eat(cursor: &mut Cursor<'_>, keyword: &str) -> bool {
    let seen = cursor.sees(keyword) && cursor.eat_keyword(keyword);
    cursor.skip_space();
    seen
}

fn argument(cursor: &mut Cursor<'_>, name: &Name, form: &str) -> Result<Literal, QueryError> {
    let missing = |cursor: &Cursor<'_>| {
        cursor
            .error_here(QueryErrorCode::Missing, "a value is missing here")
            .hint(format!("write {} {form}; quote the word to search for it", name.text))
    };
    let start = cursor.at();
    let text = value::quoted(cursor)?;
    match text {
        Some(text) => Ok(Literal { text, span: cursor.span_from(start) }),
        None => {
            let word = word::word(cursor, Place::Bound)?;
            let text = word.text().filter(|text| !text.is_empty()).map(str::to_owned);
            text.map(|text| Literal { text, span: word.span }).ok_or_else(|| missing(cursor))
        }
    }
}

/// SQL has `%` and `_`, ES|QL `*` and `?`: a text without `*` and `?` is one of SQL. A `\` makes them themselves.
fn like(text: Literal) -> Result<Condition, QueryError> {
    let of_sql = text.text.contains('%') || !text.text.contains(['*', '?']);
    let (run, one) = if of_sql { ('%', '_') } else { ('*', '?') };
    let mut pieces: Vec<Piece> = Vec::new();
    let mut chars = text.text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' { chars.next_if(|next| [run, one].contains(next)) } else { None };
        match (escaped.unwrap_or(c), pieces.last_mut()) {
            (c, Some(Piece::AnyRun)) if c == run && escaped.is_none() => {}
            (c, _) if c == run && escaped.is_none() => pieces.push(Piece::AnyRun),
            (c, _) if c == one && escaped.is_none() => pieces.push(Piece::AnyChar),
            (c, Some(Piece::Literal(literal))) => literal.push(c),
            (c, _) => pieces.push(Piece::Literal(c.to_string())),
        }
    }
    word::check_pattern(&pieces, text.span)?;
    let kind = match pieces.as_slice() {
        [Piece::AnyRun] => return Ok(Condition::Exists),
        [] => ValueKind::Text(String::new()),
        [Piece::Literal(literal)] => ValueKind::Text(literal.clone()),
        _ => ValueKind::Pattern(pieces),
    };
    Ok(Condition::Equals(Value { kind, span: text.span }))
}

fn bound(cursor: &mut Cursor<'_>, name: &Name) -> Result<Literal, QueryError> {
    let is_quoted = matches!(cursor.peek(), Some('"' | '\'' | '`'));
    let literal = argument(cursor, name, "BETWEEN 1 AND 5")?;
    if !is_quoted {
        doubtful::refuse_bound(name, &literal)?;
    }
    Ok(literal)
}

fn between(cursor: &mut Cursor<'_>, name: &Name) -> Result<Condition, QueryError> {
    let low = bound(cursor, name)?;
    cursor.skip_space();
    if !eat(cursor, "AND") {
        return Err(cursor
            .error_here(QueryErrorCode::BadRange, "BETWEEN needs an AND")
            .hint(format!("write {}:[1 TO 5]", name.text)));
    }
    let high = bound(cursor, name)?;
    Ok(Condition::Range { low: Some(low), low_inclusive: true, high: Some(high), high_inclusive: true })
}
