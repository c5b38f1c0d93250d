//! Builds a [`Batch`] document by document, interning names and holding the limits. What a limit
//! cuts is counted in [`Cuts`], never lost silently.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::json::{write_json_string, write_value};
use super::{Batch, Doc, Field, Span, Value, ValueRef};
use crate::level::Level;
use crate::limits::{
    BATCH_FIELDS_MAX, BATCH_TEXT_BYTES_MAX, DOCUMENT_FIELDS_MAX, MESSAGE_BYTES_MAX, NAME_BYTES_MAX,
};
use crate::names;

/// Field that takes what exceeds [`DOCUMENT_FIELDS_MAX`], as the text of one JSON object.
const OVERFLOW: &str = "event.overflow";

/// What the limits cut while a batch was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cuts {
    /// Strings cut at [`MESSAGE_BYTES_MAX`].
    pub values: u64,
    /// Names cut at [`NAME_BYTES_MAX`].
    pub names: u64,
    /// Fields beyond [`DOCUMENT_FIELDS_MAX`], moved into one text field.
    pub fields: u64,
}

/// What a common field is common to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Common {
    /// All documents of a resource.
    Resource = 0,
    /// All documents of a scope of it. Wins over the resource.
    Scope = 1,
}

/// Builds a [`Batch`]. Call [`begin`](Self::begin), the fields, [`end`](Self::end), for each document.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    batch: Batch,
    /// Names come from outside, so the hash is keyed at random.
    index_of_name: HashMap<Box<str>, u32>,
    /// By name: the one that came after it the last time. Documents of one kind have their fields in one
    /// order, so this finds most names without a hash.
    name_after: Vec<u32>,
    last_name: u32,
    /// By name: 1 + index of the last document that has it, which finds a repeated name at once.
    last_document: Vec<u32>,
    /// By name: index among all fields of the last field that has it.
    last_field: Vec<usize>,
    /// Arrays under way in the open document, by index of their field: JSON without the closing
    /// bracket. They reach the arena once, so that a name repeated n times costs n and not n².
    repeated: FxHashMap<usize, Vec<u8>>,
    timestamp_ns: i64,
    sequence: u64,
    first_field: usize,
    /// Fields that every following document gets, by [`Common`]; their text is stored once.
    common: [Vec<Field>; 2],
    filling: Option<Common>,
    overflow: Vec<u8>,
    cuts: Cuts,
}

impl BatchBuilder {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a document at `timestamp_ns` (Unix nanoseconds UTC).
    pub fn begin(&mut self, timestamp_ns: i64) {
        self.begin_numbered(timestamp_ns, 0);
    }

    /// Starts a document that already has its sequence number: one that comes back from a store.
    pub fn begin_numbered(&mut self, timestamp_ns: i64, sequence: u64) {
        // A document that was begun and not ended is taken back.
        self.batch.fields.truncate(self.first_field);
        self.first_field = self.batch.fields.len();
        self.timestamp_ns = timestamp_ns;
        self.sequence = sequence;
        self.overflow.clear();
        self.repeated.clear();
    }

    /// From here to [`end_common`](Self::end_common), fields go to every following document that does
    /// not have the name itself. Their text is stored once. Earlier ones of the same kind are forgotten,
    /// and with a resource its scope.
    pub fn begin_common(&mut self, common: Common) {
        for fields in self.common.iter_mut().skip(common as usize) {
            fields.clear();
        }
        self.filling = Some(common);
    }

    /// Ends the list of common fields.
    pub fn end_common(&mut self) {
        self.filling = None;
    }

    /// Changes the time of the open document, for senders that name it after other fields.
    pub fn set_timestamp_ns(&mut self, timestamp_ns: i64) {
        self.timestamp_ns = timestamp_ns;
    }

