//! The pipes on rows: `where`, `limit`, `dedup` and `sort`. Each sees what the `fields` before it left visible.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use millpond_query::table::Cell;
use millpond_query::{Filter, Row, SortKey, aliases};
use millpond_store::log_store::Budget;
use millpond_wire::batch::{Batch, DocRef};

use super::visible::{Visible, VisibleRow};
use super::{Outcome, Stage};
use crate::http::limits::{DEDUP_BYTES_MAX, SORT_BYTES_MAX, SORT_ROWS_MAX};

type Next<'w> = Box<dyn Stage + 'w>;

/// Rows that `sort` gathers at least before it orders them.
const SETTLE_ROWS_MIN: usize = 1_024;

/// Passes the rows that match.
pub(super) struct Where<'w> {
    pub(super) filter: Filter,
    pub(super) visible: Visible,
    pub(super) next: Next<'w>,
}

impl Stage for Where<'_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        let passes = millpond_query::matches(&self.filter, &VisibleRow { row, visible: &self.visible });
        if passes { self.next.push(row) } else { ControlFlow::Continue(()) }
    }

    fn end(&mut self, outcome: &mut Outcome) {
        self.next.end(outcome);
    }
}

/// Passes the first rows.
pub(super) struct Limit<'w> {
    pub(super) left: usize,
    pub(super) next: Next<'w>,
}

impl Stage for Limit<'_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        let Some(left) = self.left.checked_sub(1) else { return ControlFlow::Break(()) };
        self.left = left;
        self.next.push(row)?;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn end(&mut self, outcome: &mut Outcome) {
        self.next.end(outcome);
    }
}

/// Passes the first row of each combination of values. A row without a value has a combination too.
pub(super) struct Dedup<'w> {
    by: Vec<String>,
    visible: Visible,
    /// The combinations seen, at most [`DEDUP_BYTES_MAX`] bytes of them.
    seen: BTreeSet<Vec<Cell>>,
    seen_bytes: usize,
    next: Next<'w>,
}

impl<'w> Dedup<'w> {
    pub(super) fn new(by: Vec<String>, visible: Visible, next: Next<'w>) -> Self {
        Self { by, visible, seen: BTreeSet::new(), seen_bytes: 0, next }
    }

    fn is_full(&self) -> bool {
        self.seen_bytes >= DEDUP_BYTES_MAX
    }

    /// The different values of each field in their order, a null after each field. No value is null.
    fn key_of(&self, row: DocRef<'_>) -> Vec<Cell> {
        let row = VisibleRow { row, visible: &self.visible };
        let mut key = Vec::with_capacity(2 * self.by.len());
        for name in &self.by {
            let mut values = BTreeSet::new();
            cells_of(&row, name, &mut |cell| {
                values.insert(cell);
                ControlFlow::Continue(())
            });
            key.extend(values);
            key.push(Cell::Null);
        }
        key
    }
}

impl Stage for Dedup<'_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        if self.is_full() {
            return ControlFlow::Break(());
        }
        let key = self.key_of(row);
        let key_bytes = cells_bytes(&key);
        if !self.seen.insert(key) {
            return ControlFlow::Continue(());
        }
        self.seen_bytes += key_bytes;
        self.next.push(row)
    }

    fn end(&mut self, outcome: &mut Outcome) {
        if self.is_full() {
            outcome.partial = outcome.partial.or(Some("dedup_keys"));
        }
        self.next.end(outcome);
    }
}

/// Orders the rows, those with equal keys as they came. Holds as many as are wanted after it, so that the first
/// rows of any number are exact.
pub(super) struct Sort<'w> {
    keys: Vec<SortKey>,
    visible: Visible,
    keep: usize,
    rows_max: usize,
    bytes_max: usize,
    held: Vec<Held>,
    held_bytes: usize,
    /// Keys of the last row that is kept for certain: a later row has to come before it.
    bar: Option<Vec<Cell>>,
    /// Rows that were wanted did not fit.
    overflowed: bool,
    budget: &'w Budget,
    next: Next<'w>,
}

/// A row that waits for its place.
struct Held {
    keys: Vec<Cell>,
    row: Batch,
}

