//! Rotation, by the real logrotate.

use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use millpond_tests::eventually;

use crate::scenario::{Disturbance, Outcome, Run, Scenario, by_length};
use crate::site::{PATIENCE, Site};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 5,
        title: "rename and create, the writer follows at once",
        run: Run::Disturbed(renamed),
    },
    Scenario {
        number: 6,
        title: "rename and create, the writer stays for a while",
        run: Run::Disturbed(late_writer),
    },
    Scenario { number: 7, title: "a chain of twenty renames", run: Run::Disturbed(chain) },
    Scenario { number: 8, title: "rotated files are compressed", run: Run::Disturbed(compressed) },
    Scenario { number: 9, title: "copytruncate", run: Run::Disturbed(copytruncate) },
    Scenario {
        number: 17,
        title: "rotated three times while the agent is stopped",
        run: Run::Once(while_stopped),
    },
];

/// Rotates `app.log` once with these directives; an error says that there is no logrotate.
pub(crate) fn logrotate(site: &Site, directives: &str) -> Outcome {
    let (config, state) = (site.cluster.path("logrotate.conf"), site.cluster.path("logrotate.state"));
    let text = format!("{} {{\nrotate 100\nmissingok\n{directives}\n}}\n", site.text("app.log"));
    fs::write(&config, text).expect("writable");
    let found = ["logrotate", "/usr/sbin/logrotate"]
        .into_iter()
        .find_map(|program| Command::new(program).args(["-f", "-s", &state, &config]).output().ok());
    let output = found.ok_or("logrotate is not installed")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn renamed(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["app.log"], disturbance);
    site.append("app.log", "app", 500);
    // A file that is renamed before it was ever seen is not covered.
    site.await_all();
    for round in 0..3 {
        site.append("app.log", "app", 500);
        site.meanwhile(|site| {
            site.append("app.log", "app", 200);
            let rotated = logrotate(site, "create");
            site.append("app.log", "app", 200 + round);
            rotated
        })?;
        site.append("app.log", "app", 100);
        // A pattern that covers the active name alone can't know of what was rotated twice in between.
        site.await_all();
    }
    site.verify();
    Ok(())
}

fn late_writer(disturbance: Disturbance) -> Outcome {
    let mut site = Site::new(&["app.log"]).disturbed_by(disturbance);
    site.limits = by_length(
        "scan_seconds = 1\nrotate_grace_seconds = 1",
        "scan_seconds = 1\nrotate_grace_seconds = 60",
    )
    .into();
    site.start_both();
    let mut old = site.open("app.log");
    site.append("app.log", "old", 100);
    site.await_all();
    logrotate(&site, "create")?;
    site.append("app.log", "new", 10);
    let end = Instant::now() + by_length(Duration::from_secs(3), Duration::from_secs(30));
    let mut is_disturbed = false;
    while Instant::now() < end {
        old.write_all(site.lines("old", 5).as_bytes()).expect("writable");
        site.append("app.log", "new", 5);
        site.pause(Duration::from_millis(100));
        if !is_disturbed && end.saturating_duration_since(Instant::now()) < Duration::from_secs(2) {
            is_disturbed = true;
            site.meanwhile(|site| old.write_all(site.lines("old", 5).as_bytes()).expect("writable"));
        }
    }
    site.verify();
    Ok(())
}

fn chain(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["app.log*"], disturbance);
    let pause = by_length(Duration::from_millis(100), Duration::from_secs(1));
    for round in 0..20 {
        let once = |site: &mut Site| {
            site.append("app.log", "app", 100);
            let rotated = logrotate(site, "create\nnocompress");
            site.another_file("app");
            site.append("app.log", "app", 100);
            rotated
        };
        if round % 7 == 3 {
            site.meanwhile(once)?
        } else {
            once(&mut site)?
        }
        site.pause(pause);
    }
    site.verify();
    Ok(())
}

