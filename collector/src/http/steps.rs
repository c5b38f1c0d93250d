//! Widths of histogram buckets: round ones, so that bars begin at full minutes and hours and a step can be cached.

use crate::http::limits::BUCKETS_MAX;

const MS: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MS;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Widths to choose from, nanoseconds; beyond the last, twice and twice again.
const NICE_NS: [i64; 32] = [
    MS,
    2 * MS,
    5 * MS,
    10 * MS,
    20 * MS,
    50 * MS,
    100 * MS,
    200 * MS,
    500 * MS,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    4 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/// Buckets that cover a range: `count` of them, `step_ns` wide, the first from `start_ns` on. All start where
/// those of `_time` by the step do, so the first and the last may reach out of the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buckets {
    pub(super) start_ns: i64,
    pub(super) step_ns: i64,
    pub(super) count: usize,
}

/// What is wrong with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadStep {
    /// Widths are told in whole milliseconds.
    #[error("a step is a whole number of milliseconds, at least 1ms")]
    Fraction,
    /// The range has too many of them.
    #[error("the range has more than {BUCKETS_MAX} of these steps; use a wider step or a shorter range")]
    TooMany,
}

impl Buckets {
    /// At most `count_max` buckets of the narrowest round width. The range is not empty; `count_max` is at least 3:
    /// all times there are need that many of the widest.
    pub(super) fn at_most(count_max: usize, start_ns: i64, end_ns: i64) -> Self {
        let last = NICE_NS.last().copied().unwrap_or(DAY);
        let wider = std::iter::successors(last.checked_mul(2), |step_ns| step_ns.checked_mul(2));
        NICE_NS
            .into_iter()
            .chain(wider)
            .map(|step_ns| Self::of(step_ns, start_ns, end_ns))
            .find(|buckets| buckets.count <= count_max)
            .unwrap_or_else(|| Self::of(i64::MAX, start_ns, end_ns))
    }

    /// Buckets of this width.
    pub(super) fn with_step(step_ns: i64, start_ns: i64, end_ns: i64) -> Result<Self, BadStep> {
        if step_ns < MS || step_ns % MS != 0 {
            return Err(BadStep::Fraction);
        }
        let buckets = Self::of(step_ns, start_ns, end_ns);
        if buckets.count <= BUCKETS_MAX { Ok(buckets) } else { Err(BadStep::TooMany) }
    }

    /// The first instant after the last bucket.
    pub(super) fn end_ns(&self) -> i64 {
        let width = self.step_ns.saturating_mul(i64::try_from(self.count).unwrap_or(i64::MAX));
        self.start_ns.saturating_add(width)
    }

    /// First instant of each bucket.
    pub(super) fn starts_ns(&self) -> impl Iterator<Item = i64> + use<> {
        let step_ns = self.step_ns;
        std::iter::successors(Some(self.start_ns), move |at| Some(at.saturating_add(step_ns)))
            .take(self.count)
    }

    fn of(step_ns: i64, start_ns: i64, end_ns: i64) -> Self {
        let first = millpond_query::bucket_start_ns(start_ns, step_ns);
        let width = i128::from(end_ns) - i128::from(first);
        let count = (width + i128::from(step_ns) - 1) / i128::from(step_ns);
        Self { start_ns: first, step_ns, count: usize::try_from(count).unwrap_or(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_round_and_buckets_few_enough() {
        let rows = [
            (60, 0, HOUR, (0, MINUTE, 60)),
            (60, 1, HOUR, (0, MINUTE, 60)),
            (60, 30 * SECOND, HOUR + 30 * SECOND, (0, 2 * MINUTE, 31)),
            (60, 0, 15 * MINUTE, (0, 15 * SECOND, 60)),
            (60, 0, 1, (0, MS, 1)),
            (60, -1, 1, (-MS, MS, 2)),
            (3, -1, HOUR, (-30 * MINUTE, 30 * MINUTE, 3)),
            (100, 0, 7 * DAY, (0, 2 * HOUR, 84)),
            (60, 0, 3650 * DAY, (-108 * DAY, 112 * DAY, 34)),
        ];
        for (count_max, start_ns, end_ns, (start, step, count)) in rows {
            let buckets = Buckets::at_most(count_max, start_ns, end_ns);
            assert_eq!((buckets.start_ns, buckets.step_ns, buckets.count), (start, step, count));
            assert!(buckets.end_ns() >= end_ns && buckets.starts_ns().count() == count);
        }
        let all_time = Buckets::at_most(3, i64::MIN, i64::MAX);
        assert!(all_time.count <= 3, "{all_time:?}");
    }

    #[test]
    fn steps_are_whole_milliseconds_and_bounded() {
        let rows = [
            (MINUTE, 0, HOUR, Ok(60)),
            (7 * SECOND, 8 * SECOND, 14 * SECOND, Ok(1)),
            (HOUR, 0, 1000 * HOUR, Ok(1000)),
            (HOUR, 0, 1001 * HOUR, Err(BadStep::TooMany)),
            (MS, i64::MIN, i64::MAX, Err(BadStep::TooMany)),
            (0, 0, HOUR, Err(BadStep::Fraction)),
            (-MINUTE, 0, HOUR, Err(BadStep::Fraction)),
            (MS + 1, 0, HOUR, Err(BadStep::Fraction)),
        ];
        for (step_ns, start_ns, end_ns, expected) in rows {
            assert_eq!(Buckets::with_step(step_ns, start_ns, end_ns).map(|buckets| buckets.count), expected);
        }
    }
}
