//! `millpond login`: which address is kept, and where a token goes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::client::{client, collector, piped, prepared};

#[test]
fn login_keeps_an_address_for_nobody_else_to_read() {
    let cluster = collector();
    let address = format!("http://{}/", cluster.http_address());
    let without_url = |arguments: &[&str]| {
        let mut command = prepared(&cluster, &client());
        command.env_remove("MILLPOND_URL").args(arguments);
        command.output().unwrap()
    };
    assert_eq!(without_url(&["login", "127.0.0.1:9"]).status.code(), Some(2));
    let file = cluster.path("config/millpond/client.toml");
    assert!(!fs::exists(&file).unwrap(), "what doesn't answer is not kept");
    let token = cluster.path("token");
    fs::write(&token, "secret\n").unwrap();
    assert_eq!(without_url(&["login", &address, "--token", &token]).status.code(), Some(0));
    assert!(fs::read_to_string(&file).unwrap().contains("token = \"secret\""));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(without_url(&["search", "slow"]).status.code(), Some(0));
    assert_eq!(without_url(&["search", "nothing-like-this"]).status.code(), Some(1));
}

/// The address is one of those for examples: nothing may be sent there, and nothing answers.
#[test]
fn a_token_is_in_no_argument_goes_in_the_clear_nowhere_and_is_kept_only_when_it_is_given() {
    let cluster = collector();
    let token = cluster.path("token");
    fs::write(&token, "secret\n").unwrap();
    let run = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = prepared(&cluster, &client());
        let output = command.arg("login").args(arguments).envs(variables.iter().copied()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let own = ("MILLPOND_TOKEN", "secret");
    let proxy = ("http_proxy", "http://name:password@127.0.0.1:9");
    type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], i32, &'a str);
    let rows: [Row<'_>; 8] = [
        (&["192.0.2.1", "--token", &token], &[proxy], 2, "in the clear"),
        (&["192.0.2.1"], &[own, proxy], 2, "in the clear"),
        (&["192.0.2.1", "--token", &token, "--insecure-http"], &[proxy], 2, "by the proxy 127.0.0.1:9"),
        (&["192.0.2.1"], &[proxy], 2, "by the proxy 127.0.0.1:9"),
        (&[cluster.http_address(), "--token", "secret"], &[], 2, "--token takes a file"),
        (&[cluster.http_address(), "--token", "-"], &[], 2, "--token takes a file"),
        (&[cluster.http_address()], &[own, proxy], 0, "kept in"),
        (&[&cluster.http_address().replace("127.0.0.1", "LocalHost")], &[proxy], 0, "kept in"),
    ];
    for (arguments, variables, code, said) in rows {
        let (found, stderr) = run(arguments, variables);
        assert_eq!(found, Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(said) && !stderr.contains("secret"), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("password"), "{arguments:?}: {stderr}");
    }
    let file = cluster.path("config/millpond/client.toml");
    assert!(!fs::read_to_string(&file).unwrap().contains("secret"));
    fs::write(&file, "url = ").unwrap();
    let (code, _, stderr) = piped(&cluster, &["search", "slow"]);
    assert!(code == 2 && stderr.contains("client.toml"), "{stderr}");
    let (code, _, stderr) = piped(&cluster, &["--url", cluster.http_address(), "search", "slow"]);
    assert!(code == 0 && stderr.starts_with("note: ") && stderr.contains("client.toml"), "{stderr}");
}
