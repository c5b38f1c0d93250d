//! Values of the documents that a bitmap picks from a zone: read in one run, or one by one when they are few.

use std::ops::Range;

use tantivy::columnar::{Column, ColumnIndex};

use crate::query::zone::ZoneView;
use crate::split::bits::Bits;
use crate::split::visits::{for_each_value, for_each_value_of};

/// Documents are read one by one when less than one in this many is picked.
const FEW: usize = 8;

/// Values that are read at once, into a buffer on the stack; a multiple of 64.
const CHUNK: usize = 512;

/// True when so few documents are in `bits` that they are read one by one.
pub(crate) fn is_few(bits: &Bits) -> bool {
    bits.count() * FEW < bits.len()
}

/// Calls `visit(place in the zone, value)` for every value of the documents in `bits`, in their order.
pub(crate) fn for_each_picked<T>(
    column: &Column<T>,
    view: &ZoneView<'_>,
    bits: &Bits,
    mut visit: impl FnMut(u32, T),
) where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    let docs = view.docs();
    let (first, count) = (docs.start, bits.count());
    if count == bits.len() {
        for_each_value(column, &docs, |doc, value| visit(doc - first, value));
    } else if is_few(bits) {
        let picked = bits.ones().map(|at| first + at as u32);
        for_each_value_of(column, picked, |doc, value| visit(doc - first, value));
    } else {
        for_each_value(column, &docs, |doc, value| {
            if bits.contains(doc - first) {
                visit(doc - first, value);
            }
        });
    }
}

/// Sets the bits of the documents of `among` with a value that is wanted.
pub(crate) fn select<T>(
    column: &Column<T>,
    view: &ZoneView<'_>,
    among: &Bits,
    bits: &mut Bits,
    wanted: impl Fn(T) -> bool,
) where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    let docs = view.docs();
    if let Some(first_row) = first_row_of_all(&column.index, &docs).filter(|_| !is_few(among)) {
        let mut values = [T::default(); CHUNK];
        for first in (0..docs.len()).step_by(CHUNK) {
            let Some(values) = values.get_mut(..CHUNK.min(docs.len() - first)) else { return };
            column.values.get_range(u64::from(first_row) + first as u64, values);
            for (values, word) in values.chunks(64).zip(first / 64..) {
                // No branch: which documents are wanted is hard to foretell.
                let having =
                    values.iter().rev().fold(0, |having, value| having << 1 | u64::from(wanted(*value)));
                bits.set_word(word, having & among.word(word));
            }
        }
        return;
    }
    select_dear(column, view, among, bits, wanted);
}

/// As [`select`], where asking whether a value is wanted takes longer than reading it: only documents of `among` are
/// asked for.
pub(crate) fn select_dear<T>(
    column: &Column<T>,
    view: &ZoneView<'_>,
    among: &Bits,
    bits: &mut Bits,
    wanted: impl Fn(T) -> bool,
) where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    for_each_picked(column, view, among, |at, value| {
        if wanted(value) {
            bits.set(at);
        }
    });
}

/// The row of the first of these documents, when each has exactly one value; the rows of the others follow.
fn first_row_of_all(index: &ColumnIndex, docs: &Range<u32>) -> Option<u32> {
    match index {
        ColumnIndex::Full => Some(docs.start),
        ColumnIndex::Optional(_) => {
            let rows = index.docid_range_to_rowids(docs.clone());
            (rows.len() == docs.len()).then_some(rows.start)
        }
        ColumnIndex::Empty { .. } | ColumnIndex::Multivalued(_) => None,
    }
}
