//! What the agent must not ship, and what it needs no rights for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};

use crate::limits::launched_by;
use crate::scenario::{Outcome, Run, Scenario};
use crate::site::Site;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 77,
        title: "a link to a file that its owner can not read",
        run: Run::Once(planted_link),
    },
    Scenario { number: 78, title: "an agent that is not root", run: Run::Once(few_rights) },
];

/// Somebody without rights: `nobody` on most systems.
const NOBODY: u32 = 65_534;

fn as_root() -> Outcome {
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err("only root can give files away".into()) }
}

fn set_mode(site: &Site, name: &str, mode: u32) {
    fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode)).expect("it is ours");
}

fn planted_link() -> Outcome {
    as_root()?;
    let mut site = Site::start(&["open/*.log"]);
    fs::create_dir(site.path("open")).expect("writable");
    fs::write(site.path("shadow"), "root:secret\n").expect("writable");
    set_mode(&site, "shadow", 0o600);
    symlink(site.path("shadow"), site.path("open/planted.log")).expect("a link");
    lchown(site.path("open/planted.log"), Some(NOBODY), Some(NOBODY)).expect("root may");
    // One of their own is followed.
    site.append("theirs", "theirs", 10);
    chown(site.path("theirs"), Some(NOBODY), Some(NOBODY)).expect("root may");
    symlink(site.path("theirs"), site.path("open/theirs.log")).expect("a link");
    lchown(site.path("open/theirs.log"), Some(NOBODY), Some(NOBODY)).expect("root may");
    site.append("open/app.log", "app", 10);
    site.await_all();
    site.await_sentinel();
    site.verify();
    assert_eq!(site.logged("planted.log"), 1, "one warning");
    Ok(())
}

fn few_rights() -> Outcome {
    as_root()?;
    let mut site = Site::new(&["*.log"]);
    const READS_ALL: &str = "+dac_read_search";
    let (inherited, ambient) = (format!("--inh-caps={READS_ALL}"), format!("--ambient-caps={READS_ALL}"));
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    launched_by(&mut site, &["setpriv", user[0], user[1], user[2], &inherited, &ambient])?;
    site.append("app.log", "app", 10);
    set_mode(&site, "app.log", 0o600);
    site.cluster.start_collector();
    site.enroll();
    let directory = site.cluster.path("agent");
    for entry in fs::read_dir(&directory).expect("a directory").flatten() {
        chown(entry.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
    }
    chown(&directory, Some(NOBODY), Some(NOBODY)).expect("root may");
    site.start_agent();
    site.append("app.log", "app", 10);
    site.verify();
    site.restart_agent();
    site.append("app.log", "app", 10);
    site.verify();
    Ok(())
}
