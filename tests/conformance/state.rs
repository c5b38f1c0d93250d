//! The agent's own directory: lost, damaged, full, read-only; and its configuration, changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use millpond_tests::cluster::Signal;
use millpond_tests::eventually;
use millpond_tests::mounts::Mount;
use millpond_tests::random::Random;

use crate::scenario::{Disturbance, Outcome, Run, Scenario, by_length};
use crate::site::{PATIENCE, Site};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 50, title: "power cuts", run: Run::Once(power_cuts) },
    Scenario { number: 51, title: "the state directory is lost", run: Run::Once(lost) },
    Scenario {
        number: 52,
        title: "the journal of positions is empty, garbage, or cut anywhere",
        run: Run::Once(damaged),
    },
    Scenario { number: 53, title: "the disk of the state directory is full", run: Run::Once(full) },
    Scenario { number: 54, title: "the state directory is read-only", run: Run::Once(read_only) },
    Scenario { number: 57, title: "configuration reloaded by SIGHUP", run: Run::Disturbed(reloaded) },
    Scenario { number: 59, title: "upgrade and downgrade", run: Run::Once(upgraded) },
    Scenario {
        number: 58,
        title: "sections of the configuration renamed and moved",
        run: Run::Once(reconfigured),
    },
];

/// What enrolment wrote; the rest is state.
const IDENTITY: [&str; 4] = ["agent.toml", "agent.key", "agent.crt", "ca.crt"];

/// A journal as the first agent wrote it, which knew of no archives; without checksums, and with names for what differs
/// from run to run. Of two logs of twenty lines, both read to their end.
const FIRST_JOURNAL: &str = "\
put 114bb7b0a5f58bc5 0 1 DEVICE APP_INODE 227 378a2fa9adf13dc2b4db77faf3789b19 0 2d06800538d394c2 0 SEEN APP_PATH
put 91bdde0ae38171ee 0 1 DEVICE OLD_INODE 2b3 41eab3da17d3f1206c87d3dd91e0ff09 0 2d06800538d394c2 0 SEEN OLD_PATH
begin
put 114bb7b0a5f58bc5 227 1 DEVICE APP_INODE 227 378a2fa9adf13dc2b4db77faf3789b19 40 a3c0e572cd04018c 0 SEEN APP_PATH
put 91bdde0ae38171ee 2b3 1 DEVICE OLD_INODE 2b3 41eab3da17d3f1206c87d3dd91e0ff09 40 c1e9dc5ee375cd0b 0 SEEN OLD_PATH
";

fn journal(site: &Site) -> PathBuf {
    site.cluster.path("agent/positions.journal").into()
}

/// What is on a disk at some moment is what a power cut leaves: writes that were not synced may be missing.
/// So the image below a mounted ext4 is copied, and the agent goes on from the copy.
fn power_cuts() -> Outcome {
    let mut random = Random::new(50);
    let mut site = Site::new(&["app.log*"]);
    let directory = PathBuf::from(site.cluster.path("agent"));
    let image = |round: u64| PathBuf::from(site.cluster.path(&format!("disk.{round}")));
    let images: Vec<PathBuf> = (0..=by_length(6, 30)).map(image).collect();
    let mut disk = Mount::ext4(&directory, &images[0], 16 << 20)?;
    site.cluster.start_collector();
    site.enroll();
    assert!(Command::new("sync").arg("-f").arg(&directory).status().expect("sync runs").success());
    site.start_agent();
    for (round, pair) in images.windows(2).enumerate() {
        for part in 0..4 {
            site.append("app.log", "app", 1 + random.below(300));
            if part == 2 {
                fs::rename(site.path("app.log"), site.path(format!("app.log.{round}"))).expect("writable");
                site.another_file("app");
            }
            site.pause(Duration::from_millis(random.below(250)));
        }
        site.append("app.log", "app", 100);
        site.cluster.signal_agent(Signal::STOP);
        fs::copy(&pair[0], &pair[1]).expect("room for a copy");
        site.cluster.kill_agent();
        drop(disk);
        disk = Mount::image(&directory, &pair[1])?;
        site.start_agent();
    }
    site.verify();
    site.stop_agent();
    drop(disk);
    Ok(())
}

