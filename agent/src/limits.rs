//! The maxima of the agent, each with its unit and reason. What a user may change is in the section
//! `[limits]` of `agent.toml`; what stands here only holds, or is the default of such a key.

/// Bytes of the head of a file that take part in its identity. A kilobyte tells most logs apart and is
/// one read.
pub const HEAD_BYTES: usize = 1024;

/// Bytes before a position that are hashed to recognise it again: about a line, and one cache line.
pub const TAIL_BYTES: usize = 64;

/// Bytes that one read asks for. Larger reads gain nothing measurable; smaller ones cost system calls.
pub const READ_WINDOW_BYTES: usize = 256 << 10;

/// Bytes read of one file before the next file has its turn.
pub const TURN_BYTES: usize = 1 << 20;

/// Bytes that are kept of what came out of an archive, before what is read at the moment, and again at most as
/// many until they're let go of: a turn goes back to the start of a group or of a long line, never further.
pub const UNPACKED_BACK_BYTES: usize = GROUP_BYTES_MAX + READ_WINDOW_BYTES;

/// Bytes of an archive that one read asks for.
pub const PACKED_READ_BYTES: usize = 64 << 10;

/// Bytes that are unpacked in one turn to come back to a position: some 20 ms.
pub const APPROACH_BYTES: usize = 8 << 20;

/// Largest window that an archive of zstd may ask for, as a power of two: 8 MiB, what level 19 uses. With more
/// (`--long`, `--ultra`) it can't be read.
pub const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Archives that wait to be told from the logs that they may have been made of; beyond, they wait for the next
/// scan.
pub const ARCHIVES_WAITING_MAX: usize = 1_000;

/// Longest event, in bytes of the file, that is held open for its end; a longer one is shipped without the rest, or,
/// where it is a text in pieces, in parts.
pub const GROUP_BYTES_MAX: usize = 2 << 20;

/// Time for which events without a time get that of the event before in their file, in milliseconds from when that one
/// was read: a minute. A backlog is read much faster than that; a program that dates its first line only is not.
pub const UNDATED_MS: u64 = 60_000;

/// Time that an ordinary line at the end of a file waits for one that carries it on, in milliseconds. Programs write
/// the lines of an event at once; a second's searchability has room for this.
pub const LINE_HOLD_MS: u64 = 200;

/// Time that a text of a container waits for its next piece while nothing else can pass it, in milliseconds. Runtimes
/// write the pieces of a line as fast as it comes; a container that was killed within one leaves its end out.
pub const PIECES_HOLD_MS: u64 = 60_000;

/// Default time that a trace at the end of a file waits for its next line, in milliseconds. It counts from its last one.
pub const MULTILINE_TIMEOUT_MS: u64 = 5_000;

/// Default number of lines of an event: deep recursions print a few thousand, and nobody reads those.
pub const EVENT_LINES_MAX: usize = 2_000;

/// Events of a container's outputs that wait behind one that is still open; beyond, that one is complete as it is. A
/// quiet output must not hold up a busy one, nor cost more than about a megabyte.
pub const QUEUED_EVENTS_MAX: usize = 4_096;

/// Bytes of an open event from which on it isn't read again for each line that is added, but when it has grown by an
/// eighth or is due.
pub const REREAD_BYTES: u64 = 64 << 10;

/// Files that one scan follows; the rest is counted and named in a warning.
pub const FILES_MAX: usize = 100_000;

/// Directories that are watched; beyond, the agent falls back to polling. Linux allows 8,192 watches
/// to a user by default on small machines.
pub const WATCHES_MAX: usize = 8_000;

/// Directory levels below the literal start of a pattern; stops at loops made by bind mounts.
pub const DEPTH_MAX: usize = 64;

/// Components of a pattern. The matcher keeps one bit for each, and one for the end.
pub const PATTERN_COMPONENTS_MAX: usize = 63;

/// Paths that one burst of file system events may name before it becomes a scan of everything.
pub const HINTS_MAX: usize = 1_024;

/// Names under which files have appeared that weren't looked into yet, a path each; beyond, it isn't known how they
/// came, and only their times tell.
pub const ARRIVALS_MAX: usize = 4_096;

/// Time between two looks at file system events while files grow, in milliseconds. As long as a line is held, so that
/// what the look before has found is due with it: a hundred files that grow by a line a second make five rounds of
/// reading, each with one batch, and not a hundred.
pub const GATHER_MS: u64 = LINE_HOLD_MS;

/// Time between two such looks while names come and go, in milliseconds: a file may be gone again soon.
pub const GATHER_NAMES_MS: u64 = 40;

