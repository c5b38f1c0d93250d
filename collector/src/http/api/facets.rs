//! `/api/v1/facets`: the exact most frequent values of fields.

use axum::extract::State;
use axum::response::Response;
use millpond_store::log_store::Facet;
use serde::Serialize;
use serde_json::Value;

use crate::http::Http;
use crate::http::endpoints::FACETS;
use crate::http::limits::{FACET_FIELDS_MAX, FACET_TOP_DEFAULT, FACET_TOP_MAX};
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::search::{Reply, Search, cell_to_json, reason};

/// The fields as they were named in the request.
#[derive(Serialize)]
struct Facets {
    fields: Vec<FieldReply>,
}

#[derive(Serialize)]
struct FieldReply {
    name: String,
    values: Vec<ValueReply>,
    distinct: u64,
    missing: u64,
}

#[derive(Serialize)]
struct ValueReply {
    value: Value,
    count: u64,
}

/// Answers with the values of each field.
pub(in crate::http) async fn facets(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let parameters = given.only(&FACETS)?;
    http.answer(parameters, facets_of).await
}

fn facets_of(search: &Search<'_>) -> Result<Reply<Facets>, Problem> {
    let filter = search.filter()?;
    let top = search.parameters.count("top", FACET_TOP_DEFAULT, FACET_TOP_MAX)?;
    let asked = search.parameters.list("fields");
    if asked.is_empty() || asked.len() > FACET_FIELDS_MAX {
        let detail = format!("`fields` names 1 to {FACET_FIELDS_MAX} fields, with commas between them.");
        return Err(Problem::parameter("fields", detail));
    }
    let names = asked.iter().map(|name| search.field_name("fields", name)).collect::<Result<Vec<_>, _>>()?;
    let answer = search.store.facets(&filter, search.range, &names, top, search.budget)?;
    let fields = asked.iter().zip(answer.value).map(|(name, facet)| field_reply(name, facet)).collect();
    Ok(Reply::new(Facets { fields }, answer.partial.map(reason)))
}

fn field_reply(name: &str, facet: Facet) -> FieldReply {
    let values =
        facet.values.into_iter().map(|(value, count)| ValueReply { value: cell_to_json(value), count });
    let (distinct, missing) = (facet.distinct, facet.missing);
    FieldReply { name: name.to_owned(), values: values.collect(), distinct, missing }
}
