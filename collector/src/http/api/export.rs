//! `/api/v1/export`: all rows of a query, as many as there are, streamed as NDJSON, CSV or text. It has threads of its
//! own and no limit of time but the client's patience, and goes on after any row that a client has.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::Version;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use super::query::{Wanted, check_version, write_rows};
use crate::http::Http;
use crate::http::blocking::NO_TIMEOUT;
use crate::http::endpoints::EXPORT;
use crate::http::params::{Parameters, Unchecked};
use crate::http::problem::Problem;
use crate::http::rows::Format;
use crate::http::run::timeout;

/// Streams all rows.
pub(in crate::http) async fn export(
    State(http): State<Http>,
    version: Version,
    given: Unchecked,
) -> Result<Response, Problem> {
    let parameters = given.only(&EXPORT)?;
    let (format, name) = format(&parameters)?;
    check_version(version, format)?;
    // Who sets a limit gets it, however long; beyond the longest there is, it makes no difference.
    let timeout = timeout(&parameters)?.unwrap_or(NO_TIMEOUT).min(NO_TIMEOUT);
    let (running, caller) = (http.clone(), parameters.caller.clone());
    let streamed = http.exports.stream(&caller, timeout, move |budget, out| {
        running.account(budget, &parameters, |search| {
            Ok(((), write_rows(search, &Wanted { format, limit: Some(usize::MAX) }, out)?))
        })
    });
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [(CONTENT_DISPOSITION, disposition)];
    Ok((headers, [(CONTENT_TYPE, format.media_type())], streamed.await?).into_response())
}

/// The parameter `format`, and the name for a file of it.
fn format(parameters: &Parameters) -> Result<(Format, &'static str), Problem> {
    let format = parameters.read("format", |text| match text {
        "ndjson" => Ok((Format::Ndjson, "export.ndjson")),
        "csv" => Ok((Format::Csv, "export.csv")),
        "text" => Ok((Format::Text, "export.txt")),
        _ => Err("write ndjson, csv or text"),
    });
    Ok(format?.unwrap_or((Format::Ndjson, "export.ndjson")))
}
