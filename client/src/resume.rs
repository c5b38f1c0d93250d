//! The file of an export: made anew, or taken up where it was cut off. A file is only read until it is sure that the
//! rows to come belong behind what it has.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::arguments::ExportFormat;
use crate::failure::Failure;
use crate::limits::{CHUNK_BYTES, LINE_BYTES_MAX};
use crate::records::{self, Records};
use crate::render::csv;

/// Digits of an `_id`.
const ID_DIGITS: usize = 32;

/// A file, and what it has of an export.
#[derive(Debug)]
pub(crate) struct Found {
    file: File,
    path: PathBuf,
    /// Bytes of whole rows; what is behind them is the beginning of one.
    end: u64,
    /// The line of names in CSV, if rows follow it.
    header: Vec<u8>,
    /// The `_id` of its last row; `None`: it has none.
    pub(crate) cursor: Option<String>,
    /// Whole rows.
    pub(crate) rows: u64,
    /// The columns of CSV, which the rows that follow must have, too.
    pub(crate) columns: Vec<String>,
}

impl Found {
    fn new(file: File, path: &Path) -> Self {
        let (header, columns) = (Vec::new(), Vec::new());
        Self { file, path: path.to_owned(), end: 0, header, cursor: None, rows: 0, columns }
    }

    /// Reads the names in front of the rows that are to follow. Others than those of the file are refused.
    pub(crate) fn check_header(&self, body: &mut impl BufRead) -> Result<(), Failure> {
        if self.header.is_empty() {
            return Ok(());
        }
        let mut said = Vec::new();
        // One byte more would not be the same any more.
        let most = u64::try_from(self.header.len()).unwrap_or(u64::MAX);
        let read = body.take(most).read_to_end(&mut said);
        read.map_err(|error| Failure::CutOff(error.to_string()))?;
        if said == self.header {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "{}: the collector gives other columns for those of this file, which stays as it is; export them again",
            self.path.display()
        )))
    }

    /// The file at the end of its last whole row; what was behind that is cut off.
    pub(crate) fn open(mut self) -> Result<File, Failure> {
        let end = self.end;
        let length = self.file.seek(SeekFrom::End(0));
        let cut = length.and_then(|length| if length > end { self.file.set_len(end) } else { Ok(()) });
        let opened = cut.and_then(|()| self.file.seek(SeekFrom::Start(end)));
        opened.map_err(|error| Failure::file(&self.path, error))?;
        Ok(self.file)
    }
}

/// A new file. One that is there is not overwritten: it may be the export of a day.
pub(crate) fn create(path: &Path) -> Result<Found, Failure> {
    let created = File::options().write(true).create_new(true).open(path);
    let file = created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::Usage(format!("{} is there already; --resume goes on with it", path.display()))
        }
        _ => Failure::file(path, error),
    })?;
    Ok(Found::new(file, path))
}

/// Opens a file, which need not be there, and finds the end of its last whole row. One that is no export is refused.
pub(crate) fn find(path: &Path, format: ExportFormat) -> Result<Found, Failure> {
    let is_csv = match format {
        ExportFormat::Ndjson => false,
        ExportFormat::Csv => true,
        ExportFormat::Text => {
            return Err(Failure::Usage("text has no ids to go on after; export NDJSON or CSV".into()));
        }
    };
    let failed = |error| Failure::file(path, error);
    let refused = |why: &str| Failure::Usage(format!("{}: {why}", path.display()));
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(failed)?;
    let records = scan(&mut file, is_csv).map_err(failed)?;
    let behind = records.last.as_ref().map_or(0, |last| last.end);
    let rest = read(&mut file, &(behind..behind + 64)).map_err(failed)?;
    if !is_cut(&rest, is_csv, records.count > 0) {
        return Err(refused("this is no export of that format that was cut off"));
    }
    let mut found = Found::new(file, path);
    let Some(last) = records.last else { return Ok(found) };
    let no_id =
        || refused("the last row has no _id to go on after; export with _id as the first of --fields");
    if let Some(first) = records.first.filter(|_| is_csv) {
        let header = read(&mut found.file, &first).map_err(failed)?;
        let cells = records::cells(&String::from_utf8_lossy(&header));
        if cells.first().is_none_or(|name| name != "_id") {
            return Err(no_id());
        }
        if records.count == 1 {
            return Ok(found);
        }
        if let Some(name) = cells.iter().find(|name| name.contains(',')) {
            return Err(refused(&format!("a column can't be asked for again: {name}")));
        }
        found.columns = cells.iter().map(|cell| csv::name(cell).to_owned()).collect();
        found.header = header;
    }
    let record = read(&mut found.file, &last).map_err(failed)?;
    found.cursor = Some(records::id(&String::from_utf8_lossy(&record), is_csv).ok_or_else(no_id)?);
    found.rows = records.count - u64::from(is_csv);
    found.end = last.end;
    Ok(found)
}

