//! The last stage: leaves out the rows of the pages before, writes those of this one, and notes where the next begins.

use std::ops::ControlFlow;

use millpond_wire::batch::{DocId, DocRef};

use super::visible::Visible;
use super::{Outcome, Stage};

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Cursor {
    /// After this row: the last of the page before.
    After(DocId),
    /// After this many rows: for queries whose pipes order, count or compare rows, which are run from the start
    /// for each page.
    Skip(usize),
}

type Write<'w> = dyn FnMut(DocRef<'_>, &Visible) -> bool + 'w;

/// One page of rows.
pub(in crate::http) struct Page<'w> {
    skip: usize,
    limit: usize,
    /// Whether the next page begins after a number of rows, not after a row.
    counts_rows: bool,
    visible: Visible,
    write: &'w mut Write<'w>,
    seen: usize,
    last: Option<DocId>,
    has_more: bool,
}

impl<'w> Page<'w> {
    /// Rows `skip` to `skip + limit`.
    pub(super) fn new(skip: usize, limit: usize, counts_rows: bool, write: &'w mut Write<'w>) -> Self {
        let visible = Visible::default();
        Self { skip, limit, counts_rows, visible, write, seen: 0, last: None, has_more: false }
    }

    /// What is written of each row.
    pub(super) fn showing(self, visible: Visible) -> Self {
        Self { visible, ..self }
    }
}

impl Stage for Page<'_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        if self.seen < self.skip {
            self.seen += 1;
            return ControlFlow::Continue(());
        }
        if self.seen - self.skip >= self.limit {
            self.has_more = true;
            return ControlFlow::Break(());
        }
        self.seen += 1;
        self.last = Some(row.id());
        if (self.write)(row, &self.visible) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn end(&mut self, outcome: &mut Outcome) {
        // An answer that was cut has a next page, which may find more.
        let was_cut = outcome.partial.is_some() && self.last.is_some();
        if self.has_more || was_cut {
            let after =
                if self.counts_rows { Some(Cursor::Skip(self.seen)) } else { self.last.map(Cursor::After) };
            outcome.cursor = after;
        }
    }
}
