//! Builds a columns file: one column for each field and kind of value, plus time and sequence number. What goes
//! into which column is decided by [`super::shred`], but for ids that repeat and strings that are numbered.

use rustc_hash::FxHashMap;
use tantivy::columnar::ColumnarWriter;

use super::columns::{MILLI_NS, SEQUENCE, TIME, TIME_REST, sort_columns};
use super::decimals::to_millionths;
use super::ids::IdShape;
use super::learned::{Different, Learned, Numbers};
use super::meta::{ColumnMeta, Kind, low_name, write_tagged};
use crate::limits::BUILD_COLUMNS_MAX;

/// Number of a column while it is built.
pub(crate) type ColumnId = u32;

/// Builds a columns file.
pub(crate) struct ColumnsWriter {
    writer: ColumnarWriter,
    learned: Learned,
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
    /// Values of a column of strings.
    strings: u32,
    /// Of ids: how many are different.
    ids: Option<Different>,
    /// Of strings that could be numbered: what they are like.
    numbers: Option<Numbers>,
}

impl ColumnsWriter {
    /// An empty file.
    pub(crate) fn new(learned: Learned) -> Self {
        Self {
            writer: ColumnarWriter::default(),
            learned,
            columns: Vec::new(),
            by_name: FxHashMap::default(),
            tagged: String::new(),
        }
    }

    /// The column of a field and type, made if there is none; `None` when there are too many already
    /// or the name can't be one. `reserved` names are always admitted. Ids of fields where they repeat
    /// get a column of strings, and so do numbered strings of fields where it is not known that all are.
    pub(crate) fn admit(&mut self, name: &str, kind: Kind, reserved: bool) -> Option<ColumnId> {
        let (kind, prefix) = match kind {
            Kind::Numbered => match self.learned.prefix(name) {
                Some(prefix) => (kind, prefix),
                None => (Kind::String, ""),
            },
            _ if kind.id_shape().is_some() && self.learned.repeats(name) => (Kind::String, ""),
            _ => (kind, ""),
        };
        self.tagged.clear();
        write_tagged(&mut self.tagged, kind, prefix, name);
        if let Some(id) = self.by_name.get(&self.tagged) {
            return Some(*id);
        }
        // The library ends names in its files with a zero byte.
        if name.contains('\0') || (!reserved && self.columns.len() >= BUILD_COLUMNS_MAX) {
            return None;
        }
        let id = self.columns.len() as ColumnId;
        let string = kind == Kind::String;
        let (name, prefix) = (name.to_owned(), prefix.to_owned());
        let meta = ColumnMeta { name, kind, prefix, documents: 0, folded: string, texts: string };
        self.columns.push(Building {
            tagged: self.tagged.clone(),
            tagged_low: low_name(&self.tagged),
            meta,
            last_doc: None,
            strings: 0,
            ids: None,
            numbers: None,
        });
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
        column.ids.get_or_insert_default().add(value);
        column.meta.kind.id_shape() == Some(shape)
    }

    /// Counts a string that could be numbered, for a column that suits it; whether it goes there as a number.
    pub(crate) fn takes_number(&mut self, id: ColumnId, prefix: &str, number: u32) -> bool {
        let Some(column) = self.columns.get_mut(id as usize) else { return false };
        column.numbers.get_or_insert_with(|| Numbers::new(prefix)).add(prefix, number);
        column.meta.kind == Kind::Numbered
    }

    /// False when the column is of numbered strings with another prefix.
    pub(crate) fn suits(&self, id: ColumnId, prefix: &str) -> bool {
        let meta = self.columns.get(id as usize).map(|column| &column.meta);
        meta.is_none_or(|meta| meta.kind != Kind::Numbered || meta.prefix == prefix)
    }

    /// Adds a string; `folded` and `text` describe this value.
    pub(crate) fn string(&mut self, doc: u32, id: ColumnId, value: &str, folded: bool, text: bool) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            column.strings = column.strings.saturating_add(1);
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

    /// Adds the number of a string to a column of such.
    pub(crate) fn number(&mut self, doc: u32, id: ColumnId, number: u32) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            self.writer.record_numerical(doc, &column.tagged, i64::from(number));
        }
    }

    /// Adds a truth value.
    pub(crate) fn bool(&mut self, doc: u32, id: ColumnId, value: bool) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            self.writer.record_bool(doc, &column.tagged, value);
        }
    }

    /// Ends the file: its bytes, its columns, sorted, and what was learned of fields.
    pub(crate) fn finish(mut self, documents: u32) -> std::io::Result<(Vec<u8>, Vec<ColumnMeta>, Learned)> {
        let mut bytes = Vec::new();
        self.writer.serialize(documents, None, &mut bytes)?;
        self.learn();
        let mut metas: Vec<_> =
            self.columns.into_iter().map(|column| column.meta).filter(|meta| meta.documents > 0).collect();
        sort_columns(&mut metas);
        Ok((bytes, metas, self.learned))
    }

    /// Ends it without the file.
    pub(crate) fn into_learned(mut self) -> Learned {
        self.learn();
        self.learned
    }

    fn learn(&mut self) {
        self.learned.saw();
        // Strings beside numbers have the last word.
        self.columns.sort_by_key(|column| column.meta.kind);
        for column in &self.columns {
            let name = &column.meta.name;
            if let Some(ids) = &column.ids {
                self.learned.learn_ids(name, ids);
            }
            match (column.meta.kind, &column.numbers) {
                (Kind::Numbered, Some(numbers)) => self.learned.learn_numbered(name, numbers),
                (Kind::String, numbers) if column.strings > 0 => {
                    self.learned.learn_strings(name, column.strings, numbers.as_ref());
                }
                _ => {}
            }
        }
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