/// Time by which a turn may be early, or a batch late, to be part of a round that is under way, in milliseconds: what a
/// round takes, and delays of the system.
pub const ROUND_MS: u64 = 25;

/// Bytes of file system events that are read in one call: some hundred events.
pub const EVENTS_BYTES: usize = 16 << 10;

/// Events of one look; the next one goes on. The system keeps 16,384 and says when it had to drop some.
pub const EVENTS_MAX: usize = 16_384;

/// Time that the watched files rest before a change of names leads to a scan, in milliseconds: a
/// rotation is several renames, and one scan serves all.
pub const SETTLE_MS: u64 = 50;

/// Part of the time that scans may take, as a divisor: a scan of 20 ms is followed by at least 200 ms.
pub const SCAN_SHARE: u64 = 10;

/// Part of the time that scans may take while every directory is watched, as a divisor: a scan of 30 ms, which is one of
/// ten thousand files, has the next one after 30 s.
pub const WATCHED_SCAN_SHARE: u64 = 1_000;

/// Longest time between two scans for that reason, in milliseconds: a minute.
pub const SCAN_MS_MAX: u64 = 60_000;

/// Time between scans when directories can't be watched, in milliseconds.
pub const POLL_MS: u64 = 1_000;

/// Time that a truncated generation waits for a copy of it to turn up, in milliseconds.
pub const COPY_SEARCH_MS: u64 = 60_000;

/// Time that a file whose text equals that of a file with an unrelated name is held back, in
/// milliseconds: a copy made by a rotation is followed by the truncation at once.
pub const COPY_SETTLE_MS: u64 = 5_000;

/// Time after which growth tells a log from a copy, in milliseconds. A copying program that has caught up with
/// a busy writer appends a few times, too.
pub const COPY_GROWTH_MS: u64 = 2_000;

/// Least number of bytes that count as evidence, by their equality alone, that two files are one.
pub const EVIDENCE_BYTES_MIN: u64 = 256;

/// Bytes at both ends that are compared to see whether a file is a copy of another.
pub const COMPARE_BYTES: usize = 4 << 10;

/// Generations with the same head that a new file is compared with; those that are likeliest to live on in
/// it come first. A thousand files that begin with one banner must not be compared each with each.
pub const CANDIDATES_MAX: usize = 64;

/// Share of NUL bytes in a head, in percent, from which on a file is taken as binary.
pub const BINARY_NUL_PERCENT: usize = 10;

/// Shares of a head, in percent, from which on both together make it binary: bytes that are no UTF-8, and control
/// characters. Of random bytes they are some 45 and 9.
pub const BINARY_INVALID_PERCENT: usize = 10;
/// See [`BINARY_INVALID_PERCENT`].
pub const BINARY_CONTROL_PERCENT: usize = 2;

/// Time after which the position of a file that is gone is forgotten, in seconds: 30 days.
pub const DORMANT_SECONDS_MAX: i64 = 30 * 24 * 3600;

/// Age from which on the time at which a remembered file was seen is noted anew, in seconds: a day. Noting it at
/// each start would rewrite the journal for nothing.
pub const SEEN_SECONDS: i64 = 24 * 3600;

/// Time for which a file that has lost its name, or was moved out of the patterns, is looked after once it has been
/// read to its end, in milliseconds: a daemon may write to it until it is told to reopen its log.
pub const LATE_WRITES_MS: u64 = 300_000;

/// Files that are looked after in this way, of each of the two kinds; beyond, those that have rested longest are
/// given up. Each deleted one costs a descriptor and keeps its space on the disk.
pub const LATE_WRITES_FILES_MAX: usize = 256;

/// Part of the limit of open files by which files that grow may go beyond it until the next scan closes those that
/// have rested longest, as a divisor: the limit is at most half of the descriptors that the process may have. Beyond,
/// such a file is open for its turn only.
pub const OPEN_FILES_EXTRA: usize = 4;

/// Files that are away and remembered, should they come back; beyond, those away longest are forgotten.
pub const DORMANT_MAX: usize = 20_000;

/// Files that a scan couldn't use and that are remembered so as to warn once.
pub const SKIPPED_MAX: usize = 10_000;

/// Size of the checkpoint journal from which on it is rewritten, in bytes, if most of it is stale.
pub const JOURNAL_BYTES_MIN: u64 = 1 << 20;

/// Time between two syncs of acknowledged positions, in milliseconds. Until then they're safe from a
/// kill but not from a power cut, which costs a resend that the collector recognises.
pub const CHECKPOINT_SYNC_MS: u64 = 1_000;

/// Largest dead-letter file, in bytes. When it is full the agent stops skipping and waits.
pub const DEAD_LETTER_BYTES_MAX: u64 = 64 << 20;