/// Whether what is behind the last whole record can be the beginning of another.
fn is_cut(rest: &[u8], is_csv: bool, has_records: bool) -> bool {
    let begins = |prefix: &[u8]| rest.iter().zip(prefix).all(|(a, b)| a == b);
    let begins_with_id = |prefix: &[u8], ends: &[u8]| {
        let id = rest.get(prefix.len()..).unwrap_or_default();
        begins(prefix)
            && id.iter().take(ID_DIGITS).all(u8::is_ascii_hexdigit)
            && id.get(ID_DIGITS).is_none_or(|end| ends.contains(end))
    };
    match (is_csv, has_records) {
        (false, _) => begins_with_id(b"{\"_id\":\"", b"\""),
        (true, true) => begins_with_id(b"", b",\r"),
        (true, false) => begins(b"_id,") || begins(b"_id\r"),
    }
}

fn scan(file: &mut File, is_csv: bool) -> io::Result<Records> {
    let mut records = Records::new(is_csv);
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok(records);
        }
        records.take(chunk.get(..length).unwrap_or_default());
    }
}

fn read(file: &mut File, record: &Range<u64>) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(record.start))?;
    let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take((record.end - record.start).min(most)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    const ID: &str = "98ea00000000000000000000000000ff";

    #[test]
    fn files_go_on_after_their_last_whole_row() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("export");
        let whole_json = format!("{{\"_id\":\"0\"}}\n{{\"_id\":\"{ID}\"}}\n");
        let whole_csv = format!("_id,\"a\"\"b\",'@v\r\n{ID},\"x\ny\"\r\n");
        let columns = ["_id", "a\"b", "@v"].map(str::to_owned).to_vec();
        let rows = [
            (
                ExportFormat::Ndjson,
                whole_json.clone(),
                "{\"_id\":\"98ea",
                whole_json.clone(),
                Some(ID),
                2,
                vec![],
            ),
            (ExportFormat::Ndjson, String::new(), "{\"_id\":", String::new(), None, 0, vec![]),
            (
                ExportFormat::Csv,
                whole_csv.clone(),
                "98ea00000000000000000000000000fe,\"cut\n",
                whole_csv,
                Some(ID),
                1,
                columns,
            ),
            (ExportFormat::Csv, "_id,a\r\n".to_owned(), "98", String::new(), None, 0, vec![]),
        ];
        for (format, whole, cut, left, cursor, count, columns) in rows {
            fs::write(&path, format!("{whole}{cut}")).unwrap();
            let found = find(&path, format).unwrap();
            assert_eq!((found.cursor.as_deref(), found.rows, &found.columns), (cursor, count, &columns));
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{whole}{cut}"), "only read");
            found.open().unwrap().write_all(b"next").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{left}next"));
        }
    }

    #[test]
    fn what_can_not_go_on_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("export");
        let whole = format!("{{\"_id\":\"{ID}\"}}\n");
        let rows = [
            (ExportFormat::Text, "a\nb".to_owned()),
            (ExportFormat::Ndjson, "{\"message\":\"no id\"}\n{\"_id\":\"".to_owned()),
            (ExportFormat::Ndjson, "a thesis without any line break".to_owned()),
            (ExportFormat::Ndjson, "{\"_id\":\"of another program\"".to_owned()),
            (ExportFormat::Ndjson, format!("{{\"_id\":\"{ID}00\"")),
            (ExportFormat::Ndjson, format!("{whole}my notes")),
            (ExportFormat::Csv, "host,_id\r\na,98\r\n98".to_owned()),
            (ExportFormat::Csv, "host,name\r\n".to_owned()),
            (ExportFormat::Csv, "host,name".to_owned()),
            (ExportFormat::Csv, "_identity".to_owned()),
            (ExportFormat::Csv, format!("_id,a\r\n{ID},b\r\nnotes")),
            (ExportFormat::Csv, format!("_id,a\r\nno id,b\r\n{ID}")),
        ];
        for (format, text) in rows {
            fs::write(&path, &text).unwrap();
            assert!(find(&path, format).is_err(), "{format:?} {text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(create(&path).is_err_and(|error| error.to_string().contains("--resume")));
    }

    #[test]
    fn rows_with_other_columns_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("export");
        fs::write(&path, format!("_id,level\r\n{ID},x\r\n{ID}")).unwrap();
        let rows = [
            ("_id,level\r\n98,y\r\n", Some("98,y\r\n")),
            ("_id,log.level\r\n98,y\r\n", None),
            ("_id,leve", None),
            ("", None),
        ];
        for (body, left) in rows {
            let mut body = body.as_bytes();
            let checked = find(&path, ExportFormat::Csv).unwrap().check_header(&mut body);
            assert_eq!(checked.is_ok().then_some(body), left.map(str::as_bytes));
        }
    }
}
