//! Conditions on the time of a document.

use std::ops::Bound;

use super::any_of;
use super::condition::{bound, check_order, ends_of};
use crate::ast::{Condition, FieldExpr, Literal, Value, ValueKind};
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
            let (low, high) = ends_of(*comparison, literal);
            let (start_ns, end_ns) = interval(low, high, field.span, now_ns)?;
            Filter::Time { start_ns, end_ns }
        }
        Condition::Range { low, low_inclusive, high, high_inclusive } => {
            let (low, high) = (bound(low.as_ref(), *low_inclusive), bound(high.as_ref(), *high_inclusive));
            let (start_ns, end_ns) = interval(low, high, field.span, now_ns)?;
            Filter::Time { start_ns, end_ns }
        }
        Condition::Length(_) => return Err(no_time(field.span)),
        Condition::In(values) => {
            any_of(values.iter().map(|value| at(value, now_ns)).collect::<Result<Vec<_>, _>>()?)
        }
    })
}

/// The first nanosecond of an interval, and the first one after it.
pub(super) fn interval(
    low: Bound<&Literal>,
    high: Bound<&Literal>,
    span: Span,
    now_ns: i64,
) -> Result<(Option<i64>, Option<i64>), QueryError> {
    let start_ns = match low {
        Bound::Included(low) => Some(literal_time(low, now_ns)?.start_ns),
        Bound::Excluded(low) => Some(literal_time(low, now_ns)?.end_ns),
        Bound::Unbounded => None,
    };
    let end_ns = match high {
        Bound::Included(high) => Some(literal_time(high, now_ns)?.end_ns),
        Bound::Excluded(high) => Some(literal_time(high, now_ns)?.start_ns),
        Bound::Unbounded => None,
    };
    check_order(start_ns.zip(end_ns).map(|(start, end)| start.cmp(&end)), span)?;
    Ok((start_ns, end_ns))
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
    parse_time(&literal.text, now_ns).ok_or_else(|| match duration_ns(&literal.text) {
        Some(_) => no_time(literal.span).hint(format!("write now-{}", literal.text)),
        None => no_time(literal.span),
    })
}

fn no_time(span: Span) -> QueryError {
    QueryError::new(QueryErrorCode::BadTime, span, "this is not a time")
        .hint("write 5m for the last five minutes, now-1h, 2026-11-22, or 2026-11-22T10:30:00Z")
}