/// Least time between two writes of `status.json`, in milliseconds. It is a millisecond for each file, since every one is
/// looked at: with ten thousand that takes some 5 ms.
pub const STATUS_MS: u64 = 5_000;

/// Longest time between two such writes, in milliseconds.
pub const STATUS_MS_MAX: u64 = 30_000;

/// Files listed in `status.json`, those furthest behind first.
pub const STATUS_FILES_MAX: usize = 1_000;

/// Questions of people and programs that wait for the tailer; beyond, they are told that it is busy.
pub const ASKS_MAX: usize = 16;

/// Time that such a question waits, in milliseconds: a scan or a read of a slow disk may be under way.
pub const ASK_MS: u64 = 3_000;

/// Connections at a time to the port of the figures and to the socket of the commands; beyond, they wait.
pub const OBSERVERS_MAX: usize = 16;

/// Time for a request and its answer there, in milliseconds.
pub const OBSERVER_MS: u64 = 10_000;

/// Longest answer that a command takes from the agent, in bytes: a thousand files with long paths, and then some.
pub const REPORT_BYTES_MAX: usize = 16 << 20;

/// Paths that can't be read and are listed in the status, with their reasons.
pub const OBSTACLES_LISTED_MAX: usize = 100;

/// Time between two looks at the configuration file, in milliseconds.
pub const CONFIG_POLL_MS: u64 = 2_000;

/// Longest time between two looks for stalled files, in milliseconds.
pub const WATCHDOG_MS_MAX: u64 = 5_000;

/// Time between two summary lines in the agent's own log, in milliseconds.
pub const SUMMARY_MS: u64 = 60_000;

/// Time that a stopping agent waits for the answer to the request in flight, in milliseconds.
pub const STOP_MS: u64 = 4_000;

/// Time for a connection with its handshake, in seconds.
pub const CONNECT_SECONDS: u64 = 10;

/// Time for an answer, in seconds: the collector's slowest fsync and then some.
pub const REQUEST_SECONDS: u64 = 60;

/// Largest answer to a batch or an enrolment, in bytes.
pub const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Largest list of positions, in bytes: some 100,000 streams.
pub const POSITIONS_BYTES_MAX: usize = 64 << 20;

/// Time given to the collector for its positions when the agent's own are in order, in seconds.
pub const POSITIONS_SECONDS: u64 = 5;

/// First pause after a failure, in milliseconds.
pub const BACKOFF_FIRST_MS: u64 = 250;

/// Longest pause after a failure, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 30_000;

/// Pause after a refused batch, in milliseconds: taking apart the largest batch takes some four seconds then, and a
/// file of which every line is refused costs four requests a second.
pub const REFUSAL_PAUSE_MS: u64 = 250;

/// Longest `Retry-After` that is honoured, in seconds.
pub const RETRY_AFTER_SECONDS_MAX: u64 = 300;

/// Collectors that one agent ships to: each mirror costs its share of the time.
pub const COLLECTORS_MAX: usize = 8;

/// Time for a connection to a collector that failed while another one works, in seconds: batches wait meanwhile.
pub const PROBE_SECONDS: u64 = 2;

/// Time given to the others once one collector has told its positions, when the agent's own are lost, in seconds.
pub const POSITIONS_OTHERS_SECONDS: u64 = 60;

/// Time between two looks at the files of our certificates, in milliseconds: three reads a collector.
pub const CERTIFICATE_LOOK_MS: u64 = 10_000;

/// Least pause after a renewal that failed, as a divisor of the certificate's life: an hour and a half of 30 days.
pub const RENEWAL_PAUSE_SHARE: u64 = 500;

/// Longest such pause, in milliseconds: an hour.
pub const RENEWAL_PAUSE_MS_MAX: u64 = 3_600_000;

/// Time for a renewal with its connection, in seconds: a batch may wait for it.
pub const RENEWAL_SECONDS: u64 = 5;

/// Part of its life, as a divisor, that a certificate has left when it is told of at the latest: by then it should
/// have been renewed.
pub const CERTIFICATE_WARNING_SHARE: i64 = 4;

/// Time that a certificate should have left, in seconds: 30 days, enough to notice and to enrol again.
pub const CERTIFICATE_SECONDS_MIN: i64 = 30 * 24 * 3600;

/// Time between two warnings about it, in milliseconds: a day.
pub const CERTIFICATE_WARNING_MS: u64 = 24 * 3_600_000;

/// Size from which on a segment of a spool is followed by the next one, in bytes: what stays on the disk of an
/// input that rests, and what one deletion frees.
pub const SPOOL_SEGMENT_BYTES: u64 = 8 << 20;

