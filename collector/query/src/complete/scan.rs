//! Splits the text before the caret into the pieces that completion looks at. It never fails: what is not finished is
//! what completion is for. What a query means is the parser's business alone.

use crate::names::is_field_name;

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word without quotes.
    Word,
    /// A text in quotes, which may lack its end.
    Quoted,
    /// `:`, `=`, `!=`, `>` and their kin.
    Operator,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `|`
    Pipe,
    /// `||`, `&&`, and the `-`, `!` or `+` of a term.
    Sign,
    /// `/regex/`, which may lack its end.
    Regex,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'t> {
    pub(super) kind: Kind,
    /// Offset of the first byte.
    pub(super) start: usize,
    pub(super) text: &'t str,
}

impl Piece<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether this is the word, in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Without quotes and escapes.
    pub(super) fn content(&self) -> String {
        let (text, quote) = match self.text.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) if self.kind == Kind::Quoted => {
                (self.text.get(1..).unwrap_or_default(), Some(quote))
            }
            _ => (self.text, None),
        };
        let mut content = String::with_capacity(text.len());
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => content.extend(chars.next()),
                c if Some(c) == quote => break,
                c => content.push(c),
            }
        }
        content
    }
}

/// The operators, the longer before those that they begin with.
const OPERATORS: [&str; 11] = ["!=", "!~", ">=", "<=", "==", "=~", ":", "=", ">", "<", "~"];

/// All pieces of `text`, in order, white space left out.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let adjacent = pieces.last().filter(|piece| piece.end() == at);
        let (kind, length) = next(rest, c, adjacent);
        let length = rest.ceil_char_boundary(length.clamp(c.len_utf8(), rest.len()));
        pieces.push(Piece { kind, start: at, text: rest.get(..length).unwrap_or(rest) });
        at += length;
    }
    pieces
}

/// Kind and length of the piece at the beginning of `rest`, which begins with `c`.
fn next(rest: &str, c: char, adjacent: Option<&Piece<'_>>) -> (Kind, usize) {
    let after_operator = adjacent.is_some_and(|piece| piece.kind == Kind::Operator);
    let begins_term = adjacent.is_none_or(|piece| matches!(piece.kind, Kind::Open | Kind::Sign | Kind::Pipe));
    match c {
        '"' | '\'' | '`' => (Kind::Quoted, delimited(rest, c)),
        '(' => (Kind::Open, 1),
        ')' => (Kind::Close, 1),
        ',' => (Kind::Comma, 1),
        '|' if rest.starts_with("||") => (Kind::Sign, 2),
        '|' => (Kind::Pipe, 1),
        '&' if rest.starts_with("&&") => (Kind::Sign, 2),
        '-' | '!' | '+' if begins_term && !rest.starts_with("!=") => (Kind::Sign, 1),
        '/' if (begins_term || after_operator) && is_regex(rest) => (Kind::Regex, delimited(rest, '/')),
        _ => match OPERATORS.iter().find(|operator| rest.starts_with(**operator)) {
            // `http://`, `12:30`: only a name has an operator after it.
            Some(operator) if !after_operator && adjacent.is_some_and(may_be_name) => {
                (Kind::Operator, operator.len())
            }
            _ => (Kind::Word, word(rest, after_operator)),
        },
    }
}

fn may_be_name(piece: &Piece<'_>) -> bool {
    match piece.kind {
        Kind::Quoted => true,
        Kind::Word => is_field_name(piece.text) || piece.text == "*",
        _ => false,
    }
}

/// Length up to the closing delimiter, and with it; all, when there is none.
fn delimited(rest: &str, delimiter: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == delimiter => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A slash begins a regular expression when another one ends it and the term; `/api/v1` is a path.
fn is_regex(rest: &str) -> bool {
    let length = delimited(rest, '/');
    let closed = length > 2 && rest.get(..length).is_some_and(|text| text.ends_with('/'));
    let after = rest.get(length..).unwrap_or_default();
    let after = after.strip_prefix('i').unwrap_or(after);
    closed && after.chars().next().is_none_or(|c| c.is_whitespace() || matches!(c, ')' | '|' | ','))
}

/// Length of a word: up to white space, a parenthesis, a quote, a comma or a pipe, and up to an operator that a name
/// stands before.
fn word(rest: &str, is_value: bool) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        let ends = c.is_whitespace() || matches!(c, '(' | ')' | '"' | '|' | ',');
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if at > 0 && (ends || (!is_value && ends_name(rest, at))) {
            return at;
        }
    }
    rest.len()
}

fn ends_name(rest: &str, at: usize) -> bool {
    let (before, after) = rest.split_at_checked(at).unwrap_or((rest, ""));
    let has_operator = OPERATORS.iter().any(|operator| after.starts_with(operator));
    has_operator && !after.starts_with("://") && (is_field_name(before) || before == "*")
}
