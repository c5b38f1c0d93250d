//! What a line is, and what becomes of its bytes.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufWriter, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use crate::scenario::{Disturbance, Outcome, Run, Scenario, by_length};
use crate::site::{Site, message};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 1, title: "ten thousand lines, slowly and in bursts", run: Run::Disturbed(bursts) },
    Scenario { number: 2, title: "a file of one letter, and an empty one", run: Run::Once(one_letter) },
    Scenario { number: 25, title: "a line written in three pieces", run: Run::Disturbed(pieces) },
    Scenario { number: 26, title: "a last line without a newline", run: Run::Disturbed(no_newline) },
    Scenario { number: 27, title: "restart in the middle of a line", run: Run::Disturbed(half_line) },
    Scenario { number: 28, title: "a line of 10 MiB among others", run: Run::Disturbed(ten_mebibytes) },
    Scenario { number: 29, title: "a line of gigabytes", run: Run::Once(gigabytes) },
    Scenario { number: 30, title: "CRLF, and carriage returns within", run: Run::Once(carriage_returns) },
    Scenario { number: 31, title: "empty lines", run: Run::Disturbed(empty_lines) },
    Scenario { number: 32, title: "bytes that are not UTF-8", run: Run::Once(invalid_utf8) },
    Scenario { number: 33, title: "UTF-16 with a byte order mark", run: Run::Disturbed(utf16) },
    Scenario {
        number: 34,
        title: "a byte order mark, at the start and elsewhere",
        run: Run::Once(byte_order_mark),
    },
    Scenario { number: 35, title: "NUL, escape sequences, U+2028", run: Run::Once(control_characters) },
    Scenario { number: 36, title: "a file name that is not UTF-8", run: Run::Once(file_name) },
    Scenario { number: 37, title: "a binary file", run: Run::Once(binary) },
    Scenario { number: 38, title: "pipes, sockets and devices", run: Run::Once(no_regular_files) },
];

fn bursts(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    let mut left = 10_000;
    for burst in [1, 1, 1, 2_500, 1, 1, 3_000, 1, 1, 1] {
        site.append("app.log", "app", burst);
        left -= burst;
        site.pause(Duration::from_millis(30));
    }
    site.meanwhile(|site| site.append("app.log", "app", left - 1));
    site.append("app.log", "app", 1);
    site.verify();
    Ok(())
}

fn one_letter() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    // Only the watch can bring it in time.
    site.limits = "scan_seconds = 3600".into();
    site.start_both();
    site.await_agent_start();
    site.append_bytes("empty.log", "");
    site.append_bytes("a.log", "a\n");
    site.expect("a");
    site.verify();
    assert_eq!(site.logged("WARN") + site.logged("ERROR"), 0, "{}", site.cluster.log("agent.log"));
    Ok(())
}

fn pieces(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    let text = site.lines("app", 1);
    let (first, rest) = text.split_at(20);
    let (second, third) = rest.split_at(20);
    site.append_bytes("app.log", first);
    site.await_sentinel();
    site.meanwhile(|site| site.append_bytes("app.log", second));
    site.await_sentinel();
    site.append_bytes("app.log", third);
    site.verify();
    Ok(())
}

/// It is held until its newline comes or the file comes to its end: nothing is ever sent in two parts.
fn no_newline(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    site.append("app.log", "app", 10);
    site.append_bytes("app.log", "held for ");
    site.meanwhile(|site| site.pause(Duration::from_millis(1_500)));
    site.await_all();
    site.await_sentinel();
    site.account();
    site.append_bytes("app.log", "its end\n");
    site.expect("held for its end");
    site.verify();
    // The file has come to its end: so has the line.
    site.append_bytes("app.log", "the very last");
    site.await_sentinel();
    site.meanwhile(|site| {
        fs::rename(site.path("app.log"), site.path("app.log.1")).expect("writable");
        site.append("app.log", "app", 10);
    });
    site.expect("the very last");
    site.await_all();
    site.verify();
    let documents = site.documents();
    let last = documents.iter().find(|document| message(document) == "the very last").expect("verified");
    assert_eq!(last["log.flags"], serde_json::json!(["unfinished"]));
    Ok(())
}

fn half_line(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    for round in 0..3 {
        site.append("app.log", "app", 10);
        let text = site.lines("app", 1);
        let (head, tail) = text.split_at(10 + 10 * round);
        site.append_bytes("app.log", head);
        site.meanwhile(|_| {});
        site.append_bytes("app.log", tail);
    }
    site.verify();
    Ok(())
}

