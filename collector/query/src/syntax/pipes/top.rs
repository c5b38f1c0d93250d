//! `top` and `rare`: the most and the least frequent values.

use super::{names, rows_wanted};
use crate::ast::{PipeExpr, TopExpr};
use crate::error::QueryError;
use crate::limits::DEFAULT_TOP_ROWS;
use crate::syntax::cursor::Cursor;

/// `top 10 [by] path`
pub(super) fn top(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    arguments(cursor, "top").map(PipeExpr::Top)
}

/// `rare 10 [by] path`
pub(super) fn rare(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    arguments(cursor, "rare").map(PipeExpr::Rare)
}

fn arguments(cursor: &mut Cursor<'_>, pipe: &str) -> Result<TopExpr, QueryError> {
    let rows = rows_wanted(cursor)?.unwrap_or(DEFAULT_TOP_ROWS);
    cursor.skip_space();
    cursor.eat_keyword("by");
    Ok(TopExpr { rows, fields: names(cursor, pipe)? })
}
