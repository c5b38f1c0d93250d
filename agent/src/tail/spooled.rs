//! Segments of spools: deleted when the collector has all of them and a later one is there. The newest stays, however
//! old: the journal's reader finds in it where it was.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use millpond_wire::position::StreamId;

use super::Tailer;
use super::generation::{Generation, Life};
use crate::spool::segments;

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
        let section = self.settings.sections.get(generation.section);
        let is_spooled = section.is_some_and(|section| section.source.is_some());
        if !is_spooled || !generation.is_settled() || generation.unread_bytes() > 0 {
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

    /// True when everything that is there has been read and acknowledged.
    pub fn is_done(&self) -> bool {
        let is_left = |generation: &Generation| {
            let size = fs::metadata(&generation.path).map_or(generation.size_seen, |metadata| metadata.len());
            generation.life == Life::Live && (!generation.is_settled() || generation.read.offset < size)
        };
        let is_at_rest = self.in_flight.is_none() && self.ready.is_none() && self.batcher.is_empty();
        is_at_rest && !self.needs_scan && !self.table.iter().any(|(_, generation)| is_left(generation))
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
