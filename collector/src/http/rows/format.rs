//! Rows as bytes: NDJSON, one JSON object, CSV or plain text. Documents and rows of tables are written alike. Knows
//! nothing of where they come from.
//!
//! CSV is that of RFC 4180. A text that begins as a formula does in spreadsheets gets an apostrophe before it: a
//! log line comes from anywhere, and whoever opens the file must not run it.

use std::borrow::Cow;
use std::ops::ControlFlow;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue};
use millpond_query::table::Cell;
use millpond_query::{Row, aliases};
use millpond_wire::batch::{DocRef, ValueRef, write_json_string, write_rfc3339};
use millpond_wire::names;

use super::{Visible, VisibleRow};
use crate::http::search::cell_to_json;

/// The forms of a reply of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Format {
    /// A JSON object a line, `_meta` last.
    Ndjson,
    /// One JSON object: `rows` and the members of `_meta`.
    Json,
    /// Cells with commas, names first.
    Csv,
    /// Values with tabs, as people read them.
    Text,
}

impl Format {
    /// What `Accept` asks for (RFC 9110, 12.5.1): the heaviest of the forms there are; of equal ones, in whatever order they
    /// are named, the first of [`Self::PREFERRED`]. Without any of them, that one, too.
    pub(in crate::http) fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let asked: Vec<(&str, f32)> = values.flat_map(|value| value.split(',')).map(weighed).collect();
        let mut best = (Self::Ndjson, 0.0);
        for (format, media_type) in Self::PREFERRED {
            let range = media_type.split_once('/').map_or("", |(kind, _)| kind);
            let is_meant = |asked: &str, by: u8| match by {
                0 => asked.eq_ignore_ascii_case(media_type),
                1 => asked.strip_suffix("/*").is_some_and(|kind| kind.eq_ignore_ascii_case(range)),
                _ => asked == "*/*",
            };
            // What names it best says its weight.
            let weight = (0..3).find_map(|by| asked.iter().find(|(asked, _)| is_meant(asked, by)));
            if let Some((_, weight)) = weight.filter(|(_, weight)| *weight > best.1) {
                best = (format, *weight);
            }
        }
        best.0
    }

    /// The forms, that in which all else is built first.
    const PREFERRED: [(Self, &str); 4] = [
        (Self::Ndjson, "application/x-ndjson"),
        (Self::Json, "application/json"),
        (Self::Csv, "text/csv"),
        (Self::Text, "text/plain"),
    ];

    /// The media type of the reply.
    pub(in crate::http) fn media_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Text => "text/plain; charset=utf-8",
        })
    }

    /// Whether the reply itself can say that something is missing.
    pub(in crate::http) fn has_meta(self) -> bool {
        matches!(self, Self::Ndjson | Self::Json)
    }
}

/// A media type of `Accept`, and its weight: 1 when none is given.
fn weighed(item: &str) -> (&str, f32) {
    let mut parts = item.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| {
        let (name, weight) = part.split_once('=')?;
        weight.parse().ok().filter(|_| name.eq_ignore_ascii_case("q"))
    });
    (media_type, weight.unwrap_or(1.0))
}

/// Writes the rows of one reply.
pub(in crate::http) struct RowWriter {
    format: Format,
    /// The columns of CSV and text.
    columns: Vec<String>,
    is_empty: bool,
}

impl RowWriter {
    /// Nothing is written yet. `columns` count for CSV and text only.
    pub(in crate::http) fn new(format: Format, columns: Vec<String>) -> Self {
        Self { format, columns, is_empty: true }
    }

    /// What comes before the first row.
    pub(in crate::http) fn begin(&self, out: &mut Vec<u8>) {
        match self.format {
            Format::Json => out.extend_from_slice(b"{\"rows\":["),
            Format::Csv => {
                let names = self.columns.iter().map(|name| move |out: &mut Vec<u8>| csv_name(name, out));
                line(names, b",", b"\r\n", out);
            }
            Format::Ndjson | Format::Text => {}
        }
    }

