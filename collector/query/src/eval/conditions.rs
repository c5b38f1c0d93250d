//! Truths and comparisons, with three answers as in SQL: what is not known stays null.

use std::cmp::Ordering;

use super::{numbers, texts};
use crate::table::Cell;

/// Whether a value is true: a bool, a number other than 0, the text `true`. None for null.
pub(super) fn truth(cell: &Cell) -> Option<bool> {
    match cell {
        Cell::Null => None,
        Cell::Bool(truth) => Some(*truth),
        Cell::Str(text) => Some(text.eq_ignore_ascii_case("true")),
        Cell::List(items) => items.first().and_then(truth),
        Cell::I64(_) | Cell::F64(_) | Cell::TimeNs(_) => {
            numbers::of(cell).map(|number| number.as_f64() != 0.0)
        }
    }
}

/// False if one is false, else null if one is null.
pub(super) fn and(left: &Cell, right: impl FnOnce() -> Cell) -> Cell {
    match truth(left) {
        Some(false) => Cell::Bool(false),
        left => match (left, truth(&right())) {
            (_, Some(false)) => Cell::Bool(false),
            (Some(true), Some(true)) => Cell::Bool(true),
            _ => Cell::Null,
        },
    }
}

/// True if one is true, else null if one is null.
pub(super) fn or(left: &Cell, right: impl FnOnce() -> Cell) -> Cell {
    match truth(left) {
        Some(true) => Cell::Bool(true),
        left => match (left, truth(&right())) {
            (_, Some(true)) => Cell::Bool(true),
            (Some(false), Some(false)) => Cell::Bool(false),
            _ => Cell::Null,
        },
    }
}

/// The order of two values: of numbers if one of them is a number and the other reads as one, else of their texts by
/// bytes. None with null.
pub(super) fn compared(left: &Cell, right: &Cell) -> Option<Ordering> {
    if matches!(left, Cell::Null) || matches!(right, Cell::Null) {
        return None;
    }
    let both_texts = matches!((left, right), (Cell::Str(_), Cell::Str(_)));
    if !both_texts && let (Some(left), Some(right)) = (numbers::of(left), numbers::of(right)) {
        return left.partial_cmp(&right);
    }
    Some(texts::of(left)?.cmp(&texts::of(right)?))
}