/// Default of the bound of a spool, in bytes: some two hours without a collector at 100 messages a second.
pub const SPOOL_BYTES_DEFAULT: u64 = 256 << 20;

/// Time between two syncs of a spool, in milliseconds: what a power cut can cost.
pub const SPOOL_SYNC_MS: u64 = 1_000;

/// Time between two tries to write to a spool or a disk that is full, in milliseconds.
pub const SPOOL_RETRY_MS: u64 = 100;

/// Chunks of lines between an input and its spool. When they're waiting, senders over TCP, standard input and the
/// journal wait, and datagrams are dropped and counted.
pub const SPOOL_QUEUE_CHUNKS: usize = 8;

/// Bytes that an input gathers before it hands them to its spool, if there are so many at once. One message more may
/// be in a chunk.
pub const INPUT_CHUNK_BYTES: usize = 64 << 10;

/// Bytes that one read of a connection, a pipe or standard input asks for.
pub const INPUT_READ_BYTES: usize = 16 << 10;

/// Connections of one syslog listener. The next one is closed at once and counted. Each may hold a message of
/// 1 MiB that isn't complete.
pub const SYSLOG_CONNECTIONS_MAX: usize = 256;

/// Time after which a connection that sends nothing is closed, in seconds: a day. Dead peers are found by TCP's
/// keep-alive; a living one that has little to say would lose its next message by the close.
pub const SYSLOG_IDLE_SECONDS: u64 = 24 * 3_600;

/// Time for a TLS handshake of a sender, in seconds.
pub const SYSLOG_HANDSHAKE_SECONDS: u64 = 10;

/// Digits of a message's length in octet counting. A longer number is text: no message is 100 MB.
pub const SYSLOG_LENGTH_DIGITS_MAX: usize = 8;

/// Receive buffer asked of the system for datagrams, in bytes: a burst of some 10,000 messages while a disk is slow.
/// Linux gives at most `net.core.rmem_max`.
pub const UDP_BUFFER_BYTES: usize = 4 << 20;

/// Bytes of datagrams that are gathered while the spool takes nothing; those that come then are dropped and counted.
pub const UDP_PENDING_BYTES_MAX: usize = 1 << 20;

/// Longest datagram that there can be, in bytes.
pub const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Level of zstd for batches: the cheapest one. Log text shrinks 8 to 12 times with it already.
pub const ZSTD_LEVEL: i32 = 1;

/// `[[process]]` sections: each costs every line a look.
pub const STEPS_MAX: usize = 64;

/// Values of the key of a rate limit that are remembered, 40 bytes each; beyond, those unused for longest are
/// forgotten and begin with a full bucket again, which is counted.
pub const RATE_KEYS_MAX: usize = 10_000;

/// Most memory of one compiled pattern of `redact`, and of its automaton, in bytes.
pub const REDACT_REGEX_BYTES_MAX: usize = 1 << 20;

/// Bytes that the searches for one of the user's own patterns may look at in one text, where each counts from its start
/// to the text's end: about half a second. Texts below 16 KiB never come to it; the rest of a longer one is masked.
pub const REDACT_SEARCH_BYTES_MAX: usize = 256 << 20;

/// Masked texts of one event that are looked for in its original line; with more of them it is left out.
pub const REDACTED_TEXTS_MAX: usize = 64;

/// Least length of the key of masks, in bytes: 128 bits.
pub const MASK_KEY_BYTES_MIN: usize = 16;

/// Largest key file, in bytes: it is a key, not a log that was named by mistake.
pub const MASK_KEY_BYTES_MAX: u64 = 4 << 10;

/// Largest `config.v2.json` of a container that is read for its name, in bytes.
pub const CONTAINER_CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Largest `/etc/os-release` that is read, in bytes.
pub const OS_RELEASE_BYTES_MAX: u64 = 64 << 10;

/// Files that are always left out unless `exclude` says otherwise: binary records of logins, the
/// journal, packed archives, editors' files.
pub const DEFAULT_EXCLUDES: [&str; 15] = [
    "wtmp*",
    "btmp*",
    "lastlog",
    "faillog",
    "tallylog",
    "*.journal",
    "*.journal~",
    "*.gz",
    "*.bz2",
    "*.xz",
    "*.zst",
    "*.lz4",
    "*.zip",
    "*.tmp",
    "*.swp",
];

/// How far ahead of the clock the time of a line may lie before it is flagged, in nanoseconds: a day. A zone that isn't
/// named explains less.
pub const FUTURE_NS_MAX: i64 = 86_400 * 1_000_000_000;
