//! File system events as hints, by inotify(7). Directories are watched, never files; what an event says is only
//! a reason to look, and the periodic scan is the truth. Where directories can't be watched, the agent polls.
//!
//! There is no thread for it: the tailer's waits for the descriptor, too, and reads what has gathered.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};

use crate::limits;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hint {
    /// The content of a file.
    Data(PathBuf),
    /// A name appeared or went, or a permission was given.
    Names(PathBuf),
    /// A file was made under this name.
    Created(PathBuf),
    /// A file was renamed to this one.
    Moved(PathBuf),
    /// Anything: events were lost.
    Scan,
}

/// Watches the directories of the latest scan.
#[derive(Debug)]
pub struct Watch {
    inotify: Option<OwnedFd>,
    /// The names of each watched directory; links may give it several.
    directories: HashMap<i32, Vec<PathBuf>>,
    watched: HashSet<PathBuf>,
    /// Reasons why directories can't be watched, each mentioned once: there may be thousands of directories.
    refused: HashSet<String>,
    is_complete: bool,
}

impl Default for Watch {
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// Starts with no directory.
    pub fn new() -> Self {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC);
        let inotify =
            inotify.inspect_err(|error| tracing::warn!(%error, "no file system events; polling instead"));
        Self {
            inotify: inotify.ok(),
            directories: HashMap::new(),
            watched: HashSet::new(),
            refused: HashSet::new(),
            is_complete: false,
        }
    }

    /// Watches a directory that is about to be listed, so that nothing that happens in it from then on goes unnoticed.
    /// Whether it can be watched is said by [`Self::set`].
    pub fn enter(&mut self, directory: &Path) {
        if !self.watched.contains(directory) {
            let _ = self.add(directory);
        }
    }

    /// Watches these directories and no others. True when there is a new one among them, which was not
    /// [entered](Self::enter): what happened in it since it was listed went unnoticed.
    pub fn set(&mut self, directories: &HashSet<PathBuf>) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        self.watched.retain(|path| directories.contains(path));
        self.directories.retain(|watch, names| {
            names.retain(|name| directories.contains(name));
            if names.is_empty() {
                // It fails when the directory is gone, and the watch with it.
                let _ = inotify::remove_watch(inotify, *watch);
            }
            !names.is_empty()
        });
        self.is_complete = true;
        let mut is_new = false;
        for path in directories.difference(&self.watched).cloned().collect::<Vec<_>>() {
            match self.add(&path) {
                Ok(()) => is_new = true,
                Err(reason) => {
                    self.is_complete = false;
                    if self.refused.insert(reason.clone()) {
                        tracing::warn!(first = %path.display(), reason, "directories can't be watched; polling instead");
                    }
                }
            }
        }
        if self.is_complete {
            self.refused.clear();
        }
        is_new
    }

    fn add(&mut self, path: &Path) -> Result<(), String> {
        let Some(inotify) = &self.inotify else { return Err("no file system events".into()) };
        if is_remote(path) {
            return Err("the file system doesn't report what other machines change".into());
        }
        if self.watched.len() >= limits::WATCHES_MAX {
            return Err("too many directories".into());
        }
        let events = WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF
            | WatchFlags::ONLYDIR;
        let watch = inotify::add_watch(inotify, path, events).map_err(|error| match error {
            rustix::io::Errno::NOSPC => {
                "the user has no inotify watches left: raise fs.inotify.max_user_watches".into()
            }
            error => error.to_string(),
        })?;
        self.directories.entry(watch).or_default().push(path.to_owned());
        self.watched.insert(path.to_owned());
        Ok(())
    }

    /// True when every directory is watched, so that scans may be rare.
    pub fn is_complete(&self) -> bool {
        self.is_complete && self.inotify.is_some()
    }

    /// Readable when there are events.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    /// Reads what has happened, without waiting.
    pub fn read(&mut self, mut hint: impl FnMut(&Hint)) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); limits::EVENTS_BYTES];
        let mut events = Reader::new(inotify, &mut buffer);
        for _ in 0..limits::EVENTS_MAX {
            // An error is that there is no event left, or a signal; the next look goes on.
            let Ok(event) = events.next() else { return };
            let flags = event.events();
            if flags.contains(ReadFlags::QUEUE_OVERFLOW) {
                hint(&Hint::Scan);
            }
            let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
            for directory in self.directories.get(&event.wd()).into_iter().flatten() {
                let path = name.map_or_else(|| directory.clone(), |name| directory.join(name));
                hint(&hint_of(flags, path));
            }
            if flags.intersects(ReadFlags::IGNORED | ReadFlags::MOVE_SELF) {
                // The directory is gone, or has another name; another one of its name needs a watch of its own.
                let _ = inotify::remove_watch(inotify, event.wd());
                for gone in self.directories.remove(&event.wd()).into_iter().flatten() {
                    self.watched.remove(&gone);
                }
            }
        }
        // What was read and not looked at is lost, and with it perhaps the word that more was.
        hint(&Hint::Scan);
    }
}