    /// A document.
    pub(in crate::http) fn document(&mut self, row: DocRef<'_>, visible: &Visible, out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson | Format::Json => self.json(|out| visible.write_json(row, out), out),
            Format::Csv | Format::Text => {
                let cells: Vec<_> = self.columns.iter().map(|name| cell_of(row, visible, name)).collect();
                self.cells(&cells, out);
            }
        }
    }

    /// A row of a table with these columns.
    pub(in crate::http) fn table_row(&mut self, columns: &[String], cells: Vec<Cell>, out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson | Format::Json => {
                // In the order of the columns, which a map would not keep.
                let write = |out: &mut Vec<u8>| {
                    for (at, (name, cell)) in columns.iter().zip(cells).enumerate() {
                        out.push(if at > 0 { b',' } else { b'{' });
                        write_json_string(name, out);
                        out.push(b':');
                        out.extend_from_slice(cell_to_json(cell).to_string().as_bytes());
                    }
                    out.extend_from_slice(if columns.is_empty() { b"{}" } else { b"}" });
                };
                self.json(write, out);
            }
            Format::Csv | Format::Text => self.cells(&cells, out),
        }
    }

    /// What comes after the last row; `meta` is the JSON object of what is to be said about them.
    pub(in crate::http) fn end(&self, meta: &[u8], out: &mut Vec<u8>) {
        match self.format {
            Format::Ndjson => {
                out.extend_from_slice(b"{\"_meta\":");
                out.extend_from_slice(meta);
                out.extend_from_slice(b"}\n");
            }
            Format::Json => {
                out.extend_from_slice(b"],");
                out.extend_from_slice(meta.strip_prefix(b"{").unwrap_or(b"}"));
            }
            Format::Csv | Format::Text => {}
        }
    }

    fn json(&mut self, write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        if self.format == Format::Json && !std::mem::take(&mut self.is_empty) {
            out.push(b',');
        }
        write(out);
        if self.format == Format::Ndjson {
            out.push(b'\n');
        }
    }

    fn cells(&self, cells: &[Cell], out: &mut Vec<u8>) {
        if self.format == Format::Csv {
            let cells = cells.iter().map(|cell| move |out: &mut Vec<u8>| csv_cell(cell, out));
            line(cells, b",", b"\r\n", out);
        } else {
            let cells = cells.iter().map(|cell| move |out: &mut Vec<u8>| text_cell(cell, out));
            line(cells, b"\t", b"\n", out);
        }
    }
}

/// Writes cells with a separator between them.
fn line(
    cells: impl Iterator<Item = impl FnOnce(&mut Vec<u8>)>,
    separator: &[u8],
    end: &[u8],
    out: &mut Vec<u8>,
) {
    for (at, write) in cells.enumerate() {
        if at > 0 {
            out.extend_from_slice(separator);
        }
        write(out);
    }
    out.extend_from_slice(end);
}

/// What a document has in a column: the value as it came, or what the language reads under this name. An array is its
/// JSON.
fn cell_of(row: DocRef<'_>, visible: &Visible, name: &str) -> Cell {
    match name {
        names::ID => return Cell::Str(row.id().to_string()),
        aliases::TIMESTAMP => return Cell::TimeNs(row.timestamp_ns()),
        _ if !visible.shows(name) => return Cell::Null,
        _ => {}
    }
    match row.field(name).filter(|_| name != names::LEVEL) {
        Some(ValueRef::Str(text) | ValueRef::Json(text)) => Cell::Str(text.to_owned()),
        Some(ValueRef::I64(number)) => Cell::I64(number),
        Some(ValueRef::F64(number)) => Cell::F64(number),
        Some(ValueRef::Bool(truth)) => Cell::Bool(truth),
        None => {
            let mut first = Cell::Null;
            VisibleRow { row, visible }.field(name, &mut |value| {
                first = Cell::from(value);
                ControlFlow::Break(())
            });
            first
        }
    }
}

/// A cell of CSV; a missing value is an empty one.
fn csv_cell(cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Str(text) => csv_text(text, out),
        Cell::List(_) => csv_text(&cell_to_json(cell.clone()).to_string(), out),
        cell => plain(cell, out),
    }
}

/// The name of a column. Ours is no formula, whatever it begins with.
fn csv_name(name: &str, out: &mut Vec<u8>) {
    if name == aliases::TIMESTAMP { out.extend_from_slice(name.as_bytes()) } else { csv_text(name, out) }
}

fn csv_text(text: &str, out: &mut Vec<u8>) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_quoted = text.contains(['"', ',', '\n', '\r']) || text != text.trim();
    let quote: &[u8] = if is_quoted { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    if is_formula {
        out.push(b'\'');
    }
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(quote);
}

