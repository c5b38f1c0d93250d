//! The values of one field in one split as small numbers: ordinals of the dictionary for strings of a
//! column, and numbers given here for all other values. Groups and counts are kept by number within a
//! split and by [`Key`] across splits.

use std::ops::ControlFlow;

use millpond_query::table::Cell;
use millpond_query::{Scalar, aliases};
use millpond_wire::batch::{ScalarRef, for_each_leaf_of};
use millpond_wire::names;
use rustc_hash::FxHashMap;
use tantivy::columnar::{ColumnIndex, StrColumn};

use super::meter::Halt;
use super::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::columns::{Values, for_each_value};
use crate::split::rebuild::split_texts;
use crate::split::residual;

/// A value, comparable across splits. As everywhere in the language, equal numbers are one value: a
/// whole float is the integer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The field is missing.
    Missing,
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A float, by its bits.
    Float(u64),
    /// A string.
    String(Box<str>),
    /// Start of a time bin, Unix nanoseconds.
    Time(i64),
}

impl Key {
    /// The cell of a table that shows the value.
    pub(crate) fn into_cell(self) -> Cell {
        match self {
            Self::Missing => Cell::Null,
            Self::Bool(value) => Cell::Bool(value),
            Self::Integer(value) => Cell::I64(value),
            Self::Float(bits) => Cell::F64(f64::from_bits(bits)),
            Self::String(text) => Cell::Str(text.into()),
            Self::Time(value) => Cell::TimeNs(value),
        }
    }

    /// The value as conditions and aggregates take it; `None` when the field is missing.
    pub(crate) fn as_scalar(&self) -> Option<Scalar<'_>> {
        match self {
            Self::Missing => None,
            Self::Bool(value) => Some(Scalar::Bool(*value)),
            Self::Integer(value) | Self::Time(value) => Some(Scalar::I64(*value)),
            Self::Float(bits) => Some(Scalar::F64(f64::from_bits(*bits))),
            Self::String(text) => Some(Scalar::Str(text)),
        }
    }

    /// Text of the value, for the breakdown of a histogram.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) | Self::Time(value) => value.to_string(),
            Self::Float(bits) => format!("{:?}", f64::from_bits(bits)),
            Self::String(text) => text.into(),
        }
    }
}

impl From<f64> for Key {
    fn from(value: f64) -> Self {
        /// 2^63, the first float above every `i64`.
        const END: f64 = 9_223_372_036_854_775_808.0;
        if value.fract() == 0.0 && (-END..END).contains(&value) {
            Self::Integer(value as i64)
        } else {
            Self::Float(value.to_bits())
        }
    }
}

impl From<ScalarRef<'_>> for Key {
    fn from(value: ScalarRef<'_>) -> Self {
        match value {
            ScalarRef::Bool(value) => Self::Bool(value),
            ScalarRef::I64(value) => Self::Integer(value),
            ScalarRef::F64(value) => Self::from(value),
            ScalarRef::Str(text) => Self::String(text.into()),
        }
    }
}

/// Number of a value within one split.
pub(crate) type KeyNumber = u64;

/// The values of one field in one split.
pub(crate) struct FieldKeys<'s> {
    name: &'s str,
    strings: Option<&'s StrColumn>,
    others: Vec<&'s Values>,
    message: bool,
    residuals: bool,
    /// Values that are no ordinals: number less the number of terms.
    interned: Vec<Key>,
    numbers: FxHashMap<Key, KeyNumber>,
    time: bool,
}

impl<'s> FieldKeys<'s> {
    /// The field's values in `split`.
    pub(crate) fn new(name: &'s str, split: &'s Split) -> Result<Self, Halt> {
        let (mut strings, mut others) = (None, Vec::new());
        for (index, _) in split.meta().columns_of(name) {
            match split.columns().values(index)? {
                Values::String(column) => strings = Some(column),
                values => others.push(values),
            }
        }
        Ok(Self {
            name,
            strings,
            others,
            message: name == names::MESSAGE,
            residuals: name == names::ORIGINAL || split.meta().has_unindexed(name),
            interned: Vec::new(),
            numbers: FxHashMap::default(),
            time: name == aliases::TIMESTAMP,
        })
    }

    /// Terms of the dictionary: numbers below it are ordinals.
    pub(crate) fn terms(&self) -> u64 {
        self.strings.map_or(0, |column| column.num_terms() as u64)
    }

