//! Patterns of paths, matched component by component while a directory tree is walked.
//!
//! A pattern is a small automaton: one state for each of its components. The walker carries the set of
//! live states down the tree, so that it never enters a directory from which no pattern can match. This
//! module reads no directory; see [`crate::discover`].

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::limits;

/// A pattern that can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Globs are read by a process with a working directory of its own.
    #[error("`{0}` must start with `/`: the agent doesn't know a relative path's directory")]
    Relative(String),
    /// `..` has no meaning in a pattern.
    #[error("`{0}` must not contain `..`")]
    Parent(String),
    /// One bit a component.
    #[error("`{0}` has more than {max} components", max = limits::PATTERN_COMPONENTS_MAX)]
    TooDeep(String),
    /// Not a glob.
    #[error("`{pattern}`: {reason}")]
    Syntax {
        /// As written.
        pattern: String,
        /// What the compiler of globs said.
        reason: String,
    },
}

#[derive(Debug, Clone)]
enum Part {
    /// `**`: any number of directories.
    AnyDepth,
    Literal(String),
    /// One `*` and the text around it, as in most patterns: a comparison, where a glob is an automaton of some kilobytes.
    Around(String, String),
    Glob(GlobMatcher),
}

/// The live states of a pattern below some directory; bit `i` waits for component `i`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States(u64);

impl States {
    /// No path below can match.
    pub fn is_dead(self) -> bool {
        self.0 == 0
    }
}

/// An absolute pattern: `*`, `?`, `[…]` and `{a,b}` within a component, `**` for any depth.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
    base: PathBuf,
}

impl Pattern {
    /// Reads an absolute pattern.
    ///
    /// # Errors
    /// When it is relative, too deep, or no glob.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let Some(rest) = text.strip_prefix('/') else { return Err(PatternError::Relative(text.to_owned())) };
        let mut parts = Vec::new();
        for name in rest.split('/').filter(|name| !name.is_empty() && *name != ".") {
            parts.push(part(name, text)?);
        }
        if parts.len() > limits::PATTERN_COMPONENTS_MAX {
            return Err(PatternError::TooDeep(text.to_owned()));
        }
        let mut base = PathBuf::from("/");
        // The last component names files; a pattern without wildcards is walked from its directory.
        let directories = parts.len().saturating_sub(1);
        for part in parts.iter().take(directories) {
            let Part::Literal(name) = part else { break };
            base.push(name);
        }
        Ok(Self { text: text.to_owned(), parts, base })
    }

    /// As [`Self::new`], where a pattern without `/` matches that name at any depth: `*.gz` is `/**/*.gz`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_exclude(text: &str) -> Result<Self, PatternError> {
        if text.contains('/') {
            return Self::new(text);
        }
        Ok(Self { text: text.to_owned(), ..Self::new(&format!("/**/{text}"))? })
    }

    /// The pattern of exactly this absolute path, whatever characters are in it; `None` when it isn't UTF-8
    /// or too deep.
    pub fn literal(path: &Path) -> Option<Self> {
        let names = path.components().filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_str().map(|name| Part::Literal(name.to_owned()))),
            _ => None,
        });
        let parts: Vec<Part> = names.collect::<Option<_>>()?;
        let base = path.parent().unwrap_or(path).to_owned();
        (parts.len() <= limits::PATTERN_COMPONENTS_MAX).then(|| Self {
            text: path.to_string_lossy().into_owned(),
            parts,
            base,
        })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The longest beginning of a path below which it can match.
    pub fn reach<'a>(&self, path: &'a Path) -> &'a Path {
        let can_match = |path: &&Path| !self.states_at(path).is_dead();
        path.ancestors().find(can_match).unwrap_or(Path::new("/"))
    }

    /// The pattern of everything that lies directly in exactly this absolute directory; `None` as with
    /// [`Self::literal`].
    pub fn files_of(directory: &Path) -> Option<Self> {
        let parts = Self::literal(directory)?.parts.into_iter().chain(Self::new("/*").ok()?.parts);
        let parts: Vec<Part> = parts.collect();
        let text = format!("{}/*", directory.display());
        (parts.len() <= limits::PATTERN_COMPONENTS_MAX).then(|| Self {
            text,
            parts,
            base: directory.to_owned(),
        })
    }

    /// The deepest directory above every match: where a walk starts.
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The states at `/`.
    pub fn start(&self) -> States {
        self.close(1)
    }

    /// The states after one more component.
    pub fn step(&self, states: States, name: &OsStr) -> States {
        let mut next = 0;
        for (index, part) in self.parts.iter().enumerate() {
            if states.0 >> index & 1 == 0 {
                continue;
            }
            next |= match part {
                Part::AnyDepth => 1 << index,
                Part::Literal(text) if name == OsStr::new(text) => 2 << index,
                Part::Around(before, after) if is_around(name, before, after) => 2 << index,
                Part::Glob(glob) if glob.is_match(Path::new(name)) => 2 << index,
                Part::Literal(_) | Part::Around(..) | Part::Glob(_) => 0,
            };
        }
        self.close(next)
    }

    /// The states after every component of an absolute path.
    pub fn states_at(&self, path: &Path) -> States {
        path.components().fold(self.start(), |states, component| match component {
            Component::Normal(name) => self.step(states, name),
            _ => states,
        })
    }

    /// True when the path that led to these states matches.
    pub fn accepts(&self, states: States) -> bool {
        states.0 >> self.parts.len() & 1 == 1
    }

    /// `**` also matches no directory at all.
    fn close(&self, mut states: u64) -> States {
        for (index, part) in self.parts.iter().enumerate() {
            if states >> index & 1 == 1 && matches!(part, Part::AnyDepth) {
                states |= 2 << index;
            }
        }
        States(states)
    }
}

