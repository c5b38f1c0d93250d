//! How lines of a section are put together: by which rules, how long, and up to which size. Of files, and of what comes
//! through a pipe. Puts nothing together itself.

use millpond_parsers::Format;
use millpond_parsers::multiline::{Group, Rules, Wait};
use millpond_wire::limits::MESSAGE_BYTES_MAX;

use crate::limits;

/// How lines of a section are put together, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multiline {
    /// What belongs together.
    pub rules: Rules,
    /// Time that a trace at the end of a file waits for its next line, in milliseconds.
    pub timeout_ms: u64,
    /// Lines of an event; more are left out.
    pub lines_max: usize,
    /// Bytes of an event; more are left out.
    pub bytes_max: usize,
}

impl Default for Multiline {
    fn default() -> Self {
        Self {
            rules: Rules::Auto,
            timeout_ms: limits::MULTILINE_TIMEOUT_MS,
            lines_max: limits::EVENT_LINES_MAX,
            bytes_max: MESSAGE_BYTES_MAX,
        }
    }
}

impl Multiline {
    /// How long a group that began with this line waits for more when nothing follows it, in milliseconds.
    pub fn wait_ms(&self, group: &Group, first_line: &[u8]) -> u64 {
        match self.rules.wait(group, first_line) {
            Wait::Nothing => 0,
            Wait::Short => limits::LINE_HOLD_MS.min(self.timeout_ms),
            Wait::Long => self.timeout_ms,
        }
    }
}

/// True when each line of that format is a record.
pub fn is_structured(format: Format) -> bool {
    matches!(format, Format::Json | Format::Access | Format::Logfmt | Format::Syslog)
}
