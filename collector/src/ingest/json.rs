//! JSON objects to flat fields in one pass, without a tree and without a copy of what has no
//! escapes: names go through one reused buffer, arrays are checked and kept verbatim. It knows
//! nothing of batches: fields go to a [`Sink`].
//!
//! Laxer than RFC 8259 in one point: bare control characters in strings (tabs mostly) are let
//! through, since programs that print JSON by hand write them. In what is kept verbatim they are
//! escaped, so that it is JSON for everyone who reads it back.

use std::fmt::Write;

use memchr::memchr2;
use millpond_wire::batch::ValueRef;
use millpond_wire::limits::NESTING_MAX;

/// Digits that a 64-bit float can be trusted with; a number with more stays verbatim.
const F64_DIGITS_MAX: usize = 17;

/// Takes the fields of an object in the order of the text.
pub(super) trait Sink {
    /// A field with its dotted name; `raw` is the text of the value if it is a number.
    fn field(&mut self, name: &str, value: ValueRef<'_>, raw: &str);
}

/// What should have stood where the text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Miss {
    pub(super) offset_bytes: usize,
    pub(super) expected: &'static str,
}

/// Reused buffers of the flattener.
#[derive(Debug, Default)]
pub(super) struct Flattener {
    /// Dotted name of the value at hand.
    name: String,
    /// The value at hand, if it has escapes.
    unescaped: String,
    /// Closing brackets of what is being skipped.
    closers: Vec<u8>,
}

impl Flattener {
    /// Hands the fields of the object that `text` is to `sink`. After an error some of them may have
    /// been handed over.
    pub(super) fn object(&mut self, text: &str, sink: &mut impl Sink) -> Result<(), Miss> {
        self.name.clear();
        let mut cursor = Cursor { text, at: 0 };
        self.members(&mut cursor, 1, sink)?;
        match cursor.peek() {
            None => Ok(()),
            Some(_) => Err(cursor.miss("the end of the line after the object")),
        }
    }

    fn members(&mut self, cursor: &mut Cursor<'_>, depth: usize, sink: &mut impl Sink) -> Result<(), Miss> {
        cursor.expect(b'{', "`{`")?;
        if cursor.eat(b'}') {
            return Ok(());
        }
        let prefix_bytes = self.name.len();
        loop {
            let key = cursor.string()?;
            if prefix_bytes > 0 {
                self.name.push('.');
            }
            unescape(&key, &mut self.name)?;
            cursor.expect(b':', "`:`")?;
            self.value(cursor, depth, sink)?;
            self.name.truncate(prefix_bytes);
            if cursor.eat(b'}') {
                return Ok(());
            }
            cursor.expect(b',', "`,` or `}`")?;
        }
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, depth: usize, sink: &mut impl Sink) -> Result<(), Miss> {
        match cursor.peek() {
            Some(b'"') => {
                let string = cursor.string()?;
                let text = if string.has_escapes {
                    self.unescaped.clear();
                    unescape(&string, &mut self.unescaped)?;
                    self.unescaped.as_str()
                } else {
                    string.text
                };
                sink.field(&self.name, ValueRef::Str(text), "");
            }
            Some(b'{') if depth < NESTING_MAX && !cursor.is_empty_object() => {
                return self.members(cursor, depth + 1, sink);
            }
            Some(b'{' | b'[') => {
                let mut text = cursor.verbatim(&mut self.closers)?;
                if text.bytes().any(|byte| byte < b' ') {
                    self.unescaped.clear();
                    escape_controls(text, &mut self.unescaped);
                    text = &self.unescaped;
                }
                sink.field(&self.name, ValueRef::Json(text), "");
            }
            _ => {
                let (value, raw) = cursor.scalar()?;
                sink.field(&self.name, value, raw);
            }
        }
        Ok(())
    }
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug)]
struct RawStr<'a> {
    text: &'a str,
    offset_bytes: usize,
    has_escapes: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that isn't white space; it stays.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), Miss> {
        if self.eat(byte) { Ok(()) } else { Err(self.miss(expected)) }
    }

    fn miss(&self, expected: &'static str) -> Miss {
        Miss { offset_bytes: self.at, expected }
    }

    fn is_empty_object(&self) -> bool {
        let mut ahead = *self;
        ahead.eat(b'{') && ahead.eat(b'}')
    }

    fn string(&mut self) -> Result<RawStr<'a>, Miss> {
        self.expect(b'"', "`\"`")?;
        let (start, mut has_escapes) = (self.at, false);
        let unclosed = Miss { offset_bytes: start, expected: "a closing `\"`" };
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(unclosed)?;
            let found = memchr2(b'"', b'\\', rest).ok_or(unclosed)?;
            let is_quote = rest.get(found) == Some(&b'"');
            self.at += found + 1;
            if is_quote {
                let text = self.text.get(start..self.at - 1).unwrap_or_default();
                return Ok(RawStr { text, offset_bytes: start, has_escapes });
            }
            // The escaped byte is ASCII in valid JSON, and `unescape` refuses any other.
            has_escapes = true;
            self.at += 1;
        }
    }

    /// A number, `true`, `false` or `null`; and the text of the number.
    fn scalar(&mut self) -> Result<(ValueRef<'a>, &'a str), Miss> {
        self.peek();
        let words = [
            ("true", ValueRef::Bool(true)),
            ("false", ValueRef::Bool(false)),
            ("null", ValueRef::Json("null")),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok((value, ""));
            }
        }
        let text = self.number()?;
        Ok((number(text), text))
    }

    /// RFC 8259, section 6: no leading zero, no bare point.
    fn number(&mut self) -> Result<&'a str, Miss> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let first = self.byte();
        let whole_digits = self.digits("a value")?;
        if first == Some(b'0') && whole_digits > 1 {
            return Err(Miss { offset_bytes: start, expected: "a number without leading zero" });
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits("a digit")?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits("a digit")?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self, expected: &'static str) -> Result<usize, Miss> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.miss(expected)) } else { Ok(self.at - start) }
    }

    /// The text of the next array or object, checked to be JSON. Without recursion, so any depth is
    /// fine: `closers` holds one byte a level.
    fn verbatim(&mut self, closers: &mut Vec<u8>) -> Result<&'a str, Miss> {
        self.peek();
        let start = self.at;
        closers.clear();
        loop {
            // A value begins here.
            let closer = match self.peek() {
                Some(b'{') => Some(b'}'),
                Some(b'[') => Some(b']'),
                _ => None,
            };
            match closer {
                None => self.leaf()?,
                Some(closer) => {
                    self.at += 1;
                    if !self.eat(closer) {
                        closers.push(closer);
                        self.key_if_in_object(closer)?;
                        continue;
                    }
                }
            }
            // A value ended here.
            loop {
                let Some(closer) = closers.last().copied() else {
                    return Ok(self.text.get(start..self.at).unwrap_or_default());
                };
                if self.eat(closer) {
                    closers.pop();
                } else {
                    self.expect(b',', "`,` or a closing bracket")?;
                    self.key_if_in_object(closer)?;
                    break;
                }
            }
        }
    }

    fn key_if_in_object(&mut self, closer: u8) -> Result<(), Miss> {
        if closer == b'}' {
            check_escapes(&self.string()?)?;
            self.expect(b':', "`:`")?;
        }
        Ok(())
    }

    fn leaf(&mut self) -> Result<(), Miss> {
        if self.peek() == Some(b'"') { check_escapes(&self.string()?) } else { self.scalar().map(drop) }
    }
}

