//! The files of one spool: appended to, bounded in their sum, never read by the agent that writes them but for the
//! last line at the start. Blocking; the tailer follows the files and deletes what the collector has
//! (`tail::spooled`), so the directory alone says how much room there is.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::limits;

/// Ending of the names of segments.
pub const ENDING: &str = "log";

/// Why nothing more can be appended now.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The bound is reached; there will be room when the collector has some of it.
    #[error("the spool is full: {bytes_max} bytes wait for the collector")]
    Full {
        /// The bound.
        bytes_max: u64,
    },
    /// From the system: mostly a full disk.
    #[error("{path}: {source}")]
    Io {
        /// The segment, or the directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

/// See the module.
#[derive(Debug)]
pub struct Segments {
    directory: PathBuf,
    bytes_max: u64,
    /// Those that aren't written to any more, oldest first, as far as they were there when last looked at.
    finished: VecDeque<(PathBuf, u64)>,
    active: Option<Active>,
    last_number: u64,
}

#[derive(Debug)]
struct Active {
    path: PathBuf,
    file: File,
    bytes: u64,
    /// A record wasn't written to its end.
    is_torn: bool,
    is_dirty: bool,
    /// Its name isn't durable yet.
    is_new: bool,
}

impl Segments {
    /// Takes up the segments of an earlier run: what a crash has left of a last line is cut off, and a new segment
    /// will be begun. Nobody has read such a rest, since a line is read with its line feed.
    ///
    /// # Errors
    /// From the system.
    pub fn open(directory: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut finished = VecDeque::new();
        let mut last_number = 0;
        for (number, path) in numbered(directory)? {
            last_number = number;
            let whole_bytes = cut_torn_line(&path)?;
            if whole_bytes == 0 {
                fs::remove_file(&path)?;
            } else {
                finished.push_back((path, whole_bytes));
            }
        }
        Ok(Self { directory: directory.to_owned(), bytes_max, finished, active: None, last_number })
    }

    /// The last line that was written in an earlier run, without its line feed.
    ///
    /// # Errors
    /// From the system.
    pub fn last_line(&self) -> io::Result<Option<Vec<u8>>> {
        let Some((path, bytes)) = self.finished.back() else { return Ok(None) };
        let file = File::open(path)?;
        let end = bytes.saturating_sub(1);
        let start = after_line_feed(&file, end)?;
        let mut line = vec![0; usize::try_from(end - start).unwrap_or(0)];
        file.read_exact_at(&mut line, start)?;
        Ok(Some(line))
    }

    /// The segment that is written to, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.active.as_ref().map(|active| active.path.as_path())
    }

    /// Something isn't durable yet.
    pub fn is_dirty(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.is_dirty)
    }

    /// Appends whole lines; what was written is taken from `lines`. After an error the rest is to be given again: the
    /// beginning of a line may stand in the file already, and nothing that was written is ever taken back.
    /// Not durable before [`Self::sync`]; safe from the end of the process at once.
    ///
    /// # Errors
    /// When the spool is full, or from the system.
    pub fn append(&mut self, lines: &mut &[u8]) -> Result<(), AppendError> {
        if !self.active.as_ref().is_some_and(|active| active.is_torn) {
            self.make_room(lines.len() as u64)?;
        }
        let active = match &mut self.active {
            Some(active) => active,
            active => active.insert(begin(&self.directory, &mut self.last_number)?),
        };
        while !lines.is_empty() {
            match active.file.write(lines) {
                Ok(count) => {
                    active.bytes += count as u64;
                    active.is_dirty = true;
                    *lines = lines.get(count..).unwrap_or_default();
                    active.is_torn = !lines.is_empty();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(AppendError::Io { path: active.path.clone(), source }),
            }
        }
        Ok(())
    }

    /// Makes durable what was appended.
    ///
    /// # Errors
    /// From the system.
    pub fn sync(&mut self) -> io::Result<()> {
        let Some(active) = self.active.as_mut().filter(|active| active.is_dirty) else { return Ok(()) };
        active.file.sync_data()?;
        if active.is_new {
            File::open(&self.directory)?.sync_all()?;
        }
        (active.is_dirty, active.is_new) = (false, false);
        Ok(())
    }

    fn make_room(&mut self, bytes: u64) -> Result<(), AppendError> {
        if let Some(full) = self.active.take_if(|active| active.bytes >= limits::SPOOL_SEGMENT_BYTES) {
            // Else a power cut could take lines from its end while later ones stay.
            if let Err(source) = full.file.sync_data() {
                let path = full.path.clone();
                self.active = Some(full);
                return Err(AppendError::Io { path, source });
            }
            self.finished.push_back((full.path, full.bytes));
        }
        if self.has_room(bytes) {
            return Ok(());
        }
        self.finished.retain(|(path, _)| path.exists());
        if self.has_room(bytes) { Ok(()) } else { Err(AppendError::Full { bytes_max: self.bytes_max }) }
    }

    fn has_room(&self, bytes: u64) -> bool {
        let finished: u64 = self.finished.iter().map(|(_, bytes)| bytes).sum();
        let active = self.active.as_ref().map_or(0, |active| active.bytes);
        finished.saturating_add(active).saturating_add(bytes) <= self.bytes_max
    }
}

