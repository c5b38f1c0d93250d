//! `make bench`: runs the real programs as processes on a generated corpus and prints one table of figures
//! against their bars, with the speed of the machine beside it.
//!
//! `MILLPOND_BENCH_DOCUMENTS` sets the size (default 1,000,000; the bars are stated for 3,000,000),
//! `MILLPOND_BENCH` picks those parts whose names begin with it: `agent-throughput`, `agent-latency`,
//! `agent-crowd`, `collector`, `clients`, `answers`, `query-parse`.
//! CPU time and memory are the operating system's, of the one process that is measured.

mod agent;
mod answers;
mod clients;
mod corpus;
mod parse;
mod process;
mod queries;
mod report;
mod store;

use crate::report::Report;

/// Measures one thing for that many documents.
type Part = fn(u64, &mut Report);

const PARTS: [(&str, Part); 7] = [
    ("agent-throughput", agent::throughput::measure),
    ("agent-latency", agent::latency::measure),
    ("agent-crowd", agent::crowd::measure),
    ("collector", store::measure),
    ("clients", clients::measure),
    ("answers", answers::measure),
    ("query-parse", parse::measure),
];

fn main() {
    let documents = std::env::var("MILLPOND_BENCH_DOCUMENTS").ok().and_then(|text| text.parse().ok());
    let documents: u64 = documents.unwrap_or(1_000_000);
    let picked = std::env::var("MILLPOND_BENCH").unwrap_or_default();
    let mut report = Report::default();
    report.machine(documents);
    for (name, measure) in PARTS {
        if name.starts_with(&picked) {
            measure(documents, &mut report);
        }
    }
    report.print();
}
