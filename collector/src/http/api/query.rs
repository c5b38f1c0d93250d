//! `/api/v1/query`: documents, or the rows of a table, streamed: one JSON object a line, the last of which is `_meta`,
//! or what `Accept` asks for.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode, Version};
use millpond_query::{Pipe, Resolved, aliases};
use millpond_store::log_store::Order;
use millpond_wire::names;
use serde::Serialize;

use super::stats::table;
use crate::http::Http;
use crate::http::chunks::ChunkWriter;
use crate::http::endpoints::QUERY;
use crate::http::limits::{CSV_COLUMNS_MAX, ROWS_DEFAULT, ROWS_MAX};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::rows::{Cursor, Format, Outcome, RowQuery, RowWriter, Visible};
use crate::http::run::Missing;
use crate::http::search::{Reply, Search, is_approximate};

/// Seconds after which a reply may be complete: the collector may have less to do.
const RETRY_AFTER_S: u64 = 10;

/// What is wanted of the rows.
pub(super) struct Wanted {
    pub(super) format: Format,
    /// Rows of a page, as far as that was said.
    pub(super) limit: Option<usize>,
}

/// Where the next page begins; `null`: there is none.
#[derive(Serialize)]
struct Meta {
    cursor: Option<String>,
}

/// Streams rows.
pub(in crate::http) async fn query(
    State(http): State<Http>,
    version: Version,
    headers: HeaderMap,
    given: Unchecked,
) -> Result<Response, Problem> {
    let parameters = given.only(&QUERY)?;
    let timeout = http.timeout(&parameters)?;
    let (running, caller, format) = (http.clone(), parameters.caller.clone(), Format::accepted(&headers));
    check_version(version, format)?;
    let streamed = http.queries.stream(&caller, timeout, move |budget, out| {
        running.account(budget, &parameters, |search| {
            let is_given = parameters.text("limit")?.is_some();
            let limit = parameters.count("limit", ROWS_DEFAULT, ROWS_MAX)?;
            let limit = is_given.then_some(limit);
            Ok(((), write_rows(search, &Wanted { format, limit }, out)?))
        })
    });
    Ok(([(CONTENT_TYPE, format.media_type())], streamed.await?).into_response())
}

/// Writes rows, and after them what is to be said of them. Says what is missing.
pub(super) fn write_rows(
    search: &Search<'_>,
    wanted: &Wanted,
    out: &mut ChunkWriter,
) -> Result<Missing, Problem> {
    let query = search.parse()?;
    let mut resolved = search.resolve(&query)?;
    let mut fields = Vec::new();
    for name in search.parameters.list("fields") {
        let name = search.column_name("fields", name)?;
        if !fields.contains(&name) {
            fields.push(name);
        }
    }
    if !fields.is_empty() {
        resolved.pipes.push(Pipe::Fields { names: fields, exclude: false });
    }
    let warnings = search.warnings(&query);
    let approximate = is_approximate(&resolved.pipes);
    let (outcome, rows) = if wants_table(&resolved.pipes) {
        write_table(search, &resolved, wanted, out)?
    } else {
        write_documents(search, resolved, wanted, out)?
    };
    let cursor = outcome.cursor.map(|cursor| cursor.to_string());
    let meta = Reply::new(Meta { cursor }, outcome.partial).approximate(approximate).warn(warnings);
    let meta = meta.took(search.parameters.caller.since);
    let line = serde_json::to_vec(&meta).map_err(|error| Problem::internal(&error))?;
    out.append(|out| rows.end(&line, out));
    match outcome.partial {
        Some(reason) if !wanted.format.has_meta() => Err(cut(reason, out)),
        partial => Ok(partial),
    }
}

/// A reply that can't say what is missing in it, so that nobody takes it for a whole one: an error, or the rows that there
/// are and no end.
fn cut(reason: &str, out: &mut ChunkWriter) -> Problem {
    if out.has_sent() {
        out.flush();
    }
    let detail = format!("The reply is not complete ({reason}) and can't say so in this form; take NDJSON.");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "incomplete", detail).retry_after(RETRY_AFTER_S)
}

/// Refuses a form whose end is the end of the body alone where HTTP can't tell that from a cut.
pub(super) fn check_version(version: Version, format: Format) -> Result<(), Problem> {
    if version >= Version::HTTP_11 || format.has_meta() {
        return Ok(());
    }
    let detail = "Over HTTP/1.0 a CSV or text that was cut looks like a whole one.";
    Err(Problem::new(StatusCode::HTTP_VERSION_NOT_SUPPORTED, "http_version", detail)
        .hint("Use HTTP/1.1 (nginx: proxy_http_version 1.1), or NDJSON."))
}

/// The parameter `order`.
pub(super) fn order(search: &Search<'_>) -> Result<Order, Problem> {
    let order = search.parameters.read("order", |text| match text {
        "desc" => Ok(Order::Descending),
        "asc" => Ok(Order::Ascending),
        _ => Err("write desc (newest first) or asc"),
    });
    Ok(order?.unwrap_or(Order::Descending))
}

/// Whether the pipes make a table of the documents.
pub(super) fn wants_table(pipes: &[Pipe]) -> bool {
    pipes.iter().any(|pipe| matches!(pipe, Pipe::Stats(_)))
}

