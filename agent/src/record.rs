//! One line to one record: its format is found, its fields are named, and it is written into the batch.
//! Holds what is reused from line to line.

use std::borrow::Cow;

use millpond_parsers::multiline::{self, exception_of};
use millpond_parsers::{Context, Detector, Parsed, Stream, Value};
use millpond_wire::batch::ValueRef;
use millpond_wire::names;
use millpond_wire::otlp::RecordRef;

use crate::batch::Batcher;
use crate::inputs::InputType;
use crate::limits::FUTURE_NS_MAX;
use crate::metrics::Counters;
use crate::process::event::value_ref;
use crate::process::{Chain, Event, Source};
use crate::spool::line;
use crate::tail::lines::Text;
use crate::zone::SystemZone;

/// Which input a record came through, if not a file.
pub const INPUT_TYPE: &str = "input.type";
/// Address and port that sent a record.
const SENDER: &str = "log.source.address";
/// Why a record differs from its line.
const FLAGS: &str = "log.flags";
/// Length of a line of which only the beginning was kept.
const ORIGINAL_BYTES: &str = "log.original_bytes";
/// Lines of an event that were left out because it has too many.
const DROPPED_LINES: &str = "log.dropped_lines";
/// Class of an exception, and what it says; of the Elastic Common Schema.
const ERROR_TYPE: &str = "error.type";
const ERROR_MESSAGE: &str = "error.message";

/// A line to be written.
#[derive(Debug)]
pub struct Input<'a> {
    /// Of its first byte in the stream.
    pub offset: u64,
    /// As read.
    pub text: &'a Text<'a>,
    /// It is the last of its file and has no newline.
    pub unfinished: bool,
    /// The lines that belong to it.
    pub more: More<'a>,
}

/// The lines of an event after its first one.
#[derive(Debug, Clone, Copy, Default)]
pub struct More<'a> {
    /// Joined by line feeds; empty when there are none. They are kept in the message as they are.
    pub text: &'a str,
    /// It is a trace, of some exception perhaps.
    pub is_trace: bool,
    /// Lines that were left out.
    pub dropped_lines: u64,
}

/// What became of a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Written<'a> {
    /// It is in the batch, or a step has dropped it.
    Record {
        /// Its own, Unix nanoseconds.
        time_ns: Option<i64>,
    },
    /// It is the first piece of something longer; nothing was written. Its pieces are to be joined and
    /// given to [`Recorder::write_joined`].
    Piece(Piece<'a>),
}

/// What a container wrote, or the beginning of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Which output.
    pub stream: Stream,
    /// When, Unix nanoseconds.
    pub written_ns: Option<i64>,
    /// What.
    pub message: Cow<'a, str>,
    /// Nothing follows.
    pub last: bool,
}

/// Settings of a section that end up in records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Labels {
    /// Names and values that every record of the section has; the parser's values of the same names give way.
    pub fields: Vec<(String, String)>,
}

impl Labels {
    /// The value of `service.name`, if there is one, then the others.
    pub fn new(service: Option<String>, fields: impl IntoIterator<Item = (String, String)>) -> Self {
        let service = service.map(|name| (names::SERVICE_NAME.to_owned(), name));
        Self { fields: service.into_iter().chain(fields).collect() }
    }

    /// It has a field of this name.
    pub fn holds(&self, name: &str) -> bool {
        self.fields.iter().any(|(own, _)| own == name)
    }

    /// The attributes of a group of lines of this section: what its configuration says comes before `metadata`.
    /// `place`: see [`Source::place`].
    pub fn attributes<'a>(
        &'a self,
        place: (&'static str, &'a str),
        metadata: &'a [(&'static str, String)],
    ) -> Vec<(&'a str, ValueRef<'a>)> {
        let own = self.fields.iter().map(|(name, value)| (name.as_str(), ValueRef::Str(value)));
        let others = metadata.iter().filter(|(name, _)| !self.holds(name));
        let others = others.map(|(name, value)| (*name, ValueRef::Str(value)));
        let (name, value) = place;
        std::iter::once((name, ValueRef::Str(value))).chain(own).chain(others).collect()
    }
}

