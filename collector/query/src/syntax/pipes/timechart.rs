//! `timechart`: the options before and behind the aggregates.

use super::name;
use super::stats::{aggregates, bad_duration, duration, group_keys};
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
                _ => self.other = truth(cursor)?,
            }
        }
        Ok(())
    }
}

/// Reads `span=` and its kin; none when no option is next.
fn option(cursor: &mut Cursor<'_>) -> Result<Option<&'static str>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let Some(option) = ["span", "limit", "useother"].into_iter().find(|option| cursor.eat(option)) else {
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
    ["span=", "limit=", "useother="].into_iter().any(|option| cursor.sees(option))
}