    /// Adds a field to the open document. A name that the document already has becomes an array.
    ///
    /// Among common fields the later one of a name wins.
    pub fn field(&mut self, name: &str, value: ValueRef<'_>) {
        if let Some(common) = self.filling {
            return self.common_field(common, name, value);
        }
        let count = self.batch.fields.len() - self.first_field;
        if count >= DOCUMENT_FIELDS_MAX {
            return self.add_overflow(name, value);
        }
        let name = self.intern(name);
        let document = self.batch.docs.len() as u32 + 1;
        let Some(last) = self.last_document.get_mut(name as usize) else { return };
        // A document that was taken back leaves its mark here, hence the comparison with what is open.
        let field = self.last_field.get(name as usize).copied().unwrap_or_default();
        let is_open = self.batch.fields.get(field).is_some_and(|field| field.name == name);
        if *last == document && field >= self.first_field && is_open {
            return self.merge_repeated(field, value);
        }
        *last = document;
        if let Some(last) = self.last_field.get_mut(name as usize) {
            *last = self.batch.fields.len();
        }
        let value = self.store(value);
        self.batch.fields.push(Field { name, value });
    }

    /// True when the open document already has this field.
    pub fn has_field(&self, name: &str) -> bool {
        let index = self.index_of_name.get(name).copied();
        index.is_some_and(|index| self.open_fields().iter().any(|field| field.name == index))
    }

    /// Ends the open document.
    pub fn end(&mut self) {
        self.store_repeated();
        let document = self.batch.docs.len() as u32 + 1;
        for field in self.common.iter().rev().flatten() {
            if let Some(last) = self.last_document.get_mut(field.name as usize)
                && *last != document
            {
                *last = document;
                self.batch.fields.push(*field);
            }
        }
        if !self.overflow.is_empty() {
            self.overflow.push(b'}');
            let text = String::from_utf8(std::mem::take(&mut self.overflow)).unwrap_or_default();
            let name = self.intern(OVERFLOW);
            let value = Value::Str(self.push_text(&text));
            self.batch.fields.push(Field { name, value });
        }
        self.batch.docs.push(Doc {
            timestamp_ns: self.timestamp_ns,
            sequence: self.sequence,
            level: self.level(),
            first_field: self.first_field as u32,
            field_count: (self.batch.fields.len() - self.first_field) as u32,
        });
        self.first_field = self.batch.fields.len();
    }

    /// True when the batch has reached [`BATCH_TEXT_BYTES_MAX`] or [`BATCH_FIELDS_MAX`]: the caller must
    /// stop, and say that the request is too large.
    pub fn is_full(&self) -> bool {
        self.batch.text.len() > BATCH_TEXT_BYTES_MAX || self.batch.fields.len() > BATCH_FIELDS_MAX
    }

    /// Documents ended so far.
    pub fn len(&self) -> usize {
        self.batch.docs.len()
    }

    /// True when no document was ended yet.
    pub fn is_empty(&self) -> bool {
        self.batch.docs.is_empty()
    }

    /// The batch, without a document that was begun and not ended.
    pub fn finish(mut self) -> (Batch, Cuts) {
        self.batch.fields.truncate(self.first_field);
        (self.batch, self.cuts)
    }

    fn common_field(&mut self, common: Common, name: &str, value: ValueRef<'_>) {
        let Some(count) = self.common.get(common as usize).map(Vec::len) else { return };
        if count >= DOCUMENT_FIELDS_MAX {
            self.cuts.fields += 1;
            return;
        }
        let name = self.intern(name);
        let value = self.store(value);
        let Some(fields) = self.common.get_mut(common as usize) else { return };
        match fields.iter_mut().find(|field| field.name == name) {
            Some(field) => field.value = value,
            None => fields.push(Field { name, value }),
        }
    }

    fn open_fields(&self) -> &[Field] {
        self.batch.fields.get(self.first_field..).unwrap_or_default()
    }

    fn level(&self) -> Option<Level> {
        names::LEVEL_SOURCES.iter().find_map(|name| {
            let index = *self.index_of_name.get(*name)?;
            let field = self.open_fields().iter().find(|field| field.name == index)?;
            match field.value {
                Value::Str(span) => Level::parse(self.batch.text_of(span)),
                _ => None,
            }
        })
    }