/// A name is never used again, though all before it are gone: it begins with the time, and only grows.
fn begin(directory: &Path, last_number: &mut u64) -> Result<Active, AppendError> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let number = u64::try_from(now.as_millis()).unwrap_or(u64::MAX).max(last_number.saturating_add(1));
    let path = directory.join(format!("{number:020}.{ENDING}"));
    match OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path) {
        Ok(file) => {
            *last_number = number;
            Ok(Active { path, file, bytes: 0, is_torn: false, is_dirty: false, is_new: true })
        }
        Err(source) => Err(AppendError::Io { path, source }),
    }
}

/// The segments of a directory with their numbers, oldest first.
///
/// # Errors
/// From the system.
pub fn numbered(directory: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let is_segment = path.extension().is_some_and(|ending| ending == ENDING);
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
        segments.extend(number.filter(|_| is_segment).map(|number| (number, path)));
    }
    segments.sort_unstable();
    Ok(segments)
}

/// Cuts what stands after the last line feed; returns the size.
fn cut_torn_line(path: &Path) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let bytes = file.metadata()?.len();
    let whole_bytes = after_line_feed(&file, bytes)?;
    if whole_bytes < bytes {
        file.set_len(whole_bytes)?;
        file.sync_all()?;
    }
    Ok(whole_bytes)
}

