//! Whether rows with some values get through the first pipes, so that the store can leave out those that don't without
//! reading them. The same stages run on what it hands out.

use std::ops::ControlFlow;
use std::sync::Arc;

use millpond_query::{Filter, Pipe, Row, Scalar, deciding_fields};
use millpond_store::log_store::Skippable;
use millpond_wire::batch::{BatchBuilder, ValueRef};

use super::made::Change;
use super::visible::{Visible, VisibleRow};

/// A pipe that decides, or makes what is decided by.
enum Step {
    Change(Change),
    Where(Filter),
}

/// Rows of which the first pipes let nothing through, as far as a few fields tell; `None` when they don't, or when they let all
/// through.
pub(super) fn failing(pipes: &[Pipe]) -> Option<Skippable> {
    let steps = pipes.iter().map_while(|pipe| match pipe {
        Pipe::Make(maker) => Some(Step::Change(Change::Make(maker.clone()))),
        Pipe::Where(filter) => Some(Step::Where(filter.clone())),
        _ => None,
    });
    let mut steps: Vec<Step> = steps.collect();
    // What is made after the last condition decides nothing.
    while steps.last().is_some_and(|step| matches!(step, Step::Change(_))) {
        steps.pop();
    }
    let fields = deciding_fields(pipes.get(..steps.len()).filter(|pipes| !pipes.is_empty())?)?;
    let test = Arc::new(move |row: &dyn Row| passes(&steps, row));
    Some(Skippable::Failing { fields, test })
}

fn passes(steps: &[Step], row: &dyn Row) -> bool {
    let mut builder = BatchBuilder::new();
    builder.begin_numbered(row.timestamp_ns(), 0);
    row.leaves(&mut |name, value| {
        builder.field(name, of_scalar(value));
        ControlFlow::Continue(())
    });
    builder.end();
    let (mut batch, visible) = (builder.finish().0, Visible::default());
    for step in steps {
        let Some(row) = batch.doc(0) else { return true };
        match step {
            Step::Where(filter)
                if !millpond_query::matches(filter, &VisibleRow { row, visible: &visible }) =>
            {
                return false;
            }
            Step::Where(_) => {}
            Step::Change(change) => match change.apply(row, &visible) {
                // What was left out is told with the row.
                (_, true) => return true,
                (changed, false) => batch = changed,
            },
        }
    }
    true
}

fn of_scalar(value: Scalar<'_>) -> ValueRef<'_> {
    match value {
        Scalar::Bool(truth) => ValueRef::Bool(truth),
        Scalar::I64(number) => ValueRef::I64(number),
        Scalar::F64(number) => ValueRef::F64(number),
        Scalar::Str(text) => ValueRef::Str(text),
    }
}
