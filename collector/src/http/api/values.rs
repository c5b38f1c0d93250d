//! `/api/v1/values`: values of a field that start with a text, for completion.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::http::Http;
use crate::http::endpoints::VALUES;
use crate::http::limits::{NAME_BYTES_MAX, VALUES_DEFAULT, VALUES_MAX};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::search::{Reply, Search, reason};

/// The values, the most frequent first.
#[derive(Serialize)]
struct Values {
    values: Vec<ValueReply>,
}

#[derive(Serialize)]
struct ValueReply {
    value: String,
    count: u64,
}

/// Answers with the values.
pub(in crate::http) async fn values(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let parameters = given.only(&VALUES)?;
    http.answer(parameters, values_of).await
}

fn values_of(search: &Search<'_>) -> Result<Reply<Values>, Problem> {
    let missing = || Problem::parameter("field", "`field` names the field whose values are wanted.");
    let field = search.field_name("field", search.parameters.text("field")?.ok_or_else(missing)?)?;
    let prefix = search.parameters.text("prefix")?.unwrap_or_default();
    if prefix.len() > NAME_BYTES_MAX {
        return Err(Problem::parameter("prefix", format!("`prefix` has at most {NAME_BYTES_MAX} bytes.")));
    }
    let limit = search.parameters.count("limit", VALUES_DEFAULT, VALUES_MAX)?;
    let answer = search.store.values(&field, prefix, search.range, limit, search.budget)?;
    let values = answer.value.into_iter().map(|(value, count)| ValueReply { value, count }).collect();
    Ok(Reply::new(Values { values }, answer.partial.map(reason)))
}
