//! JSON as logs have it: one pass over the text, values borrowed, no tree. `flatten` gives the fields of an object.
//!
//! Stricter than needed nowhere, laxer in one point: bare control characters in strings (tabs mostly) are let through,
//! because programs that print JSON by hand write them, and refusing the line would help nobody.

mod flatten;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use memchr::memchr;

use crate::cursor::{Cursor, Miss, Outcome, closing_quote};
use crate::event::Value;
use crate::limits::JSON_DEPTH_MAX;

pub(crate) use flatten::{Sink, flatten_nested, flatten_object};

/// Digits that a float of 64 bits can be trusted with; a number with more stays verbatim.
const F64_DIGITS_MAX: usize = 17;

/// Words of eight bytes in which the end of a string is looked for first: names and most values are shorter than what a
/// vector search needs to pay off.
const NEAR_WORDS: usize = 4;

/// A string as it stands between its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawStr<'a> {
    pub(crate) text: &'a str,
    pub(crate) offset_bytes: usize,
    pub(crate) has_escapes: bool,
}

impl<'a> RawStr<'a> {
    /// The string itself, and whether half a surrogate pair had to be replaced.
    #[inline]
    pub(crate) fn unescape(&self) -> Outcome<(Cow<'a, str>, bool)> {
        if self.has_escapes { unescape(self) } else { Ok((Cow::Borrowed(self.text), false)) }
    }
}

/// Reads values one after the other from a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Reader { cursor: Cursor::new(text) }
    }

    pub(crate) fn pos(&self) -> usize {
        self.cursor.pos()
    }

    /// The next byte that isn't white space; it stays.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        // Programs write no white space, so the common case comes first.
        match self.cursor.peek() {
            Some(byte) if byte > b' ' => return Some(byte),
            None => return None,
            Some(_) => {}
        }
        self.cursor.take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n'));
        self.cursor.peek()
    }

    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Outcome {
        self.peek();
        self.cursor.expect(byte, expected)
    }

    pub(crate) fn end(&mut self) -> Outcome {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.cursor.miss("the end of the line after the object")),
        }
    }

    /// `{` was read: true when a member follows, after `,` if it isn't the first.
    pub(crate) fn next_member(&mut self, is_first: bool) -> Outcome<bool> {
        self.next_item(b'}', is_first, "`,` or `}`")
    }

    /// `[` was read: true when an element follows, after `,` if it isn't the first.
    pub(crate) fn next_element(&mut self, is_first: bool) -> Outcome<bool> {
        self.next_item(b']', is_first, "`,` or `]`")
    }

    fn next_item(&mut self, close: u8, is_first: bool, expected: &'static str) -> Outcome<bool> {
        if self.peek() == Some(close) {
            self.cursor.advance(1);
            return Ok(false);
        }
        if !is_first {
            self.cursor.expect(b',', expected)?;
        }
        Ok(true)
    }

    /// A member's name, and the colon behind it.
    pub(crate) fn key(&mut self) -> Outcome<RawStr<'a>> {
        let key = self.string()?;
        self.expect(b':', "`:`")?;
        Ok(key)
    }

    pub(crate) fn string(&mut self) -> Outcome<RawStr<'a>> {
        self.expect(b'"', "a string")?;
        let rest = self.cursor.rest();
        let offset_bytes = self.pos();
        let bytes = rest.as_bytes();
        let (length, has_escapes) = match first_special(bytes) {
            Some(length) if bytes.get(length) == Some(&b'"') => (length, false),
            _ => {
                let length = closing_quote(bytes).ok_or_else(|| self.cursor.miss("a closing `\"`"))?;
                let text = bytes.get(..length).unwrap_or_default();
                (length, memchr(b'\\', text).is_some())
            }
        };
        self.cursor.advance(length + 1);
        Ok(RawStr { text: rest.get(..length).unwrap_or_default(), offset_bytes, has_escapes })
    }

    /// A number, `true`, `false` or `null`, with its text.
    pub(crate) fn scalar(&mut self) -> Outcome<(Value<'a>, &'a str)> {
        self.peek();
        for (text, value) in [("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.cursor.eat_str(text) {
                return Ok((value, text));
            }
        }
        if self.cursor.eat_str("null") {
            return Ok((Value::Json(Cow::Borrowed("null")), "null"));
        }
        let text = self.number()?;
        Ok((number(text), text))
    }

    /// RFC 8259 section 6: no leading zero, no bare point.
    fn number(&mut self) -> Outcome<&'a str> {
        let rest = self.cursor.rest();
        self.cursor.eat(b'-');
        let whole = self.digits("a value")?;
        if whole.len() > 1 && whole.starts_with('0') {
            return Err(self.cursor.miss("a number without leading zero"));
        }
        if self.cursor.eat(b'.') {
            self.digits("a digit")?;
        }
        if self.cursor.eat(b'e') || self.cursor.eat(b'E') {
            let _ = self.cursor.eat(b'+') || self.cursor.eat(b'-');
            self.digits("a digit")?;
        }
        let length = rest.len() - self.cursor.rest().len();
        Ok(rest.get(..length).unwrap_or_default())
    }

    fn digits(&mut self, expected: &'static str) -> Outcome<&'a str> {
        let digits = self.cursor.take_while(|b| b.is_ascii_digit());
        if digits.is_empty() { Err(self.cursor.miss(expected)) } else { Ok(digits) }
    }

    /// The text of the next value, checked to be JSON: strict JSON, so bare control characters that were let
    /// through are escaped.
    pub(crate) fn verbatim(&mut self) -> Outcome<Cow<'a, str>> {
        self.peek();
        let rest = self.cursor.rest();
        self.skip(0)?;
        let length = rest.len() - self.cursor.rest().len();
        let text = rest.get(..length).unwrap_or_default();
        let is_strict = text.bytes().all(|byte| byte >= b' ');
        Ok(if is_strict { Cow::Borrowed(text) } else { Cow::Owned(with_escaped_controls(text)) })
    }

    fn skip(&mut self, depth: usize) -> Outcome {
        if depth > JSON_DEPTH_MAX {
            return Err(self.cursor.miss("less nesting"));
        }
        match self.peek() {
            Some(b'{') => {
                self.cursor.advance(1);
                let mut is_first = true;
                while self.next_member(is_first)? {
                    is_first = false;
                    self.key()?.unescape()?;
                    self.skip(depth + 1)?;
                }
            }
            Some(b'[') => {
                self.cursor.advance(1);
                let mut is_first = true;
                while self.next_element(is_first)? {
                    is_first = false;
                    self.skip(depth + 1)?;
                }
            }
            // Unescaping is the check of its escapes; without any it is free.
            Some(b'"') => drop(self.string()?.unescape()?),
            _ => drop(self.scalar()?),
        }
        Ok(())
    }
}

