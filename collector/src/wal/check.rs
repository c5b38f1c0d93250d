//! Checks a log that nobody writes, and changes nothing: every record's checksums, whether a bad end is an
//! unfinished write or damage, whether numbers follow each other, and whether the log and the store
//! together have every document.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use millpond_store::check::Finding;

use super::direct::BLOCK_BYTES;
use super::record::{BatchHead, Head, PREFIX_BYTES, Prefix};
use super::segment::{Body, Item, SegmentPath, SegmentReader};
use super::state::{Numbers, Positions};

/// What a check of a log found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// In the order of the log.
    pub findings: Vec<Finding>,
    /// Segments.
    pub segments: u64,
    /// Requests in them.
    pub records: u64,
    /// What the next record and document would get.
    pub numbers: Numbers,
}

/// Checks the log in `dir`. `store` says what the store has: everything below `store.sequence`.
///
/// # Errors
/// The folder can't be read. A file that can't be read is a finding.
pub fn check(dir: &Path, store: Numbers) -> io::Result<Checked> {
    let mut checker = Checker { store, checked: Checked::default() };
    let segments = checker.files(dir)?;
    let count = segments.len();
    for (index, segment) in segments.iter().enumerate() {
        if let Err(error) = checker.segment(segment, index + 1 == count) {
            checker.wrong(&segment.path, format!("it can't be read: {error}"));
        }
    }
    checker.end(dir, count);
    Ok(checker.checked)
}

struct Checker {
    store: Numbers,
    checked: Checked,
}

impl Checker {
    fn note(&mut self, path: &Path, what: impl Into<String>) {
        self.checked.findings.push(Finding::note(path, what));
    }

    fn wrong(&mut self, path: &Path, what: impl Into<String>) {
        self.checked.findings.push(Finding::wrong(path, what));
    }

    /// The segments in order; what else there is becomes findings.
    fn files(&mut self, dir: &Path) -> io::Result<Vec<SegmentPath>> {
        let entries = std::fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = entries.collect::<io::Result<Vec<PathBuf>>>()?;
        paths.sort();
        let mut segments = Vec::new();
        for path in paths {
            let extension = path.extension().and_then(|extension| extension.to_str());
            match (SegmentPath::parse(&path), extension) {
                (Some(segment), _) => segments.push(segment),
                (None, Some("tmp")) => {
                    self.note(&path, "a segment that was never finished; the next start removes it");
                }
                (None, Some("damaged")) => self.note(
                    &path,
                    "a copy of bytes that an earlier start could not read; nothing needs it, it may be deleted",
                ),
                _ => self.wrong(&path, "it is no file of the log"),
            }
        }
        Ok(segments)
    }

    fn segment(&mut self, segment: &SegmentPath, is_last: bool) -> io::Result<()> {
        let path = &segment.path;
        self.checked.segments += 1;
        let mut reader = SegmentReader::open(path)?;
        let mut is_first = true;
        loop {
            let at_bytes = reader.offset_bytes();
            match reader.next(|_| true)? {
                Item::End => {
                    if is_first {
                        self.wrong(path, "it is empty: the positions at its beginning are missing");
                    }
                    return Ok(());
                }
                Item::Record { head: Head::Snapshot(numbers), body } => {
                    self.snapshot(segment, at_bytes, is_first, numbers, &body);
                }
                Item::Record { head: Head::Batch(head), body } => {
                    if is_first {
                        self.wrong(path, "it does not begin with positions");
                    }
                    self.batch(path, at_bytes, &head, &body);
                }
                Item::Gap { from_bytes, to_bytes } => self.wrong(
                    path,
                    format!("bytes {from_bytes} to {to_bytes} are damaged; records follow behind them"),
                ),
                Item::BadTail { from_bytes } => {
                    let bytes = reader.offset_bytes() - from_bytes;
                    let is_unfinished = is_last && !is_first && is_cut_off(path, from_bytes, bytes)?;
                    if is_unfinished {
                        let what = format!(
                            "the last {bytes} bytes are an unfinished write, which was never acknowledged; the next start cuts them off"
                        );
                        self.note(path, what);
                    } else {
                        let what = format!(
                            "the last {bytes} bytes, from byte {from_bytes} on, are damaged or cut off"
                        );
                        self.wrong(path, what);
                    }
                    return Ok(());
                }
            }
            is_first = false;
        }
    }

