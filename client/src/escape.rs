//! Text of logs as a terminal may get it. Whoever can write a log line can write escape sequences: they could
//! recolour, overwrite or hide other lines, or make the terminal type. None of them gets through: a character that
//! is not printed is shown as the escape that a programmer would write. Pure.

use std::fmt::Write;

/// What becomes of line breaks and tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breaks {
    /// Shown as `\n` and `\t`: the text stays on its line.
    Escaped,
    /// A new line with an indent, so that no text can pass for a line of its own. Tabs stay.
    Indented,
}

/// What a continuation line of a message begins with.
const INDENT: &str = "\n    ";

/// Appends the text with everything visible.
pub(crate) fn push(text: &str, breaks: Breaks, out: &mut String) {
    // The break at the end of a message, and the half of a break of Windows, are no text.
    let text = if breaks == Breaks::Indented { text.trim_end_matches(['\n', '\r']) } else { text };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, breaks) {
            ('\n', Breaks::Indented) => out.push_str(INDENT),
            ('\r', Breaks::Indented) if chars.peek() == Some(&'\n') => {}
            ('\t', Breaks::Indented) => out.push('\t'),
            ('\n', _) => out.push_str("\\n"),
            ('\r', _) => out.push_str("\\r"),
            ('\t', _) => out.push_str("\\t"),
            _ if !is_invisible(c) => out.push(c),
            _ if u32::from(c) < 0x100 => _ = write!(out, "\\x{:02x}", u32::from(c)),
            _ => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        }
    }
}

/// The text on one line with everything visible.
pub(crate) fn line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push(text, Breaks::Escaped, &mut out);
    out
}

/// Appends a line of JSON with everything visible. It says the same as before: what is not printed can only stand in
/// texts, and is written there as JSON escapes it.
pub(crate) fn push_json(line: &str, out: &mut String) {
    for c in line.chars() {
        if is_invisible(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().for_each(|unit| _ = write!(out, "\\u{unit:04x}"));
        } else {
            out.push(c);
        }
    }
}

/// Text that comes in pieces of bytes. Breaks of lines, with the carriage return of CSV, and tabs stay.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// Bytes that the next piece may make a character, or a break, of.
    rest: Vec<u8>,
}

impl Pieces {
    /// The text of the next piece with everything visible; the last piece is empty.
    pub(crate) fn take(&mut self, piece: &[u8]) -> String {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(piece);
        let whole = if piece.is_empty() { bytes.len() } else { whole(&bytes) };
        self.rest = bytes.split_off(whole);
        let text = String::from_utf8_lossy(&bytes);
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\n' | '\t' => out.push(c),
                '\r' if chars.peek() == Some(&'\n') => out.push(c),
                c => push(c.encode_utf8(&mut [0; 4]), Breaks::Escaped, &mut out),
            }
        }
        out
    }
}

/// Length without a carriage return, or a character that is not whole, at the end.
fn whole(bytes: &[u8]) -> usize {
    if bytes.last() == Some(&b'\r') {
        return bytes.len() - 1;
    }
    let after = bytes.iter().rev().take(3).take_while(|byte| (0x80..0xc0).contains(*byte)).count();
    let length = match bytes.iter().rev().nth(after) {
        Some(0xc0..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(0xf0..) => 4,
        _ => 0,
    };
    let cut = if length > after + 1 { after + 1 } else { 0 };
    bytes.len() - cut
}

/// Controls (C0, DEL, C1), and what Unicode has to reorder or hide text. The joiners U+200C and U+200D stay: scripts
/// and emoji need them.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_acts_on_a_terminal_gets_through() {
        let rows = [
            ("plain, ünï, 日本, 👩‍💻", "plain, ünï, 日本, 👩‍💻"),
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("a\u{9b}2Jb", "a\\x9b2Jb"),
            ("a\rb\x08c\x7f\0", "a\\rb\\x08c\\x7f\\x00"),
            ("abc\u{202e}fed\u{2066}", "abc\\u{202e}fed\\u{2066}"),
            ("a\u{2028}b\u{200b}c\u{feff}", "a\\u{2028}b\\u{200b}c\\u{feff}"),
            ("one\ntwo\tthree", "one\\ntwo\\tthree"),
        ];
        for (text, expected) in rows {
            assert_eq!(line(text), expected);
        }
    }

    #[test]
    fn json_says_the_same() {
        let text = "\u{1b}[2J\u{7f}\u{9b}1m\u{202e}\u{e0001}ü👩\n";
        let line = serde_json::to_string(text).unwrap();
        let mut out = String::new();
        push_json(&line, &mut out);
        assert_eq!(out, r#""\u001b[2J\u007f\u009b1m\u202e\udb40\udc01ü👩\n""#);
        assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    #[test]
    fn pieces_may_end_anywhere() {
        let bytes =
            [b"_id,\"a\tb\"\r\nx\ry\x1b[2J \xc2\x9b ".as_slice(), "ü日👩".as_bytes(), b"\xff\xe2\x80"]
                .concat();
        let expected = "_id,\"a\tb\"\r\nx\\ry\\x1b[2J \\x9b ü日👩\u{fffd}\u{fffd}";
        for size in 1..bytes.len() {
            let mut pieces = Pieces::default();
            let mut out: String = bytes.chunks(size).map(|piece| pieces.take(piece)).collect();
            out.push_str(&pieces.take(&[]));
            assert_eq!(out, expected, "{size}");
        }
    }

    #[test]
    fn every_control_is_caught() {
        let all: String = (0..0x11_0000).filter_map(char::from_u32).filter(|c| c.is_control()).collect();
        for breaks in [Breaks::Escaped, Breaks::Indented] {
            let mut out = String::new();
            push(&all, breaks, &mut out);
            let left: Vec<_> = out.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t')).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    #[test]
    fn messages_of_several_lines_are_indented() {
        let rows = [
            ("a\n  at b\n", "a\n      at b"),
            ("a\r\nb\r\n", "a\n    b"),
            ("a\rb", "a\\rb"),
            ("x\n2026-01-01 error forged", "x\n    2026-01-01 error forged"),
            ("\ttab", "\ttab"),
        ];
        for (text, expected) in rows {
            let mut out = String::new();
            push(text, Breaks::Indented, &mut out);
            assert_eq!(out, expected);
        }
    }
}
