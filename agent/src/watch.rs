//! File system events as hints. Directories are watched, never files; what an event says is only a reason to
//! look, and the periodic scan is the truth. Where directories can't be watched, the agent polls.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use notify::event::ModifyKind;
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::limits;
use crate::mailbox::Mailbox;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hint {
    /// The content of a file.
    Data(PathBuf),
    /// A name appeared or went.
    Names(PathBuf),
    /// Anything: events were lost.
    Scan,
}

/// Watches the directories of the latest scan and posts hints to the tailer's mailbox.
pub struct Watch {
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    /// Reasons why directories can't be watched, each mentioned once: there may be thousands of directories.
    refused: HashSet<String>,
    is_complete: bool,
}

impl Watch {
    /// Starts with no directory.
    pub fn new(mailbox: Arc<Mailbox>) -> Self {
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
            Ok(event) => hints(event).for_each(|hint| mailbox.hint(hint)),
            Err(_) => mailbox.hint(Hint::Scan),
        });
        let watcher =
            watcher.inspect_err(|error| tracing::warn!(%error, "no file system events; polling instead"));
        Self { watcher: watcher.ok(), watched: HashSet::new(), refused: HashSet::new(), is_complete: false }
    }

    /// Watches these directories and no others. True when there is a new one among them: what happened in it
    /// since it was listed went unnoticed.
    pub fn set(&mut self, directories: &HashSet<PathBuf>) -> bool {
        let Some(watcher) = &mut self.watcher else { return false };
        for gone in self.watched.extract_if(|path| !directories.contains(path)) {
            // It fails when the directory is gone, and the watch with it.
            let _ = watcher.unwatch(&gone);
        }
        self.is_complete = true;
        let mut is_new = false;
        for path in directories {
            if self.watched.contains(path) {
                continue;
            }
            if is_remote(path) {
                self.is_complete = false;
                refuse(&mut self.refused, path, "the file system doesn't report what other machines change");
                continue;
            }
            if self.watched.len() >= limits::WATCHES_MAX {
                self.is_complete = false;
                refuse(&mut self.refused, path, "too many directories");
                continue;
            }
            match watcher.watch(path, RecursiveMode::NonRecursive) {
                Ok(()) => is_new |= self.watched.insert(path.clone()),
                Err(error) => {
                    self.is_complete = false;
                    // Without the path, which its own text has.
                    refuse(&mut self.refused, path, &notify::Error::new(error.kind).to_string());
                }
            }
        }
        if self.is_complete {
            self.refused.clear();
        }
        is_new
    }

    /// True when every directory is watched, so that scans may be rare.
    pub fn is_complete(&self) -> bool {
        self.is_complete && self.watcher.is_some()
    }
}

/// True for file systems that other machines, or a process of its own, write to unseen.
fn is_remote(path: &Path) -> bool {
    /// From Linux' `magic.h` and the file systems' own headers: NFS, SMB, CIFS, SMB2, FUSE, 9P, AFS, Ceph.
    const REMOTE: [u32; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x6573_5546, 0x0102_1997, 0x5346_414f, 0x00c3_6400];
    // The type's width differs between machines; the magic numbers fit in 32 bits.
    rustix::fs::statfs(path).is_ok_and(|stat| REMOTE.contains(&(stat.f_type as u32)))
}

fn refuse(refused: &mut HashSet<String>, path: &Path, reason: &str) {
    if refused.insert(reason.to_owned()) {
        tracing::warn!(first = %path.display(), reason, "directories can't be watched; polling instead");
    }
}

fn hints(event: Event) -> impl Iterator<Item = Hint> {
    let is_lost = event.need_rescan();
    let of_path: Option<fn(PathBuf) -> Hint> = match event.kind {
        EventKind::Access(_) => None,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => Some(Hint::Data),
        // Permissions may have been given; the scan looks.
        EventKind::Modify(_)
        | EventKind::Create(_)
        | EventKind::Remove(_)
        | EventKind::Any
        | EventKind::Other => Some(Hint::Names),
    };
    let paths = event.paths.into_iter().filter_map(move |path| Some(of_path?(path)));
    is_lost.then_some(Hint::Scan).into_iter().chain(paths)
}
