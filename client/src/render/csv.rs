//! CSV (RFC 4180): lines end with CRLF, cells with a comma, quote or line break are quoted. A text that a spreadsheet
//! would take for a formula begins with an apostrophe, as in the export of the API. Pure.

use std::borrow::Cow;

use millpond_query::aliases::TIMESTAMP;
use serde_json::Value;

use crate::{escape, row};

/// Appends one record; on a terminal, what is not printed shows as its escape.
pub(crate) fn push<'a>(cells: impl IntoIterator<Item = &'a Value>, is_terminal: bool, out: &mut String) {
    for (index, value) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_cell(&row::text(value), value.is_number(), is_terminal, out);
    }
    out.push_str("\r\n");
}

/// Appends the line of the names. Ours of the time is no formula, whatever it begins with.
pub(crate) fn push_names(names: &[String], is_terminal: bool, out: &mut String) {
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_cell(name, name == TIMESTAMP, is_terminal, out);
    }
    out.push_str("\r\n");
}

/// A name in a file as the API takes it, without the apostrophe that a name like a formula has there.
pub(crate) fn name(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|name| is_formula(name)).unwrap_or(cell)
}

fn is_formula(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn push_cell(text: &str, is_safe: bool, is_terminal: bool, out: &mut String) {
    let apostrophe = if is_formula(text) && !is_safe { "'" } else { "" };
    let text = if is_terminal { Cow::Owned(escape::line(text)) } else { Cow::Borrowed(text) };
    if text.contains([',', '"', '\n', '\r']) || text.trim() != text {
        out.extend(["\"", apostrophe, &text.replace('"', "\"\""), "\""]);
    } else {
        out.extend([apostrophe, &text]);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records() {
        let rows = [
            (json!(["a", 1, null, true]), "a,1,,true\r\n"),
            (json!(["a,b", "say \"x\"", "two\nlines"]), "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"\r\n"),
            (json!(["=1+1", "-5", -5, "@x", "+", "\t=x"]), "'=1+1,'-5,-5,'@x,'+,\"'\t=x\"\r\n"),
            (json!(["=HYPERLINK(\"x\",1)"]), "\"'=HYPERLINK(\"\"x\"\",1)\"\r\n"),
            (json!([" edge", "a b"]), "\" edge\",a b\r\n"),
            (json!([]), "\r\n"),
        ];
        for (row, expected) in rows {
            let mut out = String::new();
            push(row.as_array().unwrap(), false, &mut out);
            assert_eq!(out, expected, "{row}");
        }
    }
    #[test]
    fn names_are_those_of_the_collector() {
        let names = ["_id", "@timestamp", "@version", "=a", "a,b"].map(str::to_owned);
        let mut out = String::new();
        push_names(&names, false, &mut out);
        assert_eq!(out, "_id,@timestamp,'@version,'=a,\"a,b\"\r\n");
        for (cell, expected) in
            [("'@version", "@version"), ("@timestamp", "@timestamp"), ("'a", "'a"), ("'", "'")]
        {
            assert_eq!(name(cell), expected);
        }
    }

    #[test]
    fn a_terminal_gets_no_controls() {
        let mut out = String::new();
        let cells = json!(["\u{1b}[2J", "\ra\nb", "\u{9b}1m\u{7f}", "\u{202e}"]);
        push(cells.as_array().unwrap(), true, &mut out);
        assert_eq!(out, "\\x1b[2J,'\\ra\\nb,\\x9b1m\\x7f,\\u{202e}\r\n");
    }
}
