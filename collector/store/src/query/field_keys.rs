//! The values of one field in one split as small numbers, so that grouping and counting work on
//! numbers and values are looked up once at the end. Numbers are given like this, in this order:
//!
//! 1. ordinals of the dictionary, for strings of a column;
//! 2. the distance from the smallest integer, when all integers are near each other;
//! 3. what comes, in the order in which it comes.

use std::ops::ControlFlow;

use millpond_query::{Scalar, aliases};
use millpond_wire::batch::{ScalarRef, for_each_leaf_of};
use millpond_wire::names;
use rustc_hash::FxHashMap;
use tantivy::columnar::{Column, ColumnIndex, StrColumn};

use super::keys::Key;
use super::meter::Halt;
use super::picked::for_each_picked;
use super::zone::ZoneView;
use crate::error::StoreError;
use crate::limits::{INTEGER_SPAN_MAX, INTERNED_BYTES_MAX};
use crate::log_store::Partial;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::columns::Values;
use crate::split::rebuild::split_texts;
use crate::split::residual;

/// Number of a value within one split.
pub(crate) type KeyNumber = u64;

/// The number of all values that came when there were too many to give each its own: the document has the field, and
/// no more is known.
pub(crate) const REFUSED: KeyNumber = KeyNumber::MAX - 1;

/// (place in the zone, number of a value that the document has there), ordered by place.
pub(crate) type Pairs = Vec<(u32, KeyNumber)>;

/// The values of one field in one split.
pub(crate) struct FieldKeys<'s> {
    name: &'s str,
    strings: Option<&'s StrColumn>,
    others: Vec<&'s Values>,
    message: bool,
    residuals: bool,
    time: bool,
    /// Numbers that would have to be interned are left to [`Self::for_each_number`].
    leave_numbers: bool,
    /// Smallest integer, and how many there are from it to the largest; 0 when they are too far apart.
    integers: (i64, u64),
    interned: Interned,
}

/// Values that got their number as they came.
#[derive(Default)]
struct Interned {
    keys: Vec<Key>,
    numbers: FxHashMap<Key, KeyNumber>,
    /// By bits: floats come by the million.
    floats: FxHashMap<u64, KeyNumber>,
    text_bytes: usize,
}

impl<'s> FieldKeys<'s> {
    /// The field's values in `split`.
    pub(crate) fn new(name: &'s str, split: &'s Split) -> Result<Self, Halt> {
        let (mut strings, mut others, mut integers) = (None, Vec::new(), (0, 0));
        for (index, _) in split.meta().columns_of(name) {
            match split.columns().values(index)? {
                Values::String(column) => strings = Some(column),
                values => {
                    if let Values::Integer(column) = values {
                        let span = column.max_value().abs_diff(column.min_value()).saturating_add(1);
                        integers = (column.min_value(), if span <= INTEGER_SPAN_MAX { span } else { 0 });
                    }
                    others.push(values);
                }
            }
        }
        Ok(Self {
            name,
            strings,
            others,
            message: name == names::MESSAGE,
            residuals: name == names::ORIGINAL || split.meta().has_unindexed(name),
            time: name == aliases::TIMESTAMP,
            leave_numbers: false,
            integers,
            interned: Interned::default(),
        })
    }

    /// For aggregates: [`Self::read`] leaves out the numbers that come in millions of different values,
    /// and [`Self::for_each_number`] gives them.
    pub(crate) fn leaving_numbers(self) -> Self {
        Self { leave_numbers: true, ..self }
    }