fn lost() -> Outcome {
    let mut site = Site::start(&["app.log*"]);
    for round in 0..3 {
        site.append("app.log", "app", 500);
        site.await_all();
        site.cluster.kill_agent();
        for entry in fs::read_dir(site.cluster.path("agent")).expect("a directory").flatten() {
            if !IDENTITY.contains(&entry.file_name().to_string_lossy().as_ref()) {
                fs::remove_file(entry.path()).expect("a file");
            }
        }
        site.append("app.log", "app", 200);
        if round > 0 {
            fs::rename(site.path("app.log"), site.path(format!("app.log.{round}"))).expect("writable");
            site.another_file("app");
            site.append("app.log", "app", 100);
        }
        site.start_agent();
        site.await_all();
    }
    site.verify();
    Ok(())
}

fn damaged() -> Outcome {
    let mut site = Site::start(&["*.log"]);
    for name in ["a", "b", "c"] {
        site.append(&format!("{name}.log"), name, 100);
    }
    site.await_all();
    site.stop_agent();
    let whole = fs::read(journal(&site)).expect("a journal");
    let mut random = Random::new(52);
    let garbage: Vec<u8> = (0..2_000).map(|_| random.bits() as u8).collect();
    let flipped = whole.iter().enumerate().map(|(at, byte)| if at % 97 == 5 { byte ^ 0x10 } else { *byte });
    let mut contents = vec![Vec::new(), garbage, flipped.collect()];
    let cuts = by_length(6, whole.len());
    contents.extend((1..=cuts).map(|cut| whole[..whole.len() * cut / (cuts + 1)].to_vec()));
    for content in contents {
        fs::write(journal(&site), content).expect("writable");
        site.append("a.log", "a", 10);
        site.append("c.log", "c", 10);
        site.start_agent();
        site.await_all();
        site.stop_agent();
    }
    site.start_agent();
    site.verify();
    Ok(())
}

/// Takes every byte that is left.
fn fill(directory: &Path) {
    let chunk = vec![b'x'; 4096];
    let mut file = fs::File::create(directory.join("filler")).expect("writable");
    while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
}

fn full() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    let directory = PathBuf::from(site.cluster.path("agent"));
    let mount = Mount::tmpfs(&directory, 256 << 10)?;
    site.start_both();
    let names: Vec<String> = (0..20).map(|number| format!("app{number}")).collect();
    let write = |site: &mut Site| {
        names.iter().for_each(|name| site.append(&format!("{name}.log"), name, 5));
        site.await_all();
    };
    write(&mut site);
    fill(&directory);
    // What was known before goes on until no position can be noted, and then, too.
    eventually("positions can't be written", PATIENCE, || {
        write(&mut site);
        (site.logged("positions can't be written") > 0).then_some(())
    });
    (0..3).for_each(|_| write(&mut site));
    assert!(site.cluster.agent_runs());
    // A new file is sent when it can be noted that it exists.
    site.append("new.log", "new", 100);
    fs::remove_file(directory.join("filler")).expect("it is there");
    site.verify();
    site.cluster.kill_agent();
    site.append("app7.log", "app7", 100);
    site.start_agent();
    site.verify();
    site.stop_agent();
    drop(mount);
    Ok(())
}

fn read_only() -> Outcome {
    /// `EX_CANTCREAT`.
    const EXIT_CANT_CREATE: i32 = 73;
    let mut site = Site::new(&["*.log"]);
    let mount = Mount::tmpfs(site.cluster.path("agent").as_ref(), 256 << 10)?;
    site.start_both();
    site.append("app.log", "app", 10);
    site.await_all();
    site.stop_agent();
    mount.make_read_only()?;
    site.start_agent();
    assert_eq!(site.cluster.await_agent(), Some(EXIT_CANT_CREATE));
    let log = site.cluster.log("agent.log");
    assert!(log.contains("needs a directory of its own that it can write to"), "{log}");
    drop(mount);
    Ok(())
}

