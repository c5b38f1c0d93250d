//! Plain text: whatever no other format claims. Finds a timestamp and a level near the start, by their own shapes.
//!
//! Where the line starts with a timestamp, that and what `header` recognises behind it (level, pid, thread, logger) go
//! into fields and the rest is the message. Otherwise the message is the whole line. Covered are, among others, log4j,
//! logback, Spring, Python, Rust, Go, PostgreSQL, Android, Hadoop, Spark, ZooKeeper, OpenStack and dpkg.

mod header;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::Parsed;
use crate::limits::HEADER_BYTES_MAX;
use crate::multiline::reports_crash;
use crate::severity;
use crate::time::{self, Context, Instant};

use header::{Head, Header, Level};

/// Words in front of a timestamp that isn't at the start: a file name, `update-alternatives`, `Start-Date:`.
const WORDS_BEFORE_STAMP_MAX: usize = 2;

/// Words behind a timestamp among which a level in capitals is believed.
const WORDS_BEFORE_LEVEL_MAX: usize = 6;

/// Every line is plain text.
pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    read(line, context, out);
    Ok(())
}

/// As `parse`, for callers that need no result. `out` is cleared.
pub(crate) fn read<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) {
    out.message = Cow::Borrowed(line);
    out.rebuilds_line = true;
    let mut head = Head::new(Cursor::new(line));
    head.skip_blank();
    if let Some(stamp) = stamp(&mut head, context) {
        set_time(stamp.instant, out);
        from_stamp(head, stamp.is_open, out);
        return;
    }
    if let Some(level) = head.first_level() {
        set_level(level, out);
        if let Some(stamp) = stamp(&mut head, context) {
            set_time(stamp.instant, out);
            head.separators();
            set_message(head, out);
        }
        return;
    }
    if time::time_of_day(&mut head.c).is_some() {
        // A time without a date (logback's default) dates nothing, but what follows is a header.
        weak_level(head, out);
        return;
    }
    early_stamp(head, context, out);
    if out.severity_number == 0 && out.timestamp_ns.is_none() && reports_crash(line.as_bytes()) {
        out.severity_number = severity::ERROR;
    }
}

struct Stamp {
    instant: Instant,
    /// A bracket was opened before it that isn't closed behind it: `[2024-05-01T12:00:00Z INFO my_crate] text`.
    is_open: bool,
}

fn stamp(head: &mut Head<'_>, context: &Context<'_>) -> Option<Stamp> {
    let mut ahead = *head;
    let is_open = ahead.c.eat(b'[');
    let (instant, length) = time::leading(ahead.c.rest(), context)?;
    ahead.c.advance(length);
    if ahead.c.peek().is_some_and(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let is_open = is_open && !ahead.c.eat(b']');
    *head = ahead;
    Some(Stamp { instant, is_open })
}

/// The head is behind the timestamp that the line starts with.
fn from_stamp<'a>(mut head: Head<'a>, is_open: bool, out: &mut Parsed<'a>) {
    let lost_zone = head.zone_name();
    let mut ahead = head;
    match Header::read(&mut ahead, is_open) {
        Some(header) => {
            set_message(ahead, out);
            header.fill(out);
        }
        None => {
            head.separators();
            weak_level(head, out);
            if !is_open {
                set_message(head, out);
            }
        }
    }
    out.rebuilds_line &= !lost_zone;
}

/// A level that isn't in a known place: a word in capitals, soon. The message keeps it.
fn weak_level<'a>(mut head: Head<'a>, out: &mut Parsed<'a>) {
    let mut ahead = head;
    if let Some(level) = Header::read(&mut ahead, false).map(|header| header.level) {
        return set_level(level, out);
    }
    for index in 0..WORDS_BEFORE_LEVEL_MAX {
        head.skip_blank();
        // `[INFO/MainProcess]`, `production.ERROR:`
        for part in head.word().split(['.', '/', ':', '[', ']', '(', ')', ',']).take(WORDS_BEFORE_LEVEL_MAX) {
            let is_capital = part.bytes().all(|b| b.is_ascii_uppercase());
            if let Some(number) = severity::from_word(part).filter(|_| is_capital || index == 0) {
                return set_level(Level { text: part, number }, out);
            }
        }
    }
}

fn early_stamp<'a>(mut head: Head<'a>, context: &Context<'_>, out: &mut Parsed<'a>) {
    for _ in 0..WORDS_BEFORE_STAMP_MAX {
        head.word();
        head.skip_blank();
        if head.c.pos() > HEADER_BYTES_MAX {
            return;
        }
        if let Some(stamp) = stamp(&mut head, context) {
            set_time(stamp.instant, out);
            return weak_level(head, out);
        }
    }
}

fn set_time(instant: Instant, out: &mut Parsed<'_>) {
    out.timestamp_ns = Some(instant.ns);
    out.zone_assumed = instant.zone_assumed;
}

fn set_level<'a>(level: Level<'a>, out: &mut Parsed<'a>) {
    out.severity_number = level.number;
    out.severity_text = Some(Cow::Borrowed(level.text));
}

/// What is left is the message, unless nothing is.
fn set_message<'a>(head: Head<'a>, out: &mut Parsed<'a>) {
    if !head.c.is_end() {
        out.message = Cow::Borrowed(head.c.rest());
        // Colours in the header carry nothing, but the line can't be told from the event any more.
        out.rebuilds_line &= !head.was_coloured;
    }
}
