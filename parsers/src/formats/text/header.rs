//! What stands between the timestamp and the text of a plain line, in the orders that log frameworks use:
//!
//! ```text
//! 148 INFO dfs.DataNode$PacketResponder: text            Hadoop, Spark
//! [main] INFO  c.e.Foo - text                            logback, log4j
//!  INFO 123 --- [main] c.e.Foo   : text                  Spring Boot
//! - name - WARNING - text                                Python
//! [42] user@db LOG:  text                                PostgreSQL
//!  1702  2395 D WindowManager: text                      Android
//! - INFO  [thread:Class@774] - text                      ZooKeeper
//!  INFO my_crate::module: text                           Rust
//! ```
//!
//! Nothing counts as a header unless a level is found; without one a number or a bracket may be part of the text.

use std::borrow::Cow;

use crate::cursor::Cursor;
use crate::event::{Parsed, Value};
use crate::limits::{HEADER_BYTES_MAX, HEADER_ITEMS_MAX};
use crate::severity;

const ESCAPE: u8 = 0x1b;

#[derive(Debug, Clone, Copy)]
pub(super) struct Level<'a> {
    pub(super) text: &'a str,
    pub(super) number: u8,
}

/// A cursor that sees through the colours of a terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) c: Cursor<'a>,
    pub(super) was_coloured: bool,
}

impl<'a> Head<'a> {
    pub(super) fn new(c: Cursor<'a>) -> Self {
        Head { c, was_coloured: false }
    }

    pub(super) fn skip_blank(&mut self) {
        loop {
            self.c.take_while(is_blank);
            if self.c.peek() != Some(ESCAPE) || self.c.peek_at(1) != Some(b'[') {
                return;
            }
            let mut ahead = self.c;
            ahead.advance(2);
            ahead.take_while(|b| b.is_ascii_digit() || b == b';');
            if !ahead.eat(b'm') {
                return;
            }
            self.c = ahead;
            self.was_coloured = true;
        }
    }

    /// Up to the next blank or colour.
    pub(super) fn word(&mut self) -> &'a str {
        self.c.take_while(|b| !is_blank(b) && b != ESCAPE)
    }

    /// Skips blanks and lone `-`, `--`, `---`, `|` and `:`.
    pub(super) fn separators(&mut self) {
        for _ in 0..HEADER_ITEMS_MAX {
            self.skip_blank();
            let mut ahead = *self;
            let mark = ahead.c.take_while(|b| matches!(b, b'-' | b'|' | b':'));
            if mark.is_empty() || mark.len() > 3 || !ahead.is_word_end() {
                return;
            }
            *self = ahead;
        }
    }

    fn is_word_end(&self) -> bool {
        self.c.peek().is_none_or(|b| is_blank(b) || b == ESCAPE)
    }

    /// A level with which a line starts: `[error] `, `ERROR `, `error: `. The head is moved behind it.
    pub(super) fn first_level(&mut self) -> Option<Level<'a>> {
        let mut ahead = *self;
        let is_bracketed = ahead.c.eat(b'[');
        let text = ahead.c.take_while(|b| b.is_ascii_alphabetic());
        let level = Level { text, number: severity::from_word(text)? };
        let ends = if is_bracketed {
            ahead.c.eat(b']')
        } else {
            let is_capital = text.bytes().all(|b| b.is_ascii_uppercase());
            ahead.c.eat(b':') || (is_capital && ahead.is_word_end())
        };
        ends.then_some(())?;
        ahead.skip_blank();
        *self = ahead;
        Some(level)
    }

    /// The name of a zone between the time and a bracket (PostgreSQL: `12:00:00.123 CET [42]`). It is skipped: such
    /// names are ambiguous, so the zone of the context is applied. True if there was one.
    pub(super) fn zone_name(&mut self) -> bool {
        let mut c = self.c;
        c.eat(b' ');
        let name = c.take_while(|b| b.is_ascii_uppercase());
        let is_zone = (3..=5).contains(&name.len()) && severity::from_word(name).is_none() && c.eat_str(" [");
        if is_zone {
            self.c.eat(b' ');
            self.c.advance(name.len());
        }
        is_zone
    }

    /// The header of a line that was joined from several ends with the first of them.
    fn is_line_end(&self) -> bool {
        self.c.rest().trim_start_matches([' ', '\t', '\r']).starts_with('\n')
    }

    /// A number that is a whole word.
    fn number(&mut self) -> Option<i64> {
        let mut ahead = *self;
        let number = ahead.c.integer()?;
        ahead.is_word_end().then_some(())?;
        *self = ahead;
        Some(number)
    }

    /// The inside of `[…]`, which may have brackets itself: `[QuorumPeer[myid=1]/0:0:2181]`.
    fn bracket(&mut self) -> Option<&'a str> {
        let mut ahead = *self;
        ahead.c.eat(b'[').then_some(())?;
        let mut depth = 1usize;
        let rest = ahead.c.rest();
        let length = rest.bytes().take(HEADER_BYTES_MAX).position(|b| {
            depth += usize::from(b == b'[');
            depth -= usize::from(b == b']');
            depth == 0
        })?;
        ahead.c.advance(length + 1);
        *self = ahead;
        rest.get(..length)
    }

    /// A level word. In capitals it may be followed by anything that isn't part of a word; otherwise it could be the
    /// first word of the text, unless it is set off by a tab, a colour, a colon or two spaces.
    fn level(&mut self) -> Option<Level<'a>> {
        let mut ahead = *self;
        let text = ahead.c.take_while(|b| b.is_ascii_alphanumeric());
        let number = severity::from_word(text)?;
        let is_capital = !text.bytes().any(|b| b.is_ascii_lowercase());
        let next = ahead.c.peek();
        let is_set_off = match next {
            Some(b'\t' | ESCAPE | b':' | b'|') => true,
            Some(b' ') => is_capital || ahead.c.peek_at(1).is_some_and(|b| matches!(b, b' ' | b'-' | b'|')),
            None | Some(b']' | b',' | b';' | b'-' | b'\n' | b'\r') => is_capital,
            _ => false,
        };
        is_set_off.then_some(())?;
        *self = ahead;
        Some(Level { text, number })
    }
}

