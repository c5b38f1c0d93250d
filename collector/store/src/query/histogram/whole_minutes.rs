//! What a histogram takes from a split's counts by minute instead of reading zones: the minutes that lie wholly in
//! one bucket and in the range, for filters that ask for nothing but time and level.
//!
//! It decides nothing about values: which levels match is what the planned filter says of the ordinals of their
//! dictionary. What it can't answer it leaves, so that zones are read for it.

use std::ops::Range;

use tantivy::columnar::StrColumn;

use crate::error::StoreError;
use crate::log_store::TimeRange;
use crate::query::conditions::filter::Node;
use crate::query::conditions::leaf::LeafTest;
use crate::split::Split;
use crate::split::columns::Values;
use crate::split::minutes::{MINUTE_NS, MinuteCounts, levels, minute_of};

/// The documents of one split that match, by minute.
pub(crate) struct WholeMinutes<'s> {
    counts: &'s MinuteCounts,
    /// The column of levels.
    pub(crate) column: Option<&'s StrColumn>,
    /// As the counts of a minute: documents without a level, then each term. Those that match.
    wanted: Vec<bool>,
    minutes: Range<i64>,
    /// What is left of the range before and behind the whole minutes.
    pub(crate) rest: Vec<TimeRange>,
}

impl<'s> WholeMinutes<'s> {
    /// What the counts of `split` say about `node` in `range`; `None` when they don't.
    pub(crate) fn of(
        split: &'s Split,
        node: &Node<'_>,
        range: TimeRange,
    ) -> Result<Option<Self>, StoreError> {
        let meta = split.meta();
        let Some(counts) = &meta.minutes else { return Ok(None) };
        let column = levels(split.columns(), &meta.columns)?;
        if column.map_or(0, |column| column.num_terms()) != counts.levels() {
            return Ok(None);
        }
        let Some(Wanted { cells, range }) = wanted(node, column, counts.levels(), range) else {
            return Ok(None);
        };
        let found = split_range(range, meta.min_ns, meta.max_ns);
        Ok(found.map(|(minutes, rest)| Self { counts, column, wanted: cells, minutes, rest }))
    }

    /// Calls `visit(start of the minute, level, documents)` for all that match; level 0 is none, the others are
    /// ordinals and one.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(i64, u64, u64)) {
        for (minute, counts) in self.counts.range(self.minutes.clone()) {
            for ((level, count), _) in (0u64..).zip(counts).zip(&self.wanted).filter(|(_, wanted)| **wanted) {
                if *count > 0 {
                    visit(minute.saturating_mul(MINUTE_NS), level, u64::from(*count));
                }
            }
        }
    }
}

/// The whole minutes of a range, as far as a split from `min_ns` to `max_ns` has any, and what is left of it. `None`
/// without a whole minute.
fn split_range(range: TimeRange, min_ns: i64, max_ns: i64) -> Option<(Range<i64>, Vec<TimeRange>)> {
    let mut minutes = minute_of(min_ns)..minute_of(max_ns).checked_add(1)?;
    let mut rest = Vec::new();
    if let Some(start_ns) = range.start_ns.filter(|start| *start > min_ns) {
        minutes.start = minute_of(start_ns.checked_add(MINUTE_NS - 1)?);
        rest.push(TimeRange {
            start_ns: Some(start_ns),
            end_ns: Some(minutes.start.checked_mul(MINUTE_NS)?),
        });
    }
    if let Some(end_ns) = range.end_ns.filter(|end| *end <= max_ns) {
        minutes.end = minute_of(end_ns);
        rest.push(TimeRange { start_ns: Some(minutes.end.checked_mul(MINUTE_NS)?), end_ns: Some(end_ns) });
    }
    rest.retain(|part| part.start_ns < part.end_ns);
    (minutes.start < minutes.end).then_some((minutes, rest))
}

/// Which levels match, and when.
struct Wanted {
    cells: Vec<bool>,
    range: TimeRange,
}

/// What a filter asks of level and time; `None` when it asks for more, or for both in a way that does not keep them
/// apart.
fn wanted(node: &Node<'_>, column: Option<&StrColumn>, terms: usize, range: TimeRange) -> Option<Wanted> {
    let inner = |part: &Node<'_>| wanted(part, column, terms, range);
    let of_levels = |part: &Node<'_>| inner(part).filter(|found| found.range == range);
    let all = |cells| Some(Wanted { cells, range });
    let same = |other: &StrColumn| column.is_some_and(|column| std::ptr::eq(column, other));
    match node {
        Node::All => all(vec![true; terms + 1]),
        Node::Never => all(vec![false; terms + 1]),
        Node::Time(time) => Some(Wanted { cells: vec![true; terms + 1], range: range.intersect(*time) }),
        Node::Test(LeafTest::Ordinals(strings, ordinals)) if same(strings) => {
            let terms = (0..terms as u64).map(|ordinal| ordinals.contains(ordinal));
            all(std::iter::once(false).chain(terms).collect())
        }
        Node::Test(LeafTest::Present(Values::String(strings))) if same(strings) => {
            all(std::iter::once(false).chain(std::iter::repeat_n(true, terms)).collect())
        }
        Node::Test(_) => None,
        Node::Not(part) => all(of_levels(part)?.cells.into_iter().map(|cell| !cell).collect()),
        Node::And(parts) => {
            let mut both = Wanted { cells: vec![true; terms + 1], range };
            for part in parts {
                let part = inner(part)?;
                both.cells.iter_mut().zip(part.cells).for_each(|(cell, other)| *cell &= other);
                both.range = both.range.intersect(part.range);
            }
            Some(both)
        }
        Node::Or(parts) => {
            let mut any = vec![false; terms + 1];
            for part in parts {
                any.iter_mut().zip(of_levels(part)?.cells).for_each(|(cell, other)| *cell |= other);
            }
            all(any)
        }
    }
}
