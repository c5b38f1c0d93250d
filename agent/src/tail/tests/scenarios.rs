//! One test for each way in which logs are rotated, copied, cut and confused, with what has to arrive.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;

use super::harness::{GRACE_MS, Host, lines, text};
use crate::limits;
use crate::tail::Outcome;
use crate::watch::Hint;

/// Runs a scenario and checks that exactly the lines that it returns have arrived.
fn check(patterns: &[&str], scenario: impl FnOnce(&mut Host) -> Vec<String>) {
    let mut host = Host::new(patterns);
    let expected = scenario(&mut host);
    host.run();
    host.check(expected);
}

#[test]
fn growing_files() {
    check(&["*.log"], |host| {
        let all = lines("a", 0..500);
        for chunk in all.chunks(37) {
            host.append("a.log", text(chunk));
            host.run();
        }
        host.append("tiny.log", "a\n");
        host.append("empty.log", "");
        [all, vec!["a".into()]].concat()
    });
}

#[test]
fn a_line_in_pieces_is_one_line() {
    check(&["*.log"], |host| {
        for piece in ["one li", "ne in pie", "ces\nnext"] {
            host.append("a.log", piece);
            host.run();
        }
        host.kill();
        host.append("a.log", " line\n");
        vec!["one line in pieces".into(), "next line".into()]
    });
}

#[test]
fn renamed_and_created() {
    for patterns in [&["app.log"][..], &["app.log*"]] {
        check(patterns, |host| {
            let all = lines("a", 0..40);
            host.append("app.log", text(&all[..10]));
            host.scan();
            host.work(1);
            host.append("app.log", text(&all[10..20]));
            host.rename("app.log", "app.log.1");
            // The writer hasn't noticed yet.
            host.append("app.log.1", text(&all[20..25]));
            host.append("app.log", text(&all[30..]));
            host.scan();
            host.work(3);
            host.append("app.log.1", text(&all[25..30]));
            all
        });
    }
}

#[test]
fn renamed_while_down() {
    check(&["app.log"], |host| {
        let all = lines("a", 0..40);
        host.append("app.log", text(&all[..10]));
        host.run();
        host.kill();
        host.append("app.log", text(&all[10..20]));
        host.rename("app.log", "app.log.1");
        host.append("app.log", text(&all[20..]));
        all
    });
}

#[test]
fn a_chain_of_renames() {
    check(&["app.log*"], |host| {
        let all = lines("a", 0..200);
        for chunk in all.chunks(10) {
            host.append("app.log", text(chunk));
            host.scan();
            host.work(2);
            host.deliver(true);
            for number in
                (1..20).rev().filter(|n| host.path(&format!("app.log.{n}")).exists()).collect::<Vec<_>>()
            {
                host.rename(&format!("app.log.{number}"), &format!("app.log.{}", number + 1));
            }
            host.rename("app.log", "app.log.1");
        }
        all
    });
}

#[test]
fn copied_and_truncated() {
    for patterns in [&["app.log"][..], &["app.log*"]] {
        check(patterns, |host| {
            let all = lines("a", 0..60);
            host.append("app.log", text(&all[..20]));
            host.run();
            // Unread at the truncation: taken from the copy.
            host.append("app.log", text(&all[20..40]));
            host.copy("app.log", "app.log.1");
            host.truncate("app.log");
            host.append("app.log", text(&all[40..]));
            all
        });
    }
}

#[test]
fn copied_truncated_and_regrown_past_the_position() {
    check(&["app.log*"], |host| {
        let all = lines("a", 0..100);
        host.append("app.log", text(&all[..20]));
        host.run();
        host.copy("app.log", "app.log.1");
        host.truncate("app.log");
        host.append("app.log", text(&all[20..]));
        all
    });
}

#[test]
fn the_copy_is_seen_before_the_truncation() {
    check(&["app.log*"], |host| {
        let all = lines("a", 0..60);
        host.append("app.log", text(&all[..20]));
        host.run();
        host.append("app.log", text(&all[20..30]));
        host.copy("app.log", "app.log.1");
        host.run();
        host.truncate("app.log");
        host.run();
        host.append("app.log", text(&all[30..]));
        all
    });
}

