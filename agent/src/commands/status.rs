//! `status`: what the agent does, for people, or as JSON. Asks the running agent; where none answers, shows what
//! `status.json` says and how old that is.

use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use millpond_agent::serve::client;
use millpond_agent::ship::board::{CollectorState, Reach};
use millpond_agent::state_dir;
use millpond_agent::status::{FILE_NAME, FileReport, Report};
use millpond_wire::batch::write_rfc3339;

use super::{EXIT_UNAVAILABLE, EXIT_USAGE, data_dir, failed, print};

/// Counters that mean trouble when they aren't zero; the others are shown after them.
const TROUBLE: [&str; 18] = [
    "stalled_files",
    "dead_letters",
    "batches_refused",
    "truncated_unread_bytes",
    "vanished_unread_bytes",
    "late_writes_unwatched",
    "read_errors",
    "checkpoint_errors",
    "config_reload_failures",
    "unreadable_files",
    "files_over_limit",
    "binary_files",
    "truncated_lines",
    "invalid_utf8_lines",
    "unparsed_lines",
    "unfinished_lines",
    "nul_bytes_skipped",
    "retries",
];

pub(crate) async fn status(config: &Path, is_json: bool) -> ExitCode {
    let Some(directory) = data_dir(config) else {
        return failed(&format!("{}: can't be read; see --config", config.display()), EXIT_USAGE);
    };
    let answer = client::get(&directory, "/status").await;
    let (bytes, code) = match &answer {
        Ok(bytes) => (bytes.to_vec(), ExitCode::SUCCESS),
        Err(error) => {
            let code = ExitCode::from(EXIT_UNAVAILABLE);
            let path = directory.join(FILE_NAME);
            let what = match state_dir::is_in_use(&directory) {
                true => {
                    format!("an agent is running with {} and doesn't answer ({error})", directory.display())
                }
                false => format!("no agent is running with {}", directory.display()),
            };
            match std::fs::read(&path) {
                Ok(bytes) => {
                    tracing::warn!("{what}; this is {}, last written {}", path.display(), age_of(&bytes));
                    (bytes, code)
                }
                Err(_) => return failed(&what, EXIT_UNAVAILABLE),
            }
        }
    };
    match serde_json::from_slice::<Report>(&bytes) {
        Ok(_) if is_json => print(&format!("{}\n", String::from_utf8_lossy(&bytes).trim_end())),
        Ok(report) => print(&table(&report, now_s())),
        Err(error) => return failed(&format!("the status isn't of this version: {error}"), EXIT_UNAVAILABLE),
    }
    code
}

fn now_s() -> i64 {
    let age = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(age.as_secs()).unwrap_or(i64::MAX)
}

fn age_of(report: &[u8]) -> String {
    let written = serde_json::from_slice::<Report>(report).unwrap_or_default().written_unix_s;
    ago(written, now_s())
}

fn ago(time_s: i64, now_s: i64) -> String {
    format!("{} ({} s ago)", date(time_s), now_s.saturating_sub(time_s))
}

