//! Tables: what `stats` makes, and the pipes that work on a finished table.

mod apply;
mod groups;

use std::cmp::Ordering;

pub use self::apply::{TableError, apply, apply_within};
pub use self::groups::{Groups, TooManyGroups};
use crate::number::Number;
use crate::scalar::Scalar;

/// Named columns and rows of as many cells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// Canonical field names and names of aggregates, each once.
    pub columns: Vec<String>,
    /// Each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Index of the column with this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// One value of a table. Equality is that of [`Ord`]: 2 equals 2.0, and NaN equals NaN.
#[derive(Debug, Clone)]
pub enum Cell {
    /// No value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    I64(i64),
    /// Any other number.
    F64(f64),
    /// Text.
    Str(String),
    /// Nanoseconds since the Unix epoch, shown as a time.
    TimeNs(i64),
    /// Several values, as of an array.
    List(Vec<Cell>),
}

/// The total order of cells: bools, numbers by value (NaN last), strings by bytes, times, lists, nulls.
impl Ord for Cell {
    fn cmp(&self, other: &Cell) -> Ordering {
        match (self, other) {
            (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
            (Cell::Str(a), Cell::Str(b)) => a.cmp(b),
            (Cell::TimeNs(a), Cell::TimeNs(b)) => a.cmp(b),
            (Cell::List(a), Cell::List(b)) => a.cmp(b),
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => {
                    let nan_last = || a.as_f64().is_nan().cmp(&b.as_f64().is_nan());
                    a.partial_cmp(&b).unwrap_or_else(nan_last)
                }
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Cell {
    fn partial_cmp(&self, other: &Cell) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Cell) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cell {}

impl Cell {
    /// The cell as a value; none for null and for lists. A time is its nanoseconds.
    #[must_use]
    pub fn as_scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Cell::Null | Cell::List(_) => None,
            Cell::Bool(value) => Some(Scalar::Bool(*value)),
            Cell::I64(value) | Cell::TimeNs(value) => Some(Scalar::I64(*value)),
            Cell::F64(value) => Some(Scalar::F64(*value)),
            Cell::Str(value) => Some(Scalar::Str(value)),
        }
    }

    /// The values in it: none of a null, each of a list.
    #[must_use]
    pub fn values(&self) -> &[Cell] {
        match self {
            Cell::Null => &[],
            Cell::List(values) => values,
            other => std::slice::from_ref(other),
        }
    }

    /// Memory on the heap, bytes.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Cell::Str(text) => text.capacity(),
            Cell::List(values) => values.iter().map(|value| size_of::<Cell>() + value.heap_bytes()).sum(),
            _ => 0,
        }
    }

    fn number(&self) -> Option<Number> {
        match self {
            Cell::I64(value) => Some(Number::I64(*value)),
            Cell::F64(value) => Some(Number::F64(*value)),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Cell::Bool(_) => 0,
            Cell::I64(_) | Cell::F64(_) => 1,
            Cell::Str(_) => 2,
            Cell::TimeNs(_) => 3,
            Cell::List(_) => 4,
            Cell::Null => 5,
        }
    }
}

impl From<Scalar<'_>> for Cell {
    fn from(value: Scalar<'_>) -> Cell {
        match value {
            Scalar::Str(text) => Cell::Str(text.to_owned()),
            Scalar::I64(value) => Cell::I64(value),
            Scalar::F64(value) => Cell::F64(value),
            Scalar::Bool(value) => Cell::Bool(value),
        }
    }
}

impl From<Number> for Cell {
    fn from(number: Number) -> Cell {
        match number {
            Number::I64(value) => Cell::I64(value),
            Number::F64(value) => Cell::F64(value),
        }
    }
}
