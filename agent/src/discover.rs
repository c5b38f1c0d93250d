//! The walk that finds the files to follow: which regular files match, and which directories were looked
//! into. It stats every file and opens none. What a file *is* (new, rotated, a copy) is decided elsewhere.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::glob::{Pattern, States};
use crate::limits;
use crate::tail::identity::Inode;

/// What one `[[files]]` section covers.
#[derive(Debug, Clone)]
pub struct Coverage {
    /// Files that match one of these…
    pub include: Vec<Pattern>,
    /// …and none of these. A directory that matches is not entered.
    pub exclude: Vec<Pattern>,
}

/// A regular file that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// As walked; may be a symbolic link.
    pub path: PathBuf,
    /// Of the file itself, behind a link.
    pub inode: Inode,
    /// In bytes.
    pub size: u64,
    /// Modification time, Unix nanoseconds.
    pub modified_ns: i128,
    /// Index of the section that covers it; the first that does.
    pub section: usize,
}

/// What a walk couldn't use, so that it can be said once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Where.
    pub path: PathBuf,
    /// Why, in words.
    pub reason: String,
}

/// The result of a walk.
#[derive(Debug, Default)]
pub struct Listing {
    /// Each file once (by inode), in order of paths.
    pub files: Vec<Found>,
    /// Directories that were entered, and directories of files behind links: worth watching.
    pub directories: HashSet<PathBuf>,
    /// Of those, the directories of files behind links: a link that was given a new target leaves the old one
    /// in the same place.
    pub behind_links: HashSet<PathBuf>,
    /// What was left out although it matched.
    pub obstacles: Vec<Obstacle>,
    /// Files beyond [`limits::FILES_MAX`].
    pub files_over_limit: usize,
}

/// Walks everything that the sections cover. Inodes in `never` (the agent's own log) are left out.
pub fn walk(sections: &[Coverage], never: &HashSet<Inode>) -> Listing {
    let mut walk = Walk { listing: Listing::default(), seen: HashSet::new(), never };
    for (section, coverage) in sections.iter().enumerate() {
        let mut bases: Vec<&Path> = coverage.include.iter().map(Pattern::base).collect();
        bases.sort_unstable();
        bases.dedup();
        // A base below another one may still be needed: the outer pattern need not reach it.
        for base in bases {
            if base.ancestors().any(|path| coverage.exclude.iter().any(|p| p.accepts(p.states_at(path)))) {
                continue;
            }
            let states =
                |patterns: &[Pattern]| patterns.iter().map(|p| p.states_at(base)).collect::<Vec<_>>();
            let at =
                Position { include: states(&coverage.include), exclude: states(&coverage.exclude), depth: 0 };
            walk.directory(base, section, coverage, &at);
        }
    }
    // By bytes: comparing the components of ten thousand paths took half of a scan.
    walk.listing.files.sort_unstable_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    walk.listing
}

/// The first section that covers a path, whether or not there is such a file.
pub fn section_of(sections: &[Coverage], path: &Path) -> Option<usize> {
    let accepts = |patterns: &[Pattern], path: &Path| patterns.iter().any(|p| p.accepts(p.states_at(path)));
    sections.iter().position(|coverage| {
        accepts(&coverage.include, path) && !path.ancestors().any(|path| accepts(&coverage.exclude, path))
    })
}

/// The files of one directory, whatever patterns say: where a rotated file or a copy is looked for.
/// Hidden from it are subdirectories, links and everything that can't be read.
pub fn siblings(directory: &Path, section: usize) -> Vec<Found> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let files = entries.filter_map(Result::ok).take(limits::FILES_MAX).filter_map(|entry| {
        let metadata = fs::symlink_metadata(entry.path()).ok()?;
        metadata.is_file().then(|| found(entry.path(), &metadata, section))
    });
    files.collect()
}

/// Where a walk stands: the live states of each pattern.
struct Position {
    include: Vec<States>,
    exclude: Vec<States>,
    depth: usize,
}

impl Position {
    fn step(&self, name: &std::ffi::OsStr, coverage: &Coverage) -> Self {
        let step = |patterns: &[Pattern], states: &[States]| {
            patterns.iter().zip(states).map(|(pattern, states)| pattern.step(*states, name)).collect()
        };
        Self {
            include: step(&coverage.include, &self.include),
            exclude: step(&coverage.exclude, &self.exclude),
            depth: self.depth + 1,
        }
    }

    fn matches(&self, coverage: &Coverage) -> bool {
        coverage.include.iter().zip(&self.include).any(|(pattern, states)| pattern.accepts(*states))
    }

    fn excluded(&self, coverage: &Coverage) -> bool {
        coverage.exclude.iter().zip(&self.exclude).any(|(pattern, states)| pattern.accepts(*states))
    }

    fn can_match_below(&self) -> bool {
        self.include.iter().any(|states| !states.is_dead())
    }
}

