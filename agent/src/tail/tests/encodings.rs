//! Files that aren't UTF-8: every text arrives as it was meant, once, wherever the file is cut.

use super::harness::{GRACE_MS, Host, lines};
use crate::limits;
use crate::tail::content::tests::gzip;
use crate::tail::encoding::Encoding;

pub(super) fn encode(encoding: Encoding, text: &str) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => text.as_bytes().to_vec(),
        Encoding::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Encoding::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        Encoding::Windows1252 => text.chars().map(|c| u8::try_from(c).unwrap()).collect(),
    }
}

pub(super) const UTF16: [Encoding; 2] = [Encoding::Utf16Le, Encoding::Utf16Be];

/// With and without a byte order mark: without, the section says it.
fn check_utf16(scenario: impl Fn(&mut Host, &dyn Fn(&str) -> Vec<u8>) -> Vec<String>) {
    for encoding in UTF16 {
        for has_mark in [true, false] {
            let mut host = Host::new(&["a.log*", "*.gz"]);
            host.encoding = (!has_mark).then_some(encoding);
            if has_mark {
                host.append("a.log", encode(encoding, "\u{feff}"));
            }
            let expected = scenario(&mut host, &|text| encode(encoding, text));
            host.run();
            host.check(expected);
            assert_eq!(host.counters.binary_files.value(), 0);
        }
    }
}

/// Newline bytes within units, and characters of two units.
const TEXTS: [&str; 5] =
    ["plain", "\u{a0a}\u{10a}\u{a00}", "smile \u{1f40a}", "grüße €", "\u{40a}\u{a04}0\u{a0d}\u{d0a}"];

#[test]
fn utf16_written_and_read_in_pieces() {
    check_utf16(|host, encode| {
        let bytes = encode(&TEXTS.map(|text| format!("{text}\r\n")).concat());
        // A cut in the middle of a unit, too; and a new start at each.
        for piece in bytes.chunks(7) {
            host.append("a.log", piece);
            host.run();
            host.kill();
        }
        TEXTS.map(str::to_owned).to_vec()
    });
}

#[test]
fn utf16_that_fills_windows() {
    check_utf16(|host, encode| {
        host.batch_bytes = 40_000;
        let all = lines("ü\u{1f40a}\u{10a}", 0..5_000);
        let text: String = all.iter().map(|line| format!("{line}\r\n")).collect();
        assert!(text.len() > limits::READ_WINDOW_BYTES);
        host.append("a.log", encode(&text));
        host.scan();
        for _ in 0..4 {
            host.work(2);
            host.deliver(true);
            host.kill();
            host.scan();
        }
        host.rename("a.log", "a.log.1");
        all
    });
}

#[test]
fn a_line_of_utf16_that_is_longer_than_any_window() {
    check_utf16(|host, encode| {
        let long = "\u{10a}".repeat(limits::GROUP_BYTES_MAX / 2 + 99);
        host.append("a.log", encode(&format!("first\n{long}\nlast\n")));
        host.run();
        let kept: Vec<String> = host.collector.lines.keys().filter(|line| line.len() > 99).cloned().collect();
        assert!(kept.len() == 1 && long.starts_with(&kept[0]));
        assert_eq!(host.counters.truncated_lines.value(), 1);
        [vec!["first".into(), "last".into()], kept].concat()
    });
}

#[test]
fn a_last_line_of_utf16_and_its_archive() {
    check_utf16(|host, encode| {
        let before = std::fs::read(host.path("a.log")).unwrap_or_default();
        host.append("a.log", encode("one\ntwo"));
        host.run();
        host.rename("a.log", "b.log");
        host.run();
        host.pass(GRACE_MS);
        let archive = [before, encode("three\nfour")].concat();
        std::fs::write(host.path("c.gz"), gzip(&archive)).unwrap();
        ["one", "two", "three", "four"].map(str::to_owned).to_vec()
    });
}

#[test]
fn lone_surrogates_are_replaced_and_counted() {
    let mut host = Host::new(&["*"]);
    let units = [0xfeff, 0x61, 0xd83d, 0x0a, 0xdc0a, 0x62, 0x0a];
    host.append("a.log", units.iter().flat_map(|unit: &u16| unit.to_le_bytes()).collect::<Vec<u8>>());
    host.run();
    host.check(["a\u{fffd}", "\u{fffd}b"]);
    assert_eq!(host.counters.invalid_utf8_lines.value(), 2);
}

#[test]
fn utf16_from_its_end() {
    for encoding in UTF16 {
        let mut host = Host::new(&["*"]).starting_at_end();
        host.append("a.log", encode(encoding, "\u{feff}old\nolder\u{10a}\n\u{a0a}beg"));
        host.run();
        host.append("a.log", encode(encoding, "un\nnew\n"));
        host.run();
        host.check(["\u{a0a}begun", "new"]);
    }
}

#[test]
fn windows_1252() {
    let mut host = Host::new(&["*"]);
    host.encoding = Some(Encoding::Windows1252);
    let texts = ["gr\u{fc}\u{df}e", "plain", "\u{e9}t\u{e9}"];
    for byte in encode(Encoding::Windows1252, &texts.map(|text| format!("{text}\n")).concat()).chunks(3) {
        host.append("a.log", byte);
        host.run();
        host.kill();
    }
    host.check(texts);
}

/// The carriage return is the last byte of a window, or the newline the first one of the next.
#[test]
fn a_line_end_at_the_border_of_two_windows() {
    for shift in 0..3 {
        let mut host = Host::new(&["*"]);
        let filler = "x".repeat(limits::READ_WINDOW_BYTES / 2 - 2);
        let first = "y".repeat(limits::READ_WINDOW_BYTES / 2 - 2 + shift);
        host.append("a.log", format!("{filler}\r\n{first}\r\nlast\r\n"));
        host.run();
        host.check([filler.as_str(), &first, "last"]);
    }
}
