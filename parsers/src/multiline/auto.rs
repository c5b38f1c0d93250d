//! The built-in rules. A record begins at column 0; what is indented carries it on, and so do the lines that traces have
//! at column 0: `Caused by:`, `Traceback`, the last line of a Python trace, calls in a dump of goroutines, and so on. A
//! line at column 0 that is none of these begins a group of its own, also where it has no time: joining what doesn't
//! belong together is worse than the opposite.
//!
//! The first byte decides for nearly all lines; no line is searched as a whole.

use super::words;

/// State of a group: what its next line may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    begins: Begins,
    language: Language,
    /// It has lines that only traces have.
    is_trace: bool,
    has_more_lines: bool,
    /// The last line was indented.
    is_indented: bool,
    /// The next line is part of the message, whatever it looks like.
    wants_message: bool,
    /// Python: another trace may follow.
    is_chained: bool,
    /// The record has a level that isn't that of a failure: a crash below it is none of its own.
    is_quiet: bool,
}

/// What the first line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    /// Nothing carries it on.
    Complete,
    /// It has a time, a level or the like.
    Record,
    /// Some text at column 0.
    Text,
    /// It is indented itself: what it belonged to is gone. Only frames and deeper lines carry it on, lest a table
    /// become one group.
    Indented { width: usize },
}

/// Whose trace it is, where lines at column 0 depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Unknown,
    Python,
    Go,
    Rust,
    Node,
    Php,
    Ruby,
}

impl Group {
    pub(super) fn complete() -> Self {
        Self::new(Begins::Complete, Language::Unknown)
    }

    /// For rules that look at single lines only.
    pub(super) fn plain(has_more_lines: bool) -> Self {
        Self { is_trace: has_more_lines, has_more_lines, ..Self::new(Begins::Text, Language::Unknown) }
    }

    fn new(begins: Begins, language: Language) -> Self {
        Self {
            begins,
            language,
            is_trace: language != Language::Unknown,
            has_more_lines: false,
            is_indented: false,
            wants_message: false,
            is_chained: false,
            is_quiet: false,
        }
    }

    /// True when nothing carries it on any more.
    pub fn is_complete(&self) -> bool {
        self.begins == Begins::Complete
    }

    /// True when it looks as if its beginning were missing.
    pub fn is_orphan(&self) -> bool {
        matches!(self.begins, Begins::Indented { .. })
    }

    /// True when it has lines that only traces have.
    pub fn is_trace(&self) -> bool {
        self.is_trace
    }

    pub(super) fn begin(line: &[u8], stands_alone: bool) -> Self {
        if words::is_indented(line) {
            let width = words::indentation(line);
            let text = line.get(width..).unwrap_or_default();
            let language = if words::is_traceback(line) { Language::Python } else { Language::Unknown };
            let group = Self::new(Begins::Indented { width }, language);
            return Self { is_trace: group.is_trace || words::is_frame(text), ..group };
        }
        let language = match line.first() {
            Some(b'0'..=b'9') => Language::Unknown,
            Some(b'{') if words::is_json(line) => return Self::complete(),
            _ if words::is_traceback(line) => Language::Python,
            _ if words::begins_go(line) => Language::Go,
            _ if words::begins_rust(line) => Language::Rust,
            _ if words::is_ruby_frame(line) => Language::Ruby,
            _ if words::is_source_place(line) => Language::Node,
            _ => Language::Unknown,
        };
        let is_trace = language != Language::Unknown || words::is_exception(line);
        if stands_alone && !is_trace {
            return Self::complete();
        }
        let is_record = words::is_record(line);
        Self {
            is_trace,
            wants_message: language == Language::Rust && line.ends_with(b":"),
            is_quiet: is_record && words::is_quiet(line),
            ..Self::new(if is_record { Begins::Record } else { Begins::Text }, language)
        }
    }

    pub(super) fn takes(&mut self, line: &[u8]) -> bool {
        let is_taken =
            if words::is_indented(line) { self.takes_indented(line) } else { self.takes_at_column_0(line) };
        self.has_more_lines |= is_taken;
        is_taken
    }

    fn takes_indented(&mut self, line: &[u8]) -> bool {
        let width = words::indentation(line);
        let is_frame = !self.is_trace && words::is_frame(line.get(width..).unwrap_or_default());
        if let Begins::Indented { width: first } = self.begins
            && width <= first
            && !is_frame
            && !self.is_trace
        {
            return false;
        }
        if self.language == Language::Unknown && words::is_traceback(line) {
            self.language = Language::Python;
        }
        self.is_trace |= is_frame || self.language != Language::Unknown;
        self.is_indented = true;
        self.wants_message = false;
        true
    }

    fn takes_at_column_0(&mut self, line: &[u8]) -> bool {
        let was_indented = std::mem::take(&mut self.is_indented);
        if std::mem::take(&mut self.wants_message) && !words::is_record(line) {
            return true;
        }
        match line.first() {
            Some(b'0'..=b'9' | b'{' | b'<') => false,
            Some(b'}' | b']' | b')' | b'"') => self.has_more_lines && words::only_closes(line),
            _ if words::carries_on(line) => {
                self.is_chained =
                    self.language == Language::Python && matches!(line.first(), Some(b'D' | b'T'));
                if line.starts_with(b"Stack trace:") {
                    self.language = Language::Php;
                }
                self.is_trace = true;
                true
            }
            _ => self.takes_of_language(line, was_indented),
        }
    }

    fn takes_of_language(&mut self, line: &[u8], was_indented: bool) -> bool {
        match self.language {
            Language::Python if was_indented => words::ends_python(line),
            Language::Python => std::mem::take(&mut self.is_chained) && words::is_traceback(line),
            Language::Go => words::is_of_go(line),
            Language::Rust => line.starts_with(b"note: "),
            Language::Php => line.starts_with(b"Next "),
            Language::Ruby => words::is_ruby_frame(line),
            Language::Node if line.starts_with(b"Node.js v") => true,
            Language::Node => was_indented && words::is_exception(line),
            Language::Unknown => self.takes_header(line),
        }
    }

    /// The first line of a trace below the record that reports it. What ends a program is printed past its logger, so
    /// `panic: ` is never part of a record, and a traceback none of one that reports no failure.
    fn takes_header(&mut self, line: &[u8]) -> bool {
        let language = match line.first() {
            Some(b'g') if words::is_goroutine(line) => Language::Go,
            _ if self.begins != Begins::Record => {
                // Node ends with its version what began with an exception.
                return self.is_trace && line.starts_with(b"Node.js v");
            }
            Some(b'T') if words::is_traceback(line) && !self.is_quiet => Language::Python,
            _ if words::is_ruby_frame(line) => Language::Ruby,
            _ if !self.is_trace && words::is_exception(line) => Language::Unknown,
            _ => return false,
        };
        self.language = language;
        self.is_trace = true;
        true
    }
}
