//! The columns of a split: one for each field and type, plus time and sequence number. Strings are
//! ordinals of a sorted dictionary. It gives values; what they mean is decided elsewhere.

use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use tantivy::columnar::{
    Column, ColumnIndex, ColumnarReader, ColumnarWriter, DynamicColumn, DynamicColumnHandle, StackMergeOrder,
    StrColumn, merge_columnar,
};
use tantivy::directory::FileSlice;

use super::meta::{ColumnMeta, Kind};
use crate::error::StoreError;
use crate::limits::BUILD_COLUMNS_MAX;

/// Event time, Unix nanoseconds. No column of a field has a name without a colon at its second byte.
const TIME: &str = "_ts";
/// Sequence number, as the `i64` with the same bits.
const SEQUENCE: &str = "_seq";

/// The values of one column.
#[derive(Clone)]
pub(crate) enum Values {
    /// Truth values.
    Bool(Column<bool>),
    /// Floats.
    Float(Column<f64>),
    /// Integers.
    Integer(Column<i64>),
    /// Ordinals and their dictionary.
    String(StrColumn),
}

impl Values {
    /// Which documents have values.
    pub(crate) fn index(&self) -> &ColumnIndex {
        match self {
            Self::Bool(column) => &column.index,
            Self::Float(column) => &column.index,
            Self::Integer(column) => &column.index,
            Self::String(column) => &column.ords().index,
        }
    }
}

/// The columns of an open split.
pub(crate) struct Columns {
    reader: ColumnarReader,
    /// In the order of the split's meta.
    handles: Vec<(DynamicColumnHandle, OnceLock<Values>)>,
    times: Column<i64>,
    sequences: Column<i64>,
}

impl std::fmt::Debug for Columns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Columns").field("columns", &self.handles.len()).finish_non_exhaustive()
    }
}

impl Columns {
    /// Opens a columns file that has the columns in `metas`, in their order.
    pub(crate) fn open(file: FileSlice, metas: &[ColumnMeta]) -> Result<Self, StoreError> {
        let reader = ColumnarReader::open(file).map_err(StoreError::index("open columns"))?;
        let list = reader.list_columns().map_err(StoreError::index("list columns"))?;
        let mut by_name: FxHashMap<String, DynamicColumnHandle> = list.into_iter().collect();
        let mut internal = |name: &'static str| {
            let handle = by_name.remove(name).ok_or_else(|| missing(name))?;
            match handle.open().map_err(StoreError::index("open a column"))? {
                DynamicColumn::I64(column) => Ok(column),
                _ => Err(missing(name)),
            }
        };
        let (times, sequences) = (internal(TIME)?, internal(SEQUENCE)?);
        let handles = metas
            .iter()
            .map(|meta| {
                let name = meta.tagged_name();
                let handle = by_name.remove(&name).ok_or_else(|| missing(&name))?;
                Ok((handle, OnceLock::new()))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { reader, handles, times, sequences })
    }

    /// Joins columns files, in this order.
    pub(crate) fn merge(inputs: &[&Self], out: &mut impl Write) -> Result<(), StoreError> {
        let readers: Vec<_> = inputs.iter().map(|input| &input.reader).collect();
        let order = StackMergeOrder::stack(&readers);
        merge_columnar(&readers, &[], order.into(), out).map_err(StoreError::index("merge columns"))
    }

    /// Documents of the file.
    pub(crate) fn documents(&self) -> u32 {
        self.reader.num_docs()
    }

    /// The column at this index of the split's meta.
    pub(crate) fn values(&self, index: usize) -> Result<&Values, StoreError> {
        let (handle, opened) = self.handles.get(index).ok_or_else(|| missing("a column"))?;
        if let Some(values) = opened.get() {
            return Ok(values);
        }
        let values = match handle.open().map_err(StoreError::index("open a column"))? {
            DynamicColumn::Bool(column) => Values::Bool(column),
            DynamicColumn::F64(column) => Values::Float(column),
            DynamicColumn::I64(column) => Values::Integer(column),
            DynamicColumn::Str(column) => Values::String(column),
            _ => return Err(missing("a column of a known type")),
        };
        Ok(opened.get_or_init(|| values))
    }

    /// Event times of the documents, in nanoseconds.
    pub(crate) fn times(&self, docs: &Range<u32>) -> Vec<i64> {
        read_full(&self.times, docs)
    }

    /// Event time of one document.
    pub(crate) fn time(&self, doc: u32) -> i64 {
        self.times.values.get_val(doc)
    }

    /// Sequence number of one document.
    pub(crate) fn sequence(&self, doc: u32) -> u64 {
        self.sequences.values.get_val(doc).cast_unsigned()
    }
}

