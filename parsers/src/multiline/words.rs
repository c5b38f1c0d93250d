//! Shapes of lines, each a look at a few bytes: the words that begin the lines of traces in nine languages, and what
//! tells the first line of a record.

use crate::severity;

/// Bytes of the beginning of a line in which a shape is looked for.
const LOOK_BYTES_MAX: usize = 512;

/// Bytes of the beginning of a record in which its level is looked for.
const QUIET_BYTES_MAX: usize = 96;

pub(super) fn is_indented(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

/// Number of blanks and tabs at the start.
pub(super) fn indentation(line: &[u8]) -> usize {
    line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len())
}

/// A line of a trace below its header, without its indentation.
pub(super) fn is_frame(text: &[u8]) -> bool {
    let words: &[&[u8]] = match text.first() {
        Some(b'a') => &[b"at "],
        Some(b'f') => &[b"from "],
        Some(b'F') => &[b"File \""],
        Some(b'.') => &[b"... "],
        Some(b'C') => &[b"Caused by: "],
        Some(b'S') => &[b"Suppressed: "],
        Some(b'-') => &[b"--- End of ", b"---> "],
        Some(b'|' | b'+') => &[b"| ", b"+ "],
        Some(b't') => &[b"thrown in "],
        Some(b'0'..=b'9') => return text.iter().find(|byte| !byte.is_ascii_digit()) == Some(&b':'),
        _ => return false,
    };
    words.iter().any(|word| text.starts_with(word))
}

/// Words that begin a line below a record, whatever wrote it.
pub(super) fn carries_on(line: &[u8]) -> bool {
    let words: &[&[u8]] = match line.first() {
        Some(b'C') => &[b"Caused by:", b"CONTEXT:  "],
        Some(b'S') => &[b"Suppressed:", b"Stack trace:", b"Stack backtrace:", b"STATEMENT:  "],
        Some(b's') => &[b"stack backtrace:"],
        Some(b'W') => &[b"Wrapped by:"],
        Some(b'D') => &[b"DETAIL:  ", b"During handling of the above exception, another exception occurred"],
        Some(b'T') => &[b"The above exception was the direct cause of the following exception"],
        Some(b'H') => &[b"HINT:  "],
        Some(b'Q') => &[b"QUERY:  "],
        Some(b'P') => &[b"PHP Stack trace:", b"PHP   "],
        Some(b'-') => &[b"--- End of ", b"---> "],
        Some(b'[') => &[b"[stacktrace]", b"[previous exception]"],
        Some(b'a') => return line.starts_with(b"at ") && line.ends_with(b")"),
        Some(b'#') => return is_numbered_frame(line),
        Some(b'.') => return line.starts_with(b"... ") && has_number_of_frames(line),
        _ => return false,
    };
    words.iter().any(|word| line.starts_with(word))
}

/// `#12 /srv/app/index.php(3): main()`, as PHP counts its frames.
fn is_numbered_frame(line: &[u8]) -> bool {
    let digits = line.iter().skip(1).take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && line.get(1 + digits) == Some(&b' ')
}

/// `... 12 more`, `... 3 common frames omitted`.
fn has_number_of_frames(line: &[u8]) -> bool {
    line.get(4).is_some_and(u8::is_ascii_digit)
}

/// Only what closes brackets and quotes: the end of a dump over several lines.
pub(super) fn only_closes(line: &[u8]) -> bool {
    line.len() <= 16
        && line.iter().all(|byte| matches!(byte, b'}' | b']' | b')' | b'"' | b'\'' | b',' | b';' | b' '))
}

pub(super) fn is_traceback(line: &[u8]) -> bool {
    line.ends_with(b"Traceback (most recent call last):")
}

/// `java.lang.IllegalStateException: text`, `TypeError`, `Error [ERR_CODE]: text`, `ActiveRecord::RecordNotFound (text)`.
pub(super) fn is_exception(line: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 6] = [b"Exception", b"Error", b"Throwable", b"Failure", b"Fault", b"Interrupt"];
    if !line.first().is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let name = exception_name(line);
    let after = line.get(name.len()..).unwrap_or_default();
    let is_end = matches!(after, [] | [b':'] | [b':', b' ', ..] | [b' ', b'[' | b'(', ..]);
    is_end && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The dotted name that a line begins with; Ruby's has double colons.
