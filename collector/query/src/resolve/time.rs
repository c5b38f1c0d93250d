//! Conditions on the time of a document.

use super::any_of;
use super::condition::check_order;
use crate::ast::{Comparison, Condition, FieldExpr, Literal, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::filter::Filter;
use crate::time::{TimeSpan, parse_time};
use crate::units::duration_ns;

/// `@timestamp>now-1h`, `_time:5m`, `_time:[2026-11-01 TO 2026-11-30]`. What a written time leaves open belongs to
/// it: `>2026-11-22` begins on the 23rd, `<=2026-11-22` ends with the 22nd.
pub(super) fn condition(field: &FieldExpr, now_ns: i64) -> Result<Filter, QueryError> {
    Ok(match &field.condition {
        Condition::Exists => Filter::All,
        Condition::Has(value) => at(value, now_ns)?,
        Condition::Equals(value) => at(value, now_ns)?,
        Condition::Differs(value) => super::not(at(value, now_ns)?),
        Condition::Compare(comparison, literal) => {
            let span = literal_time(literal, now_ns)?;
            let (start_ns, end_ns) = match comparison {
                Comparison::Less => (None, Some(span.start_ns)),
                Comparison::AtMost => (None, Some(span.end_ns)),
                Comparison::More => (Some(span.end_ns), None),
                Comparison::AtLeast => (Some(span.start_ns), None),
            };
            Filter::Time { start_ns, end_ns }
        }
        Condition::Range { low, low_inclusive, high, high_inclusive } => {
            let low = low.as_ref().map(|low| literal_time(low, now_ns)).transpose()?;
            let high = high.as_ref().map(|high| literal_time(high, now_ns)).transpose()?;
            let start_ns = low.map(|low| if *low_inclusive { low.start_ns } else { low.end_ns });
            let end_ns = high.map(|high| if *high_inclusive { high.end_ns } else { high.start_ns });
            check_order(start_ns.zip(end_ns).map(|(start, end)| start.cmp(&end)), field.span)?;
            Filter::Time { start_ns, end_ns }
        }
        Condition::In(values) => {
            any_of(values.iter().map(|value| at(value, now_ns)).collect::<Result<Vec<_>, _>>()?)
        }
    })
}

/// A time, or the last so much time. The latter has no end, so that a live tail with it goes on.
fn at(value: &Value, now_ns: i64) -> Result<Filter, QueryError> {
    let ValueKind::Text(text) = &value.kind else { return Err(no_time(value.span)) };
    if let Some(length_ns) = duration_ns(text) {
        return Ok(Filter::Time { start_ns: Some(now_ns.saturating_sub(length_ns)), end_ns: None });
    }
    let span = parse_time(text, now_ns).ok_or_else(|| no_time(value.span))?;
    Ok(Filter::Time { start_ns: Some(span.start_ns), end_ns: Some(span.end_ns) })
}

fn literal_time(literal: &Literal, now_ns: i64) -> Result<TimeSpan, QueryError> {
    parse_time(&literal.text, now_ns).ok_or_else(|| no_time(literal.span))
}

fn no_time(span: Span) -> QueryError {
    QueryError::new(QueryErrorCode::BadTime, span, "this is not a time")
        .hint("write 5m for the last five minutes, now-1h, 2026-11-22, or 2026-11-22T10:30:00Z")
}