#[test]
fn the_copy_lacks_lines_that_were_read_from_the_original() {
    check(&["app.log*"], |host| {
        let all = lines("a", 0..90);
        host.append("app.log", text(&all[..40]));
        host.run();
        host.copy("app.log", "app.log.1");
        host.append("app.log", text(&all[40..45]));
        let now = host.now;
        let hint = Hint::Data(host.path("app.log"));
        host.agent().hint(&hint, now);
        host.agent().work(now);
        host.truncate("app.log");
        host.append("app.log", text(&all[45..]));
        all
    });
}

/// The copy was made when more had been read than acknowledged, and then more was written and read.
fn copy_within_what_is_on_its_way(host: &mut Host, all: &[String]) {
    host.append("app.log", text(&all[..20]));
    host.run();
    host.append("app.log", text(&all[20..30]));
    host.copy("app.log", "app.log.1");
    host.append("app.log", text(&all[30..35]));
    host.scan();
    host.work(3);
    host.truncate("app.log");
    host.append("app.log", text(&all[35..]));
    for _ in 0..2 {
        host.scan();
        host.work(3);
    }
}

#[test]
fn a_copy_of_what_was_read_and_not_acknowledged_is_needed_after_a_kill() {
    for patterns in [&["app.log"][..], &["app.log*"]] {
        let mut host = Host::new(patterns);
        let all = lines("a", 0..60);
        copy_within_what_is_on_its_way(&mut host, &all);
        host.kill();
        host.run();
        host.check([&all[..30], &all[35..]].concat());
        assert_eq!(host.counters.copies_continued.value(), 1);
    }
}

#[test]
fn a_copy_of_what_was_read_and_not_acknowledged_is_needed_after_a_refusal() {
    for patterns in [&["app.log"][..], &["app.log*"]] {
        let mut host = Host::new(patterns);
        let all = lines("a", 0..60);
        copy_within_what_is_on_its_way(&mut host, &all);
        host.refuse_batches_with(&all[22]);
        host.run();
        host.check([&all[..22], &all[23..30], &all[35..]].concat());
        assert_eq!(host.counters.dead_letters.value(), 1);
        let lost_bytes = text(&all[30..35]).len() as u64;
        assert_eq!(host.counters.truncated_unread_bytes.value(), lost_bytes);
    }
}

#[test]
fn a_copy_of_what_was_read_is_not_read_again_once_that_is_acknowledged() {
    for loses_reply in [false, true] {
        let mut host = Host::new(&["app.log*"]);
        let all = lines("a", 0..60);
        copy_within_what_is_on_its_way(&mut host, &all);
        if loses_reply {
            host.deliver(false);
            host.kill();
        }
        host.run();
        host.check(&all);
    }
}

#[test]
fn copied_and_truncated_while_down() {
    for patterns in [&["app.log"][..], &["app.log*"]] {
        check(patterns, |host| {
            let all = lines("a", 0..60);
            host.append("app.log", text(&all[..20]));
            host.run();
            host.kill();
            host.append("app.log", text(&all[20..40]));
            host.copy("app.log", "app.log.1");
            host.truncate("app.log");
            host.append("app.log", text(&all[40..]));
            all
        });
    }
}

#[test]
fn truncated_without_a_copy_loses_only_what_was_unread() {
    let mut host = Host::new(&["*.log"]);
    let all = lines("a", 0..30);
    host.append("a.log", text(&all[..10]));
    host.run();
    let unread = text(&all[10..20]);
    host.append("a.log", &unread);
    host.truncate("a.log");
    host.append("a.log", text(&all[20..]));
    host.run();
    host.check([&all[..10], &all[20..]].concat());
}

#[test]
fn truncated_under_a_writer_that_does_not_notice() {
    check(&["*.log"], |host| {
        use std::os::unix::fs::FileExt;
        let all = lines("a", 0..30);
        let first = text(&all[..10]);
        let file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).open(host.path("a.log")).unwrap();
        file.write_all_at(first.as_bytes(), 0).unwrap();
        host.run();
        file.set_len(0).unwrap();
        file.write_all_at(text(&all[10..]).as_bytes(), first.len() as u64 + (1 << 30)).unwrap();
        all
    });
}

#[test]
fn rewritten_with_the_same_beginning() {
    check(&["*.log"], |host| {
        let banner = lines("banner", 0..30);
        host.append("a.log", text(&banner));
        host.append("a.log", "first run\n");
        host.run();
        host.truncate("a.log");
        host.append("a.log", text(&banner));
        host.append("a.log", "other run, and longer\n");
        [banner.clone(), banner, vec!["first run".into(), "other run, and longer".into()]].concat()
    });
}

