//! A position in a line. All hand-written parsers move with it; it never indexes, so no line can panic it.
//!
//! Invariant: it only ever stops before or after an ASCII byte, so `rest` is always on a character boundary.

use memchr::memchr;

/// Why a line isn't of a format: what was expected, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Miss {
    pub(crate) offset_bytes: usize,
    pub(crate) expected: &'static str,
}

/// What a format's parser returns; on an error the caller forgets what was filled in so far.
pub(crate) type Outcome<T = ()> = Result<T, Miss>;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Cursor { text, pos: 0 }
    }

    /// Bytes before the cursor.
    pub(crate) fn pos(&self) -> usize {
        self.pos
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'a str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.peek_at(0)
    }

    #[inline]
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.pos.saturating_add(ahead)).copied()
    }

    pub(crate) fn is_end(&self) -> bool {
        self.pos >= self.text.len()
    }

    /// The caller has just seen `count` bytes that end beside an ASCII byte.
    pub(crate) fn advance(&mut self, count: usize) {
        self.pos = self.pos.saturating_add(count).min(self.text.len());
    }

    pub(crate) fn miss(&self, expected: &'static str) -> Miss {
        Miss { offset_bytes: self.pos, expected }
    }

    #[inline]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.pos += 1;
        }
        found
    }

    pub(crate) fn eat_str(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.pos += text.len();
        }
        found
    }

    pub(crate) fn expect(&mut self, byte: u8, expected: &'static str) -> Outcome {
        if self.eat(byte) { Ok(()) } else { Err(self.miss(expected)) }
    }

    pub(crate) fn skip_spaces(&mut self) -> usize {
        self.take_while(|b| b == b' ' || b == b'\t').len()
    }

    /// The longest run of bytes that `accept`s; `accept` must take all bytes above 0x7F or none.
    pub(crate) fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(|b| !accept(b)).unwrap_or(rest.len());
        self.pos += length;
        rest.get(..length).unwrap_or_default()
    }

    /// What is before the next `byte`, which is consumed too. None, and no move, when there is none.
    pub(crate) fn until(&mut self, byte: u8) -> Option<&'a str> {
        let rest = self.rest();
        let length = memchr(byte, rest.as_bytes())?;
        self.pos += length + 1;
        rest.get(..length)
    }

    /// The next word: up to a space or the end, which stays.
    pub(crate) fn token(&mut self) -> &'a str {
        let rest = self.rest();
        let length = memchr(b' ', rest.as_bytes()).unwrap_or(rest.len());
        self.pos += length;
        rest.get(..length).unwrap_or_default()
    }

    /// A run of digits as a number that fits i64; no move on anything else.
    pub(crate) fn integer(&mut self) -> Option<i64> {
        let mut ahead = *self;
        let digits = ahead.take_while(|b| b.is_ascii_digit());
        let value = digits.parse().ok()?;
        *self = ahead;
        Some(value)
    }

    /// Exactly `count` digits as a number; no move on anything else.
    pub(crate) fn digits(&mut self, count: usize) -> Option<u32> {
        let end = self.pos.checked_add(count)?;
        let bytes = self.text.as_bytes().get(self.pos..end)?;
        let mut value = 0u32;
        for byte in bytes {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(u32::from(digit))?;
        }
        self.pos = end;
        Some(value)
    }

    /// The inside of a double-quoted text whose quotes may be escaped by a backslash; verbatim, escapes included.
    pub(crate) fn quoted(&mut self) -> Option<&'a str> {
        let mut ahead = *self;
        if !ahead.eat(b'"') {
            return None;
        }
        let rest = ahead.rest();
        let length = closing_quote(rest.as_bytes())?;
        ahead.pos += length + 1;
        *self = ahead;
        rest.get(..length)
    }
}

/// Where the quote that ends a text is; one after a backslash doesn't.
pub(crate) fn closing_quote(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(found) == Some(&b'"') {
            return Some(found);
        }
        from = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_on_success() {
        let mut cursor = Cursor::new("12é \"a\\\"b\" x");
        assert_eq!(cursor.digits(3), None);
        assert_eq!(cursor.digits(2), Some(12));
        assert_eq!(cursor.until(b'#'), None);
        assert_eq!(cursor.token(), "é");
        assert_eq!(cursor.skip_spaces(), 1);
        assert_eq!(cursor.quoted(), Some("a\\\"b"));
        assert_eq!(cursor.quoted(), None);
        assert_eq!(cursor.rest(), " x");
    }

    #[test]
    fn a_quote_is_closed_by_a_bare_quote_only() {
        for (text, expected) in
            [("a\"", Some(1)), ("a\\\"", None), ("a\\\\\"", Some(3)), ("", None), ("\\", None), ("é\\", None)]
        {
            assert_eq!(closing_quote(text.as_bytes()), expected, "{text}");
        }
    }
}
