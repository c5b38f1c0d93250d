//! A record of the spool: one line, whatever stands in the message. Pure; the files are `segments`' business.
//!
//! `1 <received, Unix ns> <sender or -> <bytes of the whole message, 0 if it is whole> <message>`. The first word is
//! the version. In the message a backslash, line feed, carriage return and NUL are written as `\\`, `\n`, `\r`
//! and `\0`, so that a line ends where a record does and no reader takes a segment for a binary file.

use std::borrow::Cow;
use std::io::Write;

use millpond_wire::limits::MESSAGE_BYTES_MAX;

const VERSION: &str = "1";
/// Stands for what is missing.
const NONE: &str = "-";

/// What was received, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    /// When, Unix nanoseconds.
    pub at_ns: i64,
    /// From whom: an address without blanks.
    pub sender: Option<&'a str>,
    /// Not empty; perhaps only the beginning.
    pub message: &'a [u8],
    /// Bytes that the message had, if it was cut already.
    pub cut_from_bytes: Option<u64>,
}

/// A line read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spooled<'a> {
    /// When it was received, Unix nanoseconds.
    pub at_ns: i64,
    /// From whom.
    pub sender: Option<&'a str>,
    /// As it was received.
    pub message: Cow<'a, str>,
    /// Bytes that the message had, if only its beginning was kept.
    pub cut_from_bytes: Option<u64>,
}

/// Appends the line of a record. The line is never longer than a line that is shipped whole may be
/// ([`MESSAGE_BYTES_MAX`]): what is beyond is cut, and the line says so.
pub fn encode(received: &Received<'_>, out: &mut Vec<u8>) {
    let sender = received.sender.unwrap_or(NONE);
    let message = received.message;
    let start = out.len();
    put_header(out, received.at_ns, sender, received.cut_from_bytes.unwrap_or(0));
    let room = MESSAGE_BYTES_MAX.saturating_sub(out.len() - start + LENGTH_DIGITS_MAX);
    let kept = escaped_prefix(message, room);
    if kept < message.len() && received.cut_from_bytes.is_none() {
        out.truncate(start);
        put_header(out, received.at_ns, sender, message.len() as u64);
    }
    escape(message.get(..kept).unwrap_or(message), out);
    out.push(b'\n');
}

/// Digits of the longest length.
const LENGTH_DIGITS_MAX: usize = 20;

fn put_header(out: &mut Vec<u8>, at_ns: i64, sender: &str, cut_from_bytes: u64) {
    write!(out, "{VERSION} {at_ns} {sender} {cut_from_bytes} ").expect("a vector takes everything");
}

/// Reads a line without its line feed; `None` when it isn't one of ours: it was damaged on the disk.
pub fn decode(line: &str) -> Option<Spooled<'_>> {
    let mut words = line.splitn(5, ' ');
    if words.next()? != VERSION {
        return None;
    }
    let at_ns = words.next()?.parse().ok()?;
    let sender = Some(words.next()?).filter(|sender| *sender != NONE);
    let cut_from_bytes = Some(words.next()?.parse().ok()?).filter(|bytes| *bytes > 0);
    Some(Spooled { at_ns, sender, message: unescape(words.next()?), cut_from_bytes })
}

fn escape_of(byte: u8) -> Option<u8> {
    match byte {
        b'\\' => Some(b'\\'),
        b'\n' => Some(b'n'),
        b'\r' => Some(b'r'),
        0 => Some(b'0'),
        _ => None,
    }
}

/// Bytes of the message whose escaped form fits, without the beginning of a character at their end.
fn escaped_prefix(message: &[u8], room: usize) -> usize {
    if message.len().saturating_mul(2) <= room {
        return message.len();
    }
    let mut used = 0;
    let fitting = message.iter().take_while(|byte| {
        used += 1 + usize::from(escape_of(**byte).is_some());
        used <= room
    });
    let kept = fitting.count();
    if kept == message.len() {
        return kept;
    }
    let is_inside = |at: &usize| message.get(*at).is_some_and(|byte| byte & 0xc0 == 0x80);
    // A character has at most three bytes behind its first.
    (0..=3).map(|back| kept.saturating_sub(back)).find(|at| !is_inside(at)).unwrap_or(kept)
}

