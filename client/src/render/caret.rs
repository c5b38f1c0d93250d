//! A mistake in a query: the query, and a mark under the place. Pure.

use unicode_width::UnicodeWidthStr;

use super::Look;
use crate::escape;
use crate::style::Style;

/// Columns of the query that are shown before and after the place, where it doesn't fit whole.
const AROUND: usize = 30;

/// Two lines: the query around the place, and carets under it. The place is in bytes and may lie anywhere.
pub(crate) fn caret(query: &str, offset: usize, length: usize, look: &Look) -> String {
    let start = query.floor_char_boundary(offset.min(query.len()));
    let end = query.ceil_char_boundary(start.saturating_add(length.max(1)).min(query.len()));
    let [before, place, after] =
        [(0, start), (start, end), (end, query.len())].map(|(from, to)| query.get(from..to).unwrap_or(""));
    let [mut before, place, mut after] = [before, place, after].map(escape::line);
    if let Some(width) = look.width
        && before.width() + place.width() + after.width() + 2 > width
    {
        if before.chars().count() > AROUND {
            let tail: Vec<char> = before.chars().rev().take(AROUND).collect();
            before = std::iter::once('…').chain(tail.into_iter().rev()).collect();
        }
        if after.chars().count() > AROUND {
            after = after.chars().take(AROUND).chain(['…']).collect();
        }
    }
    let marks = "^".repeat(place.width().max(1));
    let marks = look.palette.paint(Style::BoldRed, &marks);
    format!("  {before}{place}{after}\n  {}{marks}\n", " ".repeat(before.width()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_under_the_place() {
        let rows = [
            ("level:(error or", 6, 1, "  level:(error or\n        ^\n"),
            ("a b", 3, 0, "  a b\n     ^\n"),
            ("日本:[1", 7, 2, "  日本:[1\n       ^^\n"),
            ("größe:(", 8, 1, "  größe:(\n        ^\n"),
            ("x\x1b:(", 3, 1, "  x\\x1b:(\n        ^\n"),
            ("ü", 1, 1, "  ü\n  ^\n"),
            ("abc", 99, 99, "  abc\n     ^\n"),
            ("", 0, 0, "  \n  ^\n"),
        ];
        for (query, offset, length, expected) in rows {
            assert_eq!(caret(query, offset, length, &Look::plain(None)), expected, "{query}");
        }
    }

    #[test]
    fn a_long_query_is_shown_around_the_place() {
        let query = format!("{}(( {}", "a".repeat(200), "b".repeat(200));
        let shown = caret(&query, 200, 1, &Look::plain(Some(80)));
        let (text, marks) = shown.split_once('\n').unwrap();
        assert!(text.width() <= 80, "{text}");
        assert_eq!(text.chars().nth(marks.trim_end().chars().count() - 1), Some('('), "{shown}");
    }
}
