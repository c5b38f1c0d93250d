//! `export`: all documents as they come, to standard output or a file. A file that was cut off goes on after its last
//! whole row.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

use super::pages::last_line;
use super::{Meta, Outcome, Shell};
use crate::api::{Api, Parameters};
use crate::arguments::{Export, ExportFormat};
use crate::failure::Failure;
use crate::limits::CHUNK_BYTES;
use crate::progress::Progress;
use crate::records::Records;
use crate::resume::{Kept, create, resume};
use crate::terminal::Output;

const PATH: &str = "/api/v1/export";

pub(crate) fn run(export: &Export, shell: &mut Shell) -> Result<Outcome, Failure> {
    let mut parameters = shell.parameters(&export.query.text(), &export.range)?;
    let format = match export.format {
        ExportFormat::Ndjson => "ndjson",
        ExportFormat::Csv => "csv",
        ExportFormat::Text => "text",
    };
    parameters.push(("format", format.to_owned()));
    parameters.push(("order", export.order.name().to_owned()));
    let is_csv = export.format == ExportFormat::Csv;
    let mut fields = export.fields.clone();
    let mut kept = Kept::default();
    let mut sink = match &export.file {
        None => Sink::Output(&mut shell.out),
        Some(path) if !export.resume => Sink::File(BufWriter::new(create(path)?), path),
        Some(path) => {
            let (file, found) = resume(path, export.format)?;
            kept = found;
            if !kept.columns.is_empty() {
                fields.clone_from(&kept.columns);
            }
            parameters.extend(kept.cursor.clone().map(|cursor| ("cursor", cursor)));
            Sink::File(BufWriter::new(file), path)
        }
    };
    if !fields.is_empty() {
        parameters.push(("fields", fields.join(",")));
    }
    let mut progress = Progress::new(export.file.is_some());
    let written = match export.format {
        ExportFormat::Ndjson => rows(&parameters, &shell.api, &mut sink, &mut progress),
        _ => bytes(&parameters, &shell.api, is_csv, kept.cursor.is_some(), &mut sink, &mut progress),
    };
    // What came is kept also when not all did.
    let flushed = sink.flush();
    progress.end();
    // Nothing came, so nothing stays behind.
    if let (Err(_), Sink::File(_, path), false, 0) = (&written, &sink, export.resume, progress.rows) {
        let _ = std::fs::remove_file(path);
    }
    let meta = match written {
        Err(Failure::CutOff(why)) if export.file.is_some() && export.format != ExportFormat::Text => {
            return Err(Failure::CutOff(format!("{why}; the same command with --resume goes on")));
        }
        written => written?,
    };
    flushed?;
    shell.tell(&meta);
    Ok(Outcome::of(progress.rows + kept.rows > 0))
}

/// Copies NDJSON but for its last line, whose words come back.
fn rows(
    parameters: &Parameters,
    api: &Api,
    sink: &mut Sink<'_>,
    progress: &mut Progress,
) -> Result<Meta, Failure> {
    let mut lines = api.lines(PATH, parameters)?;
    while let Some(line) = lines.read()? {
        if let Some(meta) = last_line(line) {
            return Ok(meta);
        }
        sink.write(line.as_bytes())?;
        sink.write(b"\n")?;
        progress.add(1, line.len());
    }
    Err(Failure::CutOff("its last line is missing".into()))
}

/// Copies CSV or text, where an answer that is cut off lacks its end. A file that goes on has its header already.
fn bytes(
    parameters: &Parameters,
    api: &Api,
    is_csv: bool,
    goes_on: bool,
    sink: &mut Sink<'_>,
    progress: &mut Progress,
) -> Result<Meta, Failure> {
    let mut body = api.bytes(PATH, parameters)?;
    let mut records = Records::new(is_csv);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut before = 0;
    loop {
        let length = body.read(&mut chunk).map_err(|error| Failure::CutOff(error.to_string()))?;
        let bytes = chunk.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Meta::default());
        }
        let position = records.position();
        records.take(bytes);
        let header_end = records.first.as_ref().map_or(u64::MAX, |header| header.end);
        let header_left = if is_csv && goes_on { header_end.saturating_sub(position) } else { 0 };
        let header_left = usize::try_from(header_left).unwrap_or(usize::MAX).min(bytes.len());
        sink.write(bytes.get(header_left..).unwrap_or_default())?;
        let rows = records.count.saturating_sub(u64::from(is_csv));
        progress.add(rows - before, length);
        before = rows;
    }
}

/// Where the rows go.
enum Sink<'a> {
    Output(&'a mut Output),
    File(BufWriter<File>, &'a Path),
}

impl Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Output(out) => out.write(bytes),
            Self::File(file, path) => file.write_all(bytes).map_err(|error| Failure::file(path, error)),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Output(out) => out.flush(),
            Self::File(file, path) => file.flush().map_err(|error| Failure::file(path, error)),
        }
    }
}