impl<'w> Sort<'w> {
    /// Keeps the first `keep` rows, at most [`SORT_ROWS_MAX`].
    pub(super) fn new(
        keys: Vec<SortKey>,
        visible: Visible,
        keep: usize,
        budget: &'w Budget,
        next: Next<'w>,
    ) -> Self {
        Self {
            keys,
            visible,
            keep,
            rows_max: SORT_ROWS_MAX,
            bytes_max: SORT_BYTES_MAX,
            held: Vec::new(),
            held_bytes: 0,
            bar: None,
            overflowed: false,
            budget,
            next,
        }
    }

    fn order(&self, left: &[Cell], right: &[Cell]) -> Ordering {
        let pairs = left.iter().zip(right).zip(&self.keys);
        pairs.fold(Ordering::Equal, |by_keys, ((left, right), key)| {
            by_keys.then_with(|| order(left, right, key.descending))
        })
    }

    /// Orders what is held and lets go of what no longer has a chance.
    fn settle(&mut self) {
        let mut held = std::mem::take(&mut self.held);
        held.sort_by(|left, right| self.order(&left.keys, &right.keys));
        if held.len() > self.rows_max && self.keep > self.rows_max {
            self.overflowed = true;
            self.keep = self.rows_max;
        }
        held.truncate(self.keep);
        self.held_bytes = held.iter().map(Held::bytes).sum();
        if self.held_bytes > self.bytes_max {
            self.overflowed = true;
            held.truncate(held.len() / 2);
            self.held_bytes = held.iter().map(Held::bytes).sum();
            self.keep = held.len();
        }
        if held.len() == self.keep {
            self.bar = held.last().map(|last| last.keys.clone());
        }
        self.held = held;
    }
}

impl Held {
    fn bytes(&self) -> usize {
        self.row.heap_bytes() + size_of::<Self>() + cells_bytes(&self.keys)
    }
}

impl Stage for Sort<'_> {
    fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
        let visible = VisibleRow { row, visible: &self.visible };
        let keys: Vec<Cell> = self.keys.iter().map(|key| best_of(&visible, key)).collect();
        if self.bar.as_ref().is_some_and(|bar| self.order(&keys, bar).is_ge()) {
            return ControlFlow::Continue(());
        }
        let held = Held { keys, row: Visible::default().copy(row) };
        self.held_bytes += held.bytes();
        self.held.push(held);
        // Twice as many as are kept, so that ordering them costs little for each.
        let is_full = self.held.len() >= self.keep.min(self.rows_max).saturating_mul(2).max(SETTLE_ROWS_MIN);
        if is_full || self.held_bytes > self.bytes_max {
            self.settle();
        }
        ControlFlow::Continue(())
    }

    fn end(&mut self, outcome: &mut Outcome) {
        self.settle();
        if self.overflowed {
            outcome.partial = outcome.partial.or(Some("sort_rows"));
        }
        // The search is over; what comes behind may work long on each row.
        let end = self.budget.end_of_rest();
        for held in std::mem::take(&mut self.held) {
            if self.budget.is_over(end) {
                outcome.partial = outcome.partial.or(Some("deadline"));
                break;
            }
            if let Some(row) = held.row.doc(0)
                && self.next.push(row).is_break()
            {
                break;
            }
        }
        self.next.end(outcome);
    }
}

/// The value of a field by which a row is sorted: of several, the one that comes first.
fn best_of(row: &VisibleRow<'_>, key: &SortKey) -> Cell {
    let mut best = Cell::Null;
    cells_of(row, &key.field, &mut |cell| {
        if order(&cell, &best, key.descending).is_lt() {
            best = cell;
        }
        ControlFlow::Continue(())
    });
    best
}

/// Which of two values comes first. A null comes last in either direction.
fn order(left: &Cell, right: &Cell, descending: bool) -> Ordering {
    match (left, right) {
        (Cell::Null, _) | (_, Cell::Null) => (left == &Cell::Null).cmp(&(right == &Cell::Null)),
        _ if descending => right.cmp(left),
        _ => left.cmp(right),
    }
}

