//! `export`: all documents as they come, to standard output or a file. A file that was cut off goes on after its last
//! whole row; nothing of it is touched before the collector has answered, and with the same columns.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal, Read, Write};
use std::path::Path;

use super::pages::last_line;
use super::{Meta, Outcome, Shell};
use crate::api::{Lines, Parameters};
use crate::arguments::{Export, ExportFormat};
use crate::escape::Pieces;
use crate::failure::Failure;
use crate::limits::CHUNK_BYTES;
use crate::progress::Progress;
use crate::records::Records;
use crate::render::pretty;
use crate::resume::{Found, create, find};
use crate::terminal::Output;
use crate::when;

const PATH: &str = "/api/v1/export";

pub(crate) fn run(export: &Export, shell: &mut Shell) -> Result<Outcome, Failure> {
    let mut parameters = shell.parameters(&export.query.text(), &export.range)?;
    let path = export.file.as_deref().filter(|path| *path != Path::new("-"));
    // What goes on later must ask for the same time.
    if path.is_some() {
        shell.hold(&mut parameters);
    }
    let moving = moving(export, &parameters, shell);
    let found = match path {
        None if export.resume => {
            return Err(Failure::Usage("--resume needs a file; standard output can't go on".into()));
        }
        None => None,
        Some(path) if export.resume => Some(find(path, export.format)?),
        Some(path) => Some(create(path)?),
    };
    let rows_kept = found.as_ref().map_or(0, |found| found.rows);
    if !moving.is_empty() {
        if rows_kept > 0 {
            let why = "a time such as 1h or today has moved since the export began, and rows would be missing; give \
                       the time itself, as it was told at the beginning or at the cut: --since 2026-11-22T10:30:00Z";
            return Err(Failure::Usage(why.into()));
        }
        if path.is_some() && io::stderr().is_terminal() {
            shell.note(&format!("what goes on with it if it is cut off: --resume{moving}"));
        }
    }
    add_form(export, found.as_ref(), &mut parameters);
    let mut progress = Progress::new(path.is_some());
    let written = copy(export.format, &parameters, found, path, shell, &mut progress);
    progress.end();
    let rows = progress.rows + rows_kept;
    // Nothing came, so nothing stays behind.
    if let (Err(_), Some(path), false, 0) = (&written, path, export.resume, progress.rows) {
        let _ = std::fs::remove_file(path);
    }
    let meta = match written {
        Err(Failure::CutOff(why)) if rows > 0 && path.is_some_and(|path| goes_on(export, path)) => {
            return Err(Failure::CutOff(format!("{why}; the same command with --resume{moving} goes on")));
        }
        written => written?,
    };
    shell.tell(&meta);
    Ok(Outcome::of(rows > 0))
}

/// The options that hold the times of which the typed ones will be others later, each after a space.
fn moving(export: &Export, parameters: &Parameters, shell: &Shell) -> String {
    let typed = [("start", "--since", &export.range.since), ("end", "--until", &export.range.until)];
    let moving = typed.into_iter().filter_map(|(name, option, typed)| {
        typed.as_ref().filter(|typed| when::moves(typed, &shell.now))?;
        let (_, held) = parameters.iter().find(|(parameter, _)| *parameter == name)?;
        Some(format!(" {option} {held}"))
    });
    moving.collect()
}

/// Whether the file can go on. With pipes it is not known: rows that were ordered or counted can't.
fn goes_on(export: &Export, path: &Path) -> bool {
    !export.query.text().contains('|') && find(path, export.format).is_ok()
}

/// What rows are wanted in. A file that goes on keeps its columns.
fn add_form(export: &Export, found: Option<&Found>, parameters: &mut Parameters) {
    let format = match export.format {
        ExportFormat::Ndjson => "ndjson",
        ExportFormat::Csv => "csv",
        ExportFormat::Text => "text",
    };
    parameters.push(("format", format.to_owned()));
    parameters.push(("order", export.order.name().to_owned()));
    let columns = found.map(|found| &found.columns).filter(|columns| !columns.is_empty());
    let fields = columns.unwrap_or(&export.fields);
    if !fields.is_empty() {
        parameters.push(("fields", fields.join(",")));
    }
    parameters.extend(found.and_then(|found| found.cursor.clone()).map(|cursor| ("cursor", cursor)));
}

