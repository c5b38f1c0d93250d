//! RFC 3164 as it is found: `<PRI>Mmm dd hh:mm:ss host tag[pid]: text` from the network, the same without `<PRI>` in
//! /var/log, with rsyslog's and systemd's RFC 3339 stamps instead of the BSD ones, and without a host on /dev/log.

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::Parsed;
use crate::limits::TAG_BYTES_MAX;
use crate::severity;
use crate::time::{self, Context};

/// The cursor is behind the priority, if there is one.
pub(super) fn parse<'a>(
    mut c: Cursor<'a>,
    has_priority: bool,
    context: &Context<'_>,
    out: &mut Parsed<'a>,
) -> Outcome {
    let bad_time = c.miss("`Mmm dd hh:mm:ss` or a time of RFC 3339");
    let start = c.rest();
    let is_bsd = c.peek().is_some_and(|b| b.is_ascii_alphabetic());
    let stamp = if is_bsd { time::month_day(&mut c) } else { time::rfc3339(&mut c) };
    // `May 1, 2024 9:05:00 PM` is Java's and no syslog.
    let is_java =
        is_bsd && start.get(..start.len() - c.rest().len()).is_some_and(|stamp| stamp.contains(','));
    match stamp.filter(|_| !is_java).and_then(|stamp| stamp.resolve(context)) {
        Some(instant) => {
            out.timestamp_ns = Some(instant.ns);
            out.zone_assumed = instant.zone_assumed;
            c.expect(b' ', "a space after the time")?;
        }
        // A priority alone is enough to know syslog; section 4.3.3 lets the time be missing.
        None if has_priority => {}
        None => return Err(bad_time),
    }
    c.skip_spaces();
    let mut tag = tag(&mut c);
    if tag.is_none() && stamp.is_some() {
        let not_a_host = c.miss("a host");
        let host = host(&mut c).ok_or(not_a_host)?;
        out.push_str("host.name", host);
        c.skip_spaces();
        tag = self::tag(&mut c);
        if tag.is_none() && !is_bsd && !has_priority {
            // Time and word are too little: many programs of their own start like that.
            return Err(c.miss("`tag:` or `tag[pid]:`"));
        }
    }
    if let Some(tag) = tag {
        out.push_str("service.name", tag.name);
        if let Some(process) = tag.process.filter(|process| !process.is_empty()) {
            super::process(process, out);
        }
    }
    out.message = Cow::Borrowed(c.rest());
    if !has_priority {
        level_of_text(c, out);
    }
    Ok(())
}

struct Tag<'a> {
    name: &'a str,
    process: Option<&'a str>,
}

/// `kernel: `, `sshd[42]: `, `sshd(pam_unix)[19939]: `, `postfix/smtpd[7]: `; no move on anything else.
fn tag<'a>(cursor: &mut Cursor<'a>) -> Option<Tag<'a>> {
    let mut c = *cursor;
    let name = c.take_while(|b| !matches!(b, b' ' | b':' | b'[' | b'"' | b'{'));
    if name.is_empty() || name.len() > TAG_BYTES_MAX {
        return None;
    }
    let process = if c.eat(b'[') { Some(c.take_while(|b| !matches!(b, b']' | b' '))) } else { None };
    if process.is_some() {
        c.eat(b']').then_some(())?;
    }
    c.eat(b':').then_some(())?;
    if !c.is_end() {
        c.eat(b' ').then_some(())?;
    }
    *cursor = c;
    Some(Tag { name, process })
}

/// A level in this place means that the line is of some program's own format.
fn host<'a>(c: &mut Cursor<'a>) -> Option<&'a str> {
    let host = c.token();
    let is_host = !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'/'))
        && host.bytes().any(|b| b.is_ascii_alphanumeric())
        && severity::from_word(host).is_none();
    is_host.then_some(host)
}

/// Files lose the priority, but many daemons start their text with `error: `.
fn level_of_text<'a>(mut text: Cursor<'a>, out: &mut Parsed<'a>) {
    let word = text.take_while(|b| b.is_ascii_alphabetic());
    if text.peek() != Some(b':') {
        return;
    }
    if let Some(number) = severity::from_word(word) {
        out.severity_number = number;
        out.severity_text = Some(Cow::Borrowed(word));
    }
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let rows = [
            (
                "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
                "time=2026-10-11T22:14:15 assumed | level=18 | message='su root' failed | log.syslog.facility.code=i4 | host.name=mymachine | service.name=su",
            ),
            (
                "<13>May  1 12:00:00 app[123]: from /dev/log",
                "time=2026-05-01T12:00:00 assumed | level=10 | message=from /dev/log | log.syslog.facility.code=i1 | service.name=app | process.pid=i123",
            ),
            (
                "<13>app: no time",
                "level=10 | message=no time | log.syslog.facility.code=i1 | service.name=app",
            ),
            ("<13>just text", "level=10 | message=just text | log.syslog.facility.code=i1"),
            (
                "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: check pass; user unknown",
                "time=2026-06-14T15:16:01 assumed | message=check pass; user unknown | host.name=combo | service.name=sshd(pam_unix) | process.pid=i19939",
            ),
            (
                "Jun 14 15:16:01 combo last message repeated 3 times",
                "time=2026-06-14T15:16:01 assumed | message=last message repeated 3 times | host.name=combo",
            ),
            (
                "2024-05-01T12:00:00.123456+02:00 web1 kernel: [   12.345678] usb 1-1: new device",
                "time=2024-05-01T10:00:00.123456 | message=[   12.345678] usb 1-1: new device | host.name=web1 | service.name=kernel",
            ),
            (
                "Dec 10 06:55:46 LabSZ sshd[24200]: error: Received disconnect",
                "time=2025-12-10T06:55:46 assumed | level=17 error | message=error: Received disconnect | host.name=LabSZ | service.name=sshd | process.pid=i24200",
            ),
            (
                "Jun 14 15:16:01 h worker[main]:",
                "time=2026-06-14T15:16:01 assumed | message= | host.name=h | service.name=worker | log.syslog.procid=main",
            ),
        ];
        for (line, expected) in rows {
            check(Format::Syslog, line, expected);
        }
        let bad = [
            ("", "`Mmm dd hh:mm:ss` or a time of RFC 3339 at byte 0"),
            ("Jun 31 15:16:01 combo x: y", "`Mmm dd hh:mm:ss` or a time of RFC 3339 at byte 0"),
            ("June 14th", "`Mmm dd hh:mm:ss` or a time of RFC 3339 at byte 0"),
        ];
        for (line, expected) in bad {
            check(Format::Syslog, line, &format!("message={line} | note: not syslog: expected {expected}"));
        }
        check(
            Format::Syslog,
            "2024-05-01T12:00:00Z INFO my.server: started",
            "time=2024-05-01T12:00:00 | level=9 INFO | message=started | log.logger=my.server | note: not syslog: expected a host at byte 21",
        );
        check(
            Format::Syslog,
            "May 01, 2024 12:00:00 PM org.Foo start",
            "time=2024-05-01T12:00:00 assumed | message=org.Foo start | note: not syslog: expected `Mmm dd hh:mm:ss` or a time of RFC 3339 at byte 0",
        );
        check(
            Format::Syslog,
            "2024-05-01T12:00:00Z starting up",
            "time=2024-05-01T12:00:00 | message=starting up | note: not syslog: expected `tag:` or `tag[pid]:` at byte 30",
        );
    }
}
