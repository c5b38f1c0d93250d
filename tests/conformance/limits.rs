//! The system says no: too many watches, descriptors, no permission, failing reads, a clock that jumps.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use millpond_tests::eventually;
use millpond_tests::faults::Fault;

use crate::scale::processor_time;
use crate::scenario::{Disturbance, Outcome, Run, Scenario};
use crate::site::{PATIENCE, Site};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 43, title: "few watches, and lost events", run: Run::Once(watches) },
    Scenario { number: 44, title: "64 descriptors for 500 active files", run: Run::Disturbed(descriptors) },
    Scenario { number: 45, title: "permission denied, and reads that fail", run: Run::Once(unreadable) },
    Scenario { number: 60, title: "the clock jumps a day ahead and back", run: Run::Once(clock) },
];

/// Fails on a machine where this program can't be run like this.
fn works(launcher: &[&str]) -> Outcome {
    let (program, arguments) = launcher.split_first().expect("a program");
    let output = Command::new(program).args(arguments).arg("true").output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let reason = said.lines().next().unwrap_or("no reason given");
    if output.status.success() { Ok(()) } else { Err(reason.to_owned()) }
}

/// The agent is started by this, if it works here.
pub(crate) fn launched_by(site: &mut Site, launcher: &[&str]) -> Outcome {
    site.launcher = launcher.iter().map(|word| (*word).to_owned()).collect();
    works(launcher)
}

fn watches() -> Outcome {
    few_watches()?;
    lost_events();
    Ok(())
}

/// Limits of a user namespace of its own, so that nobody else on this machine has them.
fn few_watches() -> Outcome {
    const LIMITED: &str = "echo 8 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
    let mut site = Site::new(&["*/*.log"]);
    launched_by(&mut site, &["unshare", "--user", "--map-root-user", "sh", "-c", LIMITED, "sh"])?;
    for directory in 0..20 {
        fs::create_dir(site.path(format!("d{directory}"))).expect("writable");
        site.append(&format!("d{directory}/app.log"), &format!("w{directory}"), 10);
    }
    site.start_both();
    site.await_all();
    for directory in 0..20 {
        site.append(&format!("d{directory}/app.log"), &format!("w{directory}"), 10);
        site.append(&format!("d{directory}/new.log"), &format!("n{directory}"), 10);
    }
    site.verify();
    for _ in 0..3 {
        site.await_sentinel();
    }
    assert_eq!(site.logged("can't be watched; polling instead"), 1, "one warning for all directories");
    Ok(())
}

/// More events than the kernel keeps for a process that doesn't take them.
fn lost_events() {
    let queued = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap_or_default();
    let events: u64 = queued.trim().parse().unwrap_or(16_384) + 2_000;
    let mut site = Site::new(&["*.log"]);
    site.limits = "scan_seconds = 3600".into();
    site.start_both();
    site.append("a.log", "a", 1);
    site.append("b.log", "b", 1);
    site.await_all();
    site.unseen(|site| {
        // Events that follow each other on one file are one.
        for _ in 0..events / 2 {
            site.append("a.log", "a", 1);
            site.append("b.log", "b", 1);
        }
        // The events of this one are lost for certain.
        site.append("c.log", "c", 10);
    });
    site.verify();
}

fn descriptors(disturbance: Disturbance) -> Outcome {
    let mut site = Site::new(&["*.log"]).disturbed_by(disturbance);
    launched_by(&mut site, &["prlimit", "--nofile=64"])?;
    site.start_both();
    for round in 0..3 {
        let write = |site: &mut Site| {
            for number in 0..500 {
                site.append(&format!("{number}.log"), &format!("w{number}"), 3);
            }
        };
        if round == 1 {
            site.meanwhile(write)
        } else {
            write(&mut site)
        }
        site.await_all();
    }
    site.verify();
    assert_eq!(site.logged("Too many open files"), 0);
    Ok(())
}

fn unreadable() -> Outcome {
    no_permission()?;
    failing_reads("EIO")?;
    failing_reads("ESTALE")
}

