//! Takes documents apart for a build: what goes into columns, into the word index and into the
//! residual. [`super::rebuild`] is its inverse.
//!
//! The rule that keeps documents exact: in one document, a field name is either wholly in columns or
//! wholly in the residual. Scalars of residual values are in columns too where they fit, so that
//! conditions and aggregates see them, but are not read back from there.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use millpond_query::aliases::searched_by_bare_words;
use millpond_wire::batch::{DocRef, FieldRef, ScalarRef, ValueRef, for_each_leaf_of};
use millpond_wire::names;
use rustc_hash::FxHashSet;

use super::columns_writer::{ColumnId, ColumnsWriter};
use super::decimals::to_millionths;
use super::filters::{FilterKey, id_key};
use super::ids::IdShape;
use super::learned::Learned;
use super::meta::Kind;
use super::numbered;
use super::residual::{Entry, write_entry};
use crate::limits::{COLUMN_STRING_BYTES_MAX, PLAIN_VALUE_BYTES_MAX};

const UNKNOWN: ColumnId = ColumnId::MAX;
const REFUSED: ColumnId = ColumnId::MAX - 1;

/// Whether the word index holds the words of this value (of a field other than `message`): it has
/// white space or is long. Other values are found in their columns' dictionaries.
pub(crate) fn is_text(value: &str) -> bool {
    value.len() > PLAIN_VALUE_BYTES_MAX || value.bytes().any(|byte| byte.is_ascii_whitespace())
}

/// Whether the value is one token in lower case, by a quick look that may say no too often.
fn is_folded(value: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !value.is_empty() && value.len() <= PLAIN_VALUE_BYTES_MAX && value.bytes().all(word)
}

/// What a string is, beside a string.
#[derive(Clone, Copy)]
enum Coded<'a> {
    /// Nothing else.
    Plain,
    /// An id.
    Id(IdShape, u128),
    /// A prefix and a number.
    Number(&'a str, u32),
}

/// The kind of column that the value wants, and what it is there.
fn kind_of(value: ScalarRef<'_>) -> (Kind, Coded<'_>) {
    let kind = match value {
        ScalarRef::Str(text) => {
            if let Some((shape, id)) = IdShape::parse(text) {
                return (Kind::of_shape(shape), Coded::Id(shape, id));
            }
            if let Some((prefix, number)) = numbered::parse(text) {
                return (Kind::Numbered, Coded::Number(prefix, number));
            }
            Kind::String
        }
        ScalarRef::I64(_) => Kind::Integer,
        ScalarRef::F64(value) if to_millionths(value).is_some() => Kind::Decimal,
        ScalarRef::F64(_) => Kind::Float,
        ScalarRef::Bool(_) => Kind::Bool,
    };
    (kind, Coded::Plain)
}

fn fits_column(value: ScalarRef<'_>) -> bool {
    !matches!(value, ScalarRef::Str(text) if text.len() > COLUMN_STRING_BYTES_MAX)
}

/// What of a document is not in columns.
#[derive(Debug)]
pub(crate) struct Shredded<'a> {
    /// The message, if it is a string.
    pub(crate) message: Option<&'a str>,
    /// See [`super::residual`].
    pub(crate) residual: &'a [u8],
    /// For the word index: all texts but the message, one per line.
    pub(crate) texts: &'a str,
    /// Of the ids in its columns.
    pub(crate) id_keys: &'a [FilterKey],
    /// Some scalar is in no column.
    pub(crate) unindexed: bool,
}

/// Takes documents apart, in the order of their numbers.
pub(crate) struct Shredder {
    columns: ColumnsWriter,
    unindexed_names: BTreeSet<String>,
    /// By batch, then by name index, then by kind.
    column_ids: Vec<Vec<[ColumnId; Kind::ALL.len()]>>,
    residual: Vec<u8>,
    texts: String,
    id_keys: Vec<FilterKey>,
    /// Names that the residual of the current document stands for.
    claimed: FxHashSet<String>,
    unindexed: bool,
}

impl Shredder {
    /// Nothing taken apart yet; `learned` is of builds before it.
    pub(crate) fn new(learned: Learned) -> Self {
        Self {
            columns: ColumnsWriter::new(learned),
            unindexed_names: BTreeSet::new(),
            column_ids: Vec::new(),
            residual: Vec::new(),
            texts: String::new(),
            id_keys: Vec::new(),
            claimed: FxHashSet::default(),
            unindexed: false,
        }
    }