fn write_documents(
    search: &Search<'_>,
    resolved: Resolved,
    wanted: &Wanted,
    out: &mut ChunkWriter,
) -> Result<(Outcome, RowWriter), Problem> {
    let limit = match wanted.limit {
        None if !wanted.format.has_meta() => {
            let detail = "CSV and text can't say that there are more rows: give a `limit`, or export.";
            return Err(Problem::parameter("limit", detail));
        }
        limit => limit.unwrap_or(ROWS_DEFAULT),
    };
    let cursor = search.parameters.read("cursor", str::parse)?;
    let mut rows = RowWriter::new(wanted.format, columns(search, &resolved.pipes, wanted.format)?);
    let query = RowQuery {
        filter: resolved.filter,
        range: search.range,
        order: order(search)?,
        pipes: resolved.pipes,
        cursor,
        limit,
        caller: search.parameters.caller.clone(),
    };
    out.append(|out| rows.begin(out));
    let run = query.run(search.store, search.budget, &mut |row, visible| {
        out.append(|out| rows.document(row, visible, out))
    });
    let outcome = match run {
        // Part of the reply is with the client already, so the status can't tell any more.
        Err(_) if out.has_sent() => Outcome { partial: Some("failed"), cursor: None },
        outcome => outcome?,
    };
    Ok((outcome, rows))
}

/// All rows of a table are sent unless `limit` is given: the query itself limits them, and orders them.
fn write_table(
    search: &Search<'_>,
    resolved: &Resolved,
    wanted: &Wanted,
    out: &mut ChunkWriter,
) -> Result<(Outcome, RowWriter), Problem> {
    let skip = match search.parameters.read("cursor", str::parse)? {
        None => 0,
        Some(Cursor::Skip(rows)) => rows,
        Some(Cursor::After(_)) => return Err(Cursor::of_another_query()),
    };
    let limit = wanted.limit.unwrap_or(usize::MAX);
    order(search)?;
    let (table, partial) = table(search, resolved)?;
    let mut rows = RowWriter::new(wanted.format, table.columns.clone());
    out.append(|out| rows.begin(out));
    let next = skip.saturating_add(limit);
    let cursor = (next < table.rows.len()).then_some(Cursor::Skip(next));
    for cells in table.rows.into_iter().skip(skip).take(limit) {
        if !out.append(|out| rows.table_row(&table.columns, cells, out)) {
            break;
        }
    }
    Ok((Outcome { partial, cursor }, rows))
}

/// The columns of documents: those that the last `| fields` names, and what pipes behind it make; else, in CSV, all that
/// the range has, and in text, what people read.
fn columns(search: &Search<'_>, pipes: &[Pipe], format: Format) -> Result<Vec<String>, Problem> {
    if format.has_meta() {
        return Ok(Vec::new());
    }
    let are_named = pipes.iter().any(|pipe| named(pipe).is_some());
    if !are_named && format == Format::Text {
        return Ok([aliases::TIMESTAMP, names::LEVEL, names::MESSAGE].map(str::to_owned).into());
    }
    let known = search.fields().iter().filter(|_| !are_named).map(|field| field.name.clone());
    let columns = after(pipes, known.collect());
    if are_named {
        return Ok(columns);
    }
    if columns.len() > CSV_COLUMNS_MAX {
        let detail = format!(
            "Documents in this range have {} fields, more than the {CSV_COLUMNS_MAX} columns of CSV.",
            columns.len()
        );
        return Err(Problem::parameter("fields", detail).hint("Name the `fields` that you want."));
    }
    Ok([names::ID, aliases::TIMESTAMP].map(str::to_owned).into_iter().chain(columns).collect())
}

/// The fields that a pipe names to keep.
fn named(pipe: &Pipe) -> Option<&Vec<String>> {
    match pipe {
        Pipe::Fields { names, exclude: false } => {
            Some(names).filter(|names| !names.iter().any(|name| name.contains('*')))
        }
        _ => None,
    }
}

/// What pipes make of the columns.
fn after(pipes: &[Pipe], mut columns: Vec<String>) -> Vec<String> {
    for pipe in pipes {
        match pipe {
            Pipe::Fields { names, exclude } => match named(pipe) {
                Some(named) => columns.clone_from(named),
                None => {
                    let mut visible = Visible::default();
                    visible.restrict(names.clone(), *exclude);
                    columns.retain(|column| visible.shows(column));
                }
            },
            Pipe::Make(maker) => {
                let new: Vec<_> =
                    maker.names().filter(|name| !columns.iter().any(|known| known == name)).collect();
                columns.extend(new.into_iter().map(str::to_owned));
            }
            Pipe::Rename(pairs) => {
                for (old, new) in pairs {
                    let Some(at) = columns.iter().position(|column| column == old) else { continue };
                    columns.get_mut(at).into_iter().for_each(|column| new.clone_into(column));
                    let mut place = 0..;
                    columns.retain(|column| place.next() == Some(at) || column != new);
                }
            }
            _ => {}
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_what_pipes_leave() {
        let rows = [
            ("*", "a b.c"),
            ("* | eval n = 1, a = 2 | extract \"x <y>\"", "a b.c n y"),
            ("* | eval n = 1 | fields n, a | rename a as z", "n z"),
            ("* | fields b, a | eval n = 1 | fields -b", "a n"),
            ("* | rename a as n | parse json", "n b.c"),
        ];
        for (query, expected) in rows {
            let pipes = millpond_query::parse(query).unwrap().resolve(0).unwrap().pipes;
            let found = after(&pipes, vec!["a".to_owned(), "b.c".to_owned()]);
            assert_eq!(found.join(" "), expected, "{query}");
        }
    }
}
