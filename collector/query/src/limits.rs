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

/// Most values, names and operators in one formula: a long `case` has fewer. Every recursion over a formula is at most
/// this deep.
pub const MAX_FORMULA_PARTS: usize = 256;

/// Longest text that a formula makes, bytes: as long as the longest message. What is longer is cut, so that texts that
/// double again and again stay harmless.
pub const MAX_MADE_TEXT_BYTES: usize = 1 << 20;

/// Most text that one pipe makes in one row, bytes: some texts of the longest. What is beyond is left out, which is told.
pub const MAX_MADE_ROW_BYTES: usize = 4 << 20;

/// Most text that the formulas of one pipe copy, make and search for one row, bytes: what a second or less is enough for,
/// whatever they do. What is computed beyond it is null, which is told.
pub const MAX_ROW_WORK_BYTES: usize = 32 << 20;

/// Most fields that `parse json` or `parse logfmt` take from one row, far more than any log line has. The rest is left
/// out, which is told.
pub const MAX_PARSED_FIELDS: usize = 1_000;

/// Deepest objects that `parse json` takes apart; what is deeper stays text.
pub const MAX_PARSED_DEPTH: usize = 64;

/// Most columns of a table whose rows are parsed: those of the first rows. Beyond it there is an error.
pub const MAX_COLUMNS: usize = 2_000;

/// Most values that `values()` gathers in a group. More than a person reads; the rest is left out, which is told.
pub const MAX_VALUES: usize = 1_000;

/// Most text that `values()` gathers in a group, bytes.
pub const MAX_VALUES_BYTES: usize = 64 << 10;

/// Most groups that one row is in: a row with several values in several keys is in each combination.
pub const MAX_GROUPS_OF_ROW: usize = 10_000;

/// Series of a `timechart` without `limit`: as many as colours that can be told apart. The rest is one series, `other`.
pub const TIMECHART_SERIES: u64 = 10;
