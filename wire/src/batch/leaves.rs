//! Takes documents apart into scalars: what conditions are tested on and columns are made of.

use std::ops::ControlFlow;

use super::{DocRef, ScalarRef, ValueRef};
use crate::names;

type Visit<'v> = dyn FnMut(&str, ScalarRef<'_>) -> ControlFlow<()> + 'v;

/// Visits the level as `log.level`, then every scalar of every field.
pub(super) fn visit_document(doc: &DocRef<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    if let Some(level) = doc.level() {
        visit(names::LEVEL, ScalarRef::Str(level.name()))?;
    }
    for field in doc.fields() {
        if field.name == names::LEVEL && doc.level().is_some() {
            continue;
        }
        visit_value(field.name, field.value, visit)?;
    }
    ControlFlow::Continue(())
}

/// Visits the scalars of one value.
pub(super) fn visit_value(name: &str, value: ValueRef<'_>, visit: &mut Visit<'_>) -> ControlFlow<()> {
    match value {
        ValueRef::Str(text) => visit(name, ScalarRef::Str(text)),
        ValueRef::I64(number) => visit(name, ScalarRef::I64(number)),
        ValueRef::F64(number) => visit(name, ScalarRef::F64(number)),
        ValueRef::Bool(truth) => visit(name, ScalarRef::Bool(truth)),
        // serde_json refuses nesting over 128 levels, so the recursion below is bounded.
        ValueRef::Json(text) => match serde_json::from_str(text) {
            Ok(value) => visit_json(name, &value, visit),
            Err(_) => visit(name, ScalarRef::Str(text)),
        },
    }
}

fn visit_json(name: &str, value: &serde_json::Value, visit: &mut Visit<'_>) -> ControlFlow<()> {
    match value {
        serde_json::Value::Null => ControlFlow::Continue(()),
        serde_json::Value::Bool(truth) => visit(name, ScalarRef::Bool(*truth)),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => visit(name, ScalarRef::I64(number)),
            (None, Some(number)) => visit(name, ScalarRef::F64(number)),
            (None, None) => ControlFlow::Continue(()),
        },
        serde_json::Value::String(text) => visit(name, ScalarRef::Str(text)),
        serde_json::Value::Array(items) => items.iter().try_for_each(|item| visit_json(name, item, visit)),
        serde_json::Value::Object(members) => {
            members.iter().try_for_each(|(key, item)| visit_json(&format!("{name}.{key}"), item, visit))
        }
    }
}
