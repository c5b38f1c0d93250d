//! The end of the rows of a query that groups rows as other pipes have left them: `stats` behind `dedup`, `limit`, `extract`.

use std::ops::ControlFlow;

use millpond_query::table::Groups;
use millpond_wire::batch::DocRef;

use super::visible::{Visible, VisibleRow};
use super::{Outcome, Stage};
use crate::http::limits::STATS_BYTES_MAX;

/// Memory is looked at after this many rows, or as many as there are groups, since it costs a look at every group.
const CHECK_ROWS_MIN: usize = 4_096;

/// Groups rows.
pub(super) struct Aggregate<'g, 's> {
    groups: &'g mut Groups<'s>,
    visible: Visible,
    bytes_max: usize,
    /// Rows until the next look at the memory.
    unchecked: usize,
    /// Groups were left out.
    is_full: bool,
}

impl<'g, 's> Aggregate<'g, 's> {
    pub(super) fn new(groups: &'g mut Groups<'s>, visible: Visible) -> Self {
        Self { groups, visible, bytes_max: STATS_BYTES_MAX, unchecked: CHECK_ROWS_MIN, is_full: false }
    }
}

impl Stage for Aggregate<'_, '_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        // As in the store: what is in the groups there are is counted all the same.
        self.is_full |= self.groups.add_row(&VisibleRow { row, visible: &self.visible }).is_err();
        self.unchecked -= 1;
        if self.unchecked == 0 {
            if self.groups.heap_bytes() > self.bytes_max {
                self.is_full = true;
                return ControlFlow::Break(());
            }
            self.unchecked = self.groups.len().max(CHECK_ROWS_MIN);
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self, outcome: &mut Outcome) {
        if self.is_full || self.groups.has_lower_bounds() {
            outcome.partial = outcome.partial.or(Some("groups"));
        }
    }
}

#[cfg(test)]
mod tests {
    use millpond_query::Pipe;
    use millpond_wire::batch::{BatchBuilder, ValueRef};

    use super::*;

    #[test]
    fn memory_is_bounded() {
        let pipes = millpond_query::parse("| stats values(n) by n").unwrap().resolve(0).unwrap().pipes;
        let [Pipe::Stats(stats)] = pipes.as_slice() else { panic!("{pipes:?}") };
        for (bytes_max, expected) in [(1 << 30, None), (1_000, Some("groups"))] {
            let mut groups = Groups::new(stats);
            let mut stage = Aggregate { bytes_max, ..Aggregate::new(&mut groups, Visible::default()) };
            let mut pushed = 0;
            for n in 0..20_000 {
                let mut builder = BatchBuilder::new();
                builder.begin(0);
                builder.field("n", ValueRef::I64(n));
                builder.end();
                pushed = n;
                if stage.push(builder.finish().0.doc(0).unwrap()).is_break() {
                    break;
                }
            }
            let mut outcome = Outcome::default();
            stage.end(&mut outcome);
            assert_eq!(outcome.partial, expected);
            assert_eq!(pushed < 5_000, expected.is_some(), "{pushed}");
        }
    }
}