/// `covers_archives`: one pattern ends in `.gz`, without which archives are left out by default.
fn compressed(disturbance: Disturbance) -> Outcome {
    let rotations = ["create\ncompress", "create\ncompress\ndelaycompress"];
    for (directives, covers_archives) in rotations.into_iter().flat_map(|one| [(one, false), (one, true)]) {
        let patterns: &[&str] = if covers_archives { &["app.log*", "app.log.*.gz"] } else { &["app.log*"] };
        let mut site = Site::start_disturbed(patterns, disturbance);
        for _ in 0..4 {
            site.append("app.log", "app", 300);
            // What is compressed in the same breath was open before: its lines can be read to the end.
            site.await_count("app", 1);
            site.meanwhile(|site| {
                site.append("app.log", "app", 100);
                let rotated = logrotate(site, directives);
                site.another_file("app");
                site.append("app.log", "app", 300);
                rotated
            })?;
            site.await_all();
        }
        let mut entries = fs::read_dir(&site.logs).expect("a directory").flatten();
        assert!(entries.any(|entry| entry.path().extension().is_some_and(|ending| ending == "gz")));
        site.verify();
    }
    Ok(())
}

fn copytruncate(disturbance: Disturbance) -> Outcome {
    // Nothing unread; something unread and the copy covered; the same where only the name tells the copy.
    for pattern in ["app.log*", "app.log"] {
        let mut site = Site::start_disturbed(&[pattern], disturbance);
        let mut writer = site.open("app.log");
        for round in 0..3_u64 {
            writer.write_all(site.lines("app", 400).as_bytes()).expect("writable");
            if round != 1 {
                site.await_all();
            }
            site.meanwhile(|site| logrotate(site, "copytruncate"))?;
            writer.write_all(site.lines("app", 300 + round).as_bytes()).expect("writable");
            site.await_all();
            site.unseen(|site| {
                writer.write_all(site.lines("app", 250).as_bytes()).expect("writable");
                let rotated = logrotate(site, "copytruncate");
                writer.write_all(site.lines("app", 50).as_bytes()).expect("writable");
                rotated
            })?;
            site.await_all();
        }
        site.verify();
    }
    lost_without_copy();
    Ok(())
}

/// Truncated with lines unread and no copy: only those are lost, and they are counted.
fn lost_without_copy() {
    let mut site = Site::new(&["app.log"]);
    // Small batches, so that the agent can't have read everything while the collector is away.
    site.limits = "scan_seconds = 1\nrotate_grace_seconds = 1\nbatch_bytes = 4096".into();
    site.start_both();
    site.append("app.log", "app", 100);
    site.await_all();
    site.cluster.kill_collector();
    site.append("app.log", "lost", 2_000);
    let size = fs::metadata(site.path("app.log")).expect("it is there").len();
    eventually("the agent has seen the lines", PATIENCE, || {
        let status = site.cluster.agent_status();
        let file = status["files"].as_array()?.iter().find(|file| file["size_bytes"] == size)?.clone();
        file["read_offset"].as_u64().filter(|read| *read < size)
    });
    site.open("app.log").set_len(0).expect("writable");
    site.append("app.log", "app", 50);
    site.cluster.start_collector();
    site.await_count("app", 150);
    site.await_sentinel();
    let documents = site.documents();
    let kept = documents.iter().filter(|document| crate::site::message(document).starts_with("lost")).count();
    site.forgive("lost", 2_000 - kept as u64);
    site.account();
    if crate::scenario::is_long() {
        let lost_bytes = (2_000 - kept as u64) * (crate::site::line("lost", 1).len() as u64 + 1);
        eventually("the loss is counted", PATIENCE, || {
            (site.counter("truncated_unread_bytes") == lost_bytes).then_some(())
        });
    }
}

fn while_stopped() -> Outcome {
    for (pattern, covers_rotated) in [("app.log*", true), ("app.log", false)] {
        let mut site = Site::start(&[pattern]);
        site.append("app.log", "first", 300);
        site.await_all();
        site.stop_agent();
        site.append("app.log", "first", 300);
        for _ in 0..3 {
            logrotate(&site, "create")?;
            site.another_file("between");
            if covers_rotated {
                site.append("app.log", "between", 100);
            } else {
                site.append_bytes("app.log", "not covered\n");
            }
        }
        logrotate(&site, "create")?;
        site.append("app.log", "last", 100);
        site.start_agent();
        site.verify();
    }
    Ok(())
}
