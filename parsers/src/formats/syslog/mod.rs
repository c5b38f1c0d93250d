//! Syslog in both of its standards. They share the priority `<PRI>` in front; a version behind it tells RFC 5424.

mod rfc3164;
mod rfc5424;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Value};
use crate::severity;
use crate::time::Context;

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    out.rebuilds_line = true;
    let priority = priority(&mut c)?;
    if let Some(priority) = priority {
        out.severity_number = severity::from_syslog(priority & 7).unwrap_or_default();
        out.push("log.syslog.facility.code", Value::I64(i64::from(priority >> 3)));
    }
    let is_versioned = priority.is_some() && c.peek() == Some(b'1') && c.peek_at(1) == Some(b' ');
    if is_versioned {
        c.advance(2);
        rfc5424::parse(c, context, out)
    } else {
        rfc3164::parse(c, priority.is_some(), context, out)
    }
}

/// `<0>` to `<191>`; files that daemons write have none.
fn priority(c: &mut Cursor<'_>) -> Outcome<Option<u8>> {
    if !c.eat(b'<') {
        return Ok(None);
    }
    let bad_priority = c.miss("a priority from 0 to 191");
    let number = c.integer().and_then(|number| u8::try_from(number).ok()).filter(|number| *number <= 191);
    c.expect(b'>', "`>` after the priority")?;
    number.map(Some).ok_or(bad_priority)
}

/// A process id; some programs put a name of a thread or a queue there.
fn process<'a>(text: &'a str, out: &mut Parsed<'a>) {
    match text.parse() {
        Ok(pid) => out.push("process.pid", Value::I64(pid)),
        Err(_) => out.push_str("log.syslog.procid", text),
    }
}
