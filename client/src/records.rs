//! Where the records of an exported file begin and end, so that an export that was cut off can go on. A record of NDJSON
//! is a line; one of CSV (RFC 4180) ends with a line break outside quotes. Pure: bytes come in piece by piece.

use std::ops::Range;

use crate::row::Row;

/// The records of a file as far as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Records {
    is_csv: bool,
    is_quoted: bool,
    position: u64,
    /// Where the record begins that is not whole yet.
    start: u64,
    /// Bytes of the first whole record.
    pub(crate) first: Option<Range<u64>>,
    /// Bytes of the last whole record.
    pub(crate) last: Option<Range<u64>>,
    /// Whole records.
    pub(crate) count: u64,
}

impl Records {
    pub(crate) fn new(is_csv: bool) -> Self {
        Self { is_csv, is_quoted: false, position: 0, start: 0, first: None, last: None, count: 0 }
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.position += 1;
            match byte {
                b'"' if self.is_csv => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => {
                    let record = self.start..self.position;
                    self.start = self.position;
                    self.count += 1;
                    self.first.get_or_insert_with(|| record.clone());
                    self.last = Some(record);
                }
                _ => {}
            }
        }
    }
}

/// The `_id` of a record; of CSV, the cell of its first column.
pub(crate) fn id(record: &str, is_csv: bool) -> Option<String> {
    let id = if is_csv {
        record.split([',', '\r', '\n']).next()?.to_owned()
    } else {
        serde_json::from_str::<Row>(record).ok()?.text("_id")?.into_owned()
    };
    (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(id)
}

/// The cells of a record of CSV.
pub(crate) fn cells(record: &str) -> Vec<String> {
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut chars = record.trim_end_matches(['\r', '\n']).chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_end_where_they_are_whole() {
        let rows: [(bool, &str, u64, Option<Range<u64>>); 8] = [
            (false, "", 0, None),
            (false, "{\"a\":1", 0, None),
            (false, "{}\n{}\n", 2, Some(3..6)),
            (false, "{}\n{\"_id\"", 1, Some(0..3)),
            (false, "\"\n\"\n", 2, Some(2..4)),
            (true, "h\r\n\"a\nb\"\r\nc", 2, Some(3..10)),
            (true, "h\r\n\"a\n", 1, Some(0..3)),
            (true, "h\r\n\"say \"\"x\n\"\"\"\r\n", 2, Some(3..17)),
        ];
        for (is_csv, text, count, last) in rows {
            for piece in [1, 3, 100] {
                let mut records = Records::new(is_csv);
                text.as_bytes().chunks(piece).for_each(|bytes| records.take(bytes));
                assert_eq!((records.count, &records.last), (count, &last), "{text:?}");
            }
        }
    }

    #[test]
    fn ids_and_cells() {
        let hex = "98ea00000000000000000000000000ff";
        let rows = [
            (format!("{{\"_id\":\"{hex}\",\"a\":1}}\n"), false, Some(hex)),
            (format!("{hex},2026\r\n"), true, Some(hex)),
            (format!("{hex}\r\n"), true, Some(hex)),
            ("{\"_id\":\"x\"}".to_owned(), false, None),
            ("_id,@timestamp\r\n".to_owned(), true, None),
            ("no json".to_owned(), false, None),
        ];
        for (record, is_csv, expected) in rows {
            assert_eq!(id(&record, is_csv).as_deref(), expected, "{record}");
        }
        assert_eq!(cells("_id,\"a,b\",\"say \"\"x\"\"\",\r\n"), ["_id", "a,b", "say \"x\"", ""]);
    }
}
