//! One `LogRecord` into one document: time, message, level and ids before the attributes.

use std::borrow::Cow;
use std::fmt::Write;

use super::any::{int_of, key_and_value, write_any_as_json};
use super::decode::Decoder;
use super::number::{
    ANY_KVLIST, ANY_STRING, RECORD_ATTRIBUTES, RECORD_BODY, RECORD_EVENT_NAME, RECORD_OBSERVED_TIME,
    RECORD_SEVERITY_NUMBER, RECORD_SEVERITY_TEXT, RECORD_SPAN_ID, RECORD_TIME, RECORD_TRACE_ID,
};
use super::protobuf::{Fields, Wire};
use super::{OFFSET, OtlpError};
use crate::batch::ValueRef;
use crate::level::Level;
use crate::names;

/// The parts of a record that come before its attributes in a document.
#[derive(Default)]
struct Head<'a> {
    time: u64,
    observed: u64,
    severity_number: u8,
    severity_text: Cow<'a, str>,
    body: Option<&'a [u8]>,
    offset: Option<u64>,
}

impl Decoder<'_> {
    pub(super) fn record(&mut self, message: &[u8], in_stream: bool) -> Result<(), OtlpError> {
        let head = self.head(message, in_stream)?;
        let time = [head.time, head.observed].into_iter().find(|time| *time != 0);
        let time = time.and_then(|time| i64::try_from(time).ok()).unwrap_or(self.stamp.received_ns);
        self.builder.begin(time);
        if let Some(body) = head.body {
            self.body(body)?;
        }
        self.level(head.severity_number, &head.severity_text);
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            match field {
                (RECORD_ATTRIBUTES, Wire::Bytes(attribute)) => match key_and_value(attribute)? {
                    (key, _) if in_stream && key == OFFSET.as_bytes() => {}
                    _ => self.attribute(attribute)?,
                },
                (RECORD_TRACE_ID, Wire::Bytes(id)) => self.hex(names::TRACE_ID, id),
                (RECORD_SPAN_ID, Wire::Bytes(id)) => self.hex(names::SPAN_ID, id),
                (RECORD_EVENT_NAME, Wire::Bytes(name)) if !name.is_empty() => {
                    self.builder.field("event.name", ValueRef::Str(&String::from_utf8_lossy(name)));
                }
                _ => {}
            }
        }
        self.builder.end();
        self.offsets.push(head.offset);
        Ok(())
    }

    fn head<'m>(&self, message: &'m [u8], in_stream: bool) -> Result<Head<'m>, OtlpError> {
        let mut head = Head::default();
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            match field {
                (RECORD_TIME, Wire::Fixed64(time)) => head.time = time,
                (RECORD_OBSERVED_TIME, Wire::Fixed64(time)) => head.observed = time,
                (RECORD_SEVERITY_NUMBER, Wire::Varint(number)) => {
                    head.severity_number = u8::try_from(number).unwrap_or(0);
                }
                (RECORD_SEVERITY_TEXT, Wire::Bytes(text)) => {
                    head.severity_text = String::from_utf8_lossy(text)
                }
                (RECORD_BODY, Wire::Bytes(body)) => head.body = Some(body),
                (RECORD_ATTRIBUTES, Wire::Bytes(attribute)) if in_stream && head.offset.is_none() => {
                    let (key, value) = key_and_value(attribute)?;
                    if key == OFFSET.as_bytes() {
                        head.offset = int_of(value)?;
                    }
                }
                _ => {}
            }
        }
        Ok(head)
    }

    /// A string is the message; a map becomes fields under `body.`; anything else is a message as JSON.
    fn body(&mut self, any: &[u8]) -> Result<(), OtlpError> {
        let mut fields = Fields::of(any);
        while let Some(field) = fields.next()? {
            match field {
                (ANY_STRING, Wire::Bytes(text)) => {
                    self.builder.field(names::MESSAGE, ValueRef::Str(&String::from_utf8_lossy(text)));
                }
                (ANY_KVLIST, _) => {
                    self.name.clear();
                    self.name.push_str("body");
                    return self.value(any, 0);
                }
                _ => {
                    self.json.clear();
                    write_any_as_json(any, 0, &mut self.json)?;
                    let text = String::from_utf8_lossy(&self.json);
                    self.builder.field(names::MESSAGE, ValueRef::Str(&text));
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn level(&mut self, severity_number: u8, severity_text: &str) {
        let level = Level::from_severity_number(severity_number).or_else(|| Level::parse(severity_text));
        if let Some(level) = level {
            self.builder.field(names::LEVEL, ValueRef::Str(level.name()));
        }
        if !severity_text.is_empty() && level.is_none_or(|level| level.name() != severity_text) {
            self.builder.field(names::SEVERITY_TEXT, ValueRef::Str(severity_text));
        }
    }

    fn hex(&mut self, name: &str, id: &[u8]) {
        if id.iter().any(|byte| *byte != 0) {
            let text = id.iter().fold(String::with_capacity(id.len() * 2), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            self.builder.field(name, ValueRef::Str(&text));
        }
    }
}
