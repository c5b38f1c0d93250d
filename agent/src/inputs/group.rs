//! The lines of a pipe that belong together, before they go to the spool, by the rules of
//! [`millpond_parsers::multiline`]. Holds one event, within the limits of the section; reads no clock: it is told the
//! time, and says when what it holds is due.

use millpond_parsers::Format;
use millpond_parsers::multiline::Group;

use super::framing::Message;
use crate::tail::multiline::{Multiline, is_structured};
use crate::time::Now;

/// Several lines, or one.
#[derive(Debug)]
pub(super) struct Event {
    /// When its first line was read, Unix nanoseconds.
    pub(super) at_ns: i64,
    /// The lines, joined by line feeds.
    pub(super) text: Vec<u8>,
    /// Bytes that it had, if some are left out.
    pub(super) cut_from_bytes: Option<u64>,
    /// Lines that were left out because there are too many.
    pub(super) left_out_lines: u64,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Grouper<'s> {
    settings: &'s Multiline,
    /// Each line is a record.
    is_structured: bool,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    group: Group,
    at_ns: i64,
    /// Monotonic time of the last line.
    seen_ms: u64,
    text: Vec<u8>,
    first_line_bytes: usize,
    lines: usize,
    /// With what was left out.
    whole_bytes: u64,
    left_out_lines: u64,
}

impl<'s> Grouper<'s> {
    /// Holding nothing. `format`: the configured one.
    pub(super) fn new(settings: &'s Multiline, format: Option<Format>) -> Self {
        Self { settings, is_structured: format.is_some_and(is_structured), open: None }
    }

    /// Takes the next line and gives away the events that are complete.
    pub(super) fn push(&mut self, line: Message<'_>, now: Now, take: &mut impl FnMut(Event)) {
        if let Some(open) = &mut self.open
            && self.settings.rules.continues(&mut open.group, line.bytes)
        {
            open.push(line, now, self.settings);
        } else {
            self.finish(take);
            let stands_alone = self.is_structured || line.bytes.first() == Some(&b'{');
            let group = self.settings.rules.begin(line.bytes, stands_alone);
            self.open = Some(Open::new(group, line, now));
        }
        if self.open.as_ref().is_some_and(|open| open.group.is_complete()) {
            self.finish(take);
        }
    }

    /// Monotonic time at which what is held is complete, unless another line carries it on.
    pub(super) fn due_ms(&self) -> Option<u64> {
        let open = self.open.as_ref()?;
        let first_line = open.text.get(..open.first_line_bytes).unwrap_or_default();
        Some(open.seen_ms.saturating_add(self.settings.wait_ms(&open.group, first_line)))
    }

    /// Nothing carries on what is held: gives it away.
    pub(super) fn finish(&mut self, take: &mut impl FnMut(Event)) {
        if let Some(open) = self.open.take() {
            let is_cut = open.whole_bytes > open.text.len() as u64;
            take(Event {
                at_ns: open.at_ns,
                text: open.text,
                cut_from_bytes: is_cut.then_some(open.whole_bytes),
                left_out_lines: open.left_out_lines,
            });
        }
    }
}

impl Open {
    fn new(group: Group, line: Message<'_>, now: Now) -> Self {
        Self {
            group,
            at_ns: now.unix_ns,
            seen_ms: now.mono_ms,
            text: line.bytes.to_owned(),
            first_line_bytes: line.bytes.len(),
            lines: 1,
            whole_bytes: whole_bytes(line),
            left_out_lines: 0,
        }
    }

    /// Takes a line that belongs to it. What comes after a line that was left out is left out, too.
    fn push(&mut self, line: Message<'_>, now: Now, settings: &Multiline) {
        self.seen_ms = now.mono_ms;
        self.whole_bytes = self.whole_bytes.saturating_add(1 + whole_bytes(line));
        let bytes = self.text.len() + 1 + line.bytes.len();
        if self.left_out_lines > 0 || self.lines >= settings.lines_max || bytes > settings.bytes_max {
            self.left_out_lines += 1;
            return;
        }
        self.lines += 1;
        self.text.push(b'\n');
        self.text.extend_from_slice(line.bytes);
    }
}

fn whole_bytes(line: Message<'_>) -> u64 {
    line.cut_from_bytes.unwrap_or(line.bytes.len() as u64)
}

#[cfg(test)]
mod tests {
    use millpond_parsers::multiline::Rules;

    use super::*;
    use crate::limits;

    const TRACE: [&str; 3] =
        ["java.lang.IllegalStateException: no", "\tat a.B.c(B.java:1)", "\tat a.B.d(B.java:2)"];

    fn events(settings: &Multiline, lines: &[&str]) -> Vec<(String, Option<u64>, u64)> {
        let mut grouper = Grouper::new(settings, None);
        let mut events = Vec::new();
        let mut take = |event: Event| {
            let text = String::from_utf8(event.text).unwrap();
            events.push((text, event.cut_from_bytes, event.left_out_lines));
        };
        for line in lines {
            let line = Message { bytes: line.as_bytes(), cut_from_bytes: None };
            grouper.push(line, Now { mono_ms: 5, unix_ns: 7 }, &mut take);
        }
        grouper.finish(&mut take);
        events
    }

    #[test]
    fn lines_that_belong_together_are_one_event() {
        let [first, second, third] = TRACE;
        let whole = TRACE.join("\n");
        for (lines, expected) in [
            (vec!["one", "two"], vec!["one", "two"]),
            (vec![first, second, third, "next"], vec![&whole, "next"]),
            (vec!["{\"a\":1}", " {\"b\":2}"], vec!["{\"a\":1}", " {\"b\":2}"]),
        ] {
            let texts: Vec<_> =
                events(&Multiline::default(), &lines).into_iter().map(|event| event.0).collect();
            assert_eq!(texts, expected);
        }
        let off = Multiline { rules: Rules::Off, ..Multiline::default() };
        assert_eq!(events(&off, &TRACE).len(), 3);
    }

    #[test]
    fn what_is_too_much_is_left_out_and_said() {
        let [first, second, _] = TRACE;
        let whole_bytes = TRACE.join("\n").len() as u64;
        let expected = [(format!("{first}\n{second}"), Some(whole_bytes), 1)];
        let few_lines = Multiline { lines_max: 2, ..Multiline::default() };
        assert_eq!(events(&few_lines, &TRACE), expected);
        let few_bytes = Multiline { bytes_max: first.len() + second.len() + 1, ..Multiline::default() };
        assert_eq!(events(&few_bytes, &TRACE), expected);
    }

    #[test]
    fn a_trace_waits_longer_than_a_line() {
        let settings = Multiline::default();
        for (lines, expected_ms) in [
            (&["plain text"][..], Some(5 + limits::LINE_HOLD_MS)),
            (&TRACE[..], Some(5 + limits::MULTILINE_TIMEOUT_MS)),
            (&["{\"a\":1}"], None),
            (&[], None),
        ] {
            let mut grouper = Grouper::new(&settings, None);
            for line in lines {
                let line = Message { bytes: line.as_bytes(), cut_from_bytes: None };
                grouper.push(line, Now { mono_ms: 5, unix_ns: 7 }, &mut |_| ());
            }
            assert_eq!(grouper.due_ms(), expected_ms, "{lines:?}");
        }
    }
}
