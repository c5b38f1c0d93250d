//! Pipes: one file for each kind of argument, one line in [`PIPES`] for each pipe.

mod made;
mod rows;
mod stats;
mod timechart;
mod top;

use crate::ast::{Name, PipeExpr};
use crate::error::{QueryError, QueryErrorCode};
use crate::limits::{MAX_PIPE_ITEMS, MAX_ROWS};
use crate::nearest::nearest;
use crate::syntax::cursor::Cursor;
use crate::syntax::value;
use crate::syntax::word::{self, Place};

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
        while cursor.skip_space() || cursor.eat(",") {}
        match name(cursor)? {
            Some(name) => push(cursor, &mut names, name, start)?,
            None => break,
        }
    }
    if parenthesised && !cursor.eat(")") {
        return Err(cursor.error_here(QueryErrorCode::Unclosed, "a ) is missing here"));
    }
    if names.is_empty() {
        return Err(missing_name(cursor, pipe));
    }
    Ok(names)
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
