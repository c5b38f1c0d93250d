//! `parse`: what lines become. They go the agent's own way: the turns of a file, the recorder, the encoder, and out of
//! the request as the collector reads it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::process::ExitCode;

use millpond_agent::batch::{BatchLimits, Batcher};
use millpond_agent::config::format_named;
use millpond_agent::limits;
use millpond_agent::metrics::Counters;
use millpond_agent::record::Labels;
use millpond_agent::tail::Section;
use millpond_agent::tail::content::Content;
use millpond_agent::tail::generation::Generation;
use millpond_agent::tail::identity::{Head, Inode, Mark};
use millpond_agent::tail::inspect;
use millpond_agent::tail::multiline::Multiline;
use millpond_agent::tail::read::{Reader, Turn, TurnEnd};
use millpond_agent::time::Clock;
use millpond_parsers::{Detector, Format, Stream};
use millpond_wire::batch::{DocRef, FieldRef, ValueRef, write_json_string, write_rfc3339};
use millpond_wire::compression::decompress;
use millpond_wire::names;
use millpond_wire::otlp::{Stamp, decode};
use millpond_wire::position::StreamId;

use super::{EXIT_IO, EXIT_USAGE, failed};

/// Bytes that are taken from the input at a time.
const CHUNK_BYTES: usize = 32 << 10;

/// Bytes of a request of two lines at most, each in a message and in fields.
const REQUEST_BYTES_MAX: usize = 64 << 20;

pub(crate) fn parse(format: &str, is_pretty: bool) -> ExitCode {
    let format = match format_named(format) {
        Ok(format) => format,
        Err(reason) => return failed(&reason, EXIT_USAGE),
    };
    match Lines::new(format, is_pretty).and_then(|lines| lines.run(&mut io::stdin().lock())) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads the documents has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => failed(&error, EXIT_IO),
    }
}

/// The lines of the input, as a file that grows.
struct Lines {
    file: File,
    content: Content,
    /// What of the input stands in the file.
    len: u64,
    generation: Generation,
    section: Section,
    reader: Reader,
    batcher: Batcher,
    counters: Counters,
    clock: Clock,
    is_pretty: bool,
    out: BufWriter<io::Stdout>,
}

impl Lines {
    fn new(format: Option<Format>, is_pretty: bool) -> io::Result<Self> {
        let mut batcher = Batcher::new(&[], BatchLimits { bytes: usize::MAX, age_ms: 0 });
        // One document a turn, so that the format of each is known.
        batcher.halve(2);
        let start = Mark::start();
        let file = nameless_file()?;
        Ok(Self {
            content: Content::plain(file.try_clone()?),
            file,
            len: 0,
            generation: Generation::new(
                0,
                Path::new(""),
                Inode { device: 0, number: 0 },
                Head::of(b""),
                start,
                0,
            ),
            section: Section {
                format,
                encoding: None,
                multiline: Multiline::default(),
                labels: Labels::default(),
                start_at_end: false,
                input: None,
            },
            reader: Reader::default(),
            batcher,
            counters: Counters::default(),
            clock: Clock::start(),
            is_pretty,
            out: BufWriter::new(io::stdout()),
        })
    }

