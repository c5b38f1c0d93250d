//! Accumulators of the aggregates: values go in one by one or with a weight, partial results merge in any
//! order, a cell comes out. Each has bounded memory.

use crate::number::Number;
use crate::pipe::{Agg, AggFunction};
use crate::scalar::Scalar;
use crate::table::Cell;

mod buckets;
mod distinct;
mod extreme;
mod sketch;
mod spread;
mod sum;
mod values;

pub use self::distinct::{Distinct, hash};
pub use self::extreme::Extreme;
pub use self::sketch::Sketch;
pub use self::spread::Spread;
pub use self::sum::Sum;
pub use self::values::{Timed, Values};

/// The state of one aggregate in one group.
#[derive(Debug, Clone)]
pub enum Accumulator {
    /// Rows or values.
    Count(u64),
    /// Different values.
    Distinct(Distinct),
    /// Sum of the numbers.
    Sum(Sum),
    /// Mean of the numbers.
    Avg(Sum),
    /// Smallest or largest value.
    Extreme(Extreme),
    /// A percentile of the numbers, 0.0 to 1.0.
    Percentile(f64, Sketch),
    /// Standard deviation of the numbers.
    Deviation(Spread),
    /// The different values.
    Values(Values),
    /// The value of the first or last row.
    Timed(Timed),
}

impl Accumulator {
    /// The empty state.
    #[must_use]
    pub fn new(agg: &Agg) -> Accumulator {
        let is_time = agg.field.as_deref() == Some(crate::aliases::TIMESTAMP);
        match agg.function {
            AggFunction::Count => Accumulator::Count(0),
            AggFunction::Distinct => Accumulator::Distinct(Distinct::default()),
            AggFunction::Sum => Accumulator::Sum(Sum::default()),
            AggFunction::Avg => Accumulator::Avg(Sum::default()),
            AggFunction::Min => Accumulator::Extreme(Extreme::smallest(is_time)),
            AggFunction::Max => Accumulator::Extreme(Extreme::largest(is_time)),
            AggFunction::Percentile(part) => Accumulator::Percentile(part, Sketch::default()),
            AggFunction::Deviation => Accumulator::Deviation(Spread::default()),
            AggFunction::Values => Accumulator::Values(Values::new(is_time)),
            AggFunction::First => Accumulator::Timed(Timed::first(is_time)),
            AggFunction::Last => Accumulator::Timed(Timed::last(is_time)),
        }
    }

    /// Adds one value of a row with its time, or with its place where rows have no time.
    pub fn add_at(&mut self, value: Scalar<'_>, at: i64) {
        match self {
            Accumulator::Timed(timed) => timed.add(value, at),
            other => other.add(value),
        }
    }

    /// Adds one value of the aggregate's field. Times are added as whole numbers of nanoseconds.
    #[inline]
    pub fn add(&mut self, value: Scalar<'_>) {
        match (self, value.as_number()) {
            // Stores add millions of these: without the others around it, this is inlined into their loops.
            (Accumulator::Percentile(_, sketch), Some(number)) => sketch.add(number.as_f64(), 1),
            (other, _) => other.add_weighted(value, 1),
        }
    }

    /// Adds a value that occurs `times` times, as a term of a dictionary with its count does. The first and the last value
    /// are not known by that: they need [`add_at`](Self::add_at).
    pub fn add_weighted(&mut self, value: Scalar<'_>, times: u64) {
        if times == 0 {
            return;
        }
        match self {
            Accumulator::Count(count) => *count = count.saturating_add(times),
            Accumulator::Distinct(distinct) => distinct.add(value),
            Accumulator::Sum(sum) | Accumulator::Avg(sum) => {
                numeric(value).into_iter().for_each(|number| sum.add(number, times));
            }
            Accumulator::Extreme(extreme) => extreme.add(value),
            Accumulator::Percentile(_, sketch) => {
                numeric(value).into_iter().for_each(|number| sketch.add(number.as_f64(), times));
            }
            Accumulator::Deviation(spread) => {
                numeric(value).into_iter().for_each(|number| spread.add(number.as_f64(), times));
            }
            Accumulator::Values(values) => values.add(value),
            Accumulator::Timed(_) => debug_assert!(false, "a value without its time"),
        }
    }

