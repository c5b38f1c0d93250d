//! Rows of a query on their way from the store to the client: pages, cursors and the pipes that work on rows.
//!
//! Rows stream from the store in order of time and are pushed through a chain of stages, one for each pipe, to the
//! page that writes them, or to the groups of a `stats`. Only `sort` holds rows back. A stage that needs no more rows
//! breaks the flow, which ends the search.

mod aggregate;
mod format;
mod made;
mod page;
mod passing;
mod stages;
mod visible;

use std::ops::ControlFlow;

use http::StatusCode;
use millpond_query::table::{self, Groups, Table, TableError};
use millpond_query::{Filter, Limits, Pipe, SortKey, aliases};
use millpond_store::log_store::{Budget, LogStore, Order, Partial, Pick, SearchPlan, Skippable, TimeRange};
use millpond_wire::batch::{DocId, DocRef, ValueRef};
use millpond_wire::names;

use self::aggregate::Aggregate;
pub(super) use self::format::{Format, RowWriter};
pub(super) use self::made::Change;
use self::made::Changed;
pub(super) use self::page::{Cursor, Page};
use self::stages::{Dedup, Limit, Sort, Where};
pub(super) use self::visible::{Visible, VisibleRow};
use super::caller::Caller;
use super::limits::{
    FIRST_SEARCH_PAGE_ROWS, SEARCH_PAGE_BYTES, SEARCH_PAGE_ROWS, SEARCH_PAGE_ROWS_MIN, SORT_PICK_ROWS_MAX,
};
use super::problem::Problem;
use super::run::Missing;
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
    /// Whose waiting for the client is no part of the query's time.
    pub(super) caller: Caller,
}

