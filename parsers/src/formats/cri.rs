//! The log of Kubernetes container runtimes: `2016-10-06T00:17:09.669794202Z stdout F text`.
//!
//! The tag is `F` for a full line or the end of one and `P` for a piece that the next line of the same stream carries
//! on; further tags may follow after colons. The text is for [`crate::Detector::parse_inner`].

use std::borrow::Cow;

use crate::cursor::{Cursor, Outcome};
use crate::event::{Parsed, Partial, Stream};
use crate::time::{self, Context};

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    let start = c.miss("a time with its zone");
    let instant = time::rfc3339(&mut c).and_then(|stamp| stamp.resolve(context)).ok_or(start)?;
    c.expect(b' ', "a space")?;
    let not_a_stream = c.miss("`stdout` or `stderr`");
    let stream = Stream::from_name(c.token()).ok_or(not_a_stream)?;
    c.expect(b' ', "a space")?;
    let not_a_tag = c.miss("the tag `F` or `P`");
    let last = match c.token().split(':').next() {
        Some("F") => true,
        Some("P") => false,
        _ => return Err(not_a_tag),
    };
    c.eat(b' ');
    out.timestamp_ns = Some(instant.ns);
    out.message = Cow::Borrowed(c.rest());
    out.push_stream(stream);
    out.partial = Some(Partial { stream, last });
    out.rebuilds_line = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let rows = [
            (
                "2016-10-06T00:17:09.669794202Z stdout F The content",
                "time=2016-10-06T00:17:09.669794202 | message=The content | log.iostream=stdout | stdout last",
            ),
            (
                "2016-10-06T02:17:09.6+02:00 stderr P half ",
                "time=2016-10-06T00:17:09.6 | message=half  | log.iostream=stderr | stderr more",
            ),
            (
                "2016-10-06T00:17:09Z stdout F",
                "time=2016-10-06T00:17:09 | message= | log.iostream=stdout | stdout last",
            ),
            (
                "2016-10-06T00:17:09Z stdout F:x  a",
                "time=2016-10-06T00:17:09 | message= a | log.iostream=stdout | stdout last",
            ),
            (
                "2016-10-06T00:17:09 stdout F a",
                "time=2016-10-06T00:17:09 assumed | message=stdout F a | note: not cri: expected a time with its zone at byte 0",
            ),
            (
                "2016-10-06T00:17:09Z stdin F a",
                "time=2016-10-06T00:17:09 | message=stdin F a | note: not cri: expected `stdout` or `stderr` at byte 21",
            ),
            (
                "2016-10-06T00:17:09Z stdout X a",
                "time=2016-10-06T00:17:09 | message=stdout X a | note: not cri: expected the tag `F` or `P` at byte 28",
            ),
            ("", "message= | note: not cri: expected a time with its zone at byte 0"),
        ];
        for (line, expected) in rows {
            check(Format::Cri, line, expected);
        }
    }
}
