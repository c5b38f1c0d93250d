//! Pipes as stages: names resolved against what the stages before leave, shorthands written out.

use super::names::Names;
use super::{all_of, filter};
use crate::aliases::TIMESTAMP;
use crate::ast::{Name, PipeExpr, SortExpr, TopExpr};
use crate::error::QueryError;
use crate::filter::Filter;
use crate::pipe::{Agg, AggFunction, GroupKey, Pipe, SortKey, Stats};
use crate::{Context, Resolved};

/// Resolves the pipes behind a filter. A condition that says the same of the documents as they were stored becomes part
/// of the filter, where an index can help.
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

pub(super) struct Stages<'c> {
    /// What names mean to the next pipe.
    pub(super) names: Names<'c>,
    pub(super) pipes: Vec<Pipe>,
    /// Parts of the filter.
    pub(super) base: Vec<Filter>,
    pub(super) context: &'c Context<'c>,
}

impl Stages<'_> {
    fn add(&mut self, expr: &PipeExpr) -> Result<(), QueryError> {
        match expr {
            PipeExpr::Stats { aggs, by } => self.stats(aggs, by, None)?,
            PipeExpr::Timechart { step_ns, aggs, by, limit, other } => {
                self.timechart(*step_ns, (*limit, *other), aggs, by)?;
            }
            PipeExpr::Top(top) => self.most_or_least(top, true)?,
            PipeExpr::Rare(top) => self.most_or_least(top, false)?,
            PipeExpr::Sort(keys) => {
                let key = |key: &SortExpr| {
                    Ok(SortKey { field: self.names.one(&key.name)?, descending: key.descending })
                };
                let keys = keys.iter().map(key).collect::<Result<Vec<_>, QueryError>>()?;
                self.pipes.push(Pipe::Sort(keys));
            }
            PipeExpr::Limit(rows) => self.pipes.push(Pipe::Limit(*rows)),
            PipeExpr::Fields { names, exclude } => {
                let names = self.each(names)?;
                if *exclude {
                    self.names.drop(&names);
                } else {
                    self.names.keep(names.clone());
                }
                self.pipes.push(Pipe::Fields { names, exclude: *exclude });
            }
            PipeExpr::Where(expr) => {
                let condition = filter(expr, &self.names, self.context)?;
                self.keep_where(condition);
            }
            PipeExpr::Dedup(names) => self.pipes.push(Pipe::Dedup { by: self.each(names)? }),
            PipeExpr::Eval(fields) => self.eval(fields)?,
            PipeExpr::Extract { pattern, from, span } => self.extract(pattern, from.as_ref(), *span)?,
            PipeExpr::Parse { format, from, prefix, span } => {
                self.parse(*format, from.as_ref(), prefix, *span)?;
            }
            PipeExpr::Rename(names) => self.rename(names)?,
        }
        Ok(())
    }

    pub(super) fn each(&self, names: &[Name]) -> Result<Vec<String>, QueryError> {
        let mut resolved = Vec::with_capacity(names.len());
        for name in names {
            let name = self.names.one(name)?;
            if !resolved.contains(&name) {
                resolved.push(name);
            }
        }
        Ok(resolved)
    }

    /// Keeps the rows that pass: in the filter if that is the same.
    fn keep_where(&mut self, condition: Filter) {
        let commutes =
            |pipe: &Pipe| matches!(pipe, Pipe::Sort(_) | Pipe::Where(_) | Pipe::Make(_) | Pipe::Rename(_));
        if self.pipes.iter().all(commutes) && self.names.says_the_same_of_stored(&condition) {
            self.base.push(condition);
        } else {
            self.pipes.push(Pipe::Where(condition));
        }
    }

    /// Counts by the fields, most or least first; ties in the order of the values.
    fn most_or_least(&mut self, top: &TopExpr, descending: bool) -> Result<(), QueryError> {
        let fields = self.each(&top.fields)?;
        // A field called count keeps its name.
        let column = ["count", "rows"].into_iter().find(|name| !fields.iter().any(|field| field == name));
        let column = column.unwrap_or("count of rows").to_owned();
        let mut keys = vec![SortKey { field: column.clone(), descending }];
        keys.extend(fields.iter().map(|field| SortKey { field: field.clone(), descending: false }));
        let sources = fields.iter().map(|field| (field.clone(), self.names.source(field))).collect();
        let mut columns = fields.clone();
        columns.push(column.clone());
        // A row without the field is in no group: the value that is missing is not a frequent one.
        self.forget_order(false);
        self.keep_where(all_of(fields.iter().map(|field| exists(field)).collect()));
        self.names = Names::of_columns(columns, sources);
        let count = Agg { function: AggFunction::Count, field: None, column };
        self.pipes.push(Pipe::Stats(Stats {
            aggs: vec![count],
            by: fields.into_iter().map(GroupKey::Field).collect(),
            series: None,
        }));
        self.pipes.push(Pipe::Sort(keys));
        self.pipes.push(Pipe::Limit(top.rows));
        Ok(())
    }

    /// Before rows are grouped: takes away the pipes that make no difference to groups, so that a store can group by
    /// its columns. `by_place`: an aggregate looks at the order of the rows of a table.
    pub(super) fn forget_order(&mut self, by_place: bool) {
        if !(by_place && self.names.is_table()) {
            let decides = |pipe: &Pipe| matches!(pipe, Pipe::Limit(_) | Pipe::Dedup { .. } | Pipe::Stats(_));
            let first = self.pipes.iter().rposition(decides).map_or(0, |at| at + 1);
            let last = self.pipes.split_off(first);
            self.pipes.extend(last.into_iter().filter(|pipe| !matches!(pipe, Pipe::Sort(_))));
        }
        // Only fields that are kept have a name here.
        while let Some(Pipe::Fields { exclude: false, .. }) = self.pipes.last() {
            self.pipes.pop();
        }
    }
}

fn exists(field: &str) -> Filter {
    use crate::filter::{Leaf, Scope};
    if field == TIMESTAMP {
        return Filter::All;
    }
    Filter::Leaf(Leaf { scope: Scope::Field(field.to_owned()), test: crate::test::Test::Exists })
}
