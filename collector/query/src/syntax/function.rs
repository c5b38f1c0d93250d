//! Functions: those that are a condition themselves, `missing(user.id)`, and those that stand behind a field,
//! `user.id:contains_any(a, b)`. Many are other languages' names for what an operator does here.

use crate::aliases::MESSAGE;
use crate::ast::{Comparison, Condition, Expr, Length, Literal, Name, Value};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::nearest::nearest;
use crate::syntax::bracket;
use crate::syntax::cursor::Cursor;
use crate::syntax::expr;
use crate::syntax::field::{Operator, is_star, plain_operator};
use crate::syntax::pipes;
use crate::syntax::value;
use crate::syntax::word::Place;

/// Functions that are a condition, and how they are written.
const CONDITIONS: [(&str, &str); 12] = [
    ("exists", "exists(field)"),
    ("isnotnull", "isnotnull(field)"),
    ("missing", "missing(field)"),
    ("isnull", "isnull(field)"),
    ("cidr", "cidr(client.ip, 10.0.0.0/8)"),
    ("cidr_match", "cidr_match(client.ip, 10.0.0.0/8)"),
    ("cidrmatch", "cidrmatch(10.0.0.0/8, client.ip)"),
    ("len", "len(message)>1000"),
    ("i", "i(error)"),
    ("term", "term(10.0.0.1)"),
    ("match", "field:text or field:/regex/"),
    ("like", "field=ab*"),
];

/// Functions behind a field, how they are written, and whether they are about the message without a field.
const OF_VALUES: [(&str, &str, bool); 11] = [
    ("exact", "field:exact(text)", true),
    ("re", "field:re(\"regex\")", true),
    ("contains_any", "field:contains_any(a, b)", true),
    ("contains_all", "field:contains_all(a, b)", true),
    ("len_range", "field:len_range(5, 10)", true),
    ("string_range", "field:string_range(a, b)", true),
    ("ipv4_range", "field:10.0.0.0/8", true),
    ("range", "field:range(1, 5)", false),
    ("cidr", "field:cidr(10.0.0.0/8)", false),
    ("ip", "field:ip(10.0.0.0/8)", false),
    ("i", "field:i(text)", false),
];

/// Reads a function that is a condition; none, and nothing read, when the name before it is none.
pub(super) fn condition(cursor: &mut Cursor<'_>, name: &Name) -> Result<Option<Expr>, QueryError> {
    if cursor.peek() != Some('(') {
        return Ok(None);
    }
    let function = name.text.to_ascii_lowercase();
    let Some((_, form)) = CONDITIONS.into_iter().find(|(known, _)| *known == function) else {
        return of_message(cursor, name, &function);
    };
    let call = Call { name: name.clone(), form };
    let exists = |cursor: &mut Cursor<'_>, field: Literal| {
        let field = Name { text: field.text, span: field.span };
        expr::field_expr(cursor, &field, Condition::Exists, name.span.offset_bytes)
    };
    let found = match function.as_str() {
        "exists" | "isnotnull" => {
            let field = call.one(cursor)?;
            exists(cursor, field)?
        }
        "missing" | "isnull" => {
            let field = call.one(cursor)?;
            Expr::Not(Box::new(exists(cursor, field)?))
        }
        "len" => length(cursor, &call)?,
        "i" | "term" => {
            let text = call.one(cursor)?;
            expr::any(cursor, name.span.offset_bytes, Value::text(text))?
        }
        "match" | "like" => return Err(call.wrong(cursor)),
        _ => {
            let mut arguments = call.arguments(cursor)?;
            if function == "cidrmatch" {
                arguments.reverse();
            }
            let mut arguments = arguments.into_iter();
            let field = arguments.next().ok_or_else(|| call.wrong(cursor))?;
            let field = Name { text: field.text, span: field.span };
            networks(cursor, &call, &field, arguments.collect())?
        }
    };
    Ok(Some(found))
}

/// `exact("a b")` for the message; none for a word before a parenthesis that is like no function.
fn of_message(cursor: &mut Cursor<'_>, name: &Name, function: &str) -> Result<Option<Expr>, QueryError> {
    let known = OF_VALUES.into_iter().filter(|(.., of_message)| *of_message).map(|(known, ..)| known);
    if known.clone().any(|known| known == function) {
        cursor.set(name.span.offset_bytes);
        let message = Name { text: MESSAGE.to_owned(), span: Span::between(cursor.at(), cursor.at()) };
        return of_value(cursor, &message, Operator::Has);
    }
    let known = known.chain(CONDITIONS.into_iter().map(|(known, _)| known)).filter(|known| known.len() > 3);
    match nearest(function, known) {
        Some(_) if pipes::is_function(function) => Ok(None),
        Some(known) => Err(QueryError::new(
            QueryErrorCode::UnknownFunction,
            name.span,
            format!("there is no function {}", name.text),
        )
        .hint(format!("did you mean {known}? Quote the text to search for it"))),
        None => Ok(None),
    }
}

