//! One body to documents, the same way when it arrives and when it is replayed: the result depends
//! on nothing but the body and its [`Source`]. Pure.

use millpond_wire::batch::{Batch, Cuts};
use millpond_wire::compression::decompress;
use millpond_wire::limits::{BODY_BYTES_MAX, BODY_DECODED_BYTES_MAX};
use millpond_wire::otlp::{self, Group, OtlpError, Stamp};

use super::error::IngestError;
use super::ndjson::{self, LineError};
use crate::wal::record::{Source, SourceKind};

/// Documents of one body.
#[derive(Debug)]
pub struct Decoded {
    /// The documents, not numbered yet.
    pub batch: Batch,
    /// By document: its offset in its stream. Empty if the protocol has none.
    pub offsets: Vec<Option<u64>>,
    /// Groups of documents that belong to streams.
    pub groups: Vec<Group>,
    /// What limits cut.
    pub cuts: Cuts,
    /// What was odd.
    pub notes: Notes,
    /// The first odd lines.
    pub errors: Vec<LineError>,
}

/// Oddities of a body, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Lines that are no JSON object; kept as messages.
    pub invalid_lines: u64,
    /// Lines with invalid UTF-8; the bad bytes became U+FFFD.
    pub invalid_utf8: u64,
    /// Timestamps that could not be read; kept as text, with the receive time in their place.
    pub bad_timestamps: u64,
}

/// Decompresses and decodes a body.
///
/// # Errors
/// The body as a whole is beyond a limit or not of its kind; nothing of it is taken.
pub fn decode(source: &Source, body: &[u8]) -> Result<Decoded, IngestError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(IngestError::TooLarge(format!(
            "the body is larger than {BODY_BYTES_MAX} bytes: send smaller batches"
        )));
    }
    let plain = decompress(source.encoding, body, BODY_DECODED_BYTES_MAX)?;
    match source.kind {
        SourceKind::Ndjson => ndjson::decode(&plain, source.received_ns),
        SourceKind::Otlp => decode_otlp(source, &plain),
    }
}

fn decode_otlp(source: &Source, plain: &[u8]) -> Result<Decoded, IngestError> {
    let stamp = Stamp { agent_id: source.agent.as_deref(), received_ns: source.received_ns };
    let logs = otlp::decode(plain, &stamp).map_err(|error| match error {
        OtlpError::TooManyRecords | OtlpError::TooLarge => IngestError::TooLarge(error.to_string()),
        OtlpError::Malformed | OtlpError::Stream { .. } => IngestError::BadRequest(error.to_string()),
    })?;
    Ok(Decoded {
        batch: logs.batch,
        offsets: logs.offsets,
        groups: logs.groups,
        cuts: logs.cuts,
        notes: Notes::default(),
        errors: Vec::new(),
    })
}