/// Asks, and copies what comes. What came is kept also when not all did.
fn copy(
    format: ExportFormat,
    parameters: &Parameters,
    found: Option<Found>,
    path: Option<&Path>,
    shell: &mut Shell,
    progress: &mut Progress,
) -> Result<Meta, Failure> {
    let mut sink;
    let copied = if format == ExportFormat::Ndjson {
        let lines = shell.api.lines(PATH, parameters)?;
        sink = Sink::open(found, path, &mut shell.out)?;
        rows(lines, &mut sink, progress)
    } else {
        let mut body = BufReader::with_capacity(CHUNK_BYTES, shell.api.bytes(PATH, parameters)?);
        if let Some(found) = &found {
            found.check_header(&mut body)?;
        }
        let is_csv = format == ExportFormat::Csv;
        let has_header = is_csv && found.as_ref().is_none_or(|found| found.rows == 0);
        sink = Sink::open(found, path, &mut shell.out)?;
        bytes(body, is_csv, has_header, &mut sink, progress)
    };
    let flushed = sink.flush();
    copied.and_then(|meta| flushed.map(|()| meta))
}

/// Copies NDJSON but for its last line, whose words come back.
fn rows(mut lines: Lines, sink: &mut Sink<'_>, progress: &mut Progress) -> Result<Meta, Failure> {
    while let Some(line) = lines.read()? {
        if let Some(meta) = last_line(line) {
            return Ok(meta);
        }
        sink.line(line)?;
        progress.add(1, line.len());
    }
    Err(Failure::CutOff("its last line is missing".into()))
}

/// Copies CSV or text, where an answer that is cut off lacks its end.
fn bytes(
    mut body: impl Read,
    is_csv: bool,
    has_header: bool,
    sink: &mut Sink<'_>,
    progress: &mut Progress,
) -> Result<Meta, Failure> {
    let mut records = Records::new(is_csv);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut before = 0;
    loop {
        let length = body.read(&mut chunk).map_err(|error| Failure::CutOff(error.to_string()))?;
        let bytes = chunk.get(..length).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(Meta::default());
        }
        sink.bytes(bytes)?;
        records.take(bytes);
        let rows = records.count.saturating_sub(u64::from(has_header));
        progress.add(rows - before, length);
        before = rows;
    }
}

/// Where the rows go.
enum Sink<'a> {
    Output(&'a mut Output, Pieces),
    File(BufWriter<File>, &'a Path),
}

impl<'a> Sink<'a> {
    /// Cuts a file that goes on behind its last whole row.
    fn open(found: Option<Found>, path: Option<&'a Path>, out: &'a mut Output) -> Result<Self, Failure> {
        match (found, path) {
            (Some(found), Some(path)) => Ok(Self::File(BufWriter::new(found.open()?), path)),
            _ => Ok(Self::Output(out, Pieces::default())),
        }
    }

    /// A line of JSON.
    fn line(&mut self, line: &str) -> Result<(), Failure> {
        match self {
            Self::Output(out, _) => {
                let mut text = String::with_capacity(line.len() + 1);
                pretty::push_json(line, out.is_terminal(), &mut text);
                out.write(text.as_bytes())
            }
            Self::File(file, path) => {
                let written = file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n"));
                written.map_err(|error| Failure::file(path, error))
            }
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Output(out, pieces) if out.is_terminal() => out.write(pieces.take(bytes).as_bytes()),
            Self::Output(out, _) => out.write(bytes),
            Self::File(file, path) => file.write_all(bytes).map_err(|error| Failure::file(path, error)),
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        match self {
            Self::Output(out, pieces) => {
                out.write(pieces.take(&[]).as_bytes())?;
                out.flush()
            }
            Self::File(file, path) => file.flush().map_err(|error| Failure::file(path, error)),
        }
    }
}
