//! The values of one field in one split, to compare documents by: strings by their place in a dictionary, where there
//! is one only, so that no text is read. A document with several values has the best of them, as the first row would.

use std::cmp::Ordering;

use millpond_query::number::Number;
use millpond_query::{SortKey, aliases};
use millpond_wire::batch::ScalarRef;
use rustc_hash::FxHashMap;

use crate::query::meter::Halt;
use crate::query::values::keys::Key;
use crate::query::values::picked::{for_each_picked, select};
use crate::query::values::row_values::RowValues;
use crate::query::values::terms::{Terms, number_in_text_order, text_order};
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::columns::Values;
use crate::split::ids::IdShape;

/// What a document is compared by, within one split.
#[derive(Clone, Debug)]
pub(crate) enum SortValue {
    /// A truth value.
    Bool(bool),
    /// A number.
    Number(Number),
    /// The place of a string among those of its column.
    Place(u64),
    /// The same of an id, its higher half first.
    Id([u64; 2]),
    /// A string of a field that has strings in several places.
    Text(Box<str>),
    /// The event time.
    Time(i64),
    /// The document doesn't have the field: it comes last in either direction.
    Missing,
}

/// The order of the [`Key`]s that show the values. A field has places, ids or texts in one split, no two of them.
impl SortValue {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Place(a), Self::Place(b)) => a.cmp(b),
            (Self::Id(a), Self::Id(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Number(_) => 1,
            Self::Place(_) | Self::Id(_) | Self::Text(_) => 2,
            Self::Time(_) => 3,
            Self::Missing => 4,
        }
    }

    /// Which of two comes first.
    pub(crate) fn order(&self, other: &Self, descending: bool) -> Ordering {
        let missing = matches!(self, Self::Missing) || matches!(other, Self::Missing);
        in_direction(self.compare(other), missing, descending)
    }

    /// Memory on the heap, bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }
}

/// The order of two values that compare like this; one that is missing comes last in either direction.
pub(crate) fn in_direction(order: Ordering, missing: bool, descending: bool) -> Ordering {
    if descending && !missing { order.reverse() } else { order }
}

/// How the strings of a field are compared.
enum Strings<'s> {
    /// By their place in the only column that has some.
    Places(Terms<'s>),
    /// By number: ids of one shape.
    Ids(IdShape),
    /// As texts.
    Texts,
}

/// The values of one field in one split.
pub(crate) struct SortColumn<'s> {
    descending: bool,
    values: Vec<&'s Values>,
    strings: Strings<'s>,
    rows: RowValues<'s>,
    time: bool,
    /// By place in the zone.
    read: Vec<SortValue>,
}

impl<'s> SortColumn<'s> {
    /// The values of the key's field in `split`.
    pub(crate) fn new(key: &'s SortKey, split: &'s Split) -> Result<Self, Halt> {
        let (mut values, mut strings) = (Vec::new(), Vec::new());
        for (index, _) in split.meta().columns_of(&key.field) {
            let column = split.columns().values(index)?;
            values.push(column);
            match column {
                Values::String(column) => strings.push(Strings::Places(Terms::Dictionary(column))),
                Values::Numbered(column) => strings.push(Strings::Places(Terms::of_numbered(column))),
                Values::Ids(ids) => strings.push(Strings::Ids(ids.shape())),
                Values::Bool(_) | Values::Integer(_) | Values::Float(_) => {}
            }
        }
        let rows = RowValues::new(&key.field, split);
        let only = if strings.len() == 1 && rows.is_empty() { strings.pop() } else { None };
        Ok(Self {
            descending: key.descending,
            values,
            strings: only.unwrap_or(Strings::Texts),
            rows,
            time: key.field == aliases::TIMESTAMP,
            read: Vec::new(),
        })
    }

    /// The value of the document at a place of the zone that was read last.
    pub(crate) fn at(&self, at: usize) -> &SortValue {
        self.read.get(at).unwrap_or(&SortValue::Missing)
    }

    /// Whether the greatest comes first.
    pub(crate) fn is_descending(&self) -> bool {
        self.descending
    }

    /// The documents of `bits` with a value that is not behind another; `None` when that takes as long as reading all.
    pub(crate) fn not_behind(&self, other: &SortValue, view: &ZoneView<'_>, bits: &Bits) -> Option<Bits> {
        // Documents without a value are in no column.
        let decides = !matches!(other, SortValue::Missing) && self.rows.is_empty() && !self.time;
        let (is_down, mut found) = (self.descending, decides.then(|| Bits::none(bits.len()))?);
        for values in &self.values {
            let mut of_column = Bits::none(bits.len());
            match (values, other) {
                (Values::Integer(column), SortValue::Number(Number::I64(other))) => {
                    let wanted = |value: i64| if is_down { value >= *other } else { value <= *other };
                    select(column, view, bits, &mut of_column, wanted);
                }
                (Values::Float(column), SortValue::Number(Number::F64(other))) => {
                    let wanted = |value: f64| if is_down { value >= *other } else { value <= *other };
                    select(column, view, bits, &mut of_column, wanted);
                }
                (Values::String(column), SortValue::Place(other)) => {
                    let wanted = |value: u64| if is_down { value >= *other } else { value <= *other };
                    select(column.ords(), view, bits, &mut of_column, wanted);
                }
                _ => return None,
            }
            found.or(&of_column);
        }
        Some(found)
    }

