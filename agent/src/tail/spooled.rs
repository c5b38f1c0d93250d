//! Segments of spools: deleted when the collector has all of them and a later one is there. The newest stays, however
//! old: the journal's reader finds in it where it was.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use millpond_wire::position::StreamId;

use super::content::Content;
use super::generation::{Generation, Life};
use super::inspect::{self, Stat};
use super::{Settings, Tailer};
use crate::discover;
use crate::spool::segments;

/// Opens a file of a section. A segment of a spool is read as it was written, also where damage makes it begin like
/// an archive.
pub(super) fn open(settings: &Settings, section: usize, path: &Path) -> io::Result<(Content, Stat)> {
    if !is_spooled(settings, section) {
        return inspect::open(path);
    }
    let content = Content::plain(inspect::open_regular(path)?);
    let stat = inspect::stat(&content)?;
    Ok((content, stat))
}

fn is_spooled(settings: &Settings, section: usize) -> bool {
    settings.sections.get(section).is_some_and(|section| section.input.is_some())
}

impl Tailer {
    /// Deletes every segment that is done with.
    pub(super) fn release_segments(&mut self) {
        for stream in self.table.streams(|generation| generation.life == Life::Live) {
            self.release_segment(stream);
        }
    }

    /// Deletes the segment of a stream, if it is one and is done with.
    pub(super) fn release_segment(&mut self, stream: StreamId) {
        let Some(generation) = self.table.get(stream) else { return };
        let is_spooled = |section: usize| is_spooled(&self.settings, section);
        let is_done = generation.is_settled() && generation.unread_bytes() == 0;
        if !is_spooled(generation.section) || generation.life != Life::Live || !is_done {
            return;
        }
        // What it was found as isn't enough: nothing but what lies in a spool must ever be deleted.
        if !discover::section_of(&self.settings.coverage, &generation.path).is_some_and(is_spooled) {
            return;
        }
        match delete_if_done(generation) {
            Ok(true) => self.forget(stream),
            Ok(false) => {}
            Err(error) => {
                self.counters.spool_errors.increment();
                let path = generation.path.clone();
                tracing::warn!(path = %path.display(), %error, "a segment of a spool can't be deleted");
            }
        }
    }

    /// [`Self::is_done`], and the files, looked at again, hold nothing more.
    pub fn is_drained(&self) -> bool {
        let is_left = |generation: &Generation| {
            let size = fs::metadata(&generation.path).map_or(generation.size_seen, |metadata| metadata.len());
            generation.life == Life::Live && (!generation.is_settled() || generation.read.offset < size)
        };
        self.is_done() && !self.table.iter().any(|(_, generation)| is_left(generation))
    }
}

/// Each step is durable before the next: a power cut must neither bring back a segment whose position is forgotten nor
/// take the last one that there is.
fn delete_if_done(generation: &Generation) -> io::Result<bool> {
    let Some(directory) = generation.path.parent() else { return Ok(false) };
    let Some(later) = later_segment(directory, &generation.path)? else { return Ok(false) };
    // The writer has gone on to the later one: this is its last size.
    if fs::metadata(&generation.path)?.len() != generation.acked.offset {
        return Ok(false);
    }
    later.sync_data()?;
    fs::remove_file(&generation.path)?;
    File::open(directory)?.sync_all()?;
    Ok(true)
}

/// One that was begun after that one and holds something.
fn later_segment(directory: &Path, path: &Path) -> io::Result<Option<File>> {
    for (_, later) in segments::numbered(directory)?.into_iter().rev() {
        if later.as_path() <= path {
            break;
        }
        let file = File::open(&later)?;
        if file.metadata()?.len() > 0 {
            return Ok(Some(file));
        }
    }
    Ok(None)
}
