//! `stats` and `timechart`: what they are computed from becomes fields of the rows, `rate` a count or a sum that is
//! divided, and a step that is not given a round one.

use super::formula::{divided, formula, source_of, where_true};
use super::names::Names;
use super::pipes::Stages;
use crate::aliases::TIMESTAMP;
use crate::ast::{AggCall, AggExpr, KeyExpr, PipeExpr};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::eval::Computation;
use crate::filter::Filter;
use crate::formula::Formula;
use crate::limits::{TIMECHART_BUCKETS, TIMECHART_SERIES};
use crate::make::Maker;
use crate::pipe::{Agg, AggFunction, GroupKey, Pipe, Series, SortKey, Stats};
use crate::units::SECOND_NS;

/// Step of a `timechart` when neither the query nor the caller says what range it is for.
const DEFAULT_STEP_NS: i64 = 3_600 * SECOND_NS;

/// What a `stats` needs beside itself.
#[derive(Default)]
struct Around {
    /// Fields that rows get before.
    made: Vec<(String, Computation)>,
    /// Columns that are divided by the length of the range after.
    rates: Vec<String>,
    /// Columns of keys that are called otherwise after, all at once.
    renamed: Vec<(String, String)>,
    /// Columns and the fields whose values they hold.
    sources: Vec<(String, String)>,
}

impl Around {
    /// The renames one after the other: a name that is still another key's column is reached by way of a name that no
    /// column has.
    fn renames(renamed: &[(String, String)]) -> Vec<(String, String)> {
        let is_taken = |name: &String| renamed.iter().any(|(old, _)| old == name);
        let (first, last): (Vec<_>, Vec<_>) = renamed
            .iter()
            .map(|(old, new)| {
                let between = if is_taken(new) { format!("{old} as {new}") } else { new.clone() };
                ((old.clone(), between.clone()), (between, new.clone()))
            })
            .unzip();
        first.into_iter().chain(last.into_iter().filter(|(between, new)| between != new)).collect()
    }
}

