//! `stats` and `timechart`: aggregates and group keys.

use super::{missing_name, name, push};
use crate::ast::{AggExpr, KeyExpr, Name, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::nearest::nearest;
use crate::pipe::AggFunction;
use crate::syntax::cursor::Cursor;
use crate::units::duration_ns;

/// `stats count(), p95(duration) as slow by service, _time:1h`
pub(super) fn stats(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let aggs = aggregates(cursor)?;
    Ok(PipeExpr::Stats { aggs, by: group_keys(cursor)? })
}

/// `timechart span=5m count() by service`
pub(super) fn timechart(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let mut step_ns = None;
    if cursor.eat("span") {
        cursor.skip_space();
        if !cursor.eat("=") && !cursor.eat(":") {
            return Err(bad_duration(cursor, cursor.at()));
        }
        step_ns = Some(duration(cursor)?);
    }
    let aggs = aggregates(cursor)?;
    let mut by = Vec::new();
    for key in group_keys(cursor)? {
        match key {
            KeyExpr::Field(name) => by.push(name),
            KeyExpr::Time(step) => step_ns = Some(step),
        }
    }
    Ok(PipeExpr::Timechart { step_ns, aggs, by })
}

/// At least one aggregate, separated by commas; `count()` when there is none before `by` or the end.
fn aggregates(cursor: &mut Cursor<'_>) -> Result<Vec<AggExpr>, QueryError> {
    let mut aggs = Vec::new();
    cursor.skip_space();
    let start = cursor.at();
    if cursor.at_end() || cursor.peek() == Some('|') || cursor.sees_keyword("by") {
        let span = cursor.span_from(start);
        return Ok(vec![AggExpr { function: AggFunction::Count, field: None, column: None, span }]);
    }
    loop {
        let agg = aggregate(cursor)?;
        push(cursor, &mut aggs, agg, start)?;
        cursor.skip_space();
        if !cursor.eat(",") {
            return Ok(aggs);
        }
    }
}

/// `p95(duration) as slow`; the parentheses of `count()` and the word `as` may be left out.
fn aggregate(cursor: &mut Cursor<'_>) -> Result<AggExpr, QueryError> {
    let Some(called) = name(cursor)? else {
        return Err(cursor
            .error_here(QueryErrorCode::Missing, "an aggregate is missing here")
            .hint("write count(), or one of dc, sum, avg, min, max, median, p95 with a field"));
    };
    let start = called.span.offset_bytes;
    let (mut field, mut number) = (None, None);
    cursor.skip_space();
    let parenthesised = cursor.eat("(");
    if parenthesised {
        cursor.skip_space();
        if !cursor.eat("*") {
            field = name(cursor)?;
        }
        cursor.skip_space();
        if cursor.eat(",") {
            number = name(cursor)?;
        }
        cursor.skip_space();
        if !cursor.eat(")") {
            return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
        }
    }
    let function = function(cursor, &called, number.as_ref())?;
    if field.is_none() && function != AggFunction::Count {
        let message = format!("{} needs the name of a field", called.text);
        let error = cursor.error_from(start, QueryErrorCode::Missing, message);
        return Err(error.hint(format!("write {}(duration)", called.text)));
    }
    let span = cursor.span_from(start);
    cursor.skip_space();
    let named = cursor.eat_keyword("as");
    let column = if named || (parenthesised && !cursor.sees_keyword("by")) { name(cursor)? } else { None };
    if named && column.is_none() {
        return Err(cursor.error_here(QueryErrorCode::Missing, "a name is missing after as"));
    }
    Ok(AggExpr { function, field, column, span })
}

/// Every name of every aggregate but the percentiles.
const FUNCTIONS: [(&str, AggFunction); 11] = [
    ("count", AggFunction::Count),
    ("dc", AggFunction::Distinct),
    ("count_uniq", AggFunction::Distinct),
    ("count_distinct", AggFunction::Distinct),
    ("distinct", AggFunction::Distinct),
    ("sum", AggFunction::Sum),
    ("avg", AggFunction::Avg),
    ("mean", AggFunction::Avg),
    ("min", AggFunction::Min),
    ("max", AggFunction::Max),
    ("median", AggFunction::Percentile(0.5)),
];

/// Names of aggregates, with the percentiles that people want.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).chain(["p50", "p90", "p95", "p99", "percentile"])
}

fn function(cursor: &Cursor<'_>, called: &Name, number: Option<&Name>) -> Result<AggFunction, QueryError> {
    let lower = called.text.to_ascii_lowercase();
    if lower == "percentile" || lower == "quantile" {
        let text = number.map(|number| number.text.as_str()).unwrap_or_default();
        let scale = if lower == "quantile" { 100.0 } else { 1.0 };
        return match text.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&(percent * scale)) => {
                Ok(AggFunction::Percentile(percent * scale / 100.0))
            }
            _ => Err(cursor
                .error_from(called.span.offset_bytes, QueryErrorCode::BadNumber, "a percentile is 0 to 100")
                .hint("write percentile(duration, 95) or p95(duration)")),
        };
    }
    if let Some(percent) = lower.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok())
        && (0.0..=100.0).contains(&percent)
    {
        return Ok(AggFunction::Percentile(percent / 100.0));
    }
    if let Some((_, function)) = FUNCTIONS.into_iter().find(|(name, _)| *name == lower) {
        return Ok(function);
    }
    let message = format!("there is no aggregate {}", called.text);
    let error = QueryError::new(QueryErrorCode::UnknownFunction, called.span, message);
    Err(error.hint(match nearest(&lower, FUNCTIONS.iter().map(|(name, _)| *name)) {
        Some(known) => format!("did you mean {known}?"),
        None => "use count, dc, sum, avg, min, max, median, p95 or percentile(field, n)".to_owned(),
    }))
}

/// `by a, _time:5m`, with or without parentheses around the keys; none when there is no `by`.
fn group_keys(cursor: &mut Cursor<'_>) -> Result<Vec<KeyExpr>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let mut keys = Vec::new();
    if !cursor.eat_keyword("by") {
        return Ok(keys);
    }
    cursor.skip_space();
    let parenthesised = cursor.eat("(");
    loop {
        while cursor.skip_space() || cursor.eat(",") {}
        let Some(key) = name(cursor)? else { break };
        let key = if cursor.eat(":") {
            KeyExpr::Time(duration(cursor)?)
        } else if key.text == "bin" && cursor.eat("(") {
            let step = duration(cursor)?;
            if !cursor.eat(")") {
                return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
            }
            KeyExpr::Time(step)
        } else {
            KeyExpr::Field(key)
        };
        push(cursor, &mut keys, key, start)?;
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if keys.is_empty() { Err(missing_name(cursor, "by")) } else { Ok(keys) }
}

fn duration(cursor: &mut Cursor<'_>) -> Result<i64, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let read = name(cursor)?.and_then(|name| duration_ns(&name.text));
    cursor.skip_space();
    read.ok_or_else(|| bad_duration(cursor, start))
}

fn bad_duration(cursor: &Cursor<'_>, start: usize) -> QueryError {
    cursor
        .error_from(start, QueryErrorCode::BadTime, "a duration is missing here")
        .hint("write 30s, 5m or 1h")
}
