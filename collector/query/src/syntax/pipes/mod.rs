//! Pipes: one file for each kind of argument, one line in [`PIPES`] for each pipe.

mod keys;
mod made;
mod rows;
mod stats;
mod timechart;
mod top;

pub(super) use self::stats::is_aggregate;
use crate::ast::{KeyExpr, Name, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::formula::Function;
use crate::limits::{MAX_PIPE_ITEMS, MAX_ROWS};
use crate::names::is_arithmetic;
use crate::nearest::nearest;
use crate::syntax::cursor::Cursor;
use crate::syntax::formula::call;
use crate::syntax::word::{self, Place};
use crate::syntax::{computed, doubtful, value};

type Parse = fn(&mut Cursor<'_>) -> Result<PipeExpr, QueryError>;

/// Every name of every pipe.
const PIPES: [(&str, Parse); 28] = [
    ("stats", stats::stats),
    ("timechart", timechart::timechart),
    ("top", top::top),
    ("rare", top::rare),
    ("sort", rows::sort),
    ("order", rows::sort),
    ("limit", rows::limit),
    ("head", rows::limit),
    ("fields", rows::fields),
    ("table", rows::fields),
    ("keep", rows::fields),
    ("drop", rows::drop),
    ("where", rows::condition),
    ("filter", rows::condition),
    ("search", rows::condition),
    ("dedup", rows::dedup),
    ("uniq", rows::dedup),
    ("eval", made::eval),
    ("extend", made::eval),
    ("extract", made::extract),
    ("rex", made::rex),
    ("parse", made::parse),
    ("json", made::json),
    ("unpack_json", made::json),
    ("spath", made::json),
    ("logfmt", made::logfmt),
    ("unpack_logfmt", made::logfmt),
    ("rename", made::rename),
];

/// Names of pipes, synonyms included.
pub(crate) fn pipe_names() -> impl Iterator<Item = &'static str> {
    PIPES.iter().map(|(name, _)| *name)
}

/// Names of aggregates, synonyms included.
pub(crate) fn function_names() -> impl Iterator<Item = &'static str> {
    stats::function_names()
}

/// Reads the pipe after a `|`.
pub(super) fn pipe(cursor: &mut Cursor<'_>) -> Result<PipeExpr, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let word = word::word(cursor, Place::Name)?;
    let name = word.text().unwrap_or_default().to_ascii_lowercase();
    if name.is_empty() {
        return Err(cursor
            .error_here(QueryErrorCode::Missing, "a pipe is missing after the |")
            .hint("write one of stats, timechart, top, rare, sort, limit, fields, where, dedup, eval, extract, parse, rename"));
    }
    let Some((_, parse)) = PIPES.iter().find(|(known, _)| *known == name) else {
        let error = cursor.error_from(start, QueryErrorCode::UnknownPipe, format!("there is no pipe {name}"));
        return Err(error.hint(match nearest(&name, PIPES.iter().map(|(known, _)| *known)) {
            _ if is_aggregate(&name) => format!("aggregates stand in stats: stats {name}(…) by host"),
            Some(known) => format!("did you mean {known}?"),
            None => {
                "to search for a |, quote the text around it; a regular expression ends with /".to_owned()
            }
        }));
    };
    let pipe = parse(cursor)?;
    cursor.skip_space();
    match cursor.peek() {
        None | Some('|') => Ok(pipe),
        Some(_) => {
            let at = cursor.at();
            word::word(cursor, Place::Value)?;
            if cursor.at() == at {
                cursor.bump();
            }
            let extra = cursor.since(at).to_owned();
            let message = format!("{name} does not take {extra} here");
            Err(cursor
                .error_from(at, QueryErrorCode::Unexpected, message)
                .hint("put a | before the next pipe"))
        }
    }
}

/// Reads the name of a field or column; none when there is none.
fn name(cursor: &mut Cursor<'_>) -> Result<Option<Name>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    if let Some(text) = value::quoted(cursor)? {
        return Ok(Some(Name { text, span: cursor.span_from(start) }));
    }
    let word = word::word(cursor, Place::Name)?;
    let text = word.text().unwrap_or_default();
    Ok((!text.is_empty()).then(|| Name { text: text.to_owned(), span: word.span }))
}

