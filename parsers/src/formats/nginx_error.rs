//! nginx error log: `2024/05/01 12:00:00 [error] 12#34: *5 text, client: …, server: …, request: "…", host: "…"`.
//!
//! The message is all of the text behind the numbers; the facts at its end become fields as well.

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Value};
use crate::formats::http;
use crate::severity;
use crate::time::{self, Context};

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    let bad_time = c.miss("`yyyy/mm/dd hh:mm:ss`");
    let instant = time::year_month_day(&mut c).and_then(|stamp| stamp.resolve(context)).ok_or(bad_time)?;
    c.expect(b' ', "a space")?;
    c.expect(b'[', "`[level]`")?;
    let not_a_level = c.miss("a level and `]`");
    let level = c.until(b']').ok_or(not_a_level)?;
    let severity_number = severity::from_word(level).ok_or(not_a_level)?;
    c.expect(b' ', "a space")?;
    let pid = c.integer().ok_or(c.miss("`pid#thread:`"))?;
    c.expect(b'#', "`pid#thread:`")?;
    let thread = c.integer().ok_or(c.miss("a thread number"))?;
    c.expect(b':', "`:` after the thread")?;
    c.eat(b' ');
    out.timestamp_ns = Some(instant.ns);
    out.zone_assumed = instant.zone_assumed;
    out.severity_number = severity_number;
    out.severity_text = Some(Cow::Borrowed(level));
    out.push("process.pid", Value::I64(pid));
    out.push("process.thread.id", Value::I64(thread));
    if let Some(connection) = connection(&mut c) {
        out.push("nginx.error.connection_id", Value::I64(connection));
    }
    out.message = Cow::Borrowed(c.rest());
    facts(c.rest(), out);
    out.rebuilds_line = true;
    Ok(())
}

/// `*5 `.
fn connection(c: &mut Cursor<'_>) -> Option<i64> {
    let mut ahead = *c;
    ahead.eat(b'*').then_some(())?;
    let number = ahead.integer()?;
    ahead.eat(b' ').then_some(())?;
    *c = ahead;
    Some(number)
}

const KEYS: [&str; 6] = ["client", "server", "request", "upstream", "host", "referrer"];

/// The list `, client: 1.2.3.4, server: x, request: "GET / HTTP/1.1"` at the end; it starts with the client.
fn facts<'a>(message: &'a str, out: &mut Parsed<'a>) {
    const START: &str = ", client: ";
    let Some(start) = memchr::memmem::rfind(message.as_bytes(), START.as_bytes()) else { return };
    let mut c = Cursor::new(message.get(start..).unwrap_or_default());
    let mut seen = 0u8;
    while c.eat_str(", ") {
        let Some(key) = c.until(b':') else { return };
        let bit = KEYS.iter().position(|known| *known == key).map_or(0, |index| 1 << index);
        if seen & bit != 0 {
            // nginx writes each once, so this is some text that looks alike.
            return;
        }
        seen |= bit;
        c.eat(b' ');
        let value = match c.quoted() {
            Some(value) => value,
            None => c.take_while(|b| b != b','),
        };
        match key {
            "client" => http::client(value, out),
            "server" if !value.is_empty() => out.push_str("server.address", value),
            "request" => http::request(value, out),
            "upstream" => out.push_str("nginx.error.upstream", value),
            "host" => out.push_str("url.domain", value),
            "referrer" => out.push_str("http.request.referrer", value),
            _ => {}
        }
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
                r#"2024/05/01 12:00:00 [error] 12#34: *5 open() "/x, y" failed (2: No such file or directory), client: 10.0.0.1, server: _, request: "GET /x?a HTTP/1.1", upstream: "http://u/", host: "e.x""#,
                r#"time=2024-05-01T12:00:00 assumed | level=17 error | message=open() "/x, y" failed (2: No such file or directory), client: 10.0.0.1, server: _, request: "GET /x?a HTTP/1.1", upstream: "http://u/", host: "e.x" | process.pid=i12 | process.thread.id=i34 | nginx.error.connection_id=i5 | client.ip=10.0.0.1 | server.address=_ | http.request.method=GET | url.original=/x?a | url.path=/x | url.query=a | http.version=1.1 | nginx.error.upstream=http://u/ | url.domain=e.x"#,
            ),
            (
                "2024/05/01 12:00:00 [notice] 1#1: start worker processes",
                "time=2024-05-01T12:00:00 assumed | level=10 notice | message=start worker processes | process.pid=i1 | process.thread.id=i1",
            ),
            (
                "2024/05/01 12:00:00 [strange] 1#1: x",
                "time=2024-05-01T12:00:00 assumed | message=[strange] 1#1: x | note: not nginx_error: expected a level and `]` at byte 21",
            ),
            (
                "2009/11/10 23:00:00 a Go program",
                "time=2009-11-10T23:00:00 assumed | message=a Go program | note: not nginx_error: expected `[level]` at byte 20",
            ),
        ];
        for (line, expected) in rows {
            check(Format::NginxError, line, expected);
        }
    }
}
