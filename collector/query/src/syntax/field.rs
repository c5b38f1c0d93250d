//! Conditions on a field: operators, groups, ranges, lists, functions, and the label selector of Loki.

use crate::ast::{Comparison, Condition, Expr, Name, Piece, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::syntax::cursor::Cursor;
use crate::syntax::expr::{self, Group};
use crate::syntax::value;
use crate::syntax::word::{self, Place};

/// What may stand between a field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    /// `:`
    Has,
    /// `=`, `==`, `:=`
    Equals,
    /// `!=`, `:!=`
    Differs,
    /// `<`, `:<` and so on.
    Compare(Comparison),
    /// `=~`, `:~`: a regular expression in quotes.
    Like,
    /// `!~`
    Unlike,
}

/// As written, and what it means. Longer ones stand before their own beginnings.
const OPERATORS: [(&str, Operator); 9] = [
    ("==", Operator::Equals),
    ("=~", Operator::Like),
    ("!=", Operator::Differs),
    ("!~", Operator::Unlike),
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
    if cursor.eat(":") {
        let operator =
            if cursor.eat("~") { Operator::Like } else { plain_operator(cursor).unwrap_or(Operator::Has) };
        return operand(cursor, name, operator, Place::Value).map(Some);
    }
    cursor.skip_space();
    if let Some(operator) = plain_operator(cursor) {
        return operand(cursor, name, operator, Place::Value).map(Some);
    }
    let negated = cursor.eat_keyword("not") && cursor.skip_space();
    if cursor.sees_keyword("in")
        && let Some(list) = list(cursor, name)?
    {
        return Ok(Some(if negated { Expr::Not(Box::new(list)) } else { list }));
    }
    cursor.set(start);
    Ok(None)
}

