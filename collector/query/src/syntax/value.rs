//! Values: words, quoted texts, regular expressions.

use crate::ast::{Condition, Literal, Name, Piece, Value, ValueKind};
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::syntax::cursor::Cursor;
use crate::syntax::doubtful;
use crate::syntax::lucene;
use crate::syntax::word::{self, Place, Word};

/// Reads a value; none when the next character can't start one.
pub(super) fn value(cursor: &mut Cursor<'_>, place: Place) -> Result<Option<Value>, QueryError> {
    let start = cursor.at();
    if let Some(text) = quoted(cursor)? {
        return after_quote(cursor, start, text).map(Some);
    }
    if let Some(kind) = regex(cursor) {
        cursor.count_regex(start)?;
        return Ok(Some(Value { kind, span: cursor.span_from(start) }));
    }
    from_word(word::word(cursor, place)?)
}

/// Reads a bound for a field: a literal, which is no mistyped number without quotes.
pub(super) fn bound(
    cursor: &mut Cursor<'_>,
    field: &Name,
    place: Place,
) -> Result<Option<Literal>, QueryError> {
    let is_quoted = matches!(cursor.peek(), Some('"' | '\'' | '`'));
    let literal = literal(cursor, place)?;
    if let Some(literal) = literal.as_ref().filter(|_| !is_quoted) {
        doubtful::refuse_bound(field, literal)?;
    }
    Ok(literal)
}

/// Reads a word or a quoted text, in which wildcards mean themselves.
pub(super) fn literal(cursor: &mut Cursor<'_>, place: Place) -> Result<Option<Literal>, QueryError> {
    let start = cursor.at();
    if let Some(text) = quoted(cursor)? {
        return Ok(Some(Literal { text, span: cursor.span_from(start) }));
    }
    let word = word::word(cursor, place)?;
    if word.pieces.is_empty() {
        return Ok(None);
    }
    match word.text() {
        Some(text) => Ok(Some(Literal { text: text.to_owned(), span: word.span })),
        None => Err(QueryError::new(QueryErrorCode::Unexpected, word.span, "a wildcard has no order")
            .hint("use : or = with a wildcard, or quote it")),
    }
}

/// The value that a word is; none when it is empty.
pub(super) fn from_word(mut word: Word) -> Result<Option<Value>, QueryError> {
    if !word.escaped {
        lucene::strip_boost(&mut word.pieces);
        lucene::refuse_fuzzy(&word)?;
    }
    let kind = match word.text() {
        Some("") => return Ok(None),
        Some(text) => ValueKind::Text(text.to_owned()),
        None => ValueKind::Pattern(word.pieces),
    };
    Ok(Some(Value { kind, span: word.span }))
}

/// A `*` right behind the quote makes the text a prefix.
pub(super) fn after_quote(cursor: &mut Cursor<'_>, start: usize, text: String) -> Result<Value, QueryError> {
    let kind = if cursor.eat("*") && !text.is_empty() {
        let pieces = vec![Piece::Literal(text), Piece::AnyRun];
        word::check_pattern(&pieces, cursor.span_from(start))?;
        ValueKind::Pattern(pieces)
    } else {
        lucene::refuse_near(cursor, start, &text)?;
        ValueKind::Text(text)
    };
    lucene::eat_boost(cursor);
    Ok(Value { kind, span: cursor.span_from(start) })
}

/// Reads a text in quotes. In `"` and `'`, `\"`, `\'`, `\\`, `\n`, `\r`, `\t` and `\uXXXX` are escapes and any
/// other `\` is itself; in backticks everything is itself.
pub(super) fn quoted(cursor: &mut Cursor<'_>) -> Result<Option<String>, QueryError> {
    let start = cursor.at();
    let Some(quote) = cursor.peek().filter(|c| matches!(c, '"' | '\'' | '`')) else { return Ok(None) };
    cursor.bump();
    let mut text = String::new();
    while let Some(c) = cursor.bump() {
        match c {
            _ if c == quote => return Ok(Some(text)),
            '\\' if quote != '`' => text.push(escape(cursor)),
            _ => text.push(c),
        }
    }
    cursor.set(start + quote.len_utf8());
    let message = format!("this {quote} is never closed");
    Err(cursor
        .error_from(start, QueryErrorCode::Unclosed, message)
        .hint(format!("add a {quote} at the end of the text, or write \\{quote} to search for it")))
}

fn escape(cursor: &mut Cursor<'_>) -> char {
    let Some(next) = cursor.peek() else { return '\\' };
    let meant = match next {
        '"' | '\'' | '\\' => next,
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode_escape(cursor).unwrap_or('\\'),
        _ => return '\\',
    };
    cursor.bump();
    meant
}

/// Reads `uXXXX`, or nothing.
fn unicode_escape(cursor: &mut Cursor<'_>) -> Option<char> {
    let digits = cursor.rest().get(1..5)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let meant = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    cursor.set(cursor.at() + 1 + digits.len());
    Some(meant)
}

/// Reads `/source/` or `/source/i`. It is one only if the first `/` without a `\` ends the word, so that paths
/// stay words. Reads nothing otherwise.
fn regex(cursor: &mut Cursor<'_>) -> Option<ValueKind> {
    let body = cursor.rest().strip_prefix('/')?;
    let mut source = String::new();
    let mut chars = body.char_indices();
    let after = loop {
        match chars.next()? {
            (at, '/') => break body.get(at + 1..)?,
            (_, '\\') => {
                let (_, next) = chars.next()?;
                if next != '/' {
                    source.push('\\');
                }
                source.push(next);
            }
            (_, c) => source.push(c),
        }
    };
    let (ignore_case, after) = match after.strip_prefix('i') {
        Some(after) => (true, after),
        None => (false, after),
    };
    let ends = after.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, ')' | ']' | '|' | ','));
    if !ends || source.is_empty() {
        return None;
    }
    cursor.set(cursor.at() + cursor.rest().len() - after.len());
    Some(ValueKind::Regex { source, ignore_case })
}

/// The condition that a regular expression in quotes is, counted.
pub(super) fn regex_of(cursor: &mut Cursor<'_>, literal: &Literal) -> Result<Condition, QueryError> {
    cursor.count_regex(literal.span.offset_bytes)?;
    let source = regex_source(&literal.text).ok_or_else(|| bad_regex(literal.span))?;
    Ok(has_regex(source, literal.span))
}

/// As [`regex_of`], for one that has to match the whole value.
pub(super) fn whole_regex_of(cursor: &mut Cursor<'_>, literal: &Literal) -> Result<Condition, QueryError> {
    cursor.count_regex(literal.span.offset_bytes)?;
    let source = regex_source(&literal.text).ok_or_else(|| bad_regex(literal.span))?;
    Ok(has_regex(format!("^(?:{source})$"), literal.span))
}

fn has_regex(source: String, span: Span) -> Condition {
    let kind = ValueKind::Regex { source, ignore_case: false };
    Condition::Has(Value { kind, span })
}

pub(super) fn bad_regex(span: Span) -> QueryError {
    QueryError::new(QueryErrorCode::BadRegex, span, "this is not a whole regular expression")
        .hint("write a \\ as \\\\ in a regular expression")
}

/// The source of a regular expression that was written in quotes, as it would be between slashes: `\/` is `/`.
/// None when it is empty or ends in the middle of an escape, which no regular expression does.
pub(super) fn regex_source(text: &str) -> Option<String> {
    let mut source = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            source.push(c);
            continue;
        }
        let next = chars.next()?;
        if next != '/' {
            source.push('\\');
        }
        source.push(next);
    }
    Some(source).filter(|source| !source.is_empty())
}
