//! What `explain` says: which parts of the store were searched, what it cost, where each pipe ran. Fields that an
//! answer doesn't have are left out, so that a newer or older collector can be asked. Pure.

use serde_json::Value;

use super::{Look, count};
use crate::escape;
use crate::row;
use crate::style::Style;

/// Widest title.
const TITLE_WIDTH: usize = 10;

/// The answer of `/api/v1/explain` for people.
pub(crate) fn plan(answer: &Value, look: &Look) -> String {
    let mut out = String::new();
    let mut line = |title: &str, text: &str| {
        if !text.is_empty() {
            look.palette.push(Style::Bold, &format!("{title:TITLE_WIDTH$}"), &mut out);
            out.push_str(&format!(" {}\n", escape::line(text)));
        }
    };
    line("query", &row::text(&answer["canonical"]));
    line("filter", &row::text(&answer["filter"]));
    for pipe in answer["pipes"].as_array().into_iter().flatten() {
        let place = match pipe["runs"].as_str() {
            Some("store") => "in the store, on columns",
            Some("rows") => "row by row",
            Some("table") => "on the table",
            other => other.unwrap_or_default(),
        };
        line("pipe", &format!("{} ({place})", row::text(&pipe["pipe"])));
    }
    line("splits", &splits(&answer["splits"]));
    if let Some([searched, matched]) = numbers(&answer["documents"], ["searched", "matched"]) {
        line("documents", &format!("{} searched, {} matched", count(searched), count(matched)));
    }
    if let Some(scanned) = answer["scanned_bytes"].as_u64() {
        line("read", &bytes(scanned));
    }
    line("took", &took(answer));
    if answer["approximate"] == true {
        line("note", "values that are not exact are among the result: percentiles are within 1 %");
    }
    out
}

fn numbers<const N: usize>(value: &Value, names: [&str; N]) -> Option<[u64; N]> {
    let found = names.map(|name| value[name].as_u64());
    found.iter().all(Option::is_some).then(|| found.map(Option::unwrap_or_default))
}

fn splits(value: &Value) -> String {
    let names = ["total", "outside_time", "ruled_out", "searched"];
    let Some([total, outside_time, ruled_out, searched]) = numbers(value, names) else {
        return String::new();
    };
    format!(
        "{searched} of {total} searched; {outside_time} outside the time, {ruled_out} ruled out by their terms"
    )
}

fn took(answer: &Value) -> String {
    let Some(took_ms) = answer["took_ms"].as_f64() else { return String::new() };
    let stage =
        |stage: &Value| Some(format!("{} {} ms", stage["name"].as_str()?, round(stage["ms"].as_f64()?)));
    let stages: Vec<_> = answer["stages"].as_array().into_iter().flatten().filter_map(stage).collect();
    let stages = if stages.is_empty() { String::new() } else { format!(": {}", stages.join(", ")) };
    format!("{} ms{stages}", round(took_ms))
}

/// To a hundredth, without zeros at the end.
fn round(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number of bytes in a unit of thousands.
pub(crate) fn bytes(number: u64) -> String {
    let units = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match units.into_iter().find(|(unit, _)| number >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", number / unit, number % unit * 10 / unit),
        None => format!("{number} B"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plans() {
        let answer = json!({
            "canonical": "log.level:error | stats count() by host.name | limit 2",
            "filter": "log.level:error",
            "pipes": [{"pipe": "stats count() by host.name", "runs": "store"}, {"pipe": "limit 2", "runs": "table"}],
            "splits": {"total": 40, "outside_time": 20, "ruled_out": 8, "searched": 12},
            "documents": {"searched": 56_789, "matched": 1_234},
            "scanned_bytes": 12_345_678,
            "took_ms": 5,
            "stages": [{"name": "parse", "ms": 0.126}, {"name": "search", "ms": 4.0}],
            "partial": false,
            "approximate": true,
        });
        let expected = "query      log.level:error | stats count() by host.name | limit 2\n\
                        filter     log.level:error\n\
                        pipe       stats count() by host.name (in the store, on columns)\n\
                        pipe       limit 2 (on the table)\n\
                        splits     12 of 40 searched; 20 outside the time, 8 ruled out by their terms\n\
                        documents  56,789 searched, 1,234 matched\n\
                        read       12.3 MB\n\
                        took       5 ms: parse 0.13 ms, search 4 ms\n\
                        note       values that are not exact are among the result: percentiles are within 1 %\n";
        assert_eq!(plan(&answer, &Look::plain(None)), expected);
        assert_eq!(plan(&json!({"canonical": "\u{1b}[2J"}), &Look::plain(None)), "query      \\x1b[2J\n");
        assert_eq!(plan(&json!(null), &Look::plain(None)), "");
    }

    #[test]
    fn sizes() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (1_550_000, "1.5 MB"),
            (u64::MAX, "18446744073.7 GB"),
        ];
        for (number, expected) in rows {
            assert_eq!(bytes(number), expected);
        }
    }
}
