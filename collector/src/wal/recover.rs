//! Start-up: reads every kept segment, rebuilds numbers and positions, hands back what the store
//! does not have yet, cuts an unfinished write at the end, sets damaged bytes aside.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::record::{BatchHead, Head};
use super::segment::{Body, Item, SegmentPath, SegmentReader};
use super::state::{Numbers, Positions};
use super::{Sealed, WalError};

/// What recovery found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records handed back for the store.
    pub replayed_records: u64,
    /// Bytes cut at the end of the log: a write that was never acknowledged.
    pub torn_bytes: u64,
    /// Records whose body can't be read. Their documents are lost; their positions were not
    /// advanced, so an agent that still has them sends them again.
    pub damaged_records: u64,
    /// Bytes that are no records, copied to `*.damaged` files beside the segment.
    pub damaged_bytes: u64,
    /// The log was behind the store: its files were lost or deleted, and with them the positions.
    pub was_lost: bool,
}

/// A durable record that the store does not have.
pub type Replay<'r> = dyn FnMut(BatchHead, Vec<u8>) -> Result<(), WalError> + 'r;

/// The state of the log after reading all of it.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) numbers: Numbers,
    pub(super) positions: Positions,
    /// All segments, oldest first, each with the number after its last record.
    pub(super) segments: Vec<Sealed>,
    /// Length of the last segment's good part.
    pub(super) last_len_bytes: u64,
    /// Length of the last segment's snapshot, which is its beginning.
    pub(super) last_snapshot_bytes: u64,
    /// The last segment begins with the state that all before it lead to, and is undamaged.
    pub(super) is_last_sound: bool,
    pub(super) report: Report,
}

/// Reads the segments in `dir`. Records from `durable_upto` on go to `replay`, in order.
pub(super) fn recover(dir: &Path, durable_upto: u64, replay: &mut Replay<'_>) -> Result<Recovered, WalError> {
    let mut recovered = Recovered::default();
    let segments = list(dir)?;
    let count = segments.len();
    for (index, segment) in segments.into_iter().enumerate() {
        recovered.segment(&segment, index + 1 == count, durable_upto, replay)?;
        recovered.segments.push(Sealed { path: segment.path, end_sequence: recovered.numbers.sequence });
    }
    Ok(recovered)
}

/// The segments of a folder in order. Segments that were never finished are deleted: nothing in
/// them was acknowledged.
fn list(dir: &Path) -> Result<Vec<SegmentPath>, WalError> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| WalError::at(dir, error))? {
        let path = entry.map_err(|error| WalError::at(dir, error))?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            std::fs::remove_file(&path).map_err(|error| WalError::at(&path, error))?;
        }
        segments.extend(SegmentPath::parse(&path));
    }
    segments.sort_by_key(|segment| segment.first_sequence);
    Ok(segments)
}

impl Recovered {
    fn segment(
        &mut self,
        segment: &SegmentPath,
        is_last: bool,
        durable_upto: u64,
        replay: &mut Replay<'_>,
    ) -> Result<(), WalError> {
        let failed = |error| WalError::at(&segment.path, error);
        let mut reader = SegmentReader::open(&segment.path).map_err(failed)?;
        let is_wanted = |head: &Head| match head {
            Head::Snapshot(_) => true,
            Head::Batch(batch) => batch.sequence >= durable_upto,
        };
        self.last_len_bytes = 0;
        self.last_snapshot_bytes = 0;
        self.is_last_sound = false;
        loop {
            match reader.next(is_wanted).map_err(failed)? {
                Item::End => break,
                Item::Record { head, body } => {
                    if matches!(head, Head::Snapshot(_)) {
                        self.last_snapshot_bytes = reader.offset_bytes();
                    }
                    self.record(segment, head, body, replay)?;
                }
                Item::Gap { from_bytes, to_bytes } => {
                    self.set_aside(segment, from_bytes, to_bytes).map_err(failed)?
                }
                Item::BadTail { from_bytes } if is_last => {
                    self.report.torn_bytes += reader.offset_bytes() - from_bytes;
                    break;
                }
                Item::BadTail { from_bytes } => {
                    self.set_aside(segment, from_bytes, reader.offset_bytes()).map_err(failed)?;
                    break;
                }
            }
            self.last_len_bytes = reader.offset_bytes();
        }
        Ok(())
    }

    fn record(
        &mut self,
        segment: &SegmentPath,
        head: Head,
        body: Body,
        replay: &mut Replay<'_>,
    ) -> Result<(), WalError> {
        match (head, body) {
            (Head::Snapshot(numbers), body) => self.snapshot(segment, numbers, &body),
            (Head::Batch(head), Body::Damaged) => {
                self.numbers = self.numbers.max_of(Numbers::after(&head));
                self.damaged_record(segment, "the body of a request");
            }
            (Head::Batch(head), body) => {
                self.numbers = self.numbers.max_of(Numbers::after(&head));
                self.positions.apply(&head);
                if let Body::Good(body) = body {
                    self.report.replayed_records += 1;
                    replay(head, body)?;
                }
            }
        }
        Ok(())
    }

    fn snapshot(&mut self, segment: &SegmentPath, numbers: Numbers, body: &Body) {
        let positions = match body {
            Body::Good(body) => Positions::parse(body),
            Body::Damaged | Body::Skipped => None,
        };
        match positions {
            // A segment that was begun and given up for an error may be older than what is known.
            Some(positions) if numbers.sequence >= self.numbers.sequence => {
                self.positions = positions;
                self.is_last_sound = true;
            }
            Some(_) => {}
            None => self.damaged_record(segment, "the positions at its beginning"),
        }
        self.numbers = self.numbers.max_of(numbers);
    }

    fn damaged_record(&mut self, segment: &SegmentPath, what: &str) {
        tracing::error!(segment = %segment.path.display(), what, "a record of the log is damaged");
        self.report.damaged_records += 1;
        self.is_last_sound = false;
    }

    fn set_aside(&mut self, segment: &SegmentPath, from_bytes: u64, to_bytes: u64) -> io::Result<()> {
        let copy: PathBuf = segment.damaged(from_bytes);
        let bytes = to_bytes - from_bytes;
        tracing::error!(
            segment = %segment.path.display(), from_bytes, bytes, copy = %copy.display(),
            "a part of the log is damaged and was set aside"
        );
        self.report.damaged_bytes += bytes;
        self.is_last_sound = false;
        let mut file = File::open(&segment.path)?;
        file.seek(SeekFrom::Start(from_bytes))?;
        io::copy(&mut file.take(bytes), &mut File::create(copy)?)?;
        Ok(())
    }
}
