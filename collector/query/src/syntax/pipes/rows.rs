//! The pipes that keep, drop or order rows and columns: sort, limit, fields, where, dedup.

use super::{called_column, check_name, missing_name, name, names, push, rows_wanted};
use crate::ast::{Name, PipeExpr, SortExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::DEFAULT_LIMIT_ROWS;
use crate::syntax::cursor::Cursor;
use crate::syntax::expr;

/// `sort [by] -a, b desc`
pub(super) fn sort(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    cursor.eat_keyword("by");
    cursor.skip_space();
    let parenthesised = cursor.eat("(");
    let mut keys = Vec::new();
    loop {
        let mut separated = keys.is_empty();
        while cursor.skip_space() || cursor.sees(",") {
            separated |= cursor.eat(",");
        }
        let minus = cursor.eat("-");
        if !minus {
            cursor.eat("+");
        }
        let Some(name) = name(cursor)? else { break };
        let key = sort_key(cursor, name, separated, minus)?;
        push(cursor, &mut keys, key, start)?;
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if keys.is_empty() { Err(missing_name(cursor, "sort")) } else { Ok(PipeExpr::Sort(keys)) }
}

/// What follows a name and the sign before it: the parentheses of a column, `desc`, `nulls last`.
fn sort_key(
    cursor: &mut Cursor<'_>,
    name: Name,
    separated: bool,
    minus: bool,
) -> Result<SortExpr, QueryError> {
    let is_number = name.text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && cursor.since(name.span.offset_bytes) == name.text {
        let (message, rows) = ("sort takes no number of rows", &name.text);
        let instead =
            if rows == "0" { "leave it out".to_owned() } else { format!("write sort -count | limit {rows}") };
        let hint = format!("{instead}, or write \"{rows}\" in quotes if a field is called so");
        return Err(QueryError::new(QueryErrorCode::Unexpected, name.span, message).hint(hint));
    }
    let name = match called_column(cursor, &name)? {
        Some(column) => column,
        None if cursor.peek() == Some('(') => {
            let message = format!("there is no function {}", name.text);
            return Err(QueryError::new(QueryErrorCode::UnknownFunction, name.span, message)
                .hint("write the name of a field or column alone; numbers are in the order of numbers"));
        }
        None => {
            check_name(cursor, &name, separated, "sort")?;
            name
        }
    };
    cursor.skip_space();
    let descending = if cursor.eat_item_keyword("desc") {
        !minus
    } else {
        cursor.eat_item_keyword("asc");
        minus
    };
    let after = cursor.at();
    cursor.skip_space();
    if !cursor.eat_item_keyword("nulls") {
        cursor.set(after);
        return Ok(SortExpr { name, descending });
    }
    cursor.skip_space();
    if cursor.eat_item_keyword("last") {
        return Ok(SortExpr { name, descending });
    }
    Err(cursor
        .error_from(after, QueryErrorCode::Unexpected, "rows without a value come last")
        .hint("write nulls last, or nothing"))
}

/// `limit n`
pub(super) fn limit(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    Ok(PipeExpr::Limit(rows_wanted(cursor)?.unwrap_or(DEFAULT_LIMIT_ROWS)))
}

/// `fields a, b` or `fields -a, -b`
pub(super) fn fields(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let exclude = cursor.eat("-");
    if exclude {
        return excluded(cursor);
    }
    // As SPL writes what is kept anyway.
    cursor.eat("+");
    Ok(PipeExpr::Fields { names: names(cursor, "fields")?, exclude })
}

/// `drop a, b`
pub(super) fn drop(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    Ok(PipeExpr::Fields { names: names(cursor, "drop")?, exclude: true })
}

/// After the first `-`; each name may have one of its own.
fn excluded(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let start = cursor.at();
    let mut dropped = Vec::new();
    loop {
        let mut separated = dropped.is_empty();
        while cursor.skip_space() || cursor.sees(",") || cursor.sees("-") {
            separated |= cursor.eat(",") || cursor.eat("-");
        }
        let Some(name) = name(cursor)? else { break };
        check_name(cursor, &name, separated, "fields")?;
        push(cursor, &mut dropped, name, start)?;
    }
    if dropped.is_empty() {
        return Err(missing_name(cursor, "fields -"));
    }
    Ok(PipeExpr::Fields { names: dropped, exclude: true })
}

/// `where condition`
pub(super) fn condition(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    expr::whole(cursor).map(PipeExpr::Where)
}

/// `dedup [by] a, b`
pub(super) fn dedup(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    if let Some(rows) = rows_wanted(cursor)? {
        // `dedup 1 host` of SPL is what there is.
        if rows > 1 {
            return Err(cursor
                .error_from(start, QueryErrorCode::Unexpected, "dedup keeps one row of each")
                .hint("write dedup host"));
        }
        cursor.skip_space();
    }
    cursor.eat_keyword("by");
    Ok(PipeExpr::Dedup(names(cursor, "dedup")?))
}