/// The offset after the last line feed before `end`; 0 when there is none.
fn after_line_feed(file: &File, mut end: u64) -> io::Result<u64> {
    const STEP_BYTES: u64 = 64 << 10;
    let mut buffer = vec![0; usize::try_from(STEP_BYTES).unwrap_or(0)];
    while end > 0 {
        let start = end.saturating_sub(STEP_BYTES);
        let window = buffer.get_mut(..usize::try_from(end - start).unwrap_or(0)).unwrap_or_default();
        file.read_exact_at(window, start)?;
        if let Some(at) = memchr::memrchr(b'\n', window) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(directory: &Path) -> Segments {
        Segments::open(directory, 3 * limits::SPOOL_SEGMENT_BYTES).unwrap()
    }

    /// Everything that a reader of lines finds, oldest first.
    fn content(directory: &Path) -> String {
        numbered(directory).unwrap().into_iter().map(|(_, path)| fs::read_to_string(path).unwrap()).collect()
    }

    #[test]
    fn a_torn_line_is_cut_off_wherever_it_was_torn() {
        let text = "first\nsecond\nthird\n";
        for cut in 0..=text.len() {
            let root = tempfile::tempdir().unwrap();
            let mut segments = open(root.path());
            segments.append(&mut text.as_bytes()).unwrap();
            let path = segments.path().unwrap().to_owned();
            drop(segments);
            File::options().write(true).open(&path).unwrap().set_len(cut as u64).unwrap();

            let whole = text[..cut].rfind('\n').map_or("", |at| &text[..=at]);
            let mut segments = open(root.path());
            assert_eq!(content(root.path()), whole);
            let last = segments.last_line().unwrap().map(|line| String::from_utf8(line).unwrap());
            assert_eq!(last.as_deref(), whole.lines().last());
            segments.append(&mut &b"next\n"[..]).unwrap();
            segments.sync().unwrap();
            assert_ne!(segments.path(), Some(path.as_path()), "what was read once is never appended to");
            assert_eq!(content(root.path()), format!("{whole}next\n"));
        }
    }

    #[test]
    fn the_last_line_is_found_however_long_it_is() {
        for len in [1, 100, 64 << 10, 200_000] {
            let root = tempfile::tempdir().unwrap();
            let line = "x".repeat(len);
            open(root.path()).append(&mut format!("before\n{line}\n").as_bytes()).unwrap();
            assert_eq!(open(root.path()).last_line().unwrap(), Some(line.into_bytes()));
        }
        let root = tempfile::tempdir().unwrap();
        assert_eq!(open(root.path()).last_line().unwrap(), None);
    }

    #[test]
    fn a_full_spool_takes_more_when_segments_are_gone() {
        let root = tempfile::tempdir().unwrap();
        let mut segments = open(root.path());
        let chunk = vec![b'\n'; 1 << 20];
        let mut appended = 0;
        let error = loop {
            match segments.append(&mut &chunk[..]) {
                Ok(()) => appended += chunk.len() as u64,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, AppendError::Full { .. }), "{error}");
        assert_eq!(appended, 3 * limits::SPOOL_SEGMENT_BYTES);
        let (_, oldest) = numbered(root.path()).unwrap().swap_remove(0);
        fs::remove_file(oldest).unwrap();
        segments.append(&mut &chunk[..]).unwrap();
        // A later run knows as much.
        drop(segments);
        let mut segments = open(root.path());
        let room = limits::SPOOL_SEGMENT_BYTES - chunk.len() as u64;
        segments.append(&mut &vec![b'\n'; usize::try_from(room).unwrap()][..]).unwrap();
        assert!(matches!(segments.append(&mut &b"\n"[..]), Err(AppendError::Full { .. })));
    }

    #[test]
    fn a_line_that_a_full_disk_has_cut_is_carried_on() {
        let root = tempfile::tempdir().unwrap();
        let mut segments = open(root.path());
        segments.append(&mut &b"one\n"[..]).unwrap();
        let path = segments.path().unwrap().to_owned();
        // Every write to it fails as on a full disk.
        let active = segments.active.as_mut().unwrap();
        let file =
            std::mem::replace(&mut active.file, File::options().write(true).open("/dev/full").unwrap());
        let mut lines = &b"two\n"[..];
        let error = segments.append(&mut lines).unwrap_err();
        let AppendError::Io { source, .. } = error else { panic!("{error}") };
        assert_eq!((source.kind(), lines), (io::ErrorKind::StorageFull, &b"two\n"[..]));
        segments.active.as_mut().unwrap().file = file;
        segments.append(&mut lines).unwrap();
        assert_eq!((lines, fs::read_to_string(path).unwrap().as_str()), (&b""[..], "one\ntwo\n"));
    }

    #[test]
    fn names_only_grow() {
        let root = tempfile::tempdir().unwrap();
        let far = root.path().join(format!("{:020}.log", u64::MAX / 2));
        fs::write(&far, "x\n").unwrap();
        let mut segments = open(root.path());
        segments.append(&mut &b"y\n"[..]).unwrap();
        assert!(segments.path().unwrap() > far.as_path());
        assert_eq!(content(root.path()), "x\ny\n");
    }
}
