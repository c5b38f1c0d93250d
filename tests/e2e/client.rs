//! `millpond`, the client, as people and scripts use it: in a pipe and on a terminal, against a real collector.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use millpond_tests::client::Client;
use millpond_tests::cluster::{Cluster, program};
use millpond_tests::eventually;
use serde_json::Value;

/// What a hostile program may write into a log: it clears the screen, sets the title, turns the text around.
const HOSTILE: &str = "\\u001b[2J\\u001b]0;title\\u0007\\u009b1m\\u007f\\r\\u202e";

/// What a proxy is set, or kept off, by.
const PROXIES: [&str; 8] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// A collector with five documents, of which three are errors.
pub(crate) fn collector() -> Cluster {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let document = |second: u32, level: &str, service: &str, message: &str| {
        format!(
            r#"{{"@timestamp":"2026-11-20T10:00:0{second}Z","message":"{message}","log.level":"{level}","service.name":"{service}","host.name":"web-01","n":{second}}}"#
        )
    };
    let lines = [
        document(1, "error", "shop", "timeout after 5 s"),
        document(2, "info", "shop", "healthcheck"),
        document(3, "error", "cart", "two\\nlines"),
        document(4, "warn", "cart", "slow"),
        document(5, "error", HOSTILE, HOSTILE),
    ];
    ingest(&cluster.client(), &lines, 5);
    cluster
}

/// Sends lines, and waits until so many documents are found.
pub(crate) fn ingest(client: &Client, lines: &[String], count: u64) {
    let reply = client.post("/api/v1/ingest", &[], lines.join("\n").as_bytes());
    assert_eq!(reply.status, 200, "{}", reply.text);
    eventually("all documents are visible", Duration::from_secs(10), || {
        client.count("").filter(|seen| *seen == count)
    });
}

/// The client with an environment of its own.
pub(crate) fn prepared(cluster: &Cluster, program: &str) -> Command {
    let mut command = Command::new(program);
    for variable in ["NO_COLOR", "MILLPOND_TOKEN", "MILLPOND_CA"].into_iter().chain(PROXIES) {
        command.env_remove(variable);
    }
    command
        .env("MILLPOND_URL", cluster.http_address())
        .env("XDG_CONFIG_HOME", cluster.path("config"))
        .env("TZ", "UTC")
        .env("TERM", "xterm")
        .env("COLUMNS", "100")
        .stdin(Stdio::null());
    command
}

pub(crate) fn client() -> String {
    program("millpond").to_string_lossy().into_owned()
}

/// Runs the client with its output in pipes: exit code, standard output, standard error.
pub(crate) fn piped(cluster: &Cluster, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        prepared(cluster, &client()).args(arguments).output().expect("the client is built");
    let [stdout, stderr] = [stdout, stderr].map(|said| String::from_utf8(said).expect("UTF-8"));
    (status.code().unwrap_or(-1), stdout, stderr)
}