#[test]
fn deleted_and_created_again() {
    for is_down in [false, true] {
        check(&["*.log"], |host| {
            let all = lines("a", 0..60);
            host.append("a.log", text(&all[..10]));
            host.run();
            host.append("a.log", text(&all[10..20]));
            if is_down {
                host.run();
                host.kill();
            }
            host.remove("a.log");
            host.append("a.log", text(&all[20..]));
            all
        });
    }
}

#[test]
fn deleted_with_much_unread() {
    let mut host = Host::new(&["*.log"]);
    let all = lines("a", 0..2_000);
    host.append("a.log", text(&all));
    host.append("a.log", "and an unfinished line");
    host.scan();
    host.work(1);
    host.remove("a.log");
    host.run();
    host.check([all, vec!["and an unfinished line".into()]].concat());
    host.pass(limits::LATE_WRITES_MS);
    host.scan();
    assert_eq!(host.agent().generations().count(), 0, "nothing of it is kept");
}

#[test]
fn what_a_daemon_writes_to_a_file_that_is_gone_is_read() {
    for is_deleted in [true, false] {
        let mut host = Host::new(&["a.log"]);
        let all = lines("a", 0..60);
        host.append("a.log", text(&all[..10]));
        let mut daemon = fs::OpenOptions::new().append(true).open(host.path("a.log")).unwrap();
        host.run();
        if is_deleted {
            host.remove("a.log");
        } else {
            host.rename("a.log", "a.old");
        }
        host.append("a.log", text(&all[10..20]));
        for late in all[20..].chunks(20) {
            host.run();
            host.pass(limits::LATE_WRITES_MS / 2);
            daemon.write_all(text(late).as_bytes()).unwrap();
        }
        host.run();
        host.check(&all);
        host.pass(limits::LATE_WRITES_MS);
        host.scan();
        let open = host.agent().generations().filter(|(_, generation)| generation.file.is_some()).count();
        assert_eq!(open, 1);
    }
}

#[test]
fn files_that_are_gone_are_kept_in_bounded_number() {
    const SURPLUS: usize = 3;
    let mut host = Host::new(&["*.log"]);
    let names: Vec<String> =
        (0..limits::LATE_WRITES_FILES_MAX + SURPLUS).map(|number| format!("{number}.log")).collect();
    for name in &names {
        host.append(name, format!("{name}\n"));
    }
    host.open_files_max = 2 * names.len();
    host.run();
    for name in &names {
        host.remove(name);
    }
    host.scan();
    host.work(names.len());
    host.run();
    host.check(&names);
    assert_eq!(host.agent().generations().count(), limits::LATE_WRITES_FILES_MAX);
    assert_eq!(host.counters.late_writes_unwatched.value(), SURPLUS as u64);
}

#[test]
fn equal_beginnings_are_not_equal_files() {
    check(&["*.log"], |host| {
        let banner = lines("banner", 0..100);
        for name in ["a.log", "b.log"] {
            host.append(name, text(&banner));
            host.append(name, format!("{name}\n"));
        }
        host.run();
        [banner.clone(), banner, vec!["a.log".into(), "b.log".into()]].concat()
    });
}

#[test]
fn twins_that_both_grow_are_two_files() {
    check(&["syslog", "messages"], |host| {
        let all = lines("a", 0..100);
        for chunk in all.chunks(10) {
            host.append("syslog", text(chunk));
            host.append("messages", text(chunk));
            host.scan();
            host.work(4);
            host.deliver(true);
        }
        [all.clone(), all].concat()
    });
}

#[test]
fn the_same_text_in_files_that_have_nothing_to_do_with_each_other() {
    check(&["*.log"], |host| {
        let all = lines("a", 0..20);
        for name in ["a.log", "b.log"] {
            host.append(name, text(&all));
            host.append(&format!("tiny-{name}"), "ready\n");
        }
        host.run();
        host.pass(GRACE_MS * 2);
        [all.clone(), all, vec!["ready".into(), "ready".into()]].concat()
    });
}

#[test]
fn a_backup_is_read_once_and_again_when_it_lives() {
    let mut host = Host::new(&["app*"]);
    let all = lines("a", 0..20);
    host.append("app.log", text(&all));
    host.run();
    host.copy("app.log", "app.bak");
    host.run();
    host.kill();
    host.run();
    host.check(&all);
    host.append("app.bak", "a line of its own\n");
    host.run();
    host.check([all.clone(), all, vec!["a line of its own".into()]].concat());
}

