//! The common and the combined access log of Apache, nginx and many others:
//! `host ident user [time] "request" status bytes "referrer" "agent"`, with the virtual host in front or without.
//!
//! More fields behind are let be (every site adds its own). The line stays the message, as it is what people search.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Value};
use crate::formats::http;
use crate::severity;
use crate::time::{self, Context};

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    let no_front = c.miss("`host ident user [`");
    let front = c.until(b'[').and_then(|front| front.strip_suffix(' ')).ok_or(no_front)?;
    let front = Front::read(front).ok_or(no_front)?;
    let bad_time = c.miss("`dd/Mon/yyyy:hh:mm:ss +hhmm`");
    let instant = time::slashed_day_month_year(&mut c)
        .or_else(|| time::year_month_day(&mut c))
        .and_then(|stamp| stamp.resolve(context))
        .ok_or(bad_time)?;
    c.expect(b']', "`]` after the time")?;
    c.expect(b' ', "a space")?;
    let request = c.quoted().ok_or(c.miss("a quoted request"))?;
    c.expect(b' ', "a space")?;
    let status = i64::from(c.digits(3).ok_or(c.miss("a status of three digits"))?);
    c.expect(b' ', "a space")?;
    let bytes = c.integer();
    if bytes.is_none() && !c.eat(b'-') {
        return Err(c.miss("a number of bytes or `-`"));
    }
    out.timestamp_ns = Some(instant.ns);
    out.zone_assumed = instant.zone_assumed;
    out.severity_number = severity::from_http_status(status);
    out.message = Cow::Borrowed(line);
    out.rebuilds_line = true;
    front.fill(out);
    http::request(request, out);
    out.push("http.response.status_code", Value::I64(status));
    if let Some(bytes) = bytes {
        out.push("http.response.body.bytes", Value::I64(bytes));
    }
    for name in ["http.request.referrer", "user_agent.original"] {
        c.eat(b' ');
        let Some(text) = c.quoted() else { break };
        if !matches!(text, "" | "-") {
            out.push_str(name, text);
        }
    }
    Ok(())
}

/// What stands before the time.
struct Front<'a> {
    virtual_host: Option<&'a str>,
    host: &'a str,
    user: &'a str,
}

impl<'a> Front<'a> {
    /// A name of a user may have spaces; then the virtual host is told by the address that follows it.
    fn read(front: &'a str) -> Option<Front<'a>> {
        let (first, rest) = front.split_once(' ')?;
        let (second, third) = rest.split_once(' ')?;
        let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
        match third.split_once(' ') {
            Some((_ident, user)) if is_address(second) || (!is_address(first) && first.contains(':')) => {
                Some(Front { virtual_host: Some(first), host: second, user })
            }
            _ => Some(Front { virtual_host: None, host: first, user: third }),
        }
    }

    fn fill(&self, out: &mut Parsed<'a>) {
        http::client(self.host, out);
        if !matches!(self.user, "" | "-") {
            out.push_str("user.name", self.user);
        }
        let Some(virtual_host) = self.virtual_host else { return };
        match virtual_host.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) => {
                out.push_str("url.domain", name);
                out.push("url.port", Value::I64(port));
            }
            _ => out.push_str("url.domain", virtual_host),
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
                r#"127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326"#,
                "time=2000-10-10T20:55:36 | level=9",
                "client.ip=127.0.0.1 | user.name=frank | http.request.method=GET | url.original=/a.gif | url.path=/a.gif | http.version=1.0 | http.response.status_code=i200 | http.response.body.bytes=i2326",
            ),
            (
                r#"::1 - - [10/Oct/2000:13:55:36 +0000] "POST /x?a=1&b HTTP/2.0" 503 - "https://e.x/" "Mozilla \"5\"" "-" 0.003"#,
                "time=2000-10-10T13:55:36 | level=17",
                r#"client.ip=::1 | http.request.method=POST | url.original=/x?a=1&b | url.path=/x | url.query=a=1&b | http.version=2.0 | http.response.status_code=i503 | http.request.referrer=https://e.x/ | user_agent.original=Mozilla \"5\""#,
            ),
            (
                r#"www.example.com:443 10.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "-" 408 0 "-" "-""#,
                "time=2000-10-10T13:55:36 | level=13",
                "client.ip=10.0.0.1 | url.domain=www.example.com | url.port=i443 | http.response.status_code=i408 | http.response.body.bytes=i0",
            ),
            (
                r#"host.example - A User [10/Oct/2000:13:55:36 +0000] "\x16\x03" 400 0"#,
                "time=2000-10-10T13:55:36 | level=13",
                "client.address=host.example | user.name=A User | http.response.status_code=i400 | http.response.body.bytes=i0",
            ),
            (
                r#"10.0.0.1 - - [2024-05-01T12:00:00+02:00] "GET / HTTP/1.1" 304 0 "-" "curl/8""#,
                "time=2024-05-01T10:00:00 | level=9",
                "client.ip=10.0.0.1 | http.request.method=GET | url.original=/ | url.path=/ | http.version=1.1 | http.response.status_code=i304 | http.response.body.bytes=i0 | user_agent.original=curl/8",
            ),
        ];
        for (line, head, fields) in rows {
            check(Format::Access, line, &format!("{head} | message={line} | {fields}"));
        }
        let bad = [
            ("", "`host ident user [` at byte 0"),
            ("[10/Oct/2000:13:55:36 +0000] x", "`host ident user [` at byte 0"),
            ("a b [10/Oct/2000:13:55:36 +0000] x", "`host ident user [` at byte 0"),
            ("h - - [10/Oct/2000]", "`dd/Mon/yyyy:hh:mm:ss +hhmm` at byte 7"),
            ("h - - [31/Feb/2000:13:55:36 +0000] ", "`dd/Mon/yyyy:hh:mm:ss +hhmm` at byte 7"),
            (r#"h - - [10/Oct/2000:13:55:36 +0000] "GET"#, "a quoted request at byte 35"),
            (r#"h - - [10/Oct/2000:13:55:36 +0000] "GET /" OK 1"#, "a status of three digits at byte 43"),
            (r#"h - - [10/Oct/2000:13:55:36 +0000] "GET /" 200 x"#, "a number of bytes or `-` at byte 47"),
        ];
        for (line, expected) in bad {
            let mut out = crate::Parsed::new();
            let context = crate::Context { now_ns: 0, zone: &crate::FixedZone(0) };
            crate::parse(Format::Access, line, &context, &mut out);
            let note = out.note.map(|note| note.to_string());
            assert_eq!(note, Some(format!("not access: expected {expected}")), "{line}");
        }
    }
}
