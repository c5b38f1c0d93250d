//! Which file is which: twins, copies, links, inodes that are used again.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::process::Command;
use std::time::Duration;

use millpond_tests::mounts::Mount;

use crate::scenario::{Disturbance, Outcome, Run, Scenario};
use crate::site::{Site, line};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 3,
        title: "two files with the same first 4 KiB",
        run: Run::Disturbed(same_beginnings),
    },
    Scenario { number: 4, title: "two growing files with the same content", run: Run::Disturbed(twins) },
    Scenario {
        number: 14,
        title: "deleted and created again with the same inode",
        run: Run::Disturbed(created_again),
    },
    Scenario {
        number: 15,
        title: "the same while the agent is stopped",
        run: Run::Once(same_inode_while_stopped),
    },
    Scenario { number: 18, title: "a backup beside its original", run: Run::Once(backup) },
    Scenario { number: 20, title: "hard and symbolic links to one file", run: Run::Disturbed(links) },
    Scenario { number: 21, title: "a link that is given a new target", run: Run::Disturbed(retargeted) },
    Scenario {
        number: 22,
        title: "a directory removed and made again",
        run: Run::Disturbed(directory_again),
    },
    Scenario {
        number: 23,
        title: "a file that rested for a year gets new lines",
        run: Run::Disturbed(rested),
    },
    Scenario { number: 24, title: "first start at the end of files", run: Run::Once(from_the_end) },
];

fn banner(site: &mut Site, times: usize) -> String {
    (0..times).for_each(|_| (0..80).for_each(|number| site.expect(line("banner", number))));
    let text: String = (0..80).map(|number| line("banner", number) + "\n").collect();
    assert!(text.len() > 4096);
    text
}

fn same_beginnings(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    let banner = banner(&mut site, 2);
    for name in ["a", "b"] {
        let text = banner.clone() + &site.lines(name, 200);
        site.append_bytes(&format!("{name}.log"), text);
    }
    site.meanwhile(|site| {
        site.append("a.log", "a", 300);
        site.append("b.log", "b", 300);
    });
    site.verify();
    for (name, count) in [("a", 500), ("b", 500)] {
        let messages = site.messages_of(&format!("{name}.log"));
        let own = messages.iter().filter(|message| message.starts_with(&format!("{name} "))).count();
        assert_eq!((messages.len(), own), (count + 80, count), "lines of {name}");
    }
    Ok(())
}

/// They are told from copies by growing as logs do: when they were seen for two seconds.
fn twins(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log"], disturbance);
    let mut written: Vec<String> = Vec::new();
    let write = |site: &mut Site, written: &mut Vec<String>| {
        let next = line("twin", written.len() as u64);
        for name in ["a.log", "b.log"] {
            site.append_bytes(name, next.clone() + "\n");
            site.expect(next.clone());
        }
        written.push(next);
    };
    for round in 0..60 {
        if round == 20 {
            site.meanwhile(|site| write(site, &mut written));
        } else {
            write(&mut site, &mut written);
        }
        site.pause(Duration::from_millis(50));
    }
    site.await_all();
    site.verify();
    for name in ["a.log", "b.log"] {
        assert_eq!(site.messages_of(name), written, "{name}");
    }
    Ok(())
}

/// An ext4 of its own gives the inode of a deleted file to the next one.
fn ext4(site: &Site) -> Result<Mount, String> {
    let image = site.cluster.path("ext4.img");
    Mount::ext4(&site.path("disk"), image.as_ref(), 32 << 20)
}

fn inode(site: &Site, name: &str) -> u64 {
    fs::metadata(site.path(name)).expect("it is there").ino()
}

fn created_again(disturbance: Disturbance) -> Outcome {
    let mut site = Site::new(&["disk/*.log"]).disturbed_by(disturbance);
    let disk = ext4(&site)?;
    site.start_both();
    for _ in 0..3 {
        site.append("disk/app.log", "app", 200);
        site.await_all();
        site.meanwhile(|site| {
            fs::remove_file(site.path("disk/app.log")).expect("it is there");
            site.append("disk/app.log", "app", 300);
        });
    }
    site.verify();
    site.stop_agent();
    drop(disk);
    Ok(())
}

fn same_inode_while_stopped() -> Outcome {
    let mut site = Site::new(&["disk/*.log"]);
    let disk = ext4(&site)?;
    site.start_both();
    site.append("disk/app.log", "old", 200);
    site.await_all();
    let before = inode(&site, "disk/app.log");
    site.stop_agent();
    fs::remove_file(site.path("disk/app.log")).expect("it is there");
    site.append("disk/app.log", "new", 500);
    if inode(&site, "disk/app.log") != before {
        return Err("this ext4 gave another inode".into());
    }
    site.start_agent();
    site.verify();
    site.stop_agent();
    drop(disk);
    Ok(())
}