#[test]
fn a_file_that_rested_for_longer_than_files_are_remembered_is_not_read_again() {
    const MONTHS_MS: u64 = 70 * 24 * 3600 * 1000;
    for loses_state in [false, true] {
        let mut host = Host::new(&["*.log"]);
        let all = lines("a", 0..20);
        host.append("a.log", text(&all[..10]));
        host.append("gone.log", "read, then gone\n");
        host.run();
        host.pass(MONTHS_MS);
        if loses_state {
            host.lose_state();
        }
        host.kill();
        host.remove("gone.log");
        host.run();
        assert_eq!(host.agent().generations().count(), 1, "what is gone is forgotten");
        // Seen then; that is noted.
        host.pass(MONTHS_MS / 3);
        host.kill();
        host.append("a.log", text(&all[10..]));
        host.run();
        host.check([all, vec!["read, then gone".into()]].concat());
    }
}

#[test]
fn moved_out_of_sight_it_is_read_to_its_end() {
    check(&["*.log"], |host| {
        let all = lines("a", 0..200);
        host.append("a.log", text(&all));
        host.scan();
        host.work(1);
        fs::create_dir(host.path("archive")).unwrap();
        host.rename("a.log", "archive/a.old");
        all
    });
}

#[test]
fn links_lead_to_one_file() {
    check(&["*.log", "pods/*"], |host| {
        let all = lines("a", 0..20);
        fs::create_dir(host.path("pods")).unwrap();
        host.append("pods/0", text(&all[..10]));
        symlink(host.path("pods/0"), host.path("x.log")).unwrap();
        fs::hard_link(host.path("pods/0"), host.path("hard.log")).unwrap();
        host.run();
        host.remove("x.log");
        host.append("pods/1", text(&all[10..]));
        symlink(host.path("pods/1"), host.path("x.log")).unwrap();
        all
    });
}

#[test]
fn a_link_given_a_new_target_while_down_leaves_the_old_one_to_be_read() {
    check(&["*.log"], |host| {
        let all = lines("a", 0..60);
        fs::create_dir(host.path("pods")).unwrap();
        host.append("pods/0", text(&all[..20]));
        symlink(host.path("pods/0"), host.path("x.log")).unwrap();
        host.run();
        host.kill();
        host.append("pods/0", text(&all[20..40]));
        host.remove("x.log");
        host.append("pods/1", text(&all[40..]));
        symlink(host.path("pods/1"), host.path("x.log")).unwrap();
        all
    });
}

#[test]
fn what_was_written_is_known_before_it_is_read() {
    let mut host = Host::new(&["*.log"]);
    let all = lines("a", 0..2_000);
    host.append("a.log", text(&all[..1_000]));
    host.scan();
    // No batch goes: the agent can't read on.
    host.work(10);
    host.append("a.log", text(&all[1_000..]));
    host.scan();
    host.work(10);
    let lag: u64 = host.agent().generations().map(|(_, generation)| generation.lag_bytes()).sum();
    assert_eq!(lag, text(&all).len() as u64);
    host.run();
    host.check(all);
}

#[test]
fn a_lost_state_is_made_up_by_the_collector() {
    check(&["app.log*"], |host| {
        let all = lines("a", 0..60);
        host.append("app.log", text(&all[..20]));
        host.run();
        host.lose_state();
        host.append("app.log", text(&all[20..30]));
        host.run();
        host.append("app.log", text(&all[30..40]));
        host.lose_state();
        host.rename("app.log", "app.log.1");
        host.append("app.log", text(&all[40..]));
        all
    });
}

#[test]
fn the_end_is_where_the_first_start_begins() {
    let mut host = Host::new(&["*.log"]).starting_at_end();
    host.append("old.log", "before\nhalf a");
    host.run();
    host.append("old.log", " line\n");
    host.append("new.log", "new\n");
    host.run();
    host.kill();
    host.append("while-down.log", "while down\n");
    host.run();
    host.check(["half a line", "new", "while down"]);
}

#[test]
fn a_lost_reply_and_a_kill_cost_nothing() {
    check(&["*.log"], |host| {
        let all = lines("a", 0..300);
        host.append("a.log", text(&all));
        for _ in 0..4 {
            host.scan();
            host.work(3);
            assert!(host.deliver(false));
            host.kill();
        }
        all
    });
}