fn date(time_s: i64) -> String {
    let mut text = Vec::new();
    write_rfc3339(time_s.saturating_mul(1_000_000_000), &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn table(report: &Report, now_s: i64) -> String {
    let mut out = String::new();
    let state = if report.degraded.is_empty() { "ok" } else { "degraded" };
    let _ = writeln!(out, "agent {}, pid {}: {state}", report.version, report.pid);
    for reason in &report.degraded {
        let _ = writeln!(out, "  ! {reason}");
    }
    connection(report, now_s, &mut out);
    let (files, bytes, seconds) = (report.files_followed, report.lag_bytes, report.lag_seconds);
    let _ = writeln!(
        out,
        "files      {files} followed, {bytes} bytes not acknowledged, the oldest {seconds} s old"
    );
    counters(report, &mut out);
    let rows = report.files.iter().map(row);
    let head = ["PATH", "GENERATION", "SIZE", "OFFSET", "LAG", "AGE", "FORMAT", "HITS", "STATE"];
    columns(std::iter::once(head.map(str::to_owned)).chain(rows).collect(), &mut out);
    if report.files.len() < report.files_followed {
        let _ = writeln!(out, "… and {} more", report.files_followed - report.files.len());
    }
    if !report.not_followed.is_empty() {
        out.push_str("\nnot followed (`explain` says what to do):\n");
    }
    for (path, reason) in &report.not_followed {
        let _ = writeln!(out, "  {path}: {reason}");
    }
    out
}

fn connection(report: &Report, now_s: i64, out: &mut String) {
    for collector in &report.collectors {
        of_collector(collector, now_s, out);
    }
    let config = &report.config;
    let _ = writeln!(out, "config     {}, in force since {}", config.path, ago(config.loaded_unix_s, now_s));
}

fn of_collector(collector: &CollectorState, now_s: i64, out: &mut String) {
    let state = match collector.state {
        Reach::NotTried => "not tried yet",
        Reach::Answers => "connected",
        Reach::Fails => "not connected",
    };
    let since = collector.since_unix_s.map(|time_s| format!(" since {}", ago(time_s, now_s)));
    let (name, address) = (&collector.name, &collector.address);
    let _ = writeln!(out, "collector  {name}, {address}: {state}{}", since.unwrap_or_default());
    let acknowledged = collector.last_acknowledged_unix_s.map(|time_s| ago(time_s, now_s));
    let _ =
        writeln!(out, "           last acknowledgement {}", acknowledged.as_deref().unwrap_or("none yet"));
    if let (Some(error), Some(time_s)) = (&collector.last_error, collector.last_error_unix_s) {
        let _ = writeln!(out, "           last error {}: {error}", ago(time_s, now_s));
    }
    if let Some(ends_s) = collector.certificate_ends_unix_s {
        let days = ends_s.saturating_sub(now_s).div_euclid(24 * 3600);
        let _ = writeln!(out, "           certificate ends {} ({days} days left)", date(ends_s));
    }
    if let Some(error) = &collector.renewal_error {
        let _ = writeln!(out, "           certificate not renewed: {error}");
    }
}

fn counters(report: &Report, out: &mut String) {
    let list = |is_trouble: bool| {
        let of_kind = report
            .counters
            .iter()
            .filter(|(name, value)| **value > 0 && TROUBLE.contains(&name.as_str()) == is_trouble);
        let mut list: Vec<_> = of_kind.collect();
        list.sort_by_key(|(name, _)| TROUBLE.iter().position(|trouble| trouble == name));
        list.into_iter().map(|(name, value)| format!(" {name}={value}")).collect::<String>()
    };
    let (trouble, rest) = (list(true), list(false));
    if !trouble.is_empty() {
        let _ = writeln!(out, "trouble   {trouble}");
    }
    let _ = writeln!(out, "counts    {rest}\n");
}

fn row(file: &FileReport) -> [String; 9] {
    let state = match (&file.stalled, &file.last_error) {
        (Some(reason), _) => format!("stalled: {reason}"),
        (None, Some(error)) => format!("{}; {error}", file.state),
        (None, None) => file.state.clone(),
    };
    [
        file.path.clone(),
        file.stream.chars().take(8).collect(),
        file.size_bytes.to_string(),
        file.acknowledged_offset.to_string(),
        file.lag_bytes.to_string(),
        format!("{}s", file.lag_seconds),
        file.format.clone().unwrap_or_else(|| "-".into()),
        file.format_hits_percent.map_or_else(|| "-".into(), |percent| format!("{percent}%")),
        state,
    ]
}

/// Columns under each other; control characters in names of files don't reach the terminal.
fn columns(rows: Vec<[String; 9]>, out: &mut String) {
    let printable =
        |text: &String| text.chars().map(|c| if c.is_control() { '?' } else { c }).collect::<String>();
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(printable).collect()).collect();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..9).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(index, (cell, width))| {
            // Numbers end under each other.
            if (2..6).contains(&index) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trouble_comes_first_and_lag_is_shown() {
        let mut report =
            Report { files_followed: 1, degraded: vec!["no collector".into()], ..Report::default() };
        report.counters = [("lines_read", 5), ("read_errors", 2), ("stalled_files", 1), ("renames", 0)]
            .map(|(name, value)| (name.to_owned(), value))
            .into();
        report.files = vec![FileReport {
            path: "/l/a\u{1b}.log".into(),
            stream: "0123456789abcdef".into(),
            lag_bytes: 77,
            lag_seconds: 9,
            stalled: Some("EIO".into()),
            ..FileReport::default()
        }];
        let text = table(&report, 100);
        for expected in [
            ": degraded\n  ! no collector\n",
            "trouble    stalled_files=1 read_errors=2\ncounts     lines_read=5\n",
            "/l/a?.log  01234567       0       0   77   9s  -       -     stalled: EIO\n",
        ] {
            assert!(text.contains(expected), "{expected} is not in\n{text}");
        }
    }
}
