//! Every bound of the client, in one place, with its unit and its reason.

use std::time::Duration;

/// Rows of one request: the most that the API gives. More come page by page.
pub(crate) const PAGE_ROWS: usize = 10_000;

/// Rows of one request of a search without pipes. The collector ends a query after a time that also counts while it
/// waits for its reader, so a page is read at once, and whoever reads what we write may take an hour.
pub(crate) const SEARCH_PAGE_ROWS: usize = 1_000;

/// Bytes of rows that are held until they are written. A page with more ends there, and the next goes on after it; one
/// of a query with pipes is written from there on as it comes.
pub(crate) const PAGE_BYTES_MAX: usize = 16 << 20;

/// Longest line that is read, bytes. A document has at most 16 MiB as it comes in, and up to six times that when
/// every byte of it is escaped; an answer with a longer line is an error.
pub(crate) const LINE_BYTES_MAX: usize = 128 << 20;

/// Longest answer that is one JSON value, bytes. A longer one is an error.
pub(crate) const REPLY_BYTES_MAX: u64 = 256 << 20;

/// Longest error reply that is read, bytes. What is longer isn't from a collector.
pub(crate) const PROBLEM_BYTES_MAX: u64 = 1 << 20;

/// Longest file of settings, bytes. A longer one is an error.
pub(crate) const SETTINGS_BYTES_MAX: u64 = 64 << 10;

/// Time to connect: a collector that doesn't answer in this is taken for down.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Longest silence within an answer. A query ends after the collector's own limit, by default 30 s; an export may
/// look through much before it finds a row.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(600);

/// Longest silence of a live tail, which says every 15 s that it is there: three are missing, the connection is dead.
pub(crate) const TAIL_SILENCE_MAX: Duration = Duration::from_secs(45);

/// After how long a live tail looks for what became durable before it was connected and was not yet searchable
/// then: the collector promises a second.
pub(crate) const TAIL_SETTLE: Duration = Duration::from_millis(1_200);

/// How far before a break of a live tail it looks for what it missed, seconds: documents come late.
pub(crate) const CATCH_UP_SLACK_S: u64 = 300;

/// Events of a live tail between its reader and the output. When it is full the reader waits, and then the collector
/// skips and says so.
pub(crate) const TAIL_QUEUE_EVENTS: usize = 1_024;

/// Documents that are remembered as shown, so that none is shown twice. The oldest are forgotten.
pub(crate) const SHOWN_MAX: usize = 4 * PAGE_ROWS;

/// Bytes of documents that are looked up after a break of a live tail. The rest is left out, and said to be.
pub(crate) const CATCH_UP_BYTES_MAX: usize = 64 << 20;

/// Shortest and longest wait before a live tail connects again; it doubles in between.
pub(crate) const BACKOFF_MIN: Duration = Duration::from_millis(500);
/// See [`BACKOFF_MIN`].
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(15);

/// How often the progress of an export is shown.
pub(crate) const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Pieces in which an export is read, bytes.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;

/// Columns of a terminal that doesn't tell.
pub(crate) const WIDTH_DEFAULT: usize = 80;

/// Narrowest and widest that a table or a chart is drawn, columns.
pub(crate) const WIDTH_MIN: usize = 40;
/// See [`WIDTH_MIN`].
pub(crate) const WIDTH_MAX: usize = 1_000;

/// Bars of a histogram that fit on a screen.
pub(crate) const BUCKETS_DEFAULT: usize = 24;
