//! What the agent must not ship, and what it needs no rights for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, lchown, symlink};
use std::process::Command;

use millpond_tests::cluster::{Cluster, program};

use crate::limits::launched_by;
use crate::scenario::{Outcome, Run, Scenario};
use crate::site::Site;

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        number: 75,
        title: "an enrolment token used twice, expired, or with a wrong CA",
        run: Run::Once(wrong_authority),
    },
    Scenario { number: 76, title: "records in another agent's name", run: Run::Once(another_name) },
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

/// A token is of one collector: to another one that answers at its address, nothing is said.
fn wrong_authority() -> Outcome {
    let (issuer, mut other) = (Cluster::new(), Cluster::new());
    other.start_collector();
    let token = |cluster: &Cluster| {
        let config = cluster.path("collector/collector.toml");
        cluster.collector_command(&["enroll", "--config", &config, "--address", other.ingest_address()])
    };
    for (dir, of, is_taken) in [("wrong", &issuer, false), ("right", &other, true)] {
        let (dir, token) = (other.path(dir), token(of));
        let arguments = ["enroll", "--data-dir", &dir, "--token", token.trim()];
        let output = Command::new(program("millpond-agent")).args(arguments).output().expect("it is built");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_taken, "{said}");
        assert_eq!(fs::exists(format!("{dir}/agent.crt")).expect("readable"), is_taken);
        assert!(is_taken || said.contains("certificate"), "{said}");
    }
    Ok(())
}

/// Whether the lines or the configuration name it, an agent is who its certificate says.
fn another_name() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    site.keys = "format = 'json'".into();
    site.start_both();
    for text in ["first", "second"] {
        let line = format!("{{\"msg\":\"{text}\",\"agent.id\":\"other\",\"agent\":{{\"id\":\"other\"}}}}\n");
        site.append_bytes("app.log", line);
        site.expect(text);
    }
    site.verify();
    let mut agents = fs::read_dir(site.cluster.path("collector/agents")).expect("a directory").flatten();
    let id = agents.next().expect("one agent").file_name().into_string().expect("an id");
    assert_eq!(site.cluster.client().count("agent.id:other"), Some(0));
    assert!(site.documents().iter().all(|document| document["agent.id"] == id.as_str()));
    Ok(())
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
