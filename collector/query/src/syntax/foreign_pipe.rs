//! Pipes of other languages: LogQL filters by labels, `| status >= 500`, SPL by `regex`; the rest gets a hint.

use crate::aliases::MESSAGE;
use crate::ast::{Expr, Name, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::syntax::cursor::Cursor;
use crate::syntax::field::{self, Operator};
use crate::syntax::word::{self, Place};
use crate::syntax::{expr, pipe_names, value};

/// Longest condition that a hint repeats, bytes.
const MAX_REPEATED_BYTES: usize = 80;

/// Pipes that do not exist here, and what there is in their place.
const ELSEWHERE: [(&str, &str); 26] = [
    ("line_format", "write eval message = concat(method, path), and fields to choose what is shown"),
    ("label_format", "write rename old as new"),
    ("decolorize", "leave it out: colours are removed when lines are read"),
    ("unwrap", "name the field in the aggregate: stats avg(duration)"),
    ("unpack", "write parse json"),
    ("eventstats", "write stats count() by host"),
    ("streamstats", "write stats count() by host"),
    ("chart", "write stats count() by host, or timechart count() by host"),
    ("tstats", "write stats count() by host"),
    ("transaction", "write stats min(_time), max(_time), count() by trace.id"),
    ("join", "search for one id in all sources: trace.id:4bf92f35"),
    ("append", "write both conditions with or between them"),
    ("lookup", "documents are searched as they are; add fields where they are read"),
    ("enrich", "documents are searched as they are; add fields where they are read"),
    ("mv_expand", "leave it out: a value in a list is a value of the field"),
    ("mvexpand", "leave it out: a value in a list is a value of the field"),
    ("inputlookup", "documents are searched as they are"),
    ("bin", "write stats count() by _time:5m, or by bin(bytes, 1000) for numbers"),
    ("bucket", "write stats count() by _time:5m, or by bin(bytes, 1000) for numbers"),
    ("fillnull", "write eval x = coalesce(x, 0)"),
    ("tail", "write sort -_time | limit 10 for the last in time"),
    ("reverse", "write sort _time for the order of time, sort -_time for the opposite"),
    ("pattern", "write extract \"from <ip> port <port>\""),
    ("grok", "write rex \"(?<ip>\\S+) (?<method>\\w+)\""),
    ("dissect", "write extract \"from <ip> port <port>\""),
    ("decode", "leave it out: lines are parsed when they are read"),
];

/// Reads a pipe of another language; none, and nothing read, when there is none.
pub(super) fn pipe(cursor: &mut Cursor<'_>) -> Result<Option<PipeExpr>, QueryError> {
    let before = cursor.at();
    cursor.skip_space();
    let start = cursor.at();
    let name = word::word(cursor, Place::Name)?;
    let text = name.text().unwrap_or_default().to_ascii_lowercase();
    if let Some((_, hint)) = ELSEWHERE.into_iter().find(|(known, _)| *known == text) {
        let message = format!("there is no pipe {text}");
        return Err(cursor.error_from(start, QueryErrorCode::UnknownPipe, message).hint(hint));
    }
    if text == "regex" {
        return regex(cursor).map(Some);
    }
    let is_field = name.field_name().is_some();
    if is_field && cursor.sees(":") && !pipe_names().any(|known| known == text) {
        return Err(filter_alone(cursor, start));
    }
    cursor.skip_space();
    let is_condition = is_field && field::plain_operator(cursor).is_some();
    if is_condition {
        cursor.set(start);
        return cursor.with_whole_regexes(expr::whole).map(PipeExpr::Where).map(Some);
    }
    cursor.set(before);
    Ok(None)
}

/// `| level:error`, whose name was read since `start`.
fn filter_alone(cursor: &mut Cursor<'_>, start: usize) -> QueryError {
    while cursor.peek().is_some_and(|c| !c.is_whitespace() && c != '|') {
        cursor.bump();
    }
    let condition = cursor.since(start);
    let shown = if condition.len() <= MAX_REPEATED_BYTES { condition } else { "level:error" };
    cursor
        .error_from(start, QueryErrorCode::UnknownPipe, "a condition behind a | needs a name of a pipe")
        .hint(format!("write | where {shown}; to search for a |, quote the text around it"))
}

/// `regex "re"`, `regex user!="re"`
fn regex(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    let form = |error: QueryError| error.hint("write regex message=\"refused|reset\"");
    cursor.skip_space();
    let start = cursor.at();
    let name = word::word(cursor, Place::Term)?;
    let text = name.field_name().unwrap_or(MESSAGE).to_owned();
    let name = Name { text, span: name.span };
    cursor.skip_space();
    cursor.eat(":");
    let operator = field::plain_operator(cursor);
    cursor.skip_space();
    let literal = value::literal(cursor, Place::Value)?.ok_or_else(|| {
        form(cursor.error_here(QueryErrorCode::Missing, "a regular expression is missing here"))
    })?;
    let condition = value::regex_of(cursor, &literal)?;
    let found = expr::field_expr(cursor, &name, condition, start)?;
    cursor.skip_space();
    if !matches!(cursor.peek(), None | Some('|')) {
        return Err(form(expr::left_over(cursor)));
    }
    let negated = matches!(operator, Some(Operator::Differs | Operator::Unlike));
    Ok(PipeExpr::Where(if negated { Expr::Not(Box::new(found)) } else { found }))
}
