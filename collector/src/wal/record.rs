//! Records of the write-ahead log: a checked prefix, a checked head, a checked body. `WAL.md` has
//! the bytes. Pure: no files here.

use millpond_wire::compression::Encoding;
use millpond_wire::limits::BODY_BYTES_MAX;
use millpond_wire::position::StreamId;

use super::bytes::{Reader, put_short_str};
use super::state::Numbers;
use crate::limits::{POSITIONS_BYTES_MAX, RECORD_HEAD_BYTES_MAX};

/// First four bytes of every record; the last is the version of the format. Also what a reader looks
/// for after damage.
pub const MAGIC: [u8; 4] = *b"MPW1";

/// Bytes of the prefix: magic, head length, body length, CRC of the body, CRC of the head and of
/// the prefix before it.
pub const PREFIX_BYTES: usize = 20;

/// Largest body in bytes: a request or a snapshot, whichever may be larger. Twice the bound of the
/// positions leaves room for the names of their agents.
const RECORD_BODY_BYTES_MAX: usize =
    if POSITIONS_BYTES_MAX * 2 > BODY_BYTES_MAX { POSITIONS_BYTES_MAX * 2 } else { BODY_BYTES_MAX };

/// What a body is, and what the collector knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its protocol.
    pub kind: SourceKind,
    /// Its content encoding.
    pub encoding: Encoding,
    /// The agent that sent it, from its certificate.
    pub agent: Option<Box<str>>,
    /// When it came, Unix nanoseconds: the time of records that name none.
    pub received_ns: i64,
}

/// Protocols of bodies. The number is in the log and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SourceKind {
    /// OTLP logs in protobuf.
    Otlp = 1,
    /// JSON objects, one a line.
    Ndjson = 2,
}

/// Kind byte of a snapshot.
const SNAPSHOT: u8 = 0;

/// What a record says without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Head {
    /// A request; the body is the request's, as it came.
    Batch(BatchHead),
    /// The numbers at the beginning of a segment; the body is the positions.
    Snapshot(Numbers),
}

/// A request as it was admitted: enough to advance numbers and positions without decoding the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchHead {
    /// Number of this record; consecutive.
    pub sequence: u64,
    /// Number of its first document.
    pub first_document: u64,
    /// Documents that were admitted. With 0 the body is left out.
    pub documents: u32,
    /// What the body is.
    pub source: Source,
    /// One for each group of the body, in its order.
    pub spans: Vec<AdmittedSpan>,
}

/// What was admitted of one group of records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdmittedSpan {
    /// The stream.
    pub stream: StreamId,
    /// Records of the group below this offset were durable before and were dropped.
    pub admitted_from: u64,
    /// Durable up to here with this record.
    pub to_offset: u64,
    /// The agent's state at `to_offset`.
    pub state: String,
}

/// Lengths and checksums of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Bytes of the head.
    pub head_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: usize,
    body_crc: u32,
    head_crc: u32,
}

impl Prefix {
    /// Reads a prefix. `None`: this is not the beginning of a record.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let prefix = Self {
            head_bytes: reader.u32()? as usize,
            body_bytes: reader.u32()? as usize,
            body_crc: reader.u32()?,
            head_crc: reader.u32()?,
        };
        let fits = prefix.head_bytes <= RECORD_HEAD_BYTES_MAX && prefix.body_bytes <= RECORD_BODY_BYTES_MAX;
        fits.then_some(prefix)
    }

    /// Bytes of the whole record.
    pub fn record_bytes(&self) -> u64 {
        (PREFIX_BYTES + self.head_bytes + self.body_bytes) as u64
    }

    /// The head, if its bytes are the ones that were written.
    pub fn open_head(&self, head: &[u8]) -> Option<Head> {
        (head.len() == self.head_bytes && self.crc_of_head(head) == self.head_crc)
            .then(|| Head::parse(head))
            .flatten()
    }

    /// True if the body's bytes are the ones that were written.
    pub fn is_body(&self, body: &[u8]) -> bool {
        body.len() == self.body_bytes && crc32c::crc32c(body) == self.body_crc
    }

    fn crc_of_head(&self, head: &[u8]) -> u32 {
        let mut checked = Vec::with_capacity(PREFIX_BYTES);
        self.put_checked(&mut checked);
        crc32c::crc32c_append(crc32c::crc32c(&checked), head)
    }

    /// The part of the prefix that the head's checksum covers.
    fn put_checked(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        for number in [self.head_bytes as u32, self.body_bytes as u32, self.body_crc] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// Appends the record of a request.
pub fn encode_batch(head: &BatchHead, body: &[u8], out: &mut Vec<u8>) {
    let mut head_bytes = Vec::with_capacity(128);
    head.put(&mut head_bytes);
    encode(&head_bytes, body, out);
}

/// Appends the record of a snapshot; `positions` comes from [`Positions::put`](super::state::Positions::put).
pub fn encode_snapshot(numbers: Numbers, positions: &[u8], out: &mut Vec<u8>) {
    let mut head_bytes = vec![SNAPSHOT];
    head_bytes.extend_from_slice(&numbers.sequence.to_le_bytes());
    head_bytes.extend_from_slice(&numbers.document.to_le_bytes());
    encode(&head_bytes, positions, out);
}

fn encode(head_bytes: &[u8], body: &[u8], out: &mut Vec<u8>) {
    let mut prefix = Prefix {
        head_bytes: head_bytes.len(),
        body_bytes: body.len(),
        body_crc: crc32c::crc32c(body),
        head_crc: 0,
    };
    prefix.head_crc = prefix.crc_of_head(head_bytes);
    prefix.put_checked(out);
    out.extend_from_slice(&prefix.head_crc.to_le_bytes());
    out.extend_from_slice(head_bytes);
    out.extend_from_slice(body);
}

impl Head {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = match reader.u8()? {
            SNAPSHOT => {
                let numbers = Numbers { sequence: reader.u64()?, document: reader.u64()? };
                return Some(Self::Snapshot(numbers));
            }
            1 => SourceKind::Otlp,
            2 => SourceKind::Ndjson,
            _ => return None,
        };
        BatchHead::parse(kind, &mut reader).map(Self::Batch)
    }
}

