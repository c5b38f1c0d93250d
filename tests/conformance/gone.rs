//! Files that are deleted or moved away while lines of them are unread.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use millpond_tests::mounts::Mount;

use crate::scenario::{Disturbance, Outcome, Run, Scenario, by_length};
use crate::site::{Site, message, writer_and_number};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 16, title: "deleted with much unread", run: Run::Once(deleted) },
    Scenario {
        number: 19,
        title: "moved out of the patterns, and to another file system",
        run: Run::Once(moved),
    },
    Scenario {
        number: 42,
        title: "many files that live for half a second",
        run: Run::Disturbed(short_lived),
    },
];

fn deleted() -> Outcome {
    let lines = by_length(60_000, 500_000);
    let mut site = Site::new(&["*.log"]);
    site.limits += "\nbatch_bytes = 65536";
    site.start_both();
    site.append("app.log", "app", 10);
    site.await_all();
    site.cluster.kill_collector();
    site.append("app.log", "app", lines);
    site.pause(std::time::Duration::from_millis(300));
    fs::remove_file(site.path("app.log")).expect("it is there");
    site.cluster.start_collector();
    site.verify();
    Ok(())
}

fn moved() -> Outcome {
    for other_file_system in [false, true] {
        let mut site = Site::start(&["*.log"]);
        let mount = PathBuf::from(site.cluster.path("other"));
        fs::create_dir(&mount).expect("writable");
        let mounted = if other_file_system { Some(Mount::tmpfs(&mount, 16 << 20)?) } else { None };
        site.append("app.log", "app", 500);
        site.await_all();
        site.unseen(|site| {
            site.append("app.log", "app", 5_000);
            let moved = Command::new("mv").arg(site.path("app.log")).arg(mount.join("app.log")).status();
            assert!(moved.expect("mv runs").success());
        });
        site.await_all();
        site.append("app.log", "app", 10);
        site.verify();
        drop(mounted);
    }
    Ok(())
}

/// Whatever was seen is whole; what came and went between two looks can't be known.
fn short_lived(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    site.await_agent_start();
    let happens = |site: &mut Site| {
        for number in 0..200 {
            let writer = format!("w{number}");
            site.append(&format!("{number}.log"), &writer, 10);
        }
        site.pause(std::time::Duration::from_millis(400));
        for number in 0..200 {
            fs::remove_file(site.path(format!("{number}.log"))).expect("it is there");
        }
    };
    site.meanwhile(happens);
    site.await_sentinel();
    assert!(site.cluster.agent_runs());
    let documents = site.documents();
    for number in 0..200 {
        let writer = format!("w{number}");
        let of_writer = documents.iter().filter_map(|document| writer_and_number(message(document)));
        if of_writer.filter(|(name, _)| *name == writer).count() == 0 {
            site.forgive(&writer, 10);
        }
    }
    site.account();
    Ok(())
}
