//! `level:err`, `level>=warn`: levels compared by severity.

use std::fmt;

use crate::nearest::nearest;
use crate::scalar::Scalar;

/// A level, the least severe first. The collector normalises the levels of documents to these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Finest steps.
    Trace,
    /// For developers.
    Debug,
    /// Normal operation.
    Info,
    /// Something to look at.
    Warn,
    /// Something failed.
    Error,
    /// The program, or more, is lost.
    Fatal,
}

impl Level {
    /// Every level, the least severe first.
    pub const ALL: [Level; 6] =
        [Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];

    /// The normalised name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Reads a level in any of the spellings that people and programs use, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Level> {
        SPELLINGS
            .into_iter()
            .find(|(_, spellings)| {
                spellings.iter().any(|spelling| text.trim().eq_ignore_ascii_case(spelling))
            })
            .map(|(level, _)| level)
    }

    /// The spelling that was probably meant by a text that spells no level.
    #[must_use]
    pub fn nearest(text: &str) -> Option<&'static str> {
        // Those that are used most come first, and of equally near ones the first of them counts.
        let names = Level::ALL.into_iter().map(Level::name);
        let spellings = SPELLINGS.into_iter().flat_map(|(_, spellings)| spellings).copied();
        nearest(text, names).or_else(|| nearest(text, spellings))
    }

    fn bit(self) -> u8 {
        match self {
            Level::Trace => 1,
            Level::Debug => 2,
            Level::Info => 4,
            Level::Warn => 8,
            Level::Error => 16,
            Level::Fatal => 32,
        }
    }
}

/// What normalisation at ingest reads, so that a query may spell a level as the source did. Digits are not
/// among them: syslog, pino and OpenTelemetry mean different things by them.
const SPELLINGS: [(Level, &[&str]); 6] = [
    (Level::Trace, &["trace", "trc", "finest", "finer", "verbose", "silly"]),
    (Level::Debug, &["debug", "dbg", "dbug", "fine", "config"]),
    (Level::Info, &["info", "inf", "information", "informational", "notice", "note", "log"]),
    (Level::Warn, &["warn", "warning", "wrn"]),
    (Level::Error, &["error", "err", "eror", "severe", "failure"]),
    (Level::Fatal, &["fatal", "ftl", "crit", "critical", "alert", "emerg", "emergency", "panic", "dpanic"]),
];

/// Any of some levels. A string matches when it spells one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelSet(u8);

impl LevelSet {
    /// The levels for which `keep` is true.
    #[must_use]
    pub fn of(keep: impl Fn(Level) -> bool) -> LevelSet {
        LevelSet(Level::ALL.into_iter().filter(|level| keep(*level)).map(Level::bit).sum())
    }

    /// Whether the level is one of them.
    #[must_use]
    pub fn contains(self, level: Level) -> bool {
        self.0 & level.bit() != 0
    }

    pub(super) fn matches(self, value: Scalar<'_>) -> bool {
        let Scalar::Str(text) = value else { return false };
        Level::parse(text).is_some_and(|level| self.contains(level))
    }
}

impl fmt::Display for LevelSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("level in {")?;
        let mut separator = "";
        for level in Level::ALL.into_iter().filter(|level| self.contains(*level)) {
            write!(f, "{separator}{}", level.name())?;
            separator = ", ";
        }
        f.write_str("}")
    }
}
