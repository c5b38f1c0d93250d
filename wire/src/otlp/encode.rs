//! Writes requests (the agent's side) and reads and writes replies.

use super::number::{
    ANY_ARRAY, ANY_BOOL, ANY_DOUBLE, ANY_INT, ANY_KVLIST, ANY_STRING, KEY, LIST_VALUES, PARTIAL_MESSAGE,
    PARTIAL_REJECTED, RECORD_ATTRIBUTES, RECORD_BODY, RECORD_OBSERVED_TIME, RECORD_SEVERITY_NUMBER,
    RECORD_SEVERITY_TEXT, RECORD_SPAN_ID, RECORD_TIME, RECORD_TRACE_ID, REQUEST_RESOURCE_LOGS,
    RESOURCE_ATTRIBUTES, RESOURCE_LOGS_RESOURCE, RESOURCE_LOGS_SCOPE_LOGS, RESPONSE_PARTIAL_SUCCESS,
    SCOPE_ATTRIBUTES, SCOPE_LOGS_RECORDS, SCOPE_LOGS_SCOPE, VALUE,
};
use super::protobuf::{
    BadProtobuf, Fields, Wire, begin_message, end_message, put_bytes, put_fixed64, put_message, put_varint,
};
use super::{OFFSET, STREAM_FROM, STREAM_ID, STREAM_STATE, STREAM_TO};
use crate::batch::ValueRef;
use crate::position::StreamId;

/// One record to send, borrowed from wherever it was parsed.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    /// Offset of the record in its stream.
    pub offset: u64,
    /// Event time, Unix nanoseconds.
    pub timestamp_ns: i64,
    /// When the agent read it, Unix nanoseconds.
    pub observed_ns: i64,
    /// OpenTelemetry severity number, 0 when unknown.
    pub severity_number: u8,
    /// The level as written; empty when there is none.
    pub severity_text: &'a str,
    /// The message.
    pub body: &'a str,
    /// 16 bytes, or none.
    pub trace_id: &'a [u8],
    /// 8 bytes, or none.
    pub span_id: &'a [u8],
}

/// Writes `ExportLogsServiceRequest`s of one resource into one buffer, which is used again for the next. Streams
/// follow one another; the records of each stand between [`begin_stream`](Self::begin_stream) and
/// [`end_stream`](Self::end_stream).
#[derive(Debug)]
pub struct RequestEncoder {
    /// The request so far.
    request: Vec<u8>,
    /// Where the resource ends, and with it what all requests begin with.
    resource_end: usize,
    /// Where the open `ScopeLogs` begins, if one is open.
    open_at: Option<usize>,
    /// Content of its scope, without the closing offset and state.
    scope: Vec<u8>,
    records: usize,
}

