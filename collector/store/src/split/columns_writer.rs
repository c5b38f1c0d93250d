//! Builds a columns file: one column for each field and kind of value, plus time and sequence number. What goes
//! into which column is decided by [`super::shred`], but for ids that repeat.

use rustc_hash::FxHashMap;
use tantivy::columnar::ColumnarWriter;

use super::columns::{MILLI_NS, SEQUENCE, TIME, TIME_REST, sort_columns};
use super::decimals::to_millionths;
use super::ids::IdShape;
use super::meta::{ColumnMeta, Kind, low_name};
use super::repetition::{Different, Repetition};
use crate::limits::BUILD_COLUMNS_MAX;

/// Number of a column while it is built.
pub(crate) type ColumnId = u32;

/// Builds a columns file.
pub(crate) struct ColumnsWriter {
    writer: ColumnarWriter,
    repetition: Repetition,
    columns: Vec<Building>,
    by_name: FxHashMap<String, ColumnId>,
    tagged: String,
}

struct Building {
    tagged: String,
    /// Name of the lower halves of wide ids.
    tagged_low: String,
    meta: ColumnMeta,
    last_doc: Option<u32>,
    /// Of ids: how many are different.
    different: Option<Different>,
}

impl ColumnsWriter {
    /// An empty file.
    pub(crate) fn new(repetition: Repetition) -> Self {
        Self {
            writer: ColumnarWriter::default(),
            repetition,
            columns: Vec::new(),
            by_name: FxHashMap::default(),
            tagged: String::new(),
        }
    }

    /// The column of a field and type, made if there is none; `None` when there are too many already
    /// or the name can't be one. `reserved` names are always admitted. Ids of fields where they repeat
    /// get a column of strings.
    pub(crate) fn admit(&mut self, name: &str, kind: Kind, reserved: bool) -> Option<ColumnId> {
        let repeats = kind.id_shape().is_some() && self.repetition.has(name);
        let kind = if repeats { Kind::String } else { kind };
        self.tagged.clear();
        self.tagged.push_str(kind.prefix());
        self.tagged.push_str(name);
        if let Some(id) = self.by_name.get(&self.tagged) {
            return Some(*id);
        }
        // The library ends names in its files with a zero byte.
        if name.contains('\0') || (!reserved && self.columns.len() >= BUILD_COLUMNS_MAX) {
            return None;
        }
        let id = self.columns.len() as ColumnId;
        let string = kind == Kind::String;
        let meta = ColumnMeta { name: name.to_owned(), kind, documents: 0, folded: string, texts: string };
        let (tagged, tagged_low) = (self.tagged.clone(), low_name(&self.tagged));
        self.columns.push(Building { tagged, tagged_low, meta, last_doc: None, different: None });
        self.by_name.insert(self.tagged.clone(), id);
        Some(id)
    }

    /// Adds the time and the sequence number of the next document.
    pub(crate) fn begin(&mut self, doc: u32, timestamp_ns: i64, sequence: u64) {
        self.writer.record_numerical(doc, TIME, timestamp_ns.div_euclid(MILLI_NS));
        self.writer.record_numerical(doc, TIME_REST, timestamp_ns.rem_euclid(MILLI_NS));
        self.writer.record_numerical(doc, SEQUENCE, sequence.cast_signed());
    }

    /// Counts an id; whether it goes into this column as such, and not as a string.
    pub(crate) fn takes_id(&mut self, id: ColumnId, shape: IdShape, value: u128) -> bool {
        let Some(column) = self.columns.get_mut(id as usize) else { return false };
        column.different.get_or_insert_default().add(value);
        column.meta.kind.id_shape() == Some(shape)
    }

    /// Adds a string; `folded` and `text` describe this value.
    pub(crate) fn string(&mut self, doc: u32, id: ColumnId, value: &str, folded: bool, text: bool) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            column.meta.folded &= folded;
            column.meta.texts &= text;
            self.writer.record_str(doc, &column.tagged, value);
        }
    }

    /// Adds an integer.
    pub(crate) fn integer(&mut self, doc: u32, id: ColumnId, value: i64) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            self.writer.record_numerical(doc, &column.tagged, value);
        }
    }

    /// Adds a float to a column of floats or of decimals that it fits.
    pub(crate) fn float(&mut self, doc: u32, id: ColumnId, value: f64) {
        let Some(column) = touch(&mut self.columns, doc, id) else { return };
        match to_millionths(value).filter(|_| column.meta.kind == Kind::Decimal) {
            Some(millionths) => self.writer.record_numerical(doc, &column.tagged, millionths),
            None => self.writer.record_numerical(doc, &column.tagged, value),
        }
    }

    /// Adds an id to a column of ids of its shape.
    pub(crate) fn id(&mut self, doc: u32, id: ColumnId, value: u128) {
        let Some(column) = touch(&mut self.columns, doc, id) else { return };
        let (high, low) = ((value >> 64) as u64, value as u64);
        let is_wide = column.meta.kind.id_shape().is_some_and(IdShape::is_wide);
        let (first, second) = if is_wide { (high, Some(low)) } else { (low, None) };
        self.writer.record_numerical(doc, &column.tagged, first.cast_signed());
        if let Some(second) = second {
            self.writer.record_numerical(doc, &column.tagged_low, second.cast_signed());
        }
    }

    /// Adds a truth value.
    pub(crate) fn bool(&mut self, doc: u32, id: ColumnId, value: bool) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            self.writer.record_bool(doc, &column.tagged, value);
        }
    }

    /// Ends the file: its bytes, its columns, sorted, and what was learned of ids that repeat.
    pub(crate) fn finish(
        mut self,
        documents: u32,
    ) -> std::io::Result<(Vec<u8>, Vec<ColumnMeta>, Repetition)> {
        let mut bytes = Vec::new();
        self.writer.serialize(documents, None, &mut bytes)?;
        for column in &self.columns {
            if let Some(different) = &column.different {
                self.repetition.learn(&column.meta.name, different);
            }
        }
        let mut metas: Vec<_> =
            self.columns.into_iter().map(|column| column.meta).filter(|meta| meta.documents > 0).collect();
        sort_columns(&mut metas);
        Ok((bytes, metas, self.repetition))
    }
}

fn touch(columns: &mut [Building], doc: u32, id: ColumnId) -> Option<&mut Building> {
    let column = columns.get_mut(id as usize)?;
    if column.last_doc != Some(doc) {
        column.last_doc = Some(doc);
        column.meta.documents += 1;
    }
    Some(column)
}