    fn snapshot(
        &mut self,
        segment: &SegmentPath,
        at_bytes: u64,
        is_first: bool,
        numbers: Numbers,
        body: &Body,
    ) {
        let path = &segment.path;
        if !is_first {
            self.wrong(
                path,
                format!("there are positions at byte {at_bytes}, which belong at its beginning"),
            );
        }
        if numbers.sequence != segment.first_sequence {
            let what =
                format!("its name and its beginning differ: it begins with record {}", numbers.sequence);
            self.wrong(path, what);
        }
        let is_readable = matches!(body, Body::Good(body) if Positions::parse(body).is_some());
        if !is_readable {
            self.wrong(path, "the positions at its beginning are damaged");
        }
        self.reach(path, numbers);
    }

    fn batch(&mut self, path: &Path, at_bytes: u64, head: &BatchHead, body: &Body) {
        let BatchHead { sequence, first_document, documents, .. } = *head;
        self.checked.records += 1;
        if *body == Body::Damaged {
            let fate = if sequence < self.store.sequence { "the store has them" } else { "they are lost" };
            let what =
                format!("record {sequence} at byte {at_bytes} is damaged: {documents} documents, {fate}");
            self.wrong(path, what);
        }
        let known = self.checked.numbers;
        if sequence < known.sequence || first_document < known.document {
            let what = format!("record {sequence} at byte {at_bytes} has numbers that were given before");
            self.wrong(path, what);
        }
        self.reach(path, Numbers { sequence, document: first_document });
        self.checked.numbers = self.checked.numbers.max_of(Numbers::after(head));
    }

    /// The log goes on at these numbers; what lies between them and the last ones must be in the store.
    fn reach(&mut self, path: &Path, numbers: Numbers) {
        let have = self.checked.numbers.sequence.max(self.store.sequence);
        if numbers.sequence > have {
            let what = format!(
                "records {have} to {} are missing before it, and not in the store: their documents are lost",
                numbers.sequence - 1
            );
            self.wrong(path, what);
        }
        self.checked.numbers = self.checked.numbers.max_of(numbers);
    }

    fn end(&mut self, dir: &Path, segments: usize) {
        let (log, store) = (self.checked.numbers, self.store);
        if log.sequence < store.sequence {
            let state = if segments == 0 { "it is missing" } else { "it is older than the store" };
            let what = format!(
                "the log ends before record {}, the store has all below {}: {state}, and with it the positions \
                 of agents are lost, so what agents send again will be there twice",
                log.sequence, store.sequence
            );
            self.wrong(dir, what);
        } else if segments > 0 && log.document < store.document {
            let what = format!(
                "the log has given numbers to {} documents, the store has one above that: {}",
                log.document,
                store.document.saturating_sub(1)
            );
            self.wrong(dir, what);
        }
    }
}

/// Whether bytes that are no record are the beginning of one: what a kill in the middle of a write leaves. Zeros that
/// fill the block may follow.
fn is_cut_off(path: &Path, from_bytes: u64, bytes: u64) -> io::Result<bool> {
    let file = File::open(path)?;
    let mut end = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX).min(BLOCK_BYTES)];
    let from = from_bytes + bytes - end.len() as u64;
    file.read_exact_at(&mut end, from)?;
    let bytes = bytes - end.iter().rev().take_while(|byte| **byte == 0).count() as u64;
    let mut prefix = [0; PREFIX_BYTES];
    let found = prefix.get_mut(..usize::try_from(bytes).unwrap_or(usize::MAX).min(PREFIX_BYTES));
    let found = found.unwrap_or_default();
    file.read_exact_at(found, from_bytes)?;
    let is_magic = super::record::MAGIC.iter().zip(found.iter()).all(|(expected, found)| expected == found);
    let is_short = found.len() < PREFIX_BYTES;
    Ok(bytes > 0
        && is_magic
        && (is_short || Prefix::parse(found).is_some_and(|prefix| prefix.record_bytes() > bytes)))
}
