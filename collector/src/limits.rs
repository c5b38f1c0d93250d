//! The collector's own maxima, each with its unit and the reason for the number. What both programs
//! must agree on (bodies, documents, names) is in [`millpond_wire::limits`]; what a user may want to
//! change is in the configuration.

use std::time::Duration;

/// Bytes of one group of records that are written and fsynced together. Larger groups win nothing:
/// at 1 MiB the fsync is already a small part of the write.
pub const GROUP_BYTES_MAX: usize = 1 << 20;

/// Bytes after which a segment of the write-ahead log is closed. Also bounds what a snapshot leaves
/// to be replayed for positions alone.
pub const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// Bytes of records from which on a segment is closed though it isn't full, once the store has them all:
/// below it the space is not worth the fsyncs.
pub const IDLE_SEGMENT_BYTES: u64 = 1 << 20;

/// Largest head of a record in bytes: 15,000 streams with the longest state, or a snapshot.
pub const RECORD_HEAD_BYTES_MAX: usize = 64 << 20;

/// Requests that wait for the committer. When it is full, senders wait up to [`ADMISSION_WAIT`].
pub const COMMIT_QUEUE_REQUESTS: usize = 256;

/// Durable batches that wait for the store. When it is full, the committer waits, then requests do.
pub const APPEND_QUEUE_BATCHES: usize = 16;

/// Longest wait for memory or a place in a queue before a request is told to come back.
pub const ADMISSION_WAIT: Duration = Duration::from_secs(5);

/// What an overloaded collector asks senders to wait, in seconds.
pub const OVERLOAD_RETRY_AFTER_S: u32 = 1;

/// What a collector that can't write asks senders to wait, in seconds: a full disk takes a while.
pub const STORAGE_RETRY_AFTER_S: u32 = 10;

/// Bodies up to this many bytes are decoded on the request's own task if they are not compressed:
/// that takes less time than handing them to another thread.
pub const INLINE_DECODE_BYTES: usize = 16 << 10;

/// Errors of single lines that an answer names; the rest is in the counts.
pub const LINE_ERRORS_MAX: usize = 5;

/// A stream that was not heard of for this long is forgotten, in nanoseconds: 90 days, longer than
/// any file is left unread.
pub const POSITION_AGE_NS_MAX: i64 = 90 * 86_400 * 1_000_000_000;

/// Streams remembered per agent; the ones idle for longest go first. A busy Kubernetes node makes a
/// few hundred files a day.
pub const POSITIONS_PER_AGENT_MAX: usize = 20_000;

/// Bytes of all positions together; they are held in memory and written to each segment.
pub const POSITIONS_BYTES_MAX: usize = 32 << 20;

/// Bytes of batches that live tails may lag behind; what is older is skipped, and they are told.
pub const TAIL_BYTES_MAX: usize = 16 << 20;

/// Longest TLS handshake: a sender on a bad line needs a second or two.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest time for a request's head to arrive, and for an idle HTTP/1 connection to be kept.
pub const REQUEST_HEAD_TIMEOUT: Duration = Duration::from_secs(75);

/// Longest time for a request's body to arrive.
pub const REQUEST_BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Requests under way on one HTTP/2 connection; agents keep one.
pub const STREAMS_PER_CONNECTION_MAX: u32 = 8;

/// Largest enrolment request in bytes: a request for a P-256 certificate is some 500.
pub const ENROLL_BODY_BYTES_MAX: usize = 16 << 10;

/// Bad join tokens per second that are told what is wrong with them; more are told to come back.
/// A secret of 256 bits can't be guessed at any rate; this keeps the log readable.
pub const BAD_TOKENS_PER_SECOND_MAX: u32 = 10;

/// An agent's certificate with less than this left, in seconds, is told of: 30 days, enough to notice and
/// to enrol it again.
pub const CERTIFICATE_WARNING_S: i64 = 30 * 86_400;

/// Part of its life, as a divisor, that a certificate has left when it is told of at the latest: agents renew
/// theirs between two thirds and three quarters of it.
pub const CERTIFICATE_WARNING_SHARE: i64 = 4;

/// The CA with less than this left, in seconds, is told of: half a year. Another one takes a visit to every agent.
pub const CA_WARNING_S: i64 = 182 * 86_400;

/// How often the end of the CA is looked at.
pub const CA_INTERVAL: Duration = Duration::from_secs(86_400);

/// How often it is looked whether the agent of an open connection was revoked. Requests are looked at one by one.
pub const REVOCATION_INTERVAL: Duration = Duration::from_secs(2);

/// Time after which an agent counts as seen anew while it is connected and sends nothing, in seconds: the list of them
/// is not written for each look.
pub const SEEN_INTERVAL_S: u64 = 10;

/// Time for which the list of agents is believed that one is connected, in seconds: a few of those.
pub const CONNECTED_S: i64 = 30;

/// Connections at one time that have not shown a certificate: in their handshake, or enrolling. More
/// wait in the system's queue. They can't take the places of agents.
pub const NEWCOMERS_MAX: usize = 128;

/// File descriptors beside those of connections: splits that queries and merges have open, segments of
/// the log, sockets that listen.
pub const DESCRIPTORS_RESERVE: u64 = 512;

/// Longest life of a connection without a certificate.
pub const ENROLL_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest orderly stop: requests under way are finished, then cut.
pub const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Longest time for the store to take and flush what is durable at the stop. It takes a second or two;
/// on a full disk it would take for ever, and the log has it all.
pub const END_DEADLINE: Duration = Duration::from_secs(30);

/// How often retention is applied: it is a look at the list of splits, and the store may be too large by what is
/// written in between.
pub const RETENTION_INTERVAL: Duration = Duration::from_secs(1);

/// Pause of retention after it failed.
pub const RETENTION_PAUSE: Duration = Duration::from_secs(60);

/// How often the write-ahead log is looked after: segments to delete, space on the disk.
pub const TICK_INTERVAL: Duration = Duration::from_secs(10);