/// Reads a function behind a field and its operator; none, and nothing read, when there is none.
pub(super) fn of_value(
    cursor: &mut Cursor<'_>,
    field: &Name,
    operator: Operator,
) -> Result<Option<Expr>, QueryError> {
    let start = cursor.at();
    let rest = cursor.rest();
    let length = rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let (function, bracket) = rest.split_at_checked(length).unwrap_or_default();
    let starts_with_letter = function.starts_with(|c: char| c.is_ascii_alphabetic());
    let has_range = matches!(function, "range" | "len_range" | "string_range");
    if !starts_with_letter || !(bracket.starts_with('(') || has_range && bracket.starts_with('[')) {
        return Ok(None);
    }
    cursor.set(start + length);
    let name = Name { text: function.to_owned(), span: cursor.span_from(start) };
    let function = function.to_ascii_lowercase();
    let Some((_, form, _)) = OF_VALUES.into_iter().find(|(known, ..)| *known == function) else {
        let message = format!("there is no function {}", name.text);
        let error = QueryError::new(QueryErrorCode::UnknownFunction, name.span, message);
        let names = OF_VALUES.into_iter().map(|(known, ..)| known);
        return Err(error.hint(match nearest(&function, names) {
            Some(known) => format!("did you mean {known}?"),
            None => "put the text in quotes to search for it".to_owned(),
        }));
    };
    let found = call(cursor, field, &Call { name, form }, &function)?;
    Ok(Some(if operator == Operator::Differs { Expr::Not(Box::new(found)) } else { found }))
}

fn call(cursor: &mut Cursor<'_>, field: &Name, call: &Call, function: &str) -> Result<Expr, QueryError> {
    let start = call.name.span.offset_bytes;
    match function {
        "exact" | "i" | "re" => {
            let argument = call.one(cursor)?;
            let condition = match function {
                "exact" => Condition::Equals(Value::text(argument)),
                "i" => Condition::Has(Value::text(argument)),
                _ => value::regex_of(cursor, &argument)?,
            };
            expr::field_expr(cursor, field, condition, start)
        }
        "contains_any" | "contains_all" => {
            let mut parts = Vec::new();
            for value in bracket::values(cursor)? {
                let condition = if is_star(&value) { Condition::Exists } else { Condition::Has(value) };
                parts.push(expr::field_expr(cursor, field, condition, start)?);
            }
            match (parts.is_empty(), function) {
                (true, _) => Err(call.wrong(cursor)),
                (_, "contains_any") => Ok(expr::any_part(parts)),
                _ => Ok(expr::all(parts)),
            }
        }
        "range" => match bracket::range(cursor, field) {
            Err(error) if error.code == QueryErrorCode::BadRange => Err(call.wrong(cursor)),
            other => other,
        },
        "string_range" => {
            let Ok([low, high]) = <[Literal; 2]>::try_from(call.arguments(cursor)?) else {
                return Err(call.wrong(cursor));
            };
            let (low, high) = (Some(low), Some(high));
            let condition = Condition::Range { low, low_inclusive: true, high, high_inclusive: false };
            expr::field_expr(cursor, field, condition, start)
        }
        "len_range" => {
            let Ok([low, high]) = <[Literal; 2]>::try_from(call.arguments(cursor)?) else {
                return Err(call.wrong(cursor));
            };
            let min = low.text.parse().map_err(|_| call.wrong(cursor))?;
            let max = match high.text.as_str() {
                "inf" | "*" => None,
                text => Some(text.parse().map_err(|_| call.wrong(cursor))?),
            };
            of_length(cursor, call, field, min, max)
        }
        _ => {
            let networks_of = call.arguments(cursor)?;
            networks(cursor, call, field, networks_of)
        }
    }
}

/// Any of some networks in CIDR notation.
fn networks(
    cursor: &mut Cursor<'_>,
    call: &Call,
    field: &Name,
    networks: Vec<Literal>,
) -> Result<Expr, QueryError> {
    let mut parts = Vec::new();
    for network in networks {
        if crate::Cidr::parse(&network.text).is_none() && network.text.parse::<std::net::IpAddr>().is_err() {
            return Err(call.wrong(cursor));
        }
        let condition = Condition::Has(Value::text(network));
        parts.push(expr::field_expr(cursor, field, condition, call.name.span.offset_bytes)?);
    }
    if parts.is_empty() || (call.name.text == "ipv4_range" && parts.len() > 1) {
        return Err(call.wrong(cursor));
    }
    Ok(expr::any_part(parts))
}