/// What was recognised.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) level: Level<'a>,
    facts: Facts<'a>,
}

#[derive(Debug, Default)]
struct Facts<'a> {
    pid: Option<i64>,
    thread_id: Option<i64>,
    thread_name: Option<&'a str>,
    logger: Option<&'a str>,
    line: Option<i64>,
    user_and_database: Option<(&'a str, &'a str)>,
}

impl<'a> Header<'a> {
    /// Moves the head to the text. None when there is no level; the head is then anywhere.
    pub(super) fn read(head: &mut Head<'a>, is_open: bool) -> Option<Header<'a>> {
        let mut facts = Facts::default();
        let (level, is_letter) = facts.up_to_level(head)?;
        facts.behind_level(head, is_open, is_letter);
        head.skip_blank();
        Some(Header { level, facts })
    }

    /// Puts the level and the fields into the event.
    pub(super) fn fill(self, out: &mut Parsed<'a>) {
        let Facts { pid, thread_id, thread_name, logger, line, user_and_database } = self.facts;
        out.severity_number = self.level.number;
        out.severity_text = Some(Cow::Borrowed(self.level.text));
        for (name, number) in
            [("process.pid", pid), ("process.thread.id", thread_id), ("log.origin.file.line", line)]
        {
            if let Some(number) = number {
                out.push(name, Value::I64(number));
            }
        }
        for (name, text) in [
            ("process.thread.name", thread_name),
            ("log.logger", logger),
            ("user.name", user_and_database.map(|(user, _)| user)),
            ("db.namespace", user_and_database.map(|(_, database)| database)),
        ] {
            if let Some(text) = text {
                out.push_str(name, text);
            }
        }
    }
}

impl<'a> Facts<'a> {
    /// The level, and whether it is Android's single letter.
    fn up_to_level(&mut self, head: &mut Head<'a>) -> Option<(Level<'a>, bool)> {
        for _ in 0..HEADER_ITEMS_MAX {
            head.separators();
            if let Some(level) = head.level() {
                return Some((level, false));
            }
            if self.pid.is_some()
                && let Some((level, is_letter)) = self.level_behind_pid(head)
            {
                return Some((level, is_letter));
            }
            if let Some(text) = head.bracket() {
                if let Some(number) = severity::from_word(text.trim_ascii()) {
                    return Some((Level { text: text.trim_ascii(), number }, false));
                }
                match text.parse() {
                    Ok(number) => self.number(number)?,
                    Err(_) => self.name_thread(text)?,
                }
            } else if let Some(number) = head.number() {
                self.number(number)?;
            } else {
                self.word(head)?;
            }
        }
        None
    }

