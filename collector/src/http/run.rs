//! One query request from its parameters to its account: it gets a thread and a budget, runs there, is counted by how it
//! ended, and is logged when it took long. What it asks is the endpoint's.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use millpond_store::log_store::Budget;
use serde::Serialize;

use super::Http;
use super::blocking::QueryPool;
use super::params::Parameters;
use super::problem::Problem;
use super::search::{Reply, Search};
use super::time;

/// What is missing in an answer, if anything is.
pub(super) type Missing = Option<&'static str>;

impl Http {
    /// Runs a query on its own thread and sends its answer as one JSON object.
    pub(super) async fn answer<T: Serialize + Send + 'static>(
        &self,
        parameters: Parameters,
        query: impl FnOnce(&Search<'_>) -> Result<Reply<T>, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        self.answer_on(&self.queries, parameters, query).await
    }

    /// As [`Self::answer`], on a thread of this pool.
    pub(super) async fn answer_on<T: Serialize + Send + 'static>(
        &self,
        pool: &QueryPool,
        parameters: Parameters,
        query: impl FnOnce(&Search<'_>) -> Result<Reply<T>, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        let timeout = self.timeout(&parameters)?;
        let (http, caller) = (self.clone(), parameters.caller.clone());
        let made = pool.run(&caller, timeout, move |budget| {
            http.account(budget, &parameters, |search| {
                let reply = query(search)?.took(parameters.caller.since);
                let body = serde_json::to_vec(&reply).map_err(|error| Problem::internal(&error))?;
                Ok((body, reply.missing()))
            })
        });
        Ok(([(CONTENT_TYPE, "application/json")], made.await?).into_response())
    }

    /// Runs `query` on this thread, counts it, and logs it if it was slow.
    pub(super) fn account<T>(
        &self,
        budget: &Budget,
        parameters: &Parameters,
        query: impl FnOnce(&Search<'_>) -> Result<(T, Missing), Problem>,
    ) -> Result<T, Problem> {
        let search = Search::new(&*self.app.store, budget, parameters)
            .inspect_err(|_| self.app.metrics.http_query_errors_total.add(1))?;
        let made = query(&search);
        self.settle(&search, made.as_ref().map(|(_, missing)| *missing));
        made.map(|(value, _)| value)
    }

    /// The time that a query gets: the parameter `timeout`, at most what the configuration allows.
    pub(super) fn timeout(&self, parameters: &Parameters) -> Result<Duration, Problem> {
        let longest = self.app.config.limits.query_timeout;
        let timeout = timeout(parameters)?.unwrap_or(longest);
        if timeout > longest {
            let detail = format!("`timeout` is at most {} s here.", longest.as_secs());
            return Err(Problem::parameter("timeout", detail));
        }
        Ok(timeout)
    }

    fn settle(&self, search: &Search<'_>, ended: Result<Missing, &Problem>) {
        let metrics = &self.app.metrics;
        let is_cancelled = search.is_cancelled();
        match ended {
            _ if is_cancelled => metrics.http_queries_cancelled_total.add(1),
            Ok(missing) => {
                metrics.http_queries_total.add(1);
                metrics.http_queries_partial_total.add(u64::from(missing.is_some()));
            }
            Err(_) => metrics.http_query_errors_total.add(1),
        }
        let took = search.parameters.caller.worked();
        if took >= self.app.config.limits.slow_query {
            metrics.http_queries_slow_total.add(1);
            let missing = match ended {
                _ if is_cancelled => "cancelled",
                Ok(missing) => missing.unwrap_or("nothing"),
                Err(_) => "everything",
            };
            log_slow(search, took, missing);
        }
    }
}

/// The parameter `timeout`.
pub(super) fn timeout(parameters: &Parameters) -> Result<Option<Duration>, Problem> {
    let timeout_ns = parameters.read("timeout", time::duration_ns)?;
    Ok(timeout_ns.map(|timeout_ns| Duration::from_nanos(timeout_ns.unsigned_abs())))
}

/// The one line about a slow query; its request's id is in the span.
fn log_slow(search: &Search<'_>, took: Duration, missing: &str) {
    let text = |name| search.parameters.text(name).ok().flatten().unwrap_or_default();
    let query = search.canonical().unwrap_or_else(|| text("q").to_owned());
    tracing::warn!(
        client = &*search.parameters.caller.client,
        path = &*search.parameters.path,
        query,
        start = text("start"),
        end = text("end"),
        took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        scanned_bytes = search.budget.cost.report().scanned_bytes,
        missing,
        "a slow query"
    );
}