struct Walk<'a> {
    listing: Listing,
    seen: HashSet<Inode>,
    never: &'a HashSet<Inode>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, section: usize, coverage: &Coverage, at: &Position) {
        if at.depth > limits::DEPTH_MAX {
            return self.obstacle(path, "nested too deeply");
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            // Gone since it was listed, or not there yet: its parent is what there is to watch.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.watch_nearest(path),
            Err(error) => return self.obstacle(path, &error.to_string()),
        };
        self.listing.directories.insert(path.to_owned());
        for entry in entries.filter_map(Result::ok) {
            let Ok(kind) = entry.file_type() else { continue };
            let below = at.step(&entry.file_name(), coverage);
            if below.excluded(coverage) {
                continue;
            }
            let path = entry.path();
            if kind.is_dir() {
                if below.can_match_below() {
                    self.directory(&path, section, coverage, &below);
                }
            } else if below.matches(coverage) {
                self.file(path, kind.is_symlink(), section);
            }
        }
    }

    fn file(&mut self, path: PathBuf, link: bool, section: usize) {
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.obstacle(&path, &error.to_string()),
        };
        if !metadata.is_file() {
            // Links to directories are not followed; sockets, pipes and devices are never opened.
            if !metadata.is_dir() {
                self.obstacle(&path, "not a regular file");
            }
            return;
        }
        if link {
            if !link_may_be_followed(&path, &metadata) {
                return self.obstacle(&path, "a link whose owner owns neither the target nor the machine");
            }
            if let Some(parent) = fs::canonicalize(&path).ok().as_deref().and_then(Path::parent) {
                self.listing.directories.insert(parent.to_owned());
                self.listing.behind_links.insert(parent.to_owned());
            }
        }
        let file = found(path, &metadata, section);
        if self.never.contains(&file.inode) || !self.seen.insert(file.inode) {
            return;
        }
        if self.listing.files.len() >= limits::FILES_MAX {
            self.listing.files_over_limit += 1;
            return;
        }
        self.listing.files.push(file);
    }

    fn watch_nearest(&mut self, missing: &Path) {
        let nearest = missing.ancestors().skip(1).find(|path| path.is_dir());
        self.listing.directories.extend(nearest.map(Path::to_owned));
    }

    fn obstacle(&mut self, path: &Path, reason: &str) {
        if self.listing.obstacles.len() < limits::SKIPPED_MAX {
            self.listing.obstacles.push(Obstacle { path: path.to_owned(), reason: reason.to_owned() });
        }
    }
}

/// A link in a directory that anyone may write to must not make the agent ship what its owner can't
/// read: it is followed when it belongs to root, to the agent's user, or to the owner of its target.
fn link_may_be_followed(link: &Path, target: &fs::Metadata) -> bool {
    let Ok(link) = fs::symlink_metadata(link) else { return false };
    let own = rustix::process::geteuid().as_raw();
    link.uid() == 0 || link.uid() == own || link.uid() == target.uid()
}

fn found(path: PathBuf, metadata: &fs::Metadata, section: usize) -> Found {
    let modified_ns = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    Found { path, inode: Inode::of(metadata), size: metadata.len(), modified_ns, section }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn coverage(root: &Path, include: &[&str], exclude: &[&str]) -> Coverage {
        let absolute = |text: &&str| {
            if text.starts_with('/') { format!("{}{text}", root.display()) } else { (*text).to_owned() }
        };
        Coverage {
            include: include.iter().map(|text| Pattern::new(&absolute(text)).unwrap()).collect(),
            exclude: exclude.iter().map(|text| Pattern::of_exclude(&absolute(text)).unwrap()).collect(),
        }
    }

    fn check(include: &[&str], exclude: &[&str], expected: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        for path in ["a.log", "b.log.gz", "app/x.log", "app/old/y.log", "cache/huge/z.log"] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "text\n").unwrap();
        }
        symlink(root.join("app/x.log"), root.join("link.log")).unwrap();
        symlink(root, root.join("app/loop")).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            root.join("pipe.log"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        let listing = walk(&[coverage(root, include, exclude)], &HashSet::new());
        let paths: Vec<_> = listing.files.iter().map(|file| file.path.strip_prefix(root).unwrap()).collect();
        assert_eq!(paths, expected.iter().map(Path::new).collect::<Vec<_>>(), "{include:?} {exclude:?}");
        if exclude.contains(&"/cache") {
            assert!(!listing.directories.contains(&root.join("cache")), "pruned before it is entered");
        }
    }

    #[test]
    fn walks_cover_what_the_patterns_say() {
        check(&["/*.log"], &["link.log"], &["a.log"]);
        check(&["/app/**"], &[], &["app/old/y.log", "app/x.log"]);
        check(
            &["/**"],
            &["*.gz", "/cache", "link.log", "pipe.log"],
            &["a.log", "app/old/y.log", "app/x.log"],
        );
        check(&["/app/*.log", "/app/old/*.log"], &[], &["app/old/y.log", "app/x.log"]);
        check(&["/missing/*.log"], &[], &[]);
        check(&["/link.log"], &[], &["link.log"]);
    }

    #[test]
    fn pipes_are_reported_and_never_listed() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe.log");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .unwrap();
        let listing = walk(&[coverage(root.path(), &["/*"], &[])], &HashSet::new());
        assert_eq!(listing.files, []);
        assert_eq!(listing.obstacles, [Obstacle { path: pipe, reason: "not a regular file".into() }]);
    }

    #[test]
    fn a_directory_that_is_not_there_yet_is_awaited_in_its_parent() {
        let root = tempfile::tempdir().unwrap();
        let listing = walk(&[coverage(root.path(), &["/a/b/*.log"], &[])], &HashSet::new());
        assert_eq!(listing.directories, HashSet::from([root.path().to_owned()]));
    }
}