    /// Android's letters and PostgreSQL's words are too common to be a level anywhere else.
    fn level_behind_pid(&self, head: &mut Head<'a>) -> Option<(Level<'a>, bool)> {
        let mut ahead = *head;
        let text = ahead.c.take_while(|b| b.is_ascii_uppercase());
        let letter = text.bytes().next().filter(|_| text.len() == 1).and_then(severity::from_letter);
        let number = match letter {
            Some(number) => ahead.is_word_end().then_some(number)?,
            None => severity::from_postgres_word(text).filter(|_| ahead.c.peek() == Some(b':'))?,
        };
        *head = ahead;
        Some((Level { text, number }, letter.is_some()))
    }

    /// A logger before the level (`name - `), or PostgreSQL's `user@database `.
    fn word(&mut self, head: &mut Head<'a>) -> Option<()> {
        let word = head.word();
        if let Some((user, database)) = word.split_once('@') {
            self.user_and_database = self.user_and_database.is_none().then_some((user, database));
            return self.user_and_database.map(drop);
        }
        if self.logger.is_some() || !is_name(word) {
            return None;
        }
        head.skip_blank();
        let before = head.c.pos();
        head.separators();
        self.logger = (head.c.pos() > before).then_some(word);
        self.logger.map(drop)
    }

    fn behind_level(&mut self, head: &mut Head<'a>, is_open: bool, is_letter: bool) {
        if head.c.eat(b':') {
            return;
        }
        if is_open && head.c.eat(b']') {
            return;
        }
        for _ in 0..HEADER_ITEMS_MAX {
            if head.is_line_end() {
                return;
            }
            head.separators();
            let before = *head;
            let took = if let Some(number) = head.number() {
                let is_pid = self.pid.is_none() && head.c.rest().trim_ascii_start().starts_with("--- ");
                if is_pid {
                    self.pid = Some(number);
                }
                is_pid
            } else if let Some(text) = head.bracket() {
                self.thread_behind_level(text, head)
            } else if let Some(logger) =
                logger(head, is_open, is_letter, self.pid.is_some()).filter(|_| self.logger.is_none())
            {
                self.logger = Some(logger);
                head.separators();
                return;
            } else {
                false
            };
            if !took {
                *head = before;
                return;
            }
        }
    }

    /// A bracket behind the level is a thread if `-` or a logger follows; otherwise the text may start with it.
    fn thread_behind_level(&mut self, text: &'a str, head: &Head<'a>) -> bool {
        let mut ahead = *head;
        ahead.skip_blank();
        let is_header = ahead.c.eat_str("- ") || logger(&mut ahead, false, false, false).is_some();
        is_header && self.name_thread(text).is_some()
    }

    fn number(&mut self, number: i64) -> Option<()> {
        let slot = if self.pid.is_none() { &mut self.pid } else { &mut self.thread_id };
        slot.is_none().then(|| *slot = Some(number))
    }

    /// ZooKeeper's `thread:Class@line` is taken apart.
    fn name_thread(&mut self, text: &'a str) -> Option<()> {
        if self.thread_name.is_some() {
            return None;
        }
        let place =
            text.rsplit_once('@').and_then(|(rest, line)| Some((rest.rsplit_once(':')?, line.parse().ok()?)));
        match place {
            Some(((thread, class), line)) if self.logger.is_none() => {
                (self.thread_name, self.logger, self.line) = (Some(thread), Some(class), Some(line));
            }
            _ => self.thread_name = Some(text),
        }
        Some(())
    }
}

/// A name of a logger that is told from the text by what follows it; the head is moved behind it and its `:` or `]`.
fn logger<'a>(head: &mut Head<'a>, is_open: bool, is_letter: bool, has_pid: bool) -> Option<&'a str> {
    let mut ahead = *head;
    let word = ahead.word();
    let name = match word.strip_suffix(':') {
        // `Error:` and `java.io.IOException:` start a text; a logger has some structure in its name, except on Android.
        Some(name) => {
            let has_structure = name.contains(['.', '$', '_', '/', ':']);
            let is_error = name.ends_with("Error") || name.ends_with("Exception");
            (is_name(name) && (is_letter || has_structure) && !is_error).then_some(name)
        }
        None if is_open => word.strip_suffix(']').filter(|name| is_name(name)),
        None if is_name(word) => {
            let mut behind = ahead;
            behind.skip_blank();
            let is_dotted = has_pid && word.contains('.') && behind.c.peek() == Some(b'[');
            let has_mark = ["-", ":", "|"].iter().any(|mark| behind.c.eat_str(mark));
            let is_set_off = has_mark && behind.is_word_end();
            (is_dotted || is_set_off).then_some(word)
        }
        None => None,
    }?;
    *head = ahead;
    Some(name)
}

/// A line that was joined from several may break right behind its header.
fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r')
}

fn is_name(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_alphabetic())
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$' | b':' | b'/' | b'#' | b'-'))
}
