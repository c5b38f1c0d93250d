//! Formulas ready to run, and their values. What an operator or a function means is decided here and in the files beside,
//! and nowhere else.
//!
//! Values are those of table cells. A time is a whole number of nanoseconds since the Unix epoch. Without a word to the
//! contrary, a null makes the result null; so does what can't be computed: a division by zero, the root of -1.

mod conditions;
mod functions;
mod numbers;
mod texts;
mod times;

use std::fmt;
use std::ops::ControlFlow;

pub(crate) use self::numbers::whole;
use crate::aliases::TIMESTAMP;
use crate::formula::{Function, Operator};
use crate::limits::MAX_ROW_WORK_BYTES;
use crate::row::Row;
use crate::table::Cell;
use crate::test::{Regex, Test};

/// A resolved formula: names are canonical, units numbers, patterns compiled.
#[derive(Debug, Clone)]
pub struct Computation(pub(crate) Node);

#[derive(Debug, Clone)]
pub(crate) enum Node {
    Constant(Cell),
    Field(String),
    Negate(Box<Node>),
    Not(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    Call(Function, Vec<Node>),
    /// `like`, `match` and `cidr`, whose pattern is known.
    Test(Box<Node>, Test),
    /// `replace(text, regex, with)`
    Replace(Box<Node>, Regex, String),
}

/// The fields of a row, and those made since.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'r> {
    pub(crate) row: &'r dyn Row,
    pub(crate) made: &'r [(String, Cell)],
    pub(crate) work: &'r Work,
}

/// The text that was copied, made and searched for one row: what a formula costs.
#[derive(Debug, Default)]
pub(crate) struct Work(std::cell::Cell<usize>);

impl Work {
    /// It was more than [`MAX_ROW_WORK_BYTES`]: what is computed from here on is null.
    pub(crate) fn is_over(&self) -> bool {
        self.0.get() > MAX_ROW_WORK_BYTES
    }

    /// Every text is the value of some part of a formula before anything is done with it, so these are all.
    fn add(&self, cell: &Cell) {
        self.0.set(self.0.get().saturating_add(cell.heap_bytes()));
    }
}

impl Fields<'_> {
    /// The first value of a field; null when it has none.
    fn first(&self, name: &str) -> Cell {
        if let Some((_, value)) = self.made.iter().find(|(known, _)| known == name) {
            return match value {
                Cell::List(items) => items.first().cloned().unwrap_or(Cell::Null),
                other => other.clone(),
            };
        }
        let mut first = Cell::Null;
        self.row.field(name, &mut |value| {
            first = Cell::from(value);
            ControlFlow::Break(())
        });
        if name == TIMESTAMP && first == Cell::Null {
            first = Cell::I64(self.row.timestamp_ns());
        }
        first
    }
}

impl Computation {
    /// The value for a row. Recursion is bounded by [`MAX_FORMULA_PARTS`](crate::limits::MAX_FORMULA_PARTS).
    pub(crate) fn value(&self, fields: &Fields<'_>) -> Cell {
        value(&self.0, fields)
    }
}

fn value(node: &Node, fields: &Fields<'_>) -> Cell {
    if fields.work.is_over() {
        return Cell::Null;
    }
    let cell = computed(node, fields);
    fields.work.add(&cell);
    cell
}

fn computed(node: &Node, fields: &Fields<'_>) -> Cell {
    match node {
        Node::Constant(cell) => cell.clone(),
        Node::Field(name) => fields.first(name),
        Node::Negate(part) => numbers::negated(&value(part, fields)),
        Node::Not(part) => {
            conditions::truth(&value(part, fields)).map_or(Cell::Null, |truth| Cell::Bool(!truth))
        }
        Node::Binary(Operator::And, left, right) => {
            conditions::and(&value(left, fields), || value(right, fields))
        }
        Node::Binary(Operator::Or, left, right) => {
            conditions::or(&value(left, fields), || value(right, fields))
        }
        Node::Binary(operator, left, right) => binary(*operator, &value(left, fields), &value(right, fields)),
        Node::Call(function, arguments) => functions::call(*function, arguments, fields),
        Node::Test(part, test) => match value(part, fields).as_scalar() {
            Some(scalar) => Cell::Bool(test.matches(scalar)),
            None => Cell::Null,
        },
        Node::Replace(part, regex, with) => match texts::of(&value(part, fields)) {
            Some(text) => texts::replaced(&text, regex.compiled(), with),
            None => Cell::Null,
        },
    }
}

fn binary(operator: Operator, left: &Cell, right: &Cell) -> Cell {
    match operator {
        Operator::Add => numbers::sum(left, right).unwrap_or_else(|| texts::joined([left, right])),
        Operator::Join => texts::joined([left, right]),
        Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            numbers::combined(operator, left, right)
        }
        Operator::Or | Operator::And => Cell::Null,
        _ => conditions::compared(left, right).map_or(Cell::Null, |order| {
            Cell::Bool(match operator {
                Operator::Equal => order.is_eq(),
                Operator::Differ => order.is_ne(),
                Operator::Less => order.is_lt(),
                Operator::AtMost => order.is_le(),
                Operator::More => order.is_gt(),
                _ => order.is_ge(),
            })
        }),
    }
}

/// For people and tests: one line, not a query text.
impl fmt::Display for Computation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(&self.0, f)
    }
}

fn show(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let list = |f: &mut fmt::Formatter<'_>, name: &str, parts: &[&Node]| {
        write!(f, "{name}(")?;
        for (index, part) in parts.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            show(part, f)?;
        }
        f.write_str(")")
    };
    match node {
        Node::Constant(cell) => write!(f, "{cell:?}"),
        Node::Field(name) => f.write_str(name),
        Node::Negate(part) => list(f, "-", &[part]),
        Node::Not(part) => list(f, "not", &[part]),
        Node::Binary(operator, left, right) => list(f, operator.as_str(), &[left, right]),
        Node::Call(function, arguments) => list(f, function.name(), &arguments.iter().collect::<Vec<_>>()),
        Node::Test(part, test) => {
            show(part, f)?;
            write!(f, " {test}")
        }
        Node::Replace(part, regex, with) => {
            list(f, "replace", &[part])?;
            write!(f, " {regex} {with:?}")
        }
    }
}