fn escape(mut message: &[u8], out: &mut Vec<u8>) {
    while let Some(at) = message.iter().position(|byte| escape_of(*byte).is_some()) {
        let (plain, rest) = message.split_at(at);
        out.extend_from_slice(plain);
        if let Some((byte, rest)) = rest.split_first() {
            out.push(b'\\');
            out.extend(escape_of(*byte));
            message = rest;
        }
    }
    out.extend_from_slice(message);
}

fn unescape(text: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut pieces = text.split('\\');
    plain.extend(pieces.next());
    while let Some(piece) = pieces.next() {
        let mut rest = piece.chars();
        match rest.next() {
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('0') => plain.push('\0'),
            // An escaped backslash: the piece between the two is empty, and what follows is plain.
            None => {
                plain.push('\\');
                plain.extend(pieces.next());
                continue;
            }
            // Not written by us; kept as it is.
            Some(other) => plain.extend(['\\', other]),
        }
        plain.push_str(rest.as_str());
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(message: &[u8], sender: Option<&str>, cut_from_bytes: Option<u64>) -> String {
        let mut out = Vec::new();
        encode(&Received { at_ns: 17, sender, message, cut_from_bytes }, &mut out);
        assert_eq!(out.pop(), Some(b'\n'));
        assert!(out.len() <= MESSAGE_BYTES_MAX && !out.contains(&b'\n'));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines() {
        let rows: [(&str, &str); 7] = [
            ("plain", "plain"),
            ("two\nlines\r\n", r"two\nlines\r\n"),
            (r"C:\new", r"C:\\new"),
            (r"\\", r"\\\\"),
            ("\\\n", r"\\\n"),
            ("nul\0", r"nul\0"),
            (" blanks  stay ", " blanks  stay "),
        ];
        for (message, escaped) in rows {
            let line = line(message.as_bytes(), Some("[::1]:514"), None);
            assert_eq!(line, format!("1 17 [::1]:514 0 {escaped}"));
            let expected = Spooled {
                at_ns: 17,
                sender: Some("[::1]:514"),
                message: message.into(),
                cut_from_bytes: None,
            };
            assert_eq!(decode(&line), Some(expected));
        }
        assert_eq!(line(b"x", None, Some(9)), "1 17 - 9 x");
        assert_eq!(decode("1 17 - 9 x").unwrap().cut_from_bytes, Some(9));
    }

    #[test]
    fn what_is_not_a_record_is_none() {
        for damaged in ["", "1", "1 2", "1 2 - x", "2 17 - 0 x", "1 x - 0 x", "1 17 - 0", "1 17 - -1 x"] {
            assert_eq!(decode(damaged), None, "{damaged}");
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters_and_say_so() {
        for message in ["é".repeat(MESSAGE_BYTES_MAX), format!("x{}", "é".repeat(MESSAGE_BYTES_MAX))] {
            let line = line(message.as_bytes(), None, None);
            let spooled = decode(&line).unwrap();
            assert!(
                message.starts_with(&*spooled.message) && spooled.message.len() > MESSAGE_BYTES_MAX - 100
            );
            assert_eq!(spooled.cut_from_bytes, Some(message.len() as u64));
        }
        // Escapes take part of the room.
        let message = "\n".repeat(MESSAGE_BYTES_MAX);
        let line = line(message.as_bytes(), None, None);
        let spooled = decode(&line).unwrap();
        assert!(spooled.message.len() > MESSAGE_BYTES_MAX / 2 - 100);
        assert_eq!(spooled.cut_from_bytes, Some(message.len() as u64));
    }

    proptest! {
        #[test]
        fn every_message_comes_back(message in "[\\\\\nnr0\r\0 aé-]{0,40}", at_ns: i64) {
            let mut out = Vec::new();
            encode(&Received { at_ns, sender: None, message: message.as_bytes(), cut_from_bytes: None }, &mut out);
            prop_assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 1);
            let line = String::from_utf8(out).unwrap();
            let spooled = decode(line.strip_suffix('\n').unwrap()).unwrap();
            prop_assert_eq!((&*spooled.message, spooled.at_ns), (&*message, at_ns));
        }

        #[test]
        fn no_line_makes_it_panic(line in "\\PC*") {
            let _ = decode(&line);
            let _ = decode(&format!("1 17 - 0 {line}"));
        }
    }
}
