//! Terms and how they combine: NOT binds tighter than AND, AND tighter than OR; terms side by side are AND.

use crate::ast::{Condition, Expr, FieldExpr, Name, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode};
use crate::syntax::cursor::Cursor;
use crate::syntax::field::{self, Operator};
use crate::syntax::word::{self, Place, Word};
use crate::syntax::{doubtful, function, lucene, pipes, selector, value};

/// The field and operator that the values of a group belong to: `f:(a or b)`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group<'g> {
    pub(super) name: &'g Name,
    pub(super) operator: Operator,
}

/// Reads a condition up to a pipe or the end.
pub(super) fn whole(cursor: &mut Cursor<'_>) -> Result<Expr, QueryError> {
    let expr = any_of(cursor, None)?;
    cursor.skip_space();
    if cursor.at_end() || cursor.peek() == Some('|') { Ok(expr) } else { Err(left_over(cursor)) }
}

/// What to say of a character after the end of a condition or pipe.
pub(super) fn left_over(cursor: &Cursor<'_>) -> QueryError {
    match cursor.peek() {
        Some(')') => cursor
            .error_here(QueryErrorCode::Unexpected, "this ) closes nothing")
            .hint("remove it, or quote it to search for it"),
        Some(c) => cursor
            .error_here(QueryErrorCode::Unexpected, format!("{c} can't stand here"))
            .hint("quote it to search for it, or put a | before a pipe"),
        None => cursor.error_here(QueryErrorCode::Missing, "something is missing here"),
    }
}

/// `a OR b`
pub(super) fn any_of(cursor: &mut Cursor<'_>, group: Option<Group<'_>>) -> Result<Expr, QueryError> {
    let mut parts = vec![all_of(cursor, group)?];
    loop {
        cursor.skip_space();
        // In a group people separate values by commas, too.
        let comma = group.is_some() && cursor.eat(",");
        if !comma && !cursor.eat("||") && !cursor.eat_keyword("or") {
            break;
        }
        parts.push(all_of(cursor, group)?);
    }
    Ok(combine(parts, Join::Or))
}

/// `a b`, `a AND b`
fn all_of(cursor: &mut Cursor<'_>, group: Option<Group<'_>>) -> Result<Expr, QueryError> {
    let mut parts = vec![negated(cursor, group)?];
    loop {
        cursor.skip_space();
        let explicit = cursor.eat("&&") || cursor.eat_keyword("and");
        if !explicit && ends_conjunction(cursor, group) {
            break;
        }
        parts.push(negated(cursor, group)?);
    }
    Ok(combine(parts, Join::And))
}

fn ends_conjunction(cursor: &Cursor<'_>, group: Option<Group<'_>>) -> bool {
    match cursor.peek() {
        None | Some(')') => true,
        Some('|') => group.is_some() || !selector::sees_line_filter(cursor),
        Some(',') => group.is_some(),
        Some(_) => cursor.sees_keyword("or"),
    }
}

#[derive(Debug, Clone, Copy)]
enum Join {
    And,
    Or,
}

/// All of at least one part.
pub(super) fn all(parts: Vec<Expr>) -> Expr {
    combine(parts, Join::And)
}

/// Any of at least one part.
pub(super) fn any_part(parts: Vec<Expr>) -> Expr {
    combine(parts, Join::Or)
}

/// One part stays itself; parts of the same kind are taken in.
fn combine(mut parts: Vec<Expr>, join: Join) -> Expr {
    if parts.len() == 1
        && let Some(only) = parts.pop()
    {
        return only;
    }
    let mut flat = Vec::with_capacity(parts.len());
    for part in parts {
        match (join, part) {
            (Join::And, Expr::And(inner)) | (Join::Or, Expr::Or(inner)) => flat.extend(inner),
            (_, other) => flat.push(other),
        }
    }
    match join {
        Join::And => Expr::And(flat),
        Join::Or => Expr::Or(flat),
    }
}

/// `NOT a`, `-a`, `!a`; `+a` is `a`.
fn negated(cursor: &mut Cursor<'_>, group: Option<Group<'_>>) -> Result<Expr, QueryError> {
    cursor.skip_space();
    if group.is_none()
        && let Some(filter) = selector::line_filter(cursor)?
    {
        return Ok(filter);
    }
    let start = cursor.at();
    let next = cursor.peek_second();
    let joined = next.is_some_and(|c| !c.is_whitespace());
    let plus = cursor.peek() == Some('+') && joined && next != Some('+');
    let minus = cursor.peek() == Some('-') && joined && !matches!(next, Some('-' | '>'));
    let bang = cursor.peek() == Some('!')
        && match next {
            Some('!') => sees_negated_negation(cursor),
            Some(next) => !matches!(next, '=' | '~'),
            None => false,
        };
    if plus || minus || bang {
        cursor.bump();
    }
    if plus {
        return cursor.deeper(start, |cursor| negated(cursor, group));
    }
    if minus || bang || cursor.eat_keyword("not") {
        let inner = cursor.deeper(start, |cursor| negated(cursor, group))?;
        return Ok(Expr::Not(Box::new(inner)));
    }
    primary(cursor, group)
}

/// `!!a`, but not `!!!`.
fn sees_negated_negation(cursor: &Cursor<'_>) -> bool {
    let after = cursor.rest().trim_start_matches('!');
    after.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '(' | '"' | '\'' | '`' | '_' | '@'))
}

