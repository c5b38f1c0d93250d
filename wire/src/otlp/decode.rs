//! Reads requests (the collector's side) into a batch. Anything that is protobuf is taken: unknown
//! fields are skipped, odd text is repaired, too deep values are kept as base64. Only a body that is
//! no protobuf, or whose stream offsets contradict each other, is refused.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::any::{int_of, key_and_value, text_of, write_any_as_json};
use super::number::{
    ANY_ARRAY, ANY_BOOL, ANY_BYTES, ANY_DOUBLE, ANY_INT, ANY_KVLIST, ANY_STRING, LIST_VALUES,
    REQUEST_RESOURCE_LOGS, RESOURCE_ATTRIBUTES, RESOURCE_LOGS_RESOURCE, RESOURCE_LOGS_SCOPE_LOGS,
    SCOPE_ATTRIBUTES, SCOPE_LOGS_RECORDS, SCOPE_LOGS_SCOPE, SCOPE_NAME,
};
use super::protobuf::{BadProtobuf, Fields, Wire};
use super::{STREAM_FROM, STREAM_ID, STREAM_STATE, STREAM_TO};
use crate::batch::{Batch, BatchBuilder, Common, Cuts, ValueRef};
use crate::limits::{BATCH_DOCUMENTS_MAX, NESTING_MAX, STREAM_STATE_BYTES_MAX};
use crate::names;
use crate::position::{StreamId, StreamSpan};

/// What the receiver knows of a request and puts on every document.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    /// The agent, from its certificate; without one, stream offsets are not believed.
    pub agent_id: Option<&'a str>,
    /// When the request came, Unix nanoseconds: the time of records that name none.
    pub received_ns: i64,
}

/// A request, read.
#[derive(Debug)]
pub struct DecodedLogs {
    /// The documents in the order of the request.
    pub batch: Batch,
    /// By document: its offset in its stream, where it is of one.
    pub offsets: Vec<Option<u64>>,
    /// The groups of records that belong to streams.
    pub groups: Vec<Group>,
    /// What limits cut.
    pub cuts: Cuts,
}

/// Records of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The stream and the offsets around the group.
    pub span: StreamSpan,
    /// Its documents in the batch.
    pub docs: Range<usize>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OtlpError {
    /// Not a protobuf message of this shape.
    #[error("the body is no protobuf ExportLogsServiceRequest")]
    Malformed,
    /// Too many records.
    #[error("more than {BATCH_DOCUMENTS_MAX} records in one request: send smaller batches")]
    TooManyRecords,
    /// More text or fields than a batch may hold, attributes that records share counted for each.
    #[error("the request's records are too large together: send smaller batches")]
    TooLarge,
    /// Offsets of a stream that can't be.
    #[error("stream {stream}: {what}")]
    Stream {
        /// The stream as named in the request.
        stream: String,
        /// The contradiction.
        what: &'static str,
    },
}

impl From<BadProtobuf> for OtlpError {
    fn from(_: BadProtobuf) -> Self {
        Self::Malformed
    }
}

/// Reads a decompressed request body.
///
/// # Errors
/// See [`OtlpError`]: the whole request is refused, nothing of it is kept.
pub fn decode(body: &[u8], stamp: &Stamp<'_>) -> Result<DecodedLogs, OtlpError> {
    let mut decoder = Decoder {
        stamp: *stamp,
        builder: BatchBuilder::new(),
        offsets: Vec::new(),
        groups: Vec::new(),
        name: String::new(),
        json: Vec::new(),
    };
    let mut request = Fields::of(body);
    while let Some(field) = request.next()? {
        if let (REQUEST_RESOURCE_LOGS, Wire::Bytes(resource_logs)) = field {
            decoder.resource_logs(resource_logs)?;
        }
    }
    let (batch, cuts) = decoder.builder.finish();
    Ok(DecodedLogs { batch, offsets: decoder.offsets, groups: decoder.groups, cuts })
}

pub(super) struct Decoder<'s> {
    pub(super) stamp: Stamp<'s>,
    pub(super) builder: BatchBuilder,
    pub(super) offsets: Vec<Option<u64>>,
    groups: Vec<Group>,
    /// Dotted name of the value at hand.
    pub(super) name: String,
    pub(super) json: Vec<u8>,
}

