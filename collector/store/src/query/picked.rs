//! Values of the documents that a bitmap picks from a zone: read in one run, or one by one when they are few.

use tantivy::columnar::Column;

use super::zone::ZoneView;
use crate::split::bits::Bits;
use crate::split::visits::{for_each_value, for_each_value_of};

/// Documents are read one by one when less than one in this many is picked.
const FEW: usize = 8;

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
    } else if count * FEW < bits.len() {
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
    for_each_picked(column, view, among, |at, value| {
        if wanted(value) {
            bits.set(at);
        }
    });
}
