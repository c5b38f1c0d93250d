//! What people paste from other query languages and what can't be read as a condition: whole queries of SQL, ES|QL
//! and LogQL are refused with the form that they have here, and a few conditions of SPL and LogsQL are rewritten.

use crate::aliases::{self, TIMESTAMP};
use crate::ast::{Comparison, Condition, Literal, Name, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::syntax::cursor::Cursor;
use crate::syntax::value;
use crate::syntax::word::Place;
use crate::units::duration_ns;

/// Longest part of a pasted query that a hint repeats, bytes.
const MAX_REPEATED_BYTES: usize = 200;

/// Functions that LogQL counts lines with.
const METRICS: [&str; 14] = [
    "sum",
    "avg",
    "min",
    "max",
    "count",
    "topk",
    "bottomk",
    "rate",
    "count_over_time",
    "bytes_rate",
    "bytes_over_time",
    "quantile_over_time",
    "sum_over_time",
    "avg_over_time",
];

/// The error for a text that is a query of another language as a whole.
pub(super) fn refuse(text: &str) -> Option<QueryError> {
    let trimmed = text.trim_start();
    let start = text.len() - trimmed.len();
    let length = trimmed.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(trimmed.len());
    let (first, rest) = trimmed.split_at(length);
    let span = Span::between(start, start + length);
    let error = |message: &str, hint: String| {
        Some(QueryError::new(QueryErrorCode::Unexpected, span, message).hint(hint))
    };
    let is_word = rest.starts_with(char::is_whitespace);
    if is_word && first.eq_ignore_ascii_case("select") && find_word(rest, "from").is_some() {
        let hint = format!("write {}; quote the text to search for it", from_sql(rest));
        return error("there are no SELECT statements", hint);
    }
    if is_word
        && first == "FROM"
        && let Some(pipes) = after_index_names(rest)
    {
        let hint = match repeated(pipes) {
            Some("") => "leave FROM out: * finds everything; quote the words to search for them".to_owned(),
            Some(pipes) => format!("leave FROM out: * {pipes}"),
            None => "leave FROM out".to_owned(),
        };
        return error("there is one index, which needs no name", hint);
    }
    if METRICS.contains(&first)
        && let Some(hint) = from_logql(rest)
    {
        return error("there are no functions of ranges", hint);
    }
    None
}

/// The text if a hint may repeat it.
fn repeated(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| text.len() <= MAX_REPEATED_BYTES)
}

/// Where a word in any case stands, between spaces or at an end.
fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_word = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default().chars().next_back();
        let after = text.get(at + word.len()..).unwrap_or_default().chars().next();
        before.is_none_or(char::is_whitespace) && after.is_none_or(char::is_whitespace)
    };
    let here =
        |at: &usize| text.get(*at..at + word.len()).is_some_and(|here| here.eq_ignore_ascii_case(word));
    (0..text.len()).filter(here).find(is_word)
}

/// The condition and the limit of a SELECT as a query.
fn from_sql(text: &str) -> String {
    let clauses = ["group", "order", "limit"];
    let part = |word: &str| {
        let (_, rest) = text.split_at_checked(find_word(text, word)? + word.len())?;
        let end = clauses.iter().filter_map(|clause| find_word(rest, clause)).min().unwrap_or(rest.len());
        repeated(rest.get(..end)?.trim_end_matches([';', ' ']))
    };
    let condition = part("where").unwrap_or("*");
    let group = part("group").map(|by| format!(" | stats count() {by}")).unwrap_or_default();
    let order = part("order").map(|by| format!(" | sort {by}")).unwrap_or_default();
    let limit = part("limit").map(|rows| format!(" | limit {rows}")).unwrap_or_default();
    format!("{condition}{group}{order}{limit}")
}

