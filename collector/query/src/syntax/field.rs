//! Conditions on a field: the operators, and what may stand behind them.

use crate::ast::{Comparison, Condition, Expr, Name, Piece, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::syntax::cursor::Cursor;
use crate::syntax::expr::{self, Group};
use crate::syntax::word::{self, Place};
use crate::syntax::{bracket, doubtful, foreign, function, selector, sql, value};

/// What may stand between a field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `:`
    Has,
    /// `=`, `==`, `:=`
    Equals,
    /// `!=`, `:!=`, `<>`
    Differs,
    /// `<`, `:<` and so on.
    Compare(Comparison),
    /// `=~`, `:~`: a regular expression in quotes.
    Like,
    /// `!~`
    Unlike,
}

/// As written, and what it means. Longer ones stand before their own beginnings.
const OPERATORS: [(&str, Operator); 10] = [
    ("==", Operator::Equals),
    ("=~", Operator::Like),
    ("!=", Operator::Differs),
    ("!~", Operator::Unlike),
    // As SQL writes it.
    ("<>", Operator::Differs),
    (">=", Operator::Compare(Comparison::AtLeast)),
    ("<=", Operator::Compare(Comparison::AtMost)),
    (">", Operator::Compare(Comparison::More)),
    ("<", Operator::Compare(Comparison::Less)),
    ("=", Operator::Equals),
];

/// Reads the operator and operand behind a name that has just been read; none, and nothing read, when there is
/// no operator.
pub(super) fn after_name(cursor: &mut Cursor<'_>, name: &Name) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    let spaced = cursor.skip_space();
    if sees_colon(cursor, spaced) {
        cursor.bump();
        return after_colon(cursor, name).map(Some);
    }
    if let Some(operator) = plain_operator(cursor) {
        return operand(cursor, name, operator, Place::Value).map(Some);
    }
    let negated = cursor.eat_keyword("not") && cursor.skip_space();
    if cursor.sees_keyword("in")
        && let Some(list) = bracket::list(cursor, name)?
    {
        return Ok(Some(if negated { Expr::Not(Box::new(list)) } else { list }));
    }
    cursor.set(start);
    sql::after_name(cursor, name)
}

/// Kibana writes `host.name : web`. `::1` after a word is an address, and `:)` is a face.
fn sees_colon(cursor: &Cursor<'_>, spaced: bool) -> bool {
    cursor.peek() == Some(':')
        && (!spaced || cursor.peek_second().is_some_and(|next| !matches!(next, ':' | ')' | '|' | '-' | '/')))
}

fn after_colon(cursor: &mut Cursor<'_>, name: &Name) -> Result<Expr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    if name.text == "_stream" && cursor.peek() == Some('{') {
        return selector::selector(cursor)?.ok_or_else(|| no_stream(cursor, name));
    }
    if cursor.eat("~") {
        return operand(cursor, name, Operator::Like, Place::Value);
    }
    if let Some(operator) = plain_operator(cursor) {
        return operand(cursor, name, operator, Place::Value);
    }
    // `user:!bob` is how LogsQL says `NOT user:bob`.
    let negated = cursor.peek_second().is_some_and(|next| !next.is_whitespace()) && cursor.eat("!");
    let found = operand(cursor, name, Operator::Has, Place::Value);
    if !negated {
        return found;
    }
    cursor.deeper(start, |_| found).map(|found| Expr::Not(Box::new(found)))
}

fn no_stream(cursor: &Cursor<'_>, name: &Name) -> QueryError {
    let span = Span::between(name.span.offset_bytes, cursor.at());
    QueryError::new(QueryErrorCode::Unexpected, span, "a stream is chosen by its labels")
        .hint("write _stream:{host=\"web-01\"}, or host=web-01")
}

pub(super) fn plain_operator(cursor: &mut Cursor<'_>) -> Option<Operator> {
    OPERATORS.into_iter().find(|(text, _)| cursor.eat(text)).map(|(_, operator)| operator)
}