    /// Counts rows, for `count()`. Other aggregates have a field and ignore rows.
    pub fn add_rows(&mut self, rows: u64) {
        if let Accumulator::Count(count) = self {
            *count = count.saturating_add(rows);
        }
    }

    /// Adds what another accumulator of the same aggregate has gathered. One of another kind is ignored.
    pub fn merge(&mut self, other: &Accumulator) {
        match (self, other) {
            (Accumulator::Count(a), Accumulator::Count(b)) => *a = a.saturating_add(*b),
            (Accumulator::Distinct(a), Accumulator::Distinct(b)) => a.merge(b),
            (Accumulator::Sum(a), Accumulator::Sum(b)) | (Accumulator::Avg(a), Accumulator::Avg(b)) => {
                a.merge(b)
            }
            (Accumulator::Extreme(a), Accumulator::Extreme(b)) => a.merge(b),
            (Accumulator::Percentile(_, a), Accumulator::Percentile(_, b)) => a.merge(b),
            (Accumulator::Deviation(a), Accumulator::Deviation(b)) => a.merge(b),
            (Accumulator::Values(a), Accumulator::Values(b)) => a.merge(b),
            (Accumulator::Timed(a), Accumulator::Timed(b)) => a.merge(b),
            _ => debug_assert!(false, "accumulators of different aggregates"),
        }
    }

    /// The result. Aggregates of no values are null, except counts, which are 0.
    #[must_use]
    pub fn finish(&self) -> Cell {
        match self {
            Accumulator::Count(count) => Cell::I64(i64::try_from(*count).unwrap_or(i64::MAX)),
            Accumulator::Distinct(distinct) => Cell::I64(i64::try_from(distinct.count()).unwrap_or(i64::MAX)),
            Accumulator::Sum(sum) => sum.total().map_or(Cell::Null, Cell::from),
            Accumulator::Avg(sum) => sum.mean().map_or(Cell::Null, Cell::F64),
            Accumulator::Extreme(extreme) => extreme.cell(),
            Accumulator::Percentile(part, sketch) => sketch.quantile(*part).map_or(Cell::Null, Cell::F64),
            Accumulator::Deviation(spread) => spread.deviation().map_or(Cell::Null, Cell::F64),
            Accumulator::Values(values) => values.cell(),
            Accumulator::Timed(timed) => timed.cell(),
        }
    }

    /// True when a bound was met and the result is only at least what [`finish`](Self::finish) says.
    #[must_use]
    pub fn is_lower_bound(&self) -> bool {
        match self {
            Accumulator::Distinct(distinct) => distinct.is_full(),
            Accumulator::Values(values) => values.is_full(),
            _ => false,
        }
    }

    /// Memory on the heap, bytes, for the limit of a query.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        match self {
            Accumulator::Count(_) | Accumulator::Sum(_) | Accumulator::Avg(_) | Accumulator::Deviation(_) => {
                0
            }
            Accumulator::Values(values) => values.heap_bytes(),
            Accumulator::Timed(timed) => timed.heap_bytes(),
            Accumulator::Distinct(distinct) => distinct.heap_bytes(),
            Accumulator::Extreme(extreme) => extreme.heap_bytes(),
            Accumulator::Percentile(_, sketch) => sketch.heap_bytes(),
        }
    }
}

/// A number, or a string the whole of which is one.
#[inline]
fn numeric(value: Scalar<'_>) -> Option<Number> {
    match value {
        Scalar::Str(text) => Number::parse(text),
        other => other.as_number(),
    }
}

#[cfg(test)]
mod tests;
