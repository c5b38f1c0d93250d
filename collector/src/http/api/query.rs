//! `/api/v1/query`: documents, or the rows of a table, one JSON object a line, streamed; the last line is `_meta`.

use std::time::Instant;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use millpond_query::{Pipe, Resolved};
use millpond_store::log_store::Order;
use serde::Serialize;

use super::stats::table;
use crate::http::Http;
use crate::http::blocking::ChunkWriter;
use crate::http::limits::{ROWS_DEFAULT, ROWS_MAX};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::rows::{Outcome, RowQuery};
use crate::http::search::{Reply, Search, cell_to_json};

/// The last line.
#[derive(Serialize)]
struct LastLine {
    _meta: Reply<Meta>,
}

/// Where the next page begins; `null`: there is none.
#[derive(Serialize)]
struct Meta {
    cursor: Option<String>,
}

/// Streams rows.
pub(in crate::http) async fn query(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let since = Instant::now();
    let known = ["q", "start", "end", "limit", "order", "cursor", "timeout"];
    let parameters = given.only(&known)?;
    let timeout = http.timeout(&parameters)?;
    let store = http.app.store.clone();
    let counter = http.clone();
    let streamed = http.queries.stream(timeout, move |budget, out| {
        let ended =
            Search::new(&*store, budget, &parameters).and_then(|search| write_rows(&search, since, out));
        counter.count_query(ended.as_ref().copied());
        ended.map(drop)
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], streamed.await?).into_response())
}

/// Writes rows and the last line. Says whether the answer is partial.
fn write_rows(search: &Search<'_>, since: Instant, out: &mut ChunkWriter) -> Result<bool, Problem> {
    let query = search.parse()?;
    let resolved = search.resolve(&query)?;
    let limit = search.parameters.count("limit", ROWS_DEFAULT, ROWS_MAX)?;
    let warnings = search.warnings(&query);
    let approximate = millpond_query::is_approximate(&resolved.pipes);
    let outcome = if resolved.pipes.iter().any(|pipe| matches!(pipe, Pipe::Stats(_))) {
        write_table(search, &resolved, out)
    } else {
        write_documents(search, resolved, limit, out)
    };
    let outcome = match outcome {
        // Part of the reply is with the client already, so the status can't tell any more.
        Err(_) if out.has_sent() => Outcome { partial: Some("failed"), cursor: None },
        outcome => outcome?,
    };
    let cursor = outcome.cursor.map(|cursor| cursor.to_string());
    let meta =
        Reply::new(Meta { cursor }, outcome.partial).approximate(approximate).warn(warnings).took(since);
    let last = LastLine { _meta: meta };
    let line = serde_json::to_vec(&last).map_err(|error| Problem::internal(&error))?;
    write_line(out, |out| out.extend_from_slice(&line));
    Ok(last._meta.is_partial())
}

fn write_documents(
    search: &Search<'_>,
    resolved: Resolved,
    limit: usize,
    out: &mut ChunkWriter,
) -> Result<Outcome, Problem> {
    let order = search.parameters.read("order", |text| match text {
        "desc" => Ok(Order::Descending),
        "asc" => Ok(Order::Ascending),
        _ => Err("write desc (newest first) or asc"),
    })?;
    let cursor = search.parameters.read("cursor", str::parse)?;
    let query = RowQuery {
        filter: resolved.filter,
        range: search.range,
        order: order.unwrap_or(Order::Descending),
        pipes: resolved.pipes,
        cursor,
        limit,
    };
    query.run(search.store, search.budget, &mut |row, visible| {
        write_line(out, |out| visible.write_json(row, out))
    })
}

/// Rows of a table are objects with the columns' names. All of them are sent: the query itself limits them.
fn write_table(search: &Search<'_>, resolved: &Resolved, out: &mut ChunkWriter) -> Result<Outcome, Problem> {
    let (table, partial) = table(search, resolved)?;
    for cells in table.rows {
        let names = table.columns.iter().cloned();
        let row: serde_json::Map<_, _> = names.zip(cells.into_iter().map(cell_to_json)).collect();
        let line = serde_json::to_vec(&row).map_err(|error| Problem::internal(&error))?;
        if !write_line(out, |out| out.extend_from_slice(&line)) {
            break;
        }
    }
    Ok(Outcome { partial, cursor: None })
}

fn write_line(out: &mut ChunkWriter, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    out.append(|out| {
        write(out);
        out.push(b'\n');
    })
}
