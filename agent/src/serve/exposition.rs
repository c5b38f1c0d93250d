//! A report as Prometheus reads it (text format 0.0.4). Every counter of the agent is here under its own name with
//! `_total`; no file is named. Pure.

use std::fmt::Write;

use super::process::Usage;
use crate::metrics::Counters;
use crate::ship::board::Reach;
use crate::status::Report;

const PREFIX: &str = "millpond_agent";

/// Writes all figures. `is_answering`: the tailer has answered; else its gauges are left out.
pub(super) fn write(report: &Report, is_answering: bool, usage: &Usage) -> String {
    let mut out = String::new();
    for (name, help) in Counters::DESCRIPTIONS {
        let value = report.counters.get(*name).copied().unwrap_or_default();
        figure(&mut out, &format!("{name}_total"), "counter", help.trim(), value as f64);
    }
    let flag = |truth: bool| if truth { 1.0 } else { 0.0 };
    let mut gauge = |name: &str, help: &str, value: f64| figure(&mut out, name, "gauge", help, value);
    gauge("tailer_answering", "1 when the tailer has answered this request in time.", flag(is_answering));
    let collectors = &report.collectors;
    let connected = collectors.iter().filter(|collector| collector.state == Reach::Answers).count();
    gauge("collectors", "Collectors in the configuration.", collectors.len() as f64);
    gauge("collectors_connected", "Those that have answered the last request to them.", connected as f64);
    let failures = collectors.iter().map(|collector| collector.failures).max().unwrap_or_default();
    gauge(
        "delivery_failures",
        "Failed requests in a row, to the collector that fails most.",
        f64::from(failures),
    );
    if let Some(time) = collectors.iter().filter_map(|collector| collector.last_acknowledged_unix_s).max() {
        gauge("last_acknowledged_timestamp_seconds", "When a collector last took a batch.", time as f64);
    }
    if is_answering {
        let queue = &report.queue;
        gauge(
            "degraded",
            "1 when the status names something that is wrong.",
            flag(!report.degraded.is_empty()),
        );
        gauge("files_followed", "Files that are followed.", report.files_followed as f64);
        gauge("files_waiting", "Files that wait to be read.", queue.files_waiting as f64);
        let stalled = report.files.iter().filter(|file| file.stalled.is_some()).count();
        gauge("files_stalled", "Files with unread lines that make no progress.", stalled as f64);
        gauge("lag_bytes", "Bytes of files that the collector hasn't acknowledged.", report.lag_bytes as f64);
        gauge("lag_seconds", "Age of the oldest of these bytes.", report.lag_seconds as f64);
        gauge("queue_lines", "Lines in the batch that is being filled.", queue.lines_gathered as f64);
        let batches = queue.batches_ready + queue.batches_in_flight;
        gauge("queue_batches", "Batches that wait to be sent or to be answered.", batches as f64);
        gauge(
            "reading_paused",
            "1 while nothing is read until the collector takes more.",
            flag(queue.is_held_up),
        );
    }
    if let Some(time) = report.certificate_ends_unix_s {
        gauge("certificate_not_after_seconds", "End of the agent's certificate, Unix time.", time as f64);
    }
    let is_refused = report.config.problem.is_some();
    gauge("config_refused", "1 while the configuration file holds mistakes.", flag(is_refused));
    if let Some(bytes) = usage.resident_bytes {
        gauge("process_resident_memory_bytes", "Resident memory.", bytes as f64);
    }
    figure(
        &mut out,
        "process_cpu_seconds_total",
        "counter",
        "Processor time, user and system.",
        usage.cpu_seconds,
    );
    let _ =
        writeln!(out, "# HELP {PREFIX}_build_info The version that runs.\n# TYPE {PREFIX}_build_info gauge");
    let _ = writeln!(out, "{PREFIX}_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
    out
}

fn figure(out: &mut String, name: &str, kind: &str, help: &str, value: f64) {
    // A backslash or a line end in a help text would have to be escaped; the tests hold that there is none.
    let _ = writeln!(
        out,
        "# HELP {PREFIX}_{name} {help}\n# TYPE {PREFIX}_{name} {kind}\n{PREFIX}_{name} {value}"
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_figure_has_its_help_and_its_type_once() {
        let report = Report { certificate_ends_unix_s: Some(1_803_772_800), ..Report::default() };
        let text = write(&report, true, &Usage { resident_bytes: Some(1), cpu_seconds: 0.5 });
        let (mut names, mut helped, mut typed) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words.as_slice() {
                ["#", "HELP", name, _, ..] => assert!(helped.insert(*name), "{line}"),
                ["#", "TYPE", name, "counter"] => {
                    assert!(typed.insert(*name) && name.ends_with("_total"), "{line}")
                }
                ["#", "TYPE", name, "gauge"] => {
                    assert!(typed.insert(*name) && !name.ends_with("_total"), "{line}")
                }
                [name, value] => {
                    value.parse::<f64>().unwrap();
                    assert!(names.insert(name.split('{').next().unwrap()), "{line}");
                }
                _ => panic!("{line}"),
            }
        }
        assert_eq!((&names, &names), (&helped, &typed));
        assert!(!text.contains('\\') && text.ends_with('\n'));
        assert!(text.contains("millpond_agent_certificate_not_after_seconds 1803772800\n"));
        assert_eq!(
            names.iter().filter(|name| name.ends_with("_total")).count(),
            Counters::DESCRIPTIONS.len() + 1
        );
    }

    #[test]
    fn a_silent_tailer_has_no_gauges() {
        let text = write(&Report::default(), false, &Usage::default());
        assert!(text.contains("millpond_agent_tailer_answering 0\n") && !text.contains("lag_bytes"));
    }
}
