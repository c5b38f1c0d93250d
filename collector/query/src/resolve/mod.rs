//! AST to plan: aliases become names, times absolute, units numbers, levels sets, and regular expressions are
//! compiled. Whatever can still be wrong with a query is found here, with its place.

mod condition;
mod formula;
mod made;
mod names;
mod pipes;
mod stats;
mod time;

use crate::ast::Expr;
use crate::error::QueryError;
use crate::filter::Filter;
use crate::resolve::names::Names;
use crate::{Context, Query, Resolved};

/// Resolves a whole query.
pub(crate) fn resolve(query: &Query, context: &Context<'_>) -> Result<Resolved, QueryError> {
    let base = filter(&query.filter, &Names::of_documents(context), context)?;
    pipes::resolve(base, &query.pipes, context)
}

/// Resolves a condition on documents.
pub(crate) fn resolve_condition(condition: &Expr, context: &Context<'_>) -> Result<Filter, QueryError> {
    filter(condition, &Names::of_documents(context), context)
}

/// Resolves a condition on rows whose fields are called as `names` says.
fn filter(expr: &Expr, names: &Names<'_>, context: &Context<'_>) -> Result<Filter, QueryError> {
    Ok(match expr {
        Expr::All => Filter::All,
        Expr::And(parts) => all_of(each(parts, names, context)?),
        Expr::Or(parts) => any_of(each(parts, names, context)?),
        Expr::Not(part) => not(filter(part, names, context)?),
        Expr::Any(value) => condition::any(value)?,
        Expr::Field(field) => condition::field(field, names, context)?,
    })
}

fn each(parts: &[Expr], names: &Names<'_>, context: &Context<'_>) -> Result<Vec<Filter>, QueryError> {
    parts.iter().map(|part| filter(part, names, context)).collect()
}

/// A conjunction without parts that say nothing.
fn all_of(parts: Vec<Filter>) -> Filter {
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Filter::All => {}
            Filter::None => return Filter::None,
            Filter::And(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    match kept.len() {
        0 => Filter::All,
        1 => kept.pop().unwrap_or(Filter::All),
        _ => Filter::And(kept),
    }
}

/// A disjunction without parts that say nothing.
fn any_of(parts: Vec<Filter>) -> Filter {
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Filter::None => {}
            Filter::All => return Filter::All,
            Filter::Or(inner) => kept.extend(inner),
            other => kept.push(other),
        }
    }
    match kept.len() {
        0 => Filter::None,
        1 => kept.pop().unwrap_or(Filter::None),
        _ => Filter::Or(kept),
    }
}

fn not(part: Filter) -> Filter {
    match part {
        Filter::All => Filter::None,
        Filter::None => Filter::All,
        Filter::Not(inner) => *inner,
        other => Filter::Not(Box::new(other)),
    }
}