/// Covers these files from now on, by a signal alone.
fn reload(site: &mut Site, patterns: &[&str]) {
    let before = site.logged("configuration taken over");
    site.set_patterns(patterns);
    site.configure();
    site.cluster.signal_agent(Signal::HUP);
    eventually("the configuration is taken over", PATIENCE, || {
        (site.logged("configuration taken over") > before).then_some(())
    });
}

fn reloaded(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["a.log*"], disturbance);
    site.append("a.log", "a", 200);
    site.await_all();
    site.append("b.log", "b", 200);
    site.append("a.log", "a", 100);
    reload(&mut site, &["a.log*", "b.log*"]);
    site.append("a.log", "a", 100);
    site.verify();
    // What is no longer covered rests where it was.
    reload(&mut site, &["a.log*"]);
    site.append("b.log", "b", 100);
    site.append("a.log", "a", 100);
    site.meanwhile(|site| site.append("a.log", "a", 50));
    site.await_count("a", 550);
    site.await_sentinel();
    assert_eq!(site.messages_of("b.log").len(), 200);
    reload(&mut site, &["b.log*", "a.log*"]);
    site.meanwhile(|site| site.append("b.log", "b", 50));
    site.verify();
    // A bad one is refused, the former one stays.
    let good = std::mem::replace(&mut site.limits, "scan_seconds = 1\nno_such_key = 1".into());
    site.configure();
    site.cluster.signal_agent(Signal::HUP);
    eventually("it is refused", PATIENCE, || (site.logged("no_such_key") > 0).then_some(()));
    site.append("a.log", "a", 100);
    site.append("b.log", "b", 100);
    site.verify();
    site.limits = good;
    reload(&mut site, &["a.log*"]);
    site.append("a.log", "a", 10);
    site.verify();
    Ok(())
}

fn reconfigured() -> Outcome {
    let mut site = Site::start(&["*.log"]);
    site.append("a.log", "a", 100);
    site.append("b.log", "b", 100);
    site.await_all();
    for keys in ["service = 'shop'\nformat = 'text'", "format = 'auto'\nfields = { site = 'x' }"] {
        site.keys = keys.into();
        site.set_patterns(&["a.*", "**/b.log", "*.log"]);
        site.configure();
        site.restart_agent();
        site.append("a.log", "a", 100);
        site.append("b.log", "b", 100);
        site.await_all();
    }
    site.verify();
    assert_eq!(site.cluster.client().count("service:shop"), Some(200));
    Ok(())
}

/// To this collector nothing was ever sent: that the lines from before the upgrade don't come is by the journal alone.
fn upgraded() -> Outcome {
    let mut site = Site::new(&["*.log*"]);
    let mut text = FIRST_JOURNAL.to_owned();
    for (name, beginning) in [("app", "before the upgrade"), ("old", "of a file that is renamed")] {
        let path = site.path(format!("{name}.log"));
        let lines: String = (1..=20).map(|number| format!("{beginning}, line {number}\n")).collect();
        fs::write(&path, lines).expect("writable");
        let (metadata, name) = (fs::metadata(&path).expect("it is there"), name.to_uppercase());
        text = text.replace("DEVICE", &format!("{:x}", metadata.dev()));
        // A file that was made after that would be another one.
        text = text.replace("SEEN", &format!("{:x}", metadata.mtime()));
        text = text.replace(&format!("{name}_INODE"), &format!("{:x}", metadata.ino()));
        text = text.replace(&format!("{name}_PATH"), path.to_str().expect("a plain path"));
    }
    let line = |line: &str| format!("{:08x} {line}\n", crc32c::crc32c(line.as_bytes()));
    site.cluster.start_collector();
    site.enroll();
    fs::write(journal(&site), text.lines().map(line).collect::<String>()).expect("writable");
    // The agent is away while it is replaced.
    fs::rename(site.path("old.log"), site.path("old.log.1")).expect("writable");
    site.append("app.log", "app", 50);
    site.append("old.log.1", "old", 50);
    site.start_agent();
    site.verify();
    site.cluster.kill_agent();
    site.append("app.log", "app", 50);
    site.start_agent();
    site.verify();
    Ok(())
}
