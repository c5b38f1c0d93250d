//! Apache error log. 2.2: `[Sun Dec 04 04:47:44 2005] [error] [client 1.2.3.4] text`.
//! 2.4: `[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 1.2.3.4:80] AH00124: text`.

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Value};
use crate::formats::http;
use crate::severity;
use crate::time::{self, Context};

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    c.expect(b'[', "`[`")?;
    let bad_time = c.miss("`Www Mmm dd hh:mm:ss yyyy`");
    let instant = time::ctime(&mut c).and_then(|stamp| stamp.resolve(context)).ok_or(bad_time)?;
    c.expect(b']', "`]` after the time")?;
    let not_a_level = c.miss("` [level]` or ` [module:level]`");
    let origin = group(&mut c).ok_or(not_a_level)?;
    let (module, level) =
        origin.split_once(':').map_or((None, origin), |(module, level)| (Some(module), level));
    out.severity_number = severity::from_word(level).ok_or(not_a_level)?;
    out.severity_text = Some(Cow::Borrowed(level));
    out.timestamp_ns = Some(instant.ns);
    out.zone_assumed = instant.zone_assumed;
    if let Some(module) = module.filter(|module| !module.is_empty()) {
        out.push_str("apache.error.module", module);
    }
    let mut ahead = c;
    while let Some(text) = group(&mut ahead) {
        if !fact(text, out) {
            break;
        }
        c = ahead;
    }
    c.eat(b' ');
    out.message = Cow::Borrowed(c.rest());
    out.rebuilds_line = true;
    Ok(())
}

/// The inside of ` […]`.
fn group<'a>(c: &mut Cursor<'a>) -> Option<&'a str> {
    c.eat_str(" [").then(|| c.until(b']')).flatten()
}

/// False: it isn't one of Apache's, so it belongs to the message.
fn fact<'a>(text: &'a str, out: &mut Parsed<'a>) -> bool {
    let Some((kind, value)) = text.split_once(' ') else { return false };
    let has = |prefix: &str| out.fields.iter().any(|(name, _)| name.starts_with(prefix));
    match kind {
        "pid" if has("process.") => return false,
        "client" | "remote" if has("client.") => return false,
        "pid" => {
            let (pid, thread) =
                value.split_once(":tid ").map_or((value, None), |(pid, tid)| (pid, Some(tid)));
            let (Ok(pid), Ok(thread)) = (pid.parse(), thread.map(str::parse).transpose()) else {
                return false;
            };
            out.push("process.pid", Value::I64(pid));
            if let Some(thread) = thread {
                out.push("process.thread.id", Value::I64(thread));
            }
        }
        "client" | "remote" => {
            // Many colons are an IPv6 address; 2.4 puts the port behind the last one.
            let port = value.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>()));
            match port {
                Some((host, Ok(port))) if value.parse::<std::net::Ipv6Addr>().is_err() => {
                    http::client(host, out);
                    out.push("client.port", Value::I64(i64::from(port)));
                }
                _ => http::client(value, out),
            }
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let rows = [
            (
                "[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok /etc/httpd/conf",
                "time=2005-12-04T04:47:44 assumed | level=10 notice | message=workerEnv.init() ok /etc/httpd/conf",
            ),
            (
                "[Sun Dec 04 04:47:44 2005] [error] [client ::1] [x] File missing",
                "time=2005-12-04T04:47:44 assumed | level=17 error | message=[x] File missing | client.ip=::1",
            ),
            (
                "[Fri Sep 09 10:42:29.902022 2011] [core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:80] AH00124: Request exceeded",
                "time=2011-09-09T10:42:29.902022 assumed | level=17 error | message=AH00124: Request exceeded | apache.error.module=core | process.pid=i35708 | process.thread.id=i4328636416 | client.ip=72.15.99.187 | client.port=i80",
            ),
            (
                "[Fri Sep 09 10:42:29.902022 2011] [:trace3] [pid 7] x",
                "time=2011-09-09T10:42:29.902022 assumed | level=1 trace3 | message=x | process.pid=i7",
            ),
            (
                "[error] x",
                "level=17 error | message=[error] x | note: not apache_error: expected `Www Mmm dd hh:mm:ss yyyy` at byte 1",
            ),
            (
                "[Sun Dec 04 04:47:44 2005] plain",
                "time=2005-12-04T04:47:44 assumed | message=plain | note: not apache_error: expected ` [level]` or ` [module:level]` at byte 26",
            ),
        ];
        for (line, expected) in rows {
            check(Format::ApacheError, line, expected);
        }
    }
}
