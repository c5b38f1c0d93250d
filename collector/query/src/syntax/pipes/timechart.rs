//! `timechart`: the options before and behind the aggregates.

use super::keys::{bad_duration, duration, group_keys};
use super::name;
use super::stats::aggregates;
use crate::ast::{KeyExpr, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::MAX_ROWS;
use crate::syntax::cursor::Cursor;

/// `timechart span=5m limit=5 useother=f count() by service`
pub(super) fn timechart(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let mut options = Options { step_ns: None, limit: None, other: true };
    options.read(cursor)?;
    let aggs = aggregates(cursor)?;
    let mut by = Vec::new();
    for key in group_keys(cursor)? {
        match key {
            KeyExpr::Time(step) => options.step_ns = Some(step),
            KeyExpr::Computed { formula, span, .. } if formula.time_step_ns().is_some() => {
                let message = "the time of a chart keeps its name";
                return Err(QueryError::new(QueryErrorCode::Unexpected, span, message)
                    .hint("leave as out, or write rename _time as …, after a |"));
            }
            other => by.push(other),
        }
    }
    // Splunk has them behind, too.
    options.read(cursor)?;
    let Options { step_ns, limit, other } = options;
    Ok(PipeExpr::Timechart { step_ns, aggs, by, limit, other })
}

struct Options {
    step_ns: Option<i64>,
    limit: Option<u64>,
    other: bool,
}

impl Options {
    fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), QueryError> {
        while let Some(option) = option(cursor)? {
            match option {
                "span" => self.step_ns = Some(duration(cursor)?),
                "limit" => self.limit = Some(series_wanted(cursor)?),
                "usenull" => with_null(cursor)?,
                _ => self.other = truth(cursor)?,
            }
        }
        Ok(())
    }
}

const OPTIONS: [&str; 4] = ["span", "limit", "useother", "usenull"];

/// `usenull=t` of SPL is what there is; the series of rows without a value can't be left out here.
fn with_null(cursor: &mut Cursor<'_>) -> Result<(), QueryError> {
    let start = cursor.at();
    if truth(cursor)? {
        return Ok(());
    }
    Err(cursor
        .error_from(start, QueryErrorCode::Unexpected, "rows without a value are a series")
        .hint("leave them out before: where service:* | timechart count() by service"))
}

/// Reads `span=` and its kin; none when no option is next.
fn option(cursor: &mut Cursor<'_>) -> Result<Option<&'static str>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let Some(option) = OPTIONS.into_iter().find(|option| cursor.eat(option)) else {
        return Ok(None);
    };
    cursor.skip_space();
    if cursor.eat("=") || cursor.eat(":") {
        return Ok(Some(option));
    }
    if option == "span" && !cursor.sees("(") {
        return Err(bad_duration(cursor, cursor.at()));
    }
    cursor.set(start);
    Ok(None)
}

fn series_wanted(cursor: &mut Cursor<'_>) -> Result<u64, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let read = name(cursor)?.and_then(|name| name.text.parse::<u64>().ok());
    read.filter(|series| *series <= MAX_ROWS).ok_or_else(|| {
        cursor
            .error_from(start, QueryErrorCode::BadNumber, "a number of series is missing here")
            .hint("write limit=10, or limit=0 for all series")
    })
}

fn truth(cursor: &mut Cursor<'_>) -> Result<bool, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    match name(cursor)?.map(|name| name.text.to_ascii_lowercase()).as_deref() {
        Some("t" | "true" | "1") => Ok(true),
        Some("f" | "false" | "0") => Ok(false),
        _ => Err(cursor
            .error_from(start, QueryErrorCode::Missing, "true or false is missing here")
            .hint("write useother=false to leave out what is not among the largest series")),
    }
}

/// Whether an option of `timechart` is next, not the name of a column.
pub(super) fn starts_option(cursor: &Cursor<'_>) -> bool {
    let behind = OPTIONS.into_iter().find_map(|option| cursor.rest().strip_prefix(option));
    behind.is_some_and(|behind| behind.starts_with('='))
}
