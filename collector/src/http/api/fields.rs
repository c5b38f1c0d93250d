//! `/api/v1/fields`: which fields there are, for a sidebar and for completion. Reads no document.

use std::cmp::Reverse;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use crate::http::Http;
use crate::http::endpoints::FIELD_LIST;
use crate::http::limits::FIELDS_MAX;
use crate::http::params::Unchecked;
use crate::http::problem::Problem;
use crate::http::search::{Reply, Search};

/// The fields, by name.
#[derive(Serialize)]
struct Fields {
    fields: Vec<FieldReply>,
}

/// `count` is an upper bound of the documents in the range that have it.
#[derive(Serialize)]
struct FieldReply {
    name: String,
    types: Vec<&'static str>,
    count: u64,
}

/// Answers with the fields of the range.
pub(in crate::http) async fn fields(State(http): State<Http>, given: Unchecked) -> Result<Response, Problem> {
    let parameters = given.only(&FIELD_LIST)?;
    let answer = |search: &Search<'_>| {
        let mut fields = search.store.fields(search.range);
        let was_cut = fields.len() > FIELDS_MAX;
        fields.sort_by_key(|field| Reverse(field.count));
        fields.truncate(FIELDS_MAX);
        fields.sort_by(|left, right| left.name.cmp(&right.name));
        let reply = fields.into_iter().map(|field| FieldReply {
            name: field.name,
            types: field.types,
            count: field.count,
        });
        Ok(Reply::new(Fields { fields: reply.collect() }, was_cut.then_some("fields")))
    };
    http.answer(parameters, answer).await
}