impl BatchHead {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.source.kind as u8);
        out.push(match self.source.encoding {
            Encoding::Identity => 0,
            Encoding::Gzip => 1,
            Encoding::Zstd => 2,
        });
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.source.received_ns.to_le_bytes());
        out.extend_from_slice(&self.first_document.to_le_bytes());
        out.extend_from_slice(&self.documents.to_le_bytes());
        put_short_str(self.source.agent.as_deref().unwrap_or_default(), out);
        out.extend_from_slice(&(self.spans.len() as u32).to_le_bytes());
        for span in &self.spans {
            out.extend_from_slice(&span.stream.0.to_le_bytes());
            out.extend_from_slice(&span.admitted_from.to_le_bytes());
            out.extend_from_slice(&span.to_offset.to_le_bytes());
            put_short_str(&span.state, out);
        }
    }

    fn parse(kind: SourceKind, reader: &mut Reader<'_>) -> Option<Self> {
        let encoding = match reader.u8()? {
            0 => Encoding::Identity,
            1 => Encoding::Gzip,
            2 => Encoding::Zstd,
            _ => return None,
        };
        let sequence = reader.u64()?;
        let received_ns = reader.i64()?;
        let first_document = reader.u64()?;
        let documents = reader.u32()?;
        let agent = Some(reader.short_str()?).filter(|agent| !agent.is_empty()).map(Box::from);
        let mut spans = Vec::new();
        for _ in 0..reader.u32()? {
            spans.push(AdmittedSpan {
                stream: StreamId(reader.u64()?),
                admitted_from: reader.u64()?,
                to_offset: reader.u64()?,
                state: reader.short_str()?.to_owned(),
            });
        }
        let source = Source { kind, encoding, agent, received_ns };
        Some(Self { sequence, first_document, documents, source, spans })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> BatchHead {
        BatchHead {
            sequence: 7,
            first_document: 1000,
            documents: 3,
            source: Source {
                kind: SourceKind::Otlp,
                encoding: Encoding::Zstd,
                agent: Some("web-01".into()),
                received_ns: -5,
            },
            spans: vec![AdmittedSpan {
                stream: StreamId(9),
                admitted_from: 10,
                to_offset: 20,
                state: "{\"é\":1}".into(),
            }],
        }
    }

    /// Head and body of the record that `bytes` begin with, checked as recovery does.
    fn open(bytes: &[u8]) -> Option<(Head, Vec<u8>)> {
        let prefix = Prefix::parse(bytes)?;
        let rest = bytes.get(PREFIX_BYTES..)?;
        let head = prefix.open_head(rest.get(..prefix.head_bytes)?)?;
        let body = rest.get(prefix.head_bytes..prefix.head_bytes + prefix.body_bytes)?;
        prefix.is_body(body).then(|| (head, body.to_vec()))
    }

    #[test]
    fn records_round_trip() {
        let plain = BatchHead {
            sequence: 0,
            first_document: 0,
            documents: 0,
            source: Source {
                kind: SourceKind::Ndjson,
                encoding: Encoding::Identity,
                agent: None,
                received_ns: i64::MAX,
            },
            spans: vec![],
        };
        for (head, body) in [(batch(), &b"body"[..]), (plain, b"")] {
            let mut bytes = Vec::new();
            encode_batch(&head, body, &mut bytes);
            assert_eq!(Prefix::parse(&bytes).unwrap().record_bytes(), bytes.len() as u64);
            assert_eq!(open(&bytes), Some((Head::Batch(head), body.to_vec())));
        }
        let numbers = Numbers { sequence: u64::MAX, document: 3 };
        let mut bytes = Vec::new();
        encode_snapshot(numbers, b"positions", &mut bytes);
        assert_eq!(open(&bytes), Some((Head::Snapshot(numbers), b"positions".to_vec())));
    }

    #[test]
    fn a_cut_or_a_flipped_bit_anywhere_is_seen() {
        let mut bytes = Vec::new();
        encode_batch(&batch(), b"the body of the request", &mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(open(&bytes[..length]), None, "cut to {length}");
        }
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(open(&flipped), None, "bit {bit} of byte {at}");
            }
        }
    }
}
