//! What every query endpoint shares: `q`, `start` and `end` become a filter, pipes and a range; the answer becomes
//! JSON with the time it took and what is missing in it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use millpond_query::ast::Name;
use millpond_query::table::Cell;
use millpond_query::{Agg, AggFunction, Context, Filter, Pipe, Query, QueryError, Resolved, Scope, aliases};
use millpond_store::StoreError;
use millpond_store::log_store::{Budget, FieldInfo, LogStore, Partial, TimeRange};
use serde::Serialize;
use serde_json::Value;

use super::limits::NAME_BYTES_MAX;
use super::params::Parameters;
use super::problem::Problem;
use super::time;
use crate::clock;

/// Fields of an object that a warning names.
const OBJECT_FIELDS_TOLD: usize = 5;

/// One query request, on its thread.
pub(super) struct Search<'a> {
    pub(super) store: &'a dyn LogStore,
    pub(super) budget: &'a Budget,
    pub(super) parameters: &'a Parameters,
    /// `start` and `end`.
    pub(super) range: TimeRange,
    /// The time of the wall clock when the request began.
    pub(super) now_ns: i64,
    fields: OnceCell<Vec<FieldInfo>>,
}

/// An answer with what is to be said about it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reply<T> {
    #[serde(flatten)]
    pub(super) value: T,
    took_ms: u64,
    partial: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    approximate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl<T> Reply<T> {
    /// A reply that lacks something for `reason`, or nothing if there is none.
    pub(super) fn new(value: T, reason: Option<&'static str>) -> Self {
        let (took_ms, partial, approximate, warnings) = (0, reason.is_some(), false, Vec::new());
        Self { value, took_ms, partial, approximate, reason, warnings }
    }

    /// Adds what the user should know, though it is no error.
    pub(super) fn warn(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Says whether some values are close to the right ones instead of exact.
    pub(super) fn approximate(mut self, is_approximate: bool) -> Self {
        self.approximate = is_approximate;
        self
    }

    /// Says how long it took.
    pub(super) fn took(mut self, since: Instant) -> Self {
        self.took_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Why something is missing, if it is.
    pub(super) fn missing(&self) -> Option<&'static str> {
        self.reason
    }
}

impl<'a> Search<'a> {
    /// A request at the time of the wall clock.
    pub(super) fn new(
        store: &'a dyn LogStore,
        budget: &'a Budget,
        parameters: &'a Parameters,
    ) -> Result<Self, Problem> {
        let now_ns = clock::now_ns();
        let range = time::range(parameters, now_ns)?;
        Ok(Self { store, budget, parameters, range, now_ns, fields: OnceCell::new() })
    }

    /// The query `q`; everything when it is absent.
    pub(super) fn parse(&self) -> Result<Query, Problem> {
        Ok(self.try_parse()??)
    }

    /// As [`Self::parse`], with what is wrong with the query apart from what is wrong with the request.
    pub(super) fn try_parse(&self) -> Result<Result<Query, QueryError>, Problem> {
        let since = Instant::now();
        let query = millpond_query::parse(self.parameters.text("q")?.unwrap_or_default());
        self.parameters.caller.planned(since.elapsed());
        Ok(query)
    }

    /// The query in canonical text; `None` when it can't be read.
    pub(super) fn canonical(&self) -> Option<String> {
        let text = self.parameters.text("q").ok()?.unwrap_or_default();
        millpond_query::parse(text).ok().map(|query| query.to_string())
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_cancelled(&self) -> bool {
        self.budget.cancelled.load(Ordering::Relaxed)
    }

    /// A query ready to run.
    pub(super) fn resolve(&self, query: &Query) -> Result<Resolved, Problem> {
        Ok(self.try_resolve(query)?)
    }

    /// As [`Self::resolve`], with what is wrong with the query.
    pub(super) fn try_resolve(&self, query: &Query) -> Result<Resolved, QueryError> {
        let since = Instant::now();
        let has_field = |name: &str| self.has_field(name);
        let resolved = query.resolve_in(&Context {
            now_ns: self.now_ns,
            start_ns: self.range.start_ns,
            end_ns: self.range.end_ns,
            has_field: Some(&has_field),
        });
        self.parameters.caller.planned(since.elapsed());
        resolved
    }

    /// The filter of `q`, for endpoints that look at no pipes.
    pub(super) fn filter(&self) -> Result<Filter, Problem> {
        Ok(self.resolve(&self.parse()?)?.filter)
    }

    /// The stored name of a field that a parameter names, by the same rule as in pipes: an alias stands for its
    /// field, unless only the alias itself is a field of the documents.
    pub(super) fn field_name(&self, parameter: &'static str, name: &str) -> Result<String, Problem> {
        if name.len() > NAME_BYTES_MAX {
            let detail = format!("A field name has at most {NAME_BYTES_MAX} bytes.");
            return Err(Problem::parameter(parameter, detail));
        }
        let readings = aliases::readings(name);
        let found = readings.iter().find(|reading| self.has_field(reading)).or(readings.first());
        Ok(found.map_or(name, |reading| reading).to_owned())
    }

    /// The stored name of a field that is a column of a reply: a field of the documents that is called so, though the name
    /// be an alias of another; so the columns of one reply, asked for by name, are the columns of the next.
    pub(super) fn column_name(&self, parameter: &'static str, name: &str) -> Result<String, Problem> {
        if self.has_field(name) { Ok(name.to_owned()) } else { self.field_name(parameter, name) }
    }

    /// One sentence for each field that a query names and no document in the range has, and for what is often meant
    /// otherwise.
    pub(super) fn warnings(&self, query: &Query) -> Vec<String> {
        let text = self.parameters.text("q").ok().flatten().unwrap_or_default();
        let mut warnings = query.warnings(text);
        let names: BTreeMap<&str, &Name> =
            query.fields().into_iter().rev().map(|name| (name.text.as_str(), name)).collect();
        if names.is_empty() {
            return warnings;
        }
        let known: BTreeSet<&str> = self.fields().iter().map(|field| field.name.as_str()).collect();
        let is_known = |name: &str| known.contains(name) || is_built_in(name) || is_object(name, &known);
        let unknown =
            names.into_iter().filter(|(name, _)| !aliases::readings(name).into_iter().any(is_known));
        warnings.extend(unknown.map(|(name, place)| {
            let hints = [
                millpond_query::field_hint(name, known.iter().copied()),
                millpond_query::as_text(place, text),
            ];
            let hints: String = hints.into_iter().flatten().map(|hint| format!(" {hint}")).collect();
            format!("No document in this range has a field `{name}`.{hints}")
        }));
        warnings.extend(of_objects(query, &known));
        warnings
    }

    fn has_field(&self, name: &str) -> bool {
        self.fields().iter().any(|field| field.name == name)
    }

    /// The fields that documents in the range have.
    pub(super) fn fields(&self) -> &[FieldInfo] {
        self.fields.get_or_init(|| self.store.fields(self.range))
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Plan(detail) => Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail),
            StoreError::Closed => Problem::overloaded(5, "The collector is stopping."),
            error => Problem::internal(&error),
        }
    }
}

