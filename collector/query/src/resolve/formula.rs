//! Formulas ready to run: names canonical, units numbers, patterns compiled.

use super::condition::unit;
use super::names::Names;
use crate::Context;
use crate::ast::{Literal, Name, Piece};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::eval::{Computation, Node};
use crate::formula::{Formula, Function, Operator};
use crate::table::Cell;
use crate::test::{Cidr, Pattern, Regex, Test};
use crate::units::{Quantity, quantity};

/// Resolves a formula on rows whose fields are called as `names` says.
pub(super) fn formula(
    formula: &Formula,
    names: &Names<'_>,
    context: &Context<'_>,
) -> Result<Computation, QueryError> {
    Resolver { names, now_ns: context.now_ns }.node(formula).map(Computation)
}

/// The value where a condition holds, and nothing elsewhere, so that counting values counts where it holds.
pub(super) fn where_true(computation: Computation) -> Computation {
    let (truth, nothing) = (Node::Constant(Cell::Bool(true)), Node::Constant(Cell::Null));
    Computation(Node::Call(Function::If, vec![computation.0, truth, nothing]))
}

/// A column divided by a number.
pub(super) fn divided(column: &str, by: f64) -> Computation {
    let (column, by) = (Node::Field(column.to_owned()), Node::Constant(Cell::F64(by)));
    Computation(Node::Binary(Operator::Divide, Box::new(column), Box::new(by)))
}

struct Resolver<'n> {
    names: &'n Names<'n>,
    now_ns: i64,
}

impl Resolver<'_> {
    fn node(&self, formula: &Formula) -> Result<Node, QueryError> {
        Ok(match formula {
            Formula::Null => Node::Constant(Cell::Null),
            Formula::Bool(truth) => Node::Constant(Cell::Bool(*truth)),
            Formula::Number(number) => Node::Constant(Cell::from(*number)),
            Formula::Quantity(literal) => Node::Constant(in_base_unit(literal)),
            Formula::Text(literal) => Node::Constant(Cell::Str(literal.text.clone())),
            Formula::Field(name) => Node::Field(self.names.one(name)?),
            Formula::Negate(part) => Node::Negate(self.boxed(part)?),
            Formula::Not(part) => Node::Not(self.boxed(part)?),
            Formula::Binary(operator, left, right) if operator.is_condition() => {
                let (left, right) = (self.beside(left, right)?, self.beside(right, left)?);
                Node::Binary(*operator, Box::new(left), Box::new(right))
            }
            Formula::Binary(operator, left, right) => {
                Node::Binary(*operator, self.boxed(left)?, self.boxed(right)?)
            }
            Formula::Call { function, arguments, span } => self.call(*function, arguments, *span)?,
        })
    }

    fn boxed(&self, formula: &Formula) -> Result<Box<Node>, QueryError> {
        self.node(formula).map(Box::new)
    }

    /// A side of a comparison. A number with a unit is in the unit of the field that it is compared with.
    fn beside(&self, side: &Formula, other: &Formula) -> Result<Node, QueryError> {
        match (side, other) {
            (Formula::Quantity(literal), Formula::Field(name)) => {
                let field = self.names.one(name)?;
                let read = unit(&field, &literal.text).and_then(|unit| unit.read(&literal.text));
                Ok(Node::Constant(read.map_or_else(|| in_base_unit(literal), Cell::from)))
            }
            _ => self.node(side),
        }
    }

    fn call(&self, function: Function, arguments: &[Formula], span: Span) -> Result<Node, QueryError> {
        match (function, arguments) {
            (Function::Now, _) => Ok(Node::Constant(Cell::I64(self.now_ns))),
            (Function::Like, [of, pattern]) => {
                let literal = text(pattern, function, span)?;
                Ok(Node::Test(self.boxed(of)?, Test::Pattern(Pattern::whole(&pieces(&literal.text)))))
            }
            (Function::Matches, [of, pattern]) => {
                let regex = regex(text(pattern, function, span)?, true)?;
                Ok(Node::Test(self.boxed(of)?, Test::Regex(regex)))
            }
            (Function::Replace, [of, pattern, with]) => {
                let regex = regex(text(pattern, function, span)?, true)?;
                Ok(Node::Replace(self.boxed(of)?, regex, text(with, function, span)?.text.clone()))
            }
            // Either may come first.
            (Function::Cidr, [of, network @ Formula::Text(_)] | [network @ Formula::Text(_), of]) => {
                let literal = text(network, function, span)?;
                let cidr = Cidr::parse(&literal.text).ok_or_else(|| {
                    let message = format!("{} is no network", literal.text);
                    QueryError::new(QueryErrorCode::Unexpected, literal.span, message)
                        .hint("write cidr(client.ip, \"10.0.0.0/8\")")
                })?;
                Ok(Node::Test(self.boxed(of)?, Test::Cidr(cidr)))
            }
            (Function::Cidr, _) => Err(no_text(function, span)),
            _ => {
                let arguments = arguments.iter().map(|argument| self.node(argument));
                Ok(Node::Call(function, arguments.collect::<Result<_, _>>()?))
            }
        }
    }
}

/// A duration in nanoseconds, as times are; a size in bytes.
fn in_base_unit(literal: &Literal) -> Cell {
    match quantity(&literal.text) {
        Some(Quantity::Plain(number)) => Cell::from(number),
        Some(Quantity::Duration(number) | Quantity::Bytes(number)) => crate::eval::whole(number),
        None => Cell::Null,
    }
}

/// The text that a pattern has to be, since it is compiled once.
fn text(formula: &Formula, function: Function, span: Span) -> Result<&Literal, QueryError> {
    match formula {
        Formula::Text(literal) => Ok(literal),
        _ => Err(no_text(function, span)),
    }
}

fn no_text(function: Function, span: Span) -> QueryError {
    let message = format!("the pattern of {} has to be a text in quotes", function.name());
    QueryError::new(QueryErrorCode::Unexpected, span, message)
        .hint("write the pattern itself, not a field that holds one")
}

/// Compiles a regular expression in the query.
pub(super) fn regex(literal: &Literal, numbers: bool) -> Result<Regex, QueryError> {
    Regex::new(&literal.text, false, numbers).map_err(|reason| {
        let message = format!("the regular expression can't be used: {reason}");
        QueryError::new(QueryErrorCode::BadRegex, literal.span, message)
            .hint("signs such as ( and . that mean themselves need a \\ before them")
    })
}

/// `*` and `?` of a pattern in quotes; `\` before them makes them themselves.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '*' => {
                if pieces.last() != Some(&Piece::AnyRun) {
                    pieces.push(Piece::AnyRun);
                }
                continue;
            }
            '?' => {
                pieces.push(Piece::AnyChar);
                continue;
            }
            '\\' => chars.next_if(|next| matches!(next, '*' | '?' | '\\')).unwrap_or('\\'),
            other => other,
        };
        match pieces.last_mut() {
            Some(Piece::Literal(text)) => text.push(literal),
            _ => pieces.push(Piece::Literal(literal.to_string())),
        }
    }
    pieces
}

/// The message, as the pipes that read a text take it when no field is named.
pub(super) fn source(from: Option<&Name>, names: &Names<'_>, span: Span) -> Result<String, QueryError> {
    match from {
        Some(name) => names.one(name),
        None => names.one(&Name { text: crate::aliases::MESSAGE.to_owned(), span }),
    }
}