pub(super) fn exception_name(line: &[u8]) -> &[u8] {
    let line = line.get(..LOOK_BYTES_MAX).unwrap_or(line);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'$' | b'/');
    let mut len = 0;
    loop {
        len += line.iter().skip(len).take_while(|byte| is_part(**byte)).count();
        let is_joined = line.get(len..).is_some_and(|rest| rest.starts_with(b"::"));
        if !is_joined {
            return line.get(..len).unwrap_or_default();
        }
        len += 2;
    }
}

/// The last line of a Python trace: `ValueError: text`, `pkg.mod.Oops`, `KeyboardInterrupt`. Classes are capitalised.
pub(super) fn ends_python(line: &[u8]) -> bool {
    let name = exception_name(line);
    let after = line.get(name.len()..).unwrap_or_default();
    let class = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let is_class = class.iter().find(|byte| **byte != b'_').is_some_and(u8::is_ascii_uppercase);
    is_class && matches!(after, [] | [b':'] | [b':', b' ', ..])
}

/// `/srv/app.rb:12:in 'method'`, with a backquote before Ruby 3.4.
pub(super) fn is_ruby_frame(line: &[u8]) -> bool {
    let line = line.get(..LOOK_BYTES_MAX).unwrap_or(line);
    let Some(end) = memchr::memchr(b' ', line) else { return false };
    let Some(place) = line.get(..end).and_then(|place| place.strip_suffix(b":in")) else { return false };
    matches!(line.get(end + 1), Some(b'`' | b'\'')) && ends_with_line_number(place)
}

/// `/srv/app/index.js:3`, the place that Node names before the source line that threw.
pub(super) fn is_source_place(line: &[u8]) -> bool {
    let is_path = line.starts_with(b"/") || line.starts_with(b"file:") || line.starts_with(b"node:");
    is_path && line.len() <= LOOK_BYTES_MAX && !line.contains(&b' ') && ends_with_line_number(line)
}

fn ends_with_line_number(place: &[u8]) -> bool {
    let digits = place.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && place.get(..place.len() - digits).is_some_and(|before| before.ends_with(b":"))
}

/// First lines of Go's crashes. Those that a server survives follow a date.
pub(super) fn begins_go(line: &[u8]) -> bool {
    match line.first() {
        Some(b'p') => line.starts_with(b"panic: "),
        Some(b'f') => line.starts_with(b"fatal error: "),
        Some(b'g') => is_goroutine(line),
        Some(b'S') => {
            line.starts_with(b"SIG")
                && line.get(..16.min(line.len())).is_some_and(|start| start.contains(&b':'))
        }
        _ => false,
    }
}

pub(super) fn is_goroutine(line: &[u8]) -> bool {
    line.starts_with(b"goroutine ") && line.get(10).is_some_and(u8::is_ascii_digit) && line.ends_with(b":")
}

/// A line of a dump of goroutines at column 0.
pub(super) fn is_of_go(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 7] = [
        b"created by ",
        b"[signal ",
        b"runtime stack:",
        b"exit status ",
        b"PC=0x",
        b"panic: ",
        b"...additional frames elided",
    ];
    WORDS.iter().any(|word| line.starts_with(word))
        || is_goroutine(line)
        || is_call(line)
        || is_register(line)
}

/// `net/http.(*conn).serve(0xc000, {0x1, 0x2})`: no blank before the arguments, and nothing after them.
fn is_call(line: &[u8]) -> bool {
    let blank = memchr::memchr(b' ', line).unwrap_or(line.len());
    line.ends_with(b")")
        && line.get(..blank).is_some_and(|start| {
            start.contains(&b'(') && start.contains(&b'.') || start.starts_with(b"panic(")
        })
}

/// `rax    0x2a`, in the dump of a crash.
fn is_register(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let rest = line.get(name..).unwrap_or_default();
    (1..=6).contains(&name) && rest.starts_with(b" ") && rest.trim_ascii_start().starts_with(b"0x")
}

