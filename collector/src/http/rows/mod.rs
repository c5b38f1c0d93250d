//! Rows of a query on their way from the store to the client: pages, cursors and the pipes that work on rows.
//!
//! Rows stream from the store in order of time and are pushed through a chain of stages, one for each pipe, to the
//! page that writes them. Only `sort` holds rows back. A stage that needs no more rows breaks the flow, which ends
//! the search.

mod format;
mod page;
mod stages;
mod visible;

use std::ops::ControlFlow;

use millpond_query::{Filter, Pipe, SortKey, aliases};
use millpond_store::log_store::{Budget, LogStore, Order, SearchPlan, TimeRange};
use millpond_wire::batch::{DocId, DocRef};

pub(super) use self::format::{Format, RowWriter};
pub(super) use self::page::{Cursor, Page};
use self::stages::{Dedup, Limit, Sort, Where};
pub(super) use self::visible::{Visible, VisibleRow};
use super::limits::SEARCH_PAGE_ROWS;
use super::problem::Problem;
use super::search::reason;

/// Where rows go. `end` is called once, after the last row, also when the flow was broken.
pub(super) trait Stage {
    /// Takes one row. Breaks when no more are needed.
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()>;
    /// There are no more rows.
    fn end(&mut self, outcome: &mut Outcome);
}

/// What is to be said after the rows.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Where the next page begins; `None` when this was the last.
    pub(super) cursor: Option<Cursor>,
    /// Why rows are missing, if they are.
    pub(super) partial: Option<&'static str>,
}

/// A query for rows.
pub(super) struct RowQuery {
    pub(super) filter: Filter,
    pub(super) range: TimeRange,
    pub(super) order: Order,
    pub(super) pipes: Vec<Pipe>,
    pub(super) cursor: Option<Cursor>,
    /// Rows of the page.
    pub(super) limit: usize,
}

impl RowQuery {
    /// Runs the query and writes one page of its rows with `write`, which gives false when nobody reads them.
    pub(super) fn run(
        mut self,
        store: &dyn LogStore,
        budget: &Budget,
        write: &mut dyn FnMut(DocRef<'_>, &Visible) -> bool,
    ) -> Result<Outcome, Problem> {
        self.sort_by_time_in_the_store();
        let renumbers = self.pipes.iter().any(|pipe| !matches!(pipe, Pipe::Where(_) | Pipe::Fields { .. }));
        let (skip, mut after) = match self.cursor {
            None => (0, None),
            Some(Cursor::After(id)) if !renumbers => (0, Some(id)),
            Some(Cursor::Skip(rows)) if renumbers => (rows, None),
            Some(_) => return Err(Problem::parameter("cursor", "`cursor` belongs to another query.")),
        };
        let page = Page::new(skip, self.limit, renumbers, write);
        let wanted = skip.saturating_add(self.limit).saturating_add(1);
        let (mut first, wanted) = chain(self.pipes, page, wanted);
        let limit = wanted.unwrap_or(usize::MAX).clamp(1, SEARCH_PAGE_ROWS);

        let mut outcome = Outcome::default();
        loop {
            let plan = SearchPlan { filter: self.filter, range: self.range, order: self.order, limit, after };
            let mut rows = 0;
            let mut flow = ControlFlow::Continue(());
            let answer = store.search(&plan, budget, &mut |row| {
                rows += 1;
                after = Some(row.id());
                flow = first.push(row);
                flow
            })?;
            outcome.partial = answer.partial.map(reason);
            if flow.is_break() || rows < limit || outcome.partial.is_some() {
                break;
            }
            self.filter = plan.filter;
        }
        first.end(&mut outcome);
        Ok(outcome)
    }

    /// A first `sort` by time alone is what the store does anyway.
    fn sort_by_time_in_the_store(&mut self) {
        if let Some(Pipe::Sort(keys)) = self.pipes.first()
            && let [SortKey { field, descending }] = keys.as_slice()
            && field == aliases::TIMESTAMP
        {
            self.order = if *descending { Order::Descending } else { Order::Ascending };
            self.pipes.remove(0);
        }
    }
}

/// Builds the stages from the last to the first. `wanted` is how many rows the page looks at; what is returned, how
/// many the first stage does, `None` when that depends on the rows.
fn chain<'w>(pipes: Vec<Pipe>, page: Page<'w>, wanted: usize) -> (Box<dyn Stage + 'w>, Option<usize>) {
    let mut shown = vec![Visible::default()];
    for pipe in &pipes {
        let mut next = shown.last().cloned().unwrap_or_default();
        if let Pipe::Fields { names, exclude } = pipe {
            next.restrict(names.clone(), *exclude);
        }
        shown.push(next);
    }
    let mut wanted = Some(wanted);
    let mut stage: Box<dyn Stage + 'w> = Box::new(page.showing(shown.pop().unwrap_or_default()));
    for (pipe, visible) in pipes.into_iter().zip(shown).rev() {
        stage = match pipe {
            Pipe::Where(filter) => {
                wanted = None;
                Box::new(Where { filter, visible, next: stage })
            }
            Pipe::Dedup { by } => {
                wanted = None;
                Box::new(Dedup::new(by, visible, stage))
            }
            Pipe::Limit(rows) => {
                let rows = usize::try_from(rows).unwrap_or(usize::MAX);
                wanted = Some(wanted.map_or(rows, |wanted| wanted.min(rows)));
                Box::new(Limit { left: rows, next: stage })
            }
            Pipe::Sort(keys) => {
                let keep = wanted.take();
                Box::new(Sort::new(keys, visible, keep.unwrap_or(usize::MAX), stage))
            }
            // Done by the page and by what the later stages see. A table never comes here.
            Pipe::Fields { .. } | Pipe::Stats(_) => stage,
        };
    }
    (stage, wanted)
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cursor::After(id) => id.fmt(f),
            Cursor::Skip(rows) => write!(f, "s{rows}"),
        }
    }
}

impl std::str::FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        match text.strip_prefix('s') {
            Some(rows) => rows.parse().map(Cursor::Skip).map_err(|_| BadCursor),
            None => text.parse::<DocId>().map(Cursor::After).map_err(|_| BadCursor),
        }
    }
}

/// A text that no reply gave as a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("take it from the `_meta` of the page before")]
pub(super) struct BadCursor;
