//! Pipes as stages: names resolved against what the stages before leave, shorthands written out.

use super::names::Names;
use super::{all_of, filter};
use crate::aliases::TIMESTAMP;
use crate::ast::{AggExpr, KeyExpr, Name, PipeExpr, TopExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::filter::Filter;
use crate::limits::TIMECHART_BUCKETS;
use crate::pipe::{Agg, AggFunction, GroupKey, Pipe, SortKey, Stats};
use crate::units::SECOND_NS;
use crate::{Context, Resolved};

/// Step of a `timechart` when neither the query nor the caller says what range it is for.
const DEFAULT_STEP_NS: i64 = 3_600 * SECOND_NS;

/// Resolves the pipes behind a filter. A `where` that nothing but other conditions and orders stand before
/// becomes part of the filter, where an index can help.
pub(super) fn resolve(
    base: Filter,
    exprs: &[PipeExpr],
    context: &Context<'_>,
) -> Result<Resolved, QueryError> {
    let mut stages =
        Stages { names: Names::of_documents(context), pipes: Vec::new(), base: vec![base], context };
    for expr in exprs {
        stages.add(expr)?;
    }
    Ok(Resolved { filter: all_of(stages.base), pipes: stages.pipes })
}

struct Stages<'c> {
    /// What names mean to the next pipe.
    names: Names<'c>,
    pipes: Vec<Pipe>,
    /// Parts of the filter.
    base: Vec<Filter>,
    context: &'c Context<'c>,
}