/// What came of a search.
struct Fed {
    /// Why rows are missing, if they are.
    partial: Missing,
    /// The last row that was looked at.
    last: Option<DocId>,
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
        let renumbers = self.pipes.iter().any(renumbers);
        let (skip, after) = match self.cursor {
            None => (0, None),
            Some(Cursor::After(id)) if !renumbers => (0, Some(id)),
            Some(Cursor::Skip(rows)) if renumbers => (rows, None),
            Some(_) => return Err(Cursor::of_another_query()),
        };
        let wanted = skip.saturating_add(self.limit).saturating_add(1);
        let pick = self.pick(after, Some(wanted));
        let page = Page::new(skip, self.limit, renumbers, write);
        let pipes = std::mem::take(&mut self.pipes);
        let (mut first, wanted) = chain(pipes, |visible| Box::new(page.showing(visible)), wanted, budget);
        let fed = self.feed(pick, &mut *first, wanted, store, budget)?;
        let mut outcome = Outcome { partial: fed.partial, cursor: None };
        first.end(&mut outcome);
        // A page without rows has a next one if rows were looked at: whoever follows the cursors comes to an end.
        if outcome.cursor.is_none() && outcome.partial.is_some() && !renumbers {
            outcome.cursor = fed.last.map(Cursor::After);
        }
        Ok(outcome)
    }

    /// Runs a query whose rows are grouped, with pipes before the `stats`, and gives its table. One without `stats` is
    /// refused.
    pub(super) fn table(
        mut self,
        store: &dyn LogStore,
        budget: &Budget,
    ) -> Result<(Table, Option<&'static str>), Problem> {
        self.sort_by_time_in_the_store();
        let groups_at = self.pipes.iter().position(|pipe| matches!(pipe, Pipe::Stats(_)));
        let rest = self.pipes.split_off(groups_at.unwrap_or(self.pipes.len()));
        let pick = self.pick(None, None);
        let Some((Pipe::Stats(stats), rest)) = rest.split_first() else {
            let detail = "This query gives documents, not a table.";
            return Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", detail)
                .hint("Add a pipe such as `| stats count() by service`."));
        };
        let mut groups = Groups::new(stats).at_most(budget.groups_max, budget.stats_bytes_max);
        let pipes = std::mem::take(&mut self.pipes);
        let (mut first, wanted) =
            chain(pipes, |visible| Box::new(Aggregate::new(&mut groups, visible)), usize::MAX, budget);
        let fed = self.feed(pick, &mut *first, wanted, store, budget)?;
        let mut outcome = Outcome { partial: fed.partial, cursor: None };
        first.end(&mut outcome);
        drop(first);
        let end = budget.end_of_rest();
        let limits = Limits { bytes_max: budget.stats_bytes_max, goes_on: &|| !budget.is_over(end) };
        match table::apply_within(groups.finish(), rest, limits) {
            Ok(table) => Ok((table, outcome.partial)),
            Err(TableError::Stopped) => Ok((Table::default(), Some(reason(Partial::Deadline)))),
            Err(error) => Err(Problem::new(StatusCode::BAD_REQUEST, "unsupported_query", error.to_string())),
        }
    }

    /// Pushes the rows of the search into the first stage, as many as it wants.
    fn feed(
        self,
        pick: Pick,
        first: &mut dyn Stage,
        wanted: Option<usize>,
        store: &dyn LogStore,
        budget: &Budget,
    ) -> Result<Fed, Problem> {
        let Pick::ByTime { mut after, skippable } = pick else {
            return self.feed_sorted(pick, first, wanted.unwrap_or(SORT_PICK_ROWS_MAX), store, budget);
        };
        let wanted = wanted.unwrap_or(usize::MAX).clamp(1, SEARCH_PAGE_ROWS);
        // Page by page, the store would forget which values it has seen.
        let is_distinct = matches!(skippable, Some(Skippable::Repeats { .. }));
        let mut limit = if is_distinct { wanted } else { wanted.min(FIRST_SEARCH_PAGE_ROWS) };
        // A client that reads slowly takes no time away from its query.
        let deadline = || budget.deadline + self.caller.client_wait();
        let (mut filter, mut last) = (self.filter, None);
        loop {
            let pick = Pick::ByTime { after, skippable: skippable.clone() };
            let plan = SearchPlan { filter, range: self.range, order: self.order, limit, pick };
            let (mut rows, mut bytes) = (0, 0);
            let mut flow = ControlFlow::Continue(());
            let answer =
                store.search(&plan, &Budget { deadline: deadline(), ..budget.clone() }, &mut |row| {
                    rows += 1;
                    bytes += text_bytes(row);
                    last = Some(row.id());
                    flow = first.push(row);
                    flow
                })?;
            last = answer.value.or(last);
            after = last.or(after);
            filter = plan.filter;
            // The deadline has moved while the client was waited for. One that has left is no reason to go on.
            if flow.is_continue() && answer.partial == Some(Partial::Deadline) && !budget.is_over(deadline())
            {
                continue;
            }
            let partial = answer.partial.map(reason);
            if flow.is_break() || rows < limit || partial.is_some() {
                return Ok(Fed { partial, last });
            }
            limit = next_page(rows, bytes).min(wanted);
        }
    }

    /// Pushes the rows of a search in the order of other fields into the first stage.
    fn feed_sorted(
        self,
        pick: Pick,
        first: &mut dyn Stage,
        limit: usize,
        store: &dyn LogStore,
        budget: &Budget,
    ) -> Result<Fed, Problem> {
        let plan = SearchPlan { filter: self.filter, range: self.range, order: self.order, limit, pick };
        let answer = store.search(&plan, budget, &mut |row| first.push(row))?;
        Ok(Fed { partial: answer.partial.map(reason), last: None })
    }

    /// What the store does of the first pipes without reading all rows: a `sort` of which few are wanted at the end, and a part of
    /// a `dedup` or of conditions on what `eval` makes, which stay.
    fn pick(&mut self, after: Option<DocId>, wanted: Option<usize>) -> Pick {
        let (mut visible, mut at) = (Visible::default(), 0);
        while let Some(Pipe::Fields { names, exclude }) = self.pipes.get(at) {
            visible.restrict(names.clone(), *exclude);
            at += 1;
        }
        match self.pipes.get(at) {
            Some(Pipe::Sort(keys)) => {
                let few = wanted_of(self.pipes.get(at + 1..).unwrap_or_default(), wanted)
                    .is_some_and(|rows| rows <= SORT_PICK_ROWS_MAX);
                let in_columns =
                    |key: &SortKey| !matches!(key.field.as_str(), aliases::MESSAGE | names::ORIGINAL);
                let is_seen = |key: &SortKey| key.field == aliases::TIMESTAMP || visible.shows(&key.field);
                if few && keys.iter().all(|key| in_columns(key) && is_seen(key)) {
                    let keys = keys.clone();
                    self.pipes.remove(at);
                    return Pick::ByKeys(keys);
                }
                Pick::after(after)
            }
            Some(Pipe::Dedup { by })
                if by.iter().all(|name| name != aliases::TIMESTAMP && visible.shows(name)) =>
            {
                Pick::ByTime { after, skippable: Some(Skippable::Repeats { fields: by.clone() }) }
            }
            _ => Pick::ByTime { after, skippable: passing::failing(&self.pipes) },
        }
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

/// How many rows are asked of the store after so many rows of so many bytes: it holds hundreds at a time for as long as
/// their client takes to read them.
fn next_page(rows: usize, bytes: usize) -> usize {
    let fit = SEARCH_PAGE_BYTES / (bytes / rows.max(1)).max(1);
    fit.min(rows.saturating_mul(4)).clamp(SEARCH_PAGE_ROWS_MIN, SEARCH_PAGE_ROWS)
}

/// Bytes of the texts of a document.
pub(super) fn text_bytes(row: DocRef<'_>) -> usize {
    let text_bytes = |value| match value {
        ValueRef::Str(text) | ValueRef::Json(text) => text.len(),
        ValueRef::I64(_) | ValueRef::F64(_) | ValueRef::Bool(_) => 0,
    };
    row.fields().map(|field| text_bytes(field.value)).sum()
}

/// Whether the place of a row after the pipe is not told by its id.
fn renumbers(pipe: &Pipe) -> bool {
    !matches!(pipe, Pipe::Where(_) | Pipe::Fields { .. } | Pipe::Make(_) | Pipe::Rename(_))
}

/// How many rows the first of the pipes looks at when so many are wanted of the last; `None` when that depends on the rows.
fn wanted_of(pipes: &[Pipe], wanted: Option<usize>) -> Option<usize> {
    pipes.iter().rev().fold(wanted, |wanted, pipe| match pipe {
        Pipe::Where(_) | Pipe::Dedup { .. } | Pipe::Sort(_) | Pipe::Stats(_) => None,
        Pipe::Limit(rows) => {
            let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
            Some(wanted.map_or(rows, |wanted| wanted.min(rows)))
        }
        Pipe::Fields { .. } | Pipe::Make(_) | Pipe::Rename(_) => wanted,
    })
}

/// Builds the stages from the last to the first. `last` gets what is visible at the end. `wanted` is how many rows it looks
/// at; what is returned, how many the first stage does, `None` when that depends on the rows.
fn chain<'w>(
    pipes: Vec<Pipe>,
    last: impl FnOnce(Visible) -> Box<dyn Stage + 'w>,
    wanted: usize,
    budget: &'w Budget,
) -> (Box<dyn Stage + 'w>, Option<usize>) {
    let mut shown = vec![Visible::default()];
    for pipe in &pipes {
        let mut next = shown.last().cloned().unwrap_or_default();
        match pipe {
            Pipe::Fields { names, exclude } => next.restrict(names.clone(), *exclude),
            // What comes out has what was visible, and no more.
            Pipe::Make(_) | Pipe::Rename(_) => next = Visible::default(),
            _ => {}
        }
        shown.push(next);
    }
    let mut wanted = Some(wanted);
    let mut stage = last(shown.pop().unwrap_or_default());
    for (pipe, visible) in pipes.into_iter().zip(shown).rev() {
        let keep = wanted;
        wanted = wanted_of(std::slice::from_ref(&pipe), wanted);
        stage = match pipe {
            Pipe::Where(filter) => Box::new(Where { filter, visible, next: stage }),
            Pipe::Dedup { by } => Box::new(Dedup::new(by, visible, stage)),
            Pipe::Limit(rows) => {
                Box::new(Limit { left: usize::try_from(rows).unwrap_or(usize::MAX), next: stage })
            }
            Pipe::Sort(keys) => Box::new(Sort::new(keys, visible, keep.unwrap_or(usize::MAX), budget, stage)),
            Pipe::Make(maker) => changed(Change::Make(maker), visible, stage),
            Pipe::Rename(names) => changed(Change::Rename(names), visible, stage),
            // Done by the last stage and by what the later ones see. A table never comes here.
            Pipe::Fields { .. } | Pipe::Stats(_) => stage,
        };
    }
    (stage, wanted)
}

fn changed<'w>(change: Change, visible: Visible, next: Box<dyn Stage + 'w>) -> Box<dyn Stage + 'w> {
    Box::new(Changed { change, visible, cut: false, next })
}

impl Cursor {
    /// For a cursor that this query would never give.
    pub(super) fn of_another_query() -> Problem {
        Problem::parameter("cursor", "`cursor` belongs to another query.")
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_the_store_grow_while_rows_are_small() {
        let rows = [
            (128, 128 * 300, 512),
            (8_192, 8_192 * 300, SEARCH_PAGE_BYTES / 300),
            (100_000, 0, SEARCH_PAGE_ROWS),
            (128, 128 << 20, SEARCH_PAGE_ROWS_MIN),
            (0, 0, SEARCH_PAGE_ROWS_MIN),
        ];
        for (rows, bytes, expected) in rows {
            assert_eq!(next_page(rows, bytes), expected, "{rows} {bytes}");
        }
    }
}