/// Reads names separated by commas or white space, with or without parentheses around them. At least one.
fn names(cursor: &mut Cursor<'_>, pipe: &str) -> Result<Vec<Name>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    let parenthesised = cursor.eat("(");
    let mut names = Vec::new();
    loop {
        let mut separated = names.is_empty();
        while cursor.skip_space() || cursor.sees(",") {
            separated |= cursor.eat(",");
        }
        let Some(name) = name(cursor)? else { break };
        let name = match called_column(cursor, &name)? {
            Some(column) => column,
            None => {
                check_name(cursor, &name, separated, pipe)?;
                name
            }
        };
        push(cursor, &mut names, name, start)?;
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if names.is_empty() {
        return Err(missing_name(cursor, pipe));
    }
    Ok(names)
}

/// Words that go on with something else behind a name; so do the names of pipes.
const GOES_ON: [(&str, &str); 12] = [
    (
        "by",
        "write by once, before all names; for each value of another field: stats count() by a, b | sort -count",
    ),
    ("as", "write rename old as new in a pipe of its own"),
    ("sortby", "write sort before it: sort -_time | dedup host"),
    ("nulls", "leave it out: rows without a value come last"),
    ("span", "write by _time:5m"),
    ("having", "write | where count>5"),
    ("keepempty", "leave the option out"),
    ("keepevents", "leave the option out"),
    ("consecutive", "leave the option out"),
    ("showperc", "leave the option out"),
    ("showcount", "leave the option out"),
    ("countfield", "write | rename count as n"),
];

/// Whether a name that was read stands in quotes.
fn is_quoted(cursor: &Cursor<'_>, name: &Name) -> bool {
    cursor.since(name.span.offset_bytes).starts_with(['"', '\'', '`'])
}

/// Refuses what is no name in a list of names without quotes: a number, a name with a sign, or a word that goes on with
/// something else. `separated`: it is the first or has a comma before it, so that any word is a name.
fn check_name(cursor: &Cursor<'_>, name: &Name, separated: bool, pipe: &str) -> Result<(), QueryError> {
    let text = name.text.as_str();
    if is_quoted(cursor, name) {
        return Ok(());
    }
    let error = |message: String| QueryError::new(QueryErrorCode::Unexpected, name.span, message);
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(error(format!("{text} is no name"))
            .hint(format!("write {pipe} host, or \"{text}\" in quotes if a field is called so")));
    }
    if text.starts_with(['+', '-']) {
        return Err(error(format!("a name can't start with {}", text.get(..1).unwrap_or_default()))
            .hint("drop fields in a pipe of its own: fields -message; quote the name if it has the sign"));
    }
    if is_arithmetic(text) {
        return Err(doubtful::no_arithmetic(text, name.span));
    }
    let lower = text.to_ascii_lowercase();
    let hint = GOES_ON.iter().find(|(word, _)| *word == lower).map(|(_, hint)| (*hint).to_owned());
    let hint = hint.or_else(|| {
        let is_pipe = pipe_names().any(|known| known == lower);
        is_pipe.then(|| format!("put a | before {text}, or a comma if it is a field"))
    });
    match hint.filter(|_| !separated) {
        Some(hint) => Err(error(format!("{pipe} does not take {text} here")).hint(hint)),
        None => Ok(()),
    }
}

/// Whether a formula or an aggregate is called so.
pub(super) fn is_function(name: &str) -> bool {
    Function::called(name).is_some() || is_aggregate(name)
}

/// The column that a name with a parenthesis behind it is in a table: an aggregate without a name, `avg(status)`, or a
/// key that was computed, `lower(host)`. None, and nothing read, when the name is no function.
pub(super) fn called_column(cursor: &mut Cursor<'_>, called: &Name) -> Result<Option<Name>, QueryError> {
    if cursor.peek() != Some('(') {
        return Ok(None);
    }
    let (start, after) = (called.span.offset_bytes, cursor.at());
    if cursor.table().is_some_and(|keys| !keys.is_empty()) && Function::called(&called.text).is_some() {
        cursor.set(start);
        let text = call(cursor)?.to_string();
        if cursor.table().is_some_and(|keys| keys.contains(&text)) {
            return Ok(Some(Name { text, span: cursor.span_from(start) }));
        }
        cursor.set(after);
    }
    let is_aggregate = is_aggregate(&called.text);
    if is_aggregate && cursor.table().is_some() {
        return stats::column(cursor, called).map(Some);
    }
    match computed::refused(cursor, called, is_aggregate) {
        Some(error) => Err(error),
        None => Ok(None),
    }
}

/// The keys of a table that a pipe makes which are called as they are computed; none when it makes no table.
pub(super) fn computed_keys(pipe: &PipeExpr) -> Option<Vec<String>> {
    match pipe {
        PipeExpr::Stats { by, .. } | PipeExpr::Timechart { by, .. } => Some(
            by.iter()
                .filter_map(|key| match key {
                    KeyExpr::Computed { formula, column: None, .. } => Some(formula.to_string()),
                    _ => None,
                })
                .collect(),
        ),
        PipeExpr::Top(_) | PipeExpr::Rare(_) => Some(Vec::new()),
        _ => None,
    }
}

fn missing_name(cursor: &Cursor<'_>, pipe: &str) -> QueryError {
    cursor
        .error_here(QueryErrorCode::Missing, format!("{pipe} needs the name of a field"))
        .hint(format!("write {pipe} host"))
}

/// Adds an argument, within the limit.
fn push<T>(cursor: &Cursor<'_>, items: &mut Vec<T>, item: T, start: usize) -> Result<(), QueryError> {
    if items.len() == MAX_PIPE_ITEMS {
        let message = format!("a pipe has at most {MAX_PIPE_ITEMS} names of a kind");
        return Err(cursor.error_from(start, QueryErrorCode::TooMany, message));
    }
    items.push(item);
    Ok(())
}

/// Reads a number of rows; none when no digit is next.
fn rows_wanted(cursor: &mut Cursor<'_>) -> Result<Option<u64>, QueryError> {
    cursor.skip_space();
    let start = cursor.at();
    // `limit=5` of SPL.
    if cursor.eat("limit") {
        cursor.skip_space();
        if cursor.eat("=") {
            cursor.skip_space();
        } else {
            cursor.set(start);
        }
    }
    let start = cursor.at();
    let digits = cursor.rest().bytes().take_while(u8::is_ascii_digit).count();
    let ends = cursor.rest().get(digits..).and_then(|rest| rest.chars().next());
    if digits == 0 || ends.is_some_and(|c| !c.is_whitespace() && !matches!(c, '|' | ',')) {
        return Ok(None);
    }
    cursor.set(start + digits);
    match cursor.since(start).parse::<u64>() {
        Ok(rows) if (1..=MAX_ROWS).contains(&rows) => Ok(Some(rows)),
        _ => Err(cursor
            .error_from(start, QueryErrorCode::BadNumber, format!("a number of rows is 1 to {MAX_ROWS}"))
            .hint("write a smaller number")),
    }
}