    /// Takes one document apart. `batch` numbers its batch within the build.
    pub(crate) fn shred<'s, 'd: 's>(
        &'s mut self,
        number: u32,
        batch: usize,
        doc: DocRef<'d>,
    ) -> Shredded<'s> {
        self.residual.clear();
        self.texts.clear();
        self.id_keys.clear();
        self.unindexed = false;
        self.columns.begin(number, doc.timestamp_ns(), doc.sequence());
        self.claim(&doc);
        let leveled = self.level(number, &doc);
        let mut message = None;
        for field in doc.fields() {
            match field.value {
                _ if leveled && field.name == names::LEVEL => {}
                ValueRef::Str(text) if field.name == names::MESSAGE => message = Some(text),
                // It repeats the message and is asked for seldom: kept with the row, in no index.
                ValueRef::Str(_) if field.name == names::ORIGINAL => {
                    self.keep(field.name, Some(field.value), false)
                }
                ValueRef::Json(_) => self.composite(number, &field),
                _ => self.scalar_field(number, batch, &field),
            }
        }
        Shredded {
            message,
            residual: &self.residual,
            texts: &self.texts,
            id_keys: &self.id_keys,
            unindexed: self.unindexed,
        }
    }

    /// Ends the build: the columns, and the names of scalars that are in no column.
    pub(crate) fn finish(self) -> (ColumnsWriter, Vec<String>) {
        (self.columns, self.unindexed_names.into_iter().collect())
    }

    /// Notes the names that the document's composite values stand for.
    fn claim(&mut self, doc: &DocRef<'_>) {
        self.claimed.clear();
        for field in doc.fields() {
            if let ValueRef::Json(_) = field.value {
                self.claimed.insert(field.name.to_owned());
                let _ = for_each_leaf_of(field.name, field.value, &mut |name, _| {
                    if !self.claimed.contains(name) {
                        self.claimed.insert(name.to_owned());
                    }
                    ControlFlow::Continue(())
                });
            }
        }
    }

    /// The column of the level has the normalised level. The field is in the residual when it is
    /// spelled otherwise or absent. False when the document has no level.
    fn level(&mut self, number: u32, doc: &DocRef<'_>) -> bool {
        let Some(level) = doc.level() else { return false };
        if let Some(id) = self.columns.admit(names::LEVEL, Kind::String, true) {
            self.columns.string(number, id, level.name(), true, false);
        }
        let field = doc.field(names::LEVEL);
        if field != Some(ValueRef::Str(level.name())) || self.claimed.contains(names::LEVEL) {
            self.keep(names::LEVEL, field, false);
        }
        true
    }

    fn scalar_field(&mut self, number: u32, batch: usize, field: &FieldRef<'_>) {
        let value = match field.value {
            ValueRef::Str(text) => ScalarRef::Str(text),
            ValueRef::I64(value) => ScalarRef::I64(value),
            ValueRef::F64(value) => ScalarRef::F64(value),
            ValueRef::Bool(value) => ScalarRef::Bool(value),
            ValueRef::Json(_) => return,
        };
        let (kind, coded) = kind_of(value);
        let column = self.column_of(batch, field, kind);
        let column = column.and_then(|column| self.column_for(column, field.name, coded));
        let placed = self.place(number, field.name, column, value, coded);
        let claimed = !self.claimed.is_empty() && self.claimed.contains(field.name);
        if !placed || claimed {
            self.keep(field.name, Some(field.value), !placed);
        }
    }

    /// The scalars of a composite value are all in columns or none is.
    fn composite(&mut self, number: u32, field: &FieldRef<'_>) {
        let mut fits = true;
        let _ = for_each_leaf_of(field.name, field.value, &mut |name, value| {
            let (kind, coded) = kind_of(value);
            fits &= fits_column(value) && self.admit(name, kind, coded).is_some();
            if fits { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let _ = for_each_leaf_of(field.name, field.value, &mut |name, value| {
            let (kind, coded) = kind_of(value);
            let column = if fits { self.admit(name, kind, coded) } else { None };
            self.place(number, name, column, value, coded);
            ControlFlow::Continue(())
        });
        self.keep(field.name, Some(field.value), !fits);
    }

    /// Puts a scalar into its column and its words into the word index; false when it is in no column.
    fn place(
        &mut self,
        number: u32,
        name: &str,
        column: Option<ColumnId>,
        value: ScalarRef<'_>,
        coded: Coded<'_>,
    ) -> bool {
        let column = column.filter(|_| fits_column(value));
        let is_text = matches!(value, ScalarRef::Str(text) if is_text(text));
        if let ScalarRef::Str(text) = value
            && (column.is_none() || is_text)
            && searched_by_bare_words(name)
        {
            self.texts.push_str(text);
            self.texts.push('\n');
        }
        let Some(column) = column else {
            if !self.unindexed_names.contains(name) {
                self.unindexed_names.insert(name.to_owned());
            }
            return false;
        };
        match value {
            ScalarRef::Str(text) => match coded {
                Coded::Id(shape, id) if self.columns.takes_id(column, shape, id) => {
                    self.columns.id(number, column, id);
                    self.id_keys.push(id_key(name, shape, id));
                }
                Coded::Number(prefix, value) if self.columns.takes_number(column, prefix, value) => {
                    self.columns.number(number, column, value);
                }
                _ => self.columns.string(number, column, text, is_folded(text), is_text),
            },
            ScalarRef::I64(value) => self.columns.integer(number, column, value),
            ScalarRef::F64(value) => self.columns.float(number, column, value),
            ScalarRef::Bool(value) => self.columns.bool(number, column, value),
        }
        true
    }

    /// The column for a value: strings with another prefix than their column's have another column.
    fn column_for(&mut self, column: ColumnId, name: &str, coded: Coded<'_>) -> Option<ColumnId> {
        match coded {
            Coded::Number(prefix, _) if !self.columns.suits(column, prefix) => {
                self.columns.admit(name, Kind::String, false)
            }
            _ => Some(column),
        }
    }

    /// As [`Self::column_for`], for a name of which nothing is remembered.
    fn admit(&mut self, name: &str, kind: Kind, coded: Coded<'_>) -> Option<ColumnId> {
        let column = self.columns.admit(name, kind, false)?;
        self.column_for(column, name, coded)
    }

    fn keep(&mut self, name: &str, value: Option<ValueRef<'_>>, unindexed: bool) {
        self.unindexed |= unindexed;
        write_entry(&mut self.residual, Entry { name, value, unindexed });
    }

    /// The column of a field, remembered by batch so that a name is hashed once per batch.
    fn column_of(&mut self, batch: usize, field: &FieldRef<'_>, kind: Kind) -> Option<ColumnId> {
        if self.column_ids.len() <= batch {
            self.column_ids.resize_with(batch + 1, Vec::new);
        }
        let ids = self.column_ids.get_mut(batch)?;
        if ids.len() <= field.name_index {
            ids.resize(field.name_index + 1, [UNKNOWN; Kind::ALL.len()]);
        }
        let slot = ids.get_mut(field.name_index)?.get_mut(kind as usize)?;
        if *slot == UNKNOWN {
            *slot = self.columns.admit(field.name, kind, false).unwrap_or(REFUSED);
        }
        (*slot != REFUSED).then_some(*slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_folded_values() {
        let rows = [
            ("", false, false),
            ("abc_123", false, true),
            ("Abc", false, false),
            ("a-b", false, false),
            ("a b", true, false),
            ("é", false, false),
        ];
        for (value, text, folded) in rows {
            assert_eq!((is_text(value), is_folded(value)), (text, folded), "{value:?}");
        }
        assert!(is_text(&"x".repeat(PLAIN_VALUE_BYTES_MAX + 1)));
    }

    #[test]
    fn a_folded_value_is_its_only_token() {
        for value in ["abc_123", "0", "_", &"f".repeat(PLAIN_VALUE_BYTES_MAX)] {
            assert!(is_folded(value));
            let mut tokens = Vec::new();
            millpond_query::tokens::for_each_token(value, |token| tokens.push(token.to_owned()));
            assert_eq!(tokens, [value]);
        }
    }
}
