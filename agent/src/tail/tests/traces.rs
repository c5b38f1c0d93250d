//! Events of several lines where they meet the rest: encodings, archives, files that are read once, steps, containers.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use super::archives::PACKINGS;
use super::encodings::{UTF16, encode};
use super::harness::Host;
use super::multiline::{cri, host, text, tick, trace};
use crate::limits;
use crate::process::redact::{Mask, Pattern, Redactor};
use crate::process::step::redact::Redact;
use crate::process::{Action, Chain, Done, Step};

const TIMEOUT_MS: u64 = limits::MULTILINE_TIMEOUT_MS;

#[test]
fn a_trace_in_utf16_comes_in_pieces() {
    for encoding in UTF16 {
        let mut host = host();
        // Units that hold the byte of a newline, and two of one character.
        let mut all = trace("Wide", 12);
        all[0] += " \u{a0a}\u{1f40a}";
        all[7] += " // \u{10a}\u{a00}";
        let bytes =
            encode(encoding, &format!("\u{feff}first\r\n{}next\r\n", text(&all).replace('\n', "\r\n")));
        for (number, piece) in bytes.chunks(7).enumerate() {
            host.append("a.log", piece);
            tick(&mut host);
            host.pass(TIMEOUT_MS - 1_000);
            if number % 20 == 3 {
                host.kill();
            }
        }
        host.run();
        host.kill();
        host.run();
        host.check(["first".into(), all.join("\n"), "next".into()]);
    }
}

#[test]
fn traces_in_utf16_fill_windows() {
    for encoding in UTF16 {
        let mut host = host();
        host.batch_bytes = 40_000;
        let traces: Vec<_> = (0..300).map(|number| trace(&format!("\u{10a}{number}"), 40)).collect();
        let all: String = traces.iter().map(|lines| text(lines)).collect();
        assert!(all.len() > limits::READ_WINDOW_BYTES);
        host.append("a.log", encode(encoding, &format!("\u{feff}{all}")));
        host.scan();
        for _ in 0..4 {
            host.work(2);
            host.deliver(true);
            host.kill();
            host.scan();
        }
        host.run();
        host.check(traces.iter().map(|lines| lines.join("\n")));
    }
}

#[test]
fn a_rotation_cuts_a_trace_in_utf16() {
    // Each file begins with a byte order mark of its own.
    for encoding in UTF16 {
        let mut host = host();
        let all = trace("Rotated", 20);
        host.append("app.log", encode(encoding, &format!("\u{feff}first\n{}", text(&all[..9]))));
        tick(&mut host);
        host.rename("app.log", "app.log.1");
        host.append("app.log", encode(encoding, &format!("\u{feff}{}last\n", text(&all[9..]))));
        tick(&mut host);
        host.kill();
        host.run();
        host.check(["first".into(), all.join("\n"), "last".into()]);
    }
}

#[test]
fn an_archive_ends_within_a_trace() {
    for (extension, pack) in PACKINGS {
        for is_killed in [false, true] {
            let mut host = host();
            let (one, two) = (trace("One", 40), trace("Two", 40));
            host.write(&format!("a.log.{extension}"), pack((text(&one) + &text(&two)).as_bytes()));
            host.scan();
            host.work(1);
            if is_killed {
                host.kill();
                host.scan();
            }
            // Nothing more comes: nothing waits.
            host.work(20);
            assert_eq!(host.agent().generations().filter(|(_, of)| of.waiting.is_some()).count(), 0);
            while host.deliver(true) {
                host.work(20);
            }
            host.check([one.join("\n"), two.join("\n")]);
            host.kill();
            host.run();
            host.check([one.join("\n"), two.join("\n")]);
        }
    }
}

#[test]
fn an_archive_with_more_traces_than_a_batch() {
    for (extension, pack) in PACKINGS {
        let mut host = host();
        let traces: Vec<_> = (0..200).map(|number| trace(&format!("T{number}"), 40)).collect();
        let all: String = traces.iter().map(|lines| text(lines)).collect();
        host.write(&format!("a.log.{extension}"), pack(all.as_bytes()));
        for _ in 0..5 {
            host.scan();
            host.work(3);
            host.deliver(true);
            host.kill();
        }
        host.run();
        host.check(traces.iter().map(|lines| lines.join("\n")));
    }
}

