//! `/api/v1/stats_range`: a table over time in the shape of Prometheus' range queries.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use millpond_query::ast::{KeyExpr, PipeExpr};
use millpond_query::table::{Cell, Table};
use millpond_query::{Pipe, Query};

use super::prometheus::{self, Answer};
use super::stats::table;
use crate::http::Http;
use crate::http::endpoints::STATS_RANGE;
use crate::http::limits::RANGE_STEPS_MAX;
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::search::{Reply, Search, is_approximate};
use crate::http::time;

/// Answers with a matrix.
pub(in crate::http) async fn stats_range(
    State(http): State<Http>,
    given: Unchecked,
) -> Result<Response, Problem> {
    let parameters = given.only(&STATS_RANGE)?;
    http.answer(parameters, matrix).await
}

fn matrix(search: &Search<'_>) -> Result<Reply<Answer>, Problem> {
    let missing = || Problem::parameter("step", "`step` says how far values lie apart: 60, 30s, 5m.");
    let step_ns = search.parameters.read("step", time::step_ns)?.ok_or_else(missing)?;
    if let (Some(start_ns), Some(end_ns)) = (search.range.start_ns, search.range.end_ns) {
        check_steps("range", (i128::from(end_ns) - i128::from(start_ns)) / i128::from(step_ns))?;
    }
    let mut query = search.parse()?;
    by_time(&mut query, step_ns);
    let resolved = search.resolve(&query)?;
    check_pipes(&resolved.pipes)?;
    let approximate = is_approximate(&resolved.pipes);
    let (table, missing) = table(search, &resolved)?;
    // Without a start or an end it shows only here how far the documents reach.
    check_steps("result", steps(&table))?;
    let reply = Reply::new(prometheus::matrix(&table, &prometheus::keys(&resolved.pipes)), missing)
        .approximate(approximate);
    Ok(reply.warn(search.warnings(&query)))
}

/// Groups by time, too: in the query, so that whatever depends on the step is resolved with it.
fn by_time(query: &mut Query, step_ns: i64) {
    for pipe in &mut query.pipes {
        match pipe {
            PipeExpr::Stats { by, .. } => {
                by.retain(|key| !matches!(key, KeyExpr::Time(_)));
                by.insert(0, KeyExpr::Time(step_ns));
                return;
            }
            PipeExpr::Timechart { step_ns: step, .. } => {
                *step = Some(step_ns);
                return;
            }
            _ => {}
        }
    }
}

/// Refuses what would mix the times behind the pipe that counts.
fn check_pipes(pipes: &[Pipe]) -> Result<(), Problem> {
    let mixes = |pipe: &Pipe| matches!(pipe, Pipe::Limit(_) | Pipe::Dedup { .. } | Pipe::Stats(_));
    let behind = pipes.iter().skip_while(|pipe| !matches!(pipe, Pipe::Stats(_))).skip(1);
    if !behind.into_iter().any(mixes) {
        return Ok(());
    }
    let detail = "Over a range, pipes behind the one that counts may not take rows of other times away.";
    Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail)
        .hint("Leave `limit`, `top`, `rare`, `dedup` and a second `stats` out."))
}

fn check_steps(what: &str, steps: i128) -> Result<(), Problem> {
    if steps <= RANGE_STEPS_MAX {
        return Ok(());
    }
    let detail = format!("The {what} has {steps} of these steps; at most {RANGE_STEPS_MAX} are possible.");
    Err(Problem::parameter("step", detail))
}

/// How many different times the table has.
fn steps(table: &Table) -> i128 {
    let time_of = |cell: &Cell| if let Cell::TimeNs(time_ns) = cell { Some(*time_ns) } else { None };
    let times: BTreeSet<i64> = table.rows.iter().filter_map(|row| row.iter().find_map(time_of)).collect();
    times.len() as i128
}
