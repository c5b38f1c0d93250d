//! Joins what container runtimes cut: a text longer than 16 KiB is written as several lines, possibly with
//! lines of the other output between them. The bytes are joined before they're read as characters, since the
//! runtimes cut without regard to them.

use std::borrow::Cow;

use millpond_parsers::Format;
use millpond_wire::limits::MESSAGE_BYTES_MAX;

use crate::record::{Piece, Recorder};
use crate::tail::lines::{self, Text};

/// The end of a group of pieces.
#[derive(Debug, PartialEq, Eq)]
pub enum Joined {
    /// All pieces were found.
    Whole(String),
    /// The last piece isn't in the window.
    Open(String),
}

/// A group of pieces being put together.
#[derive(Debug)]
pub struct Join {
    bytes: Vec<u8>,
    /// Bytes that all pieces have, those beyond the longest message included.
    pub whole_bytes: u64,
}

impl Join {
    /// Starts with the first piece and the line that it was read from.
    pub fn new(raw: &[u8], text: &Text<'_>, piece: &Piece<'_>) -> Self {
        let mut join = Self { bytes: Vec::new(), whole_bytes: 0 };
        join.push(raw, text, piece);
        join
    }

    /// True when the text had to be cut.
    pub fn is_cut(&self) -> bool {
        self.whole_bytes > self.bytes.len() as u64
    }

    /// Looks for the other pieces in the lines from `at` on. The starts of lines that were used are added to
    /// `taken`, also when the end isn't found.
    pub fn gather(
        &mut self,
        window: &[u8],
        mut at: usize,
        first: &Piece<'_>,
        recorder: &mut Recorder,
        taken: &mut Vec<usize>,
    ) -> Joined {
        while let Some(line) = lines::line_at(window, at) {
            at = line.next;
            if taken.contains(&line.start) {
                continue;
            }
            let text = lines::text(line.raw, false, None);
            let format = if text.text.starts_with('{') { Format::Docker } else { Format::Cri };
            let Some(piece) =
                recorder.piece(format, &text.text, 0).filter(|piece| piece.stream == first.stream)
            else {
                continue;
            };
            self.push(line.raw, &text, &piece);
            taken.push(line.start);
            if piece.last {
                return Joined::Whole(self.text());
            }
        }
        Joined::Open(self.text())
    }

    fn push(&mut self, raw: &[u8], text: &Text<'_>, piece: &Piece<'_>) {
        let bytes = piece_bytes(raw, text, piece);
        self.whole_bytes += bytes.len() as u64;
        let room = MESSAGE_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn text(&self) -> String {
        lines::text(&self.bytes, false, None).text.into_owned()
    }
}

/// The piece as it stands in the line. A message that is verbatim is the end of it.
fn piece_bytes<'a>(raw: &'a [u8], text: &Text<'_>, piece: &'a Piece<'_>) -> &'a [u8] {
    let Cow::Borrowed(message) = piece.message else { return piece.message.as_bytes() };
    if text.lossy {
        let header = text.nul_bytes + text.text.len() - message.len();
        let bytes = raw.get(header..).unwrap_or_default();
        return bytes.strip_suffix(b"\r").unwrap_or(bytes);
    }
    message.as_bytes()
}
