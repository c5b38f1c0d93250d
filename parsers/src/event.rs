//! What a line becomes: the typed fields of one event, borrowed from the line wherever the text is verbatim.

use std::borrow::Cow;
use std::fmt;

use crate::format::Format;

/// The value of a field, with the type that it had in the line.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Text, unescaped.
    Str(Cow<'a, str>),
    /// A whole number.
    I64(i64),
    /// A decimal number; always finite.
    F64(f64),
    /// `true` or `false`.
    Bool(bool),
    /// Verbatim, valid JSON text: an array, `null`, an empty or too deep object, a number beyond `i64` and `f64`.
    Json(Cow<'a, str>),
}

/// Which output of a container wrote the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// As it stands in the line and in the field `log.iostream`.
    pub fn name(self) -> &'static str {
        match self {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Stream> {
        match name {
            "stdout" => Some(Stream::Stdout),
            "stderr" => Some(Stream::Stderr),
            _ => None,
        }
    }
}

/// Says that the line is one piece of what a container wrote; runtimes cut lines at 16 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial {
    /// Pieces belong together within one stream only.
    pub stream: Stream,
    /// True: this piece ends the text; false: the next piece of the same stream carries on.
    pub last: bool,
}

/// What went wrong with a line, and where. Only the first thing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note {
    /// What.
    pub kind: NoteKind,
    /// Bytes from the start of the line to the place.
    pub offset_bytes: usize,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// The line isn't of the format that its file has or that was asked for; it was read as plain text.
    NotOfFormat {
        /// The format that it isn't of.
        format: Format,
        /// What should have stood at the offset.
        expected: &'static str,
    },
    /// More than [`crate::limits::FIELDS_MAX`] fields; the rest is only in the raw line.
    TooManyFields,
    /// A name occurs twice; the first value is kept, the others are only in the raw line.
    DuplicateField,
    /// An escape names half a surrogate pair; U+FFFD stands in its place.
    BrokenEscape,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            NoteKind::NotOfFormat { format, expected } => {
                write!(f, "not {}: expected {expected}", format.name())?
            }
            NoteKind::TooManyFields => f.write_str("more fields than are taken apart")?,
            NoteKind::DuplicateField => f.write_str("a field name occurs twice")?,
            NoteKind::BrokenEscape => f.write_str("half a surrogate pair in an escape")?,
        }
        write!(f, " at byte {}", self.offset_bytes)
    }
}

/// One line, taken apart. Meant to be reused: a parser clears it first, so the allocation of `fields` stays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed<'a> {
    /// Event time, Unix nanoseconds UTC. None: the line names none, or an impossible one.
    pub timestamp_ns: Option<i64>,
    /// The line's time names no zone; that of the [`crate::Context`] was applied.
    pub zone_assumed: bool,
    /// OpenTelemetry severity 1 to 24 (trace 1, debug 5, info 9, warn 13, error 17, fatal 21); 0 is none.
    pub severity_number: u8,
    /// The level as written in the line.
    pub severity_text: Option<Cow<'a, str>>,
    /// What to show: the line without what went into the fields, or all of it.
    pub message: Cow<'a, str>,
    /// Flat dotted names, each once, in the order of the line.
    pub fields: Vec<(Cow<'a, str>, Value<'a>)>,
    /// 32 hexadecimal digits, not all zero.
    pub trace_id: Option<Cow<'a, str>>,
    /// 16 hexadecimal digits, not all zero.
    pub span_id: Option<Cow<'a, str>>,
    /// True: the other members hold all the information of the line. False: keep the raw line too.
    pub rebuilds_line: bool,
    /// Set by container formats only: `message` is a piece, for [`crate::Detector::parse_inner`] once it is whole.
    pub partial: Option<Partial>,
    /// What went wrong, if anything.
    pub note: Option<Note>,
}

impl<'a> Parsed<'a> {
    /// An empty one.
    pub fn new() -> Self {
        Parsed::default()
    }

    /// Forgets the line and keeps the allocation.
    pub fn clear(&mut self) {
        self.fields.clear();
        *self = Parsed { fields: std::mem::take(&mut self.fields), ..Parsed::default() };
    }

    /// Empties it for a line of another lifetime, with the same allocation, so that one value serves all buffers.
    pub fn recycle<'b>(mut self) -> Parsed<'b> {
        self.fields.clear();
        Parsed { fields: self.fields.into_iter().map_while(|_| None).collect(), ..Parsed::default() }
    }

    /// The first field of that name.
    pub fn field(&self, name: &str) -> Option<&Value<'a>> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn push(&mut self, name: &'static str, value: Value<'a>) {
        self.fields.push((Cow::Borrowed(name), value));
    }

    pub(crate) fn push_str(&mut self, name: &'static str, text: &'a str) {
        self.push(name, Value::Str(Cow::Borrowed(text)));
    }

    /// The text inside may have a field of that name itself; what the runtime says is true.
    pub(crate) fn push_stream(&mut self, stream: Stream) {
        const NAME: &str = "log.iostream";
        match self.fields.iter_mut().find(|(name, _)| name == NAME) {
            Some((_, value)) => {
                *value = Value::Str(Cow::Borrowed(stream.name()));
                self.rebuilds_line = false;
            }
            None => self.push_str(NAME, stream.name()),
        }
    }

    /// Keeps the first note of a line: what follows is often its consequence.
    pub(crate) fn note(&mut self, kind: NoteKind, offset_bytes: usize) {
        self.note.get_or_insert(Note { kind, offset_bytes });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reuse_keeps_the_allocation_and_nothing_else() {
        let mut parsed = Parsed::new();
        parsed.push("a", Value::I64(1));
        parsed.severity_number = 9;
        parsed.fields.reserve(100);
        let capacity = parsed.fields.capacity();
        parsed.clear();
        assert_eq!(parsed, Parsed::default());
        let line = String::from("of another life");
        let mut other: Parsed<'_> = parsed.recycle();
        other.push_str("b", &line);
        assert_eq!(other.fields.capacity(), capacity);
        assert_eq!(other.field("b"), Some(&Value::Str("of another life".into())));
        assert_eq!(other.field("a"), None);
    }
}
