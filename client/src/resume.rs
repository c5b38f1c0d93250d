//! The file of an export: made anew, or taken up where it was cut off.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use crate::arguments::ExportFormat;
use crate::failure::Failure;
use crate::limits::{CHUNK_BYTES, LINE_BYTES_MAX};
use crate::records::{self, Records};

/// What a file has of an export.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The `_id` of its last row; `None`: it has none.
    pub(crate) cursor: Option<String>,
    /// Whole rows.
    pub(crate) rows: u64,
    /// The columns of CSV, which the rows that follow must have, too.
    pub(crate) columns: Vec<String>,
}

/// A new file. One that is there is not overwritten: it may be the export of a day.
pub(crate) fn create(path: &Path) -> Result<File, Failure> {
    let created = File::options().write(true).create_new(true).open(path);
    created.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::Usage(format!("{} is there already; --resume goes on with it", path.display()))
        }
        _ => Failure::file(path, error),
    })
}

/// Opens a file, which need not be there, at the end of its last whole row, and cuts off what is behind that.
pub(crate) fn resume(path: &Path, format: ExportFormat) -> Result<(File, Kept), Failure> {
    let is_csv = match format {
        ExportFormat::Ndjson => false,
        ExportFormat::Csv => true,
        ExportFormat::Text => {
            return Err(Failure::Usage("text has no ids to go on after; export NDJSON or CSV".into()));
        }
    };
    let failed = |error| Failure::file(path, error);
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(path);
    let mut file = opened.map_err(failed)?;
    let records = scan(&mut file, is_csv).map_err(failed)?;
    let rows = records.count.saturating_sub(u64::from(is_csv));
    let last = records.last.filter(|_| rows > 0);
    let mut kept = Kept { rows, ..Kept::default() };
    if let Some(last) = &last {
        let no_id = || {
            Failure::Usage(format!(
                "{}: the last row has no _id to go on after; export with _id as the first of --fields",
                path.display()
            ))
        };
        let header = match records.first.filter(|_| is_csv) {
            Some(first) => records::cells(&read(&mut file, &first).map_err(failed)?),
            None => Vec::new(),
        };
        if is_csv && header.first().is_none_or(|name| name != "_id") {
            return Err(no_id());
        }
        if let Some(name) = header.iter().find(|name| name.contains(',')) {
            return Err(Failure::Usage(format!("a column can't be asked for again: {name}")));
        }
        let record = read(&mut file, last).map_err(failed)?;
        kept.cursor = Some(records::id(&record, is_csv).ok_or_else(no_id)?);
        kept.columns = header;
    }
    let end = last.map_or(0, |last| last.end);
    file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end))).map_err(failed)?;
    Ok((file, kept))
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

fn read(file: &mut File, record: &Range<u64>) -> io::Result<String> {
    file.seek(SeekFrom::Start(record.start))?;
    let most = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    file.take((record.end - record.start).min(most)).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
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
        let whole_csv = format!("_id,\"a\"\"b\"\r\n{ID},\"x\ny\"\r\n");
        let columns = vec!["_id".to_owned(), "a\"b".to_owned()];
        let rows = [
            (
                ExportFormat::Ndjson,
                whole_json.clone(),
                "{\"_id\":\"cut",
                whole_json.clone(),
                Some(ID),
                2,
                vec![],
            ),
            (ExportFormat::Ndjson, String::new(), "{\"_id\":", String::new(), None, 0, vec![]),
            (ExportFormat::Csv, whole_csv.clone(), "98,\"cut\n", whole_csv, Some(ID), 1, columns),
            (ExportFormat::Csv, "_id,a\r\n".to_owned(), "98", String::new(), None, 0, vec![]),
        ];
        for (format, whole, cut, left, cursor, count, columns) in rows {
            fs::write(&path, format!("{whole}{cut}")).unwrap();
            let (mut file, kept) = resume(&path, format).unwrap();
            file.write_all(b"next").unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{left}next"));
            assert_eq!(kept, Kept { cursor: cursor.map(str::to_owned), rows: count, columns });
        }
    }

    #[test]
    fn what_can_not_go_on_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("export");
        let rows = [
            (ExportFormat::Text, "a\nb"),
            (ExportFormat::Ndjson, "{\"message\":\"no id\"}\ncut"),
            (ExportFormat::Csv, "host,_id\r\na,98\r\ncut"),
        ];
        for (format, text) in rows {
            fs::write(&path, text).unwrap();
            assert!(resume(&path, format).is_err(), "{format:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert!(create(&path).is_err_and(|error| error.to_string().contains("--resume")));
    }
}