/// The type that holds the number as it is; verbatim text where none does.
fn number(text: &str) -> ValueRef<'_> {
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    // The integer 0 has no sign, the float has.
    if is_whole && text != "-0" {
        return text.parse().map_or(ValueRef::Json(text), ValueRef::I64);
    }
    let mantissa = || text.bytes().take_while(|byte| !byte.eq_ignore_ascii_case(&b'e'));
    let digits = mantissa().filter(u8::is_ascii_digit).count();
    let is_zero = mantissa().all(|byte| matches!(byte, b'0' | b'.' | b'-'));
    match text.parse::<f64>() {
        // An underflow to zero is a loss, too.
        Ok(value) if value.is_finite() && digits <= F64_DIGITS_MAX && (value != 0.0 || is_zero) => {
            ValueRef::F64(value)
        }
        _ => ValueRef::Json(text),
    }
}

fn check_escapes(string: &RawStr<'_>) -> Result<(), Miss> {
    if string.has_escapes { unescape(string, &mut String::new()) } else { Ok(()) }
}

/// Appends the string itself. Half a surrogate pair becomes U+FFFD.
fn unescape(string: &RawStr<'_>, out: &mut String) -> Result<(), Miss> {
    let mut rest = string.text;
    if !string.has_escapes {
        out.push_str(rest);
        return Ok(());
    }
    while let Some((clean, escape)) = rest.split_once('\\') {
        out.push_str(clean);
        let offset_bytes = string.offset_bytes + (string.text.len() - escape.len());
        let (char, length) =
            escaped_char(escape).ok_or(Miss { offset_bytes, expected: "an escape of JSON" })?;
        out.push(char);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(())
}

/// Appends JSON text with the bare control characters in its strings escaped.
fn escape_controls(text: &str, out: &mut String) {
    let (mut is_string, mut is_escape) = (false, false);
    for char in text.chars() {
        if is_string && char < ' ' {
            // Writing to a String can't fail.
            let _ = write!(out, "\\u{:04x}", u32::from(char));
        } else {
            out.push(char);
        }
        is_string ^= char == '"' && !is_escape;
        is_escape = is_string && char == '\\' && !is_escape;
    }
}

/// The character after a backslash, and the bytes of its escape.
fn escaped_char(escape: &str) -> Option<(char, usize)> {
    let char = match escape.bytes().next()? {
        byte @ (b'"' | b'\\' | b'/') => char::from(byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(escape),
        _ => return None,
    };
    Some((char, 1))
}

fn unicode_escape(escape: &str) -> Option<(char, usize)> {
    let unit = hex4(escape.get(1..5)?)?;
    let low = escape.get(5..7).filter(|next| *next == "\\u").and(escape.get(7..11)).and_then(hex4);
    match (unit, low) {
        (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) => {
            let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
            Some((char::from_u32(point).unwrap_or(char::REPLACEMENT_CHARACTER), 11))
        }
        _ => Some((char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 5)),
    }
}

fn hex4(text: &str) -> Option<u32> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { u32::from_str_radix(text, 16).ok() } else { None }
}

#[cfg(test)]
mod tests;
