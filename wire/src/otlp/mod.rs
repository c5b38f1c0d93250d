//! OTLP logs over HTTP (OpenTelemetry protocol 1.x, `ExportLogsServiceRequest` in protobuf), written
//! and read by hand: the encoder writes from borrowed parts, the decoder fills a
//! [`Batch`](crate::batch::Batch) without an object per record. OTLP in JSON and gRPC are not here.
//!
//! What exactly-once needs travels in ordinary attributes, so that any OTLP backend can take what an
//! agent sends: the scope of a group of records names the stream and the offsets around the group
//! ([`STREAM_ID`] and its fellows), each record its own offset ([`OFFSET`]). The decoder takes them
//! out again.

mod any;
mod decode;
mod encode;
mod protobuf;
mod record;

pub use self::decode::{DecodedLogs, Group, OtlpError, Stamp, decode};
pub use self::encode::{RecordRef, RequestEncoder, decode_response, encode_response};

/// Scope attribute: the stream's id, 16 hex digits.
const STREAM_ID: &str = "millpond.stream.id";
/// Scope attribute: offset before the first record of the group.
const STREAM_FROM: &str = "millpond.stream.from";
/// Scope attribute: offset after the last record of the group.
const STREAM_TO: &str = "millpond.stream.to";
/// Scope attribute: what the agent must remember of the stream.
const STREAM_STATE: &str = "millpond.stream.state";
/// Record attribute: offset of the record in its stream.
const OFFSET: &str = "log.offset";

/// Field numbers of the messages, from `opentelemetry/proto/{common,resource,logs,collector/logs}/v1`.
mod number {
    pub(super) const REQUEST_RESOURCE_LOGS: u32 = 1;
    pub(super) const RESOURCE_LOGS_RESOURCE: u32 = 1;
    pub(super) const RESOURCE_LOGS_SCOPE_LOGS: u32 = 2;
    pub(super) const RESOURCE_ATTRIBUTES: u32 = 1;
    pub(super) const SCOPE_LOGS_SCOPE: u32 = 1;
    pub(super) const SCOPE_LOGS_RECORDS: u32 = 2;
    pub(super) const SCOPE_NAME: u32 = 1;
    pub(super) const SCOPE_ATTRIBUTES: u32 = 3;
    pub(super) const RECORD_TIME: u32 = 1;
    pub(super) const RECORD_SEVERITY_NUMBER: u32 = 2;
    pub(super) const RECORD_SEVERITY_TEXT: u32 = 3;
    pub(super) const RECORD_BODY: u32 = 5;
    pub(super) const RECORD_ATTRIBUTES: u32 = 6;
    pub(super) const RECORD_TRACE_ID: u32 = 9;
    pub(super) const RECORD_SPAN_ID: u32 = 10;
    pub(super) const RECORD_OBSERVED_TIME: u32 = 11;
    pub(super) const RECORD_EVENT_NAME: u32 = 12;
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
    pub(super) const ANY_STRING: u32 = 1;
    pub(super) const ANY_BOOL: u32 = 2;
    pub(super) const ANY_INT: u32 = 3;
    pub(super) const ANY_DOUBLE: u32 = 4;
    pub(super) const ANY_ARRAY: u32 = 5;
    pub(super) const ANY_KVLIST: u32 = 6;
    pub(super) const ANY_BYTES: u32 = 7;
    pub(super) const LIST_VALUES: u32 = 1;
    pub(super) const RESPONSE_PARTIAL_SUCCESS: u32 = 1;
    pub(super) const PARTIAL_REJECTED: u32 = 1;
    pub(super) const PARTIAL_MESSAGE: u32 = 2;
}

#[cfg(test)]
mod tests;