fn backup() -> Outcome {
    let mut site = Site::start(&["app.*"]);
    site.append("app.log", "app", 300);
    site.await_all();
    let copied = Command::new("cp").arg("-p").args([site.path("app.log"), site.path("app.bak")]).status();
    assert!(copied.expect("cp runs").success());
    // Longer than a file of an unrelated name would be held back.
    for _ in 0..7 {
        site.pause(Duration::from_secs(1));
        site.await_sentinel();
    }
    site.account();
    assert_eq!(site.logged("looks like a copy"), 1, "one notice");
    // Somebody writes to it: it is a log of its own, and all of it is read.
    site.append("app.bak", "backup", 10);
    (1..=300).for_each(|number| site.expect(line("app", number)));
    site.verify();
    assert_eq!(site.messages_of("app.bak").len(), 310);
    Ok(())
}

fn links(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["*.log", "*.link"], disturbance);
    site.append("app.log", "app", 200);
    site.await_all();
    site.meanwhile(|site| {
        fs::hard_link(site.path("app.log"), site.path("hard.log")).expect("a link");
        symlink(site.path("app.log"), site.path("soft.link")).expect("a link");
        site.append("app.log", "app", 200);
    });
    site.append("hard.log", "app", 100);
    site.append("soft.link", "app", 100);
    site.verify();
    assert_eq!(site.messages_of("app.log").len(), 600, "under the name that was found first");
    Ok(())
}

fn retargeted(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["containers/*.log"], disturbance);
    for directory in ["containers", "pods"] {
        fs::create_dir(site.path(directory)).expect("writable");
    }
    let link = site.path("containers/x.log");
    site.append("pods/0.log", "x", 200);
    symlink(site.path("pods/0.log"), &link).expect("a link");
    site.await_all();
    for restarts in 1..=3 {
        site.meanwhile(|site| {
            site.append(&format!("pods/{}.log", restarts - 1), "x", 100);
            let target = format!("pods/{restarts}.log");
            site.append(&target, "x", 100);
            symlink(site.path(target), site.path("containers/x.new")).expect("a link");
            fs::rename(site.path("containers/x.new"), &link).expect("writable");
        });
        site.append(&format!("pods/{restarts}.log"), "x", 50);
        site.await_all();
    }
    site.verify();
    Ok(())
}

fn directory_again(disturbance: Disturbance) -> Outcome {
    let mut site = Site::start_disturbed(&["pod/*.log"], disturbance);
    for _ in 0..3 {
        fs::create_dir(site.path("pod")).expect("writable");
        site.append("pod/app.log", "app", 100);
        site.await_all();
        site.meanwhile(|site| {
            fs::remove_dir_all(site.path("pod")).expect("writable");
            fs::create_dir(site.path("pod")).expect("writable");
            site.append("pod/app.log", "app", 100);
        });
        site.await_all();
        fs::remove_dir_all(site.path("pod")).expect("writable");
    }
    site.verify();
    Ok(())
}

fn rested(disturbance: Disturbance) -> Outcome {
    let mut site = Site::new(&["*.log"]).disturbed_by(disturbance);
    // Fewer descriptors than files, so that it is closed, too.
    site.limits += "\nopen_files = 8";
    for number in 0..20 {
        site.append(&format!("{number}.log"), &format!("w{number}"), 10);
        let name = site.text(&format!("{number}.log"));
        assert!(
            Command::new("touch").args(["-d", "1 year ago", &name]).status().expect("touch runs").success()
        );
    }
    site.start_both();
    site.await_all();
    site.await_sentinel();
    site.meanwhile(|site| site.append("7.log", "w7", 10));
    site.append("7.log", "w7", 10);
    site.verify();
    Ok(())
}

fn from_the_end() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    site.keys += "\nstart = 'end'";
    site.append_bytes("old.log", "one that was there before\n".repeat(500));
    site.append_bytes("half.log", "whole\nhalf");
    site.start_both();
    // After its first scan, files are new.
    site.await_agent_start();
    site.await_sentinel();
    site.append("old.log", "old", 100);
    site.append_bytes("half.log", " a line\n");
    site.expect("half a line");
    site.append("new.log", "new", 100);
    site.verify();
    site.stop_agent();
    site.append("meanwhile.log", "meanwhile", 100);
    site.open("old.log").write_all(site.lines("old", 100).as_bytes()).expect("writable");
    site.start_agent();
    site.verify();
    Ok(())
}
