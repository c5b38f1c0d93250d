//! `collector/API.md` tells the truth: every command in it is run in the order of the text, against a collector without
//! documents, and gives what is written under it. `…` stands for anything; times that things took are left out.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use millpond_tests::cluster::Cluster;
use millpond_tests::eventually;

/// A command and what is written under it.
#[derive(Debug, PartialEq)]
struct Example {
    command: String,
    expected: String,
}

/// The examples of a document, in order: in its blocks of `sh`, each command and the lines up to the next.
fn examples(text: &str) -> Vec<Example> {
    let mut examples = Vec::new();
    for block in text.split("```sh\n").skip(1) {
        let mut lines = block.lines().take_while(|line| *line != "```");
        while let Some(line) = lines.next() {
            if !line.starts_with("curl ") {
                let example: &mut Example = examples.last_mut().expect("a block begins with a command");
                example.expected += &format!("{line}\n");
                continue;
            }
            let mut command = line.to_owned();
            let here = line.split_once("<<'").and_then(|(_, rest)| rest.split_once('\''));
            if let Some((end, _)) = here {
                for line in lines.by_ref() {
                    command += &format!("\n{line}");
                    if line == end {
                        break;
                    }
                }
            }
            examples.push(Example { command, expected: String::new() });
        }
    }
    examples
}

/// Whether a text is what is written, where `…` stands for anything.
fn agrees(text: &str, written: &str) -> bool {
    let (text, written) = (without_times(text), without_times(written));
    let mut parts = written.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The text with 0 for the milliseconds that something took.
fn without_times(text: &str) -> String {
    const NAME: &str = "\"took_ms\":";
    let mut parts = text.split(NAME);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += NAME;
        out += "0";
        out += part.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out
}

#[test]
fn the_reference_of_the_api_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../collector/API.md");
    let examples = examples(&fs::read_to_string(path).expect("API.md"));
    assert!(examples.len() >= 15, "only {} examples", examples.len());
    let mut cluster = Cluster::new();
    cluster.start_collector();
    let mut wrong = Vec::new();
    for Example { command, expected } in examples {
        // A live tail has no end; what it gives is tested with the endpoint.
        if command.starts_with("curl -sN") {
            continue;
        }
        let command = command.replace("127.0.0.1:7500", cluster.http_address());
        let output = Command::new("bash").args(["-c", &command]).output().expect("bash");
        let text = String::from_utf8(output.stdout).expect("UTF-8").replace("\r\n", "\n");
        let text = if text.ends_with('\n') { text } else { text + "\n" };
        if !agrees(&text, &expected) {
            wrong.push(format!("{command}\ngives\n{text}and not\n{expected}"));
        }
        if command.contains("/ingest") {
            eventually("the documents are visible", Duration::from_secs(10), || {
                cluster.client().count("").filter(|count| *count > 0)
            });
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_written_is_compared() {
    let rows = [
        ("abc", "abc", true),
        ("abc", "ab", false),
        ("abc", "a…", true),
        ("abc", "a…c", true),
        ("abc", "a…b", false),
        ("a1b2c", "a…b…c", true),
        ("{\"took_ms\":12,\"x\":1}", "{\"took_ms\":3,\"x\":1}", true),
        ("{\"took_ms\":12,\"x\":1}", "{\"took_ms\":3,\"x\":2}", false),
    ];
    for (text, written, expected) in rows {
        assert_eq!(agrees(text, written), expected, "{text} {written}");
    }
    let text = "```sh\ncurl a <<'X'\nline\nX\nout\ncurl b\n1\n2\n```\ntext\n```sh\ncurl c\n```\n";
    let found: Vec<_> = examples(text).into_iter().map(|one| (one.command, one.expected)).collect();
    let expected = [("curl a <<'X'\nline\nX", "out\n"), ("curl b", "1\n2\n"), ("curl c", "")];
    assert_eq!(found, expected.map(|(command, expected)| (command.to_owned(), expected.to_owned())));
}
