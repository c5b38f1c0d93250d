//! Which lines belong together: stack traces, indented lists, statements over several lines. Pure: a line comes in, and
//! whether it carries on the group before it comes out. Reading, waiting and joining are the caller's.
//!
//! | file | what it does |
//! |---|---|
//! | `auto` | the built-in rules: what carries on a record, without configuration |
//! | `words` | the shapes of lines that they're made of |
//! | `pattern` | rules that a user writes as regular expressions |
//! | `error` | the exception that a trace is about |
//!
//! A group has a state of a few bytes, [`Group`]; [`Rules::begin`] makes it from the first line and
//! [`Rules::continues`] carries it along. The answer depends on lines alone and never on when they came, so that a file
//! that is read again, in other portions, gives the same groups.

mod auto;
mod error;
mod pattern;
#[cfg(test)]
mod tests;
mod words;

pub use auto::Group;
pub use error::{Exception, exception_of};
pub use pattern::{Pattern, Place};
pub(crate) use words::reports_crash;

/// How lines are put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rules {
    /// By what they look like; see the module `auto`.
    #[default]
    Auto,
    /// Each line stands alone.
    Off,
    /// Lines that begin with a blank or a tab carry on the line before.
    Indent,
    /// By a pattern of the user's.
    Pattern(Pattern),
}

/// How long the last group of a file waits for more when nothing follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// It is complete.
    Nothing,
    /// It is an ordinary line, and whoever writes several at once has written them by now.
    Short,
    /// It may go on: a trace, which some programs write line by line.
    Long,
}

/// True when an event with this first line and these further ones is a trace.
pub fn is_trace(first_line: &str, more: &str) -> bool {
    let mut group = Rules::Auto.begin(first_line.as_bytes(), false);
    more.lines().all(|line| Rules::Auto.continues(&mut group, line.as_bytes())) && group.is_trace()
}

impl Rules {
    /// The group that this line begins. `stands_alone`: the file is of a format each line of which is a whole record.
    pub fn begin(&self, line: &[u8], stands_alone: bool) -> Group {
        match self {
            Rules::Auto => Group::begin(line, stands_alone),
            Rules::Off => Group::complete(),
            Rules::Indent => Group::plain(false),
            Rules::Pattern(pattern) if pattern.ends_with(line) => Group::complete(),
            Rules::Pattern(_) => Group::plain(false),
        }
    }

    /// True when the line, which isn't empty, carries on the group.
    pub fn continues(&self, group: &mut Group, line: &[u8]) -> bool {
        if group.is_complete() {
            return false;
        }
        match self {
            Rules::Auto => group.takes(line),
            Rules::Off => false,
            Rules::Indent => words::is_indented(line),
            Rules::Pattern(pattern) if pattern.continues(line) => {
                *group = if pattern.ends_with(line) { Group::complete() } else { Group::plain(true) };
                true
            }
            Rules::Pattern(_) => false,
        }
    }

    /// How long a group waits that began with this line.
    pub fn wait(&self, group: &Group, first_line: &[u8]) -> Wait {
        match self {
            _ if group.is_complete() => Wait::Nothing,
            Rules::Auto if !group.is_trace() && !words::speaks_of_an_exception(first_line) => Wait::Short,
            Rules::Auto => Wait::Long,
            Rules::Off => Wait::Nothing,
            Rules::Indent => Wait::Short,
            Rules::Pattern(pattern) if !pattern.waits_for_its_end() && !group.is_trace() => Wait::Short,
            Rules::Pattern(_) => Wait::Long,
        }
    }
}