/// `len(field)>5`, `len(field):[5 TO 10]`
fn length(cursor: &mut Cursor<'_>, call: &Call) -> Result<Expr, QueryError> {
    let field = call.one(cursor)?;
    let field = Name { text: field.text, span: field.span };
    cursor.skip_space();
    let colon = cursor.eat(":");
    cursor.skip_space();
    let operator = match plain_operator(cursor) {
        None if colon => Operator::Has,
        None => return Err(call.wrong(cursor)),
        Some(operator) => operator,
    };
    cursor.skip_space();
    if matches!(cursor.peek(), Some('[' | '{')) {
        return length_range(cursor, call, &field);
    }
    let literal = value::literal(cursor, Place::Item)?.ok_or_else(|| call.wrong(cursor))?;
    let count: u64 = literal.text.parse().map_err(|_| call.wrong(cursor))?;
    let (min, max) = match operator {
        Operator::Has | Operator::Equals | Operator::Differs => (Some(count), Some(count)),
        Operator::Compare(Comparison::AtLeast) => (Some(count), None),
        Operator::Compare(Comparison::More) => (count.checked_add(1), None),
        Operator::Compare(Comparison::AtMost) => (Some(0), Some(count)),
        Operator::Compare(Comparison::Less) => (count.checked_sub(1).map(|_| 0), count.checked_sub(1)),
        Operator::Like | Operator::Unlike => return Err(call.wrong(cursor)),
    };
    let found = of_length(cursor, call, &field, min.ok_or_else(|| call.wrong(cursor))?, max)?;
    Ok(if operator == Operator::Differs { Expr::Not(Box::new(found)) } else { found })
}

fn length_range(cursor: &mut Cursor<'_>, call: &Call, field: &Name) -> Result<Expr, QueryError> {
    let range = bracket::range(cursor, field)?;
    let Expr::Field(crate::ast::FieldExpr {
        condition: Condition::Range { low, low_inclusive, high, high_inclusive },
        ..
    }) = range
    else {
        return Err(call.wrong(cursor));
    };
    let read = |literal: Literal| literal.text.parse::<u64>().map_err(|_| call.wrong(cursor));
    let min = match low {
        None => Some(0),
        Some(low) => read(low)?.checked_add(u64::from(!low_inclusive)),
    };
    let max = match high {
        None => None,
        Some(high) => {
            Some(read(high)?.checked_sub(u64::from(!high_inclusive)).ok_or_else(|| call.wrong(cursor))?)
        }
    };
    of_length(cursor, call, field, min.ok_or_else(|| call.wrong(cursor))?, max)
}

fn of_length(
    cursor: &mut Cursor<'_>,
    call: &Call,
    field: &Name,
    min: u64,
    max: Option<u64>,
) -> Result<Expr, QueryError> {
    let start = call.name.span.offset_bytes;
    if max.is_some_and(|max| max < min) {
        return Err(cursor
            .error_from(start, QueryErrorCode::BadRange, "nothing can be in this range")
            .hint("put the smaller end first"));
    }
    expr::field_expr(cursor, field, Condition::Length(Length { min, max }), start)
}

/// A function whose name has been read.
struct Call {
    name: Name,
    /// How it is written, for errors.
    form: &'static str,
}

impl Call {
    /// Reads `(a, b)`, or `[a, b]`.
    fn arguments(&self, cursor: &mut Cursor<'_>) -> Result<Vec<Literal>, QueryError> {
        cursor.bump();
        let mut arguments = Vec::new();
        loop {
            while cursor.skip_space() || cursor.eat(",") {}
            if cursor.eat(")") || cursor.eat("]") {
                return Ok(arguments);
            }
            let argument = value::literal(cursor, Place::Bound)?.ok_or_else(|| self.wrong(cursor))?;
            cursor.count_clause(argument.span.offset_bytes)?;
            arguments.push(argument);
        }
    }

    /// Reads one argument in parentheses.
    fn one(&self, cursor: &mut Cursor<'_>) -> Result<Literal, QueryError> {
        let mut arguments = self.arguments(cursor)?;
        match (arguments.pop(), arguments.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(self.wrong(cursor)),
        }
    }

    /// The error for a call that is not as it should be.
    fn wrong(&self, cursor: &Cursor<'_>) -> QueryError {
        let span = self.name.span.to(cursor.span_from(cursor.at()));
        QueryError::new(
            QueryErrorCode::Unexpected,
            span,
            format!("{} is written {}", self.name.text, self.form),
        )
        .hint(format!("write {}, or quote the text to search for it", self.form))
    }
}
