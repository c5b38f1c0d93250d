//! Rows: a file as a list of (line, how often), the format that it ends with, and how often that changed.

use super::*;
use crate::formats::testing::{NOW_NS, describe};
use crate::time::FixedZone;

const CONTEXT: Context<'static> = Context { now_ns: NOW_NS, zone: &FixedZone(0) };

const JSON: &str = r#"{"level":"info","msg":"hello"}"#;
const ACCESS: &str = r#"10.0.0.1 - - [10/Oct/2000:13:55:36 +0000] "GET / HTTP/1.1" 200 2326"#;
const SYSLOG: &str = "Jun 14 15:16:01 combo sshd[19939]: check pass; user unknown";
const TRACE: &str = "    at com.example.Foo.bar(Foo.java:10)";
const LOGFMT: &str = "level=info msg=hello";
const TEXT: &str = "2024-05-01 12:00:00 INFO started";

/// Lines, and how often each comes.
type File = &'static [(&'static str, usize)];

fn feed(file: &[(&str, usize)]) -> Detector {
    let mut detector = Detector::new();
    let mut out = Parsed::new();
    for (line, times) in file {
        for _ in 0..*times {
            detector.parse(line, &CONTEXT, &mut out);
        }
    }
    detector
}

#[test]
fn files() {
    let rows: &[(File, Option<Format>, u64)] = &[
        (&[], None, 0),
        (&[(JSON, 15)], None, 0),
        (&[(JSON, 16)], Some(Format::Json), 0),
        (&[(TRACE, 12), (JSON, 4)], Some(Format::Json), 0),
        (&[(TRACE, 13), (JSON, 3)], Some(Format::Text), 0),
        (&[(TRACE, 100), (JSON, 1000)], Some(Format::Json), 1),
        (&[(TEXT, 1000)], Some(Format::Text), 0),
        (&[(LOGFMT, 20)], Some(Format::Logfmt), 0),
        (&[(SYSLOG, 20)], Some(Format::Syslog), 0),
        // Neither a stray line nor a stretch of others turns the file.
        (&[(ACCESS, 300), (JSON, 1), (ACCESS, 300)], Some(Format::Access), 0),
        (&[(ACCESS, 300), (JSON, 100), (ACCESS, 300)], Some(Format::Access), 0),
        (&[(JSON, 16), (TRACE, 200), (JSON, 60), (TRACE, 200), (JSON, 60)], Some(Format::Json), 0),
        // A file that really changes is followed.
        (&[(ACCESS, 300), (JSON, 1000)], Some(Format::Json), 1),
        (&[(JSON, 300), (TEXT, 1000)], Some(Format::Text), 1),
    ];
    for (file, format, changes) in rows {
        let detector = feed(file);
        assert_eq!((detector.format(), detector.changes()), (*format, *changes), "{file:?}");
        assert_eq!(detector.lines(), file.iter().map(|(_, times)| *times as u64).sum::<u64>());
    }
}

#[test]
fn a_file_that_alternates_settles() {
    let mut file = vec![];
    for _ in 0..200 {
        file.extend([(JSON, 300), (ACCESS, 300)]);
    }
    let detector = feed(&file);
    // 120,000 lines are 468 windows of the first size; doubling lets no more than nine changes happen.
    assert!(detector.changes() <= 9, "{}", detector.changes());
    // And every line was read as what it is, all the same.
    assert_eq!((detector.hits(Format::Json), detector.hits(Format::Access)), (60_000, 60_000));
}

#[test]
fn lines_that_fit_nothing_get_a_note() {
    let mut detector = feed(&[(JSON, 100)]);
    let mut out = Parsed::new();
    detector.parse("Killed", &CONTEXT, &mut out);
    assert_eq!(describe(&out), "message=Killed | note: not json: expected `{` at byte 0");
    detector.parse(ACCESS, &CONTEXT, &mut out);
    assert_eq!(out.note, None);
    let mut detector = feed(&[(TEXT, 100)]);
    detector.parse("Killed", &CONTEXT, &mut out);
    assert_eq!(out.note, None);
}

#[test]
fn a_fixed_format_stays() {
    let mut detector = Detector::fixed(Format::Json);
    let mut out = Parsed::new();
    for _ in 0..1000 {
        detector.parse(ACCESS, &CONTEXT, &mut out);
    }
    assert_eq!(detector.format(), Some(Format::Json));
    assert_eq!((detector.hits(Format::Json), detector.hits(Format::Text)), (0, 1000));
    assert!(out.note.is_some());
}

#[test]
fn the_streams_of_a_container_are_detected_apart() {
    let mut detector = Detector::new();
    for _ in 0..20 {
        for (line, expected) in [
            (
                r#"2024-05-01T12:00:00Z stdout F {"level":"warn","msg":"x","time":1531171074}"#,
                "time=2018-07-09T21:17:54 | level=13 warn | message=x | log.iostream=stdout",
            ),
            (
                "2024-05-01T12:00:00.5Z stderr F I0102 15:04:05.000123 7 a.go:1] hi",
                "time=2024-05-01T12:00:00.5 | level=9 I | message=hi | process.thread.id=i7 | log.origin.file.name=a.go | log.origin.file.line=i1 | log.iostream=stderr",
            ),
        ] {
            let (mut outer, mut inner) = (Parsed::new(), Parsed::new());
            detector.parse(line, &CONTEXT, &mut outer);
            let partial = outer.partial.expect("a container line");
            assert!(partial.last);
            detector.parse_inner(partial.stream, &outer.message, outer.timestamp_ns, &CONTEXT, &mut inner);
            assert_eq!(describe(&inner), expected);
        }
    }
    assert_eq!(detector.format(), Some(Format::Cri));
    let inner = |stream| detector.inner(stream).and_then(Detector::format);
    assert_eq!(inner(Stream::Stdout), Some(Format::Json));
    assert_eq!(inner(Stream::Stderr), Some(Format::Klog));
}
