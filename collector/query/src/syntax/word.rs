//! Words without quotes: where they end, what `\`, `*` and `?` are in them, and which of them can be the name
//! of a field.

use crate::ast::Piece;
use crate::error::{QueryError, QueryErrorCode, Span};
use crate::limits::{MAX_BARE_NAME_BYTES, MAX_PATTERN_BYTES};
use crate::names::is_field_name;
use crate::syntax::cursor::Cursor;

/// What stands around a word, which decides where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A term: ends at an operator if a field name stands before it.
    Term,
    /// The value of a field: operators are part of it.
    Value,
    /// A value in a list or group: ends at a comma.
    Item,
    /// A bound of a range, or a value in `[a b]`: ends at a comma or closing bracket.
    Bound,
    /// A name in a pipe: ends at a comma or operator.
    Name,
}

/// A word as read.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) pieces: Vec<Piece>,
    /// True when something was escaped, so that it is no keyword and no field name.
    pub(super) escaped: bool,
    pub(super) span: Span,
}

impl Word {
    /// The text, when there is no wildcard.
    pub(super) fn text(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Literal(text)] => Some(text),
            [] => Some(""),
            _ => None,
        }
    }

    /// The name of a field that this word can be.
    pub(super) fn field_name(&self) -> Option<&str> {
        self.text().filter(|text| !self.escaped && is_field_name(text))
    }

    /// `*` alone.
    pub(super) fn is_star(&self) -> bool {
        matches!(self.pieces.as_slice(), [Piece::AnyRun])
    }

    fn push(&mut self, c: char) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(text)) => text.push(c),
            _ => self.pieces.push(Piece::Literal(c.to_string())),
        }
    }
}

/// Reads a word; empty when none starts here.
pub(super) fn word(cursor: &mut Cursor<'_>, place: Place) -> Result<Word, QueryError> {
    let start = cursor.at();
    let mut word = Word { pieces: Vec::new(), escaped: false, span: Span::default() };
    while let Some(c) = cursor.peek() {
        if ends_word(cursor, place, start, c) {
            break;
        }
        cursor.bump();
        match c {
            '\\' => match cursor.peek().filter(|next| is_escapable(*next)) {
                Some(next) => {
                    cursor.bump();
                    word.escaped = true;
                    word.push(next);
                }
                None => word.push('\\'),
            },
            // Two runs side by side are one.
            '*' if matches!(word.pieces.last(), Some(Piece::AnyRun)) => {}
            '*' if place != Place::Name => word.pieces.push(Piece::AnyRun),
            '?' if place != Place::Name => word.pieces.push(Piece::AnyChar),
            _ => word.push(c),
        }
    }
    word.span = cursor.span_from(start);
    check_pattern(&word.pieces, word.span)?;
    Ok(word)
}

/// Refuses a pattern that is too long to match quickly. What counts is what it says, not how it is escaped.
pub(super) fn check_pattern(pieces: &[Piece], span: Span) -> Result<(), QueryError> {
    let is_pattern = pieces.iter().any(|piece| !matches!(piece, Piece::Literal(_)));
    let length_bytes: usize = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::AnyRun | Piece::AnyChar => 1,
        })
        .sum();
    if !is_pattern || length_bytes <= MAX_PATTERN_BYTES {
        return Ok(());
    }
    let message = format!("a pattern with wildcards has at most {MAX_PATTERN_BYTES} bytes");
    Err(QueryError::new(QueryErrorCode::TooLong, span, message)
        .hint("quote it to search for the text itself"))
}

fn ends_word(cursor: &Cursor<'_>, place: Place, start: usize, c: char) -> bool {
    if c.is_whitespace() || matches!(c, '(' | ')' | '"' | '|') || cursor.sees("&&") {
        return true;
    }
    match place {
        Place::Term => ends_field_name(cursor, cursor.since(start), c),
        Place::Value => false,
        Place::Item => c == ',',
        Place::Bound => matches!(c, ',' | ']' | '}'),
        Place::Name => matches!(c, ',' | ':' | '=' | '<' | '>'),
    }
}

/// Whether the operator that comes next belongs to the name before it. `http://` is a word, and so is anything
/// after what can't be a name: `12:30`, `a->b`, `/search?q=x`.
fn ends_field_name(cursor: &Cursor<'_>, before: &str, c: char) -> bool {
    let operator = match c {
        ':' => !cursor.sees("://") && !colon_is_text(cursor, before),
        '=' | '<' | '>' => true,
        '!' => cursor.sees("!=") || cursor.sees("!~"),
        _ => false,
    };
    operator && (is_field_name(before) || (c == ':' && (before == "*" || sees_name_pattern(cursor, before))))
}

/// Whether a `:` behind what could be a name belongs to a text: `std::io::Error`, `C:\temp`, `fe80::1`,
/// `aa:bb:cc:dd:ee:ff`.
fn colon_is_text(cursor: &Cursor<'_>, before: &str) -> bool {
    let is_path = cursor.sees("::") && !cursor.sees(":::");
    let is_drive = before.len() == 1
        && before.starts_with(|c: char| c.is_ascii_alphabetic())
        && cursor.rest().strip_prefix(":\\").is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    is_path || is_drive || starts_address(cursor, before)
}

/// Whether the word is a MAC address or an IPv6 address, of which `before` is the first group.
fn starts_address(cursor: &Cursor<'_>, before: &str) -> bool {
    if before.len() > 4 || !before.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return false;
    }
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let rest = cursor.rest();
    let length = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
    // No address is longer.
    let Some(rest) = rest.get(..length).filter(|rest| rest.len() <= 45) else { return false };
    let word = format!("{before}{rest}");
    let is_mac = word.split(':').count() == 6 && word.split(':').all(|group| group.len() == 2);
    is_mac || word.parse::<std::net::Ipv6Addr>().is_ok()
}

/// Whether the word before a `:` names several fields, which Kibana knows: `machine.os*:windows`.
fn sees_name_pattern(cursor: &Cursor<'_>, before: &str) -> bool {
    before.len() <= MAX_BARE_NAME_BYTES
        && before.contains('*')
        && is_field_name(&before.replace('*', "x"))
        && cursor.peek_second().is_some_and(|next| !next.is_whitespace())
}

/// `\` keeps its own meaning before letters and digits, so that `C:\temp` is found.
fn is_escapable(c: char) -> bool {
    !c.is_alphanumeric()
}