fn part(name: &str, pattern: &str) -> Result<Part, PatternError> {
    if name == "**" {
        return Ok(Part::AnyDepth);
    }
    if name == ".." {
        return Err(PatternError::Parent(pattern.to_owned()));
    }
    let is_plain = |text: &str| !text.contains(['*', '?', '[', ']', '{', '}', '\\']);
    if is_plain(name) {
        return Ok(Part::Literal(name.to_owned()));
    }
    if let Some((before, after)) = name.split_once('*')
        && is_plain(before)
        && is_plain(after)
    {
        return Ok(Part::Around(before.to_owned(), after.to_owned()));
    }
    let glob = GlobBuilder::new(name).literal_separator(true).build();
    glob.map(|glob| Part::Glob(glob.compile_matcher())).map_err(|error| PatternError::Syntax {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    })
}

fn is_around(name: &OsStr, before: &str, after: &str) -> bool {
    let rest = name.as_encoded_bytes().strip_prefix(before.as_bytes());
    rest.is_some_and(|rest| rest.ends_with(after.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_match() {
        let check = |pattern: &str, path: &str, expected: bool| {
            let pattern = Pattern::of_exclude(pattern).unwrap();
            assert_eq!(pattern.accepts(pattern.states_at(Path::new(path))), expected, "{path}");
        };
        check("/var/log/**", "/var/log/syslog", true);
        check("/var/log/**", "/var/log/a/b/c.log", true);
        check("/var/log/**", "/var/lib/a", false);
        check("/var/log/**/*.log", "/var/log/x.log", true);
        check("/var/log/**/*.log", "/var/log/a/b/x.log", true);
        check("/var/log/**/*.log", "/var/log/a/b/x.txt", false);
        check("/var/log/*.log", "/var/log/a/x.log", false);
        check("/var/log/app-{a,b}/?.log", "/var/log/app-b/1.log", true);
        check("/var/log/app-{a,b}/?.log", "/var/log/app-c/1.log", false);
        check("/a/**/b/**/c", "/a/b/x/b/y/c", true);
        check("/a/**/b/**/c", "/a/x/y/c", false);
        check("/var/log/syslog", "/var/log/syslog", true);
        check("*.gz", "/any/where/x.gz", true);
        check("*.gz", "/x.gz.log", false);
        check("wtmp*", "/var/log/wtmp", true);
        check("wtmp*", "/var/log/wtmp.1", true);
        check("wtmp*", "/var/log/old-wtmp", false);
        check("/logs/*", "/logs/.hidden", true);
        check("/logs/ab*ba", "/logs/abba", true);
        check("/logs/ab*ba", "/logs/ab-ba", true);
        check("/logs/ab*ba", "/logs/aba", false);
        check("/logs/a*b*c", "/logs/a1b2c", true);
        check("/x//y/./z", "/x/y/z", true);
        check("/logs/[ab].log", "/logs/a.log", true);
    }

    #[test]
    fn a_walk_starts_low_and_stops_early() {
        let pattern = Pattern::new("/var/log/*/x/*.log").unwrap();
        assert_eq!(pattern.base(), Path::new("/var/log"));
        assert!(!pattern.states_at(Path::new("/var/log/a/x")).is_dead());
        assert!(pattern.states_at(Path::new("/var/log/a/y")).is_dead());
        assert!(pattern.states_at(Path::new("/var/lib")).is_dead());
        assert_eq!(Pattern::new("/etc/motd").unwrap().base(), Path::new("/etc"));
        assert_eq!(Pattern::new("/**").unwrap().base(), Path::new("/"));
    }

    #[test]
    fn unusable_patterns_say_why() {
        for (pattern, expected) in [
            ("logs/*.log", "must start with `/`"),
            ("/a/../b", "`..`"),
            ("/a/[b", "unclosed character class"),
            (&"/x".repeat(64), "more than 63 components"),
        ] {
            let error = Pattern::new(pattern).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn names_that_are_not_utf8_match() {
        use std::os::unix::ffi::OsStrExt;
        let pattern = Pattern::new("/var/log/*.log").unwrap();
        let path = Path::new("/var/log").join(OsStr::from_bytes(b"\xff\xfe.log"));
        assert!(pattern.accepts(pattern.states_at(&path)));
    }
}
