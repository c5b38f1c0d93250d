//! Documents as the query language sees rows: live tails and the store's own tests evaluate filters
//! on them.

use std::ops::ControlFlow;

use millpond_query::{Row, Scalar};
use millpond_wire::batch::{DocRef, ScalarRef, ValueRef, for_each_leaf_of};
use millpond_wire::names;

/// A document as a row of the query language.
#[derive(Clone, Copy, Debug)]
pub struct DocRow<'a>(pub DocRef<'a>);

impl Row for DocRow<'_> {
    fn timestamp_ns(&self) -> i64 {
        self.0.timestamp_ns()
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        self.0.for_each_leaf(&mut |name, value| visit(name, scalar(value)));
    }

    fn field(&self, name: &str, visit: &mut dyn FnMut(Scalar<'_>) -> ControlFlow<()>) {
        let level = self.0.level().filter(|_| name == names::LEVEL);
        if let Some(level) = level
            && visit(Scalar::Str(level.name())).is_break()
        {
            return;
        }
        for field in self.0.fields().filter(|field| level.is_none() || field.name != names::LEVEL) {
            // An array of objects has leaves with longer names than its own.
            let Some(rest) = name.strip_prefix(field.name) else { continue };
            let flow = match field.value {
                ValueRef::Json(_) if rest.is_empty() || rest.starts_with('.') => {
                    for_each_leaf_of(field.name, field.value, &mut |leaf, value| {
                        if leaf == name { visit(scalar(value)) } else { ControlFlow::Continue(()) }
                    })
                }
                _ if rest.is_empty() => {
                    for_each_leaf_of(field.name, field.value, &mut |_, value| visit(scalar(value)))
                }
                _ => ControlFlow::Continue(()),
            };
            if flow.is_break() {
                return;
            }
        }
    }
}

/// The query language's view of a document's scalar.
pub(crate) fn scalar(value: ScalarRef<'_>) -> Scalar<'_> {
    match value {
        ScalarRef::Str(text) => Scalar::Str(text),
        ScalarRef::I64(number) => Scalar::I64(number),
        ScalarRef::F64(number) => Scalar::F64(number),
        ScalarRef::Bool(truth) => Scalar::Bool(truth),
    }
}
