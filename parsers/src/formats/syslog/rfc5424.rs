//! RFC 5424: `<PRI>1 time host app procid msgid [id name="value" …][…] text`; `-` stands for a part that is missing.

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Value};
use crate::fields::Names;
use crate::time::{self, Context};

const MISSING: &str = "-";

/// The cursor is behind the version.
pub(super) fn parse<'a>(mut c: Cursor<'a>, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    if !c.eat_str(MISSING) {
        let bad_time = c.miss("a time of RFC 3339 or `-`");
        let instant = time::rfc3339(&mut c).and_then(|stamp| stamp.resolve(context)).ok_or(bad_time)?;
        out.timestamp_ns = Some(instant.ns);
    }
    c.expect(b' ', "a space")?;
    let host = part(&mut c, "the host")?;
    let app = part(&mut c, "the application")?;
    let procid = part(&mut c, "the process id")?;
    let msgid = part(&mut c, "the message id")?;
    for (name, text) in [("host.name", host), ("service.name", app)] {
        if text != MISSING {
            out.push_str(name, text);
        }
    }
    if procid != MISSING {
        super::process(procid, out);
    }
    if msgid != MISSING {
        out.push_str("log.syslog.msgid", msgid);
    }
    structured_data(&mut c, out)?;
    if !c.is_end() {
        c.expect(b' ', "a space before the text")?;
    }
    c.eat_str("\u{feff}");
    out.message = Cow::Borrowed(c.rest());
    Ok(())
}

/// A word that can't be empty, and the space behind it.
fn part<'a>(c: &mut Cursor<'a>, expected: &'static str) -> Outcome<&'a str> {
    let word = c.token();
    if word.is_empty() {
        return Err(c.miss(expected));
    }
    c.expect(b' ', "a space")?;
    Ok(word)
}

fn structured_data<'a>(c: &mut Cursor<'a>, out: &mut Parsed<'a>) -> Outcome {
    if c.eat_str(MISSING) {
        return Ok(());
    }
    if c.peek() != Some(b'[') {
        return Err(c.miss("`[` or `-`"));
    }
    let mut names = Names::default();
    while c.eat(b'[') {
        let id = c.take_while(is_name_byte);
        if id.is_empty() {
            return Err(c.miss("the id of an element"));
        }
        while c.skip_spaces() > 0 && c.peek() != Some(b']') {
            let offset_bytes = c.pos();
            let name = c.take_while(is_name_byte);
            c.expect(b'=', "`name=`")?;
            let value = c.quoted().ok_or(c.miss("a quoted value"))?;
            let name = Cow::Owned(["log.syslog.structured_data.", id, ".", name].concat());
            names.add(out, name, Value::Str(unescape(value)), offset_bytes);
        }
        c.expect(b']', "`]`")?;
    }
    Ok(())
}

fn is_name_byte(b: u8) -> bool {
    !matches!(b, b'=' | b' ' | b']' | b'"' | b'[')
}

/// `\"`, `\\` and `\]`; any other backslash means itself (section 6.3.3).
fn unescape(value: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', value.as_bytes()).is_none() {
        return Cow::Borrowed(value);
    }
    let mut plain = String::with_capacity(value.len());
    let mut chars = value.chars().peekable();
    while let Some(char) = chars.next() {
        match chars.peek() {
            Some(escaped @ ('"' | '\\' | ']')) if char == '\\' => {
                plain.push(*escaped);
                chars.next();
            }
            _ => plain.push(char),
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let rows = [
            (
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \u{feff}'su root' failed",
                "time=2003-10-11T22:14:15.003 | level=18 | message='su root' failed | log.syslog.facility.code=i4 | host.name=mymachine.example.com | service.name=su | log.syslog.msgid=ID47",
            ),
            (
                r#"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 app 8710 - [a@1 x="1" y="q\"\]\n"][b] text"#,
                r#"time=2003-08-24T12:14:15.000003 | level=10 | message=text | log.syslog.facility.code=i20 | host.name=192.0.2.1 | service.name=app | process.pid=i8710 | log.syslog.structured_data.a@1.x=1 | log.syslog.structured_data.a@1.y=q"]\n"#,
            ),
            ("<0>1 - - - - - -", "level=21 | message= | log.syslog.facility.code=i0"),
            (
                "<14>1 - h a main-1 - - x",
                "level=9 | message=x | log.syslog.facility.code=i1 | host.name=h | service.name=a | log.syslog.procid=main-1",
            ),
            (
                r#"<14>1 - h a - - [i x="1" x="2"] t"#,
                "level=9 | message=t | log.syslog.facility.code=i1 | host.name=h | service.name=a | log.syslog.structured_data.i.x=1 | keep raw | note: a field name occurs twice at byte 25",
            ),
        ];
        for (line, expected) in rows {
            check(Format::Syslog, line, expected);
        }
        let bad = [
            ("<192>1 - - - - - -", "a priority from 0 to 191 at byte 1"),
            ("<14 1 - - - - - -", "`>` after the priority at byte 3"),
            ("<14>1 yesterday h a - - - t", "a time of RFC 3339 or `-` at byte 6"),
            ("<14>1 - h a - -", "a space at byte 15"),
            ("<14>1 - h a - - x", "`[` or `-` at byte 16"),
            ("<14>1 - h a - - [i x=1] t", "a quoted value at byte 21"),
            ("<14>1 - h a - - [i x=\"1\" t", "`name=` at byte 26"),
            ("<14>1 - h a - - [] t", "the id of an element at byte 17"),
        ];
        for (line, expected) in bad {
            check(Format::Syslog, line, &format!("message={line} | note: not syslog: expected {expected}"));
        }
    }
}
