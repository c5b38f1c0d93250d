//! The collector's counters, in one list. Everything that is lost, cut, refused or dropped as a
//! duplicate has one. Printed in Prometheus' text format (version 0.0.4).

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use millpond_store::log_store::StoreHealth;

/// A number that only grows while the program runs.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// The value now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Declares the counters: field name is the metric's name without the prefix `millpond_`.
macro_rules! counters {
    ($($name:ident: $help:literal,)*) => {
        /// All counters of the collector.
        #[derive(Debug, Default)]
        pub struct Metrics {
            $(#[doc = $help] pub $name: Counter,)*
        }

        impl Metrics {
            /// Appends every counter as Prometheus text.
            pub fn render_counters(&self, out: &mut String) {
                $(render(out, stringify!($name), "counter", $help, self.$name.value());)*
            }
        }
    };
}

counters! {
    ingest_requests_total: "Ingest requests acknowledged.",
    ingest_documents_total: "Documents made durable and acknowledged.",
    ingest_body_bytes_total: "Bytes of acknowledged request bodies as sent.",
    ingest_duplicates_total: "Documents dropped because their position was durable already.",
    ingest_gaps_total: "Groups that began behind the durable position of their stream.",
    ingest_refused_total: "Ingest requests refused as malformed, too large or of unknown encoding.",
    ingest_overloaded_total: "Ingest requests told to come back later: no memory or no place in a queue.",
    ingest_storage_refused_total: "Ingest requests told to come back later: the disk is full or failed.",
    ingest_invalid_lines_total: "NDJSON lines that are no JSON object and were kept as messages.",
    ingest_invalid_utf8_total: "NDJSON lines with invalid UTF-8, replaced by U+FFFD.",
    ingest_bad_timestamps_total: "Documents whose timestamp could not be read; receive time was used.",
    ingest_cut_values_total: "Strings cut at the maximum length.",
    ingest_cut_names_total: "Field names cut at the maximum length.",
    ingest_cut_fields_total: "Fields beyond the maximum of one document, moved into one text field.",
    wal_groups_total: "Groups of records written and fsynced together.",
    wal_written_bytes_total: "Bytes written to the write-ahead log.",
    wal_write_errors_total: "Writes or fsyncs of the write-ahead log that failed.",
    wal_segments_removed_total: "Segments of the write-ahead log deleted after the store had their records.",
    wal_replayed_records_total: "Records appended to the store again at start.",
    wal_torn_bytes_total: "Bytes cut at start from an unfinished write at the end of the log.",
    wal_damaged_records_total: "Records of the log whose body could not be read at start.",
    wal_damaged_bytes_total: "Bytes of the log that could not be read at start and were set aside.",
    positions_expired_total: "Stream positions forgotten for their age or number.",
    store_append_errors_total: "Batches that the store refused; they stay in the write-ahead log.",
    retention_splits_total: "Splits removed by retention.",
    retention_documents_total: "Documents removed by retention.",
    retention_bytes_total: "Bytes removed by retention.",
    retention_errors_total: "Runs of retention that failed.",
    agents_connections_total: "Connections to the agents' port that finished their handshake.",
    agents_refused_total: "Connections refused: no or foreign certificate, old TLS, too slow, too many.",
    agents_turned_away_total: "Requests of agents refused: certificate revoked or ended, other site.",
    agents_renewals_total: "Certificates of agents renewed.",
    agents_renewals_refused_total: "Renewals refused.",
    enroll_accepted_total: "Agents enrolled.",
    enroll_refused_total: "Enrolments refused: unknown, used or expired token, bad request, rate.",
    http_queries_total: "Queries answered: rows, histograms, statistics, facets, values.",
    http_query_errors_total: "Queries refused or failed.",
    http_queries_partial_total: "Answers cut by time, bytes, groups or damage.",
    http_queries_refused_total: "Queries and exports told to come back later: no thread in time, no place in line.",
    http_queries_cancelled_total: "Queries and exports stopped because the client had left.",
    http_queries_slow_total: "Queries and exports that took longer than slow_query; each is in the log.",
    http_stalled_total: "Times that a client took nothing for too long: its reply was cut, or its connection closed.",
    http_tail_missed_total: "Documents that live tails were too slow for.",
}

/// Appends the gauges of the store.
pub fn render_store(health: &StoreHealth, out: &mut String) {
    let failed = u64::from(health.failure.is_some());
    let rows = [
        ("store_failed", "1 if the store takes no documents.", failed),
        ("store_documents", "Documents that queries see.", health.documents),
        ("store_disk_bytes", "Bytes of splits on disk.", health.disk_bytes),
        ("store_memory_bytes", "Bytes of splits and batches in memory.", health.memory_bytes),
        ("store_ram_splits", "Splits in memory.", health.ram_splits),
        ("store_disk_splits", "Splits on disk.", health.disk_splits),
        ("store_merges", "Merges since the start.", health.merges),
        ("store_damaged", "Splits or rows that could not be read.", health.damaged),
    ];
    for (name, help, value) in rows {
        render(out, name, "gauge", help, value);
    }
}

/// Appends one metric.
pub fn render(out: &mut String, name: &str, kind: &str, help: &str, value: u64) {
    // Writing to a String can't fail.
    let _ = write!(
        out,
        "# HELP millpond_{name} {help}\n# TYPE millpond_{name} {kind}\nmillpond_{name} {value}\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_print_as_prometheus_text() {
        let metrics = Metrics::default();
        metrics.ingest_documents_total.add(5);
        let mut text = String::new();
        metrics.render_counters(&mut text);
        assert!(text.contains("# TYPE millpond_ingest_documents_total counter\n"));
        assert!(text.contains("\nmillpond_ingest_documents_total 5\n"));
        assert!(text.ends_with("millpond_http_tail_missed_total 0\n"));
    }
}
