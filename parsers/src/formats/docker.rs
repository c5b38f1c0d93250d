//! Docker's json-file driver: `{"log":"text\n","stream":"stdout","attrs":{…},"time":"…"}`, members in any order.
//!
//! A `log` that doesn't end with a line feed is a piece (of 16 KiB) that the next line of the same stream carries on.
//! The text is for [`crate::Detector::parse_inner`]; mostly it is a line of JSON, escaped.

use std::borrow::Cow;

use crate::cursor::{Miss, Outcome};
use crate::event::{NoteKind, Parsed, Partial, Stream, Value};
use crate::fields::Names;
use crate::json::{RawStr, Reader, Sink, flatten_nested};
use crate::time::{self, Context};

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut reader = Reader::new(line);
    reader.expect(b'{', "`{`")?;
    let missing = |expected| Miss { offset_bytes: 0, expected };
    let (mut log, mut stream) = (None, None);
    out.rebuilds_line = true;
    let mut others = Others { out, names: Names::default() };
    let mut is_first = true;
    while reader.next_member(is_first)? {
        is_first = false;
        let key = reader.key()?;
        match key.text {
            "log" if log.is_none() => log = Some(text_of_log(reader.string()?, others.out)?),
            "stream" if stream.is_none() => stream = Stream::from_name(reader.string()?.text),
            "time" if others.out.timestamp_ns.is_none() => {
                let at = Miss { offset_bytes: reader.pos(), expected: "a time" };
                let instant = time::whole(reader.string()?.text, context).ok_or(at)?;
                others.out.timestamp_ns = Some(instant.ns);
                others.out.zone_assumed = instant.zone_assumed;
            }
            _ => flatten_nested(&mut reader, key.unescape()?.0, 0, &mut others)?,
        }
    }
    reader.end()?;
    let (message, last) = log.ok_or(missing("a member `log`"))?;
    let stream = stream.ok_or(missing("a member `stream`, `stdout` or `stderr`"))?;
    if out.timestamp_ns.is_none() {
        return Err(missing("a member `time`"));
    }
    out.message = message;
    out.push_stream(stream);
    out.partial = Some(Partial { stream, last });
    Ok(())
}

/// The text without its line feed, and whether there was one. Borrowed when that is its only escape.
fn text_of_log<'a>(raw: RawStr<'a>, out: &mut Parsed<'a>) -> Outcome<(Cow<'a, str>, bool)> {
    if let Some(plain) = raw.text.strip_suffix("\\n").filter(|plain| !plain.contains('\\')) {
        return Ok((Cow::Borrowed(plain), true));
    }
    let (text, was_broken) = raw.unescape()?;
    if was_broken {
        out.rebuilds_line = false;
        out.note(NoteKind::BrokenEscape, raw.offset_bytes);
    }
    match text {
        Cow::Owned(mut text) if text.ends_with('\n') => {
            text.pop();
            Ok((Cow::Owned(text), true))
        }
        // A bare line feed can't stand within a line.
        text => Ok((text, false)),
    }
}

/// Labels and environment that the driver was asked to add (`attrs`), and whatever comes.
struct Others<'o, 'a> {
    out: &'o mut Parsed<'a>,
    names: Names,
}

impl<'a> Sink<'a> for Others<'_, 'a> {
    fn field(&mut self, name: Cow<'a, str>, value: Value<'a>, _number: &'a str, offset_bytes: usize) {
        self.names.add(self.out, name, value, offset_bytes);
    }

    fn broken_escape(&mut self, offset_bytes: usize) {
        self.out.rebuilds_line = false;
        self.out.note(NoteKind::BrokenEscape, offset_bytes);
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
                r#"{"log":"hello\n","stream":"stdout","time":"2024-05-01T12:00:00.5Z"}"#,
                "time=2024-05-01T12:00:00.5 | message=hello | log.iostream=stdout | stdout last",
            ),
            (
                r#"{"log":"{\"level\":\"info\"}\n","stream":"stderr","attrs":{"tag":"web","n":{}},"time":"2024-05-01T12:00:00Z"}"#,
                r#"time=2024-05-01T12:00:00 | message={"level":"info"} | attrs.tag=web | attrs.n=json {} | log.iostream=stderr | stderr last"#,
            ),
            (
                r#"{"log":"half","stream":"stdout","time":"2024-05-01T12:00:00Z"}"#,
                "time=2024-05-01T12:00:00 | message=half | log.iostream=stdout | stdout more",
            ),
            (
                r#"{"time":"2024-05-01T12:00:00Z","stream":"stdout","log":"a\\n"}"#,
                r"time=2024-05-01T12:00:00 | message=a\n | log.iostream=stdout | stdout more",
            ),
            (
                r#"{"log":"\ud800\n","stream":"stdout","time":"2024-05-01T12:00:00Z"}"#,
                "time=2024-05-01T12:00:00 | message=\u{fffd} | log.iostream=stdout | stdout last | keep raw | note: half a surrogate pair in an escape at byte 8",
            ),
            (
                r#"{"log":"a\n","stream":"stdout"}"#,
                r#"message={"log":"a\n","stream":"stdout"} | note: not docker: expected a member `time` at byte 0"#,
            ),
            (r#"{"log":"a"#, r#"message={"log":"a | note: not docker: expected a closing `"` at byte 8"#),
            ("plain", "message=plain | note: not docker: expected `{` at byte 0"),
        ];
        for (line, expected) in rows {
            check(Format::Docker, line, expected);
        }
    }
}
