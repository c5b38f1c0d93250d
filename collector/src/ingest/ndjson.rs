//! NDJSON: one object a line becomes one document. No line is refused: what is no object is a
//! message, bad UTF-8 is repaired, a time that can't be read is the receive time; each is counted.
//! Pure.

use std::borrow::Cow;

use memchr::memchr;
use millpond_wire::batch::{BatchBuilder, ValueRef};
use millpond_wire::limits::{BATCH_DOCUMENTS_MAX, MESSAGE_BYTES_MAX};
use millpond_wire::names;

use super::decode::{Decoded, Notes};
use super::error::IngestError;
use super::json::{Flattener, Miss, Sink};
use super::timestamp;
use crate::limits::LINE_ERRORS_MAX;

/// Field that keeps an `@timestamp` which can't be read.
const UNREAD_TIMESTAMP: &str = "event.timestamp";

/// Field that keeps a sender's `_id`: ours is given at admission and names documents in results.
const SENDERS_ID: &str = "event.id";

/// What was odd about one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// Line of the body, from 1.
    pub line: u64,
    /// What was expected, and where.
    pub reason: String,
}

/// Decodes a body. Empty lines are nothing.
///
/// # Errors
/// There are more lines, fields or bytes of text than a request may have.
pub(super) fn decode(body: &[u8], received_ns: i64) -> Result<Decoded, IngestError> {
    let mut decoder = Decoder {
        builder: BatchBuilder::new(),
        flattener: Flattener::default(),
        received_ns,
        notes: Notes::default(),
        errors: Vec::new(),
    };
    // Validating once is many times faster than line by line, and nearly always enough.
    let text = std::str::from_utf8(body).ok();
    let (mut rest, mut number, mut at) = (body, 0, 0);
    while !rest.is_empty() {
        number += 1;
        let length = memchr(b'\n', rest).unwrap_or(rest.len());
        let bytes = rest.get(..length).unwrap_or_default();
        let line = match text {
            Some(text) => Cow::Borrowed(text.get(at..at + length).unwrap_or_default()),
            None => String::from_utf8_lossy(bytes),
        };
        decoder.notes.invalid_utf8 += u64::from(matches!(line, Cow::Owned(_)));
        decoder.line(number, line.trim_ascii())?;
        rest = rest.get(length + 1..).unwrap_or_default();
        at += length + 1;
    }
    let (batch, cuts) = decoder.builder.finish();
    Ok(Decoded {
        batch,
        offsets: Vec::new(),
        groups: Vec::new(),
        cuts,
        notes: decoder.notes,
        errors: decoder.errors,
    })
}

struct Decoder {
    builder: BatchBuilder,
    flattener: Flattener,
    received_ns: i64,
    notes: Notes,
    errors: Vec<LineError>,
}

impl Decoder {
    fn line(&mut self, number: u64, line: &str) -> Result<(), IngestError> {
        if line.is_empty() {
            return Ok(());
        }
        if self.builder.len() == BATCH_DOCUMENTS_MAX {
            return Err(IngestError::TooLarge(format!(
                "more than {BATCH_DOCUMENTS_MAX} lines in one request: send smaller batches"
            )));
        }
        self.builder.begin(self.received_ns);
        let mut document = Document { builder: &mut self.builder, bad_timestamps: 0 };
        let outcome = self.flattener.object(line, &mut document);
        let bad_timestamps = document.bad_timestamps;
        match outcome {
            Ok(()) => self.notes.bad_timestamps += bad_timestamps,
            Err(miss) => {
                self.note_invalid(number, &miss);
                self.builder.begin(self.received_ns);
                self.builder.field(names::MESSAGE, ValueRef::Str(line));
            }
        }
        self.builder.end();
        if self.builder.is_full() {
            return Err(IngestError::TooLarge(
                "the lines have too many fields or too much text together: send smaller batches".into(),
            ));
        }
        Ok(())
    }

    fn note_invalid(&mut self, line: u64, miss: &Miss) {
        self.notes.invalid_lines += 1;
        if self.errors.len() < LINE_ERRORS_MAX {
            let Miss { offset_bytes, expected } = miss;
            let reason =
                format!("not a JSON object: expected {expected} at byte {offset_bytes}; kept as a message");
            self.errors.push(LineError { line, reason });
        }
    }
}

/// Puts the fields of one line into the batch.
struct Document<'b> {
    builder: &'b mut BatchBuilder,
    bad_timestamps: u64,
}

impl Sink for Document<'_> {
    fn field(&mut self, name: &str, value: ValueRef<'_>, raw: &str) {
        match name {
            names::TIMESTAMP => self.timestamp(value, raw),
            names::ID => self.builder.field(SENDERS_ID, value),
            _ => self.builder.field(name, bounded(value)),
        }
    }
}

impl Document<'_> {
    fn timestamp(&mut self, value: ValueRef<'_>, raw: &str) {
        let timestamp_ns = match value {
            ValueRef::Str(text) => timestamp::from_text(text),
            _ => timestamp::from_decimal(raw),
        };
        match timestamp_ns {
            Some(timestamp_ns) => self.builder.set_timestamp_ns(timestamp_ns),
            None => {
                self.bad_timestamps += 1;
                self.builder.field(UNREAD_TIMESTAMP, bounded(value));
            }
        }
    }
}

/// JSON text that is too long to keep whole would not be JSON after a cut: it is kept as a string,
/// which the builder cuts and counts.
fn bounded(value: ValueRef<'_>) -> ValueRef<'_> {
    match value {
        ValueRef::Json(text) if text.len() > MESSAGE_BYTES_MAX => ValueRef::Str(text),
        other => other,
    }
}

#[cfg(test)]
mod tests;
