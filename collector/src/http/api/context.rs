//! `/api/v1/context`: what came just before and just after a document, in the same stream.

use std::ops::ControlFlow;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use millpond_query::Query;
use millpond_query::ast::{Condition, Expr, FieldExpr, Name, Value, ValueKind};
use millpond_store::log_store::{Order, Pick, SearchPlan, TimeRange};
use millpond_wire::batch::{Batch, DocId, ValueRef};
use millpond_wire::names;
use serde::Serialize;

use crate::http::Http;
use crate::http::chunks::ChunkWriter;
use crate::http::endpoints::CONTEXT;
use crate::http::limits::{CONTEXT_BYTES_MAX, CONTEXT_PAGE_ROWS, CONTEXT_ROWS_DEFAULT, CONTEXT_ROWS_MAX};
use crate::http::params::{Parameters, Unchecked};
use crate::http::problem::Problem;
use crate::http::rows::{Cursor, Format, RowQuery, RowWriter, Visible};
use crate::http::run::Missing;
use crate::http::search::{Reply, Search, reason};

/// The fields that tell a stream from others, as far as a document has them.
const STREAM: [&str; 2] = [names::HOST_NAME, names::FILE_PATH];

#[derive(Serialize)]
struct Meta {
    anchor: String,
}

/// Streams the neighbours.
pub(in crate::http) async fn context(
    State(http): State<Http>,
    given: Unchecked,
) -> Result<Response, Problem> {
    let parameters = given.only(&CONTEXT)?;
    let timeout = http.timeout(&parameters)?;
    let (running, caller) = (http.clone(), parameters.caller.clone());
    let streamed = http.queries.stream(&caller, timeout, move |budget, out| {
        running.account(budget, &parameters, |search| Ok(((), write_context(search, out)?)))
    });
    Ok(([(CONTENT_TYPE, Format::Ndjson.media_type())], streamed.await?).into_response())
}

/// Writes the neighbours in ascending order of time, the document itself in its place. The older ones are found from the
/// newest on, so they are held until the oldest is known; the newer ones go out as they are found.
fn write_context(search: &Search<'_>, out: &mut ChunkWriter) -> Result<Missing, Problem> {
    let missing = || Problem::parameter("id", "`id` is the `_id` of a document.");
    let id = search.parameters.read("id", str::parse::<DocId>)?.ok_or_else(missing)?;
    let before = neighbours(search.parameters, "before")?;
    let after = neighbours(search.parameters, "after")?;
    let scope = scope(search.parameters)?;
    let asked = search.parse()?;
    let anchor = find(search, id)?;
    let query = Query { filter: within(asked.filter, scope, &anchor), ..asked };
    let resolved = search.resolve(&query)?;
    if !resolved.pipes.is_empty() {
        let detail = "Only a condition narrows neighbours down; leave the pipes of `q` out.";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail));
    }
    let filter = resolved.filter;
    let (range, order) = (search.range, Order::Descending);
    let plan =
        SearchPlan { filter: filter.clone(), range, order, limit: before, pick: Pick::after(Some(id)) };
    let (older, cut_before) = take(search, plan)?;
    let (visible, mut rows) = (Visible::default(), RowWriter::new(Format::Ndjson, Vec::new()));
    let mut is_read = true;
    for row in older.iter().rev().chain([&anchor]).filter_map(|batch| batch.doc(0)) {
        is_read = is_read && out.append(|out| rows.document(row, &visible, out));
    }
    drop(older);
    let cut_after = if is_read && after > 0 {
        let newer = RowQuery {
            filter,
            range,
            order: Order::Ascending,
            pipes: Vec::new(),
            cursor: Some(Cursor::After(id)),
            limit: after,
            caller: search.parameters.caller.clone(),
        };
        let run = newer.run(search.store, search.budget, &mut |row, visible| {
            out.append(|out| rows.document(row, visible, out))
        });
        match run {
            // Part of the reply is with the client already, so the status can't tell any more.
            Err(_) if out.has_sent() => Some("failed"),
            outcome => outcome?.partial,
        }
    } else {
        None
    };
    let missing = cut_before.or(cut_after);
    let meta = Reply::new(Meta { anchor: id.to_string() }, missing).took(search.parameters.caller.since);
    let meta = serde_json::to_vec(&meta).map_err(|error| Problem::internal(&error))?;
    out.append(|out| rows.end(&meta, out));
    Ok(missing)
}