#[test]
fn an_archive_is_damaged_within_a_trace() {
    for (extension, pack) in PACKINGS {
        let mut host = host();
        let traces: Vec<_> = (0..2_000).map(|number| trace(&format!("T{number}"), 40)).collect();
        let all: String = traces.iter().map(|lines| text(lines)).collect();
        let bytes = pack(all.as_bytes());
        host.write(&format!("a.log.{extension}"), &bytes[..bytes.len() * 2 / 3]);
        host.run();
        assert_eq!(host.counters.archives_damaged.value(), 1);
        // All traces are whole but the last one, which may end in a torn line.
        let whole =
            traces.iter().take_while(|lines| host.collector.lines.contains_key(&lines.join("\n"))).count();
        assert!(
            whole > 100 && host.collector.lines.len() <= whole + 2,
            "{whole} {}",
            host.collector.lines.len()
        );
        let rest: String = all.split_inclusive('\n').skip(40 * whole).collect();
        let is_of_the_last = |line: &String| rest.starts_with(line.as_str()) || line.starts_with('\t');
        let surplus = host.collector.lines.keys().filter(|line| !line.contains(".f39("));
        assert!(surplus.clone().all(is_of_the_last), "{:?}", surplus.collect::<Vec<_>>());
    }
}

#[test]
fn an_archive_grows_within_a_trace() {
    for (extension, pack) in PACKINGS {
        let mut host = host();
        host.batch_bytes = 1 << 20;
        let traces: Vec<_> = (0..2_000).map(|number| trace(&format!("T{number}"), 40)).collect();
        let all: String = traces.iter().map(|lines| text(lines)).collect();
        let bytes = pack(all.as_bytes());
        let name = format!("a.log.{extension}");
        let write = |host: &Host, bytes: &[u8], age_s: u64| {
            host.write(&name, bytes);
            let file = fs::File::options().write(true).open(host.path(&name)).unwrap();
            let now = UNIX_EPOCH + Duration::from_nanos(host.now.unix_ns.try_into().unwrap());
            file.set_modified(now - Duration::from_secs(age_s)).unwrap();
        };
        write(&host, &pack(text(&traces[0]).as_bytes()), 60);
        host.run();
        // It is written anew: what it ends with isn't its end, and doesn't wait for it either.
        write(&host, &bytes[..bytes.len() * 2 / 3], 0);
        host.scan();
        for _ in 0..6 {
            host.work(20);
            host.deliver(true);
        }
        assert!(host.collector.lines.len() > 100 && host.counters.archives_damaged.value() == 0);
        assert!(host.agent().generations().all(|(_, of)| of.waiting.is_none()));
        write(&host, &bytes, 60);
        host.run();
        host.check(traces.iter().map(|lines| lines.join("\n")));
    }
}

#[test]
fn a_trace_whose_file_was_packed_while_the_agent_was_down() {
    for (extension, pack) in PACKINGS {
        let mut host = host();
        let all = trace("Packed", 30);
        host.append("app.log", "first\n".to_owned() + &text(&all[..10]));
        tick(&mut host);
        host.kill();
        host.append("app.log", text(&all[10..]));
        host.rename("app.log", "app.log.1");
        host.pack("app.log.1", pack, extension);
        host.append("app.log", "next\n");
        host.run();
        host.check(["first".into(), all.join("\n"), "next".into()]);
    }
}

#[test]
fn a_file_that_is_read_once_ends_within_a_trace() {
    let mut host = host();
    host.once = true;
    let (a, b) = (trace("A", 30), trace("B", 30));
    host.append("a.log", text(&a));
    host.write("b.log.gz", PACKINGS[0].1(text(&b).as_bytes()));
    for _ in 0..4 {
        host.run();
    }
    assert!(host.agent().is_done());
    host.check([a.join("\n"), b.join("\n")]);
}

#[test]
fn the_trace_of_a_pod_is_named_and_masked() {
    let mut host = Host::new(&["pods/*/*/*.log*"]).grouping();
    let patterns = ["email", "password"].map(|name| Pattern::built_in(name).unwrap());
    let action = Action::Redact(Redact::new(Redactor::new(patterns.into(), Mask::Name)));
    let step = Step { name: "mask".into(), kind: "redact", when: None, action, done: Done::default() };
    host.process = Chain::new(vec![step], Vec::new());
    let directory = "pods/shop_web-0_3f8a/app";
    fs::create_dir_all(host.path(directory)).unwrap();
    let name = format!("{directory}/0.log");
    let lines =
        ["java.lang.AException: for m@b.de", "\tat a.B.c(B.java:1)", "Caused by: b.CException: pwd=hunter2"];
    for line in lines {
        host.append(&name, cri("stderr", "F", line) + &cri("stdout", "F", "beside"));
        tick(&mut host);
    }
    host.run();
    let masked =
        "java.lang.AException: for [email]\n\tat a.B.c(B.java:1)\nCaused by: b.CException: pwd=[password]";
    host.check(["beside", "beside", "beside", masked]);
    let event = host.collector.json.iter().find(|event| event["message"] == masked).unwrap();
    for (field, value) in [
        ("k8s.namespace.name", "shop"),
        ("k8s.pod.name", "web-0"),
        ("k8s.container.name", "app"),
        ("log.iostream", "stderr"),
        ("error.type", "java.lang.AException"),
        ("error.message", "for [email]"),
    ] {
        assert_eq!(event[field], value, "{event}");
    }
    assert!(host.collector.json.iter().all(|event| !event.to_string().contains("hunter2")));
}
