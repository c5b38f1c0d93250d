//! Logs that begin with the lines of the one before them, and logs that are rewritten or restored. No line says when it
//! was written.

use std::fs;
use std::process::Command;
use std::time::Duration;

use millpond_tests::eventually;

use crate::scenario::{Disturbance, Outcome, Run, Scenario};
use crate::site::{PATIENCE, Site, line};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 80,
        title: "a new log that begins with all of the old one",
        run: Run::Disturbed(begun_alike),
    },
    Scenario { number: 81, title: "a log that is rewritten or restored", run: Run::Once(rewritten) },
    Scenario {
        number: 82,
        title: "truncated, and written again with the same lines and more",
        run: Run::Disturbed(truncated),
    },
];

/// Runs a program on files of the site, to its end.
fn run(site: &Site, program: &str, arguments: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    let status = command.args(arguments).current_dir(&site.logs).status();
    assert!(status.map_err(|_| format!("{program} is not installed"))?.success(), "{program} {arguments:?}");
    Ok(())
}

/// The first lines of a job that says the same each time; the collector must have them once more.
fn job(site: &mut Site, lines: u64) -> String {
    (1..=lines).for_each(|number| site.expect(line("job", number)));
    (1..=lines).map(|number| line("job", number) + "\n").collect()
}

/// What was noted in the second in which another file gets the inode can't be told from it.
fn await_another_second(site: &Site) {
    site.pause(Duration::from_millis(1_100));
}

fn begun_alike(disturbance: Disturbance) -> Outcome {
    for (pattern, is_packed) in [("app.log", false), ("app.log", true), ("app.log*", true)] {
        let mut site = Site::start_disturbed(&[pattern], disturbance);
        let first = job(&mut site, 200);
        site.append_bytes("app.log", first);
        site.await_all();
        for lines in [400, 600] {
            await_another_second(&site);
            let happens = |site: &mut Site| {
                if is_packed {
                    fs::rename(site.path("app.log"), site.path(format!("app.log.{lines}")))
                        .expect("writable");
                    run(site, "gzip", &[&format!("app.log.{lines}")])?;
                } else {
                    fs::remove_file(site.path("app.log")).expect("it is there");
                }
                let text = job(site, lines);
                site.append_bytes("app.log", text);
                Ok::<(), String>(())
            };
            if disturbance == Disturbance::Steady { site.unseen(happens) } else { site.meanwhile(happens) }?;
            site.await_all();
        }
        site.append("app.log", "app", 100);
        site.verify();
        assert_eq!(site.logged("rewritten or restored"), 0);
    }
    Ok(())
}

fn rewritten() -> Outcome {
    let mut site = Site::start(&["app.log"]);
    site.append("app.log", "app", 300);
    site.await_all();
    let bytes = fs::metadata(site.path("app.log")).expect("it is there").len();
    site.expect("appended by an editor");
    run(&site, "sed", &["-i", "$a appended by an editor", "app.log"])?;
    site.await_all();
    site.append("app.log", "app", 100);
    site.await_all();
    // Longer than the last line of a file that has come to its end is held.
    site.append_bytes("app.log", "half ");
    site.pause(Duration::from_secs(3));
    site.append_bytes("app.log", "a line\n");
    site.expect("half a line");
    site.verify();
    site.stop_agent();
    assert_eq!((site.counter("copies_continued"), site.counter("copied_bytes_skipped")), (1, bytes));
    assert_eq!(site.logged("rewritten or restored"), 1);
    await_another_second(&site);
    run(&site, "cp", &["-p", "app.log", "backup"])?;
    fs::remove_file(site.path("app.log")).expect("it is there");
    run(&site, "cp", &["-p", "backup", "app.log"])?;
    site.start_agent();
    // What is written to it before it is looked at takes its times away.
    site.await_sentinel();
    site.append("app.log", "app", 100);
    site.verify();
    Ok(())
}

/// With the agent away nothing tells it from growth: what is the same counts as read.
fn truncated(disturbance: Disturbance) -> Outcome {
    let is_away = matches!(disturbance, Disturbance::AgentStopped | Disturbance::AgentKilled);
    let mut site = Site::start_disturbed(&["app.log"], disturbance);
    let first = job(&mut site, 200);
    site.append_bytes("app.log", first);
    site.await_all();
    site.meanwhile(|site| {
        site.open("app.log").set_len(0).expect("writable");
        if !is_away {
            eventually("the truncation is seen", PATIENCE, || {
                (site.logged("truncated or overwritten") > 0).then_some(())
            });
        }
        let text: String = (1..=400).map(|number| line("job", number) + "\n").collect();
        site.append_bytes("app.log", text);
        (1 + if is_away { 200 } else { 0 }..=400).for_each(|number| site.expect(line("job", number)));
    });
    site.append("app.log", "app", 100);
    site.verify();
    Ok(())
}