/// The stream attributes of a scope.
#[derive(Default)]
struct StreamAttributes<'a> {
    id: Option<&'a str>,
    from: Option<u64>,
    to: Option<u64>,
    state: &'a str,
}

impl Decoder<'_> {
    fn resource_logs(&mut self, message: &[u8]) -> Result<(), OtlpError> {
        self.resource(message)?;
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            if let (RESOURCE_LOGS_SCOPE_LOGS, Wire::Bytes(scope_logs)) = field {
                self.scope_logs(scope_logs)?;
            }
        }
        Ok(())
    }

    fn scope_logs(&mut self, message: &[u8]) -> Result<(), OtlpError> {
        let stream = self.scope_fields(message)?;
        let first = self.builder.len();
        let mut fields = Fields::of(message);
        while let Some(field) = fields.next()? {
            if let (SCOPE_LOGS_RECORDS, Wire::Bytes(record)) = field {
                if self.builder.len() >= BATCH_DOCUMENTS_MAX {
                    return Err(OtlpError::TooManyRecords);
                }
                self.record(record, stream.id.is_some())?;
                self.within_bounds()?;
            }
        }
        match stream.id.filter(|_| self.stamp.agent_id.is_some()) {
            Some(id) => self.close_group(id, &stream, first),
            None => Ok(()),
        }
    }

    /// What all records of a resource share: its attributes and the stamp.
    fn resource(&mut self, resource_logs: &[u8]) -> Result<(), OtlpError> {
        self.builder.begin_common(Common::Resource);
        let mut fields = Fields::of(resource_logs);
        while let Some(field) = fields.next()? {
            let (RESOURCE_LOGS_RESOURCE, Wire::Bytes(resource)) = field else { continue };
            let mut resource = Fields::of(resource);
            while let Some(field) = resource.next()? {
                if let (RESOURCE_ATTRIBUTES, Wire::Bytes(attribute)) = field {
                    self.attribute(attribute)?;
                }
            }
        }
        if let Some(agent_id) = self.stamp.agent_id {
            self.builder.field(names::AGENT_ID, ValueRef::Str(agent_id));
        }
        self.builder.end_common();
        self.within_bounds()
    }

    /// What all records of a scope share, and the stream that they are of.
    fn scope_fields<'m>(&mut self, scope_logs: &'m [u8]) -> Result<StreamAttributes<'m>, OtlpError> {
        let mut stream = StreamAttributes::default();
        self.builder.begin_common(Common::Scope);
        let mut fields = Fields::of(scope_logs);
        while let Some(field) = fields.next()? {
            if let (SCOPE_LOGS_SCOPE, Wire::Bytes(scope)) = field {
                self.scope(scope, &mut stream)?;
            }
        }
        self.builder.end_common();
        self.within_bounds()?;
        Ok(stream)
    }

    /// Shared attributes make documents larger than the body that they came in, so the batch has
    /// bounds of its own.
    fn within_bounds(&self) -> Result<(), OtlpError> {
        if self.builder.is_full() { Err(OtlpError::TooLarge) } else { Ok(()) }
    }

    fn scope<'m>(&mut self, scope: &'m [u8], stream: &mut StreamAttributes<'m>) -> Result<(), OtlpError> {
        let mut fields = Fields::of(scope);
        while let Some(field) = fields.next()? {
            match field {
                (SCOPE_NAME, Wire::Bytes(name)) if !name.is_empty() => {
                    self.builder.field("otel.scope.name", ValueRef::Str(&String::from_utf8_lossy(name)));
                }
                (SCOPE_ATTRIBUTES, Wire::Bytes(attribute)) => match key_and_value(attribute)? {
                    (key, value) if key == STREAM_ID.as_bytes() => stream.id = Some(text_of(value)?),
                    (key, value) if key == STREAM_FROM.as_bytes() => stream.from = int_of(value)?,
                    (key, value) if key == STREAM_TO.as_bytes() => stream.to = int_of(value)?,
                    (key, value) if key == STREAM_STATE.as_bytes() => stream.state = text_of(value)?,
                    _ => self.attribute(attribute)?,
                },
                _ => {}
            }
        }
        Ok(())
    }

    fn close_group(
        &mut self,
        id: &str,
        stream: &StreamAttributes<'_>,
        first: usize,
    ) -> Result<(), OtlpError> {
        let bad = |what| OtlpError::Stream { stream: id.chars().take(40).collect(), what };
        let stream_id: StreamId = id.parse().map_err(|_| bad("a stream id is 16 hex digits"))?;
        let (Some(from_offset), Some(to_offset)) = (stream.from, stream.to) else {
            return Err(bad("the offsets around the group are missing"));
        };
        if stream.state.len() > STREAM_STATE_BYTES_MAX {
            return Err(bad("the stream's state is too long"));
        }
        let mut at_least = from_offset;
        for offset in self.offsets.get(first..).unwrap_or_default() {
            match offset {
                Some(offset) if (at_least..to_offset).contains(offset) => at_least = *offset,
                _ => return Err(bad("an offset is missing, descends or lies outside its group")),
            }
        }
        if from_offset > to_offset {
            return Err(bad("the group ends before it begins"));
        }
        let state = stream.state.to_owned();
        let span = StreamSpan { stream: stream_id, from_offset, to_offset, state };
        self.groups.push(Group { span, docs: first..self.builder.len() });
        Ok(())
    }

    pub(super) fn attribute(&mut self, attribute: &[u8]) -> Result<(), OtlpError> {
        let (key, value) = key_and_value(attribute)?;
        self.name.clear();
        self.name.push_str(&String::from_utf8_lossy(key));
        self.value(value, 0)
    }

    /// Adds the `AnyValue` under the current name; maps are taken apart into dotted names.
    pub(super) fn value(&mut self, any: &[u8], depth: usize) -> Result<(), OtlpError> {
        if self.stamp.agent_id.is_some() && self.name == names::AGENT_ID {
            return Ok(());
        }
        let mut fields = Fields::of(any);
        let field = fields.next()?;
        let name = self.name.as_str();
        match field {
            None => self.builder.field(name, ValueRef::Json("null")),
            Some((ANY_STRING, Wire::Bytes(text))) => {
                self.builder.field(name, ValueRef::Str(&String::from_utf8_lossy(text)));
            }
            Some((ANY_BOOL, Wire::Varint(truth))) => self.builder.field(name, ValueRef::Bool(truth != 0)),
            Some((ANY_INT, Wire::Varint(number))) => {
                self.builder.field(name, ValueRef::I64(number.cast_signed()))
            }
            Some((ANY_DOUBLE, Wire::Fixed64(bits))) => {
                self.builder.field(name, ValueRef::F64(f64::from_bits(bits)));
            }
            Some((ANY_BYTES, Wire::Bytes(bytes))) => {
                self.builder.field(name, ValueRef::Str(&STANDARD.encode(bytes)));
            }
            Some((ANY_ARRAY, Wire::Bytes(_))) => {
                self.json.clear();
                write_any_as_json(any, depth, &mut self.json)?;
                self.builder.field(name, ValueRef::Json(&String::from_utf8_lossy(&self.json)));
            }
            Some((ANY_KVLIST, Wire::Bytes(list))) => self.map(list, depth)?,
            Some(_) => return Err(OtlpError::Malformed),
        }
        Ok(())
    }

    fn map(&mut self, list: &[u8], depth: usize) -> Result<(), OtlpError> {
        if depth >= NESTING_MAX {
            self.builder.field(&self.name, ValueRef::Str(&STANDARD.encode(list)));
            return Ok(());
        }
        let mut members = Fields::of(list);
        let mut empty = true;
        while let Some(field) = members.next()? {
            let (LIST_VALUES, Wire::Bytes(member)) = field else { continue };
            empty = false;
            let (key, value) = key_and_value(member)?;
            let length = self.name.len();
            self.name.push('.');
            self.name.push_str(&String::from_utf8_lossy(key));
            self.value(value, depth + 1)?;
            self.name.truncate(length);
        }
        if empty {
            self.builder.field(&self.name, ValueRef::Json("{}"));
        }
        Ok(())
    }
}