/// How many neighbours are wanted on one side; none is fine.
fn neighbours(parameters: &Parameters, name: &'static str) -> Result<usize, Problem> {
    if parameters.text(name)? == Some("0") {
        return Ok(0);
    }
    parameters.count(name, CONTEXT_ROWS_DEFAULT, CONTEXT_ROWS_MAX)
}

/// The fields that neighbours have in common with the document.
fn scope(parameters: &Parameters) -> Result<&'static [&'static str], Problem> {
    let scope = parameters.read("scope", |text| match text {
        "stream" => Ok(&STREAM[..]),
        "host" => Ok(&[names::HOST_NAME]),
        "all" => Ok(&[]),
        _ => Err("write stream, host or all"),
    });
    Ok(scope?.unwrap_or(&STREAM))
}

/// The document with this id.
fn find(search: &Search<'_>, id: DocId) -> Result<Batch, Problem> {
    let plan = SearchPlan {
        filter: millpond_query::Filter::All,
        range: TimeRange { start_ns: Some(id.timestamp_ns), end_ns: id.timestamp_ns.checked_add(1) },
        order: Order::Descending,
        limit: 1,
        // The first that is not after it: itself, if it is there.
        pick: Pick::after(id.sequence.checked_add(1).map(|sequence| DocId { sequence, ..id })),
    };
    let (mut found, missing) = take(search, plan)?;
    let found = found.pop().filter(|batch| batch.doc(0).is_some_and(|row| row.id() == id));
    found.ok_or_else(|| match missing {
        Some(_) => Problem::overloaded(1, "The document was not found in the time there was."),
        None => Problem::new(StatusCode::NOT_FOUND, "no_such_document", "There is no document with this id."),
    })
}

/// The condition with what the anchor has of the scope's fields.
fn within(filter: Expr, scope: &[&str], anchor: &Batch) -> Expr {
    let row = anchor.doc(0);
    let text_of = |name: &str| match row.and_then(|row| row.field(name)) {
        Some(ValueRef::Str(text)) => Some(text.to_owned()),
        _ => None,
    };
    let same = scope.iter().filter_map(|name| {
        let value = Value { kind: ValueKind::Text(text_of(name)?), span: Default::default() };
        let name = Name { text: (*name).to_owned(), span: Default::default() };
        let condition = Condition::Equals(value);
        Some(Expr::Field(FieldExpr { name, condition, span: Default::default() }))
    });
    Expr::And([filter].into_iter().chain(same).collect())
}

/// The rows of a plan, each as a batch of its own, at most [`CONTEXT_BYTES_MAX`] of them.
fn take(search: &Search<'_>, mut plan: SearchPlan) -> Result<(Vec<Batch>, Missing), Problem> {
    let (mut rows, mut left, mut room_bytes) = (Vec::new(), plan.limit, Some(CONTEXT_BYTES_MAX));
    while left > 0 {
        plan.limit = left.min(CONTEXT_PAGE_ROWS);
        let mut found = 0;
        let answer = search.store.search(&plan, search.budget, &mut |row| {
            found += 1;
            let row = Visible::default().copy(row);
            room_bytes = room_bytes.and_then(|room| room.checked_sub(row.heap_bytes()));
            if room_bytes.is_none() {
                return ControlFlow::Break(());
            }
            rows.push(row);
            ControlFlow::Continue(())
        })?;
        let missing = room_bytes.is_none().then_some("context_bytes").or(answer.partial.map(reason));
        if missing.is_some() || found < plan.limit {
            return Ok((rows, missing));
        }
        left -= found;
        let after = rows.last().and_then(|row| row.doc(0)).map(|row| row.id());
        plan.pick = Pick::after(after);
    }
    Ok((rows, None))
}
