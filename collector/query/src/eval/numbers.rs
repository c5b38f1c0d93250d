//! Arithmetic. Whole numbers stay whole while they fit in 64 bits; beyond, and where a result is not whole, there are floats.

use crate::formula::Operator;
use crate::number::Number;
use crate::table::Cell;

/// A number, or a text the whole of which is one.
pub(super) fn of(cell: &Cell) -> Option<Number> {
    match cell {
        Cell::I64(number) | Cell::TimeNs(number) => Some(Number::I64(*number)),
        Cell::F64(number) => Some(Number::F64(*number)),
        Cell::Str(text) => Number::parse(text),
        Cell::Null | Cell::Bool(_) | Cell::List(_) => None,
    }
}

/// The cell of a float; null for what is no number.
pub(super) fn float(number: f64) -> Cell {
    if number.is_finite() { Cell::F64(number) } else { Cell::Null }
}

/// The cell of a float, whole if that loses nothing.
pub(crate) fn whole(number: f64) -> Cell {
    /// Below it every whole float is exactly that number.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    let cell =
        if number.abs() <= EXACT && number.fract() == 0.0 { Cell::I64(number as i64) } else { float(number) };
    cell
}

pub(super) fn negated(cell: &Cell) -> Cell {
    match of(cell) {
        Some(Number::I64(number)) => {
            number.checked_neg().map_or(float(-Number::I64(number).as_f64()), Cell::I64)
        }
        Some(Number::F64(number)) => float(-number),
        None => Cell::Null,
    }
}

/// `a + b` of numbers; none when they are texts to be joined.
pub(super) fn sum(left: &Cell, right: &Cell) -> Option<Cell> {
    if matches!((left, right), (Cell::Str(_), Cell::Str(_))) {
        return None;
    }
    let (a, b) = (of(left)?, of(right)?);
    Some(exactly(a, b, i64::checked_add, |a, b| a + b))
}

/// `-`, `*`, `/`, `%`
pub(super) fn combined(operator: Operator, left: &Cell, right: &Cell) -> Cell {
    let (Some(a), Some(b)) = (of(left), of(right)) else { return Cell::Null };
    match operator {
        Operator::Subtract => exactly(a, b, i64::checked_sub, |a, b| a - b),
        Operator::Multiply => exactly(a, b, i64::checked_mul, |a, b| a * b),
        Operator::Remainder => exactly(a, b, i64::checked_rem, |a, b| a % b),
        _ => exactly(a, b, |a, b| a.checked_div(b).filter(|c| c.checked_mul(b) == Some(a)), |a, b| a / b),
    }
}

/// The result in whole numbers if there is one, else in floats.
fn exactly(
    a: Number,
    b: Number,
    of_whole: impl Fn(i64, i64) -> Option<i64>,
    of_floats: impl Fn(f64, f64) -> f64,
) -> Cell {
    if let (Number::I64(a), Number::I64(b)) = (a, b)
        && let Some(result) = of_whole(a, b)
    {
        return Cell::I64(result);
    }
    float(of_floats(a.as_f64(), b.as_f64()))
}

/// A function of one float.
pub(super) fn map(cell: &Cell, function: impl Fn(f64) -> f64) -> Cell {
    of(cell).map_or(Cell::Null, |number| float(function(number.as_f64())))
}

/// `floor`, `ceil`, `abs`: a whole number stays exact.
pub(super) fn map_whole(
    cell: &Cell,
    of_whole: impl Fn(i64) -> Option<i64>,
    function: impl Fn(f64) -> f64,
) -> Cell {
    match of(cell) {
        Some(Number::I64(number)) => {
            of_whole(number).map_or_else(|| float(function(Number::I64(number).as_f64())), Cell::I64)
        }
        Some(Number::F64(number)) => whole(function(number)),
        None => Cell::Null,
    }
}

/// Rounded half away from zero to so many decimals; with a negative number to tens, hundreds, ….
pub(super) fn rounded(cell: &Cell, decimals: &Cell) -> Cell {
    /// More digits no float has.
    const MOST: f64 = 15.0;
    let (Some(number), Some(decimals)) = (of(cell), of(decimals)) else { return Cell::Null };
    let decimals = decimals.as_f64().clamp(-MOST, MOST).trunc();
    if let (Number::I64(number), true) = (number, decimals >= 0.0) {
        return Cell::I64(number);
    }
    #[expect(clippy::cast_possible_truncation, reason = "it is clamped")]
    let scale = 10_f64.powi(decimals.abs() as i32);
    let number = number.as_f64();
    if decimals > 0.0 {
        let scaled = number * scale;
        // So large a number has no decimals.
        return if scaled.is_finite() { float(scaled.round() / scale) } else { float(number) };
    }
    whole((number / scale).round() * scale)
}

/// The largest multiple of `width` that is not above; null for a width that is not above 0.
pub(super) fn bin(cell: &Cell, width: &Cell) -> Cell {
    match (of(cell), of(width)) {
        (Some(Number::I64(number)), Some(Number::I64(width))) if width > 0 => {
            Cell::I64(number.saturating_sub(number.rem_euclid(width)))
        }
        (Some(number), Some(width)) if width.as_f64() > 0.0 => {
            let width = width.as_f64();
            whole((number.as_f64() / width).floor() * width)
        }
        _ => Cell::Null,
    }
}
