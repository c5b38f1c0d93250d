//! `/api/v1/stats_range`: a table over time in the shape of Prometheus' range queries.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use millpond_query::{GroupKey, Pipe, Resolved, Stats};

use super::prometheus::{self, Answer};
use super::stats::{no_table, table};
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
    check_steps(search, step_ns)?;
    let query = search.parse()?;
    let mut resolved = search.resolve(&query)?;
    let stats = by_time(&mut resolved, step_ns)?;
    let approximate = is_approximate(&resolved.pipes);
    let (table, missing) = table(search, &resolved)?;
    let reply = Reply::new(prometheus::matrix(&table, &stats), missing).approximate(approximate);
    Ok(reply.warn(search.warnings(&query)))
}

/// Groups by time, too, and gives what is grouped. What would mix the times is refused.
fn by_time(resolved: &mut Resolved, step_ns: i64) -> Result<Stats, Problem> {
    let mixes = |pipe: &Pipe| matches!(pipe, Pipe::Limit(_) | Pipe::Dedup { .. } | Pipe::Stats(_));
    let Some((Pipe::Stats(stats), rest)) = resolved.pipes.split_first_mut() else {
        return Err(no_table(&resolved.pipes));
    };
    if rest.iter().any(mixes) {
        let detail = "Over a range, pipes behind the one that counts may not take rows of other times away.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail)
            .hint("Leave `limit`, `top`, `rare`, `dedup` and a second `stats` out."));
    }
    match stats.by.iter_mut().find(|key| matches!(key, GroupKey::Time { .. })) {
        Some(key) => *key = GroupKey::Time { step_ns },
        None => stats.by.insert(0, GroupKey::Time { step_ns }),
    }
    Ok(stats.clone())
}

fn check_steps(search: &Search<'_>, step_ns: i64) -> Result<(), Problem> {
    let (Some(start_ns), Some(end_ns)) = (search.range.start_ns, search.range.end_ns) else { return Ok(()) };
    let steps = (i128::from(end_ns) - i128::from(start_ns)) / i128::from(step_ns);
    if steps <= RANGE_STEPS_MAX {
        return Ok(());
    }
    let detail = format!("The range has {steps} of these steps; at most {RANGE_STEPS_MAX} are possible.");
    Err(Problem::parameter("step", detail))
}