/// Visits the values of a field; the time is none of a row's leaves but a column all the same.
fn cells_of(row: &VisibleRow<'_>, field: &str, visit: &mut dyn FnMut(Cell) -> ControlFlow<()>) {
    if field == aliases::TIMESTAMP {
        let _ = visit(Cell::TimeNs(row.timestamp_ns()));
    } else {
        row.field(field, &mut |value| visit(Cell::from(value)));
    }
}

/// Memory of a key.
fn cells_bytes(cells: &[Cell]) -> usize {
    let text_bytes = cells.iter().map(|cell| if let Cell::Str(text) = cell { text.len() } else { 0 });
    size_of::<Vec<Cell>>() + size_of_val(cells) + text_bytes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use std::time::{Duration, Instant};

    use millpond_wire::batch::{BatchBuilder, ValueRef};

    use super::*;

    /// Notes the field `n` of what arrives.
    struct Collect(Arc<Mutex<Vec<i64>>>);

    impl Stage for Collect {
        fn push(&mut self, row: DocRef<'_>) -> ControlFlow<()> {
            if let Some(ValueRef::I64(n)) = row.field("n") {
                self.0.lock().unwrap().push(n);
            }
            ControlFlow::Continue(())
        }

        fn end(&mut self, _: &mut Outcome) {}
    }

    /// Time enough.
    fn budget() -> Budget {
        crate::http::tests::budget(Instant::now() + Duration::from_secs(600))
    }

    /// Sorts `rows` numbers, the largest first; what comes out, and why not all of it.
    fn sort(keep: usize, rows_max: usize, bytes_max: usize, rows: i64) -> (Vec<i64>, Option<&'static str>) {
        let (sorted, budget) = (Arc::default(), budget());
        let keys = vec![SortKey { field: "n".into(), descending: true }];
        let mut sort = Sort {
            rows_max,
            bytes_max,
            ..Sort::new(keys, Visible::default(), keep, &budget, Box::new(Collect(Arc::clone(&sorted))))
        };
        for n in 0..rows {
            let mut builder = BatchBuilder::new();
            builder.begin(0);
            builder.field("n", ValueRef::I64(n * 7_919 % rows));
            builder.end();
            let _ = sort.push(builder.finish().0.doc(0).unwrap());
            assert!(sort.held.len() <= (2 * keep.min(rows_max)).max(SETTLE_ROWS_MIN));
        }
        let mut outcome = Outcome::default();
        sort.end(&mut outcome);
        let sorted = sorted.lock().unwrap().clone();
        (sorted, outcome.partial)
    }

    #[test]
    fn sort_is_exact_for_what_is_wanted_and_says_when_it_is_not() {
        const ROOM: usize = 1 << 30;
        let first = |n: usize| (0..10_000).rev().take(n).collect::<Vec<i64>>();
        assert_eq!(sort(5, 100, ROOM, 10_000), (first(5), None));
        assert_eq!(sort(100, 100, ROOM, 10_000), (first(100), None));
        assert_eq!(sort(101, 100, ROOM, 10_000), (first(100), Some("sort_rows")));
        assert_eq!(sort(usize::MAX, 10_000, ROOM, 10_000), (first(10_000), None));
        assert_eq!(sort(usize::MAX, 9_999, ROOM, 10_000), (first(9_999), Some("sort_rows")));
        let (some, partial) = sort(usize::MAX, ROOM, 100_000, 10_000);
        assert_eq!(partial, Some("sort_rows"));
        assert!(some.len() > 50 && some == first(some.len()), "the first rows are right, {}", some.len());
    }

    #[test]
    fn sorted_rows_are_not_passed_on_when_nobody_waits() {
        let (sorted, budget) = (Arc::default(), budget());
        let keys = vec![SortKey { field: "n".into(), descending: true }];
        let mut sort =
            Sort::new(keys, Visible::default(), 9, &budget, Box::new(Collect(Arc::clone(&sorted))));
        let mut builder = BatchBuilder::new();
        builder.begin(0);
        builder.field("n", ValueRef::I64(1));
        builder.end();
        let _ = sort.push(builder.finish().0.doc(0).unwrap());
        budget.cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
        let mut outcome = Outcome::default();
        sort.end(&mut outcome);
        assert_eq!((sorted.lock().unwrap().len(), outcome.partial), (0, Some("deadline")));
    }
}
