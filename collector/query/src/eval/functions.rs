//! What each function computes.

use std::cmp::Ordering;

use super::conditions::{compared, truth};
use super::{Fields, Node, numbers, texts, times, value};
use crate::formula::Function;
use crate::table::Cell;

/// Calls a function. The parser has checked how many arguments there are; one that is missing all the same is null.
pub(super) fn call(function: Function, arguments: &[Node], fields: &Fields<'_>) -> Cell {
    let at = |index: usize| arguments.get(index).map_or(Cell::Null, |node| value(node, fields));
    let is_true = |index: usize| truth(&at(index)) == Some(true);
    match function {
        Function::If => at(if is_true(0) { 1 } else { 2 }),
        Function::Case => case(arguments, fields),
        Function::Coalesce => arguments
            .iter()
            .map(|node| value(node, fields))
            .find(|cell| *cell != Cell::Null)
            .unwrap_or(Cell::Null),
        Function::IsNull => Cell::Bool(at(0) == Cell::Null),
        Function::IsNotNull => Cell::Bool(at(0) != Cell::Null),
        Function::Concat => {
            let cells: Vec<Cell> = arguments.iter().map(|node| value(node, fields)).collect();
            texts::joined(&cells)
        }
        Function::Min => best(arguments, fields, Ordering::Less),
        Function::Max => best(arguments, fields, Ordering::Greater),
        Function::ToNumber => numbers::of(&at(0)).map_or(Cell::Null, Cell::from),
        Function::ToTime => times::read(&at(0)),
        Function::FormatTime => times::written(&at(0), &at(1)),
        Function::Bin => numbers::bin(&at(0), &at(1)),
        Function::Substr => texts::part(&at(0), &at(1), (arguments.len() > 2).then(|| at(2)).as_ref()),
        Function::Round if arguments.len() < 2 => numbers::rounded(&at(0), &Cell::I64(0)),
        Function::Round => numbers::rounded(&at(0), &at(1)),
        Function::Floor => numbers::map_whole(&at(0), Some, f64::floor),
        Function::Ceil => numbers::map_whole(&at(0), Some, f64::ceil),
        Function::Abs => numbers::map_whole(&at(0), i64::checked_abs, f64::abs),
        Function::Sqrt => numbers::map(&at(0), f64::sqrt),
        Function::Ln => numbers::map(&at(0), f64::ln),
        Function::Exp => numbers::map(&at(0), f64::exp),
        Function::Log if arguments.len() < 2 => numbers::map(&at(0), f64::log10),
        Function::Log => match numbers::of(&at(1)) {
            Some(base) => numbers::map(&at(0), |number| number.log(base.as_f64())),
            None => Cell::Null,
        },
        Function::Power => match numbers::of(&at(1)) {
            Some(power) => numbers::map(&at(0), |number| number.powf(power.as_f64())),
            None => Cell::Null,
        },
        _ => of_text(function, &at(0), &at),
    }
}

/// The functions of a text.
fn of_text(function: Function, first: &Cell, at: &dyn Fn(usize) -> Cell) -> Cell {
    let Some(text) = texts::of(first) else { return Cell::Null };
    let with = |test: fn(&str, &str) -> bool| {
        let other = at(1);
        texts::of(&other).map_or(Cell::Null, |other| Cell::Bool(test(&text, &other)))
    };
    match function {
        Function::Lower => texts::made(text.to_lowercase()),
        Function::Upper => texts::made(text.to_uppercase()),
        Function::Trim => texts::made(text.trim().to_owned()),
        Function::ToText => texts::made(text.into_owned()),
        Function::Len => Cell::I64(i64::try_from(text.chars().count()).unwrap_or(i64::MAX)),
        Function::Contains => with(|text, other| text.contains(other)),
        Function::StartsWith => with(|text, other| text.starts_with(other)),
        Function::EndsWith => with(|text, other| text.ends_with(other)),
        // Resolved to nodes and constants of their own.
        _ => Cell::Null,
    }
}

/// The value behind the first condition that holds; a single value at the end is for all others.
fn case(arguments: &[Node], fields: &Fields<'_>) -> Cell {
    for pair in arguments.chunks(2) {
        match pair {
            [condition, then] if truth(&value(condition, fields)) == Some(true) => {
                return value(then, fields);
            }
            [otherwise] => return value(otherwise, fields),
            _ => {}
        }
    }
    Cell::Null
}

/// The smallest or largest; nulls are passed over.
fn best(arguments: &[Node], fields: &Fields<'_>, wanted: Ordering) -> Cell {
    let mut best = Cell::Null;
    for node in arguments {
        let cell = value(node, fields);
        if best == Cell::Null || compared(&cell, &best) == Some(wanted) {
            best = cell;
        }
    }
    best
}
