//! The OpenAPI 3.1 document, made of the table in [`endpoints`](super::endpoints) that requests are checked by, and of the
//! schemas of replies.

mod schemas;

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};

use super::endpoints::{ALL, Endpoint, Kind, Parameter, Reply};

/// The document as it is served. It says the same as long as the program runs.
static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// Answers with the document.
pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

fn document() -> Value {
    let mut paths: Map<String, Value> =
        ALL.iter().map(|endpoint| (endpoint.path.into(), path(endpoint))).collect();
    paths.insert("/api/v1/ingest".into(), ingest());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Millpond",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Logs in, searches and aggregates out. The words of this document are in API.md.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas::all()},
    })
}

fn path(endpoint: &Endpoint) -> Value {
    let parameters: Vec<Value> = endpoint.parameters.iter().map(in_address).collect();
    let get = json!({
        "operationId": operation(endpoint, ""),
        "summary": endpoint.about,
        "parameters": parameters,
        "responses": responses(endpoint.reply),
    });
    if !endpoint.takes_post {
        return json!({"get": get});
    }
    let members: Map<String, Value> =
        endpoint.parameters.iter().map(|parameter| (parameter.name.into(), schema(parameter))).collect();
    let required: Vec<&str> = endpoint
        .parameters
        .iter()
        .filter(|parameter| parameter.required)
        .map(|parameter| parameter.name)
        .collect();
    let mut object = json!({"type": "object", "properties": members, "additionalProperties": false});
    if !required.is_empty()
        && let Some(object) = object.as_object_mut()
    {
        object.insert("required".into(), json!(required));
    }
    let post = json!({
        "operationId": operation(endpoint, "_post"),
        "summary": endpoint.about,
        "requestBody": {"required": !required.is_empty(), "content": {"application/json": {"schema": object}}},
        "responses": responses(endpoint.reply),
    });
    json!({"get": get, "post": post})
}

fn operation(endpoint: &Endpoint, suffix: &str) -> String {
    format!("{}{suffix}", endpoint.path.rsplit('/').next().unwrap_or_default())
}

fn in_address(parameter: &Parameter) -> Value {
    let mut value = json!({
        "name": parameter.name,
        "in": "query",
        "required": parameter.required,
        "description": parameter.about,
        "schema": schema(parameter),
    });
    if matches!(parameter.kind, Kind::List { .. })
        && let Some(members) = value.as_object_mut()
    {
        members.insert("style".into(), json!("form"));
        members.insert("explode".into(), json!(false));
    }
    value
}

fn schema(parameter: &Parameter) -> Value {
    match parameter.kind {
        Kind::Text | Kind::Cursor => json!({"type": "string"}),
        Kind::List { items_max } => {
            let mut list = json!({"type": "array", "items": {"type": "string", "minLength": 1}});
            if let (Some(items_max), Some(list)) = (items_max, list.as_object_mut()) {
                list.insert("minItems".into(), json!(1));
                list.insert("maxItems".into(), json!(items_max));
            }
            list
        }
        Kind::Count { min, max, default } => {
            json!({"type": "integer", "minimum": min, "maximum": max, "default": default})
        }
        Kind::Offset => json!({"type": "integer", "minimum": 0}),
        Kind::Time => {
            json!({"type": "string", "examples": ["now-15m", "2026-11-22T10:00:00Z", "1795341600"]})
        }
        Kind::Duration => json!({"type": "string", "examples": ["30s", "5m", "1h30m"]}),
        Kind::Id => json!({"type": "string", "pattern": "^[0-9a-fA-F]{32}$"}),
        Kind::Choice(choices) => json!({"type": "string", "enum": choices, "default": choices.first()}),
    }
}

/// What may come back: the reply, or a problem with one of these statuses.
fn responses(reply: Reply) -> Value {
    const PROBLEMS: [(&str, &str); 9] = [
        ("400", "A parameter or the query is wrong."),
        ("403", "The request comes from elsewhere."),
        ("404", "There is no such document."),
        ("408", "The body took too long."),
        ("413", "The body is too large."),
        ("415", "The body's media type is unknown."),
        ("500", "The collector failed; its log says why."),
        ("503", "Too much at a time; Retry-After says when to try again."),
        ("505", "HTTP/1.0 can't tell a cut reply of this form from a whole one."),
    ];
    let content: Map<String, Value> = match reply {
        Reply::Json(name) => {
            let reference = json!({"$ref": format!("#/components/schemas/{name}")});
            [("application/json".to_owned(), json!({"schema": reference}))].into_iter().collect()
        }
        Reply::Rows(types) => {
            types.iter().map(|media_type| ((*media_type).to_owned(), rows(media_type))).collect()
        }
    };
    let mut responses = Map::new();
    responses.insert("200".into(), json!({"description": "The answer.", "content": content}));
    let problem = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
    for (status, about) in PROBLEMS {
        responses.insert(status.into(), json!({"description": about, "content": problem}));
    }
    Value::Object(responses)
}

fn rows(media_type: &str) -> Value {
    match media_type {
        "application/json" => json!({"schema": {"$ref": "#/components/schemas/Rows"}}),
        _ => json!({"schema": {"type": "string"}}),
    }
}

fn ingest() -> Value {
    json!({"post": {
        "operationId": "ingest",
        "summary": "Takes lines of JSON objects; answers when they are on disk.",
        "requestBody": {"required": true, "content": {"application/x-ndjson": {"schema": {"type": "string"}}}},
        "responses": responses(Reply::Json("Ingested")),
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        let text = document.to_string();
        let references = text.split("#/components/schemas/").skip(1);
        let names: Vec<&str> = references.filter_map(|rest| rest.split('"').next()).collect();
        assert!(names.len() > ALL.len());
        for name in names {
            assert!(schemas[name].is_object(), "{name}");
        }
    }
}
