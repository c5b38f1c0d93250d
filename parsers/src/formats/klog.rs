//! klog (Kubernetes) and glog: `I0102 15:04:05.000000   12345 file.go:123] text`; new glog writes the year too.

use std::borrow::Cow;

use crate::cursor::{Cursor, Miss, Outcome};
use crate::event::{Parsed, Value};
use crate::severity;
use crate::time::{self, Context, Stamp};

pub(crate) fn parse<'a>(line: &'a str, context: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    let mut c = Cursor::new(line);
    let number = c.peek().and_then(severity::from_letter).ok_or(c.miss("one of the letters IWEF"))?;
    c.advance(1);
    let bad_time = Miss { offset_bytes: 1, expected: "`mmdd hh:mm:ss`" };
    let instant = stamp(&mut c).and_then(|stamp| stamp.resolve(context)).ok_or(bad_time)?;
    c.skip_spaces();
    let thread = c.integer().ok_or(c.miss("a thread number"))?;
    c.skip_spaces();
    let not_a_place = c.miss("`file:line]`");
    let place = c.until(b']').ok_or(not_a_place)?;
    let (file, line_number) = place.rsplit_once(':').ok_or(not_a_place)?;
    if file.is_empty() || file.contains(' ') {
        return Err(not_a_place);
    }
    let line_number = line_number.parse().map_err(|_| not_a_place)?;
    c.eat(b' ');
    out.timestamp_ns = Some(instant.ns);
    out.zone_assumed = instant.zone_assumed;
    out.severity_number = number;
    out.severity_text = line.get(..1).map(Cow::Borrowed);
    out.message = Cow::Borrowed(c.rest());
    out.push("process.thread.id", Value::I64(thread));
    out.push_str("log.origin.file.name", file);
    out.push("log.origin.file.line", Value::I64(line_number));
    out.rebuilds_line = true;
    Ok(())
}

fn stamp(c: &mut Cursor<'_>) -> Option<Stamp> {
    let (first, second) = (c.digits(2)?, c.digits(2)?);
    let rest_of_date = c.digits(4);
    c.eat(b' ').then_some(())?;
    let clock = time::time_of_day(c)?;
    Some(match rest_of_date {
        Some(date) => Stamp::dated(first * 100 + second, date / 100, date % 100, clock),
        None => Stamp::yearless(first, second, clock),
    })
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let place = "log.origin.file.name=file.go | log.origin.file.line=i123";
        let good = [
            (
                "I0102 15:04:05.000123   12345 file.go:123] hello",
                "time=2026-01-02T15:04:05.000123 assumed | level=9 I | message=hello | process.thread.id=i12345",
            ),
            (
                "E20240102 15:04:05.5 1 file.go:123] \"Failed\" err=\"x]\"",
                "time=2024-01-02T15:04:05.5 assumed | level=17 E | message=\"Failed\" err=\"x]\" | process.thread.id=i1",
            ),
        ];
        for (line, expected) in good {
            check(Format::Klog, line, &format!("{expected} | {place}"));
        }
        let bad = [
            ("I0230 15:04:05 1 f.go:1] x", "`mmdd hh:mm:ss` at byte 1"),
            ("I0102 15:04:05 x f.go:1] x", "a thread number at byte 15"),
            ("I0102 15:04:05 1 f.go:1", "`file:line]` at byte 17"),
            ("I0102 15:04:05 1 a f.go:1] x", "`file:line]` at byte 17"),
            ("I0102 15:04:05 1 f.go:x] x", "`file:line]` at byte 17"),
            ("Index", "`mmdd hh:mm:ss` at byte 1"),
            ("", "one of the letters IWEF at byte 0"),
        ];
        for (line, expected) in bad {
            check(Format::Klog, line, &format!("message={line} | note: not klog: expected {expected}"));
        }
    }
}