/// Where the first quote or backslash is, if it is near.
#[inline]
fn first_special(bytes: &[u8]) -> Option<usize> {
    // Exact for the first hit: a borrow can only mark bytes after it (Warren, Hacker's Delight, 6-1).
    const ONES: u64 = 0x0101_0101_0101_0101;
    const QUOTES: u64 = ONES * b'"' as u64;
    const BACKSLASHES: u64 = ONES * b'\\' as u64;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & (ONES << 7);
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().take(NEAR_WORDS).enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
        if hits != 0 {
            return Some(index * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let near = words.len() < NEAR_WORDS;
    let at = rest.iter().take_while(|_| near).position(|byte| matches!(byte, b'"' | b'\\'))?;
    Some(words.len() * 8 + at)
}

/// The same JSON without bare control characters in its strings; those between values are white space and stay.
fn with_escaped_controls(json: &str) -> String {
    let mut strict = String::with_capacity(json.len() + 8);
    let (mut is_in_string, mut is_escaped) = (false, false);
    for char in json.chars() {
        if is_in_string && char < ' ' {
            strict.push_str("\\u00");
            for nibble in [u32::from(char) >> 4, u32::from(char) & 0xf] {
                strict.extend(char::from_digit(nibble, 16));
            }
            continue;
        }
        is_in_string ^= char == '"' && !is_escaped;
        is_escaped = is_in_string && char == '\\' && !is_escaped;
        strict.push(char);
    }
    strict
}

/// The type that holds the number as it is; verbatim text when none does.
fn number(text: &str) -> Value<'_> {
    let is_whole = text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    if is_whole && text != "-0" {
        return text.parse().map_or(Value::Json(Cow::Borrowed(text)), Value::I64);
    }
    let significant = mantissa(text).trim_start_matches(['-', '0', '.']);
    let digits = significant.bytes().filter(u8::is_ascii_digit).count();
    match text.parse::<f64>() {
        // A zero that has significant digits is an underflow, which is a loss too.
        Ok(value) if value.is_finite() && digits <= F64_DIGITS_MAX && (value != 0.0 || digits == 0) => {
            Value::F64(value)
        }
        _ => Value::Json(Cow::Borrowed(text)),
    }
}

fn mantissa(text: &str) -> &str {
    text.split(['e', 'E']).next().unwrap_or_default()
}

fn unescape<'a>(raw: &RawStr<'a>) -> Outcome<(Cow<'a, str>, bool)> {
    let mut text = String::with_capacity(raw.text.len());
    let mut rest = raw.text;
    let mut was_broken = false;
    while let Some(at) = memchr(b'\\', rest.as_bytes()) {
        text.push_str(rest.get(..at).unwrap_or_default());
        let escape = rest.get(at + 1..).unwrap_or_default();
        let offset_bytes = raw.offset_bytes + (raw.text.len() - escape.len());
        let miss = Miss { offset_bytes, expected: "an escape of JSON" };
        let (char, length) = escaped_char(escape).ok_or(miss)?;
        was_broken |= char.is_none();
        text.push(char.unwrap_or(char::REPLACEMENT_CHARACTER));
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    Ok((Cow::Owned(text), was_broken))
}

/// The character after a backslash (None: half a surrogate pair) and the bytes of its escape.
fn escaped_char(escape: &str) -> Option<(Option<char>, usize)> {
    let char = match escape.bytes().next()? {
        byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => {
            let unit = hex4(escape.get(1..5)?)?;
            let is_high = (0xd800..0xdc00).contains(&unit);
            let low = escape
                .get(5..7)
                .filter(|next| is_high && *next == "\\u")
                .and(escape.get(7..11))
                .and_then(hex4);
            return match low.filter(|low| (0xdc00..0xe000).contains(low)) {
                Some(low) => Some((char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00)), 11)),
                None => Some((char::from_u32(unit), 5)),
            };
        }
        _ => return None,
    };
    Some((Some(char), 1))
}

fn hex4(text: &str) -> Option<u32> {
    let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex { u32::from_str_radix(text, 16).ok() } else { None }
}
