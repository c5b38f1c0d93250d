//! The values of one field in one split as small numbers, so that grouping and counting work on
//! numbers and values are looked up once at the end. Numbers are given like this, in this order:
//!
//! 1. ordinals of terms, for strings: of a dictionary, then of numbered columns;
//! 2. the distance from the smallest integer, when all integers are near each other;
//! 3. what comes, in the order in which it comes.

use std::ops::Range;

use millpond_query::{Scalar, aliases};
use millpond_wire::batch::ScalarRef;
use tantivy::columnar::ColumnIndex;

use super::interned::Interned;
use super::keys::Key;
use super::picked::for_each_picked;
use super::row_values::RowValues;
use super::terms::Terms;
use crate::limits::INTEGER_SPAN_MAX;
use crate::log_store::Partial;
use crate::query::meter::Halt;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::columns::Values;

/// Number of a value within one split.
pub(crate) type KeyNumber = u64;

/// The number of all values that came when there were too many to give each its own: the document has the field, and
/// no more is known.
pub(crate) const REFUSED: KeyNumber = KeyNumber::MAX - 1;

/// (place in the zone, number of a value that the document has there), ordered by place.
pub(crate) type Pairs = Vec<(u32, KeyNumber)>;

/// A column of strings, the number of its first one, and the ordinals in it that are asked for, at least one.
type OfColumn<'s> = (Terms<'s>, KeyNumber, Vec<u64>);

/// The values of one field in one split.
pub(crate) struct FieldKeys<'s> {
    strings: Vec<Terms<'s>>,
    others: Vec<&'s Values>,
    rows: RowValues<'s>,
    time: bool,
    /// Numbers that would have to be interned are left to [`Self::for_each_number`].
    leave_numbers: bool,
    /// A whole float is not the integer.
    tells_floats: bool,
    /// Smallest integer, and how many there are from it to the largest; 0 when they are too far apart.
    integers: (i64, u64),
    interned: Interned,
}

impl<'s> FieldKeys<'s> {
    /// The field's values in `split`.
    pub(crate) fn new(name: &'s str, split: &'s Split) -> Result<Self, Halt> {
        let (mut strings, mut others, mut integers) = (Vec::new(), Vec::new(), (0, 0));
        for (index, _) in split.meta().columns_of(name) {
            match split.columns().values(index)? {
                Values::String(column) => strings.push(Terms::Dictionary(column)),
                Values::Numbered(numbered) => strings.push(Terms::of_numbered(numbered)),
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
            strings,
            others,
            rows: RowValues::new(name, split),
            time: name == aliases::TIMESTAMP,
            leave_numbers: false,
            tells_floats: false,
            integers,
            interned: Interned::default(),
        })
    }

    /// For aggregates: [`Self::read`] leaves out the numbers that come in millions of different values,
    /// and [`Self::for_each_number`] gives them.
    pub(crate) fn leaving_numbers(self) -> Self {
        Self { leave_numbers: true, ..self }
    }