/// Reads what stands behind an operator.
pub(super) fn operand(
    cursor: &mut Cursor<'_>,
    name: &Name,
    operator: Operator,
    place: Place,
) -> Result<Expr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    if place == Place::Value && cursor.eat("(") {
        return expr::parenthesised(cursor, start, Some(Group { name, operator }));
    }
    // In a group each value may have an operator of its own: `status:(404 or >=500)`.
    let operator = match (place, operator) {
        (Place::Item, Operator::Has) => plain_operator(cursor).unwrap_or(operator),
        _ => operator,
    };
    if matches!(operator, Operator::Has | Operator::Equals) {
        if matches!(cursor.peek(), Some('[' | '{')) {
            refuse_nested(cursor, name)?;
            return bracket::range(cursor, name);
        }
        if place == Place::Value
            && cursor.sees_keyword("in")
            && let Some(list) = bracket::list(cursor, name)?
        {
            return Ok(list);
        }
    }
    doubtful::refuse_value(cursor, name, operator, place)?;
    if place == Place::Value
        && matches!(operator, Operator::Has | Operator::Equals | Operator::Differs)
        && let Some(found) = function::of_value(cursor, name, operator)?
    {
        return Ok(found);
    }
    let condition = match operator {
        Operator::Compare(comparison) => {
            let literal = value::bound(cursor, name, place)?;
            Condition::Compare(comparison, literal.ok_or_else(|| no_value(cursor, name))?)
        }
        Operator::Like | Operator::Unlike => {
            let literal = value::literal(cursor, place)?.ok_or_else(|| no_value(cursor, name))?;
            if cursor.has_whole_regexes() {
                value::whole_regex_of(cursor, &literal)?
            } else {
                value::regex_of(cursor, &literal)?
            }
        }
        Operator::Has | Operator::Equals | Operator::Differs => {
            let value = value::value(cursor, place)?.ok_or_else(|| no_value(cursor, name))?;
            match (operator, is_star(&value)) {
                (Operator::Differs, true) => return negation(cursor, name, Condition::Exists, start),
                (_, true) => Condition::Exists,
                (Operator::Equals, false) => Condition::Equals(value),
                (Operator::Differs, false) => Condition::Differs(value),
                _ => Condition::Has(value),
            }
        }
    };
    if operator == Operator::Unlike {
        return negation(cursor, name, condition, start);
    }
    let (name, condition) = foreign::rewritten(cursor, name, condition)?;
    expr::field_expr(cursor, &name, condition, start)
}

fn negation(
    cursor: &mut Cursor<'_>,
    name: &Name,
    condition: Condition,
    start: usize,
) -> Result<Expr, QueryError> {
    Ok(Expr::Not(Box::new(expr::field_expr(cursor, name, condition, start)?)))
}

/// `user:{ name:bob }` of KQL names the fields of an object.
fn refuse_nested(cursor: &mut Cursor<'_>, name: &Name) -> Result<(), QueryError> {
    let start = cursor.at();
    cursor.bump();
    cursor.skip_space();
    let word = word::word(cursor, Place::Term)?;
    let first = word.field_name().map(str::to_owned);
    cursor.skip_space();
    let is_nested = first.is_some() && (cursor.eat(":") || plain_operator(cursor).is_some());
    let end = cursor.at();
    cursor.set(start);
    let Some(first) = first.filter(|_| is_nested) else { return Ok(()) };
    let span = Span::between(name.span.offset_bytes, end);
    Err(QueryError::new(QueryErrorCode::Unexpected, span, "a field is named with all of its parts")
        .hint(format!("write {}.{first}:… and the other fields in the same way, side by side", name.text)))
}

/// `*` alone, which is any value.
pub(super) fn is_star(value: &Value) -> bool {
    matches!(&value.kind, ValueKind::Pattern(pieces) if matches!(pieces.as_slice(), [Piece::AnyRun]))
}

fn no_value(cursor: &Cursor<'_>, name: &Name) -> QueryError {
    let span = Span::between(name.span.offset_bytes, cursor.at());
    QueryError::new(QueryErrorCode::Missing, span, format!("a value is missing after {}", name.text))
        .hint(format!("write {}:* for any value, or put the text in quotes to search for it", name.text))
}
