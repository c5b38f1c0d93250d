//! Documents as the collector holds them between the wire and the index: flat dotted names, typed
//! values, everything textual in one arena.
//!
//! A [`Batch`] is built once (by [`BatchBuilder`]), then shared read-only: by the store that indexes
//! it, by live tails, and by the printer of results. It knows nothing of Tantivy, HTTP or queries.

mod builder;
mod json;
mod leaves;

use std::ops::ControlFlow;

pub use self::builder::{BatchBuilder, Common, Cuts};
pub use self::json::{write_json_string, write_rfc3339};
use crate::level::Level;
use crate::names;

/// A value of a field, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ValueRef<'a> {
    /// A string.
    Str(&'a str),
    /// An integer in the range of `i64`.
    I64(i64),
    /// A finite floating-point number.
    F64(f64),
    /// A truth value.
    Bool(bool),
    /// Verbatim JSON text of what has no type of its own here: arrays, `null`, `{}`, and numbers
    /// beyond `i64` and `f64`.
    Json(&'a str),
}

/// A scalar of a document: what conditions are tested on. Arrays are taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ScalarRef<'a> {
    /// A string.
    Str(&'a str),
    /// An integer.
    I64(i64),
    /// A finite floating-point number.
    F64(f64),
    /// A truth value.
    Bool(bool),
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    len: u32,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    Str(Span),
    I64(i64),
    F64(f64),
    Bool(bool),
    Json(Span),
}

#[derive(Clone, Copy, Debug)]
struct Field {
    name: u32,
    value: Value,
}

#[derive(Clone, Copy, Debug)]
struct Doc {
    timestamp_ns: i64,
    sequence: u64,
    level: Option<Level>,
    first_field: u32,
    field_count: u32,
}

/// Documents in order of arrival. Names within one document are unique.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    text: String,
    names: Vec<Box<str>>,
    docs: Vec<Doc>,
    fields: Vec<Field>,
}

impl Batch {
    /// Number of documents.
    pub fn len(&self) -> usize {
        self.docs.len()
    }

    /// True when there is no document.
    pub fn is_empty(&self) -> bool {
        self.docs.is_empty()
    }

    /// The document at `index`; `None` past the end.
    pub fn doc(&self, index: usize) -> Option<DocRef<'_>> {
        self.docs.get(index).map(|doc| DocRef { batch: self, doc })
    }

    /// All documents in order of arrival.
    pub fn docs(&self) -> impl ExactSizeIterator<Item = DocRef<'_>> {
        self.docs.iter().map(move |doc| DocRef { batch: self, doc })
    }

    /// Every field name of the batch, each once; [`FieldRef::name_index`] indexes this list.
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Approximate heap size in bytes, for memory budgets.
    pub fn heap_bytes(&self) -> usize {
        let names: usize = self.names.iter().map(|name| name.len() + size_of::<Box<str>>()).sum();
        let fixed = self.docs.len() * size_of::<Doc>() + self.fields.len() * size_of::<Field>();
        self.text.len() + names + fixed
    }

    /// Gives the documents consecutive sequence numbers from `first` on. The collector does this at
    /// admission; sequence numbers order documents of one time and name them for ever.
    pub fn number_from(&mut self, first: u64) {
        for (doc, sequence) in self.docs.iter_mut().zip(first..) {
            doc.sequence = sequence;
        }
    }

    /// Drops the documents for which `keep(index)` is false. Their text stays in the arena.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut index = 0;
        self.docs.retain(|_| {
            index += 1;
            keep(index - 1)
        });
    }

    fn text_of(&self, span: Span) -> &str {
        let start = span.start as usize;
        self.text.get(start..start + span.len as usize).unwrap_or_default()
    }
}

/// One document of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct DocRef<'a> {
    batch: &'a Batch,
    doc: &'a Doc,
}

/// One field of a document.
#[derive(Clone, Copy, Debug)]
pub struct FieldRef<'a> {
    /// Dotted name.
    pub name: &'a str,
    /// Index of the name in [`Batch::names`], for callers that keep a table by name.
    pub name_index: usize,
    /// The value.
    pub value: ValueRef<'a>,
}

