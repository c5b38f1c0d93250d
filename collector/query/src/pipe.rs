//! The resolved pipes. `top`, `rare` and `timechart` are written as the `stats`, `sort` and `limit` that they
//! mean, and a leading `where` is part of the filter, so that an engine has to know eight stages only.

use std::fmt;

use crate::filter::Filter;
use crate::make::Maker;
use crate::units::SECOND_NS;

/// One stage after the filter, in the order of the text.
#[derive(Debug, Clone)]
pub enum Pipe {
    /// Groups the rows and aggregates each group. Every later pipe works on the table that this makes.
    Stats(Stats),
    /// Orders by the keys, first key first. Nulls come last in either direction.
    Sort(Vec<SortKey>),
    /// Keeps this many rows, the first.
    Limit(u64),
    /// Keeps or drops columns.
    Fields {
        /// Canonical names, in the order wanted.
        names: Vec<String>,
        /// True for `fields -a, -b`: everything but these.
        exclude: bool,
    },
    /// Keeps the rows that pass.
    Where(Filter),
    /// Keeps the first row for each combination of values of these fields.
    Dedup {
        /// Canonical names; never empty.
        by: Vec<String>,
    },
    /// Gives each row more fields, or fields other values.
    Make(Maker),
    /// Calls fields, and objects of fields, otherwise: canonical names, old and new.
    Rename(Vec<(String, String)>),
}

/// `stats aggs by keys`. Columns of its table: the keys, then the aggregates, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Never empty.
    pub aggs: Vec<Agg>,
    /// Empty: one row for everything, even when no document matches.
    pub by: Vec<GroupKey>,
    /// Which values of the keys are told apart; none: all.
    pub series: Option<Series>,
}

impl Stats {
    /// Whether an aggregate needs each row with its time, so that values counted by group are not enough.
    #[must_use]
    pub fn needs_rows(&self) -> bool {
        self.aggs.iter().any(|agg| matches!(agg.function, AggFunction::First | AggFunction::Last))
    }
}

/// The series of a `timechart by`: the values of all keys but the time. Those with the largest first aggregate over all
/// times are kept, ties in the order of the values. A missing value is called [`NONE`](Self::NONE); rows without any are a
/// series beside those. A name that some value has already is put in parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Series {
    /// How many are kept; none: all.
    pub keep: Option<usize>,
    /// Whether the others are one series, called [`OTHER`](Self::OTHER); else they are left out.
    pub other: bool,
}

impl Series {
    /// The key of the series of all that are not kept.
    pub const OTHER: &'static str = "other";
    /// The key of rows without a value.
    pub const NONE: &'static str = "(none)";
}

/// One aggregate with the name of its column.
#[derive(Debug, Clone, PartialEq)]
pub struct Agg {
    /// What is computed.
    pub function: AggFunction,
    /// Canonical name of the field it is computed from; none for `count()`, which counts rows.
    pub field: Option<String>,
    /// Name of the column; unique in its `Stats`.
    pub column: String,
}

/// The aggregates. Their accumulators are in [`accumulate`](crate::accumulate).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AggFunction {
    /// Rows, or values of a field (each element of an array counts).
    Count,
    /// Different values.
    Distinct,
    /// Sum of the numbers.
    Sum,
    /// Mean of the numbers.
    Avg,
    /// Smallest value.
    Min,
    /// Largest value.
    Max,
    /// The value below which this part of the numbers lies, 0.0 to 1.0.
    Percentile(f64),
    /// Standard deviation of the numbers, as of a sample.
    Deviation,
    /// The different values, in their order.
    Values,
    /// The value of the first row by time.
    First,
    /// The value of the last row by time.
    Last,
}

/// What rows are grouped by.
#[derive(Debug, Clone, PartialEq)]
pub enum GroupKey {
    /// The value of a field. A row with several values is in several groups; a row without one is in the
    /// group whose key is null.
    Field(String),
    /// The time, rounded down as [`bucket_start_ns`] does. Its column is `@timestamp`.
    Time {
        /// Nanoseconds; at least 1.
        step_ns: i64,
    },
}

impl GroupKey {
    /// Name of the key's column.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            GroupKey::Field(name) => name,
            GroupKey::Time { .. } => crate::aliases::TIMESTAMP,
        }
    }
}

/// Start of the bucket that a time is in: the one meaning of `_time:5m`. Times before 1970 round down too; weeks begin on
/// Monday.
#[must_use]
pub fn bucket_start_ns(at_ns: i64, step_ns: i64) -> i64 {
    let step_ns = step_ns.max(1);
    at_ns.saturating_sub(at_ns.saturating_sub(first_bucket_ns(step_ns)).rem_euclid(step_ns))
}

/// A time at which a bucket begins.
pub(crate) fn first_bucket_ns(step_ns: i64) -> i64 {
    const DAY_NS: i64 = 86_400 * SECOND_NS;
    // 1970 began on a Thursday.
    if step_ns > 0 && step_ns % (7 * DAY_NS) == 0 { 4 * DAY_NS } else { 0 }
}

/// One key of a sort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    /// Canonical name of a field, or of a column after `stats`.
    pub field: String,
    /// Largest first.
    pub descending: bool,
}

/// For people and tests: one line, not a query text.
impl fmt::Display for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pipe::Stats(Stats { aggs, by, series }) => {
                f.write_str("stats")?;
                for Agg { function, field, column } in aggs {
                    write!(f, " {column}={function}({})", field.as_deref().unwrap_or_default())?;
                }
                f.write_str(if by.is_empty() { "" } else { " by" })?;
                by.iter().try_for_each(|key| match key {
                    GroupKey::Field(name) => write!(f, " {name}"),
                    GroupKey::Time { step_ns } => write!(f, " time/{step_ns}"),
                })?;
                let Some(Series { keep, other }) = series else { return Ok(()) };
                keep.map_or(Ok(()), |keep| write!(f, " series {keep}"))?;
                f.write_str(if *other { "" } else { " no other" })
            }
            Pipe::Sort(keys) => {
                f.write_str("sort")?;
                keys.iter()
                    .try_for_each(|key| write!(f, " {}{}", if key.descending { "-" } else { "" }, key.field))
            }
            Pipe::Limit(rows) => write!(f, "limit {rows}"),
            Pipe::Fields { names, exclude } => {
                write!(f, "{} {}", if *exclude { "drop" } else { "keep" }, names.join(" "))
            }
            Pipe::Where(filter) => write!(f, "where {filter}"),
            Pipe::Dedup { by } => write!(f, "dedup {}", by.join(" ")),
            Pipe::Make(maker) => write!(f, "{maker}"),
            Pipe::Rename(names) => {
                f.write_str("rename")?;
                names.iter().try_for_each(|(old, new)| write!(f, " {old}={new}"))
            }
        }
    }
}