/// `thread 'main' panicked at src/main.rs:3:5:`.
pub(super) fn begins_rust(line: &[u8]) -> bool {
    let start = line.get(..LOOK_BYTES_MAX).unwrap_or(line);
    line.starts_with(b"thread '") && memchr::memmem::find(start, b" panicked at ").is_some()
}

/// A JSON object: `{`, blanks, and a name or the end.
pub(super) fn is_json(line: &[u8]) -> bool {
    line.strip_prefix(b"{").is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}')))
}

/// The line begins as loggers begin a record: with a time, a level, a priority of syslog.
pub(super) fn is_record(line: &[u8]) -> bool {
    match line {
        [b'0'..=b'9', ..] => line.len() >= 8 && line.iter().take(8).all(|byte| is_of_date(*byte)),
        [b'[' | b'<', next, ..] => {
            next.is_ascii_digit() || next.is_ascii_uppercase() || begins_with_level(line.get(1..))
        }
        [b'A'..=b'Z', b',', b' ', b'[', ..] => true,
        [b'A'..=b'Z', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => true,
        [b'A'..=b'Z', _, _, b' ', b'0'..=b'9' | b' ', ..] => true,
        [b'A'..=b'Z' | b'a'..=b'z', ..] => {
            begins_with_level(Some(line))
                || [&b"time="[..], b"ts=", b"level="].iter().any(|key| line.starts_with(key))
        }
        _ => false,
    }
}

fn is_of_date(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'/' | b'.' | b':' | b',' | b' ' | b'T')
}

/// A level, and something that isn't part of a word after it. `Error: text` is an exception of Node or a message.
fn begins_with_level(line: Option<&[u8]>) -> bool {
    let line = line.unwrap_or_default();
    let len = line.iter().take(16).take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, after) = line.split_at(len);
    let is_level = || std::str::from_utf8(word).is_ok_and(|word| severity::from_word(word).is_some());
    let is_exception = word == b"Error" && after.first() == Some(&b':');
    matches!(after.first(), Some(b' ' | b':' | b']' | b'|' | b'\t' | b'[' | b'-'))
        && is_level()
        && !is_exception
}

/// The record says near its start that its level is below a warning.
pub(super) fn is_quiet(line: &[u8]) -> bool {
    if matches!(line, [b'D' | b'I' | b'V', b',', ..] | [b'D' | b'I' | b'V', b'0'..=b'9', ..]) {
        return true;
    }
    let start = line.get(..QUIET_BYTES_MAX).unwrap_or(line);
    let mut before = b' ';
    for word in start.split_inclusive(|byte| !byte.is_ascii_alphabetic()) {
        let (text, after) = match word.split_last() {
            Some((end, text)) if !end.is_ascii_alphabetic() => (text, *end),
            _ => (word, b' '),
        };
        // In small letters it may be a word of the text.
        let is_level = !text.iter().any(u8::is_ascii_lowercase) || matches!(before, b'[' | b'=' | b'\t');
        let number = std::str::from_utf8(text).ok().filter(|_| is_level).and_then(severity::from_word);
        if let Some(number) = number {
            return number < severity::WARN;
        }
        before = after;
    }
    false
}

/// First lines of what is printed by a program, or for it, that comes to its end: they have no level, and no logger has
/// given them one.
pub(crate) fn reports_crash(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 3] = [b"Exception in thread ", b"Unhandled exception. ", b"PHP Fatal error: "];
    match line.first() {
        Some(b'A'..=b'Z' | b'a'..=b'z' | b'_') => {
            is_traceback(line)
                || (begins_go(line) && !is_goroutine(line))
                || begins_rust(line)
                || is_exception(line)
                || WORDS.iter().any(|word| line.starts_with(word))
        }
        _ => false,
    }
}

/// A record that names an exception; its trace may follow.
pub(super) fn speaks_of_an_exception(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 7] =
        [b"Exception", b"Error: ", b"Traceback (", b"panic", b"Uncaught ", b"goroutine ", b"Caused by"];
    let start = line.get(..4 * LOOK_BYTES_MAX).unwrap_or(line);
    let last = line.ends_with(b"Error") || is_ruby_frame(line) || is_source_place(line);
    last || WORDS.iter().any(|word| memchr::memmem::find(start, word).is_some())
}