    /// For what is computed from values: a float has another number than the integer that equals it.
    pub(crate) fn telling_floats(self) -> Self {
        Self { tells_floats: true, ..self }
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
                Values::Bool(_) | Values::String(_) | Values::Numbered(_) => {}
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
                Values::Bool(_) | Values::String(_) | Values::Numbered(_) => false,
            }
    }

    /// Numbers below it are strings of columns.
    pub(crate) fn terms(&self) -> u64 {
        self.strings.iter().map(|terms| terms.count()).sum()
    }

    /// Numbers that are known before any value was read are below this.
    pub(crate) fn known(&self) -> u64 {
        self.terms() + self.integers.1
    }

    /// The columns of its strings, with the numbers of their strings.
    pub(crate) fn ranges(&self) -> impl Iterator<Item = (Terms<'s>, Range<KeyNumber>)> + '_ {
        let mut end = 0;
        self.strings.iter().map(move |terms| {
            let start = end;
            end += terms.count();
            (*terms, start..end)
        })
    }

    /// The column that all values are strings of, one at most for a document; `Some(None)` when no document
    /// has a value.
    pub(crate) fn only_ordinals(&self) -> Option<Option<Terms<'s>>> {
        (self.is_single() && self.others.is_empty() && !self.time).then(|| self.strings.first().copied())
    }

    /// Shifts the ordinals of its only numbered column, so that those of several splits are the same: numbers from
    /// `first` on, so many, have ordinals.
    pub(crate) fn with_numbers(mut self, first: u32, count: u32) -> Self {
        if let [Terms::Numbered(_, own_first, own_count)] = &mut self.strings[..] {
            (*own_first, *own_count) = (first, count);
        }
        self
    }

    /// Memory of the values that it had to number, bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.interned.heap_bytes()
    }

    /// True when each value has the same number in every reader of the split.
    pub(crate) fn numbers_agree(&self) -> bool {
        self.interned.is_empty()
    }

    /// True when the values come ordered by document and a document has at most one.
    fn is_single(&self) -> bool {
        let single = |index: &ColumnIndex| !matches!(index, ColumnIndex::Multivalued(_));
        let columns = self.others.len() + self.strings.len();
        columns + usize::from(self.time) <= 1
            && self.rows.is_empty()
            && self.others.iter().all(|values| single(values.index()))
            && self.strings.iter().all(|terms| single(terms.index()))
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
        for (terms, range) in self.ranges() {
            terms.for_each_picked(view, bits, |at, ordinal| out.push((at, range.start + ordinal)));
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
                self.push(at as u32, Key::Time(time), view, out);
            }
        }
        let rows = self.rows;
        rows.for_each(view, bits, &mut |at, value| self.push_scalar(at, value, view, out))?;
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
                self.push(at, self.key_of_float(value), view, out);
            }),
            Values::Ids(ids) => ids.for_each(&view.docs(), |doc, id| {
                let at = doc - view.docs().start;
                if bits.contains(at) {
                    self.push(at, Key::String(ids.shape().text(id).into()), view, out);
                }
            }),
            Values::String(_) | Values::Numbered(_) => {}
        }
    }

    /// Adds a value from the rows: as an ordinal if the column has it too.
    fn push_scalar(&mut self, at: u32, value: ScalarRef<'_>, view: &ZoneView<'_>, out: &mut Pairs) {
        let ordinal = match value {
            ScalarRef::Str(text) => self.ordinal(text),
            _ => None,
        };
        match ordinal {
            Some(ordinal) => out.push((at, ordinal)),
            None => {
                let key = match value {
                    ScalarRef::F64(value) => self.key_of_float(value),
                    value => Key::from(value),
                };
                self.push(at, key, view, out);
            }
        }
    }

    fn key_of_float(&self, value: f64) -> Key {
        if self.tells_floats { Key::Float(value.to_bits()) } else { Key::from(value) }
    }

    /// The ordinal of a text that some column has.
    fn ordinal(&self, text: &str) -> Option<KeyNumber> {
        self.ranges().find_map(|(terms, range)| {
            let ordinal = terms.ordinal(text).ok().flatten()?;
            Some(range.start + ordinal)
        })
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

    /// Ascending numbers by the column that has their strings, and those that are no strings of columns.
    fn by_column<'n>(&self, numbers: &'n [KeyNumber]) -> (Vec<OfColumn<'s>>, &'n [KeyNumber]) {
        let (mut of_columns, mut rest) = (Vec::new(), numbers);
        for (terms, range) in self.ranges() {
            let (own, others) = rest.split_at(rest.partition_point(|number| *number < range.end));
            if !own.is_empty() {
                let ordinals = own.iter().map(|number| number - range.start).collect();
                of_columns.push((terms, range.start, ordinals));
            }
            rest = others;
        }
        (of_columns, rest)
    }

    /// Visits the values of ascending numbers, in their order, with the number.
    pub(crate) fn for_each(
        &self,
        numbers: &[KeyNumber],
        visit: &mut dyn FnMut(KeyNumber, Scalar<'_>),
    ) -> Result<(), Halt> {
        let (of_columns, rest) = self.by_column(numbers);
        for (terms, first, ordinals) in of_columns {
            terms.for_each_text(&ordinals, |ordinal, text| visit(first + ordinal, Scalar::Str(text)))?;
        }
        for (number, key) in rest.iter().zip(self.resolve(rest)?) {
            if let Some(value) = key.as_scalar() {
                visit(*number, value);
            }
        }
        Ok(())
    }

    /// The values of ascending numbers, in their order.
    pub(crate) fn resolve(&self, numbers: &[KeyNumber]) -> Result<Vec<Key>, Halt> {
        let (terms, known) = (self.terms(), self.known());
        let (of_columns, rest) = self.by_column(numbers);
        let mut keys = Vec::with_capacity(numbers.len());
        for (terms, _, ordinals) in of_columns {
            keys.extend(terms.texts(&ordinals)?.into_iter().map(|text| Key::String(text.into())));
        }
        keys.extend(rest.iter().map(|number| match number.checked_sub(known) {
            None => Key::Integer(self.integers.0.saturating_add_unsigned(number - terms)),
            Some(number) => self.interned.key(number).cloned().unwrap_or(Key::Missing),
        }));
        Ok(keys)
    }
}
