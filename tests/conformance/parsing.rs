//! What is made of lines: patterns that take long, and times that leave something out or can't be.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::limits::on_its_own_clock;
use crate::scale::processor_time;
use crate::scenario::{Outcome, Run, Scenario};
use crate::site::{Site, message};

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario { number: 70, title: "an evil regular expression", run: Run::Once(evil_pattern) },
    Scenario { number: 71, title: "times without a year", run: Run::Once(yearless) },
    Scenario { number: 72, title: "times in the future", run: Run::Once(future) },
];

/// Central Europe, as POSIX writes it: no database is needed.
const ZONE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// Most of a message, as `wire/src/limits.rs` has it.
const LINE_BYTES: usize = 1 << 20;

fn evil_pattern() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    // The first takes exponential time where a search goes back, the second quadratic time where each find looks ahead.
    const PATTERNS: &str = "{ nested = '(x+x+)+y', ahead = '.*[^A-Z]|[A-Z]' }";
    site.limits +=
        &format!("\n[[process]]\nwhen = 'log.file.path:*evil.log'\nredact = {{ regex = {PATTERNS} }}");
    site.start_both();
    site.append("app.log", "app", 10);
    site.await_all();
    let before = processor_time(&site);
    site.append_bytes("evil.log", "x".repeat(LINE_BYTES) + "\n" + &"A".repeat(LINE_BYTES) + "\nend\n");
    for _ in 0..2 {
        site.expect("[ahead]");
    }
    // 256 searches of a mebibyte each; what is left is masked as one.
    site.expect("[ahead]".repeat(257));
    site.append("app.log", "app", 10);
    site.verify();
    let took = processor_time(&site) - before;
    assert!(took < Duration::from_secs(30), "it took {took:?}");
    Ok(())
}

/// What `date` says, by Central European rules.
fn date(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("date").env("TZ", ZONE).args(arguments).output();
    let output = output.map_err(|error| format!("date: {error}"))?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn number(text: &str) -> i64 {
    text.parse().expect("a number")
}

/// The messages of all documents, each with its time.
fn times(site: &Site) -> BTreeMap<String, String> {
    let documents = site.documents();
    let pair =
        |document: &Value| Some((message(document).to_owned(), document["@timestamp"].as_str()?.to_owned()));
    documents.iter().filter_map(pair).collect()
}

/// The agent's clock says that the new year has begun five seconds ago.
fn yearless() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    site.keys = String::new();
    let set_clock = on_its_own_clock(&mut site, &format!("TZ={ZONE}"))?;
    let year = number(&date(&["+%Y"])?);
    let new_year = date(&["-d", &format!("{}-01-01 00:00:05", year + 1), "+%s"])?;
    set_clock(&format!("+{}", number(&new_year) - number(&date(&["+%s"])?)));
    site.cluster.edit_config("collector/collector.toml", "\"30d\"\n\n[storage]", "\"3650d\"\n\n[storage]");
    let leap_year = (0..=year).rev().find(|year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let leap_year = leap_year.expect("year 0 is one");
    // The last Sunday of October, when an hour comes twice.
    let sunday = 31 - number(&date(&["-d", &format!("{year}-10-31"), "+%w"])?);
    let rows = [
        ("Dec 31 23:59:59".into(), "last year", format!("{year}-12-31T22:59:59Z")),
        ("Jan  1 00:00:03".into(), "this year", format!("{year}-12-31T23:00:03Z")),
        ("Feb 29 12:00:00".into(), "leap day", format!("{leap_year}-02-29T11:00:00Z")),
        (format!("Oct {sunday} 01:59:59"), "before the hour", format!("{year}-10-{}T23:59:59Z", sunday - 1)),
        (format!("Oct {sunday} 02:30:00"), "in the hour", format!("{year}-10-{sunday}T00:30:00Z")),
        (format!("Oct {sunday} 03:00:00"), "after the hour", format!("{year}-10-{sunday}T02:00:00Z")),
    ];
    for (time, text, _) in &rows {
        site.append_bytes("syslog.log", format!("<13>{time} host app[1]: {text}\n"));
        site.expect(*text);
    }
    site.start_both();
    site.verify();
    let expected = rows.map(|(_, text, time)| (text.to_owned(), time));
    assert_eq!(times(&site), BTreeMap::from(expected));
    Ok(())
}

fn future() -> Outcome {
    let mut site = Site::new(&["*.log"]);
    site.keys = String::new();
    site.start_both();
    let soon = date(&["-u", "-d", "+12 hours", "+%FT%TZ"])?;
    let later = date(&["-u", "-d", "+36 hours", "+%FT%TZ"])?;
    let rows =
        [(soon, Value::Null), (later, json!(["future"])), ("2199-12-31T23:59:59Z".into(), json!(["future"]))];
    for (time, _) in &rows {
        let text = format!("of {time}");
        site.append_bytes("app.log", json!({ "time": time, "msg": text }).to_string() + "\n");
        site.expect(text);
    }
    site.verify();
    let documents = site.documents();
    let found: Vec<_> = documents
        .iter()
        .map(|document| (message(document), &document["@timestamp"], &document["log.flags"]))
        .collect();
    for (time, flags) in &rows {
        let text = format!("of {time}");
        assert!(found.contains(&(&text, &json!(time), flags)), "{text} in {found:?}");
    }
    Ok(())
}
