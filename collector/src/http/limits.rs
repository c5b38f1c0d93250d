//! Every maximum of the HTTP side, with its unit and the reason for the number. What lies beyond one is
//! refused with an error that names it, or cut and marked as partial. What a user may want to change (query time, bytes,
//! groups, concurrency) is in the configuration.

use std::time::Duration;

/// Connections at one time. A browser keeps up to six, and a live tail has one of its own; more wait in the system's
/// queue. Part of the budget of file descriptors.
pub(crate) const CONNECTIONS_MAX: usize = 512;

/// Longest time for a request's head to arrive, and for an idle connection to be kept.
pub(super) const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Largest body of a query request, bytes. A query text of 64 KiB, percent-encoded, is 192 KiB.
pub(super) const PARAMETERS_BYTES_MAX: usize = 256 << 10;

/// Most parameters of one request. No endpoint knows more than ten.
pub(super) const PARAMETERS_MAX: usize = 64;

/// Rows of a query without `limit`: two screens.
pub(super) const ROWS_DEFAULT: usize = 100;

/// Most rows of one reply; more come with the cursor.
pub(super) const ROWS_MAX: usize = 10_000;

/// Neighbours on each side of a document, when not said otherwise.
pub(super) const CONTEXT_ROWS_DEFAULT: usize = 10;

/// Most neighbours on each side.
pub(super) const CONTEXT_ROWS_MAX: usize = 1_000;

/// Neighbours that are asked of the store at a time: it puts all of them together at once, and one may have a megabyte.
pub(super) const CONTEXT_PAGE_ROWS: usize = 64;

/// Most bytes of the neighbours before a document: they are held until the oldest is found. The farthest are left out, and
/// the reply is partial, when there would be more. A thousand lines have some hundred kilobytes.
pub(super) const CONTEXT_BYTES_MAX: usize = 32 << 20;

/// Most columns of CSV that nobody named. Beyond it a file is of no use in any program that reads CSV.
pub(super) const CSV_COLUMNS_MAX: usize = 1_000;

/// Most rows that are asked of the store at a time. Bounds what it holds to order them: some megabytes.
pub(super) const SEARCH_PAGE_ROWS: usize = 100_000;

/// Rows that are asked of the store first, before their size is known: a page of the default size and one row. The longest
/// have a megabyte.
pub(super) const FIRST_SEARCH_PAGE_ROWS: usize = 128;

/// Bytes of rows that are asked of the store at a time after that, as far as earlier rows tell.
pub(super) const SEARCH_PAGE_BYTES: usize = 8 << 20;

/// Fewest rows that are asked of the store at a time.
pub(super) const SEARCH_PAGE_ROWS_MIN: usize = 16;

/// Most rows that the store picks for a `| sort`, each of which may cost it a block to read. When more are wanted, all rows are
/// read in the order of time, and sorted.
pub(super) const SORT_PICK_ROWS_MAX: usize = 1_024;

/// Most rows that `| sort` holds. The reply is partial when more match.
pub(super) const SORT_ROWS_MAX: usize = 100_000;

/// Most text that `| sort` holds, bytes.
pub(super) const SORT_BYTES_MAX: usize = 64 << 20;

/// Most bytes of keys that `| dedup` remembers. The reply is partial when there are more.
pub(super) const DEDUP_BYTES_MAX: usize = 32 << 20;

/// Most memory of the groups of a `stats`, bytes. The reply is partial when there would be more. Pipes behind it that would
/// make a larger table are an error.
pub(super) const STATS_BYTES_MAX: usize = 128 << 20;

/// Rows are sent in chunks of about this many bytes: a few network packets, so that the first arrive early.
pub(super) const CHUNK_BYTES: usize = 32 << 10;

/// A row waits at most this long for its chunk to fill, measured when the next row comes.
pub(super) const CHUNK_AGE_MAX: Duration = Duration::from_millis(50);

/// Chunks between a query and its client. When they are full the query waits for the client.
pub(super) const CHUNKS_IN_FLIGHT: usize = 4;

