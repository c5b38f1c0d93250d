//! Many files, and one that would take everything.

use std::fs;

use crate::lines::peak_memory_bytes;
use crate::scenario::{Outcome, Run, Scenario, is_long};
use crate::site::{Site, message};
use std::time::Duration;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 39, title: "ten thousand files", run: Run::Once(ten_thousand) },
    Scenario {
        number: 40,
        title: "a hundred thousand files in nested directories",
        run: Run::Long(hundred_thousand),
    },
    Scenario { number: 41, title: "one file at full speed beside fifty slow ones", run: Run::Once(fairness) },
];

/// Time of the processor that the agent has used.
pub(crate) fn processor_time(site: &Site) -> Duration {
    /// `USER_HZ`, the same on every Linux.
    const TICKS_A_SECOND: u64 = 100;
    let pid = site.cluster.agent_pid().expect("it runs");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("readable");
    // Behind the name in parentheses: user and system time are the 12th and 13th.
    let numbers = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = numbers.skip(11).take(2).filter_map(|number| number.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 1_000 / TICKS_A_SECOND)
}

fn make_files(site: &mut Site, directories: u64, in_each: u64) {
    for directory in 0..directories {
        let name = site.path(format!("d{}/e{directory}", directory % 10));
        fs::create_dir_all(&name).expect("writable");
        for file in 0..in_each {
            // Unlike each other from the first byte on, and most of them never written to again.
            let text = format!("file {directory} {file} begins here\n");
            site.expect(text.trim_end());
            fs::write(name.join(format!("{file}.log")), text).expect("writable");
        }
    }
}

fn write_to_some(site: &mut Site, directories: u64, in_each: u64) {
    for number in 0..100 {
        let (directory, file) = (number * 37 % directories, number * 53 % in_each);
        let name = format!("d{}/e{directory}/{file}.log", directory % 10);
        site.append(&name, &format!("w{number}"), 3);
    }
}

/// `idle_part`: of a processor, while nothing happens, as a divisor; in a build without optimisation.
fn many_files(directories: u64, in_each: u64, memory_bytes_max: u64, idle_part: u32) {
    let mut site = Site::new(&["**/*.log"]);
    // Lines written later are found by the watch alone.
    site.limits = "scan_seconds = 3600".into();
    make_files(&mut site, directories, in_each);
    site.start_both();
    site.await_all();
    write_to_some(&mut site, directories, in_each);
    site.await_all();
    let pid = site.cluster.agent_pid().expect("it runs");
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).expect("readable").count();
    // 512 files, a quarter more until the next scan, and what the agent has besides.
    assert!(descriptors < 512 + 128 + 30, "{descriptors} descriptors");
    let peak = peak_memory_bytes(&site);
    assert!(peak < memory_bytes_max, "{peak} bytes of memory");
    if is_long() {
        let (before, pause) = (processor_time(&site), Duration::from_secs(10));
        site.pause(pause);
        let used = processor_time(&site) - before;
        assert!(used < pause / idle_part, "{used:?} of {pause:?} while nothing happens");
    }
    // No new file is awaited: after a scan that took long, the next one is late by as much.
    site.account();
}

fn ten_thousand() -> Outcome {
    many_files(100, 100, 64 << 20, 20);
    Ok(())
}

fn hundred_thousand() -> Outcome {
    many_files(1_000, 99, 400 << 20, 5);
    Ok(())
}

/// What the slow ones write has arrived before the fast one is through.
fn fairness() -> Outcome {
    // Enough for longer than a line is held at the end of its file, and than events of the watch are gathered.
    const FAST_LINES: u64 = 80_000;
    let mut site = Site::start(&["*.log"]);
    for slow in 0..50 {
        site.append(&format!("slow{slow}.log"), &format!("slow{slow}"), 1);
    }
    site.await_all();
    site.append("fast.log", "fast", 1);
    site.await_all();
    site.unseen(|site| {
        site.append("fast.log", "fast", FAST_LINES);
        for slow in 0..50 {
            site.append(&format!("slow{slow}.log"), &format!("slow{slow}"), 1);
        }
    });
    site.verify();
    let documents = site.documents();
    let last_slow = documents.iter().rposition(|document| message(document).starts_with("slow"));
    let behind = documents.len() - last_slow.expect("verified");
    assert!(behind > 1_000, "the slow files waited for the fast one: {behind} lines came after them");
    Ok(())
}