fn missing(name: &str) -> StoreError {
    StoreError::Index { action: "open columns", detail: format!("{name} is missing") }
}

fn read_full<T: PartialOrd + Copy + Default + 'static>(column: &Column<T>, docs: &Range<u32>) -> Vec<T> {
    let mut values = vec![T::default(); docs.len()];
    column.values.get_range(u64::from(docs.start), &mut values);
    values
}

/// Calls `visit(document, value)` for every value of the documents, in their order.
pub(crate) fn for_each_value<T>(column: &Column<T>, docs: &Range<u32>, mut visit: impl FnMut(u32, T))
where
    T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static,
{
    match &column.index {
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Full => {
            docs.clone().zip(read_full(column, docs)).for_each(|(doc, value)| visit(doc, value))
        }
        ColumnIndex::Optional(optional) => {
            let rows = column.index.docid_range_to_rowids(docs.clone());
            let mut found: Vec<u32> = rows.clone().collect();
            optional.select_batch(&mut found);
            found.into_iter().zip(read_full(column, &rows)).for_each(|(doc, value)| visit(doc, value));
        }
        ColumnIndex::Multivalued(_) => {
            for doc in docs.clone() {
                column.values_for_doc(doc).for_each(|value| visit(doc, value));
            }
        }
    }
}

/// Calls `visit(document)` for every document that has a value.
pub(crate) fn for_each_present(index: &ColumnIndex, docs: &Range<u32>, mut visit: impl FnMut(u32)) {
    match index {
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Full => docs.clone().for_each(visit),
        ColumnIndex::Optional(optional) => {
            let mut found: Vec<u32> = index.docid_range_to_rowids(docs.clone()).collect();
            optional.select_batch(&mut found);
            found.into_iter().for_each(visit);
        }
        ColumnIndex::Multivalued(_) => {
            docs.clone().filter(|doc| index.has_value(*doc)).for_each(&mut visit);
        }
    }
}

/// Number of a column while it is built.
pub(crate) type ColumnId = u32;

/// Builds a columns file.
#[derive(Default)]
pub(crate) struct ColumnsWriter {
    writer: ColumnarWriter,
    columns: Vec<Building>,
    by_name: FxHashMap<String, ColumnId>,
    tagged: String,
}

struct Building {
    tagged: String,
    meta: ColumnMeta,
    last_doc: Option<u32>,
}

impl ColumnsWriter {
    /// The column of a field and type, made if there is none; `None` when there are too many already
    /// or the name can't be one. `reserved` names are always admitted.
    pub(crate) fn admit(&mut self, name: &str, kind: Kind, reserved: bool) -> Option<ColumnId> {
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
        self.columns.push(Building { tagged: self.tagged.clone(), meta, last_doc: None });
        self.by_name.insert(self.tagged.clone(), id);
        Some(id)
    }

    /// Adds the time and the sequence number of the next document.
    pub(crate) fn begin(&mut self, doc: u32, timestamp_ns: i64, sequence: u64) {
        self.writer.record_numerical(doc, TIME, timestamp_ns);
        self.writer.record_numerical(doc, SEQUENCE, sequence.cast_signed());
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

    /// Adds a float.
    pub(crate) fn float(&mut self, doc: u32, id: ColumnId, value: f64) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            self.writer.record_numerical(doc, &column.tagged, value);
        }
    }

    /// Adds a truth value.
    pub(crate) fn bool(&mut self, doc: u32, id: ColumnId, value: bool) {
        if let Some(column) = touch(&mut self.columns, doc, id) {
            self.writer.record_bool(doc, &column.tagged, value);
        }
    }

    /// Ends the file: its bytes and its columns, sorted.
    pub(crate) fn finish(mut self, documents: u32) -> std::io::Result<(Vec<u8>, Vec<ColumnMeta>)> {
        let mut bytes = Vec::new();
        self.writer.serialize(documents, None, &mut bytes)?;
        let mut metas: Vec<_> =
            self.columns.into_iter().map(|column| column.meta).filter(|meta| meta.documents > 0).collect();
        sort_columns(&mut metas);
        Ok((bytes, metas))
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

/// The order of columns in a split's meta.
pub(crate) fn sort_columns(metas: &mut [ColumnMeta]) {
    metas.sort_unstable_by(|a, b| (&a.name, a.kind).cmp(&(&b.name, b.kind)));
}

/// Opens a columns file on disk as a memory map.
pub(crate) fn map_file(dir: &Path, name: &str) -> Result<FileSlice, StoreError> {
    use tantivy::Directory;
    let directory = tantivy::directory::MmapDirectory::open(dir)
        .map_err(StoreError::index("open the split's directory"))?;
    directory.open_read(Path::new(name)).map_err(StoreError::index("map the columns"))
}
