//! Evaluates a filter on one row: live tail, alert conditions, `where` on tables, and the oracle that the
//! index is tested against.

use std::ops::ControlFlow;

use crate::aliases::searched_by_bare_words;
use crate::filter::{Filter, Leaf, Scope};
use crate::scalar::Scalar;

/// A document or a table row.
pub trait Row {
    /// Nanoseconds since the Unix epoch.
    fn timestamp_ns(&self) -> i64;

    /// Visits every scalar with its dotted name, until `visit` breaks. The elements of an array are visited
    /// one by one under the array's name, nulls are not visited, and `log.level` is visited normalised.
    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>);

    /// Visits the scalars of one field, until `visit` breaks. Rows with an index by name do better than this.
    fn field(&self, name: &str, visit: &mut dyn FnMut(Scalar<'_>) -> ControlFlow<()>) {
        self.leaves(&mut |leaf, value| if leaf == name { visit(value) } else { ControlFlow::Continue(()) });
    }
}

/// Whether the row passes the filter. Recursion is bounded by [`MAX_DEPTH`](crate::limits::MAX_DEPTH).
#[must_use]
pub fn matches(filter: &Filter, row: &dyn Row) -> bool {
    match filter {
        Filter::All => true,
        Filter::None => false,
        Filter::And(parts) => parts.iter().all(|part| matches(part, row)),
        Filter::Or(parts) => parts.iter().any(|part| matches(part, row)),
        Filter::Not(part) => !matches(part, row),
        Filter::Time { start_ns, end_ns } => {
            let at = row.timestamp_ns();
            start_ns.is_none_or(|start| start <= at) && end_ns.is_none_or(|end| at < end)
        }
        Filter::Leaf(leaf) => leaf_matches(leaf, row),
    }
}

fn leaf_matches(leaf: &Leaf, row: &dyn Row) -> bool {
    let mut found = false;
    let mut look = |value: Scalar<'_>| {
        found = leaf.test.matches(value);
        if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match &leaf.scope {
        Scope::Field(name) => row.field(name, &mut look),
        Scope::Object(object) => row.leaves(&mut |name, value| {
            if Scope::is_inside(name, object) { look(value) } else { ControlFlow::Continue(()) }
        }),
        Scope::Any => row.leaves(&mut |name, value| {
            if searched_by_bare_words(name) { look(value) } else { ControlFlow::Continue(()) }
        }),
    }
    found
}