impl<'a> DocRef<'a> {
    /// Event time, Unix nanoseconds UTC.
    pub fn timestamp_ns(&self) -> i64 {
        self.doc.timestamp_ns
    }

    /// The number given by [`Batch::number_from`]; 0 before.
    pub fn sequence(&self) -> u64 {
        self.doc.sequence
    }

    /// The normalised level: of the first of [`names::LEVEL_SOURCES`] whose text names one.
    pub fn level(&self) -> Option<Level> {
        self.doc.level
    }

    /// The fields in the order in which they came, `message` among them.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldRef<'a>> + use<'a> {
        let batch = self.batch;
        let first = self.doc.first_field as usize;
        let fields = batch.fields.get(first..first + self.doc.field_count as usize).unwrap_or_default();
        fields.iter().map(move |field| FieldRef {
            name: batch.names.get(field.name as usize).map_or("", |name| name),
            name_index: field.name as usize,
            value: match field.value {
                Value::Str(span) => ValueRef::Str(batch.text_of(span)),
                Value::I64(number) => ValueRef::I64(number),
                Value::F64(number) => ValueRef::F64(number),
                Value::Bool(truth) => ValueRef::Bool(truth),
                Value::Json(span) => ValueRef::Json(batch.text_of(span)),
            },
        })
    }

    /// The value of the field with this exact name.
    pub fn field(&self, name: &str) -> Option<ValueRef<'a>> {
        self.fields().find(|field| field.name == name).map(|field| field.value)
    }

    /// The message, if it is a string.
    pub fn message(&self) -> Option<&'a str> {
        match self.field(names::MESSAGE) {
            Some(ValueRef::Str(text)) => Some(text),
            _ => None,
        }
    }

    /// Visits every scalar with its dotted name, elements of arrays one by one under the array's
    /// name, objects in arrays under `array.key`. `null` is no scalar. The level is visited
    /// normalised as `log.level`, and then the raw `log.level` is not.
    pub fn for_each_leaf(&self, visit: &mut dyn FnMut(&str, ScalarRef<'_>) -> ControlFlow<()>) {
        let _ = leaves::visit_document(self, visit);
    }

    /// Appends the document as one flat JSON object: `_id` first, then `@timestamp`, then the fields.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        json::write_document(self, out);
    }

    /// Time and sequence number: the place of the document in every result order.
    pub fn id(&self) -> DocId {
        DocId { timestamp_ns: self.doc.timestamp_ns, sequence: self.doc.sequence }
    }
}

/// Visits the scalars of one value under `name`, as [`DocRef::for_each_leaf`] does for a document.
pub fn for_each_leaf_of(
    name: &str,
    value: ValueRef<'_>,
    visit: &mut dyn FnMut(&str, ScalarRef<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    leaves::visit_value(name, value, visit)
}

/// Names a document for ever and orders results: by time, then by sequence number. As text (`_id`,
/// cursors) it is 32 hex digits that sort like the ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocId {
    /// Event time, Unix nanoseconds UTC.
    pub timestamp_ns: i64,
    /// Number of the document in order of admission at this collector.
    pub sequence: u64,
}

/// A text that is no document id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a document id is 32 hex digits")]
pub struct BadDocId;

impl std::fmt::Display for DocId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The sign bit is flipped so that the text of times before 1970 sorts first.
        write!(f, "{:016x}{:016x}", self.timestamp_ns.cast_unsigned() ^ (1 << 63), self.sequence)
    }
}

impl std::str::FromStr for DocId {
    type Err = BadDocId;

    fn from_str(text: &str) -> Result<Self, BadDocId> {
        if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(BadDocId);
        }
        let number =
            |part: Option<&str>| u64::from_str_radix(part.unwrap_or_default(), 16).map_err(|_| BadDocId);
        let time = number(text.get(..16))? ^ (1 << 63);
        Ok(Self { timestamp_ns: time.cast_signed(), sequence: number(text.get(16..))? })
    }
}

#[cfg(test)]
mod tests;
