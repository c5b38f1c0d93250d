//! One table: figure, bar, remark.

use std::fmt::Write;

/// Rows to print.
#[derive(Debug, Default)]
pub(crate) struct Report {
    text: String,
}

impl Report {
    /// The head: what was measured, where.
    pub(crate) fn machine(&mut self, documents: u64, raw_bytes: u64, gzip_cpu_seconds_per_mb: f64) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let speed = gzip_cpu_seconds_per_mb * 439.0;
        let _ = writeln!(
            self.text,
            "{documents} documents, {:.0} MB raw, {cores} cores; gzip -6: {speed:.1} CPU-s per 439 MB\n\n| figure | measured | bar | remark |\n|---|---|---|---|",
            raw_bytes as f64 / 1e6
        );
    }

    /// One figure.
    pub(crate) fn row(&mut self, name: &str, value: f64, bar: &str, remark: &str) {
        eprintln!("{name}: {value:.3}");
        let _ = writeln!(self.text, "| {name} | {} | {bar} | {remark} |", rounded(value));
    }

    /// Prints all of it to stdout.
    #[expect(clippy::print_stdout, reason = "printing the table is what a benchmark is for")]
    pub(crate) fn print(&self) {
        println!("{}", self.text);
    }
}

fn rounded(value: f64) -> String {
    if value.abs() < 10.0 { format!("{value:.3}") } else { format!("{value:.1}") }
}
