//! Joins what container runtimes cut: a text longer than 16 KiB is written as several lines, possibly with
//! lines of the other output between them. The bytes are joined before they're read as characters, since the
//! runtimes cut without regard to them.

use std::borrow::Cow;

use millpond_parsers::{Detector, Format};
use millpond_wire::limits::MESSAGE_BYTES_MAX;

use crate::record::{Piece, Recorder};
use crate::tail::lines::{self, Text};

/// True when the line may be a container's: a look at its shape, so that other lines aren't parsed for it.
/// `fixed`: the format that is configured; `found`: the one that was detected.
pub fn may_wrap(raw: &[u8], fixed: Option<Format>, found: Option<Format>) -> bool {
    match (raw.first(), fixed) {
        (_, Some(Format::Docker | Format::Cri)) => true,
        (_, Some(_)) => false,
        // What is read as JSON first stays JSON.
        (Some(b'{'), None) => {
            found != Some(Format::Json) && memchr::memmem::find(raw, b"\"stream\"").is_some()
        }
        (Some(b'0'..=b'9'), None) => {
            let blank = memchr::memchr(b' ', raw.get(..64).unwrap_or(raw));
            let rest = blank.and_then(|blank| raw.get(blank + 1..)).unwrap_or_default();
            rest.starts_with(b"stdout ") || rest.starts_with(b"stderr ")
        }
        _ => false,
    }
}

/// Reads a line as a piece; with its bytes as they stand in the line, where the characters aren't those.
pub fn unwrap<'a>(
    raw: &'a [u8],
    text: &Text<'a>,
    detector: &mut Detector,
    recorder: &mut Recorder,
    now_ns: i64,
) -> Option<(Piece<'a>, Option<&'a [u8]>)> {
    let line = match &text.text {
        Cow::Borrowed(line) => return Some((recorder.unwrap(line, detector, now_ns)?, None)),
        Cow::Owned(line) => line,
    };
    let piece = recorder.unwrap(line, detector, now_ns)?;
    let bytes = match &piece.message {
        // A message that is verbatim is the end of its line.
        Cow::Borrowed(message) => {
            let bytes = raw.get(text.nul_bytes + line.len() - message.len()..).unwrap_or_default();
            Some(bytes.strip_suffix(b"\r").unwrap_or(bytes))
        }
        Cow::Owned(_) => None,
    };
    Some((Piece { message: piece.message.into_owned().into(), ..piece }, bytes))
}

/// Pieces being put together.
#[derive(Debug, Default)]
pub struct Join {
    bytes: Vec<u8>,
    /// Bytes that all pieces have, those beyond the longest message included.
    whole_bytes: u64,
}

impl Join {
    /// Takes the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        self.whole_bytes += bytes.len() as u64;
        let room = MESSAGE_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The text, as if it had been written in one line.
    pub fn finish(&self) -> Text<'static> {
        let text = lines::text(&self.bytes, false, None);
        let cut = self.whole_bytes > self.bytes.len() as u64;
        Text {
            text: text.text.into_owned().into(),
            lossy: text.lossy,
            cut_from_bytes: cut.then_some(self.whole_bytes),
            nul_bytes: 0,
        }
    }
}