impl RequestEncoder {
    /// Starts requests whose records all come from `resource`.
    pub fn new(resource: &[(&str, ValueRef<'_>)]) -> Self {
        let mut request = Vec::new();
        begin_message(&mut request, REQUEST_RESOURCE_LOGS);
        put_message(&mut request, RESOURCE_LOGS_RESOURCE, |out| {
            for (key, value) in resource {
                put_attribute(out, RESOURCE_ATTRIBUTES, key, *value);
            }
        });
        Self { resource_end: request.len(), request, open_at: None, scope: Vec::new(), records: 0 }
    }

    /// Starts the records of one stream. `attributes` hold for all of them.
    pub fn begin_stream(&mut self, stream: StreamId, from_offset: u64, attributes: &[(&str, ValueRef<'_>)]) {
        self.leave_out_open();
        self.open_at = Some(self.request.len());
        begin_message(&mut self.request, RESOURCE_LOGS_SCOPE_LOGS);
        self.scope.clear();
        put_attribute(&mut self.scope, SCOPE_ATTRIBUTES, STREAM_ID, ValueRef::Str(&stream.to_string()));
        put_attribute(
            &mut self.scope,
            SCOPE_ATTRIBUTES,
            STREAM_FROM,
            ValueRef::I64(from_offset.cast_signed()),
        );
        for (key, value) in attributes {
            put_attribute(&mut self.scope, SCOPE_ATTRIBUTES, key, *value);
        }
    }

    /// Adds a record and its attributes to the open stream. Offsets ascend.
    pub fn record<'a>(
        &mut self,
        record: &RecordRef<'_>,
        attributes: impl IntoIterator<Item = (&'a str, ValueRef<'a>)>,
    ) {
        self.records += 1;
        put_message(&mut self.request, SCOPE_LOGS_RECORDS, |out| {
            put_record(out, record);
            for (key, value) in attributes {
                put_attribute(out, RECORD_ATTRIBUTES, key, value);
            }
        });
    }

    /// Closes the open stream at `to_offset`, with what to remember of it there. The scope follows its
    /// records, since only now it is known; the order of fields is free in protobuf.
    pub fn end_stream(&mut self, to_offset: u64, state: &str) {
        let Some(open_at) = self.open_at.take() else { return };
        put_attribute(&mut self.scope, SCOPE_ATTRIBUTES, STREAM_TO, ValueRef::I64(to_offset.cast_signed()));
        put_attribute(&mut self.scope, SCOPE_ATTRIBUTES, STREAM_STATE, ValueRef::Str(state));
        put_bytes(&mut self.request, SCOPE_LOGS_SCOPE, &self.scope);
        end_message(&mut self.request, open_at);
    }

    /// Size so far, in bytes before compression.
    pub fn encoded_bytes(&self) -> usize {
        self.request.len()
    }

    /// Records so far.
    pub fn records(&self) -> usize {
        self.records
    }

    /// The request. A stream that was begun and not ended is left out.
    pub fn finish(&mut self) -> &[u8] {
        self.leave_out_open();
        end_message(&mut self.request, 0);
        &self.request
    }

    /// Forgets the request and starts the next one.
    pub fn clear(&mut self) {
        self.request.truncate(self.resource_end);
        self.open_at = None;
        self.records = 0;
    }

    fn leave_out_open(&mut self) {
        if let Some(open_at) = self.open_at.take() {
            self.request.truncate(open_at);
        }
    }
}

fn put_record(out: &mut Vec<u8>, record: &RecordRef<'_>) {
    put_fixed64(out, RECORD_TIME, record.timestamp_ns.cast_unsigned());
    put_fixed64(out, RECORD_OBSERVED_TIME, record.observed_ns.cast_unsigned());
    if record.severity_number != 0 {
        put_varint(out, RECORD_SEVERITY_NUMBER, u64::from(record.severity_number));
    }
    if !record.severity_text.is_empty() {
        put_bytes(out, RECORD_SEVERITY_TEXT, record.severity_text.as_bytes());
    }
    put_message(out, RECORD_BODY, |out| put_bytes(out, ANY_STRING, record.body.as_bytes()));
    put_attribute(out, RECORD_ATTRIBUTES, OFFSET, ValueRef::I64(record.offset.cast_signed()));
    if !record.trace_id.is_empty() {
        put_bytes(out, RECORD_TRACE_ID, record.trace_id);
    }
    if !record.span_id.is_empty() {
        put_bytes(out, RECORD_SPAN_ID, record.span_id);
    }
}

fn put_attribute(out: &mut Vec<u8>, number: u32, key: &str, value: ValueRef<'_>) {
    put_message(out, number, |out| {
        put_bytes(out, KEY, key.as_bytes());
        put_message(out, VALUE, |out| put_any(out, value));
    });
}

fn put_any(out: &mut Vec<u8>, value: ValueRef<'_>) {
    match value {
        ValueRef::Str(text) => put_bytes(out, ANY_STRING, text.as_bytes()),
        ValueRef::Bool(truth) => put_varint(out, ANY_BOOL, u64::from(truth)),
        ValueRef::I64(number) => put_varint(out, ANY_INT, number.cast_unsigned()),
        ValueRef::F64(number) => put_fixed64(out, ANY_DOUBLE, number.to_bits()),
        ValueRef::Json(text) => match serde_json::from_str(text) {
            // A number that has no type of its own in OTLP keeps all its digits as text.
            Ok(serde_json::Value::Number(_)) | Err(_) => put_bytes(out, ANY_STRING, text.as_bytes()),
            Ok(value) => put_json(out, &value),
        },
    }
}

/// serde_json nests at most 128 deep, which bounds the recursion.
fn put_json(out: &mut Vec<u8>, value: &serde_json::Value) {
    match value {
        serde_json::Value::Null => {}
        serde_json::Value::Bool(truth) => put_any(out, ValueRef::Bool(*truth)),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => put_any(out, ValueRef::I64(number)),
            (None, Some(float)) if number.is_f64() => put_any(out, ValueRef::F64(float)),
            _ => put_any(out, ValueRef::Str(&number.to_string())),
        },
        serde_json::Value::String(text) => put_any(out, ValueRef::Str(text)),
        serde_json::Value::Array(items) => put_message(out, ANY_ARRAY, |out| {
            for item in items {
                put_message(out, LIST_VALUES, |out| put_json(out, item));
            }
        }),
        serde_json::Value::Object(members) => put_message(out, ANY_KVLIST, |out| {
            for (key, item) in members {
                put_message(out, LIST_VALUES, |out| {
                    put_bytes(out, KEY, key.as_bytes());
                    put_message(out, VALUE, |out| put_json(out, item));
                });
            }
        }),
    }
}

/// An `ExportLogsServiceResponse`; empty when nothing was rejected, as the protocol wants it.
pub fn encode_response(rejected: u64, message: &str) -> Vec<u8> {
    let mut out = Vec::new();
    if rejected > 0 || !message.is_empty() {
        put_message(&mut out, RESPONSE_PARTIAL_SUCCESS, |out| {
            put_varint(out, PARTIAL_REJECTED, rejected);
            put_bytes(out, PARTIAL_MESSAGE, message.as_bytes());
        });
    }
    out
}

/// Reads an `ExportLogsServiceResponse`: how many records were rejected, and why. `None` if it is no
/// such message.
pub fn decode_response(body: &[u8]) -> Option<(u64, String)> {
    read_response(body).ok()
}

fn read_response(body: &[u8]) -> Result<(u64, String), BadProtobuf> {
    let (mut rejected, mut message) = (0, String::new());
    let mut response = Fields::of(body);
    while let Some((number, value)) = response.next()? {
        let (RESPONSE_PARTIAL_SUCCESS, Wire::Bytes(partial)) = (number, value) else { continue };
        let mut partial = Fields::of(partial);
        while let Some(field) = partial.next()? {
            match field {
                (PARTIAL_REJECTED, Wire::Varint(count)) => rejected = count,
                (PARTIAL_MESSAGE, Wire::Bytes(text)) => message = String::from_utf8_lossy(text).into_owned(),
                _ => {}
            }
        }
    }
    Ok((rejected, message))
}