/// Bars of a histogram without `buckets` or `step`.
pub(super) const BUCKETS_DEFAULT: usize = 60;

/// Fewest bars that `buckets` can ask for: the whole range of times needs that many of the widest.
pub(super) const BUCKETS_MIN: usize = 3;

/// Most bars of a histogram: as many as a wide screen has room for.
pub(super) const BUCKETS_MAX: usize = 1_000;

/// Most steps of a range for Prometheus' tools: its own limit.
pub(super) const RANGE_STEPS_MAX: i128 = 11_000;

/// Values that a histogram's `by` tells apart; the rest is counted as `other`.
pub(super) const BREAKDOWN_VALUES_MAX: usize = 10;

/// Most fields of one facets request.
pub(super) const FACET_FIELDS_MAX: usize = 50;

/// Values of a facet without `top`.
pub(super) const FACET_TOP_DEFAULT: usize = 10;

/// Most values of one facet.
pub(super) const FACET_TOP_MAX: usize = 1_000;

/// Values of a completion without `limit`.
pub(super) const VALUES_DEFAULT: usize = 20;

/// Most values of a completion.
pub(super) const VALUES_MAX: usize = 1_000;

/// Most completions of one kind: more than fit under a line of text.
pub(super) const COMPLETIONS_MAX: usize = 20;

/// Time for the values of a completion, which has to be there before the next key. What was counted until then is
/// offered.
pub(super) const COMPLETION_TIME: Duration = Duration::from_millis(8);

/// Most fields that are listed; the rarest are left out.
pub(super) const FIELDS_MAX: usize = 10_000;

/// Longest field name or value prefix in a parameter, bytes.
pub(super) const NAME_BYTES_MAX: usize = millpond_wire::limits::NAME_BYTES_MAX;

/// Queries that wait for a thread; one page sends three at a time. Beyond it, 503 for the last of the client with the
/// most in line.
pub(super) const QUERIES_WAITING_MAX: usize = 64;

/// Longest wait for a thread. After it: 503.
pub(super) const QUERY_WAIT_MAX: Duration = Duration::from_secs(10);

/// A query that waits this long for its client lends its slot to others: longer than a busy client takes for a chunk.
pub(super) const SLOT_LENT_AFTER: Duration = Duration::from_millis(100);

/// Slots of a pool that are lent at a time. Each such query keeps its thread and what it holds, which can be a hundred
/// megabytes where documents have one each.
pub(super) const SLOTS_LENT_MAX: usize = 8;

/// Longest wait for a client by a query that has to keep its slot, since so many others are lent. Then its reply is cut.
pub(super) const SLOT_STALL_MAX: Duration = Duration::from_secs(3);

/// Threads for what must not wait behind queries: it takes milliseconds, and somebody is typing.
pub(super) const QUICK_THREADS: u32 = 2;

/// Longest time for which a client may take nothing of a reply: then it is taken for dead, and the connection is closed.
pub(super) const STALL_MAX: Duration = Duration::from_secs(30);

/// The same for replies that somebody may page through, or watch: a person looks at a page for some minutes.
pub(super) const PATIENT_STALL_MAX: Duration = Duration::from_secs(600);

/// The system's buffer for what a client has not taken yet, bytes. Small, so that even a slow reader takes something
/// within [`STALL_MAX`]: three kilobytes a second are enough.
pub(super) const SEND_BUFFER_BYTES: usize = 128 << 10;

/// Longest request id and client's name that is taken over from a header, bytes. A UUID has 36.
pub(super) const CALLER_NAME_BYTES_MAX: usize = 64;

/// Documents that a live tail looks at before other tasks get their turn: under a millisecond.
pub(super) const TAIL_STEP_DOCUMENTS: usize = 500;

/// Bytes of documents that a live tail looks at before other tasks get their turn, and one document more: some
/// milliseconds, even with a regular expression.
pub(super) const TAIL_STEP_BYTES: usize = 256 << 10;

/// A tail without documents says this often that it lives, so that proxies keep it open and a dead client is noticed.
pub(super) const HEARTBEAT_EVERY: Duration = Duration::from_secs(15);
