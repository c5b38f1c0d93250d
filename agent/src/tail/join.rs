//! Joins what container runtimes cut: a text longer than 16 KiB is written as several lines, possibly with
//! lines of the other output between them. The bytes are joined before they're read as characters, since the
//! runtimes cut without regard to them.

use std::borrow::Cow;

use millpond_parsers::Format;
use millpond_wire::limits::MESSAGE_BYTES_MAX;

use crate::record::{Piece, Recorder};
use crate::tail::lines::{self, Text};

/// True when the lines after `at`, which follows the first piece of a text, come to a place where no text is
/// open: only up to there can lines be written, since a position between the pieces of a text would tear it.
pub fn is_closed(window: &[u8], mut at: usize, first: &Piece<'_>, recorder: &mut Recorder) -> bool {
    let mut open = vec![first.stream];
    while let Some(line) = lines::line_at(window, at) {
        at = line.next;
        let text = lines::text(line.raw, false, None);
        let Some(piece) = read_piece(&text, recorder) else { continue };
        open.retain(|stream| *stream != piece.stream);
        if !piece.last {
            open.push(piece.stream);
        }
        if open.is_empty() {
            return true;
        }
    }
    false
}

fn read_piece<'a>(text: &'a Text<'_>, recorder: &mut Recorder) -> Option<Piece<'a>> {
    let format = if text.text.starts_with('{') { Format::Docker } else { Format::Cri };
    recorder.piece(format, &text.text, 0)
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

    /// Takes the other pieces from the lines from `at` on, up to the last one or the end of the window. The
    /// starts of the lines that were used are added to `taken`.
    pub fn gather(
        &mut self,
        window: &[u8],
        mut at: usize,
        first: &Piece<'_>,
        recorder: &mut Recorder,
        taken: &mut Vec<usize>,
    ) -> String {
        while let Some(line) = lines::line_at(window, at) {
            at = line.next;
            if taken.contains(&line.start) {
                continue;
            }
            let text = lines::text(line.raw, false, None);
            let piece = read_piece(&text, recorder).filter(|piece| piece.stream == first.stream);
            let Some(piece) = piece else { continue };
            self.push(line.raw, &text, &piece);
            taken.push(line.start);
            if piece.last {
                break;
            }
        }
        lines::text(&self.bytes, false, None).text.into_owned()
    }

    fn push(&mut self, raw: &[u8], text: &Text<'_>, piece: &Piece<'_>) {
        let bytes = piece_bytes(raw, text, piece);
        self.whole_bytes += bytes.len() as u64;
        let room = MESSAGE_BYTES_MAX.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
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
