//! Bytes to lines: where a line ends, what of it is text, and how long it may be. No state, no I/O.

use std::borrow::Cow;

use millpond_wire::limits::MESSAGE_BYTES_MAX;

/// A line found in a window of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Index of its first byte in the window.
    pub start: usize,
    /// Index after its newline.
    pub next: usize,
    /// Its bytes without the newline.
    pub raw: &'a [u8],
}

/// The line that starts at `start`; `None` when its newline isn't in the window.
pub fn line_at(window: &[u8], start: usize) -> Option<Line<'_>> {
    let rest = window.get(start..)?;
    let end = memchr::memchr(b'\n', rest)?;
    Some(Line { start, next: start + end + 1, raw: rest.get(..end)? })
}

/// What stands in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    /// At most [`MESSAGE_BYTES_MAX`] bytes, without line ends, byte order mark and leading NUL bytes.
    pub text: Cow<'a, str>,
    /// Some bytes weren't UTF-8 and became U+FFFD.
    pub lossy: bool,
    /// Length of the line, if only its beginning is in `text`.
    pub cut_from_bytes: Option<u64>,
    /// Leading NUL bytes, left by a truncation under a writer, that were dropped.
    pub nul_bytes: usize,
}

/// Reads a line's bytes as text. `at_start`: it is the first line of its file, so that a byte order mark may
/// stand before it. `whole_bytes`: its length, where `raw` is only its beginning.
pub fn text(raw: &[u8], at_start: bool, whole_bytes: Option<u64>) -> Text<'_> {
    let nul_bytes = raw.iter().position(|byte| *byte != 0).unwrap_or(raw.len());
    let mut bytes = raw.get(nul_bytes..).unwrap_or_default();
    if at_start {
        bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    }
    if whole_bytes.is_none() {
        bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    }
    let kept = bytes.get(..MESSAGE_BYTES_MAX).unwrap_or(bytes);
    let cut = kept.len() < bytes.len() || whole_bytes.is_some();
    let kept = if cut { whole_characters(kept) } else { kept };
    // Most lines are ASCII, of which this check makes short work; the search for what is wrong doesn't.
    let text = std::str::from_utf8(kept).map_or_else(|_| String::from_utf8_lossy(kept), Cow::Borrowed);
    let lossy = matches!(text, Cow::Owned(_));
    // Replacement characters are longer than what they replace.
    let text = if text.len() > MESSAGE_BYTES_MAX { shorten(text) } else { text };
    Text { text, lossy, cut_from_bytes: cut.then(|| whole_bytes.unwrap_or(raw.len() as u64)), nul_bytes }
}

/// Without the beginning of a character at the end, which a cut leaves.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    let broken = bytes.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
    // At most three bytes of a character can be missing its end; more is garbage of the line's own.
    if broken <= 3 { bytes.get(..bytes.len() - broken).unwrap_or(bytes) } else { bytes }
}

fn shorten(text: Cow<'_, str>) -> Cow<'_, str> {
    let mut text = text.into_owned();
    text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let check = |window: &[u8], expected: &[&[u8]], rest: usize| {
            let (mut at, mut lines) = (0, Vec::new());
            while let Some(line) = line_at(window, at) {
                assert_eq!(line.start, at);
                lines.push(line.raw.to_vec());
                at = line.next;
            }
            assert_eq!(lines, expected);
            assert_eq!(window.len() - at, rest);
        };
        check(b"", &[], 0);
        check(b"half", &[], 4);
        check(b"one\ntwo\r\n\nthree", &[b"one", b"two\r", b""], 5);
        check(b"\n\n", &[b"", b""], 0);
    }

    #[test]
    fn texts() {
        let check = |raw: &[u8], at_start: bool, expected: &str, lossy: bool, nul_bytes: usize| {
            let expected = Text { text: expected.into(), lossy, cut_from_bytes: None, nul_bytes };
            assert_eq!(text(raw, at_start, None), expected, "{raw:?}");
        };
        check(b"plain", false, "plain", false, 0);
        check(b"crlf\r", false, "crlf", false, 0);
        check(b"two\r\r", false, "two\r", false, 0);
        check(b"a\rb", false, "a\rb", false, 0);
        check(b"\xef\xbb\xbfbom", true, "bom", false, 0);
        check(b"\xef\xbb\xbfbom", false, "\u{feff}bom", false, 0);
        check(b"\0\0\0after a hole", false, "after a hole", false, 3);
        check(b"in\0side", false, "in\0side", false, 0);
        check(b"bad \xff byte", false, "bad \u{fffd} byte", true, 0);
        check(b"cut \xe2\x82", false, "cut \u{fffd}", true, 0);
        check(b"", false, "", false, 0);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "é".repeat(MESSAGE_BYTES_MAX);
        let odd = format!("x{long}");
        for raw in [long.as_bytes(), odd.as_bytes()] {
            let cut = text(raw, false, None);
            assert!(cut.text.len() <= MESSAGE_BYTES_MAX && cut.text.len() >= MESSAGE_BYTES_MAX - 1);
            assert_eq!((cut.lossy, cut.cut_from_bytes), (false, Some(raw.len() as u64)));
        }
        let garbage = vec![0xff; MESSAGE_BYTES_MAX];
        let cut = text(&garbage, false, Some(5_000_000_000));
        assert!(cut.text.len() <= MESSAGE_BYTES_MAX);
        assert_eq!((cut.lossy, cut.cut_from_bytes), (true, Some(5_000_000_000)));
    }
}
