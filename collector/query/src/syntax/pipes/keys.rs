//! What rows are grouped by: fields, steps of time, and what is computed.

use super::stats::is_aggregate;
use super::timechart::starts_option;
use super::{check_name, is_quoted, missing_name, name, push};
use crate::aliases::{TIMESTAMP, canonical};
use crate::ast::{KeyExpr, Literal, Name};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::formula::{Formula, Function};
use crate::syntax::cursor::Cursor;
use crate::syntax::formula::formula;
use crate::units::duration_ns;

/// `by a, _time:5m`, with or without parentheses around the keys; none when there is no `by`.
pub(super) fn group_keys(cursor: &mut Cursor<'_>) -> Result<Vec<KeyExpr>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let mut keys = Vec::new();
    if !cursor.eat_keyword("by") {
        return Ok(keys);
    }
    cursor.skip_space();
    let parenthesised = cursor.eat("(");
    loop {
        let mut separated = keys.is_empty();
        while cursor.skip_space() || cursor.sees(",") {
            separated |= cursor.eat(",");
        }
        if starts_option(cursor) {
            break;
        }
        let at = cursor.at();
        let Some(key) = name(cursor)? else { break };
        let key = if cursor.sees(":") {
            time_key(cursor, &key)?
        } else if cursor.peek() == Some('(') {
            if is_aggregate(&key.text) && Function::called(&key.text).is_none() {
                let hint = format!("write it before by: stats {}(…) by host", key.text);
                return Err(bad_key(&key, hint));
            }
            computed_key(cursor, &key, at)?
        } else {
            if duration_ns(&key.text).is_some() && !is_quoted(cursor, &key) {
                return Err(bad_key(&key, format!("write _time:{} for steps of time", key.text)));
            }
            check_name(cursor, &key, separated, "by")?;
            plain_key(cursor, key)?
        };
        push(cursor, &mut keys, key, start)?;
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if keys.is_empty() { Err(missing_name(cursor, "by")) } else { Ok(keys) }
}

fn bad_key(key: &Name, hint: String) -> QueryError {
    let message = format!("{} is no key of groups", key.text);
    QueryError::new(QueryErrorCode::Unexpected, key.span, message).hint(hint)
}

/// `_time:5m`, `_time:5m as t`. Only the time has steps that are written so.
fn time_key(cursor: &mut Cursor<'_>, key: &Name) -> Result<KeyExpr, QueryError> {
    cursor.eat(":");
    let step = step_of(cursor, key)?;
    let written = Literal { text: cursor.since(step.offset_bytes).to_owned(), span: step };
    let step_ns = duration_ns(&written.text).ok_or_else(|| bad_duration(cursor, step.offset_bytes))?;
    if canonical(&key.text) != TIMESTAMP {
        let (name, step) = (&key.text, &written.text);
        let hint = match name.as_str() {
            "time" | "timestamp" | "date" => format!("write _time:{step} for the time of the documents"),
            _ => {
                format!("write bin({name}, {step}), or bin(totime({name}), {step}) for dates that are texts")
            }
        };
        return Err(bad_key(&Name { text: name.clone(), span: key.span.to(written.span) }, hint));
    }
    let span = key.span.to(written.span);
    let arguments = vec![Formula::Field(key.clone()), Formula::Quantity(written)];
    let formula = Formula::Call { function: Function::Bin, arguments, span };
    named_step(cursor, step_ns, formula, span)
}

/// Where the step stands.
fn step_of(cursor: &mut Cursor<'_>, key: &Name) -> Result<Span, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let read = name(cursor)?.filter(|name| duration_ns(&name.text).is_some());
    match read {
        Some(name) => Ok(name.span),
        None if canonical(&key.text) == TIMESTAMP => Err(bad_duration(cursor, start)),
        None => Err(bad_key(key, format!("write bin({}, 100) for steps of a number", key.text))),
    }
}

/// A step of time, with the name of its column if `as` follows.
fn named_step(
    cursor: &mut Cursor<'_>,
    step_ns: i64,
    formula: Formula,
    span: Span,
) -> Result<KeyExpr, QueryError> {
    Ok(match column(cursor)? {
        Some(column) => KeyExpr::Computed { formula, column: Some(column), span },
        None => KeyExpr::Time(step_ns),
    })
}

/// Reads `as name`; none, and nothing read, when there is none.
fn column(cursor: &mut Cursor<'_>) -> Result<Option<Name>, QueryError> {
    let after = cursor.at();
    cursor.skip_space();
    if !cursor.eat_keyword("as") {
        cursor.set(after);
        return Ok(None);
    }
    match name(cursor)? {
        Some(name) => Ok(Some(name)),
        None => Err(cursor.error_here(QueryErrorCode::Missing, "a name is missing after as")),
    }
}

/// `host`, `host as server`
fn plain_key(cursor: &mut Cursor<'_>, key: Name) -> Result<KeyExpr, QueryError> {
    let Some(column) = column(cursor)? else { return Ok(KeyExpr::Field(key)) };
    let span = cursor.span_from(key.span.offset_bytes);
    Ok(KeyExpr::Computed { formula: Formula::Field(key), column: Some(column), span })
}

/// `bin(5m)`, `bin(_time, 5m)`, or any function: `bin(bytes, 1000) as size`. Its name begins at `start`.
fn computed_key(cursor: &mut Cursor<'_>, called: &Name, start: usize) -> Result<KeyExpr, QueryError> {
    let is_bin = called.text.eq_ignore_ascii_case("bin");
    if is_bin && cursor.eat("(") {
        cursor.skip_space();
        if let Some(step) = name(cursor)?
            && let Some(step_ns) = duration_ns(&step.text)
            && cursor.eat(")")
        {
            let span = cursor.span_from(start);
            let time = Name { text: "_time".to_owned(), span };
            let step = Literal { text: step.text, span: step.span };
            let arguments = vec![Formula::Field(time), Formula::Quantity(step)];
            let formula = Formula::Call { function: Function::Bin, arguments, span };
            return named_step(cursor, step_ns, formula, span);
        }
    }
    cursor.set(start);
    let formula = match formula(cursor)? {
        // A quote within the word before the parenthesis has ended the name: nothing is called.
        Formula::Field(key) => return plain_key(cursor, key),
        formula => formula,
    };
    let span = cursor.span_from(start);
    if let Some(step_ns) = formula.time_step_ns() {
        return named_step(cursor, step_ns, formula, span);
    }
    Ok(KeyExpr::Computed { formula, column: column(cursor)?, span })
}

/// Reads a duration, nanoseconds.
pub(super) fn duration(cursor: &mut Cursor<'_>) -> Result<i64, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let read = name(cursor)?.and_then(|name| duration_ns(&name.text));
    cursor.skip_space();
    read.ok_or_else(|| bad_duration(cursor, start))
}

/// What to say where no duration is.
pub(super) fn bad_duration(cursor: &Cursor<'_>, start: usize) -> QueryError {
    cursor
        .error_from(start, QueryErrorCode::BadTime, "a duration is missing here")
        .hint("write 30s, 5m or 1h")
}
