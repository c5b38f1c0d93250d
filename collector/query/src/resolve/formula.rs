//! Formulas ready to run: names canonical, units numbers, patterns compiled.

use super::condition::unit;
use super::names::Names;
use crate::Context;
use crate::aliases::TIMESTAMP;
use crate::ast::{Literal, Name, Piece};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::eval::{Computation, Node};
use crate::formula::{Formula, Function, Operator};
use crate::limits::MAX_PATTERN_BYTES;
use crate::pipe::first_bucket_ns;
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
            Formula::Binary(operator, left, right)
                if operator.is_condition()
                    || matches!(operator, Operator::Add | Operator::Subtract | Operator::Divide) =>
            {
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

    /// A side of an operator. A number with a unit is in the unit of the field that it stands beside.
    fn beside(&self, side: &Formula, other: &Formula) -> Result<Node, QueryError> {
        let Formula::Quantity(literal) = side else { return self.node(side) };
        let source = source_of(other, self.names);
        let read = source.and_then(|source| unit(&source, &literal.text)?.read(&literal.text));
        Ok(Node::Constant(read.map_or_else(|| in_base_unit(literal), Cell::from)))
    }

    fn call(&self, function: Function, arguments: &[Formula], span: Span) -> Result<Node, QueryError> {
        match (function, arguments) {
            (Function::Now, _) => Ok(Node::Constant(Cell::I64(self.now_ns))),
            (Function::Like, [of, pattern]) => {
                let literal = text(pattern, function, span)?;
                if literal.text.len() > MAX_PATTERN_BYTES {
                    let message = format!("a pattern with wildcards has at most {MAX_PATTERN_BYTES} bytes");
                    return Err(QueryError::new(QueryErrorCode::TooLong, literal.span, message));
                }
                Ok(Node::Test(self.boxed(of)?, Test::Pattern(Pattern::whole(&pieces(&literal.text)))))
            }
            (Function::Matches, [of, pattern]) => {
                let regex = regex(text(pattern, function, span)?, true)?;
                Ok(Node::Test(self.boxed(of)?, Test::Regex(regex)))
            }
            (Function::Replace, [of, pattern, with]) => {
                let regex = regex(text(pattern, function, span)?, true)?;
                let with = replacement(text(with, function, span)?, &regex)?;
                Ok(Node::Replace(self.boxed(of)?, regex, with))
            }
            (Function::Bin, [of, width]) => {
                let (node, width_node) = (self.node(of)?, self.beside(width, of)?);
                let step_ns = match width_node {
                    Node::Constant(Cell::I64(step_ns)) if is_time(of, self.names) => step_ns,
                    _ => 0,
                };
                Ok(bins(node, width_node, first_bucket_ns(step_ns)))
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

/// The field whose values a formula gives, as far as their unit goes: one as it stands, or rounded, or with others of its
/// unit added. Times are the time of the document. None for anything else.
pub(super) fn source_of(formula: &Formula, names: &Names<'_>) -> Option<String> {
    use Function::{Abs, Bin, Ceil, Coalesce, Floor, Max, Min, Now, Round, ToTime};
    match formula {
        Formula::Field(name) => names.one(name).ok().map(|field| names.source(&field)),
        Formula::Negate(part) => source_of(part, names),
        Formula::Binary(Operator::Add | Operator::Subtract, left, right) => {
            source_of(left, names).or_else(|| source_of(right, names))
        }
        Formula::Call { function: Now | ToTime, .. } => Some(TIMESTAMP.to_owned()),
        Formula::Call {
            function: Abs | Bin | Ceil | Coalesce | Floor | Max | Min | Round,
            arguments,
            ..
        } => arguments.first().and_then(|first| source_of(first, names)),
        _ => None,
    }
}

fn is_time(formula: &Formula, names: &Names<'_>) -> bool {
    source_of(formula, names).as_deref() == Some(TIMESTAMP)
}

/// `bin(of, width)`, where one of the bins begins at `first_ns`.
fn bins(of: Node, width: Node, first_ns: i64) -> Node {
    let bin = |of| Node::Call(Function::Bin, vec![of, width]);
    if first_ns == 0 {
        return bin(of);
    }
    let first = || Box::new(Node::Constant(Cell::I64(first_ns)));
    let moved = bin(Node::Binary(Operator::Subtract, Box::new(of), first()));
    Node::Binary(Operator::Add, Box::new(moved), first())
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

/// What a match is replaced with, as the `regex` crate reads it: `\1` becomes `${1}`. A group that the expression does not
/// have would be nothing without a word.
fn replacement(written: &Literal, regex: &Regex) -> Result<String, QueryError> {
    let mut with = String::new();
    let mut rest = written.text.as_str();
    while let Some(at) = rest.find(['$', '\\']) {
        let (before, sign) = rest.split_at(at);
        with.push_str(before);
        let after = sign.get(1..).unwrap_or_default();
        let name_end = |end: fn(char) -> bool| after.find(|c: char| !end(c)).unwrap_or(after.len());
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (group, length) = match (sign.starts_with('$'), after.strip_prefix('{')) {
            (true, Some(braced)) => match braced.split_once('}') {
                Some((group, _)) => (group, group.len() + 2),
                None => ("", 0),
            },
            (true, None) => (after.get(..name_end(is_name)).unwrap_or_default(), name_end(is_name)),
            (false, _) => {
                let end = name_end(|c| c.is_ascii_digit());
                (after.get(..end).unwrap_or_default(), end)
            }
        };
        if group.is_empty() {
            // A sign that means itself. Doubled, `$` is one in either way.
            let doubled = sign.starts_with("$$");
            with.push_str(if sign.starts_with('$') { "$$" } else { "\\" });
            rest = if doubled { after.get(1..).unwrap_or_default() } else { after };
            continue;
        }
        let number = group.parse::<usize>().ok();
        let mut names = regex.compiled().capture_names().enumerate();
        if !names.any(|(index, name)| Some(index) == number || name == Some(group)) {
            let message = format!("the regular expression has no group {group}");
            return Err(QueryError::new(QueryErrorCode::Unexpected, written.span, message)
                .hint("groups are $1, ${1}x before a letter, ${name}; a $ itself is $$"));
        }
        with.push_str(&format!("${{{group}}}"));
        rest = after.get(length..).unwrap_or_default();
    }
    with.push_str(rest);
    Ok(with)
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