    /// Reads the values of the documents in `bits`.
    pub(crate) fn read(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        let mut read = std::mem::take(&mut self.read);
        read.clear();
        read.resize(view.len(), SortValue::Missing);
        let mut put = |at: u32, value: SortValue| {
            if let Some(best) = read.get_mut(at as usize)
                && value.order(best, self.descending).is_lt()
            {
                *best = value;
            }
        };
        if self.time {
            bits.ones()
                .for_each(|at| put(at as u32, SortValue::Time(view.times().get(at).copied().unwrap_or(0))));
        }
        for values in &self.values {
            match values {
                Values::Bool(column) => {
                    for_each_picked(column, view, bits, |at, value| put(at, SortValue::Bool(value)));
                }
                Values::Integer(column) => {
                    for_each_picked(column, view, bits, |at, value| {
                        put(at, SortValue::Number(Number::I64(value)));
                    });
                }
                Values::Float(column) => {
                    for_each_picked(column, view, bits, |at, value| {
                        put(at, SortValue::Number(Number::F64(value)));
                    });
                }
                Values::String(column) => self.read_terms(Terms::Dictionary(column), view, bits, &mut put)?,
                Values::Numbered(column) => {
                    self.read_terms(Terms::of_numbered(column), view, bits, &mut put)?
                }
                Values::Ids(ids) => {
                    let docs = view.docs();
                    ids.for_each(&docs, |doc, id| {
                        let at = doc - docs.start;
                        if bits.contains(at) {
                            put(at, self.of_id(ids.shape(), id));
                        }
                    });
                }
            }
        }
        self.rows.for_each(view, bits, &mut |at, value| put(at, of_scalar(value)))?;
        self.read = read;
        Ok(())
    }

    fn read_terms(
        &self,
        terms: Terms<'_>,
        view: &ZoneView<'_>,
        bits: &Bits,
        put: &mut impl FnMut(u32, SortValue),
    ) -> Result<(), Halt> {
        match (&self.strings, terms) {
            (Strings::Texts, _) => {
                let mut found = Vec::new();
                terms.for_each_picked(view, bits, |at, ordinal| found.push((at, ordinal)));
                let texts = texts_of(terms, found.iter().map(|(_, ordinal)| *ordinal))?;
                for (at, ordinal) in found {
                    let text = texts.get(&ordinal).map_or("", |text| text);
                    put(at, SortValue::Text(text.into()));
                }
            }
            (_, Terms::Dictionary(_)) => {
                terms.for_each_picked(view, bits, |at, ordinal| put(at, SortValue::Place(ordinal)));
            }
            (_, Terms::Numbered(_, first, _)) => terms.for_each_picked(view, bits, |at, ordinal| {
                put(at, SortValue::Place(text_order(first.saturating_add(ordinal as u32))));
            }),
        }
        Ok(())
    }

    fn of_id(&self, shape: IdShape, id: u128) -> SortValue {
        match self.strings {
            Strings::Texts => SortValue::Text(shape.text(id).into()),
            Strings::Ids(_) | Strings::Places(_) => SortValue::Id([(id >> 64) as u64, id as u64]),
        }
    }

    /// The values as they are compared across splits, in their order.
    pub(crate) fn resolve<'v>(
        &self,
        values: impl Iterator<Item = &'v SortValue> + Clone,
    ) -> Result<Vec<Key>, Halt> {
        let texts = match &self.strings {
            Strings::Places(terms @ Terms::Dictionary(_)) => {
                let places = values.clone().filter_map(|value| match value {
                    SortValue::Place(place) => Some(*place),
                    _ => None,
                });
                texts_of(*terms, places)?
            }
            _ => FxHashMap::default(),
        };
        let key = |value: &SortValue| match value {
            SortValue::Bool(value) => Key::Bool(*value),
            SortValue::Number(Number::I64(value)) => Key::Integer(*value),
            SortValue::Number(Number::F64(value)) => Key::from(*value),
            SortValue::Place(place) => Key::String(self.text(*place, &texts).into()),
            SortValue::Id([high, low]) => {
                Key::String(self.id_text(u128::from(*high) << 64 | u128::from(*low)).into())
            }
            SortValue::Text(text) => Key::String(text.clone()),
            SortValue::Time(time_ns) => Key::Time(*time_ns),
            SortValue::Missing => Key::Missing,
        };
        Ok(values.map(key).collect())
    }

    fn text(&self, place: u64, texts: &FxHashMap<u64, String>) -> String {
        match &self.strings {
            Strings::Places(Terms::Numbered(numbered, ..)) => {
                numbered.text(number_in_text_order(place).into())
            }
            _ => texts.get(&place).cloned().unwrap_or_default(),
        }
    }

    fn id_text(&self, id: u128) -> String {
        if let Strings::Ids(shape) = self.strings { shape.text(id) } else { String::new() }
    }
}

/// The texts of ordinals, which come in no order.
fn texts_of(terms: Terms<'_>, ordinals: impl Iterator<Item = u64>) -> Result<FxHashMap<u64, String>, Halt> {
    let mut ordinals: Vec<_> = ordinals.collect();
    ordinals.sort_unstable();
    ordinals.dedup();
    let texts = terms.texts(&ordinals)?;
    Ok(ordinals.into_iter().zip(texts).collect())
}

fn of_scalar(value: ScalarRef<'_>) -> SortValue {
    match value {
        ScalarRef::Bool(value) => SortValue::Bool(value),
        ScalarRef::I64(value) => SortValue::Number(Number::I64(value)),
        ScalarRef::F64(value) => SortValue::Number(Number::F64(value)),
        ScalarRef::Str(text) => SortValue::Text(text.into()),
    }
}