fn primary(cursor: &mut Cursor<'_>, group: Option<Group<'_>>) -> Result<Expr, QueryError> {
    let start = cursor.at();
    if cursor.eat("(") {
        return parenthesised(cursor, start, group);
    }
    for keyword in ["and", "or"] {
        if cursor.sees_keyword(keyword) {
            cursor.eat_keyword(keyword);
            return Err(missing_term(cursor, start));
        }
    }
    match group {
        Some(group) => field::operand(cursor, group.name, group.operator, Place::Item),
        None => term(cursor),
    }
}

/// Reads what follows a `(` at `start`, and the `)`.
pub(super) fn parenthesised(
    cursor: &mut Cursor<'_>,
    start: usize,
    group: Option<Group<'_>>,
) -> Result<Expr, QueryError> {
    let after = cursor.at();
    cursor.skip_space();
    if cursor.eat(")") {
        return Err(cursor
            .error_from(start, QueryErrorCode::Missing, "there is nothing between the parentheses")
            .hint("remove them, or quote the text to search for them"));
    }
    let expr = cursor.deeper(start, |cursor| any_of(cursor, group))?;
    cursor.skip_space();
    if cursor.eat(")") {
        lucene::eat_boost(cursor);
        return Ok(expr);
    }
    cursor.set(after);
    Err(cursor.error_from(start, QueryErrorCode::Unclosed, "this ( is never closed").hint("add a )"))
}

/// A word, text, regular expression, or a field with its condition.
fn term(cursor: &mut Cursor<'_>) -> Result<Expr, QueryError> {
    let start = cursor.at();
    if let Some(expr) = selector::selector(cursor)? {
        return Ok(expr);
    }
    if let Some(text) = value::quoted(cursor)? {
        let name = Name { text, span: cursor.span_from(start) };
        if let Some(expr) = field::after_name(cursor, &name)? {
            return Ok(expr);
        }
        let value = value::after_quote(cursor, start, name.text)?;
        return any(cursor, start, value);
    }
    if cursor.peek() == Some('/')
        && let Some(value) = value::value(cursor, Place::Term)?
    {
        return any(cursor, start, value);
    }
    let word = word::word(cursor, Place::Term)?;
    if let Some(text) = word.field_name() {
        let name = Name { text: text.to_owned(), span: word.span };
        if let Some(expr) = function::condition(cursor, &name)? {
            return Ok(expr);
        }
        if let Some(column) = pipes::called_column(cursor, &name)? {
            return match field::after_name(cursor, &column)? {
                Some(expr) => Ok(expr),
                None => Err(no_comparison(&column)),
            };
        }
        doubtful::refuse_arithmetic(cursor, &name)?;
        if let Some(expr) = field::after_name(cursor, &name)? {
            return Ok(expr);
        }
    }
    doubtful::refuse_term(cursor, &word)?;
    if word.is_star() {
        // `*:value` is how Lucene says "any field".
        if cursor.eat(":") {
            cursor.skip_space();
            return match value::value(cursor, Place::Value)? {
                Some(value) => any(cursor, start, value),
                None => Err(missing_term(cursor, start)),
            };
        }
        return Ok(Expr::All);
    }
    if cursor.peek() == Some(':') && !word.escaped && !word.pieces.is_empty() {
        return Err(several_fields(cursor, &word));
    }
    match value::from_word(word)? {
        Some(value) => any(cursor, start, value),
        None => Err(no_term(cursor)),
    }
}

/// `avg(status)` alone
fn no_comparison(column: &Name) -> QueryError {
    let message = format!("{} is not compared with anything", column.text);
    QueryError::new(QueryErrorCode::Missing, column.span, message)
        .hint(format!("write {}>5, or quote the text to search for it", column.text))
}

/// `machine.os*:windows`
fn several_fields(cursor: &Cursor<'_>, word: &Word) -> QueryError {
    let name = cursor.since(word.span.offset_bytes).to_owned();
    QueryError::new(QueryErrorCode::Unexpected, word.span, format!("{name} is not the name of one field"))
        .hint("write *:value for any field, name the fields, (a:value or b:value), or quote the text")
}

/// A value without a field, counted.
pub(super) fn any(cursor: &mut Cursor<'_>, start: usize, value: Value) -> Result<Expr, QueryError> {
    cursor.count_clause(start)?;
    Ok(match &value.kind {
        ValueKind::Text(text) if text.is_empty() => Expr::All,
        ValueKind::Pattern(pieces) if matches!(pieces.as_slice(), [crate::ast::Piece::AnyRun]) => Expr::All,
        _ => Expr::Any(value),
    })
}

/// A field's condition, counted.
pub(super) fn field_expr(
    cursor: &mut Cursor<'_>,
    name: &Name,
    condition: Condition,
    start: usize,
) -> Result<Expr, QueryError> {
    cursor.count_clause(start)?;
    let span = name.span.to(cursor.span_from(start));
    Ok(Expr::Field(FieldExpr { name: name.clone(), condition, span }))
}

/// After a keyword, or at a keyword that begins a condition; the keyword was read since `start`.
fn missing_term(cursor: &Cursor<'_>, start: usize) -> QueryError {
    let word = cursor.since(start);
    cursor
        .error_from(start, QueryErrorCode::Missing, format!("a term is missing before {word}"))
        .hint(format!("to search for the word, quote it: \"{word}\""))
}

/// Where a term should start.
fn no_term(cursor: &Cursor<'_>) -> QueryError {
    match cursor.peek() {
        None => cursor
            .error_here(QueryErrorCode::Missing, "a term is missing at the end")
            .hint("quote and, or, not to search for the words"),
        Some(')') => left_over(cursor),
        Some('|') => cursor.error_here(QueryErrorCode::Missing, "a term is missing before the |"),
        Some(c) => cursor.error_here(QueryErrorCode::Unexpected, format!("a term can't start with {c}")),
    }
}
