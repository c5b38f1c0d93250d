//! Every maximum of the language, with its unit and the reason for the number.

/// Longest query text, bytes. A pasted list of ids fits; a pasted log file does not.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Deepest nesting of parentheses and negations. The parser and every consumer recurse once per level,
/// so this bounds their stack.
pub const MAX_DEPTH: usize = 64;

/// Most conditions in one query, counting each value of a list or group.
pub const MAX_CLAUSES: usize = 1_000;

/// Most pipes after a filter.
pub const MAX_PIPES: usize = 32;

/// Most aggregates, group keys, sort keys or field names in one pipe.
pub const MAX_PIPE_ITEMS: usize = 64;

/// Most rows that `limit`, `top` and `rare` may ask for: a page that a person or a script still reads.
pub const MAX_ROWS: u64 = 1_000_000;

/// Rows of `top` and `rare` without a number.
pub const DEFAULT_TOP_ROWS: u64 = 10;

/// Rows of `limit` without a number.
pub const DEFAULT_LIMIT_ROWS: u64 = 10;

/// Longest wildcard pattern, bytes. Matching costs its length times the length of the value.
pub const MAX_PATTERN_BYTES: usize = 1_024;

/// Most regular expressions in one query: together they may take this many times [`MAX_REGEX_BYTES`] and
/// [`MAX_REGEX_DFA_BYTES`].
pub const MAX_REGEXES: usize = 32;

/// Longest name that a `:` or other operator makes a field without quotes, bytes. Anything longer is text.
pub const MAX_BARE_NAME_BYTES: usize = 1_024;

/// Most memory of one compiled regular expression, bytes. `\w{1000}` with Unicode classes needs more.
pub const MAX_REGEX_BYTES: usize = 1 << 20;

/// Most memory of the lazy DFA of one regular expression, bytes.
pub const MAX_REGEX_DFA_BYTES: usize = 2 << 20;

/// Deepest nesting inside a regular expression.
pub const MAX_REGEX_DEPTH: u32 = 64;

/// Most hashes that one distinct count keeps, 16 MiB of them. Beyond it the count is a lower bound.
pub const MAX_DISTINCT: usize = 2 << 20;

/// Most buckets of one sketch. With 1 % error they span a factor of 10^24 between smallest and largest.
pub const MAX_SKETCH_BUCKETS: usize = 4_096;

/// Most groups of one `stats` over a table in memory. More than a person reads; the rest is an error.
pub const MAX_GROUPS: usize = 1_000_000;

/// Buckets that `timechart` aims at when no `span` is given.
pub const TIMECHART_BUCKETS: i64 = 120;