/// What a line alone doesn't say.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where the lines come from.
    pub source: Source<'a>,
    /// Where it is counted.
    pub counters: &'a Counters,
    /// The clock, Unix nanoseconds; for what was received earlier, its time then.
    pub now_ns: i64,
    /// Time of the event before, Unix nanoseconds, for those that have none; without it, the clock's.
    pub before_ns: Option<i64>,
    /// Who sent it.
    pub sender: Option<&'a str>,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Recorder {
    zone: SystemZone,
    spare: Parsed<'static>,
    chain: Chain,
}

impl Recorder {
    /// With the zone of this machine. Records go through these steps.
    pub fn new(chain: Chain) -> Self {
        Self { chain, ..Self::default() }
    }

    /// The steps that records go through.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Lines will be read again.
    pub fn rewind(&mut self) {
        self.chain.forget_rates();
    }

    /// Parses a line and writes it into the batch, unless it is a piece of a longer one.
    pub fn write<'a>(
        &mut self,
        input: &Input<'a>,
        detector: &mut Detector,
        around: &Surroundings<'_>,
        batcher: &mut Batcher,
    ) -> Written<'a> {
        let context = Context { now_ns: around.now_ns, zone: &self.zone };
        let mut parsed = std::mem::take(&mut self.spare).recycle();
        detector.parse(&input.text.text, &context, &mut parsed);
        let written = if let Some(partial) = parsed.partial {
            let message = std::mem::take(&mut parsed.message);
            Written::Piece(Piece {
                stream: partial.stream,
                written_ns: parsed.timestamp_ns,
                message,
                last: partial.last,
            })
        } else {
            let time_ns = parsed.timestamp_ns;
            parsed.timestamp_ns = time_ns.or(around.before_ns);
            self.process(&mut parsed, &input.text.text, input, around, batcher);
            Written::Record { time_ns }
        };
        self.spare = parsed.recycle();
        written
    }

    /// Reads a line as a piece of what a container wrote, as far as the detector says that it is one.
    pub fn unwrap<'a>(&mut self, line: &'a str, detector: &mut Detector, now_ns: i64) -> Option<Piece<'a>> {
        let context = Context { now_ns, zone: &self.zone };
        let mut parsed = std::mem::take(&mut self.spare).recycle();
        detector.parse(line, &context, &mut parsed);
        let piece = parsed.partial.map(|partial| {
            let message = std::mem::take(&mut parsed.message);
            Piece { stream: partial.stream, written_ns: parsed.timestamp_ns, message, last: partial.last }
        });
        self.spare = parsed.recycle();
        piece
    }

    /// Writes what an input received as if it were a line: at the time of receipt, and without the spool's wrapping.
    pub fn write_spooled(
        &mut self,
        input: &Input<'_>,
        from: InputType,
        detector: &mut Detector,
        around: &Surroundings<'_>,
        batcher: &mut Batcher,
    ) {
        let Some(spooled) = line::decode(&input.text.text) else {
            around.counters.spool_lines_damaged.increment();
            self.process(&mut as_text(&input.text.text), &input.text.text, input, around, batcher);
            return;
        };
        if spooled.cut_from_bytes.is_some() {
            around.counters.truncated_lines.increment();
        }
        // The lines that the input has put together.
        let lines = spooled.message.split_once('\n').filter(|_| from == InputType::Stdin);
        let lines = lines.map(|(first, more)| (first.to_owned().into(), more.to_owned()));
        let (message, more) = lines.unwrap_or((spooled.message, String::new()));
        if !more.is_empty() {
            around.counters.multiline_events.increment();
        }
        let text = Text {
            text: message,
            lossy: input.text.lossy,
            cut_from_bytes: spooled.cut_from_bytes,
            nul_bytes: 0,
        };
        let more = More { text: &more, is_trace: multiline::is_trace(&text.text, &more), dropped_lines: 0 };
        let inner = Input { offset: input.offset, text: &text, unfinished: false, more };
        // That of a journal entry is its cursor.
        let sender = spooled.sender.filter(|_| from == InputType::Syslog);
        let around = Surroundings { now_ns: spooled.at_ns, sender, ..*around };
        if let Written::Piece(whole) = self.write(&inner, detector, &around, batcher) {
            self.write_joined(&inner, &whole, detector, &around, batcher);
        }
    }

    /// Parses what a container wrote, whole, and writes it into the batch.
    pub fn write_joined(
        &mut self,
        input: &Input<'_>,
        whole: &Piece<'_>,
        detector: &mut Detector,
        around: &Surroundings<'_>,
        batcher: &mut Batcher,
    ) {
        let context = Context { now_ns: around.now_ns, zone: &self.zone };
        let mut parsed = std::mem::take(&mut self.spare).recycle();
        detector.parse_inner(whole.stream, &whole.message, whole.written_ns, &context, &mut parsed);
        self.process(&mut parsed, &whole.message, input, around, batcher);
        self.spare = parsed.recycle();
    }

    /// Takes a record through the steps and writes what is left of it into the batch.
    fn process(
        &mut self,
        parsed: &mut Parsed<'_>,
        raw: &str,
        input: &Input<'_>,
        around: &Surroundings<'_>,
        batcher: &mut Batcher,
    ) {
        let Surroundings { source, counters, now_ns, sender, .. } = *around;
        if let Some(sender) = sender {
            add_sender(parsed, sender);
        }
        let error = add_lines(parsed, &input.more, source.labels);
        if self.chain.is_empty() {
            return put(parsed, Some(raw), input, around, batcher);
        }
        let original = Some(Cow::Borrowed(raw));
        let mut event = Event { parsed, original, source, offset: input.offset, now_ns };
        if self.chain.keeps(&mut event, counters) {
            // Fields of the section have taken the place of the line's already; what is there now was set by a step.
            let source = Source { labels: const { &Labels { fields: Vec::new() } }, ..source };
            let Event { parsed, original, .. } = event;
            leave_out_masked(parsed, &error);
            put(parsed, original.as_deref(), input, &Surroundings { source, ..*around }, batcher);
        }
    }
}