    fn run(mut self, input: &mut impl Read) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let count = match input.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result?,
            };
            self.file.write_all_at(chunk.get(..count).unwrap_or_default(), self.len)?;
            self.len += count as u64;
            self.turns(count == 0)?;
            self.out.flush()?;
            if count == 0 {
                return Ok(());
            }
            self.shorten()?;
        }
    }

    /// The file holds little more than what isn't done with, however long the input is.
    fn shorten(&mut self) -> io::Result<()> {
        let done = self.generation.read.offset;
        if done < self.len && done < limits::TURN_BYTES as u64 {
            return Ok(());
        }
        let open = usize::try_from(self.len - done).map_err(io::Error::other)?;
        let rest = inspect::read_vec(&self.content, open, done)?;
        self.file.write_all_at(&rest, 0)?;
        self.len = rest.len() as u64;
        self.file.set_len(self.len)?;
        self.generation.read = Mark::start();
        self.generation.scanned_to = self.generation.scanned_to.saturating_sub(done);
        self.generation.waiting = None;
        Ok(())
    }

    fn turns(&mut self, is_ending: bool) -> io::Result<()> {
        loop {
            let before = self.hits();
            let waited = self.generation.waiting.take();
            let mut turn = Turn {
                stream: StreamId(0),
                generation: &mut self.generation,
                file: &self.content,
                section: &self.section,
                now: self.clock.now(),
                path_metadata: false,
                is_ending,
                waited,
                counters: &self.counters,
                batcher: &mut self.batcher,
                successor: None,
                successor_bytes_taken: 0,
            };
            let end = self.reader.turn(&mut turn)?;
            if !self.batcher.is_empty() {
                self.show(&before)?;
            }
            if matches!(end, TurnEnd::AtEnd | TurnEnd::Cut) {
                return Ok(());
            }
        }
    }

    fn show(&mut self, before: &[u64]) -> io::Result<()> {
        let body = self.batcher.take().body;
        let request = decompress(body.encoding, &body.bytes, REQUEST_BYTES_MAX).map_err(io::Error::other)?;
        let logs = decode(&request, &Stamp { agent_id: None, received_ns: 0 }).map_err(io::Error::other)?;
        let found = self
            .hits()
            .iter()
            .zip(before)
            .zip(names_of_formats())
            .filter(|((now, then), _)| now > then)
            .map(|(_, name)| name)
            .collect::<Vec<_>>()
            .join(" ");
        for doc in logs.batch.docs() {
            let mut text = Vec::new();
            if self.is_pretty {
                pretty(&doc, &found, &mut text)
            } else {
                json(&doc, &found, &mut text)
            }
            self.out.write_all(&text)?;
        }
        Ok(())
    }

    /// Lines of each format so far, of the file and of what containers wrote.
    fn hits(&self) -> Vec<u64> {
        let detector = self.generation.detector.as_deref();
        let inner = |stream| detector.and_then(|detector| detector.inner(stream));
        let of = |detector: Option<&Detector>, format: Format| detector.map_or(0, |found| found.hits(format));
        let outer = Format::ALL.iter().map(|format| of(detector, *format));
        let inner = Format::ALL
            .iter()
            .map(|format| of(inner(Stream::Stdout), *format) + of(inner(Stream::Stderr), *format));
        outer.chain(inner).collect()
    }
}

fn names_of_formats() -> impl Iterator<Item = &'static str> {
    Format::ALL.iter().chain(Format::ALL.iter()).map(|format| format.name())
}

/// One line of JSON: the time, the fields, and the format that was found, under a name that no field has.
fn json(doc: &DocRef<'_>, found: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{{\"{}\":\"", names::TIMESTAMP).as_bytes());
    write_rfc3339(doc.timestamp_ns(), out);
    out.extend_from_slice(b"\",\"_format\":");
    write_json_string(found, out);
    for field in shown(doc) {
        out.push(b',');
        write_json_string(field.name, out);
        out.push(b':');
        value(field.value, out);
    }
    out.extend_from_slice(b"}\n");
}

fn pretty(doc: &DocRef<'_>, found: &str, out: &mut Vec<u8>) {
    write_rfc3339(doc.timestamp_ns(), out);
    out.extend_from_slice(format!("  [{found}]\n").as_bytes());
    let width = shown(doc).map(|field| field.name.chars().count()).max().unwrap_or_default();
    for field in shown(doc) {
        out.extend_from_slice(format!("  {:<width$}  ", field.name).as_bytes());
        value(field.value, out);
        out.push(b'\n');
    }
}

/// Without the host and the file, which the input has none of.
fn shown<'a>(doc: &DocRef<'a>) -> impl Iterator<Item = FieldRef<'a>> {
    doc.fields().filter(|field| {
        !([names::FILE_PATH, names::HOST_NAME].contains(&field.name) && field.value == ValueRef::Str(""))
    })
}

fn value(value: ValueRef<'_>, out: &mut Vec<u8>) {
    match value {
        ValueRef::Str(text) => write_json_string(text, out),
        ValueRef::I64(number) => out.extend_from_slice(number.to_string().as_bytes()),
        // With a point or an exponent, so that a float stays one.
        ValueRef::F64(number) => out.extend_from_slice(format!("{number:?}").as_bytes()),
        ValueRef::Bool(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
        ValueRef::Json(text) => out.extend_from_slice(text.as_bytes()),
    }
}

/// A file that nobody else sees and that goes with this process.
fn nameless_file() -> io::Result<File> {
    let name = format!("millpond-parse-{:016x}", millpond_agent::random::number());
    let path = std::env::temp_dir().join(name);
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
