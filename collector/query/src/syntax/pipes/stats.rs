//! `stats`: aggregates and group keys.

use super::timechart::starts_option;
use super::{missing_name, name, push};
use crate::aliases::{TIMESTAMP, canonical};
use crate::ast::{AggCall, AggExpr, KeyExpr, Name, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::formula::{Formula, Function, Operator};
use crate::nearest::nearest;
use crate::pipe::AggFunction;
use crate::syntax::cursor::Cursor;
use crate::syntax::formula::formula;
use crate::units::duration_ns;

/// `stats count(), p95(duration) as slow by service, _time:1h`
pub(super) fn stats(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let aggs = aggregates(cursor)?;
    Ok(PipeExpr::Stats { aggs, by: group_keys(cursor)? })
}

/// At least one aggregate, separated by commas; `count()` when there is none before `by` or the end.
pub(super) fn aggregates(cursor: &mut Cursor<'_>) -> Result<Vec<AggExpr>, QueryError> {
    let mut aggs = Vec::new();
    cursor.skip_space();
    let start = cursor.at();
    if cursor.at_end() || cursor.peek() == Some('|') || cursor.sees_keyword("by") {
        let span = cursor.span_from(start);
        let function = AggCall::Of(AggFunction::Count);
        return Ok(vec![AggExpr { function, field: None, computed: None, column: None, span }]);
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
    let mut of = Argument::default();
    cursor.skip_space();
    let parenthesised = cursor.eat("(");
    if parenthesised {
        of = argument(cursor)?;
        if !cursor.eat(")") {
            return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
        }
    }
    let function = function(cursor, &called, of.number.as_ref())?;
    if COUNT_IF.iter().any(|name| called.text.eq_ignore_ascii_case(name)) {
        of.is_a_condition();
    }
    let needs_one = !matches!(function, AggCall::Of(AggFunction::Count) | AggCall::Rate);
    if of.field.is_none() && of.computed.is_none() && needs_one {
        let message = format!("{} needs the name of a field", called.text);
        let error = cursor.error_from(start, QueryErrorCode::Missing, message);
        return Err(error.hint(format!("write {}(duration)", called.text)));
    }
    let span = cursor.span_from(start);
    cursor.skip_space();
    let named = cursor.eat_keyword("as");
    let goes_on = cursor.sees_keyword("by") || starts_option(cursor);
    let column = if named || (parenthesised && !goes_on) { name(cursor)? } else { None };
    if named && column.is_none() {
        return Err(cursor.error_here(QueryErrorCode::Missing, "a name is missing after as"));
    }
    Ok(AggExpr { function, field: of.field, computed: of.computed, column, span })
}

/// What stands between the parentheses of an aggregate.
#[derive(Default)]
struct Argument {
    field: Option<Name>,
    computed: Option<Formula>,
    number: Option<Name>,
}

impl Argument {
    /// A field alone holds where it is true: `countif(cached)` counts those, and not all values.
    fn is_a_condition(&mut self) {
        if let Some(field) = self.field.take() {
            let [field, truth] = [Formula::Field(field), Formula::Bool(true)].map(Box::new);
            self.computed = Some(Formula::Binary(Operator::Equal, field, truth));
        }
    }
}

/// A name as in any pipe, or else a formula; then a number. Stops before the parenthesis.
fn argument(cursor: &mut Cursor<'_>) -> Result<Argument, QueryError> {
    let mut of = Argument::default();
    cursor.skip_space();
    let start = cursor.at();
    if !cursor.eat("*") {
        of.field = name(cursor)?;
    }
    cursor.skip_space();
    if !matches!(cursor.peek(), None | Some(')' | ',' | '|')) {
        cursor.set(start);
        match formula(cursor)? {
            Formula::Field(name) => of.field = Some(name),
            formula => (of.field, of.computed) = (None, Some(formula)),
        }
        cursor.skip_space();
    }
    if cursor.eat(",") {
        of.number = name(cursor)?;
        cursor.skip_space();
    }
    Ok(of)
}

const RATE: &str = "rate";

const COUNT_IF: [&str; 2] = ["countif", "count_if"];

/// Every name of every aggregate but the percentiles and the rate.
const FUNCTIONS: [(&str, AggFunction); 22] = [
    ("count", AggFunction::Count),
    ("countif", AggFunction::Count),
    ("count_if", AggFunction::Count),
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
    ("stdev", AggFunction::Deviation),
    ("stddev", AggFunction::Deviation),
    ("values", AggFunction::Values),
    ("uniq_values", AggFunction::Values),
    ("first", AggFunction::First),
    ("earliest", AggFunction::First),
    ("last", AggFunction::Last),
    ("latest", AggFunction::Last),
    ("distinct_count", AggFunction::Distinct),
];

/// Names of aggregates, with the percentiles that people want.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name).chain([RATE, "p50", "p90", "p95", "p99", "percentile"])
}

fn function(cursor: &Cursor<'_>, called: &Name, number: Option<&Name>) -> Result<AggCall, QueryError> {
    let lower = called.text.to_ascii_lowercase();
    if lower == "percentile" || lower == "quantile" {
        let text = number.map(|number| number.text.as_str()).unwrap_or_default();
        let scale = if lower == "quantile" { 100.0 } else { 1.0 };
        return match text.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&(percent * scale)) => {
                Ok(AggCall::Of(AggFunction::Percentile(percent * scale / 100.0)))
            }
            _ => Err(cursor
                .error_from(called.span.offset_bytes, QueryErrorCode::BadNumber, "a percentile is 0 to 100")
                .hint("write percentile(duration, 95) or p95(duration)")),
        };
    }
    if let Some(percent) = lower.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok())
        && (0.0..=100.0).contains(&percent)
    {
        return Ok(AggCall::Of(AggFunction::Percentile(percent / 100.0)));
    }
    if let Some((_, function)) = FUNCTIONS.into_iter().find(|(name, _)| *name == lower) {
        return Ok(AggCall::Of(function));
    }
    if lower == RATE {
        return Ok(AggCall::Rate);
    }
    let message = format!("there is no aggregate {}", called.text);
    let error = QueryError::new(QueryErrorCode::UnknownFunction, called.span, message);
    let names = FUNCTIONS.iter().map(|(name, _)| *name).chain([RATE]);
    Err(error.hint(match nearest(&lower, names) {
        Some(known) => format!("did you mean {known}?"),
        None => "use count, dc, sum, avg, min, max, median, p95 or percentile(field, n)".to_owned(),
    }))
}

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
        while cursor.skip_space() || cursor.eat(",") {}
        if starts_option(cursor) {
            break;
        }
        let at = cursor.at();
        let Some(key) = name(cursor)? else { break };
        let key = if cursor.eat(":") {
            KeyExpr::Time(duration(cursor)?)
        } else if cursor.peek() == Some('(') {
            computed_key(cursor, &key, at)?
        } else {
            plain_key(cursor, key)?
        };
        push(cursor, &mut keys, key, start)?;
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if keys.is_empty() { Err(missing_name(cursor, "by")) } else { Ok(keys) }
}

