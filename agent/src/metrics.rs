//! What the agent has done, counted: every loss, cut and skip has a counter here. Threads add, the status
//! file and the summary line read.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $doc:literal])* $name:ident,)+) => {
        /// Counts since the start of the process.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[doc = $doc])* pub $name: Counter,)+
        }

        impl Counters {
            /// Each counter with its name, in the order of their definition.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.value()),)+]
            }

            /// Each counter's name and what it counts, in the same order.
            pub const DESCRIPTIONS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),*)),)+];
        }
    };
}

counters! {
    /// Lines handed on, joined pieces as one.
    lines_read,
    /// Bytes of files that were read into lines.
    bytes_read,
    /// Lines that the collector has made durable.
    lines_acknowledged,
    /// Requests that the collector has made durable.
    batches_acknowledged,
    /// Bytes sent, after compression.
    bytes_sent,
    /// Requests sent again after a failure.
    retries,
    /// Batches that one collector took after another one had not answered, which may have them, too.
    batches_maybe_twice,
    /// Certificates that were renewed.
    certificates_renewed,
    /// Renewals that failed, and certificate files that didn't fit together.
    certificate_errors,
    /// Batches that the collector refused and that were read again in smaller pieces.
    batches_refused,
    /// Lines, or groups that can't be divided, that the collector refused alone; they're in the dead-letter file.
    dead_letters,
    /// Lines without text.
    empty_lines,
    /// Lines of which only the beginning was shipped.
    truncated_lines,
    /// Events of several lines.
    multiline_events,
    /// Events of which lines were left out because they have too many.
    truncated_events,
    /// Lines that were left out of events because these have too many.
    left_out_lines,
    /// Texts of containers that were shipped without their last piece, which had not come.
    unended_texts,
    /// Events that begin with an indented line: what it belonged to was sent before it came, or was never there.
    orphaned_lines,
    /// Last lines without a newline, of files that had come to their end.
    unfinished_lines,
    /// Lines with bytes that weren't UTF-8.
    invalid_utf8_lines,
    /// Lines that weren't of their file's format and were kept as text.
    unparsed_lines,
    /// Lines that a step `drop` or `keep` left out.
    dropped_lines,
    /// Lines that a step `sample` left out.
    sampled_out_lines,
    /// Lines that a step `rate_limit` left out.
    rate_limited_lines,
    /// Values of the key of a rate limit that were forgotten because there were too many.
    rate_keys_forgotten,
    /// Texts and values that a step `redact` masked.
    redacted_values,
    /// Original lines that weren't shipped beside their fields, since they may have held what was masked.
    originals_left_out,
    /// NUL bytes left by truncations under a writer that were skipped.
    nul_bytes_skipped,
    /// Generations of files that were begun.
    generations,
    /// Files that changed their name.
    renames,
    /// Truncations and files overwritten in place.
    truncations,
    /// Copies from which the rest of a truncated file was read.
    copies_continued,
    /// Bytes of copies, and of rewritten or restored files, that were passed over: the collector has them already.
    copied_bytes_skipped,
    /// New logs that begin with what was read of the former one of their name, read from their start. Where the former
    /// one was only rewritten, its lines are there twice.
    logs_begun_alike,
    /// Bytes known to have been written that were gone before they were read.
    truncated_unread_bytes,
    /// Bytes of files that vanished unread.
    vanished_unread_bytes,
    /// Deleted or moved files that were read to their end and then given up early, because there were too many: what
    /// was written to them later is not known.
    late_writes_unwatched,
    /// Archives that were read to their end.
    archives_read,
    /// Archives of which only a beginning could be unpacked: cut short, damaged, or packed with too large a window.
    archives_damaged,
    /// Files left out because they aren't text.
    binary_files,
    /// Files or directories that couldn't be read or aren't regular.
    unreadable_files,
    /// Files beyond the limit of a scan.
    files_over_limit,
    /// Reads that failed.
    read_errors,
    /// Failed writes of the journal; positions are then in memory only.
    checkpoint_errors,
    /// Files with unread lines that made no progress for longer than `limits.stalled_seconds`.
    stalled_files,
    /// Changed configurations that were taken over.
    config_reloads,
    /// Changed configurations that were refused; the former one stayed in force.
    config_reload_failures,
    /// Messages taken in from syslog, the journal and standard input.
    input_messages,
    /// Datagrams that came while the spool couldn't take them. What the kernel drops before isn't counted here.
    datagrams_dropped,
    /// Connections that were closed because there were too many.
    connections_refused,
    /// Connections that ended with an error: a failed handshake, a break, silence.
    connections_failed,
    /// Times that an input had to be begun again: an address in use, a journal reader that ended.
    input_failures,
    /// Tries to write to a spool that was full or whose disk was.
    spool_waits,
    /// Failed syncs and deletions of spools.
    spool_errors,
    /// Spools whose input isn't in the configuration any more: what waits in them isn't read.
    spools_without_input,
    /// Records of spools that had been damaged on the disk, kept as text.
    spool_lines_damaged,
    /// Scans of everything that is covered.
    scans,
}

/// One number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds some.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// Its value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