impl Stages<'_> {
    fn add(&mut self, expr: &PipeExpr) -> Result<(), QueryError> {
        match expr {
            PipeExpr::Stats { aggs, by } => {
                let by = by.iter().map(|key| self.key(key)).collect::<Result<Vec<_>, _>>()?;
                self.stats(aggs, by)?;
            }
            PipeExpr::Timechart { step_ns, aggs, by } => {
                let step_ns = step_ns.unwrap_or_else(|| default_step_ns(self.context));
                let mut keys = vec![GroupKey::Time { step_ns }];
                keys.extend(self.each(by)?.into_iter().map(GroupKey::Field));
                self.stats(aggs, keys)?;
                self.pipes.push(Pipe::Sort(vec![SortKey { field: TIMESTAMP.to_owned(), descending: false }]));
            }
            PipeExpr::Top(top) => self.most_or_least(top, true)?,
            PipeExpr::Rare(top) => self.most_or_least(top, false)?,
            PipeExpr::Sort(keys) => {
                let key = |key: &crate::ast::SortExpr| {
                    Ok(SortKey { field: self.names.one(&key.name)?, descending: key.descending })
                };
                let keys = keys.iter().map(key).collect::<Result<Vec<_>, QueryError>>()?;
                self.pipes.push(Pipe::Sort(keys));
            }
            PipeExpr::Limit(rows) => self.pipes.push(Pipe::Limit(*rows)),
            PipeExpr::Fields { names, exclude } => {
                let names = self.each(names)?;
                match (&mut self.names, *exclude) {
                    (kept, false) => *kept = Names::Columns(names.clone()),
                    (Names::Columns(columns), true) => columns.retain(|column| !names.contains(column)),
                    (Names::Documents(_), true) => {}
                }
                self.pipes.push(Pipe::Fields { names, exclude: *exclude });
            }
            PipeExpr::Where(expr) => {
                let condition = filter(expr, &self.names, self.context)?;
                if self.pipes.iter().all(|pipe| matches!(pipe, Pipe::Sort(_))) {
                    self.base.push(condition);
                } else {
                    self.pipes.push(Pipe::Where(condition));
                }
            }
            PipeExpr::Dedup(names) => self.pipes.push(Pipe::Dedup { by: self.each(names)? }),
        }
        Ok(())
    }

    fn each(&self, names: &[Name]) -> Result<Vec<String>, QueryError> {
        let mut resolved = Vec::with_capacity(names.len());
        for name in names {
            let name = self.names.one(name)?;
            if !resolved.contains(&name) {
                resolved.push(name);
            }
        }
        Ok(resolved)
    }

    fn key(&self, key: &KeyExpr) -> Result<GroupKey, QueryError> {
        Ok(match key {
            KeyExpr::Field(name) => GroupKey::Field(self.names.one(name)?),
            KeyExpr::Time(step_ns) => GroupKey::Time { step_ns: (*step_ns).max(1) },
        })
    }

    fn stats(&mut self, aggs: &[AggExpr], mut by: Vec<GroupKey>) -> Result<(), QueryError> {
        let mut columns: Vec<String> = Vec::new();
        by.retain(|key| {
            let new = !columns.iter().any(|column| column == key.column());
            if new {
                columns.push(key.column().to_owned());
            }
            new
        });
        let mut resolved = Vec::with_capacity(aggs.len());
        for expr in aggs {
            let agg = self.aggregate(expr)?;
            if columns.contains(&agg.column) {
                let message = format!("there are two columns {}", agg.column);
                return Err(QueryError::new(QueryErrorCode::Unexpected, expr.span, message)
                    .hint("name one of them: count() as errors"));
            }
            columns.push(agg.column.clone());
            resolved.push(agg);
        }
        self.names = Names::Columns(columns);
        self.pipes.push(Pipe::Stats(Stats { aggs: resolved, by }));
        Ok(())
    }

    /// `count()` is in the column `count`, `p95(duration)` in `p95(duration)`, unless it is named.
    fn aggregate(&self, expr: &AggExpr) -> Result<Agg, QueryError> {
        let field = expr.field.as_ref().map(|field| self.names.one(field)).transpose()?;
        let column = match (&expr.column, &expr.field) {
            (Some(column), _) => column.text.clone(),
            (None, Some(field)) => format!("{}({})", expr.function, field.text),
            (None, None) => expr.function.to_string(),
        };
        Ok(Agg { function: expr.function, field, column })
    }

    /// Counts by the fields, most or least first; ties in the order of the values.
    fn most_or_least(&mut self, top: &TopExpr, descending: bool) -> Result<(), QueryError> {
        let fields = self.each(&top.fields)?;
        // A field called count keeps its name.
        let column = ["count", "rows"].into_iter().find(|name| !fields.iter().any(|field| field == name));
        let column = column.unwrap_or("count of rows").to_owned();
        let mut keys = vec![SortKey { field: column.clone(), descending }];
        keys.extend(fields.iter().map(|field| SortKey { field: field.clone(), descending: false }));
        let mut columns = fields.clone();
        columns.push(column.clone());
        self.names = Names::Columns(columns);
        // A row without the field is in no group: the value that is missing is not a frequent one.
        let present = fields.iter().map(|field| exists(field)).collect();
        if self.pipes.is_empty() {
            self.base.push(all_of(present));
        } else {
            self.pipes.push(Pipe::Where(all_of(present)));
        }
        let count = Agg { function: AggFunction::Count, field: None, column };
        self.pipes.push(Pipe::Stats(Stats {
            aggs: vec![count],
            by: fields.into_iter().map(GroupKey::Field).collect(),
        }));
        self.pipes.push(Pipe::Sort(keys));
        self.pipes.push(Pipe::Limit(top.rows));
        Ok(())
    }
}

fn exists(field: &str) -> Filter {
    use crate::filter::{Leaf, Scope};
    if field == TIMESTAMP {
        return Filter::All;
    }
    Filter::Leaf(Leaf { scope: Scope::Field(field.to_owned()), test: crate::test::Test::Exists })
}

/// A round step that gives about [`TIMECHART_BUCKETS`] buckets over the range searched.
fn default_step_ns(context: &Context<'_>) -> i64 {
    const ROUND_S: [i64; 14] =
        [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800];
    let Some(start_ns) = context.start_ns else { return DEFAULT_STEP_NS };
    let length_ns = context.end_ns.unwrap_or(context.now_ns).saturating_sub(start_ns).max(0);
    let wanted_s = length_ns / TIMECHART_BUCKETS / SECOND_NS;
    let round_s = ROUND_S.into_iter().find(|step_s| *step_s >= wanted_s);
    round_s.map_or(wanted_s.saturating_mul(SECOND_NS), |step_s| step_s * SECOND_NS)
}