    fn intern(&mut self, name: &str) -> u32 {
        let cut = name.floor_char_boundary(NAME_BYTES_MAX);
        self.cuts.names += u64::from(cut < name.len());
        let name = name.get(..cut).unwrap_or_default();
        let guess = self.name_after.get(self.last_name as usize).copied().unwrap_or_default();
        let guessed = self.batch.names.get(guess as usize).is_some_and(|guessed| **guessed == *name);
        let index = if guessed { guess } else { self.look_up(name) };
        if let Some(after) = self.name_after.get_mut(self.last_name as usize) {
            *after = index;
        }
        self.last_name = index;
        index
    }

    fn look_up(&mut self, name: &str) -> u32 {
        if let Some(index) = self.index_of_name.get(name) {
            return *index;
        }
        let index = self.batch.names.len() as u32;
        self.batch.names.push(name.into());
        self.last_document.push(0);
        self.last_field.push(0);
        self.name_after.push(0);
        self.index_of_name.insert(name.into(), index);
        index
    }

    fn store(&mut self, value: ValueRef<'_>) -> Value {
        match value {
            ValueRef::Str(text) => {
                let cut = text.floor_char_boundary(MESSAGE_BYTES_MAX);
                self.cuts.values += u64::from(cut < text.len());
                Value::Str(self.push_text(text.get(..cut).unwrap_or_default()))
            }
            ValueRef::I64(number) => Value::I64(number),
            ValueRef::F64(number) if number.is_finite() => Value::F64(number),
            ValueRef::F64(number) => Value::Str(self.push_text(&number.to_string())),
            ValueRef::Bool(truth) => Value::Bool(truth),
            ValueRef::Json(text) => Value::Json(self.push_text(text)),
        }
    }

    fn push_text(&mut self, text: &str) -> Span {
        let span = Span { start: self.batch.text.len() as u32, len: text.len() as u32 };
        self.batch.text.push_str(text);
        span
    }

    /// Appends `value` to the array that the field at this index is, or becomes.
    fn merge_repeated(&mut self, field: usize, value: ValueRef<'_>) {
        let Some(present) = self.batch.fields.get(field).map(|field| field.value) else { return };
        let batch = &self.batch;
        let text = self.repeated.entry(field).or_insert_with(|| {
            let mut text = vec![b'['];
            match present {
                Value::Json(span) if batch.text_of(span).starts_with('[') => {
                    text = batch.text_of(span).trim_end().as_bytes().to_vec();
                    text.pop();
                }
                Value::Json(span) => text.extend_from_slice(batch.text_of(span).as_bytes()),
                Value::Str(span) => write_json_string(batch.text_of(span), &mut text),
                Value::I64(number) => write_value(ValueRef::I64(number), &mut text),
                Value::F64(number) => write_value(ValueRef::F64(number), &mut text),
                Value::Bool(truth) => write_value(ValueRef::Bool(truth), &mut text),
            }
            text
        });
        if text.last() != Some(&b'[') {
            text.push(b',');
        }
        write_value(value, text);
    }

    /// Closes the arrays under way and gives them to their fields.
    fn store_repeated(&mut self) {
        for (field, mut text) in std::mem::take(&mut self.repeated) {
            text.push(b']');
            let text = String::from_utf8(text).unwrap_or_default();
            let merged = Value::Json(self.push_text(&text));
            if let Some(field) = self.batch.fields.get_mut(field) {
                field.value = merged;
            }
        }
    }

    fn add_overflow(&mut self, name: &str, value: ValueRef<'_>) {
        self.cuts.fields += 1;
        self.overflow.push(if self.overflow.is_empty() { b'{' } else { b',' });
        write_json_string(name, &mut self.overflow);
        self.overflow.push(b':');
        write_value(value, &mut self.overflow);
    }
}
