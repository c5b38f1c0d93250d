//! Visits of the values of a column, for a run of documents or for a few: which documents have values is found out
//! in chunks, and the values of a chunk are read at once.

use std::ops::Range;

use tantivy::columnar::column_index::{OptionalIndex, Set};
use tantivy::columnar::{Column, ColumnIndex};

/// Values that are read at once, into a buffer on the stack.
const CHUNK: u32 = 512;

/// Calls `visit(document, value)` for documents that all have one value, the first in the row `row`.
fn visit_full<T>(column: &Column<T>, docs: &Range<u32>, row: u32, visit: &mut impl FnMut(u32, T))
where
    T: PartialOrd + Copy + Default + 'static,
{
    let mut buffer = [T::default(); CHUNK as usize];
    for first in docs.clone().step_by(CHUNK as usize) {
        let count = (docs.end - first).min(CHUNK);
        let Some(values) = buffer.get_mut(..count as usize) else { return };
        column.values.get_range(u64::from(row + (first - docs.start)), values);
        (first..).zip(&*values).for_each(|(doc, value)| visit(doc, *value));
    }
}

/// Calls `visit(document, value)` for documents that have one value at most.
fn visit_some<T>(column: &Column<T>, docs: &Range<u32>, visit: &mut impl FnMut(u32, T))
where
    T: PartialOrd + Copy + Default + 'static,
{
    let mut buffer = [T::default(); CHUNK as usize];
    for_each_chunk(&column.index, docs, &mut |row, docs| {
        let Some(values) = buffer.get_mut(..docs.len()) else { return };
        column.values.get_range(u64::from(row), values);
        docs.iter().zip(&*values).for_each(|(doc, value)| visit(*doc, *value));
    });
}

/// Documents whose presence is told by one subtraction, if all of them have a value or none has one.
const GROUP: u32 = 8;

/// Documents are looked up in the list of those with a value when less than one in this many has one.
const FEW: u32 = 8;

/// Calls `visit(first row, documents)` for the documents that have a value, in their order; rows count on.
fn for_each_chunk(index: &ColumnIndex, docs: &Range<u32>, visit: &mut impl FnMut(u32, &[u32])) {
    let ColumnIndex::Optional(index) = index else { return };
    let mut asked = [0u32; CHUNK as usize];
    let (mut having, mut rows) = (Vec::with_capacity(CHUNK as usize), Vec::new());
    let mut row = index.rank(docs.start);
    for first in docs.clone().step_by(CHUNK as usize) {
        let chunk = first..docs.end.min(first + CHUNK);
        let next_row = index.rank(chunk.end);
        let values = next_row.saturating_sub(row);
        having.clear();
        if values as usize == chunk.len() {
            having.extend(chunk);
        } else if values > chunk.len() as u32 / FEW {
            push_having(index, &chunk, row, &mut having);
        } else if let Some(asked) = asked.get_mut(..chunk.len()).filter(|_| values > 0) {
            chunk.zip(&mut *asked).for_each(|(doc, place)| *place = doc);
            rows.clear();
            index.rank_if_exists_batch(asked, &mut having, &mut rows);
        }
        if !having.is_empty() {
            visit(row, &having);
        }
        row = next_row;
    }
}

/// Adds the documents that have a value, where most have one; `row` is the first one's. Most groups are told by
/// their count, and a bit is cheaper than a row, for which others are counted.
fn push_having(index: &OptionalIndex, docs: &Range<u32>, mut row: u32, having: &mut Vec<u32>) {
    for start in docs.clone().step_by(GROUP as usize) {
        let group = start..docs.end.min(start + GROUP);
        let next_row = index.rank(group.end);
        if next_row.saturating_sub(row) as usize == group.len() {
            having.extend(group);
        } else if next_row > row {
            having.extend(group.filter(|doc| index.contains(*doc)));
        }
        row = next_row;
    }
}

