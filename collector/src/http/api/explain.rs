//! `/api/v1/explain`: runs what `query` or `stats` would run, and tells what was done for it and what it cost instead of
//! its rows.

use axum::extract::State;
use axum::response::Response;
use millpond_query::ast::PipeExpr;
use millpond_query::{Pipe, Query};
use serde::Serialize;

use super::query::{order, wants_table};
use super::stats::table;
use crate::http::Http;
use crate::http::endpoints::EXPLAIN;
use crate::http::limits::{ROWS_DEFAULT, ROWS_MAX};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::rows::RowQuery;
use crate::http::run::Missing;
use crate::http::search::{Reply, Search, is_approximate};

#[derive(Serialize)]
struct Explanation {
    canonical: String,
    /// What documents are tested by, with times in Unix nanoseconds; for people.
    filter: String,
    pipes: Vec<PipePlace>,
    splits: Splits,
    documents: Documents,
    scanned_bytes: u64,
    stages: Vec<Stage>,
}

#[derive(Serialize)]
struct PipePlace {
    pipe: String,
    /// `store`: on columns. `rows`: on documents, one after the other. `table`: on the rows of a table in memory.
    runs: &'static str,
}

/// What is in none of the parts was not needed: the rows were complete before.
#[derive(Serialize)]
struct Splits {
    total: u64,
    outside_time: u64,
    ruled_out: u64,
    searched: u64,
}

#[derive(Serialize)]
struct Documents {
    searched: u64,
    matched: u64,
}

#[derive(Serialize)]
struct Stage {
    name: &'static str,
    ms: f64,
}

/// Answers with the plan and the cost.
pub(in crate::http) async fn explain(
    State(http): State<Http>,
    given: Unchecked,
) -> Result<Response, Problem> {
    let parameters = given.only(&EXPLAIN)?;
    http.answer(parameters, explained).await
}

fn explained(search: &Search<'_>) -> Result<Reply<Explanation>, Problem> {
    let query = search.parse()?;
    let resolved = search.resolve(&query)?;
    let filter = resolved.filter.to_string();
    let places = places(&query, &resolved.pipes);
    let limit = search.parameters.count("limit", ROWS_DEFAULT, ROWS_MAX)?;
    let approximate = is_approximate(&resolved.pipes);
    let missing: Missing = if wants_table(&resolved.pipes) {
        table(search, &resolved)?.1
    } else {
        let query = RowQuery {
            filter: resolved.filter,
            range: search.range,
            order: order(search)?,
            pipes: resolved.pipes,
            cursor: None,
            limit,
            caller: search.parameters.caller.clone(),
        };
        query.run(search.store, search.budget, &mut |_, _| true)?.partial
    };
    let cost = search.budget.cost.report();
    let [queue, plan, work, _] = search.parameters.caller.stages();
    let stage = |(name, time): (_, std::time::Duration)| Stage { name, ms: time.as_micros() as f64 / 1e3 };
    let explanation = Explanation {
        canonical: query.to_string(),
        filter,
        pipes: places,
        splits: Splits {
            total: cost.splits,
            outside_time: cost.outside_time,
            ruled_out: cost.ruled_out,
            searched: cost.searched,
        },
        documents: Documents { searched: cost.documents_searched, matched: cost.documents_matched },
        scanned_bytes: cost.scanned_bytes,
        stages: [queue, plan, work].map(stage).into(),
    };
    Ok(Reply::new(explanation, missing).approximate(approximate).warn(search.warnings(&query)))
}

/// Where each pipe runs: a leading `where` is a part of the filter. When the store counts, all that stands before went
/// into the filter, or makes no difference.
fn places(query: &Query, resolved: &[Pipe]) -> Vec<PipePlace> {
    let is_counted_by_store = matches!(resolved.first(), Some(Pipe::Stats(stats)) if !stats.needs_rows());
    // As it takes a leading sort, and the conditions and choices of fields before it.
    let first = resolved.iter().find(|pipe| !matches!(pipe, Pipe::Fields { .. }));
    let mut sorts_in_store = matches!(first, Some(Pipe::Sort(_)));
    let mut runs = "store";
    let mut places = Vec::new();
    for pipe in &query.pipes {
        if sorts_in_store && matches!(pipe, PipeExpr::Sort(_)) {
            sorts_in_store = false;
            runs = "rows";
            places.push(PipePlace { pipe: pipe.to_string(), runs: "store" });
            continue;
        }
        let counts = matches!(
            pipe,
            PipeExpr::Stats { .. } | PipeExpr::Timechart { .. } | PipeExpr::Top(_) | PipeExpr::Rare(_)
        );
        if runs == "store" && !is_counted_by_store && !matches!(pipe, PipeExpr::Where(_)) {
            runs = "rows";
        }
        places.push(PipePlace { pipe: pipe.to_string(), runs });
        if counts {
            runs = "table";
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_run_where_they_can() {
        let rows: [(&str, &[&str]); 10] = [
            ("error", &[]),
            ("| where a:1 | stats count() by b | sort b | limit 2", &["store", "store", "table", "table"]),
            ("| top 5 host", &["store"]),
            ("| where a:1 | sort b | where c:2 | limit 3", &["store", "store", "rows", "rows"]),
            ("| fields a, b | sort a | sort b", &["rows", "store", "rows"]),
            ("| eval c = a | sort c", &["rows", "rows"]),
            ("| limit 5 | stats count() | where count>1", &["rows", "rows", "table"]),
            ("| sort a | stats count() by b", &["store", "store"]),
            ("| stats last(a) by b | limit 3", &["rows", "table"]),
            ("| extract \"a <b>\" | top b", &["rows", "rows"]),
        ];
        for (query, expected) in rows {
            let query = millpond_query::parse(query).unwrap();
            let resolved = query.resolve(0).unwrap();
            let places: Vec<_> = places(&query, &resolved.pipes).iter().map(|place| place.runs).collect();
            assert_eq!(places, expected, "{query}");
        }
    }
}