fn plain_operator(cursor: &mut Cursor<'_>) -> Option<Operator> {
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
            return range(cursor, name);
        }
        if place == Place::Value
            && cursor.sees_keyword("in")
            && let Some(list) = list(cursor, name)?
        {
            return Ok(list);
        }
    }
    cursor.skip_space();
    let condition = match operator {
        Operator::Compare(comparison) => {
            let literal = value::literal(cursor, place)?;
            Condition::Compare(comparison, literal.ok_or_else(|| no_value(cursor, name))?)
        }
        Operator::Like | Operator::Unlike => {
            let literal = value::literal(cursor, place)?.ok_or_else(|| no_value(cursor, name))?;
            cursor.count_regex(literal.span.offset_bytes)?;
            let source = value::regex_source(&literal.text).ok_or_else(|| bad_regex(literal.span))?;
            Condition::Has(Value {
                kind: ValueKind::Regex { source, ignore_case: false },
                span: literal.span,
            })
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
    lucene_exists(cursor, name, condition, start)
}

fn negation(
    cursor: &mut Cursor<'_>,
    name: &Name,
    condition: Condition,
    start: usize,
) -> Result<Expr, QueryError> {
    Ok(Expr::Not(Box::new(expr::field_expr(cursor, name, condition, start)?)))
}

/// `_exists_:field` is how Lucene says `field:*`.
fn lucene_exists(
    cursor: &mut Cursor<'_>,
    name: &Name,
    condition: Condition,
    start: usize,
) -> Result<Expr, QueryError> {
    match condition {
        Condition::Has(Value { kind: ValueKind::Text(text), span }) if name.text == "_exists_" => {
            expr::field_expr(cursor, &Name { text, span }, Condition::Exists, start)
        }
        condition => expr::field_expr(cursor, name, condition, start),
    }
}

fn is_star(value: &Value) -> bool {
    matches!(&value.kind, ValueKind::Pattern(pieces) if matches!(pieces.as_slice(), [Piece::AnyRun]))
}

fn bad_regex(span: Span) -> QueryError {
    QueryError::new(QueryErrorCode::BadRegex, span, "this is not a whole regular expression")
        .hint("write a \\ as \\\\ in a regular expression")
}

fn no_value(cursor: &Cursor<'_>, name: &Name) -> QueryError {
    let span = Span::between(name.span.offset_bytes, cursor.at());
    QueryError::new(QueryErrorCode::Missing, span, format!("a value is missing after {}", name.text))
        .hint(format!("write {}:* for any value, or put the text in quotes to search for it", name.text))
}

/// `[a TO b]`, `{a TO b]`: the two brackets may differ, and `*` is no bound.
fn range(cursor: &mut Cursor<'_>, name: &Name) -> Result<Expr, QueryError> {
    let start = cursor.at();
    let low_inclusive = cursor.bump() == Some('[');
    let low = bound(cursor, start)?;
    cursor.skip_space();
    if !cursor.eat_keyword("to") && !cursor.eat(",") {
        return Err(bad_range(cursor, start));
    }
    let high = bound(cursor, start)?;
    cursor.skip_space();
    let high_inclusive = match cursor.peek() {
        Some(']') => true,
        Some('}') => false,
        _ => return Err(bad_range(cursor, start)),
    };
    cursor.bump();
    let condition = Condition::Range { low, low_inclusive, high, high_inclusive };
    expr::field_expr(cursor, name, condition, start)
}

fn bound(cursor: &mut Cursor<'_>, start: usize) -> Result<Option<crate::ast::Literal>, QueryError> {
    cursor.skip_space();
    if cursor.peek() == Some('*')
        && cursor.peek_second().is_none_or(|c| c.is_whitespace() || matches!(c, ',' | ']' | '}'))
    {
        cursor.bump();
        return Ok(None);
    }
    match value::literal(cursor, Place::Bound)? {
        Some(literal) => Ok(Some(literal)),
        None => Err(bad_range(cursor, start)),
    }
}

fn bad_range(cursor: &Cursor<'_>, start: usize) -> QueryError {
    cursor
        .error_from(start, QueryErrorCode::BadRange, "a range is [low TO high]")
        .hint("write [400 TO 499], {0 TO 1} without its ends, or [500 TO *]; quote the text to search for it")
}

/// `in (a, b)` or `in [a b]`; none, and nothing read, when no bracket follows.
fn list(cursor: &mut Cursor<'_>, name: &Name) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    cursor.eat_keyword("in");
    cursor.skip_space();
    let open = cursor.at();
    let close = match cursor.peek() {
        Some('(') => ")",
        Some('[') => "]",
        _ => {
            cursor.set(start);
            return Ok(None);
        }
    };
    cursor.bump();
    let mut values = Vec::new();
    loop {
        while cursor.skip_space() || cursor.eat(",") {}
        if cursor.eat(close) {
            break;
        }
        let at = cursor.at();
        let place = if close == ")" { Place::Item } else { Place::Bound };
        match value::value(cursor, place)? {
            Some(value) => values.push(value),
            None if cursor.at_end() => {
                cursor.set(open + 1);
                let error = cursor.error_from(open, QueryErrorCode::Unclosed, "this list is never closed");
                return Err(error.hint(format!("add a {close}")));
            }
            None => return Err(expr::left_over(cursor)),
        }
        cursor.count_clause(at)?;
    }
    if values.is_empty() {
        let error = cursor.error_from(open, QueryErrorCode::Missing, "the list is empty");
        return Err(error.hint("write field in (a, b)"));
    }
    expr::field_expr(cursor, name, Condition::In(values), start).map(Some)
}

/// `exists(f)`, `missing(f)`, `cidr(f, network)`; none, and nothing read, when the name is no function.
pub(super) fn function(cursor: &mut Cursor<'_>, name: &Name) -> Result<Option<Expr>, QueryError> {
    let start = name.span.offset_bytes;
    let function = name.text.to_ascii_lowercase();
    if !matches!(function.as_str(), "exists" | "missing" | "cidr") || !cursor.eat("(") {
        return Ok(None);
    }
    let field = argument(cursor, start, &function)?;
    let field = Name { text: field.text, span: field.span };
    let condition = if function == "cidr" {
        cursor.skip_space();
        cursor.eat(",");
        let network = argument(cursor, start, &function)?;
        Condition::Has(Value { kind: ValueKind::Text(network.text), span: network.span })
    } else {
        Condition::Exists
    };
    cursor.skip_space();
    if !cursor.eat(")") {
        return Err(bad_call(cursor, start, &function));
    }
    let expr = expr::field_expr(cursor, &field, condition, start)?;
    Ok(Some(if function == "missing" { Expr::Not(Box::new(expr)) } else { expr }))
}

fn argument(
    cursor: &mut Cursor<'_>,
    start: usize,
    function: &str,
) -> Result<crate::ast::Literal, QueryError> {
    cursor.skip_space();
    value::literal(cursor, Place::Item)?.ok_or_else(|| bad_call(cursor, start, function))
}

fn bad_call(cursor: &Cursor<'_>, start: usize, function: &str) -> QueryError {
    let form = if function == "cidr" {
        "cidr(client.ip, 10.0.0.0/8)".to_owned()
    } else {
        format!("{function}(field)")
    };
    cursor
        .error_from(start, QueryErrorCode::Unexpected, format!("{function} is written {form}"))
        .hint("quote the text to search for it")
}

/// `{app="nginx", env!="dev"}`; none, and nothing read, when it does not look like one.
pub(super) fn selector(cursor: &mut Cursor<'_>) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    if !cursor.eat("{") {
        return Ok(None);
    }
    let mut parts = Vec::new();
    loop {
        while cursor.skip_space() || cursor.eat(",") {}
        if cursor.eat("}") {
            break;
        }
        let word = word::word(cursor, Place::Term)?;
        let name = word.field_name().map(|text| Name { text: text.to_owned(), span: word.span });
        cursor.skip_space();
        let operator = plain_operator(cursor);
        let (Some(name), Some(operator)) = (name, operator) else {
            if parts.is_empty() {
                cursor.set(start);
                return Ok(None);
            }
            return Err(bad_selector(cursor, start));
        };
        parts.push(operand(cursor, &name, operator, Place::Bound)?);
    }
    match (parts.pop(), parts.is_empty()) {
        (None, _) => {
            cursor.set(start);
            Ok(None)
        }
        (Some(only), true) => Ok(Some(only)),
        (Some(last), false) => {
            parts.push(last);
            Ok(Some(Expr::And(parts)))
        }
    }
}

fn bad_selector(cursor: &Cursor<'_>, start: usize) -> QueryError {
    cursor
        .error_from(start, QueryErrorCode::Unexpected, "a selector is {name=\"value\", name!=\"value\"}")
        .hint("quote the text to search for it")
}