/// Calls `visit(document, value)` for every value of the documents, in their order.
pub(crate) fn for_each_value<T>(column: &Column<T>, docs: &Range<u32>, mut visit: impl FnMut(u32, T))
where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    match &column.index {
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Full => visit_full(column, docs, docs.start, &mut visit),
        ColumnIndex::Optional(_) => {
            let rows = column.index.docid_range_to_rowids(docs.clone());
            // Each of these documents has a value: where they are is known.
            if rows.len() == docs.len() {
                return visit_full(column, docs, rows.start, &mut visit);
            }
            if rows.is_empty() {
                return;
            }
            visit_some(column, docs, &mut visit);
        }
        ColumnIndex::Multivalued(_) => {
            for doc in docs.clone() {
                column.values_for_doc(doc).for_each(|value| visit(doc, value));
            }
        }
    }
}

/// Calls `visit(document, value)` for every value of few documents, given in ascending order.
pub(crate) fn for_each_value_of<T>(
    column: &Column<T>,
    docs: impl Iterator<Item = u32>,
    mut visit: impl FnMut(u32, T),
) where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    match &column.index {
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Full => docs.for_each(|doc| visit(doc, column.values.get_val(doc))),
        ColumnIndex::Optional(_) | ColumnIndex::Multivalued(_) => {
            for doc in docs {
                column.values_for_doc(doc).for_each(|value| visit(doc, value));
            }
        }
    }
}

/// Calls `visit(document)` for every document that has a value.
pub(crate) fn for_each_present(index: &ColumnIndex, docs: &Range<u32>, mut visit: impl FnMut(u32)) {
    match index {
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Full => docs.clone().for_each(visit),
        ColumnIndex::Optional(_) => {
            let rows = index.docid_range_to_rowids(docs.clone());
            if rows.len() == docs.len() {
                return docs.clone().for_each(visit);
            }
            for_each_chunk(index, docs, &mut |_, docs| docs.iter().for_each(|doc| visit(*doc)));
        }
        ColumnIndex::Multivalued(_) => {
            docs.clone().filter(|doc| index.has_value(*doc)).for_each(&mut visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether a document has a value: one in `every` has, or all but these, except in the runs from `cut` on.
    #[derive(Debug, Clone)]
    struct Pattern {
        every: u32,
        inverted: bool,
        cut: Range<u32>,
    }

    impl Pattern {
        fn has(&self, doc: u32) -> bool {
            (doc.wrapping_mul(2_654_435_761) >> 7).is_multiple_of(self.every) != self.inverted
                && !self.cut.contains(&doc)
        }
    }

    fn patterns() -> impl Strategy<Value = Pattern> {
        let every = prop_oneof![Just(1u32), Just(2), Just(7), Just(9), Just(40), Just(3_000)];
        (every, any::<bool>(), 0..140_000u32, 0..3_000u32).prop_map(|(every, inverted, at, len)| Pattern {
            every,
            inverted,
            cut: at..at + len,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn documents_with_values_come_with_their_rows(
            pattern in patterns(),
            // Tantivy's blocks have 65,536 documents.
            start in prop_oneof![0..140_000u32, 64_000..66_000u32],
            len in 0..9_000u32,
        ) {
            let total = 140_000;
            let having: Vec<u32> = (0..total).filter(|doc| pattern.has(*doc)).collect();
            let index = ColumnIndex::Optional(OptionalIndex::for_test(total, &having));
            let docs = start..(start + len).min(total);
            let expected = (0..).zip(&having).filter(|(_, doc)| docs.contains(doc));
            let expected: Vec<(u32, u32)> = expected.map(|(row, doc)| (row, *doc)).collect();
            let mut found = Vec::new();
            for_each_chunk(&index, &docs, &mut |row, docs| found.extend((row..).zip(docs.iter().copied())));
            prop_assert_eq!(&found, &expected);
            let mut present = Vec::new();
            for_each_present(&index, &docs, |doc| present.push(doc));
            prop_assert_eq!(present, expected.iter().map(|(_, doc)| *doc).collect::<Vec<_>>());
        }
    }
}
