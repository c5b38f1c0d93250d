//! `event.created>now-1d`: a time in a field other than the time of the document.

use std::fmt;

use crate::number::{Number, NumberRange};
use crate::scalar::Scalar;
use crate::time::{absolute_time_ns, epoch_number_ns};

/// A time in an interval. A string counts when the whole of it is a date of RFC 3339, or as much of one as was
/// written; a number is seconds, milliseconds, microseconds or nanoseconds since the Unix epoch, by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Inclusive; none means unbounded. Nanoseconds since the Unix epoch.
    pub(crate) start_ns: Option<i64>,
    /// Exclusive; none means unbounded.
    pub(crate) end_ns: Option<i64>,
}

impl Moment {
    pub(super) fn matches(self, value: Scalar<'_>) -> bool {
        let at_ns = match value {
            Scalar::Str(text) => absolute_time_ns(text),
            Scalar::I64(value) => epoch_number_ns(Number::I64(value)),
            Scalar::F64(value) => epoch_number_ns(Number::F64(value)),
            Scalar::Bool(_) => None,
        };
        at_ns.is_some_and(|at_ns| {
            self.start_ns.is_none_or(|start_ns| start_ns <= at_ns)
                && self.end_ns.is_none_or(|end_ns| at_ns < end_ns)
        })
    }

    pub(super) fn number_range(self) -> NumberRange {
        NumberRange { decides: false, ..NumberRange::ALL }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time[")?;
        self.start_ns.map_or(Ok(()), |start| write!(f, "{start}"))?;
        f.write_str("..")?;
        self.end_ns.map_or(Ok(()), |end| write!(f, "{end}"))?;
        f.write_str("]")
    }
}
