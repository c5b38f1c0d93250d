//! The six levels and every spelling that means one of them. Numbers follow OpenTelemetry's
//! severity numbers (data model of logs, "SeverityNumber"): four to a level, 1 to 24.

use std::fmt;

/// A normalised level, ordered from the least to the most severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Severity numbers 1 to 4.
    Trace = 0,
    /// Severity numbers 5 to 8.
    Debug = 1,
    /// Severity numbers 9 to 12.
    Info = 2,
    /// Severity numbers 13 to 16.
    Warn = 3,
    /// Severity numbers 17 to 20.
    Error = 4,
    /// Severity numbers 21 to 24.
    Fatal = 5,
}

impl Level {
    /// All levels, the least severe first; the index is the discriminant.
    pub const ALL: [Self; 6] = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Error, Self::Fatal];

    /// The name that documents and queries carry.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }

    /// The level of an OpenTelemetry severity number; `None` for 0 (unspecified) and above 24.
    pub fn from_severity_number(number: u8) -> Option<Self> {
        match number {
            1..=24 => Self::ALL.get(usize::from((number - 1) / 4)).copied(),
            _ => None,
        }
    }

    /// The lowest OpenTelemetry severity number of this level.
    pub fn severity_number(self) -> u8 {
        self as u8 * 4 + 1
    }

    /// The level with this discriminant.
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Reads any common spelling in any case: syslog keywords, Java and Python names, abbreviations.
    /// Digits are not read: they mean different things in syslog, pino and OpenTelemetry.
    pub fn parse(text: &str) -> Option<Self> {
        const LONGEST: usize = 13;
        let text = text.trim();
        let mut lower = [0u8; LONGEST];
        let lower = lower.get_mut(..text.len())?;
        lower.copy_from_slice(text.as_bytes());
        lower.make_ascii_lowercase();
        Some(match &*lower {
            b"trace" | b"trc" | b"finest" | b"finer" | b"verbose" | b"silly" => Self::Trace,
            b"debug" | b"dbg" | b"dbug" | b"fine" | b"config" => Self::Debug,
            b"info" | b"inf" | b"information" | b"informational" | b"notice" | b"note" | b"log" => Self::Info,
            b"warn" | b"warning" | b"wrn" => Self::Warn,
            b"error" | b"err" | b"eror" | b"severe" | b"failure" => Self::Error,
            b"fatal" | b"ftl" | b"crit" | b"critical" | b"alert" | b"emerg" | b"emergency" | b"panic"
            | b"dpanic" => Self::Fatal,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn spellings() {
        let rows = [
            ("ERROR", Some(Level::Error)),
            ("Warning", Some(Level::Warn)),
            (" notice ", Some(Level::Info)),
            ("EMERG", Some(Level::Fatal)),
            ("informational", Some(Level::Info)),
            ("", None),
            ("audit", None),
            ("errorerrorerror", None),
            ("3", None),
            ("é", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Level::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn names_and_numbers_round_trip() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
            assert_eq!(Level::from_severity_number(level.severity_number()), Some(level));
            assert_eq!(Level::from_index(level as u8), Some(level));
        }
        assert_eq!(Level::from_severity_number(0), None);
        assert_eq!(Level::from_severity_number(25), None);
    }
}
