//! `stats`: its aggregates.

use super::keys::group_keys;
use super::timechart::starts_option;
use super::{name, push};
use crate::ast::{AggCall, AggExpr, Name, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::formula::{Formula, Operator};
use crate::names::{is_field_name, is_name_in_aggregate};
use crate::nearest::nearest;
use crate::pipe::AggFunction;
use crate::syntax::cursor::Cursor;
use crate::syntax::formula::formula;

/// `stats count(), p95(duration) as slow by service, _time:1h`
pub(super) fn stats(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    // LogsQL may have the keys first.
    let keys_first = cursor.sees_keyword("by")
        && cursor.rest().get(2..).is_some_and(|rest| rest.trim_start().starts_with('('));
    let mut by = if keys_first { group_keys(cursor)? } else { Vec::new() };
    let aggs = aggregates(cursor)?;
    if !keys_first {
        by = group_keys(cursor)?;
    }
    Ok(PipeExpr::Stats { aggs, by })
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

/// `p95(duration) as slow`, `slow = p95(duration)`; the parentheses of `count()` and the word `as` may be left out.
fn aggregate(cursor: &mut Cursor<'_>) -> Result<AggExpr, QueryError> {
    let mut called = aggregate_name(cursor)?;
    let mut column = None;
    cursor.skip_space();
    // ES|QL has the name first.
    if cursor.sees("=") && !cursor.sees("==") {
        cursor.eat("=");
        column = Some(std::mem::replace(&mut called, aggregate_name(cursor)?));
        cursor.skip_space();
    }
    let parenthesised = cursor.peek() == Some('(');
    let mut agg = call(cursor, &called)?;
    cursor.skip_space();
    let named = column.is_none() && cursor.eat_keyword("as");
    let goes_on = column.is_some() || cursor.sees_keyword("by") || starts_option(cursor);
    if named || (parenthesised && !goes_on) {
        column = name(cursor)?;
    }
    if named && column.is_none() {
        return Err(cursor.error_here(QueryErrorCode::Missing, "a name is missing after as"));
    }
    agg.column = column;
    Ok(agg)
}

fn aggregate_name(cursor: &mut Cursor<'_>) -> Result<Name, QueryError> {
    match name(cursor)? {
        Some(called) => Ok(called),
        None => Err(cursor
            .error_here(QueryErrorCode::Missing, "an aggregate is missing here")
            .hint("write count(), or one of dc, sum, avg, min, max, median, p95 with a field")),
    }
}

/// What follows the name of an aggregate, up to its parenthesis.
fn call(cursor: &mut Cursor<'_>, called: &Name) -> Result<AggExpr, QueryError> {
    let start = called.span.offset_bytes;
    let mut of = Argument::default();
    if cursor.eat("(") {
        of = argument(cursor)?;
        if !cursor.eat(")") {
            return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
        }
    }
    let function = function(cursor, called, of.number.as_ref())?;
    let counts = function == AggCall::Of(AggFunction::Count);
    if COUNT_IF.iter().any(|name| called.text.eq_ignore_ascii_case(name)) {
        of.is_a_condition();
    } else if counts && matches!(of.computed, Some(Formula::Number(_))) {
        // `count(1)` of SQL counts rows.
        of.computed = None;
    }
    let needs_one = !counts && function != AggCall::Rate;
    if of.field.is_none() && of.computed.is_none() && needs_one {
        let message = format!("{} needs the name of a field", called.text);
        let error = cursor.error_from(start, QueryErrorCode::Missing, message);
        return Err(error.hint(format!("write {}(duration)", called.text)));
    }
    let span = cursor.span_from(start);
    Ok(AggExpr { function, field: of.field, computed: of.computed, column: None, span })
}

/// Whether a name is that of an aggregate.
pub(in crate::syntax) fn is_aggregate(name: &str) -> bool {
    called(&name.to_ascii_lowercase()).is_some() || is_percentile_of(name)
}

fn is_percentile_of(name: &str) -> bool {
    ["percentile", "quantile"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// The column that an aggregate has when it has no name, read from behind its name.
pub(super) fn column(cursor: &mut Cursor<'_>, called: &Name) -> Result<Name, QueryError> {
    let text = call(cursor, called)?.plain_column();
    Ok(Name { text, span: cursor.span_from(called.span.offset_bytes) })
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
    let evaluated = eats_eval(cursor);
    if !evaluated && !cursor.eat("*") {
        of.field = plain_name(cursor)?;
    }
    cursor.skip_space();
    if evaluated || !matches!(cursor.peek(), None | Some(')' | ',' | '|')) {
        if !evaluated {
            refuse_joined(of.field.as_ref(), cursor, start)?;
            cursor.set(start);
        }
        match formula(cursor)? {
            Formula::Field(name) => of.field = Some(name),
            formula => (of.field, of.computed) = (None, Some(formula)),
        }
        cursor.skip_space();
        if evaluated && !cursor.eat(")") {
            return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
        }
        cursor.skip_space();
    }
    if cursor.eat(",") {
        of.number = name(cursor)?;
        cursor.skip_space();
    }
    Ok(of)
}

/// Reads the `eval(` of `count(eval(status>=500))`, which SPL has around formulas.
fn eats_eval(cursor: &mut Cursor<'_>) -> bool {
    let start = cursor.at();
    let found = cursor.eat_keyword("eval") && {
        cursor.skip_space();
        cursor.eat("(")
    };
    if !found {
        cursor.set(start);
    }
    found
}

/// Refuses a name with a `-` between letters, read since `start` without quotes, where a formula stands: `a-b * 2`.
fn refuse_joined(name: Option<&Name>, cursor: &Cursor<'_>, start: usize) -> Result<(), QueryError> {
    let is_quoted = cursor.since(start).starts_with(['"', '\'', '`']);
    let Some(name) = name.filter(|_| !is_quoted) else { return Ok(()) };
    let starts = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let mut parts = name.text.split('-');
    let begins = parts.next().is_some_and(|first| !first.is_empty());
    if !begins || !parts.any(starts) {
        return Ok(());
    }
    let message = format!("{} has a - that may belong to a name", name.text);
    Err(QueryError::new(QueryErrorCode::Unexpected, name.span, message)
        .hint("write `x-request-id` in backticks for a field, or spaces around a - that subtracts"))
}

/// Reads a name; none, and nothing read, when a formula stands here. `a/b` may be either.
fn plain_name(cursor: &mut Cursor<'_>) -> Result<Option<Name>, QueryError> {
    let start = cursor.at();
    let is_quoted = matches!(cursor.peek(), Some('"' | '\'' | '`'));
    let Some(name) = name(cursor)? else { return Ok(None) };
    let text = name.text.as_str();
    let computes = text.contains(['+', '-', '*', '/', '%']) || text.starts_with(|c: char| c.is_ascii_digit());
    if is_quoted || is_name_in_aggregate(text) || !computes {
        return Ok(Some(name));
    }
    refuse_joined(Some(&name), cursor, start)?;
    let joins = |rest: &str| rest.starts_with(|c: char| c.is_alphabetic());
    if text.contains('/') && is_field_name(text) && text.split('/').skip(1).all(joins) {
        let message = format!("{text} is a name or a division");
        let division = text.replace('/', " / ");
        return Err(QueryError::new(QueryErrorCode::Unexpected, name.span, message)
            .hint(format!("write `{text}` for the field, or {division} with spaces for the division")));
    }
    cursor.set(start);
    Ok(None)
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
    if is_percentile_of(&lower) {
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
    if let Some(function) = self::called(&lower) {
        return Ok(function);
    }
    let message = format!("there is no aggregate {}", called.text);
    let error = QueryError::new(QueryErrorCode::UnknownFunction, called.span, message);
    let names = FUNCTIONS.iter().map(|(name, _)| *name).chain([RATE]);
    Err(error.hint(match nearest(&lower, names) {
        Some(known) => format!("did you mean {known}?"),
        None => "use count, dc, sum, avg, min, max, median, p95 or percentile(field, n)".to_owned(),
    }))
}

/// The aggregate of a name in lower case that needs no number.
fn called(lower: &str) -> Option<AggCall> {
    let percent = lower.strip_prefix('p').and_then(|digits| digits.parse::<f64>().ok());
    if let Some(percent) = percent.filter(|percent| (0.0..=100.0).contains(percent)) {
        return Some(AggCall::Of(AggFunction::Percentile(percent / 100.0)));
    }
    if lower == RATE {
        return Some(AggCall::Rate);
    }
    FUNCTIONS.into_iter().find(|(name, _)| *name == lower).map(|(_, function)| AggCall::Of(function))
}
