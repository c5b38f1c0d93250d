//! An entry of the systemd journal as `journalctl --output=json` writes it: one object a line, `MESSAGE`, `PRIORITY`,
//! `_SYSTEMD_UNIT`, `__REALTIME_TIMESTAMP` (microseconds) and whatever else the program, the journal and the kernel
//! had to say. All values are strings; one that isn't text is an array of its bytes, and a field that occurs more than
//! once an array of strings.

use std::borrow::Cow;

use crate::cursor::{Miss, Outcome};
use crate::event::{NoteKind, Parsed, Value};
use crate::fields::Names;
use crate::json::Reader;
use crate::severity;
use crate::time::Context;

/// Names that Elastic and OpenTelemetry have for fields of systemd.journal-fields(7); the third says that it is a
/// number. The others become `journald.` and their name in lower case, without the leading underscores.
const KNOWN: [(&str, &str, bool); 14] = [
    ("CODE_FILE", "log.origin.file.name", false),
    ("CODE_FUNC", "log.origin.function", false),
    ("CODE_LINE", "log.origin.file.line", true),
    ("SYSLOG_FACILITY", "log.syslog.facility.code", true),
    ("SYSLOG_IDENTIFIER", "log.syslog.appname", false),
    ("_CMDLINE", "process.command_line", false),
    ("_COMM", "process.name", false),
    ("_EXE", "process.executable", false),
    ("_GID", "group.id", false),
    ("_HOSTNAME", "host.name", false),
    ("_PID", "process.pid", true),
    ("_SYSTEMD_UNIT", "systemd.unit", false),
    ("_TRANSPORT", "systemd.transport", false),
    ("_UID", "user.id", false),
];

/// Where an entry stands in the journal; says nothing about it.
const ADDRESSES: [&str; 4] = ["__CURSOR", "__MONOTONIC_TIMESTAMP", "__SEQNUM", "__SEQNUM_ID"];

pub(crate) fn parse<'a>(line: &'a str, _: &Context<'_>, out: &mut Parsed<'a>) -> Outcome {
    const TIME: &str = "__REALTIME_TIMESTAMP";
    let missing = Miss { offset_bytes: 0, expected: "a member `__REALTIME_TIMESTAMP`" };
    // So that the other JSON that there is in files costs no second reading.
    if !line.starts_with('{') || memchr::memmem::find(line.as_bytes(), TIME.as_bytes()).is_none() {
        return Err(missing);
    }
    let mut reader = Reader::new(line);
    reader.expect(b'{', "`{`")?;
    out.rebuilds_line = true;
    let mut names = Names::default();
    let (mut unit, mut identifier) = (None, None);
    let mut is_first = true;
    while reader.next_member(is_first)? {
        is_first = false;
        let key = reader.key()?;
        let offset_bytes = reader.pos();
        let text = text(&mut reader, out)?;
        match (key.text, text) {
            (TIME, Some(text)) => {
                let ns = text.parse().ok().and_then(|us: i64| us.checked_mul(1_000));
                out.timestamp_ns = Some(ns.ok_or(Miss { offset_bytes, expected: "microseconds" })?);
            }
            ("MESSAGE", text) => out.message = text.unwrap_or_default(),
            ("PRIORITY", Some(text)) => {
                out.severity_number = text.parse().ok().and_then(severity::from_syslog).unwrap_or_default();
            }
            (name, _) if ADDRESSES.contains(&name) => {}
            (name, text) => {
                match name {
                    "_SYSTEMD_UNIT" => unit.clone_from(&text),
                    "SYSLOG_IDENTIFIER" => identifier.clone_from(&text),
                    _ => {}
                }
                // A missing value is one that `journalctl` left out, for instance as too long.
                let text = text.unwrap_or(Cow::Borrowed(""));
                let (name, value) = field(name, text);
                names.add(out, name, value, offset_bytes);
            }
        }
    }
    reader.end()?;
    if out.timestamp_ns.is_none() {
        return Err(missing);
    }
    if let Some(service) = unit.and_then(service_of_unit).or(identifier) {
        names.add(out, Cow::Borrowed("service.name"), Value::Str(service), 0);
    }
    Ok(())
}

fn field<'a>(name: &'a str, text: Cow<'a, str>) -> (Cow<'a, str>, Value<'a>) {
    if let Some((_, known, is_number)) = KNOWN.iter().find(|(journal, ..)| *journal == name) {
        let number = is_number.then(|| text.parse().ok()).flatten();
        return (Cow::Borrowed(known), number.map_or(Value::Str(text), Value::I64));
    }
    let name = ["journald.", &name.trim_start_matches('_').to_ascii_lowercase()].concat();
    (Cow::Owned(name), Value::Str(text))
}

/// `nginx` of `nginx.service`. Scopes and the managers of users are no services; what runs in them has an identifier.
fn service_of_unit(unit: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if unit.starts_with("user@") {
        return None;
    }
    match unit {
        Cow::Borrowed(unit) => unit.strip_suffix(".service").map(Cow::Borrowed),
        Cow::Owned(unit) => unit.strip_suffix(".service").map(|name| Cow::Owned(name.to_owned())),
    }
}

