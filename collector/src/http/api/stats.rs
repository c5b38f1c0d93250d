//! `/api/v1/stats`: the table that a query with `| stats`, `timechart`, `top` or `rare` makes.

use axum::extract::State;
use axum::response::Response;
use millpond_query::table::Table;
use millpond_query::{Pipe, Resolved};
use millpond_store::log_store::Order;
use serde::Serialize;
use serde_json::Value;

use super::prometheus;
use crate::http::Http;
use crate::http::endpoints::STATS;
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::rows::RowQuery;
use crate::http::search::{Reply, Search, cell_to_json, is_approximate, reason};

/// The table.
#[derive(Serialize)]
struct Stats {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
}

#[derive(Serialize)]
struct Column {
    name: String,
}

/// Answers with the table.
pub(in crate::http) async fn stats(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let parameters = given.only(&STATS)?;
    let format = parameters.read("format", |text| match text {
        "table" => Ok(false),
        "prometheus" => Ok(true),
        _ => Err("write table or prometheus"),
    });
    if format? == Some(true) {
        return http.answer(parameters, vector).await;
    }
    let answer = |search: &Search<'_>| {
        let query = search.parse()?;
        let resolved = search.resolve(&query)?;
        let (table, partial) = table(search, &resolved)?;
        let columns = table.columns.into_iter().map(|name| Column { name }).collect();
        let rows = table.rows.into_iter().map(|row| row.into_iter().map(cell_to_json).collect()).collect();
        let approximate = is_approximate(&resolved.pipes);
        let reply = Reply::new(Stats { columns, rows }, partial).approximate(approximate);
        Ok(reply.warn(search.warnings(&query)))
    };
    http.answer(parameters, answer).await
}

/// The table as Prometheus would tell it, at the end of the range.
fn vector(search: &Search<'_>) -> Result<Reply<prometheus::Answer>, Problem> {
    let query = search.parse()?;
    let resolved = search.resolve(&query)?;
    let (table, partial) = table(search, &resolved)?;
    let at_ns = search.range.end_ns.unwrap_or(search.now_ns);
    let reply = Reply::new(prometheus::vector(&table, &prometheus::keys(&resolved.pipes), at_ns), partial);
    Ok(reply.approximate(is_approximate(&resolved.pipes)).warn(search.warnings(&query)))
}

/// Runs a query that makes a table, and tells what is missing in it. The store groups by its columns where it can; behind
/// pipes that look at rows one after the other, rows are grouped as they come.
pub(super) fn table(
    search: &Search<'_>,
    resolved: &Resolved,
) -> Result<(Table, Option<&'static str>), Problem> {
    if let Some(Pipe::Stats(stats)) = resolved.pipes.first()
        && !stats.needs_rows()
    {
        let answer = search.store.stats(&resolved.filter, search.range, &resolved.pipes, search.budget)?;
        return Ok((answer.value, answer.partial.map(reason)));
    }
    let query = RowQuery {
        filter: resolved.filter.clone(),
        range: search.range,
        order: Order::Descending,
        pipes: resolved.pipes.clone(),
        cursor: None,
        limit: usize::MAX,
        caller: search.parameters.caller.clone(),
    };
    query.table(search.store, search.budget)
}