    /// Visits the numbers that [`Self::read`] leaves out, with the place in the zone.
    pub(crate) fn for_each_number(
        &self,
        view: &ZoneView<'_>,
        bits: &Bits,
        mut visit: impl FnMut(u32, Scalar<'_>),
    ) {
        for values in self.others.iter().filter(|values| self.leaves(values)) {
            match values {
                Values::Integer(column) => {
                    for_each_picked(column, view, bits, |at, value| visit(at, Scalar::I64(value)));
                }
                Values::Float(column) => {
                    for_each_picked(column, view, bits, |at, value| visit(at, Scalar::F64(value)));
                }
                Values::Ids(ids) => {
                    let (docs, mut text) = (view.docs(), String::new());
                    ids.for_each(&docs, |doc, id| {
                        if bits.contains(doc - docs.start) {
                            text.clear();
                            ids.shape().write(id, &mut text);
                            visit(doc - docs.start, Scalar::Str(&text));
                        }
                    });
                }
                Values::Bool(_) | Values::String(_) => {}
            }
        }
        if self.time && self.leave_numbers {
            for at in bits.ones() {
                let time = view.times().get(at).copied().unwrap_or_default();
                visit(at as u32, Scalar::I64(time));
            }
        }
    }

    fn leaves(&self, values: &Values) -> bool {
        self.leave_numbers
            && match values {
                Values::Float(_) | Values::Ids(_) => true,
                Values::Integer(_) => self.integers.1 == 0,
                Values::Bool(_) | Values::String(_) => false,
            }
    }

    /// Terms of the dictionary: numbers below it are ordinals.
    pub(crate) fn terms(&self) -> u64 {
        self.strings.map_or(0, |column| column.num_terms() as u64)
    }

    /// Numbers that are known before any value was read are below this.
    pub(crate) fn known(&self) -> u64 {
        self.terms() + self.integers.1
    }

    /// The column of its strings.
    pub(crate) fn strings(&self) -> Option<&'s StrColumn> {
        self.strings
    }