/// What follows `logs-*, other METADATA _id` when that is a pipe or the end.
fn after_index_names(text: &str) -> Option<&str> {
    let is_name =
        |c: char| c.is_alphanumeric() || c.is_whitespace() || matches!(c, '-' | '_' | '.' | '*' | ',' | ':');
    let (names, rest) = text.split_at(text.find(|c: char| !is_name(c)).unwrap_or(text.len()));
    let names = names.get(..find_word(names, "metadata").unwrap_or(names.len()))?;
    let is_list = names.split(',').all(|name| name.split_whitespace().count() == 1);
    (is_list && (rest.is_empty() || rest.starts_with('|'))).then_some(rest)
}

/// The selector, the step and the labels of a metric query as a timechart.
fn from_logql(text: &str) -> Option<String> {
    let (head, rest) = text.split_once('{')?;
    let is_call =
        |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || matches!(c, '_' | '(' | ')' | ',' | '.');
    if !head.trim_end().ends_with('(') || !head.chars().all(is_call) {
        return None;
    }
    let (selector, rest) = rest.rsplit_once('[').unwrap_or((rest.trim_end_matches(')'), ""));
    let span = rest.split(']').next().filter(|span| duration_ns(span).is_some());
    let span = span.map(|span| format!("span={span} ")).unwrap_or_default();
    let by = head.split_once("by").and_then(|(_, by)| by.trim_start().strip_prefix('(')?.split(')').next());
    let by = by.and_then(repeated).map(|by| format!(" by {by}")).unwrap_or_default();
    let selector = repeated(selector)?;
    Some(format!("write {{{selector} | timechart {span}count(){by}"))
}

/// Conditions that are called by other names elsewhere:
/// - `_exists_:f` of Lucene is `f:*`;
/// - `earliest=-1h@h` and `latest=now` of SPL are the start and the end, which is left out, of the time;
/// - `_time:5m offset 1h` of LogsQL are the five minutes before an hour ago.
pub(super) fn rewritten(
    cursor: &mut Cursor<'_>,
    name: &Name,
    condition: Condition,
) -> Result<(Name, Condition), QueryError> {
    let time = || Name { text: TIMESTAMP.to_owned(), span: name.span };
    Ok(match (name.text.as_str(), condition) {
        ("_exists_", Condition::Has(Value { kind: ValueKind::Text(text), span })) => {
            (Name { text, span }, Condition::Exists)
        }
        (end @ ("earliest" | "latest"), Condition::Equals(Value { kind: ValueKind::Text(text), span })) => {
            let comparison = if end == "earliest" { Comparison::AtLeast } else { Comparison::Less };
            (time(), Condition::Compare(comparison, Literal { text, span }))
        }
        (_, Condition::Has(Value { kind: ValueKind::Text(text), span }))
            if aliases::canonical(&name.text) == TIMESTAMP =>
        {
            let condition = match offset(cursor, &text)? {
                Some(offset) => before(&text, &offset, span),
                None => Condition::Has(Value { kind: ValueKind::Text(text), span }),
            };
            (name.clone(), condition)
        }
        (_, condition) => (name.clone(), condition),
    })
}

/// Reads `offset 1h` behind a duration; none, and nothing read, when there is none.
fn offset(cursor: &mut Cursor<'_>, length: &str) -> Result<Option<Literal>, QueryError> {
    let start = cursor.at();
    cursor.skip_space();
    if duration_ns(length).is_some() && cursor.eat_keyword("offset") {
        cursor.skip_space();
        if let Some(literal) = value::literal(cursor, Place::Value)?
            && duration_ns(&literal.text).is_some()
        {
            return Ok(Some(literal));
        }
    }
    cursor.set(start);
    Ok(None)
}

fn before(length: &str, offset: &Literal, span: Span) -> Condition {
    let low = Literal { text: format!("now-{}-{length}", offset.text), span };
    let high = Literal { text: format!("now-{}", offset.text), span: offset.span };
    Condition::Range { low: Some(low), low_inclusive: true, high: Some(high), high_inclusive: false }
}
