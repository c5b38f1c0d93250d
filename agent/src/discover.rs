//! The walk that finds the files to follow: which regular files match, and which directories were looked
//! into. It stats every file and opens none. What a file *is* (new, rotated, a copy) is decided elsewhere.

mod skip;

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

pub use self::skip::Skip;
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
    /// Why.
    pub reason: Skip,
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
    walk_entering(sections, never, &mut |_| ())
}

/// As [`walk`]; each directory is named before it is listed, so that it can be watched from then on. It may be missing.
pub fn walk_entering(
    sections: &[Coverage],
    never: &HashSet<Inode>,
    entering: &mut dyn FnMut(&Path),
) -> Listing {
    let mut walk = Walk { listing: Listing::default(), seen: HashSet::new(), never, entering };
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
    coverage_of(sections, path).ok()
}

/// As [`section_of`], with the reason why there is none.
///
/// # Errors
/// When no section covers the path: it is excluded, or not included.
pub fn coverage_of(sections: &[Coverage], path: &Path) -> Result<usize, Skip> {
    let mut excluded = None;
    for (section, coverage) in sections.iter().enumerate() {
        if !coverage.include.iter().any(|pattern| pattern.accepts(pattern.states_at(path))) {
            continue;
        }
        match exclusion(coverage, path) {
            Some(skip) => excluded = excluded.or(Some(skip)),
            None => return Ok(section),
        }
    }
    let includes = sections.iter().flat_map(|coverage| &coverage.include);
    let nearest = || includes.max_by_key(|pattern| pattern.reach(path).components().count());
    Err(excluded.unwrap_or_else(|| Skip::NotIncluded {
        nearest: nearest().map(|pattern| (pattern.text().to_owned(), pattern.reach(path).to_owned())),
    }))
}

/// The exclude pattern that matches a path or a directory above it.
fn exclusion(coverage: &Coverage, path: &Path) -> Option<Skip> {
    path.ancestors().find_map(|at| {
        let pattern = coverage.exclude.iter().find(|pattern| pattern.accepts(pattern.states_at(at)))?;
        Some(Skip::Excluded { pattern: pattern.text().to_owned(), at: at.to_owned() })
    })
}

/// What a walk would do with one path.
///
/// # Errors
/// When it would leave it out.
pub fn look_at(sections: &[Coverage], never: &HashSet<Inode>, path: &Path) -> Result<Found, Skip> {
    let section = coverage_of(sections, path)?;
    let covers = |pattern: &&Pattern| pattern.accepts(pattern.states_at(path));
    let include = sections.get(section).and_then(|coverage| coverage.include.iter().find(covers));
    let base = include.map_or(Path::new("/"), Pattern::base);
    let mut between: Vec<&Path> =
        path.ancestors().skip(1).take_while(|above| *above != base && above.starts_with(base)).collect();
    if between.len() > limits::DEPTH_MAX {
        return Err(Skip::TooDeep);
    }
    between.reverse();
    if let Some(link) = between.into_iter().find(|above| above.is_symlink()) {
        return Err(Skip::LinkedDirectory(link.to_owned()));
    }
    let metadata = admit(path, path.is_symlink(), fs::metadata(path))?;
    let file = found(path.to_owned(), &metadata, section);
    if never.contains(&file.inode) { Err(Skip::Own) } else { Ok(file) }
}

/// The metadata of a file that may be followed, behind a link.
fn admit(path: &Path, is_link: bool, metadata: io::Result<fs::Metadata>) -> Result<fs::Metadata, Skip> {
    let metadata = metadata.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Skip::Missing,
        _ => Skip::Unreadable(error.to_string()),
    })?;
    // Links to directories are not followed; sockets, pipes and devices are never opened.
    match metadata.is_file() {
        _ if metadata.is_dir() => Err(Skip::Directory),
        false => Err(Skip::NotRegular),
        true if is_link && !link_may_be_followed(path, &metadata) => Err(Skip::ForeignLink),
        true => Ok(metadata),
    }
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
    entering: &'a mut dyn FnMut(&Path),
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path, section: usize, coverage: &Coverage, at: &Position) {
        if at.depth > limits::DEPTH_MAX {
            return self.obstacle(path, Skip::TooDeep);
        }
        (self.entering)(path);
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            // Gone since it was listed, or not there yet: its parent is what there is to watch.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.watch_nearest(path),
            Err(error) => return self.obstacle(path, Skip::Unreadable(error.to_string())),
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
                // Asked by its directory: a walk down the path is most of what a file costs here.
                let metadata = if kind.is_symlink() { fs::metadata(&path) } else { entry.metadata() };
                self.file(path, kind.is_symlink(), metadata, section);
            }
        }
    }

    fn file(&mut self, path: PathBuf, link: bool, metadata: io::Result<fs::Metadata>, section: usize) {
        let metadata = match admit(&path, link, metadata) {
            Ok(metadata) => metadata,
            Err(Skip::Missing | Skip::Directory) => return,
            Err(skip) => return self.obstacle(&path, skip),
        };
        if link && let Some(parent) = fs::canonicalize(&path).ok().as_deref().and_then(Path::parent) {
            self.listing.directories.insert(parent.to_owned());
            self.listing.behind_links.insert(parent.to_owned());
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

    fn obstacle(&mut self, path: &Path, reason: Skip) {
        if self.listing.obstacles.len() < limits::SKIPPED_MAX {
            self.listing.obstacles.push(Obstacle { path: path.to_owned(), reason });
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
mod tests;
