//! One key of the groups of documents within one split: its number for each document, and the value of a number.

use millpond_query::{GroupKey, bucket_start_ns};

use super::cells::Source;
use crate::query::meter::Halt;
use crate::query::values::field_keys::{FieldKeys, KeyNumber, Pairs};
use crate::query::values::keys::Key;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;

/// The number of documents that have no value for a key.
pub(crate) const MISSING: KeyNumber = KeyNumber::MAX;

/// One key of the groups in one split.
pub(crate) enum Dimension<'s> {
    /// Values of a field.
    Field(FieldKeys<'s>),
    /// Bins of time of this width, nanoseconds.
    Time(i64),
}

/// The keys of groups with these numbers.
pub(crate) fn keys_of(
    dimensions: &[Dimension<'_>],
    numbers_of: &[Box<[KeyNumber]>],
) -> Result<Vec<Vec<Key>>, Halt> {
    let mut keys = vec![Vec::with_capacity(dimensions.len()); numbers_of.len()];
    for (at, dimension) in dimensions.iter().enumerate() {
        let numbers = numbers_of.iter().map(|numbers| numbers.get(at).copied().unwrap_or(MISSING));
        let column = dimension.resolve(&numbers.collect::<Vec<_>>())?;
        keys.iter_mut().zip(column).for_each(|(keys, key)| keys.push(key));
    }
    Ok(keys)
}

impl<'s> Dimension<'s> {
    /// The key in `split`.
    pub(crate) fn new(key: &'s GroupKey, split: &'s Split) -> Result<Self, Halt> {
        Ok(match key {
            GroupKey::Field(name) => Self::Field(FieldKeys::new(name, split)?),
            GroupKey::Time { step_ns } => Self::Time(*step_ns),
        })
    }

    /// The same, for what is computed from values.
    pub(crate) fn telling_floats(self) -> Self {
        match self {
            Self::Field(keys) => Self::Field(keys.telling_floats()),
            time @ Self::Time(_) => time,
        }
    }

    /// Where cells get the key from; `None` when they can't.
    pub(crate) fn source(&self, split: &Split) -> Option<Source<'s>> {
        match self {
            Self::Field(keys) => keys.only_ordinals().map(|column| Source::Terms(column, keys.terms())),
            Self::Time(step_ns) => {
                let meta = split.meta();
                Some(Source::Time { min_ns: meta.min_ns, max_ns: meta.max_ns, step_ns: *step_ns })
            }
        }
    }

    /// Fills `out` with the numbers of the documents in `bits`.
    pub(crate) fn read(&mut self, view: &ZoneView<'_>, bits: &Bits, out: &mut Pairs) -> Result<(), Halt> {
        let step_ns = match self {
            Self::Field(keys) => return keys.read(view, bits, true, out),
            Self::Time(step_ns) => *step_ns,
        };
        out.clear();
        let first = bucket_start_ns(view.zone.min_ns, step_ns);
        let single = first == bucket_start_ns(view.zone.max_ns, step_ns);
        let times = if single { &[][..] } else { view.times() };
        out.extend(bits.ones().map(|at| {
            let start = times.get(at).map_or(first, |time| bucket_start_ns(*time, step_ns));
            (at as u32, start.cast_unsigned())
        }));
        Ok(())
    }

    /// The keys of numbers in any order.
    fn resolve(&self, numbers: &[KeyNumber]) -> Result<Vec<Key>, Halt> {
        let keys = match self {
            Self::Time(_) => {
                return Ok(numbers.iter().map(|number| Key::Time(number.cast_signed())).collect());
            }
            Self::Field(keys) => keys,
        };
        let mut sorted: Vec<_> = numbers.iter().copied().filter(|number| *number != MISSING).collect();
        sorted.sort_unstable();
        sorted.dedup();
        let values = keys.resolve(&sorted)?;
        let value_of = |number: &KeyNumber| {
            let at = sorted.binary_search(number).ok();
            at.and_then(|at| values.get(at)).cloned().unwrap_or(Key::Missing)
        };
        Ok(numbers.iter().map(value_of).collect())
    }
}
