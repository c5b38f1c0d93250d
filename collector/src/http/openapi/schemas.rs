//! The schemas of replies. A fuzzer holds them to the replies of a running collector.

use serde_json::{Map, Value, json};

/// All schemas by name.
pub(super) fn all() -> Value {
    let rows = [
        ("Problem", problem()),
        ("Rows", reply(json!({"rows": array(json!({"type": "object"})), "cursor": optional("string")}))),
        ("Histogram", histogram()),
        ("Stats", stats()),
        ("Prometheus", prometheus()),
        ("Explanation", explanation()),
        ("Facets", facets()),
        (
            "Fields",
            reply(json!({"fields": array(object(json!({
                "name": string(), "types": array(string()), "count": count(),
            })))})),
        ),
        ("Values", reply(json!({"values": array(object(json!({"value": string(), "count": count()})))}))),
        ("Parsed", parsed()),
        (
            "Ingested",
            object(json!({
                "accepted": count(),
                "rejected": count(),
                "errors": array(object(json!({"line": count(), "error": string()}))),
            })),
        ),
    ];
    Value::Object(rows.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect())
}

fn problem() -> Value {
    with_optional(
        object(json!({
            "type": string(), "title": string(), "status": count(), "detail": string(), "code": string(),
            "request_id": string(),
        })),
        json!({"parameter": string(), "offset": count(), "length": count(), "hint": string()}),
    )
}

fn histogram() -> Value {
    let bar = with_optional(
        object(json!({"start": string(), "count": count()})),
        json!({"by": {"type": "object", "additionalProperties": count()}}),
    );
    reply(json!({"step_ms": count(), "total": count(), "buckets": array(bar)}))
}

fn stats() -> Value {
    let column = object(json!({"name": string()}));
    let table = reply(json!({"columns": array(column), "rows": array(array(json!({})))}));
    json!({"anyOf": [table, {"$ref": "#/components/schemas/Prometheus"}]})
}

fn prometheus() -> Value {
    let sample =
        json!({"type": "array", "prefixItems": [{"type": "number"}, string()], "minItems": 2, "maxItems": 2});
    let labels = json!({"type": "object", "additionalProperties": string()});
    let series = with_optional(
        object(json!({"metric": labels})),
        json!({"value": sample.clone(), "values": array(sample)}),
    );
    let data = object(json!({"resultType": {"enum": ["vector", "matrix"]}, "result": array(series)}));
    reply(json!({"status": {"const": "success"}, "data": data}))
}

fn explanation() -> Value {
    let stage = object(json!({"name": string(), "ms": {"type": "number"}}));
    let pipe = object(json!({"pipe": string(), "runs": {"enum": ["store", "rows", "table"]}}));
    reply(json!({
        "canonical": string(),
        "filter": string(),
        "pipes": array(pipe),
        "splits": object(json!({
            "total": count(), "outside_time": count(), "ruled_out": count(), "searched": count(),
        })),
        "documents": object(json!({"searched": count(), "matched": count()})),
        "scanned_bytes": count(),
        "stages": array(stage),
    }))
}

fn facets() -> Value {
    let value = object(json!({"value": {}, "count": count()}));
    reply(json!({"fields": array(object(json!({
        "name": string(), "values": array(value), "distinct": count(), "missing": count(),
    })))}))
}

fn parsed() -> Value {
    let error = object(json!({
        "code": string(), "message": string(), "offset": count(), "length": count(), "hint": optional("string"),
    }));
    let kind = json!({"enum": ["field", "value", "operator", "pipe", "function", "keyword"]});
    let completion = object(json!({
        "text": string(), "kind": kind, "offset": count(), "length": count(), "detail": string(),
    }));
    let parsed = reply(json!({
        "ok": {"type": "boolean"},
        "canonical": optional("string"),
        "ast": optional("object"),
        "fields": array(string()),
        "error": {"anyOf": [{"type": "null"}, error]},
    }));
    with_optional(parsed, json!({"completions": array(completion)}))
}

/// A reply of a query: these members, and what is said with every answer.
fn reply(members: Value) -> Value {
    let mut members = members;
    if let Some(members) = members.as_object_mut() {
        members.insert("took_ms".into(), count());
        members.insert("partial".into(), json!({"type": "boolean"}));
    }
    with_optional(
        object(members),
        json!({"reason": string(), "approximate": {"const": true}, "warnings": array(string())}),
    )
}

/// An object that has all of these members and no others.
fn object(members: Value) -> Value {
    let names: Vec<String> = members.as_object().map(Map::keys).into_iter().flatten().cloned().collect();
    json!({"type": "object", "properties": members, "required": names, "additionalProperties": false})
}

/// The object with members that may be missing.
fn with_optional(mut object: Value, members: Value) -> Value {
    if let (Some(properties), Value::Object(members)) = (object["properties"].as_object_mut(), members) {
        properties.extend(members);
    }
    object
}

fn string() -> Value {
    json!({"type": "string"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn array(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn optional(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}
