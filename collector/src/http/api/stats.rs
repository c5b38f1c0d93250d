//! `/api/v1/stats`: the table that a query with `| stats`, `timechart`, `top` or `rare` makes.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use millpond_query::table::Table;
use millpond_query::{Pipe, Resolved};
use serde::Serialize;
use serde_json::Value;

use super::prometheus;
use crate::http::Http;
use crate::http::endpoints::STATS;
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
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
        Ok(Reply::new(Stats { columns, rows }, partial).warn(search.warnings(&query)))
    };
    http.answer(parameters, answer).await
}

/// The table as Prometheus would tell it, at the end of the range.
fn vector(search: &Search<'_>) -> Result<Reply<prometheus::Answer>, Problem> {
    let query = search.parse()?;
    let resolved = search.resolve(&query)?;
    let (table, partial) = table(search, &resolved)?;
    let Some(Pipe::Stats(stats)) = resolved.pipes.first() else { return Err(no_table(&resolved.pipes)) };
    let at_ns = search.range.end_ns.unwrap_or(search.now_ns);
    let reply = Reply::new(prometheus::vector(&table, stats, at_ns), partial);
    Ok(reply.approximate(is_approximate(&resolved.pipes)).warn(search.warnings(&query)))
}

/// Runs a query that makes a table, and tells what is missing in it.
pub(super) fn table(
    search: &Search<'_>,
    resolved: &Resolved,
) -> Result<(Table, Option<&'static str>), Problem> {
    if !matches!(resolved.pipes.first(), Some(Pipe::Stats(_))) {
        return Err(no_table(&resolved.pipes));
    }
    let answer = search.store.stats(&resolved.filter, search.range, &resolved.pipes, search.budget)?;
    Ok((answer.value, answer.partial.map(reason)))
}

/// Why a query makes no table here.
pub(super) fn no_table(pipes: &[Pipe]) -> Problem {
    let problem = |detail| Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail);
    if pipes.iter().any(|pipe| matches!(pipe, Pipe::Stats(_))) {
        problem("Only `where` can come before the pipe that counts.").hint("Move the other pipes behind it.")
    } else {
        problem("This query gives documents, not a table.")
            .hint("Add a pipe such as `| stats count() by service`.")
    }
}