fn ten_mebibytes(disturbance: Disturbance) -> Outcome {
    const LINE_BYTES: usize = 10 << 20;
    /// Of a message; `wire/src/limits.rs` has it.
    const KEPT_BYTES: usize = 1 << 20;
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    site.append("app.log", "app", 100);
    site.await_all();
    let before = peak_memory_bytes(&site);
    let mut text = "é".repeat(LINE_BYTES / 2);
    text.push('\n');
    site.meanwhile(|site| {
        site.append_bytes("app.log", &text);
        site.append("app.log", "app", 100);
    });
    site.expect(&text[..KEPT_BYTES]);
    site.verify();
    let documents = site.documents();
    let long = documents.iter().find(|document| message(document).starts_with('é')).expect("verified");
    assert_eq!(long["log.flags"], serde_json::json!(["truncated"]));
    assert_eq!(long["log.original_bytes"], LINE_BYTES);
    let growth = peak_memory_bytes(&site).saturating_sub(before);
    assert!(growth < 24 << 20, "memory grew by {growth} bytes");
    Ok(())
}

/// Peak of the agent's resident memory.
pub(crate) fn peak_memory_bytes(site: &Site) -> u64 {
    let pid = site.cluster.agent_pid().expect("it runs");
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("readable");
    let peak =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
    peak.map(|kilobytes: u64| kilobytes * 1024).expect("a number")
}

fn gigabytes() -> Outcome {
    let line_bytes = by_length(100 << 20, 5_u64 << 30);
    let mut site = Site::start(&["*.log"]);
    site.append("app.log", "app", 10);
    let mut file = BufWriter::new(site.open("app.log"));
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..line_bytes >> 20 {
        file.write_all(&chunk).expect("writable");
    }
    file.write_all(b"\n").expect("writable");
    file.flush().expect("writable");
    site.append("app.log", "app", 10);
    site.expect("x".repeat(1 << 20));
    site.verify();
    let peak = peak_memory_bytes(&site);
    assert!(peak < 64 << 20, "{peak} bytes of memory");
    let documents = site.documents();
    let long = documents.iter().find(|document| message(document).starts_with("xxx")).expect("verified");
    assert_eq!(long["log.original_bytes"], line_bytes);
    site.stop_agent();
    assert_eq!(site.counter("truncated_lines"), 1);
    Ok(())
}

fn carriage_returns() -> Outcome {
    /// `agent/src/limits.rs` has it: what one read asks for.
    const WINDOW_BYTES: usize = 256 << 10;
    let mut site = Site::start(&["*.log"]);
    site.append_bytes("crlf.log", "one\r\ntwo\r\nwith\rin\r\nlast\r\r\n");
    for message in ["one", "two", "with\rin", "last\r"] {
        site.expect(message);
    }
    // Carriage returns at and around the end of what is read at once.
    for (index, shift) in [-2_isize, -1, 0, 1].into_iter().enumerate() {
        let first = "y".repeat(WINDOW_BYTES.saturating_add_signed(shift)) + &index.to_string();
        site.append_bytes(&format!("edge{index}.log"), format!("{first}\r\nz{index}\r\n"));
        site.expect(first);
        site.expect(format!("z{index}"));
    }
    site.verify();
    Ok(())
}

fn empty_lines(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    for round in 0..10 {
        site.append_bytes("app.log", "\n\n\r\n");
        site.append("app.log", "app", 20);
        site.append_bytes("app.log", "\n");
        if round == 5 {
            site.await_all();
            site.meanwhile(|site| site.append_bytes("app.log", "\n\n"));
        }
    }
    site.verify();
    // They have been read, though they are no lines: nothing is left.
    site.stop_agent();
    assert_eq!(site.cluster.agent_status()["lag_bytes"], 0);
    assert!(site.counter("empty_lines") > 0);
    Ok(())
}

fn invalid_utf8() -> Outcome {
    let rows: [(&[u8], &str); 6] = [
        (b"lone \xff byte", "lone \u{fffd} byte"),
        (b"cut \xe2\x82 in the middle", "cut \u{fffd} in the middle"),
        (b"overlong \xc0\xaf slash", "overlong \u{fffd}\u{fffd} slash"),
        (b"surrogate \xed\xa0\x80 alone", "surrogate \u{fffd}\u{fffd}\u{fffd} alone"),
        (b"latin caf\xe9", "latin caf\u{fffd}"),
        ("fine: €".as_bytes(), "fine: €"),
    ];
    let mut site = Site::start(&["*.log"]);
    for (bytes, expected) in rows {
        site.append_bytes("app.log", [bytes, b"\n"].concat());
        site.expect(expected);
    }
    site.verify();
    site.stop_agent();
    assert_eq!(site.counter("invalid_utf8_lines"), 5);
    Ok(())
}

