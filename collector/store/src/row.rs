//! Documents as the query language sees rows: live tails and the store's own tests evaluate filters
//! on them.

use std::ops::ControlFlow;

use millpond_query::{Row, Scalar};
use millpond_wire::batch::{DocRef, ScalarRef};

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