/// A value in a line of text. What would break the line, act on a terminal, or hide or reorder text is shown as the escape
/// that a programmer would write, as the client for the shell does: whoever can write a log line can write these.
fn text_cell(cell: &Cell, out: &mut Vec<u8>) {
    let text = match cell {
        Cell::Str(text) => Cow::Borrowed(text.as_str()),
        Cell::List(_) => Cow::Owned(cell_to_json(cell.clone()).to_string()),
        cell => return plain(cell, out),
    };
    for c in text.chars() {
        match c {
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ if !is_invisible(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            _ if u32::from(c) < 0x100 => out.extend_from_slice(format!("\\x{:02x}", u32::from(c)).as_bytes()),
            _ => out.extend_from_slice(format!("\\u{{{:x}}}", u32::from(c)).as_bytes()),
        }
    }
}

/// Controls, and what Unicode has to reorder or hide text, but not the joiners, which scripts and emoji need.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What needs no care: numbers, times, truth values.
fn plain(cell: &Cell, out: &mut Vec<u8>) {
    match cell {
        Cell::Null => {}
        Cell::Str(text) => out.extend_from_slice(text.as_bytes()),
        Cell::TimeNs(timestamp_ns) => write_rfc3339(*timestamp_ns, out),
        Cell::Bool(_) | Cell::I64(_) | Cell::F64(_) | Cell::List(_) => {
            out.extend_from_slice(cell_to_json(cell.clone()).to_string().as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, cells: Vec<Cell>) -> String {
        let mut out = Vec::new();
        let names: Vec<String> = (0..cells.len()).map(|at| format!("c{at}")).collect();
        RowWriter::new(format, names.clone()).table_row(&names, cells, &mut out);
        String::from_utf8(out).unwrap()
    }

    /// The page names JSON, in which it gets all else, before the NDJSON of rows: the order says nothing.
    #[test]
    fn the_heaviest_form_is_sent_and_of_equal_ones_ours() {
        for (accept, expected) in [
            ("", Format::Ndjson),
            ("*/*", Format::Ndjson),
            ("text/html, */*", Format::Ndjson),
            ("text/csv", Format::Csv),
            ("text/html, text/plain;q=0.9, text/csv", Format::Csv),
            ("application/json; charset=utf-8", Format::Json),
            ("application/x-ndjson, application/json", Format::Ndjson),
            ("application/json, application/x-ndjson", Format::Ndjson),
            ("application/json, text/plain, */*", Format::Ndjson),
            ("application/json", Format::Json),
            ("text/html, application/json", Format::Json),
            ("application/json, */*;q=0.5", Format::Json),
            ("application/x-ndjson;q=0.1, text/csv; q=0.2", Format::Csv),
            ("application/x-ndjson;Q=0.1, text/csv; Q=0.2", Format::Csv),
            ("text/*", Format::Csv),
            ("text/plain, text/*;q=0.9", Format::Text),
            ("Text/CSV; header=present", Format::Csv),
            ("application/json;q=0, text/plain;q=nonsense", Format::Text),
            ("application/json;q=0", Format::Ndjson),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(Format::accepted(&headers), expected, "{accept}");
        }
    }

    #[test]
    fn a_row_of_a_table_has_its_columns_in_order() {
        let cells = || vec![Cell::I64(1), Cell::Null, Cell::Str("a\n\"b\"".into())];
        let expected = r#"{"z":1,"a":null,"m\"":"a\n\"b\""}"#;
        for (format, end) in [(Format::Ndjson, "\n"), (Format::Json, "")] {
            let mut out = Vec::new();
            RowWriter::new(format, Vec::new()).table_row(
                &["z", "a", "m\""].map(str::to_owned),
                cells(),
                &mut out,
            );
            assert_eq!(String::from_utf8(out).unwrap(), format!("{expected}{end}"));
        }
    }

    #[test]
    fn csv_and_text_are_what_spreadsheets_and_people_read_back() {
        let rows = [
            ("plain", "plain", "plain"),
            ("a,b", "\"a,b\"", "a,b"),
            ("say \"hi\"", "\"say \"\"hi\"\"\"", "say \"hi\""),
            ("two\nlines\r", "\"two\nlines\r\"", "two\\nlines\\r"),
            (" edge", "\" edge\"", " edge"),
            ("=1+1", "'=1+1", "=1+1"),
            ("+1", "'+1", "+1"),
            ("-1", "'-1", "-1"),
            ("@SUM(A1)", "'@SUM(A1)", "@SUM(A1)"),
            ("\t=1", "\"'\t=1\"", "\\t=1"),
            ("\r=1", "\"'\r=1\"", "\\r=1"),
            ("=HYPERLINK(\"x\",1)", "\"'=HYPERLINK(\"\"x\"\",1)\"", "=HYPERLINK(\"x\",1)"),
            ("\x1b[31mred\u{9b}", "\x1b[31mred\u{9b}", "\\x1b[31mred\\x9b"),
            ("a\u{202e}b\u{200d}", "a\u{202e}b\u{200d}", "a\\u{202e}b\u{200d}"),
            ("", "", ""),
        ];
        for (value, csv, text) in rows {
            let cells = || vec![Cell::Str(value.into()), Cell::I64(-5)];
            assert_eq!(written(Format::Csv, cells()), format!("{csv},-5\r\n"));
            assert_eq!(written(Format::Text, cells()), format!("{text}\t-5\n"));
        }
        let others = vec![Cell::Null, Cell::Bool(true), Cell::F64(0.5), Cell::TimeNs(0)];
        assert_eq!(written(Format::Csv, others), ",true,0.5,1970-01-01T00:00:00Z\r\n");
    }
}
