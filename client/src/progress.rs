//! How far an export is, on standard error where that is a terminal.

use std::io::{self, IsTerminal};
use std::time::Instant;

use crate::limits::PROGRESS_EVERY;
use crate::render::{count, plan};
use crate::terminal;

/// Counts, and says so now and then.
pub(crate) struct Progress {
    pub(crate) rows: u64,
    bytes: u64,
    is_shown: bool,
    shown_at: Instant,
}

impl Progress {
    /// Shown where the rows themselves are not on the terminal.
    pub(crate) fn new(is_to_file: bool) -> Self {
        let is_shown = io::stderr().is_terminal() && (is_to_file || !io::stdout().is_terminal());
        Self { rows: 0, bytes: 0, is_shown, shown_at: Instant::now() }
    }

    pub(crate) fn add(&mut self, rows: u64, bytes: usize) {
        self.rows += rows;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.is_shown && self.shown_at.elapsed() >= PROGRESS_EVERY {
            self.shown_at = Instant::now();
            terminal::say(&self.line());
        }
    }

    /// The last word.
    pub(crate) fn end(&self) {
        if self.is_shown {
            terminal::say(&format!("{}\n", self.line()));
        }
    }

    /// Over the line before.
    fn line(&self) -> String {
        format!("\r\x1b[K{} rows, {}", count(self.rows), plan::bytes(self.bytes))
    }
}