/// Whether values of the pipes are estimates: percentiles are.
pub(super) fn is_approximate(pipes: &[Pipe]) -> bool {
    let estimates = |agg: &Agg| matches!(agg.function, AggFunction::Percentile(_));
    pipes.iter().any(|pipe| matches!(pipe, Pipe::Stats(stats) if stats.aggs.iter().any(estimates)))
}

/// A reply of one JSON object.
pub(super) fn json(value: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(value).map_err(|error| Problem::internal(&error))?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

/// The name of a reason for a partial answer. Clients compare it.
pub(super) fn reason(partial: Partial) -> &'static str {
    match partial {
        Partial::Deadline => "deadline",
        Partial::ScannedBytes => "scanned_bytes",
        Partial::Groups => "groups",
        Partial::SortRows => "sort_rows",
        Partial::Damaged => "damaged",
    }
}

/// A cell as JSON. Times are RFC 3339; what JSON can't say (NaN) is null.
pub(super) fn cell_to_json(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Bool(truth) => Value::Bool(truth),
        Cell::I64(number) => number.into(),
        Cell::F64(number) => number.into(),
        Cell::Str(text) => Value::String(text),
        Cell::TimeNs(timestamp_ns) => Value::String(rfc3339(timestamp_ns)),
        Cell::List(cells) => cells.into_iter().map(cell_to_json).collect(),
    }
}

/// Unix nanoseconds as RFC 3339 in UTC.
pub(super) fn rfc3339(timestamp_ns: i64) -> String {
    let mut text = Vec::with_capacity(32);
    millpond_wire::batch::write_rfc3339(timestamp_ns, &mut text);
    String::from_utf8(text).unwrap_or_default()
}

/// Fields that every document has, whatever the catalog lists.
fn is_built_in(name: &str) -> bool {
    matches!(name, aliases::TIMESTAMP | aliases::LEVEL | aliases::MESSAGE | millpond_wire::names::ID)
}

/// One sentence for each object that a query names as if it had a value.
fn of_objects(query: &Query, known: &BTreeSet<&str>) -> Vec<String> {
    let names: BTreeSet<&str> =
        query.fields_with_values().into_iter().map(|name| name.text.as_str()).collect();
    let is_field = |name: &str| known.contains(name) || is_built_in(name);
    let objects = names
        .into_iter()
        .filter(|name| !aliases::readings(name).into_iter().any(is_field) && is_object(name, known));
    let warning = |name: &str| {
        let inside = known.iter().filter(|known| Scope::is_inside(known, name)).take(OBJECT_FIELDS_TOLD);
        let inside: Vec<String> = inside.map(|field| format!("`{field}`")).collect();
        format!(
            "`{name}` is an object, which has no value itself: name a field in it, as {}.",
            inside.join(", ")
        )
    };
    objects.map(warning).collect()
}

/// Whether the name is the first part of known names: `http` of `http.request.method`.
fn is_object(name: &str, known: &BTreeSet<&str>) -> bool {
    known.range(name..).any(|known| Scope::is_inside(known, name))
}