impl Stages<'_> {
    /// `timechart`: a `stats` by time, in the order of time.
    pub(super) fn timechart(
        &mut self,
        step_ns: Option<i64>,
        (limit, other): (Option<u64>, bool),
        aggs: &[AggExpr],
        by: &[KeyExpr],
    ) -> Result<(), QueryError> {
        let mut keys = vec![KeyExpr::Time(step_ns.unwrap_or_else(|| self.default_step_ns()))];
        keys.extend(by.iter().cloned());
        let limit = limit.unwrap_or(TIMECHART_SERIES);
        let keep = (limit > 0).then(|| usize::try_from(limit).unwrap_or(usize::MAX));
        self.stats(aggs, &keys, (!by.is_empty()).then_some(Series { keep, other }))?;
        self.pipes.push(Pipe::Sort(vec![SortKey { field: TIMESTAMP.to_owned(), descending: false }]));
        Ok(())
    }

    /// `stats`
    pub(super) fn stats(
        &mut self,
        aggs: &[AggExpr],
        by: &[KeyExpr],
        series: Option<Series>,
    ) -> Result<(), QueryError> {
        let mut around = Around::default();
        let (mut keys, mut columns): (Vec<GroupKey>, Vec<String>) = (Vec::new(), Vec::new());
        for expr in by {
            let (key, column) = self.key(expr, &mut around)?;
            if keys.contains(&key) {
                continue;
            }
            // Two steps of time, whatever they are called.
            if keys.iter().any(|known| known.column() == key.column()) {
                let span = key_span(expr, aggs);
                return Err(two_columns(&column, span, "a table has one step of time: leave the other out"));
            }
            if columns.contains(&column) {
                let span = key_span(expr, aggs);
                return Err(two_columns(&column, span, "name one of them: by bin(bytes, 1000) as size"));
            }
            let source = match expr {
                KeyExpr::Field(_) | KeyExpr::Time(_) => Some(self.names.source(key.column())),
                KeyExpr::Computed { formula, .. } => source_of(formula, &self.names),
            };
            around.sources.extend(source.map(|source| (column.clone(), source)));
            if column != key.column() {
                around.renamed.push((key.column().to_owned(), column.clone()));
            }
            keys.push(key);
            columns.push(column);
        }
        let mut resolved = Vec::with_capacity(aggs.len());
        for expr in aggs {
            let agg = self.aggregate(expr, &mut around)?;
            if columns.contains(&agg.column) || keys.iter().any(|key| key.column() == agg.column) {
                return Err(two_columns(&agg.column, expr.span, "name one of them: count() as errors"));
            }
            columns.push(agg.column.clone());
            resolved.push(agg);
        }
        let stats = Stats { aggs: resolved, by: keys, series };
        let rates = self.divisions(&stats, &around.rates, aggs)?;
        self.forget_order(stats.needs_rows());
        if !around.made.is_empty() {
            self.pipes.push(Pipe::Make(Maker::Eval(around.made)));
        }
        self.pipes.push(Pipe::Stats(stats));
        if !rates.is_empty() {
            self.pipes.push(Pipe::Make(Maker::Eval(rates)));
        }
        if !around.renamed.is_empty() {
            self.pipes.push(Pipe::Rename(Around::renames(&around.renamed)));
        }
        self.names = Names::of_columns(columns, around.sources);
        Ok(())
    }

    /// A key, and what its column is called in the end.
    fn key(&self, expr: &KeyExpr, around: &mut Around) -> Result<(GroupKey, String), QueryError> {
        if let KeyExpr::Computed { formula, column: Some(column), .. } = expr
            && let Some(step_ns) = formula.time_step_ns()
        {
            return Ok((GroupKey::Time { step_ns }, column.text.clone()));
        }
        let key = match expr {
            KeyExpr::Field(name) => GroupKey::Field(self.names.one(name)?),
            KeyExpr::Time(step_ns) => GroupKey::Time { step_ns: (*step_ns).max(1) },
            KeyExpr::Computed { formula: Formula::Field(name), column, .. } => {
                let field = self.names.one(name)?;
                let column = column.as_ref().map_or_else(|| field.clone(), |column| column.text.clone());
                return Ok((GroupKey::Field(field), column));
            }
            KeyExpr::Computed { formula: written, column, .. } => {
                let made = written.to_string();
                let column = column.as_ref().map_or_else(|| made.clone(), |column| column.text.clone());
                around.made.push((made.clone(), formula(written, &self.names, self.context)?));
                return Ok((GroupKey::Field(made), column));
            }
        };
        let column = key.column().to_owned();
        Ok((key, column))
    }

    /// `count()` is in the column `count`, `p95(duration)` in `p95(duration)`, unless it is named.
    fn aggregate(&self, expr: &AggExpr, around: &mut Around) -> Result<Agg, QueryError> {
        let mut field = expr.field.as_ref().map(|field| self.names.one(field)).transpose()?;
        let mut source = field.as_ref().map(|field| self.names.source(field));
        if let Some(written) = &expr.computed {
            let made = written.to_string();
            let computation = formula(written, &self.names, self.context)?;
            let counts_truths = expr.function == AggCall::Of(AggFunction::Count) && written.is_condition();
            // Counted where it is true it is another field than its value.
            let name = if counts_truths { format!("{made} is true") } else { made };
            let computation = if counts_truths { where_true(computation) } else { computation };
            around.made.push((name.clone(), computation));
            field = Some(name);
            source = source_of(written, &self.names);
        }
        let column = expr.column.as_ref().map_or_else(|| expr.plain_column(), |column| column.text.clone());
        let function = match (expr.function, &field) {
            (AggCall::Of(function), _) => function,
            (AggCall::Rate, Some(_)) => AggFunction::Sum,
            (AggCall::Rate, None) => AggFunction::Count,
        };
        if expr.function == AggCall::Rate {
            around.rates.push(column.clone());
        }
        if !matches!(function, AggFunction::Count | AggFunction::Distinct) {
            around.sources.extend(source.map(|source| (column.clone(), source)));
        }
        Ok(Agg { function, field, column })
    }

    /// The columns of `rates` divided by the seconds of a bucket, or of the range.
    fn divisions(
        &self,
        stats: &Stats,
        rates: &[String],
        aggs: &[AggExpr],
    ) -> Result<Vec<(String, Computation)>, QueryError> {
        if rates.is_empty() {
            return Ok(Vec::new());
        }
        let of_key = stats.by.iter().find_map(|key| match key {
            GroupKey::Time { step_ns } => Some(*step_ns),
            GroupKey::Field(_) => None,
        });
        let of_range = || self.range_ns().map(|(start_ns, end_ns)| end_ns.saturating_sub(start_ns));
        let Some(length_ns) = of_key.or_else(of_range).filter(|length_ns| *length_ns > 0) else {
            let span = aggs.iter().find(|agg| agg.function == AggCall::Rate).map(|agg| agg.span);
            let message = "rate needs a range with a start, or a step of time";
            return Err(QueryError::new(QueryErrorCode::Missing, span.unwrap_or_default(), message)
                .hint("write _time:1h before the pipes, or rate() by _time:5m"));
        };
        #[expect(clippy::cast_precision_loss, reason = "a rate is a float")]
        let seconds = length_ns as f64 / SECOND_NS as f64;
        Ok(rates.iter().map(|column| (column.clone(), divided(column, seconds))).collect())
    }

    /// The range searched: the caller's, narrowed by the conditions on time that all must hold. None without a start.
    fn range_ns(&self) -> Option<(i64, i64)> {
        let (mut start, mut end) = (self.context.start_ns, self.context.end_ns);
        let parts = self.base.iter().flat_map(|part| match part {
            Filter::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        });
        for part in parts {
            if let Filter::Time { start_ns, end_ns } = part {
                start = start.max(*start_ns);
                end = [end, *end_ns].into_iter().flatten().min();
            }
        }
        Some((start?, end.unwrap_or(self.context.now_ns)))
    }

    /// A round step that gives about [`TIMECHART_BUCKETS`] buckets over the range searched.
    fn default_step_ns(&self) -> i64 {
        const ROUND_S: [i64; 14] =
            [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800];
        let Some((start_ns, end_ns)) = self.range_ns() else { return DEFAULT_STEP_NS };
        let length_ns = end_ns.saturating_sub(start_ns).max(0);
        let wanted_s = length_ns / TIMECHART_BUCKETS / SECOND_NS;
        let round_s = ROUND_S.into_iter().find(|step_s| *step_s >= wanted_s);
        round_s.map_or(wanted_s.saturating_mul(SECOND_NS), |step_s| step_s * SECOND_NS)
    }
}

/// The column of an aggregate that is written in any of its ways: `p50(status)` for `median(status)`.
pub(super) fn column_of(typed: &str) -> Option<String> {
    let query = typed.ends_with(')').then(|| crate::parse(&format!("| stats {typed}")))?.ok()?;
    match query.pipes.as_slice() {
        [PipeExpr::Stats { aggs, by }] if by.is_empty() => match aggs.as_slice() {
            [agg] if agg.column.is_none() => Some(agg.plain_column()),
            _ => None,
        },
        _ => None,
    }
}

fn two_columns(column: &str, span: Span, hint: &'static str) -> QueryError {
    QueryError::new(QueryErrorCode::Unexpected, span, format!("there are two columns {column}")).hint(hint)
}

/// Where a key stands. Where a step of time does is not known, but that it is behind the aggregates.
fn key_span(expr: &KeyExpr, aggs: &[AggExpr]) -> Span {
    match expr {
        KeyExpr::Field(name) => name.span,
        KeyExpr::Computed { span, .. } => *span,
        KeyExpr::Time(_) => aggs.last().map(|agg| agg.span).unwrap_or_default(),
    }
}
