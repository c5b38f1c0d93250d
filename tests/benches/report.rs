//! One table: figure, bar, remark.

use std::fmt::Write;

use crate::corpus::Corpus;
use crate::process;

/// Most documents of the corpus that the machine's speed is told by.
const REFERENCE_DOCUMENTS: u64 = 1_000_000;

/// Rows to print.
#[derive(Debug, Default)]
pub(crate) struct Report {
    text: String,
}

impl Report {
    /// The head: on what it was measured, and how fast that is.
    pub(crate) fn machine(&mut self, documents: u64) {
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut reference = Corpus::new(42, documents.min(REFERENCE_DOCUMENTS));
        let speed = process::gzip_cpu_seconds_per_mb(&mut reference) * 439.0;
        let _ = writeln!(
            self.text,
            "{documents} documents, {cores} cores; gzip -6: {speed:.1} CPU-s per 439 MB\n\n| figure | measured | bar | remark |\n|---|---|---|---|",
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
