//! Promise 6: an agent is who its certificate says; tokens are good for once; nobody else gets in.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use millpond_tests::cluster::{Cluster, program};

/// Tries to enrol; returns success and what was said on stderr.
fn enroll(cluster: &Cluster, dir: &str, token: &str) -> (bool, String) {
    let output = Command::new(program("millpond-agent"))
        .args(["enroll", "--data-dir", &cluster.path(dir), "--token", token])
        .output()
        .expect("the agent is built");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn tokens_are_good_for_one_agent() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let token = cluster.join_token();
    let (enrolled, said) = enroll(&cluster, "a1", &token);
    assert!(enrolled, "{said}");

    let mut forged = token.clone().into_bytes();
    let at = forged.len() / 2;
    forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    let config = cluster.path("collector/collector.toml");
    let short_lived = cluster.collector_command(&[
        "enroll",
        "--config",
        &config,
        "--ttl",
        "1ms",
        "--address",
        cluster.ingest_address(),
    ]);
    for (what, token) in
        [("used", token.as_str()), ("forged", &forged), ("expired", short_lived.trim()), ("no", "x")]
    {
        let dir = format!("refused-{what}");
        let (enrolled, said) = enroll(&cluster, &dir, token);
        assert!(!enrolled, "a {what} token was taken");
        assert!(!said.trim().is_empty(), "a {what} token is refused with a reason");
        assert!(fs::metadata(cluster.path(&format!("{dir}/agent.crt"))).is_err(), "{what}");
    }

    let key = fs::metadata(cluster.path("a1/agent.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
}

#[test]
fn another_id_is_not_taken_by_accident() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let enroll = |arguments: &[&str]| {
        let output = Command::new(program("millpond-agent"))
            .args(["enroll", "--data-dir", &cluster.path("a1"), "--token", &cluster.join_token()])
            .args(arguments)
            .output()
            .expect("the agent is built");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let key = || fs::read(cluster.path("a1/agent.key")).unwrap();
    assert_eq!(enroll(&["--name", "one"]).0, Some(0));
    let first = key();
    let (code, said) = enroll(&["--name", "two"]);
    assert_eq!((code, said.contains("is enrolled as `one`, not as `two`")), (Some(64), true), "{said}");
    // Without a name it asks for its own, which needs a token made for it.
    let (code, said) = enroll(&[]);
    assert_eq!((code, said.contains("has an agent `one` already")), (Some(69), true), "{said}");
    assert!(key() == first, "the key was touched");
    assert_eq!(enroll(&["--name", "two", "--force"]).0, Some(0));
    assert!(key() != first);
}

#[test]
fn the_agents_port_talks_to_nobody_without_a_certificate() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    // Not even TLS: a plain request gets no HTTP answer.
    let mut plain = TcpStream::connect(cluster.ingest_address()).unwrap();
    plain.write_all(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    let _ = plain.read_to_end(&mut heard);
    assert!(!heard.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&heard));
}

#[test]
fn init_refuses_a_directory_that_has_a_collector() {
    let cluster = Cluster::new();
    let before = fs::read(cluster.path("collector/collector.toml")).unwrap();
    let again = Command::new(program("millpond-collector"))
        .args(["init", "--data-dir", &cluster.path("collector")])
        .output()
        .unwrap();
    assert!(!again.status.success());
    assert_eq!(fs::read(cluster.path("collector/collector.toml")).unwrap(), before);
}
