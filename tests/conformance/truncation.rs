//! Files that are cut or overwritten in place.

use std::fs;
use std::os::unix::fs::FileExt;

use crate::scenario::{Disturbance, Outcome, Run, Scenario};
use crate::site::{Site, line};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 10,
        title: "truncated under a writer that goes on behind a hole",
        run: Run::Disturbed(hole),
    },
    Scenario {
        number: 11,
        title: "truncated and regrown past the position, unseen",
        run: Run::Disturbed(regrown),
    },
    Scenario {
        number: 12,
        title: "rewritten with the same first kilobyte",
        run: Run::Disturbed(same_beginning),
    },
    Scenario { number: 13, title: "cut in the middle, then appended to", run: Run::Once(cut_in_the_middle) },
];

fn hole(disturbance: Disturbance) -> Outcome {
    const HOLE_BYTES: u64 = 1 << 30;
    let mut site = Site::start_disturbed(&["app.log"], disturbance);
    site.append("app.log", "app", 100);
    site.await_all();
    let file = fs::OpenOptions::new().write(true).open(site.path("app.log")).expect("writable");
    site.meanwhile(|site| {
        file.set_len(0).expect("writable");
        file.write_all_at(site.lines("app", 100).as_bytes(), HOLE_BYTES).expect("writable");
    });
    site.append("app.log", "app", 100);
    site.verify();
    let pid = site.cluster.agent_pid().expect("it runs");
    let io = fs::read_to_string(format!("/proc/{pid}/io")).expect("readable");
    let read: u64 = io.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok()).expect("a number");
    assert!(read < HOLE_BYTES / 16, "{read} bytes were read to pass a hole");
    site.stop_agent();
    assert!(site.counter("nul_bytes_skipped") >= HOLE_BYTES - (64 << 10));
    Ok(())
}

fn regrown(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["app.log"], disturbance);
    site.append("app.log", "old", 200);
    site.await_all();
    let happens = |site: &mut Site| {
        site.open("app.log").set_len(0).expect("writable");
        site.append("app.log", "new", 500);
    };
    if disturbance == Disturbance::Steady {
        site.unseen(happens)
    } else {
        site.meanwhile(happens)
    }
    site.append("app.log", "new", 100);
    site.verify();
    Ok(())
}

fn same_beginning(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["app.log"], disturbance);
    let banner: String = (0..20).map(|number| line("banner", number) + "\n").collect();
    assert!(banner.len() > 1024);
    let write = |site: &mut Site, writer: &str, count: u64| {
        (0..20).for_each(|number| site.expect(line("banner", number)));
        let text = banner.clone() + &site.lines(writer, count);
        site.open("app.log").set_len(0).expect("writable");
        site.append_bytes("app.log", text);
    };
    write(&mut site, "first", 300);
    site.await_all();
    site.meanwhile(|site| write(site, "shorter", 100));
    site.await_all();
    site.meanwhile(|site| write(site, "longer", 600));
    site.verify();
    Ok(())
}

/// What stands before the cut is read again: it is a new generation, and nothing is passed over in silence.
fn cut_in_the_middle() -> Outcome {
    let mut site = Site::start(&["app.log"]);
    site.append("app.log", "app", 100);
    site.await_all();
    let line_bytes = line("app", 1).len() as u64 + 1;
    site.open("app.log").set_len(40 * line_bytes).expect("writable");
    (1..=40).for_each(|number| site.expect(line("app", number)));
    site.append("app.log", "app", 100);
    site.await_all();
    site.await_sentinel();
    let expected: Vec<String> =
        (1..=100).chain(1..=40).chain(101..=200).map(|number| line("app", number)).collect();
    assert_eq!(site.messages_of("app.log"), expected);
    assert_eq!(site.logged("truncated or overwritten"), 1);
    site.stop_agent();
    assert_eq!((site.counter("truncations"), site.counter("truncated_unread_bytes")), (1, 0));
    Ok(())
}