#[test]
fn nothing_of_a_stream_is_sent_before_its_identity_is_durable() {
    for is_killed in [false, true] {
        let mut host = Host::new(&["*.log"]);
        let (known, new) = (lines("a", 0..60), lines("b", 0..60));
        host.append("a.log", text(&known[..20]));
        host.run();
        host.break_journal();
        host.append("b.log", text(&new));
        host.append("a.log", text(&known[20..]));
        host.run();
        host.check(&known);
        assert!(host.counters.checkpoint_errors.value() > 0);
        if is_killed {
            host.kill();
        }
        host.repair_journal();
        host.run();
        host.check([known, new].concat());
    }
}

#[test]
fn lines_of_every_kind() {
    let mut host = Host::new(&["*.log"]);
    let long = "x".repeat(10 << 20);
    host.append("a.log", b"\xef\xbb\xbfbom\ncrlf\r\n\n\nbad \xff byte\nesc \x1b[0m\n");
    host.append("a.log", format!("{long}\nafter the long line\n"));
    host.run();
    let cut = "x".repeat(1 << 20);
    host.check(["bom", "crlf", "bad \u{fffd} byte", "esc \x1b[0m", &cut, "after the long line"]);
    let counters = &host.counters;
    let counts =
        [&counters.empty_lines, &counters.invalid_utf8_lines, &counters.truncated_lines].map(|c| c.value());
    assert_eq!(counts, [2, 1, 1]);
    let (_, _, flags) = host.collector.documents.iter().find(|(message, ..)| *message == cut).unwrap();
    assert!(flags.contains("truncated"), "{flags}");
}

#[test]
fn pieces_of_containers_are_joined() {
    let line = |stream: &str, tag: &str, text: &str| {
        format!("2026-11-22T10:00:00.000000000Z {stream} {tag} {text}\n")
    };
    let mut host = Host::new(&["*.log"]);
    host.append("a.log", line("stdout", "P", "one "));
    host.append("a.log", line("stderr", "F", "between"));
    host.run();
    host.check([""; 0]);
    host.kill();
    host.append("a.log", line("stdout", "P", "text "));
    host.append("a.log", line("stdout", "F", "in pieces"));
    host.append("a.log", line("stdout", "F", "next"));
    host.run();
    host.check(["one text in pieces", "between", "next"]);
}

/// A container that is killed within a line held up what came after it for as long as its log was there.
#[test]
fn a_text_without_end_holds_up_others_for_a_minute() {
    let line = |stream: &str, tag: &str, text: &str| format!("2026-11-22T10:00:00Z {stream} {tag} {text}\n");
    let mut host = Host::new(&["*.log"]);
    host.append("a.log", line("stdout", "P", "killed within "));
    host.append("a.log", line("stderr", "F", "after it"));
    host.run();
    host.check([""; 0]);
    host.pass(limits::PIECES_HOLD_MS);
    host.run();
    host.check(["killed within ", "after it"]);
    assert_eq!(host.counters.unended_texts.value(), 1);
    host.kill();
    host.append("a.log", line("stdout", "F", "the rest"));
    host.run();
    host.check(["killed within ", "after it", "the rest"]);
}

#[test]
fn pieces_of_both_outputs_may_be_interleaved() {
    let line = |stream: &str, tag: &str, text: &str| format!("2026-11-22T10:00:00Z {stream} {tag} {text}\n");
    let mut host = Host::new(&["*.log"]);
    host.append("a.log", line("stdout", "P", "out one "));
    host.append("a.log", line("stderr", "P", "err one "));
    host.append("a.log", line("stdout", "F", "out two"));
    host.append("a.log", line("stdout", "P", "next one "));
    host.run();
    host.append("a.log", line("stderr", "F", "err two"));
    host.run();
    host.kill();
    host.append("a.log", line("stdout", "F", "next two"));
    host.append("a.log", line("stdout", "F", "whole"));
    host.run();
    host.check(["out one out two", "err one err two", "next one next two", "whole"]);
}

#[test]
fn characters_cut_between_pieces_are_whole_again() {
    let text = "é".repeat(50);
    let (first, rest) = text.as_bytes().split_at(33);
    let mut host = Host::new(&["*.log"]);
    host.append("a.log", [b"2026-11-22T10:00:00Z stdout P ", first, b"\n"].concat());
    host.append("a.log", [b"2026-11-22T10:00:00Z stdout F ", rest, b"\n"].concat());
    host.run();
    host.check([&text]);
}

