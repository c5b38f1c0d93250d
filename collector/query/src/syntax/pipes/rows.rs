//! The pipes that keep, drop or order rows and columns: sort, limit, fields, where, dedup.

use super::{missing_name, name, names, push, rows_wanted};
use crate::ast::{PipeExpr, SortExpr};
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
        while cursor.skip_space() || cursor.eat(",") {}
        let minus = cursor.eat("-");
        if !minus {
            cursor.eat("+");
        }
        let Some(mut key) = name(cursor)? else { break };
        // After `stats count()` people sort by `count()`: the parentheses are part of the column's name.
        let call = cursor.at();
        if cursor.eat("(") {
            let inner = name(cursor)?.map(|inner| inner.text).unwrap_or_default();
            cursor.skip_space();
            if !cursor.eat(")") {
                return Err(cursor.error_from(call, QueryErrorCode::Unclosed, "this ( is never closed"));
            }
            if !inner.is_empty() {
                key.text = format!("{}({inner})", key.text);
            }
            key.span = cursor.span_from(key.span.offset_bytes);
        }
        cursor.skip_space();
        let descending = if cursor.eat_item_keyword("desc") {
            !minus
        } else {
            cursor.eat_item_keyword("asc");
            minus
        };
        push(cursor, &mut keys, SortExpr { name: key, descending }, start)?;
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if keys.is_empty() { Err(missing_name(cursor, "sort")) } else { Ok(PipeExpr::Sort(keys)) }
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
        while cursor.skip_space() || cursor.eat(",") || cursor.eat("-") {}
        match name(cursor)? {
            Some(name) => push(cursor, &mut dropped, name, start)?,
            None => break,
        }
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
    cursor.eat_keyword("by");
    Ok(PipeExpr::Dedup(names(cursor, "dedup")?))
}
