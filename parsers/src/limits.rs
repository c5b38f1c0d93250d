//! Every bound of this crate. A line itself is bounded by its reader; these bound what one line can make of itself.

/// Fields of one line. Real structured logs have 10 to 60; above this the rest is left in the raw line, with a note.
pub const FIELDS_MAX: usize = 1024;

/// Levels of objects that are flattened to dotted names; a deeper object stays one verbatim JSON value.
pub const FLATTEN_DEPTH_MAX: usize = 16;

/// Levels of a verbatim JSON value, checked by recursion (about 100 bytes of stack each). Deeper is not JSON to us.
pub const JSON_DEPTH_MAX: usize = 128;

/// Bytes of a dotted name that still grows by nesting. Without it one long key above many small ones would be copied
/// into each of them, and a line of 1 MiB could become 1 GiB.
pub const PREFIX_BYTES_MAX: usize = 256;

/// Items (pid, thread, separator …) that the header of a plain-text line may have before its level.
pub const HEADER_ITEMS_MAX: usize = 8;

/// Bytes from the start of a line in which a timestamp or a level is looked for: later ones belong to the message.
pub const HEADER_BYTES_MAX: usize = 512;

/// Bytes of a syslog tag. RFC 3164 says 32, RFC 5424 48 for its successor; real ones (Kubernetes units) are longer.
pub const TAG_BYTES_MAX: usize = 128;

/// How far ahead of the clock a timestamp without a year may lie: the widest zone difference and a skewed clock.
/// Beyond that it is last year's.
pub const YEARLESS_AHEAD_MAX_S: i64 = 2 * 86_400;

/// Years back in which a date without a year is looked for: leap days are at most eight years apart (1896, 1904).
pub const YEARLESS_BACK_MAX: i64 = 8;

/// Bytes of a line that a user's pattern is matched with: enough for any header, and time is linear in them.
pub const PATTERN_LOOK_BYTES_MAX: usize = 16 << 10;

/// Bytes that a compiled pattern of a user may take, and its cache as much again.
pub const PATTERN_SIZE_BYTES_MAX: usize = 1 << 20;

/// Lines of a trace that are searched for its exception: headers come first, after a record and perhaps a source line.
pub const EXCEPTION_LOOK_LINES_MAX: usize = 8;
