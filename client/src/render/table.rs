//! Rows as aligned columns. On a terminal that is too narrow the widest columns are cut, with `…`; NDJSON and CSV
//! have everything. Pure.

use serde_json::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Look;
use crate::escape;
use crate::row;
use crate::style::Style;
use crate::when;

const GAP: &str = "  ";

/// No column is cut below this.
const COLUMN_MIN: usize = 6;

/// The table with a line for the heads, which is all that it has without rows.
pub(crate) fn table(heads: &[String], rows: &[Vec<Value>], look: &Look) -> String {
    let shown: Vec<Vec<String>> = rows.iter().map(|row| cells(heads, row, look)).collect();
    let titles: Vec<String> = heads.iter().map(|head| escape::line(head)).collect();
    let mut widths: Vec<usize> = titles.iter().map(|title| title.width()).collect();
    for row in &shown {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if let Some(total) = look.width {
        fit(&mut widths, total);
    }
    let is_number = |column: usize| {
        let cells = || rows.iter().filter_map(move |row| row.get(column));
        cells().any(Value::is_number) && cells().all(|cell| cell.is_number() || cell.is_null())
    };
    let right: Vec<bool> = (0..heads.len()).map(is_number).collect();
    let mut out = String::new();
    push_line(&titles, &widths, &right, Style::Bold, look, &mut out);
    for row in &shown {
        push_line(row, &widths, &right, Style::Plain, look, &mut out);
    }
    out
}

/// Texts of a row. Columns of times have the local time.
fn cells(heads: &[String], row: &[Value], look: &Look) -> Vec<String> {
    let cell = |(head, value): (&String, &Value)| {
        let text = row::text(value);
        let is_time = head == "@timestamp" || head.starts_with("_time");
        let time = is_time.then(|| when::local(&text, &look.zone)).flatten();
        time.unwrap_or_else(|| escape::line(&text))
    };
    heads.iter().zip(row).map(cell).collect()
}

/// Takes from the widest columns until the line fits, or nothing can be taken.
fn fit(widths: &mut [usize], total: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    let room = total.saturating_sub(gaps);
    while widths.iter().sum::<usize>() > room {
        let excess = widths.iter().sum::<usize>() - room;
        let Some(widest) = widths.iter().copied().max().filter(|widest| *widest > COLUMN_MIN) else { return };
        // Down to the second widest at most, so that equal columns are cut alike.
        let next = widths.iter().copied().filter(|width| *width < widest).max().unwrap_or(0).max(COLUMN_MIN);
        let alike = widths.iter().filter(|width| **width == widest).count();
        let step = (widest - next).min(excess.div_ceil(alike)).max(1);
        for width in widths.iter_mut().filter(|width| **width == widest) {
            *width -= step;
        }
    }
}

fn push_line(
    cells: &[String],
    widths: &[usize],
    right: &[bool],
    style: Style,
    look: &Look,
    out: &mut String,
) {
    let last = cells.len().saturating_sub(1);
    for (index, ((cell, width), is_right)) in cells.iter().zip(widths).zip(right).enumerate() {
        if index > 0 {
            out.push_str(GAP);
        }
        let text = cut(cell, *width);
        let padding = " ".repeat(width.saturating_sub(text.width()));
        if *is_right {
            out.push_str(&padding);
        }
        look.palette.push(style, &text, out);
        if !*is_right && index != last {
            out.push_str(&padding);
        }
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

/// The text in so many columns of the terminal.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let fits = |c: &char| match room.checked_sub(c.width().unwrap_or(0)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let mut out: String = text.chars().take_while(fits).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(heads: &[&str], rows: &[Value], width: Option<usize>) -> String {
        let heads: Vec<_> = heads.iter().map(|head| (*head).to_owned()).collect();
        let rows: Vec<_> = rows.iter().map(|row| row.as_array().unwrap().clone()).collect();
        table(&heads, &rows, &Look::plain(width))
    }

    #[test]
    fn columns_are_aligned() {
        let cases = [
            (
                shown(&["service.name", "n"], &[json!(["shop", 17]), json!(["Bücher 日本", 2])], None),
                "service.name   n\nshop          17\nBücher 日本    2\n",
            ),
            (shown(&["a", "b"], &[json!([null, "x"]), json!([1, null])], None), "a  b\n   x\n1\n"),
            (
                shown(&["_time:5m", "c"], &[json!(["2026-11-22T10:00:00Z", "a\nb\u{1b}"])], None),
                "_time:5m                 c\n2026-11-22 10:00:00.000  a\\nb\\x1b\n",
            ),
            (shown(&["n"], &[], None), "n\n"),
        ];
        for (shown, expected) in cases {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn the_widest_columns_are_cut() {
        let row = json!(["short", "a".repeat(50), "b".repeat(40)]);
        let shown = shown(&["x", "y", "z"], &[row], Some(40));
        assert_eq!(shown.lines().last(), Some("short  aaaaaaaaaaaaaa…  bbbbbbbbbbbbbb…"));
        let rows = [
            (vec![5, 50, 40], 39, vec![5, 15, 15]),
            (vec![3, 3], 1, vec![3, 3]),
            (vec![100], 10, vec![10]),
            (vec![7, 7], 100, vec![7, 7]),
        ];
        for (mut widths, total, expected) in rows {
            fit(&mut widths, total);
            assert_eq!(widths, expected);
        }
    }

    #[test]
    fn cut_texts_have_their_width() {
        for (text, width, expected) in [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("ab", 0, "…"),
        ] {
            assert_eq!(cut(text, width), expected);
        }
    }
}