/// Runs the client on a terminal, that `script` of util-linux makes: exit code and all that the terminal got.
pub(crate) fn on_terminal(cluster: &Cluster, arguments: &[&str]) -> (i32, String) {
    let words = std::iter::once(client()).chain(arguments.iter().map(|word| (*word).to_owned()));
    let quoted: Vec<_> = words.map(|word| format!("'{}'", word.replace('\'', "'\\''"))).collect();
    let mut command = prepared(cluster, "script");
    let output = command.args(["-q", "-e", "-c", &quoted.join(" "), "/dev/null"]).output();
    let output = output.expect("script of util-linux");
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn commands_give_lines_of_json_and_exit_codes_to_scripts() {
    let cluster = collector();
    let pages = cluster.path("man");
    fs::create_dir(&pages).unwrap();
    let rows: [(&[&str], i32, &str, usize); 21] = [
        (&["search", "level:error", "service:shop"], 0, r#""message":"timeout after 5 s""#, 1),
        (&["search", "shop", "-healthcheck"], 0, "timeout", 1),
        (&["search", "-n", "2"], 0, r#"{"_id":"#, 2),
        (&["search", "nothing-like-this"], 1, "", 0),
        (&["search", "--until", "2026-11-20T10:00:03Z", "--order", "asc"], 0, "timeout", 2),
        (&["search", "level:error | stats count() n by service | sort -n | limit 1"], 0, r#""n":1"#, 1),
        (
            &["search", "slow", "-o", "csv", "--fields", "service,message"],
            0,
            "service,message\r\ncart,slow\r\n",
            2,
        ),
        (&["search", "slow", "-o", "csv", "--fields", "@timestamp,n"], 0, "@timestamp,n\r\n2026-11-20", 2),
        (&["search", "* | stats count() n by level | sort level", "-o", "csv"], 0, "error,3\r\n", 4),
        (&["search", "slow | stats max(n) z, min(n) a"], 0, r#"{"z":4,"a":4}"#, 1),
        (&["search", "slow", "-o", "raw"], 0, "slow\n", 1),
        (&["search", "slow", "-o", "table"], 0, "cart          slow\n", 2),
        (&["tail", "-n", "2"], 0, "slow", 2),
        (&["tail", "nothing-like-this"], 1, "", 0),
        (&["histogram", "level:error", "--step", "1h"], 0, r#""count":3"#, 1),
        (&["histogram", "nothing-like-this"], 1, "", 24),
        (&["top", "level"], 0, r#"{"value":"error","count":3}"#, 3),
        (&["fields", "log."], 0, r#""name":"log.level""#, 1),
        (&["values", "service", "CA"], 0, r#"{"value":"cart","count":2}"#, 1),
        (&["explain", "level:error"], 0, r#""matched":"#, 1),
        (&["man", &pages], 0, "", 0),
    ];
    for (arguments, code, part, lines) in rows {
        let (found_code, stdout, stderr) = piped(&cluster, arguments);
        assert_eq!(found_code, code, "{arguments:?}: {stderr}");
        assert!(stdout.contains(part), "{arguments:?}: {stdout}");
        if code == 0 || lines == 0 {
            assert_eq!(stdout.lines().count(), lines, "{arguments:?}: {stdout}");
        }
        assert!(!stdout.contains("_meta") && stderr.is_empty(), "{arguments:?}: {stdout} {stderr}");
    }
    assert!(fs::read_to_string(format!("{pages}/millpond-search.1")).unwrap().contains("since"));
    for shell in ["bash", "zsh", "fish"] {
        let (code, stdout, _) = piped(&cluster, &["completions", shell]);
        assert!(code == 0 && stdout.contains("histogram"), "{shell}");
    }
}

#[test]
fn a_pipe_gets_the_lines_as_the_api_gives_them() {
    let cluster = collector();
    let (_, stdout, _) = piped(&cluster, &["search"]);
    let body = cluster.client().get("/api/v1/query", &[]).text;
    let rows = body.split_inclusive('\n').filter(|line| !line.starts_with("{\"_meta\""));
    assert_eq!(stdout, rows.collect::<String>());
}

#[test]
fn no_escape_sequence_of_a_log_reaches_a_terminal() {
    let cluster = collector();
    let commands: [&[&str]; 16] = [
        &["search"],
        &["search", "-o", "table"],
        &["search", "-o", "raw"],
        &["search", "-o", "csv"],
        &["search", "-o", "ndjson"],
        &["tail", "-o", "ndjson"],
        &["export"],
        &["export", "--format", "csv"],
        &["export", "--format", "text"],
        &["search", "* | stats count() by service.name, message"],
        &["tail"],
        &["histogram", "--by", "service"],
        &["top", "service"],
        &["values", "message"],
        &["fields"],
        &["explain"],
    ];
    for arguments in commands {
        for color in ["always", "never"] {
            let (code, shown) = on_terminal(&cluster, &[&["--color", color], arguments].concat());
            assert_eq!(code, 0, "{arguments:?}: {shown}");
            // The terminal makes another carriage return of each line break, and CSV has one already.
            let mut rest = shown.replace("\r\r\n", "\n").replace("\r\n", "\n");
            if color == "always" {
                let codes =
                    ["0", "1", "2", "31", "32", "33", "34", "35", "36", "1;31", "91", "92", "94", "95"];
                for code in codes {
                    rest = rest.replace(&format!("\x1b[{code}m"), "");
                }
            }
            let left: Vec<char> = rest
                .chars()
                .filter(|c| !matches!(c, '\n' | '\t') && c.is_control() || *c == '\u{202e}')
                .collect();
            assert!(left.is_empty(), "{arguments:?}: {left:?} in {rest:?}");
            let is_hidden = matches!(arguments[0], "fields" | "explain");
            let escaped = if rest.starts_with('{') { "\\u001b[" } else { "\\x1b[" };
            assert!(is_hidden || rest.contains(escaped), "{arguments:?}: {rest}");
            let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok();
            assert!(!rest.starts_with('{') || rest.lines().all(is_json), "{arguments:?}: {rest}");
        }
    }
    let (_, shown) = on_terminal(&cluster, &["search", "timeout"]);
    let line = "\x1b[2m2026-11-20 10:00:01.000\x1b[0m \x1b[31merror\x1b[0m \x1b[2mweb-01 shop:\x1b[0m timeout after 5 s \x1b[2mn=1\x1b[0m\r\n";
    assert_eq!(shown, line);
    let (code, shown) = on_terminal(&cluster, &["--color", "never", "search", "lines"]);
    assert_eq!(
        (code, shown.as_str()),
        (0, "2026-11-20 10:00:03.000 error web-01 cart: two\r\n    lines n=3\r\n")
    );
}

#[test]
fn mistakes_are_told_with_their_place() {
    let cluster = collector();
    let rows: [(&[&str], i32, &[&str]); 9] = [
        (&["top", "5", "service.name"], 2, &["for 5 values write -n 5"]),
        (&["search", "level:[1 TO"], 2, &["error: ", "  level:[1 TO\n", "^"]),
        (&["search", "x | statz"], 2, &["  x | statz\n      ^^^^^\n", "hint: "]),
        (&["search", "servce.name:shop"], 1, &["note: ", "Did you mean `service.name`?"]),
        (&["search", "--since", "someday"], 2, &["`someday` is no time"]),
        (&["search", "--sicne", "1h"], 2, &["--since"]),
        (&["tail", "-f", "x | sort n"], 2, &["error: "]),
        (&["export", "--resume"], 2, &["--output-file"]),
        (&["--url", "127.0.0.1:9", "search"], 2, &["no answer from http://127.0.0.1:9: connection refused"]),
    ];
    for (arguments, code, parts) in rows {
        let (found, stdout, stderr) = piped(&cluster, arguments);
        assert_eq!((found, stdout.as_str()), (code, ""), "{arguments:?}: {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{arguments:?}: {stderr}");
    }
}

#[test]
fn the_neighbours_of_a_document_are_shown_and_itself_is_marked() {
    let cluster = collector();
    let (_, stdout, _) = piped(&cluster, &["search", "healthcheck"]);
    let found: Value = serde_json::from_str(&stdout).unwrap();
    let id = found["_id"].as_str().unwrap();
    let rows: [(&[&str], &[u64]); 5] = [
        (&[id], &[1, 2, 3, 4, 5]),
        (&[id, "-A1", "-B", "0"], &[2, 3]),
        (&[id, "-A", "1", "-B1", "service:cart"], &[2, 3]),
        (&[id, "-B0", "-A9", "-slow", "--scope", "all"], &[2, 3, 5]),
        (&["98ea00000000000000000000000000ff"], &[]),
    ];
    for (arguments, expected) in rows {
        let (code, stdout, stderr) = piped(&cluster, &[&["context"], arguments].concat());
        let numbers: Vec<_> = stdout
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["n"].as_u64().unwrap())
            .collect();
        assert_eq!(
            (code, numbers.as_slice()),
            (i32::from(expected.is_empty()), expected),
            "{arguments:?}: {stderr}"
        );
    }
    let (code, shown) = on_terminal(&cluster, &["--color", "never", "context", id, "-A", "1", "-B", "1"]);
    let expected = "  2026-11-20 10:00:01.000 error web-01 shop: timeout after 5 s n=1\r\n\
                    > 2026-11-20 10:00:02.000 info  web-01 shop: healthcheck n=2\r\n\
                    \x20 2026-11-20 10:00:03.000 error web-01 cart: two\r\n    lines n=3\r\n";
    assert_eq!((code, shown.as_str()), (0, expected));
    let (code, _, stderr) = piped(&cluster, &["context", "no-id"]);
    assert!(code == 2 && stderr.contains("error: "), "{stderr}");
}

#[test]
fn a_slow_reader_gets_all_rows() {
    let mut cluster = Cluster::new();
    cluster.edit_config("collector/collector.toml", "query_timeout = \"30s\"", "query_timeout = \"1s\"");
    cluster.start_collector();
    let rows = 12_000;
    let lines: Vec<_> =
        (0..rows).map(|n| format!(r#"{{"message":"line {n} {}"}}"#, "x".repeat(2_000))).collect();
    for lines in lines.chunks(4_000) {
        let reply = cluster.client().post("/api/v1/ingest", &[], lines.join("\n").as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    eventually("all documents are visible", Duration::from_secs(30), || {
        cluster.client().count("").filter(|seen| *seen == rows)
    });
    let mut command = prepared(&cluster, &client());
    command.args(["search", "-n", "20000"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut read = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    read.read_line(&mut line).unwrap();
    let began = Instant::now();
    eventually("the time for a query is over", Duration::from_secs(30), || {
        (began.elapsed() > Duration::from_secs(2)).then_some(())
    });
    let lines: Vec<_> = std::iter::once(line).chain(read.lines().map(Result::unwrap)).collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    assert_eq!(lines.len(), 12_000);
    let ids: HashSet<_> = lines.iter().map(|line| line.get(..50)).collect();
    assert_eq!(ids.len(), lines.len(), "none comes twice");
}

#[test]
fn a_closed_output_ends_it_quietly() {
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let lines: Vec<_> =
        (0..3_000).map(|n| format!(r#"{{"message":"line {n} {}"}}"#, "x".repeat(500))).collect();
    ingest(&cluster.client(), &lines, 3_000);
    let mut child = prepared(&cluster, &client())
        .args(["search", "-n", "3000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(line.contains("line 2999"), "{line}");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
