//! The event that a chain of steps works on: what was parsed of a line, the line itself, and where it stands.
//! Steps call fields by the names that queries use; which of them are members of [`Parsed`] only this file knows.

use std::borrow::Cow;

use millpond_parsers::{Parsed, Value};
use millpond_wire::batch::ValueRef;
use millpond_wire::level::Level;
use millpond_wire::names;
use millpond_wire::position::StreamId;

use crate::record::Labels;

/// Where a line comes from: the same for all lines of a file, or of an input.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Its stream.
    pub stream: StreamId,
    /// The field that says so, with its value: the path of the file, or the kind of input.
    pub place: (&'static str, &'a str),
    /// Fields of the section that covers the file.
    pub labels: &'a Labels,
    /// What the path says of the writer; a line's own fields come before.
    pub metadata: &'a [(&'static str, String)],
}

/// See the module.
#[derive(Debug)]
pub struct Event<'e, 'a> {
    /// What was parsed.
    pub parsed: &'e mut Parsed<'a>,
    /// The line as it would be shipped beside the fields, if they don't hold all of it. `None`: it is left out.
    pub original: Option<Cow<'e, str>>,
    /// Where it stands.
    pub source: Source<'e>,
    /// Of its first byte in the stream.
    pub offset: u64,
    /// The clock, Unix nanoseconds.
    pub now_ns: i64,
}

impl<'a> Event<'_, 'a> {
    /// Fields of the section come before those of the line. They are taken out here, so that steps set and see what
    /// is shipped.
    pub(super) fn begin(&mut self) {
        let labels = self.source.labels;
        self.parsed.fields.retain(|(name, _)| !labels.holds(name));
    }

    /// Event time, Unix nanoseconds; the clock's where the line has none.
    pub fn timestamp_ns(&self) -> i64 {
        self.parsed.timestamp_ns.unwrap_or(self.now_ns)
    }

    /// The level as the collector will normalise it.
    pub fn level(&self) -> Option<Level> {
        let written = self.parsed.severity_text.as_deref();
        Level::from_severity_number(self.parsed.severity_number)
            .or_else(|| written.and_then(Level::parse))
            .or_else(|| names::LEVEL_SOURCES.iter().find_map(|name| Level::parse(self.parsed_text(name)?)))
    }

    /// The level as written, where it is shipped as a field of its own.
    pub(super) fn severity_text(&self) -> Option<&str> {
        let text = self.parsed.severity_text.as_deref().filter(|text| !text.is_empty())?;
        let level = Level::from_severity_number(self.parsed.severity_number).or_else(|| Level::parse(text));
        level.is_none_or(|level| level.name() != text).then_some(text)
    }

    fn parsed_text(&self, name: &str) -> Option<&str> {
        match self.parsed.field(name)? {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a field by which events are told apart; numbers and truth values as JSON writes them.
    pub fn key_text(&self, name: &str) -> Option<Cow<'_, str>> {
        let of_source = || {
            let labels = self.source.labels.fields.iter().map(|(key, value)| (key.as_str(), value));
            let metadata = self.source.metadata.iter().map(|(key, value)| (*key, value));
            labels
                .chain(metadata)
                .find(|(key, _)| *key == name)
                .map(|(_, value)| Cow::Borrowed(value.as_str()))
        };
        match name {
            names::MESSAGE => Some(Cow::Borrowed(&self.parsed.message)),
            names::LEVEL => self.level().map(|level| Cow::Borrowed(level.name())),
            names::TRACE_ID if self.parsed.trace_id.is_some() => {
                self.parsed.trace_id.as_deref().map(Cow::Borrowed)
            }
            names::SPAN_ID if self.parsed.span_id.is_some() => {
                self.parsed.span_id.as_deref().map(Cow::Borrowed)
            }
            _ if name == self.source.place.0 => Some(Cow::Borrowed(self.source.place.1)),
            _ => self.parsed.field(name).map(text_of).or_else(of_source),
        }
    }

    /// Gives a field this text, whether it is there or not.
    pub fn set(&mut self, name: &str, text: &str) {
        let text = Cow::Owned(text.to_owned());
        match name {
            names::MESSAGE => self.parsed.message = text,
            names::LEVEL => {
                self.parsed.severity_number = Level::parse(&text).map_or(0, Level::severity_number);
                self.parsed.severity_text = Some(text);
            }
            _ => self.put(name, Value::Str(text)),
        }
    }

    /// Gives a field this value, as [`Self::set`] does a text.
    pub fn put_as(&mut self, name: &str, value: Value<'a>) {
        match name {
            names::MESSAGE | names::LEVEL => self.set(name, &text_of(&value)),
            _ => self.put(name, value),
        }
    }

    /// Gives a field of the line this value.
    fn put(&mut self, name: &str, value: Value<'a>) {
        match name {
            names::TRACE_ID => self.parsed.trace_id = None,
            names::SPAN_ID => self.parsed.span_id = None,
            _ => {}
        }
        match self.parsed.fields.iter_mut().find(|(own, _)| own == name) {
            Some((_, old)) => *old = value,
            None => self.parsed.fields.push((Cow::Owned(name.to_owned()), value)),
        }
    }

    /// Takes a field out. `None` when the line has no such field.
    pub fn take(&mut self, name: &str) -> Option<Value<'a>> {
        match name {
            names::MESSAGE => {
                let message = std::mem::take(&mut self.parsed.message);
                return (!message.is_empty()).then_some(Value::Str(message));
            }
            names::LEVEL if self.parsed.severity_number > 0 || self.parsed.severity_text.is_some() => {
                self.parsed.severity_number = 0;
                return self.parsed.severity_text.take().map(Value::Str).or(Some(Value::Str("".into())));
            }
            names::TRACE_ID if self.parsed.trace_id.is_some() => {
                return self.parsed.trace_id.take().map(Value::Str);
            }
            names::SPAN_ID if self.parsed.span_id.is_some() => {
                return self.parsed.span_id.take().map(Value::Str);
            }
            _ => {}
        }
        let index = self.parsed.fields.iter().position(|(own, _)| own == name)?;
        Some(self.parsed.fields.remove(index).1)
    }
}

/// A value as text: numbers and truth values as JSON writes them.
fn text_of<'v>(value: &'v Value<'_>) -> Cow<'v, str> {
    match value {
        Value::Str(text) | Value::Json(text) => Cow::Borrowed(text),
        Value::I64(number) => Cow::Owned(number.to_string()),
        Value::F64(number) => Cow::Owned(number.to_string()),
        Value::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
    }
}

/// A value as it is written into the batch.
pub fn value_ref<'a>(value: &'a Value<'_>) -> ValueRef<'a> {
    match value {
        Value::Str(text) => ValueRef::Str(text),
        Value::I64(number) => ValueRef::I64(*number),
        Value::F64(number) => ValueRef::F64(*number),
        Value::Bool(truth) => ValueRef::Bool(*truth),
        Value::Json(text) => ValueRef::Json(text),
    }
}