fn utf16(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    let orders = [("le", u16::to_le_bytes as fn(u16) -> [u8; 2]), ("be", u16::to_be_bytes)];
    for (writer, bytes_of) in orders {
        let name = format!("{writer}.log");
        let encoded = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(bytes_of).collect() };
        let text = site.lines(writer, 100).replace('\n', "\r\n");
        site.append_bytes(&name, encoded(&format!("\u{feff}{text}")));
        site.await_all();
        // Both bytes of a line feed stand in these, one of them in the others.
        let text = format!("{writer} \u{a0a}\u{a0a} \u{10a}\u{a01}\u{a0d}\u{d0a} \u{1f600} end");
        site.expect(text.as_str());
        let text = encoded(&format!("{text}\r\n{}", site.lines(writer, 50)));
        // In the middle of a character, and of a code unit.
        let (first, rest) = text.split_at(9);
        site.append_bytes(&name, first);
        site.await_sentinel();
        site.meanwhile(|site| {
            let (second, third) = rest.split_at(30);
            site.append_bytes(&name, second);
            site.append_bytes(&name, third);
        });
        site.await_all();
    }
    site.verify();
    site.stop_agent();
    assert_eq!(site.cluster.agent_status()["lag_bytes"], 0, "positions count the bytes of the file");
    Ok(())
}

fn byte_order_mark() -> Outcome {
    let mut site = Site::start(&["*.log"]);
    site.append_bytes("app.log", "\u{feff}first\n\u{feff}second\n");
    site.expect("first");
    site.expect("\u{feff}second");
    site.verify();
    Ok(())
}

fn control_characters() -> Outcome {
    let mut site = Site::start(&["*.log"]);
    for text in
        ["a nul \0 inside a line", "\u{1b}[31mred\u{1b}[0m and plain", "a\u{2028}b\u{85}c", "tab\tbell\u{7}"]
    {
        site.append_bytes("app.log", format!("{text}\n"));
        site.expect(text);
    }
    site.verify();
    Ok(())
}

fn file_name() -> Outcome {
    let mut site = Site::start(&["*.log"]);
    for (name, written) in [(&b"caf\xe9.log"[..], "first"), (b"caf\xe8.log", "second")] {
        fs::write(site.path(OsStr::from_bytes(name)), format!("{written}\n")).expect("writable");
        site.expect(written);
    }
    site.verify();
    assert_eq!(site.messages_of("caf%E9.log"), ["first"]);
    assert_eq!(site.messages_of("caf%E8.log"), ["second"]);
    Ok(())
}

fn binary() -> Outcome {
    let mut site = Site::start(&["*"]);
    fs::copy("/bin/true", site.path("true")).expect("a program");
    site.append("app.log", "app", 10);
    site.await_all();
    site.append_bytes("app.log", "");
    for _ in 0..2 {
        site.await_sentinel();
    }
    site.verify();
    site.stop_agent();
    assert_eq!((site.counter("binary_files"), site.logged("binary, not text")), (1, 1));
    Ok(())
}

fn no_regular_files() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    let made = Command::new("mkfifo").arg(site.path("pipe.log")).status();
    assert!(made.expect("mkfifo runs").success());
    let _socket = UnixListener::bind(site.path("socket.log")).expect("a socket");
    // Only root makes devices; a link to one is as good.
    std::os::unix::fs::symlink("/dev/zero", site.path("device.log")).expect("a link");
    site.start_both();
    site.append("app.log", "app", 10);
    for _ in 0..2 {
        site.await_sentinel();
    }
    site.verify();
    assert_eq!(site.logged("not a regular file"), 3, "each is named once");
    let pid = site.cluster.agent_pid().expect("it runs");
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("readable").flatten();
    let open: Vec<_> = descriptors.filter_map(|entry| fs::read_link(entry.path()).ok()).collect();
    assert!(open.iter().all(|path| !path.ends_with("zero") && !path.ends_with("pipe.log")), "{open:?}");
    Ok(())
}