    /// The column that all values are ordinals of, one at most for a document; `Some(None)` when no document
    /// has a value.
    pub(crate) fn only_ordinals(&self) -> Option<Option<&'s Column<u64>>> {
        (self.is_single() && self.others.is_empty() && !self.message && !self.time)
            .then(|| self.strings.map(|column| column.ords()))
    }

    /// True when each value has the same number in every reader of the split.
    pub(crate) fn numbers_agree(&self) -> bool {
        self.interned.keys.is_empty()
    }

    /// True when the values come ordered by document and a document has at most one.
    fn is_single(&self) -> bool {
        let single = |index: &ColumnIndex| !matches!(index, ColumnIndex::Multivalued(_));
        let columns = self.others.len() + usize::from(self.strings.is_some());
        let others = usize::from(self.message) + usize::from(self.time);
        columns + others <= 1
            && !self.residuals
            && self.others.iter().all(|values| single(values.index()))
            && self.strings.is_none_or(|column| single(&column.ords().index))
    }

    /// Fills `out` with the values of the documents in `bits`. With `distinct`, a value that a document
    /// has twice comes once.
    pub(crate) fn read(
        &mut self,
        view: &ZoneView<'_>,
        bits: &Bits,
        distinct: bool,
        out: &mut Pairs,
    ) -> Result<(), Halt> {
        out.clear();
        if let Some(column) = self.strings {
            for_each_picked(column.ords(), view, bits, |at, ordinal| out.push((at, ordinal)));
        }
        for values in std::mem::take(&mut self.others) {
            if !self.leaves(values) {
                self.read_others(values, view, bits, out);
            }
            self.others.push(values);
        }
        if self.time && !self.leave_numbers {
            for at in bits.ones() {
                let time = view.times().get(at).copied().unwrap_or_default();
                self.push(at as u32, Key::Integer(time), view, out);
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

    fn read_others(&mut self, values: &Values, view: &ZoneView<'_>, bits: &Bits, out: &mut Pairs) {
        match values {
            Values::Bool(column) => for_each_picked(column, view, bits, |at, value| {
                self.push(at, Key::Bool(value), view, out);
            }),
            Values::Integer(column) => for_each_picked(column, view, bits, |at, value| {
                self.push(at, Key::Integer(value), view, out);
            }),
            Values::Float(column) => for_each_picked(column, view, bits, |at, value| {
                self.push(at, Key::from(value), view, out);
            }),
            Values::Ids(ids) => ids.for_each(&view.docs(), |doc, id| {
                let at = doc - view.docs().start;
                if bits.contains(at) {
                    self.push(at, Key::String(ids.shape().text(id).into()), view, out);
                }
            }),
            Values::String(_) => {}
        }
    }

    /// Values that are in the rows only.
    fn read_rows(&mut self, view: &ZoneView<'_>, bits: &Bits, out: &mut Pairs) -> Result<(), Halt> {
        let rows = view.rows()?;
        for at in bits.ones() {
            if self.message
                && let Some(message) = rows.message(at)
            {
                self.push_scalar(at as u32, ScalarRef::Str(&message), view, out);
            }
            if self.residuals {
                self.read_residual(rows.residual(at), at as u32, view, out);
            }
        }
        Ok(())
    }

    fn read_residual(&mut self, bytes: &[u8], at: u32, view: &ZoneView<'_>, out: &mut Pairs) {
        for entry in residual::entries(bytes) {
            let original = self.name == names::ORIGINAL && entry.name == names::ORIGINAL;
            let Some(value) = entry.value.filter(|_| entry.unindexed || original) else { continue };
            let _ = for_each_leaf_of(entry.name, value, &mut |name, value| {
                if name == self.name {
                    self.push_scalar(at, value, view, out);
                }
                ControlFlow::Continue(())
            });
        }
    }

    /// Adds a value from the rows: as an ordinal if the column has it too.
    fn push_scalar(&mut self, at: u32, value: ScalarRef<'_>, view: &ZoneView<'_>, out: &mut Pairs) {
        let ordinal = match (value, self.strings) {
            (ScalarRef::Str(text), Some(column)) => column.dictionary().term_ord(text).ok().flatten(),
            _ => None,
        };
        match ordinal {
            Some(ordinal) => out.push((at, ordinal)),
            None => self.push(at, Key::from(value), view, out),
        }
    }

    /// Adds a value that is no ordinal; one too many is [`REFUSED`], which the answer says.
    fn push(&mut self, at: u32, key: Key, view: &ZoneView<'_>, out: &mut Pairs) {
        if let Key::Integer(value) = key {
            let distance = value.abs_diff(self.integers.0);
            if value >= self.integers.0 && distance < self.integers.1 {
                return out.push((at, self.terms() + distance));
            }
        }
        match self.interned.number(key, view.meter.groups_max()) {
            Some(number) => out.push((at, self.known() + number)),
            None => {
                view.meter.note(Partial::Groups);
                out.push((at, REFUSED));
            }
        }
    }

    /// Visits the values of ascending numbers, in their order, with the number.
    pub(crate) fn for_each(
        &self,
        numbers: &[KeyNumber],
        visit: &mut dyn FnMut(KeyNumber, Scalar<'_>),
    ) -> Result<(), Halt> {
        let terms = self.terms();
        let (ordinals, others) = numbers.split_at(numbers.partition_point(|number| *number < terms));
        if let Some(column) = self.strings {
            let mut next = ordinals.iter();
            let each = |bytes: &[u8]| {
                if let (Some(number), Ok(text)) = (next.next(), std::str::from_utf8(bytes)) {
                    visit(*number, Scalar::Str(text));
                }
            };
            column
                .dictionary()
                .sorted_ords_to_term_cb(ordinals, each)
                .map_err(StoreError::index("read a dictionary"))?;
        }
        for (number, key) in others.iter().zip(self.resolve(others)?) {
            if let Some(value) = key.as_scalar() {
                visit(*number, value);
            }
        }
        Ok(())
    }

    /// The values of ascending numbers, in their order.
    pub(crate) fn resolve(&self, numbers: &[KeyNumber]) -> Result<Vec<Key>, Halt> {
        let (terms, known) = (self.terms(), self.known());
        let (ordinals, others) = numbers.split_at(numbers.partition_point(|number| *number < terms));
        let mut keys: Vec<Key> = match self.strings {
            Some(column) if !ordinals.is_empty() => {
                split_texts(column, ordinals)?.into_iter().map(|text| Key::String(text.into())).collect()
            }
            _ => Vec::new(),
        };
        keys.extend(others.iter().map(|number| match number.checked_sub(known) {
            None => Key::Integer(self.integers.0.saturating_add_unsigned(number - terms)),
            Some(index) => {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                self.interned.keys.get(index).cloned().unwrap_or(Key::Missing)
            }
        }));
        Ok(keys)
    }
}

impl Interned {
    /// The number of a value; `None` when there are too many to give it one.
    fn number(&mut self, key: Key, max: usize) -> Option<KeyNumber> {
        let found = match &key {
            Key::Float(bits) => self.floats.get(bits),
            key => self.numbers.get(key),
        };
        if let Some(number) = found {
            return Some(*number);
        }
        if let Key::String(text) = &key {
            self.text_bytes += text.len();
        }
        if self.keys.len() >= max || self.text_bytes > INTERNED_BYTES_MAX {
            return None;
        }
        let number = self.keys.len() as KeyNumber;
        match &key {
            Key::Float(bits) => self.floats.insert(*bits, number),
            key => self.numbers.insert(key.clone(), number),
        };
        self.keys.push(key);
        Some(number)
    }
}