/// Gives a message the lines that belong to it, and a trace the fields of its exception, which are returned: steps see
/// and change what is shipped.
fn add_lines(parsed: &mut Parsed<'_>, more: &More<'_>, labels: &Labels) -> Vec<(&'static str, String)> {
    if more.text.is_empty() {
        return Vec::new();
    }
    parsed.message = [&*parsed.message, more.text].join("\n").into();
    let is_named = parsed.field(ERROR_TYPE).is_some() || labels.holds(ERROR_TYPE);
    let exception = if more.is_trace && !is_named { exception_of(&parsed.message) } else { None };
    let fields =
        exception.map(|exception| [(ERROR_TYPE, exception.name), (ERROR_MESSAGE, exception.message)]);
    let fields = fields.into_iter().flatten().filter(|(_, text)| !text.is_empty());
    let fields = fields.filter(|(name, _)| parsed.field(name).is_none());
    let fields: Vec<_> = fields.map(|(name, text)| (name, text.to_owned())).collect();
    let values = fields.iter().map(|(name, text)| (Cow::Borrowed(*name), Value::Str(text.clone().into())));
    parsed.fields.extend(values);
    fields
}

/// A step may know a secret only by the words around it, which stand in the message and not in the fields of the
/// exception. What these repeat of the message goes with it.
fn leave_out_masked(parsed: &mut Parsed<'_>, error: &[(&'static str, String)]) {
    let Parsed { message, fields, .. } = parsed;
    fields.retain(|(name, value)| {
        let repeated = error
            .iter()
            .find(|(own, text)| own == name && matches!(value, Value::Str(value) if value == text));
        repeated.is_none_or(|(_, text)| message.contains(text.as_str()))
    });
}