#[test]
fn binary_files_are_left_out_and_counted() {
    let mut host = Host::new(&["*"]);
    host.append("binary", [b"\x7fELF\0\0\0\0".repeat(100), b"\n".to_vec()].concat());
    host.append("text", "a line\n");
    host.run();
    host.check(["a line"]);
    assert_eq!(host.counters.binary_files.value(), 1);
}

#[test]
fn few_descriptors_serve_many_files() {
    let mut host = Host::new(&["*.log"]);
    host.open_files_max = 8;
    let mut all = Vec::new();
    for round in 0..3 {
        for file in 0..60 {
            let new = lines(&format!("{file}"), round * 5..round * 5 + 5);
            host.append(&format!("{file}.log"), text(&new));
            all.extend(new);
        }
        host.run();
        let open = host.agent().generations().filter(|(_, generation)| generation.file.is_some()).count();
        assert!(open <= 8, "{open}");
    }
    host.check(all);
}

#[test]
fn files_that_grow_take_the_descriptors_of_those_that_rest() {
    let mut host = Host::new(&["*.log"]);
    host.open_files_max = 8;
    for file in 0..60 {
        host.append(&format!("{file}.log"), "text\n");
    }
    host.run();
    for round in 0..3 {
        for name in ["58.log", "59.log"] {
            host.append(name, format!("{round}\n"));
        }
        host.run();
    }
    let is_open = |name: &str, host: &mut Host| {
        let path = host.path(name);
        host.agent().generations().any(|(_, file)| file.path == path && file.file.is_some())
    };
    assert!(is_open("58.log", &mut host) && is_open("59.log", &mut host));
}

#[test]
fn a_refused_line_goes_to_the_dead_letters_alone() {
    let mut host = Host::new(&["*.log"]);
    let all = lines("a", 0..100);
    host.append("a.log", text(&all[..50]));
    host.append("a.log", "poison\n");
    host.append("a.log", text(&all[50..]));
    host.append("b.log", "another file\n");
    host.refuse_batches_with("poison");
    host.run();
    host.check([all, vec!["another file".into()]].concat());
    assert_eq!(host.counters.dead_letters.value(), 1);
    let letters = fs::read_to_string(host.state_dir().join("dead_letters.ndjson")).unwrap();
    assert!(letters.contains(r#""line":"poison\n""#) && letters.contains(r#""status":400"#), "{letters}");
}

#[test]
fn interleaved_texts_that_are_refused_do_not_hold_up_the_others() {
    let line = |stream: &str, tag: &str, text: &str| format!("2026-11-22T10:00:00Z {stream} {tag} {text}\n");
    let mut host = Host::new(&["*.log"]);
    let pieces =
        [("stdout", "P", "poi"), ("stderr", "P", "err "), ("stdout", "F", "son"), ("stderr", "F", "text")];
    for (stream, tag, text) in pieces {
        host.append("a.log", line(stream, tag, text));
    }
    host.append("a.log", line("stdout", "F", "after"));
    host.append("b.log", "another file\n");
    host.refuse_batches_with("poison");
    host.run();
    host.check(["after", "another file"]);
    let letters = fs::read_to_string(host.state_dir().join("dead_letters.ndjson")).unwrap();
    assert!(letters.contains("F son") && letters.contains("F text"), "{letters}");
    assert_eq!((host.counters.dead_letters.value(), letters.lines().count()), (1, 1));
}

#[test]
fn a_refused_line_whose_file_was_truncated_is_not_mixed_up_with_new_ones() {
    for is_noticed in [false, true] {
        let mut host = Host::new(&["*.log"]);
        let all = lines("new", 0..20);
        host.append("a.log", "poison\n");
        host.scan();
        host.work(1);
        host.pass(100);
        let now = host.now;
        assert!(host.agent().take_batch(now).is_some());
        host.truncate("a.log");
        host.append("a.log", text(&all));
        if is_noticed {
            host.scan();
        }
        let refused = Outcome::Refused { status: 400, reason: "poison".into() };
        host.agent().reply(&refused, now);
        host.run();
        host.check(all);
        let letters = fs::read_to_string(host.state_dir().join("dead_letters.ndjson")).unwrap();
        assert!(letters.contains(r#""line":null"#), "{letters}");
    }
}