/// A value as text; several in lines. `None` for `null`.
fn text<'a>(reader: &mut Reader<'a>, out: &mut Parsed<'a>) -> Outcome<Option<Cow<'a, str>>> {
    match reader.peek() {
        Some(b'"') => string(reader, out).map(Some),
        Some(b'[') => array(reader, out).map(|text| Some(Cow::Owned(text))),
        _ => {
            let (value, text) = reader.scalar()?;
            Ok((!matches!(value, Value::Json(_))).then_some(Cow::Borrowed(text)))
        }
    }
}

fn string<'a>(reader: &mut Reader<'a>, out: &mut Parsed<'a>) -> Outcome<Cow<'a, str>> {
    let raw = reader.string()?;
    let (text, was_broken) = raw.unescape()?;
    if was_broken {
        out.rebuilds_line = false;
        out.note(NoteKind::BrokenEscape, raw.offset_bytes);
    }
    Ok(text)
}

/// `[104,105]` is "hi"; `["a","b"]` two values; the second may itself be bytes.
fn array<'a>(reader: &mut Reader<'a>, out: &mut Parsed<'a>) -> Outcome<String> {
    let (mut values, mut bytes) = (Vec::new(), Vec::new());
    reader.expect(b'[', "`[`")?;
    let mut is_first = true;
    while reader.next_element(is_first)? {
        is_first = false;
        match reader.peek() {
            Some(b'"') => values.push(string(reader, out)?.into_owned()),
            Some(b'[') => values.push(byte_text(&elements(reader)?)),
            _ => bytes.push(byte(reader)?),
        }
    }
    if !bytes.is_empty() {
        values.push(byte_text(&bytes));
    }
    Ok(values.join("\n"))
}

fn elements(reader: &mut Reader<'_>) -> Outcome<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.expect(b'[', "`[`")?;
    while reader.next_element(bytes.is_empty())? {
        bytes.push(byte(reader)?);
    }
    Ok(bytes)
}

fn byte(reader: &mut Reader<'_>) -> Outcome<u8> {
    let bad_byte = Miss { offset_bytes: reader.pos(), expected: "a byte" };
    let (_, number) = reader.scalar()?;
    number.parse().map_err(|_| bad_byte)
}

fn byte_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use crate::format::Format;
    use crate::formats::testing::check;

    #[test]
    fn rows() {
        let rows = [
            (
                r#"{"__CURSOR":"s=1;i=2","__REALTIME_TIMESTAMP":"1714564800500000","__MONOTONIC_TIMESTAMP":"7","_BOOT_ID":"b0","PRIORITY":"4","_PID":"42","_HOSTNAME":"web","_SYSTEMD_UNIT":"nginx.service","SYSLOG_IDENTIFIER":"ngx","MESSAGE":"two\nlines"}"#,
                "time=2024-05-01T12:00:00.5 | level=13 | message=two\nlines | journald.boot_id=b0 | process.pid=i42 | host.name=web | systemd.unit=nginx.service | log.syslog.appname=ngx | service.name=nginx",
            ),
            (
                r#"{"MESSAGE":"m","SYSLOG_IDENTIFIER":"CRON","_SYSTEMD_UNIT":"user@1000.service","__REALTIME_TIMESTAMP":"1714564800000000","SYSLOG_FACILITY":"9","CODE_LINE":"x"}"#,
                "time=2024-05-01T12:00:00 | message=m | log.syslog.appname=CRON | systemd.unit=user@1000.service | log.syslog.facility.code=i9 | log.origin.file.line=x | service.name=CRON",
            ),
            // Bytes that aren't text, a field that occurs twice, a value that was left out.
            (
                r#"{"MESSAGE":[104,255,105],"A":["x","y"],"B":["x",[122,10]],"C":null,"D":[],"__REALTIME_TIMESTAMP":"1714564800000000"}"#,
                "time=2024-05-01T12:00:00 | message=h\u{fffd}i | journald.a=x\ny | journald.b=x\nz\n | journald.c= | journald.d=",
            ),
            (
                r#"{"MESSAGE":null,"__REALTIME_TIMESTAMP":"1714564800000000","PRIORITY":"9"}"#,
                "time=2024-05-01T12:00:00 | message=",
            ),
        ];
        for (line, expected) in rows {
            check(Format::Journald, line, expected);
        }
        let bad = [
            (r#"{"MESSAGE":"m"}"#, "a member `__REALTIME_TIMESTAMP` at byte 0"),
            (r#"{"MESSAGE":"__REALTIME_TIMESTAMP"}"#, "a member `__REALTIME_TIMESTAMP` at byte 0"),
            (r#"{"__REALTIME_TIMESTAMP":"soon"}"#, "microseconds at byte 24"),
            (r#"{"A":[256],"__REALTIME_TIMESTAMP":"1"}"#, "a byte at byte 6"),
        ];
        for (line, expected) in bad {
            check(
                Format::Journald,
                line,
                &format!("message={line} | note: not journald: expected {expected}"),
            );
        }
    }
}