/// `host`, `host as server`
fn plain_key(cursor: &mut Cursor<'_>, key: Name) -> Result<KeyExpr, QueryError> {
    let after = cursor.at();
    cursor.skip_space();
    if !cursor.eat_keyword("as") {
        cursor.set(after);
        return Ok(KeyExpr::Field(key));
    }
    let column = name(cursor)?;
    if column.is_none() {
        return Err(cursor.error_here(QueryErrorCode::Missing, "a name is missing after as"));
    }
    let span = cursor.span_from(key.span.offset_bytes);
    Ok(KeyExpr::Computed { formula: Formula::Field(key), column, span })
}

/// `bin(5m)`, `bin(_time, 5m)`, or any function: `bin(bytes, 1000) as size`. Its name begins at `start`.
fn computed_key(cursor: &mut Cursor<'_>, called: &Name, start: usize) -> Result<KeyExpr, QueryError> {
    let is_bin = called.text.eq_ignore_ascii_case("bin");
    if is_bin && cursor.eat("(") {
        cursor.skip_space();
        if let Some(step) = name(cursor)?.and_then(|name| duration_ns(&name.text))
            && cursor.eat(")")
        {
            return Ok(KeyExpr::Time(step));
        }
    }
    cursor.set(start);
    let formula = formula(cursor)?;
    if let Formula::Call { function: Function::Bin, arguments, .. } = &formula
        && let [Formula::Field(field), Formula::Quantity(step)] = arguments.as_slice()
        && canonical(&field.text) == TIMESTAMP
        && let Some(step) = duration_ns(&step.text)
    {
        return Ok(KeyExpr::Time(step));
    }
    let span = cursor.span_from(start);
    cursor.skip_space();
    let column = if cursor.eat_keyword("as") { name(cursor)? } else { None };
    Ok(KeyExpr::Computed { formula, column, span })
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
