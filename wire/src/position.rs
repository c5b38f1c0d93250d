//! Streams and positions: what makes shipping exactly-once.
//!
//! A *stream* is one generation of one source: one file from its creation or truncation to its end.
//! Each record carries its offset in the stream, each group of records the offsets before and after
//! it. The collector keeps, per agent and stream, the position up to which it is durable, and drops
//! records below it. This module has the types; it keeps no table.

use std::fmt;
use std::str::FromStr;

/// Name of a stream: 64 random bits, made by the agent when it first sees a generation of a source
/// and never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u64);

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A text that is no stream id: sixteen lower-case hex digits are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stream id is 16 hex digits")]
pub struct BadStreamId;

impl FromStr for StreamId {
    type Err = BadStreamId;

    fn from_str(text: &str) -> Result<Self, BadStreamId> {
        if text.len() != 16 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadStreamId);
        }
        u64::from_str_radix(text, 16).map(Self).map_err(|_| BadStreamId)
    }
}

/// What a group of records says of its stream, and what the collector remembers of it.
///
/// Offsets are bytes in the source. `from_offset <= offset of each record < to_offset`, and records
/// come in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamSpan {
    /// The stream.
    pub stream: StreamId,
    /// Position before the first record of the group.
    pub from_offset: u64,
    /// Position after the last record; durable up to here once the group is acknowledged.
    pub to_offset: u64,
    /// What the agent needs to recognise the source again if its own state is lost, at
    /// `to_offset`. Opaque to the collector, at most
    /// [`STREAM_STATE_BYTES_MAX`](crate::limits::STREAM_STATE_BYTES_MAX) bytes.
    pub state: String,
}

/// One line of the answer to an agent that asks where its streams stand.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StreamPosition {
    /// The stream, as 16 hex digits.
    #[serde(with = "stream_as_text")]
    pub stream: StreamId,
    /// Records below this offset are durable at the collector.
    pub offset: u64,
    /// The state that came with the group that ended at `offset`.
    pub state: String,
}

mod stream_as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::StreamId;

    pub(super) fn serialize<S: Serializer>(id: &StreamId, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(id)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<StreamId, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_ids_are_sixteen_hex_digits() {
        let rows = [
            ("00000000000000ff", Some(StreamId(255))),
            ("ff", None),
            ("+0000000000000ff", None),
            ("00000000000000fg", None),
            ("00000000000000ff0", None),
        ];
        for (text, expected) in rows {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        assert_eq!(StreamId(255).to_string(), "00000000000000ff");
    }

    #[test]
    fn positions_travel_as_json() {
        let position = StreamPosition { stream: StreamId(7), offset: 42, state: "{}".into() };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, r#"{"stream":"0000000000000007","offset":42,"state":"{}"}"#);
        assert_eq!(serde_json::from_str::<StreamPosition>(&text).unwrap(), position);
    }
}