/// What an event says of a path.
fn hint_of(flags: ReadFlags, path: PathBuf) -> Hint {
    match flags {
        ReadFlags::MODIFY => Hint::Data(path),
        ReadFlags::CREATE => Hint::Created(path),
        ReadFlags::MOVED_TO => Hint::Moved(path),
        _ => Hint::Names(path),
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn hints(watch: &mut Watch, root: &Path) -> Vec<String> {
        let mut hints = Vec::new();
        watch.read(|hint| {
            let (kind, path) = match hint {
                Hint::Data(path) => ("data", path.clone()),
                Hint::Names(path) => ("names", path.clone()),
                Hint::Created(path) => ("created", path.clone()),
                Hint::Moved(path) => ("moved", path.clone()),
                Hint::Scan => ("scan", PathBuf::new()),
            };
            hints.push(format!("{kind} {}", path.strip_prefix(root).unwrap_or(&path).display()));
        });
        hints.dedup();
        hints
    }

    #[test]
    fn what_happens_in_watched_directories_becomes_hints() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let directory = root.join("d");
        fs::create_dir(&directory).unwrap();
        let mut watch = Watch::new();
        let wanted = HashSet::from([directory.clone()]);
        assert!(watch.set(&wanted) && !watch.set(&wanted) && watch.is_complete());
        let file = directory.join("a.log");
        fs::write(&file, "one\n").unwrap();
        assert_eq!(hints(&mut watch, root), ["created d/a.log", "data d/a.log"]);
        fs::read(&file).unwrap();
        assert_eq!(hints(&mut watch, root), [""; 0], "reading is no reason to look");
        fs::rename(&file, directory.join("b.log")).unwrap();
        assert_eq!(hints(&mut watch, root), ["names d/a.log", "moved d/b.log"]);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(hints(&mut watch, root), ["names d/b.log", "names d"]);
        fs::create_dir(&directory).unwrap();
        assert!(watch.set(&wanted), "a directory that was made again is watched again");
        fs::write(&file, "two\n").unwrap();
        assert_eq!(hints(&mut watch, root), ["created d/a.log", "data d/a.log"]);
        watch.set(&HashSet::new());
        fs::write(&file, "three\n").unwrap();
        hints(&mut watch, root);
        assert_eq!(hints(&mut watch, root), [""; 0]);
    }

    #[test]
    fn a_directory_that_was_entered_is_not_new() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let mut watch = Watch::new();
        watch.enter(root);
        watch.enter(root);
        watch.enter(&root.join("missing"));
        fs::write(root.join("a.log"), "one\n").unwrap();
        assert!(!watch.set(&HashSet::from([root.to_owned()])) && watch.is_complete());
        assert_eq!(hints(&mut watch, root), ["created a.log", "data a.log"]);
    }

    #[test]
    fn a_directory_with_two_names_is_watched_once_and_hints_for_both() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let (directory, link) = (root.join("d"), root.join("l"));
        fs::create_dir(&directory).unwrap();
        std::os::unix::fs::symlink(&directory, &link).unwrap();
        let mut watch = Watch::new();
        let both = HashSet::from([directory.clone(), link.clone()]);
        assert!(watch.set(&both) && !watch.set(&both), "it must not look new for ever");
        fs::write(directory.join("a.log"), "one\n").unwrap();
        let mut hints = hints(&mut watch, root);
        hints.sort();
        hints.dedup();
        assert_eq!(hints, ["created d/a.log", "created l/a.log", "data d/a.log", "data l/a.log"]);
        watch.set(&HashSet::from([link]));
        fs::write(directory.join("a.log"), "two\n").unwrap();
        assert_eq!(self::hints(&mut watch, root), ["data l/a.log"]);
    }

    #[test]
    fn a_directory_that_is_renamed_is_another_one() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let (directory, moved) = (root.join("d"), root.join("e"));
        fs::create_dir(&directory).unwrap();
        let mut watch = Watch::new();
        let wanted = HashSet::from([directory.clone()]);
        watch.set(&wanted);
        fs::rename(&directory, &moved).unwrap();
        assert_eq!(hints(&mut watch, root), ["names d"]);
        fs::write(moved.join("a.log"), "one\n").unwrap();
        assert_eq!(hints(&mut watch, root), [""; 0], "nobody has asked for the other name");
        fs::create_dir(&directory).unwrap();
        assert!(watch.set(&wanted), "the name needs a watch of its own");
        fs::write(directory.join("b.log"), "two\n").unwrap();
        assert_eq!(hints(&mut watch, root), ["created d/b.log", "data d/b.log"]);
    }

    #[test]
    fn events_that_were_lost_make_a_scan() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
        let limit: usize = limit.trim().parse().unwrap();
        if limit > 100_000 {
            eprintln!("SKIPPED: the system keeps {limit} events");
            return;
        }
        let mut watch = Watch::new();
        watch.set(&HashSet::from([root.to_owned()]));
        // Making and removing are two events.
        for _ in 0..=limit / 2 {
            fs::File::create(root.join("a.log")).unwrap();
            fs::remove_file(root.join("a.log")).unwrap();
        }
        let looks: Vec<_> =
            (0..limit).map(|_| hints(&mut watch, root)).take_while(|look| !look.is_empty()).collect();
        assert_eq!(looks.last().and_then(|look| look.last()).map(String::as_str), Some("scan "));
        fs::write(root.join("b.log"), "one\n").unwrap();
        assert_eq!(hints(&mut watch, root), ["created b.log", "data b.log"], "it goes on");
    }

    #[test]
    fn a_directory_that_is_not_there_makes_the_watch_incomplete() {
        let mut watch = Watch::new();
        watch.set(&HashSet::from([PathBuf::from("/nowhere/at/all")]));
        assert!(!watch.is_complete());
    }
}
