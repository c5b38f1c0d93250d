//! The end of the rows of a query that groups rows as other pipes have left them: `stats` behind `dedup`, `limit`, `extract`.

use std::ops::ControlFlow;

use millpond_query::table::Groups;
use millpond_wire::batch::DocRef;

use super::visible::{Visible, VisibleRow};
use super::{Outcome, Stage};

/// Groups rows.
pub(super) struct Aggregate<'g, 's> {
    groups: &'g mut Groups<'s>,
    visible: Visible,
    /// Groups were left out.
    is_full: bool,
}

impl<'g, 's> Aggregate<'g, 's> {
    pub(super) fn new(groups: &'g mut Groups<'s>, visible: Visible) -> Self {
        Self { groups, visible, is_full: false }
    }
}

impl Stage for Aggregate<'_, '_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        // As in the store: what is in the groups there are is counted all the same.
        self.is_full |= self.groups.add_row(&VisibleRow { row, visible: &self.visible }).is_err();
        if self.groups.is_full() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end(&mut self, outcome: &mut Outcome) {
        if self.is_full || self.groups.is_full() || self.groups.has_lower_bounds() {
            outcome.partial = outcome.partial.or(Some("groups"));
        }
    }
}

#[cfg(test)]
mod tests {
    use millpond_query::Pipe;
    use millpond_wire::batch::{BatchBuilder, ValueRef};

    use super::*;

    /// Pushes rows until no more are wanted; how many, and why rows are missing.
    fn push(
        stats: &str,
        bytes_max: usize,
        row: impl Fn(i64, &mut BatchBuilder),
    ) -> (i64, Option<&'static str>) {
        let pipes = millpond_query::parse(stats).unwrap().resolve(0).unwrap().pipes;
        let [Pipe::Stats(stats)] = pipes.as_slice() else { panic!("{pipes:?}") };
        let mut groups = Groups::new(stats).at_most(usize::MAX, bytes_max);
        let mut stage = Aggregate::new(&mut groups, Visible::default());
        let mut pushed = 0;
        for n in 0..5_000 {
            let mut builder = BatchBuilder::new();
            builder.begin(0);
            row(n, &mut builder);
            builder.end();
            pushed = n;
            if stage.push(builder.finish().0.doc(0).unwrap()).is_break() {
                break;
            }
        }
        let mut outcome = Outcome::default();
        stage.end(&mut outcome);
        (pushed, outcome.partial)
    }

    #[test]
    fn memory_is_bounded() {
        let number = |n, row: &mut BatchBuilder| row.field("n", ValueRef::I64(n));
        assert_eq!(push("| stats values(n) by n", 1 << 30, number), (4_999, None));
        let (pushed, partial) = push("| stats values(n) by n", 100_000, number);
        assert!(pushed < 1_000 && partial == Some("groups"), "{pushed} {partial:?}");
    }

    #[test]
    fn memory_is_looked_at_with_every_row() {
        let text = "x".repeat(100_000);
        let row = |n, row: &mut BatchBuilder| {
            row.field("n", ValueRef::I64(n));
            row.field("c", ValueRef::Str(&text));
        };
        let (pushed, partial) = push("| stats first(c), last(c), min(c) by n", 1_000_000, row);
        assert!(pushed <= 4 && partial == Some("groups"), "{pushed} {partial:?}");
    }
}