    /// The column of its strings.
    pub(crate) fn strings(&self) -> Option<&'s StrColumn> {
        self.strings
    }

    /// True when a document has at most one value.
    fn is_single(&self) -> bool {
        let single = |index: &ColumnIndex| !matches!(index, ColumnIndex::Multivalued(_));
        let sources = self.others.len()
            + usize::from(self.strings.is_some())
            + usize::from(self.message)
            + usize::from(self.residuals);
        sources <= 1
            && !self.residuals
            && self.others.iter().all(|values| single(values.index()))
            && self.strings.is_none_or(|column| single(&column.ords().index))
    }

    /// Appends (place in the zone, number) for every value of the documents in `bits`, ordered by
    /// document. With `distinct`, a value that a document has twice comes once.
    pub(crate) fn read(
        &mut self,
        view: &ZoneView<'_>,
        bits: &Bits,
        distinct: bool,
        out: &mut Vec<(u32, KeyNumber)>,
    ) -> Result<(), Halt> {
        out.clear();
        let docs = view.docs();
        let first = docs.start;
        if let Some(column) = self.strings {
            for_each_value(column.ords(), &docs, |doc, ordinal| {
                if bits.contains(doc - first) {
                    out.push((doc - first, ordinal));
                }
            });
        }
        for values in std::mem::take(&mut self.others) {
            self.read_others(values, view, bits, out);
            self.others.push(values);
        }
        if self.time {
            for at in bits.ones() {
                let time = view.times().get(at).copied().unwrap_or_default();
                out.push((at as u32, self.intern(Key::Integer(time))));
            }
        }
        if self.message || (self.residuals && (view.zone.unindexed > 0 || self.name == names::ORIGINAL)) {
            self.read_rows(view, bits, out)?;
        }
        if !self.is_single() {
            out.sort_unstable();
            if distinct {
                out.dedup();
            }
        }
        Ok(())
    }

    fn read_others(
        &mut self,
        values: &Values,
        view: &ZoneView<'_>,
        bits: &Bits,
        out: &mut Vec<(u32, KeyNumber)>,
    ) {
        let docs = view.docs();
        let first = docs.start;
        let mut add = |doc: u32, key: Key| {
            if bits.contains(doc - first) {
                out.push((doc - first, self.intern(key)));
            }
        };
        match values {
            Values::Bool(column) => for_each_value(column, &docs, |doc, value| add(doc, Key::Bool(value))),
            Values::Integer(column) => {
                for_each_value(column, &docs, |doc, value| add(doc, Key::Integer(value)));
            }
            Values::Float(column) => {
                for_each_value(column, &docs, |doc, value| add(doc, Key::from(value)));
            }
            Values::String(_) => {}
        }
    }

    /// Values that are in the rows only.
    fn read_rows(
        &mut self,
        view: &ZoneView<'_>,
        bits: &Bits,
        out: &mut Vec<(u32, KeyNumber)>,
    ) -> Result<(), Halt> {
        let rows = view.rows()?;
        for at in bits.ones() {
            if self.message
                && let Some(message) = rows.message(at)
            {
                out.push((at as u32, self.intern(Key::String(message.into()))));
            }
            if self.residuals {
                self.read_residual(rows.residual(at), at as u32, out);
            }
        }
        Ok(())
    }

    fn read_residual(&mut self, bytes: &[u8], at: u32, out: &mut Vec<(u32, KeyNumber)>) {
        for entry in residual::entries(bytes) {
            let looked_into =
                entry.unindexed || (self.name == names::ORIGINAL && entry.name == names::ORIGINAL);
            let Some(value) = entry.value.filter(|_| looked_into) else { continue };
            let _ = for_each_leaf_of(entry.name, value, &mut |name, value| {
                if name == self.name {
                    out.push((at, self.number_of(value)));
                }
                ControlFlow::Continue(())
            });
        }
    }

    /// Number of a value from a residual: its ordinal if some column has it too.
    fn number_of(&mut self, value: ScalarRef<'_>) -> KeyNumber {
        if let (ScalarRef::Str(text), Some(column)) = (value, self.strings)
            && let Ok(Some(ordinal)) = column.dictionary().term_ord(text)
        {
            return ordinal;
        }
        self.intern(Key::from(value))
    }

    fn intern(&mut self, key: Key) -> KeyNumber {
        let next = self.terms() + self.interned.len() as u64;
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        self.numbers.insert(key.clone(), next);
        self.interned.push(key);
        next
    }

    /// The values of ascending numbers, in their order.
    pub(crate) fn resolve(&self, numbers: &[KeyNumber]) -> Result<Vec<Key>, Halt> {
        let terms = self.terms();
        let ordinals = numbers.partition_point(|number| *number < terms);
        let (ordinals, others) = numbers.split_at(ordinals);
        let mut keys: Vec<Key> = match self.strings {
            Some(column) if !ordinals.is_empty() => {
                split_texts(column, ordinals)?.into_iter().map(|text| Key::String(text.into())).collect()
            }
            _ => Vec::new(),
        };
        keys.extend(others.iter().map(|number| {
            let index = usize::try_from(number - terms).unwrap_or(usize::MAX);
            self.interned.get(index).cloned().unwrap_or(Key::Missing)
        }));
        Ok(keys)
    }
}