fn no_permission() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    if rustix::process::geteuid().is_root() {
        // Root without the right to read what it may not.
        const WITHOUT: &str = "-dac_override,-dac_read_search";
        let (bounding, inherited) = (format!("--bounding-set={WITHOUT}"), format!("--inh-caps={WITHOUT}"));
        launched_by(&mut site, &["setpriv", &bounding, &inherited])?;
    }
    site.append("closed.log", "closed", 100);
    let set_mode = |site: &Site, mode: u32| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(site.path("closed.log"), permissions).expect("it is ours");
    };
    set_mode(&site, 0o000);
    site.start_both();
    for round in 0..3 {
        site.append("open.log", "open", 10 + round);
        site.await_sentinel();
    }
    assert_eq!(site.messages_of("closed.log").len(), 0);
    assert_eq!(site.logged("Permission denied"), 1, "one warning");
    set_mode(&site, 0o644);
    site.verify();
    Ok(())
}

fn failing_reads(error: &'static str) -> Outcome {
    if let Some(reason) = Fault::unavailable() {
        return Err(reason);
    }
    let mut site = Site::new(&["*.log"]);
    site.append("bad.log", "bad", 100);
    site.append("good.log", "good", 100);
    site.cluster.start_collector();
    site.enroll();
    // Its head can be read, then nothing for a while.
    let fault = Fault { calls: "pread64", error, when: "4..9".into() };
    site.cluster.start_agent_with(&fault, &[site.text("bad.log")]);
    site.await_count("good", 100);
    let trace = site.cluster.path("strace.log");
    for round in 0..8 {
        site.append("good.log", "good", 10);
        site.append("bad.log", "bad", 10);
        site.await_count("good", 110 + 10 * round);
    }
    site.verify();
    let injected = fs::read_to_string(trace).unwrap_or_default();
    assert!(injected.matches("INJECTED").count() >= 6, "reads did fail: {injected}");
    Ok(())
}

/// Gives the agent a clock of its own, by libfaketime, and one more variable of its environment. What is returned sets
/// how far it is ahead of the right time.
pub(crate) fn on_its_own_clock(site: &mut Site, variable: &str) -> Result<impl Fn(&str) + use<>, String> {
    let folders = fs::read_dir("/usr/lib").map_err(|error| error.to_string())?.flatten();
    let library =
        folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.exists());
    let library = library.ok_or("libfaketime is not installed (Debian package `faketime`)")?;
    let file = site.cluster.path("offset");
    let variables = [
        format!("LD_PRELOAD={}", library.display()),
        format!("FAKETIME_TIMESTAMP_FILE={file}"),
        "FAKETIME_NO_CACHE=1".into(),
        "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
        variable.to_owned(),
    ];
    let set = move |offset: &str| fs::write(Path::new(&file), offset).expect("writable");
    set("+0");
    let launcher: Vec<&str> = ["env"].into_iter().chain(variables.iter().map(String::as_str)).collect();
    launched_by(site, &launcher)?;
    Ok(set)
}

fn clock() -> Outcome {
    let mut site = Site::new(&["*.log*"]);
    let set = on_its_own_clock(&mut site, "TZ=UTC")?;
    site.start_both();
    site.append("app.log", "app", 100);
    site.await_all();
    for (round, offset) in ["+1d", "+0", "-1d", "+0"].into_iter().enumerate() {
        set(offset);
        let writer = format!("after{round}");
        site.append("app.log", &writer, 100);
        fs::rename(site.path("app.log"), site.path(format!("app.log.{round}"))).expect("writable");
        site.another_file(&writer);
        site.append("app.log", &writer, 100);
        site.await_all();
        let (before, pause) = (processor_time(&site), Duration::from_millis(700));
        site.pause(pause);
        assert!(processor_time(&site) - before < pause / 2, "a busy loop at {offset}");
        if offset == "+1d" {
            let now = now_s();
            eventually("the agent's clock is a day ahead", PATIENCE, || {
                let written = site.cluster.agent_status()["written_unix_s"].as_u64()?;
                (written > now + 80_000).then_some(())
            });
        }
    }
    site.verify();
    Ok(())
}

fn now_s() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