/// A line of which nothing is known.
fn as_text(line: &str) -> Parsed<'_> {
    Parsed { message: Cow::Borrowed(line), rebuilds_line: true, ..Parsed::default() }
}

/// Who sent a message is a field like those that its text names, so that steps see it; a text that names another
/// sender gives way, and stays in the original.
fn add_sender(parsed: &mut Parsed<'_>, sender: &str) {
    let count = parsed.fields.len();
    parsed.fields.retain(|(name, _)| name != SENDER);
    parsed.rebuilds_line &= parsed.fields.len() == count;
    parsed.fields.push((Cow::Borrowed(SENDER), Value::Str(Cow::Owned(sender.to_owned()))));
}

/// Writes a record. `original`: the line, for where the fields don't hold all of it.
fn put(
    parsed: &Parsed<'_>,
    original: Option<&str>,
    input: &Input<'_>,
    around: &Surroundings<'_>,
    batcher: &mut Batcher,
) {
    let Surroundings { source: Source { labels, .. }, counters, now_ns, .. } = *around;
    if parsed.note.is_some() {
        counters.unparsed_lines.increment();
    }
    counters.lines_read.increment();
    let trace_id = hex::<16>(parsed.trace_id.as_deref());
    let span_id = hex::<8>(parsed.span_id.as_deref());
    let record = RecordRef {
        offset: input.offset,
        timestamp_ns: parsed.timestamp_ns.unwrap_or(now_ns),
        observed_ns: now_ns,
        severity_number: parsed.severity_number,
        severity_text: parsed.severity_text.as_deref().unwrap_or_default(),
        body: &parsed.message,
        trace_id: trace_id.as_ref().map_or(&[], |id| id.as_slice()),
        span_id: span_id.as_ref().map_or(&[], |id| id.as_slice()),
    };
    let fields = parsed
        .fields
        .iter()
        .filter(|(name, _)| !labels.holds(name))
        .map(|(name, value)| (&**name, value_ref(value)));
    let original =
        original.filter(|_| !parsed.rebuilds_line).map(|line| (names::ORIGINAL, ValueRef::Str(line)));
    let cut = input.text.cut_from_bytes;
    let dropped_lines = input.more.dropped_lines;
    let is_truncated = cut.is_some() || dropped_lines > 0;
    let is_ahead = record.timestamp_ns.saturating_sub(now_ns) > FUTURE_NS_MAX;
    let flags = flags(is_truncated, input.unfinished, is_ahead).map(|flags| (FLAGS, ValueRef::Json(flags)));
    let length = cut.map(|bytes| (ORIGINAL_BYTES, ValueRef::I64(i64::try_from(bytes).unwrap_or(i64::MAX))));
    let dropped = (dropped_lines > 0).then(|| (DROPPED_LINES, ValueRef::I64(dropped_lines.cast_signed())));
    batcher.record(&record, fields.chain(original).chain(flags).chain(length).chain(dropped));
}

/// Value of [`FLAGS`]. `truncated`: something was cut off or left out; `unfinished`: the file ended without a
/// newline; `future`: its time, which is kept, lies far ahead of the clock.
fn flags(is_truncated: bool, is_unfinished: bool, is_ahead: bool) -> Option<&'static str> {
    match (is_truncated, is_unfinished, is_ahead) {
        (true, _, false) => Some(r#"["truncated"]"#),
        (true, _, true) => Some(r#"["truncated","future"]"#),
        (false, true, false) => Some(r#"["unfinished"]"#),
        (false, true, true) => Some(r#"["unfinished","future"]"#),
        (false, false, true) => Some(r#"["future"]"#),
        (false, false, false) => None,
    }
}

/// The bytes that an id's hexadecimal digits stand for; `None` when it has another length.
fn hex<const N: usize>(text: Option<&str>) -> Option<[u8; N]> {
    let text = text.filter(|text| text.len() == 2 * N && text.is_ascii())?;
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
