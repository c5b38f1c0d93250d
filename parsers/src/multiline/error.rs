//! The exception that a trace is about, where its name stands in plain sight.

use super::words;
use crate::limits::EXCEPTION_LOOK_LINES_MAX;

/// What was thrown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception<'a> {
    /// Its class.
    pub name: &'a str,
    /// What it says; may be empty.
    pub message: &'a str,
}

/// Finds the exception in the lines of a trace. Of a Python trace it is the last one: that is the one raised in the end.
pub fn exception_of(text: &str) -> Option<Exception<'_>> {
    for line in text.lines().take(EXCEPTION_LOOK_LINES_MAX) {
        let line = without_preamble(line);
        if words::is_exception(line.as_bytes()) {
            return Some(split(line));
        }
        if words::is_traceback(line.as_bytes()) {
            return text.lines().rev().find(|line| words::ends_python(line.as_bytes())).map(split);
        }
    }
    None
}

/// Without what the virtual machines of Java and .NET say first.
fn without_preamble(line: &str) -> &str {
    if let Some(line) = line.strip_prefix("Unhandled exception. ") {
        return line;
    }
    let thread = line.strip_prefix("Exception in thread \"").and_then(|rest| rest.split_once("\" "));
    thread.map_or(line, |(_, rest)| rest)
}

fn split(line: &str) -> Exception<'_> {
    let len = words::exception_name(line.as_bytes()).len();
    let (name, rest) = line.split_at_checked(len).unwrap_or((line, ""));
    Exception { name, message: rest.trim_start_matches([':', ' ']) }
}
