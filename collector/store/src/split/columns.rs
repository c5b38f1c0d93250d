//! The columns of a split: one for each field and type, plus time and sequence number. Strings are
//! ordinals of a sorted dictionary. It gives values; what they mean is decided elsewhere.

use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashMap;
use tantivy::columnar::{
    Column, ColumnIndex, ColumnarReader, DynamicColumn, DynamicColumnHandle, StackMergeOrder, StrColumn,
    merge_columnar,
};
use tantivy::directory::FileSlice;

use super::decimals::Decimals;
use super::filters::FiltersWriter;
use super::ids::IdShape;
use super::meta::{ColumnMeta, Kind};
use super::numbered::Numbered;
use super::visits::for_each_value;
use crate::error::StoreError;

/// Event time in whole milliseconds, rounded down. No column of a field has a name without a colon at its second
/// byte.
pub(super) const TIME: &str = "_ms";
/// The nanoseconds after it. Apart, since most sources write milliseconds: where all are 0 they cost nothing, and a
/// few with more do not cost the others 20 bits.
pub(super) const TIME_REST: &str = "_ns";
/// A dictionary with fewer terms is scanned without asking a filter.
pub(crate) const SCANNED_TERMS_MAX: usize = 64;

/// Nanoseconds in a millisecond.
pub(super) const MILLI_NS: i64 = 1_000_000;
/// Sequence number, as the `i64` with the same bits.
pub(super) const SEQUENCE: &str = "_seq";

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
    /// Strings that are ids, as numbers.
    Ids(Ids),
    /// Strings that are a prefix and a number.
    Numbered(Numbered),
}

/// The ids of one column.
#[derive(Clone)]
pub(crate) struct Ids {
    shape: IdShape,
    /// The lower 64 bits.
    low: Column<i64>,
    /// The upper ones, if the shape has any.
    high: Option<Column<i64>>,
}

impl Ids {
    /// How they are written.
    pub(crate) fn shape(&self) -> IdShape {
        self.shape
    }

    /// The first id of a document.
    pub(crate) fn first(&self, doc: u32) -> Option<u128> {
        let low = self.low.first(doc)?;
        let high = self.high.as_ref().and_then(|high| high.first(doc)).unwrap_or_default();
        Some(wide(high, low))
    }

    /// The column in which an id is looked for first, and its part there.
    pub(crate) fn narrow(&self, id: u128) -> (&Column<i64>, i64) {
        (&self.low, (id as u64).cast_signed())
    }

    /// All ids of a document.
    pub(crate) fn of_doc(&self, doc: u32) -> impl Iterator<Item = u128> + '_ {
        let mut high = self.high.as_ref().map(|high| high.values_for_doc(doc));
        let low = self.low.values_for_doc(doc);
        low.map(move |low| wide(high.as_mut().and_then(Iterator::next).unwrap_or_default(), low))
    }

    /// Calls `visit(document, id)` for every id of the documents, in their order.
    pub(crate) fn for_each(&self, docs: &Range<u32>, mut visit: impl FnMut(u32, u128)) {
        let mut highs = Vec::new();
        if let Some(high) = &self.high {
            for_each_value(high, docs, |_, high| highs.push(high));
        }
        let mut highs = highs.into_iter();
        for_each_value(&self.low, docs, |doc, low| visit(doc, wide(highs.next().unwrap_or_default(), low)));
    }
}

fn wide(high: i64, low: i64) -> u128 {
    u128::from(high.cast_unsigned()) << 64 | u128::from(low.cast_unsigned())
}

impl Values {
    /// Which documents have values.
    pub(crate) fn index(&self) -> &ColumnIndex {
        match self {
            Self::Bool(column) => &column.index,
            Self::Float(column) => &column.index,
            Self::Integer(column) => &column.index,
            Self::String(column) => &column.ords().index,
            Self::Ids(ids) => &ids.low.index,
            Self::Numbered(numbered) => &numbered.column().index,
        }
    }
}

/// The columns of an open split.
pub(crate) struct Columns {
    reader: ColumnarReader,
    /// In the order of the split's meta.
    handles: Vec<(Handles, OnceLock<Values>)>,
    times: Column<i64>,
    time_rests: Column<i64>,
    sequences: Column<i64>,
}

/// Where the values of one column are.
struct Handles {
    kind: Kind,
    prefix: String,
    column: DynamicColumnHandle,
    /// The lower halves of wide ids.
    low: Option<DynamicColumnHandle>,
}

impl Handles {
    fn open(&self) -> Result<Values, StoreError> {
        let open = |handle: &DynamicColumnHandle| handle.open().map_err(StoreError::index("open a column"));
        Ok(match (open(&self.column)?, self.kind.id_shape()) {
            (DynamicColumn::I64(column), Some(shape)) => {
                let low = self.low.as_ref().map(|low| open(low).and_then(whole_numbers)).transpose()?;
                match low {
                    Some(low) => Values::Ids(Ids { shape, low, high: Some(column) }),
                    None => Values::Ids(Ids { shape, low: column, high: None }),
                }
            }
            (DynamicColumn::I64(column), None) if self.kind == Kind::Decimal => {
                let values = Arc::new(Decimals(column.values));
                Values::Float(Column { index: column.index, values })
            }
            (DynamicColumn::I64(column), None) if self.kind == Kind::Numbered => {
                Values::Numbered(Numbered::new(&self.prefix, column))
            }
            (DynamicColumn::I64(column), None) => Values::Integer(column),
            (DynamicColumn::Bool(column), None) => Values::Bool(column),
            (DynamicColumn::F64(column), None) => Values::Float(column),
            (DynamicColumn::Str(column), None) => Values::String(column),
            _ => return Err(missing("a column of a known type")),
        })
    }
}

fn whole_numbers(column: DynamicColumn) -> Result<Column<i64>, StoreError> {
    match column {
        DynamicColumn::I64(column) => Ok(column),
        _ => Err(missing("a column of whole numbers")),
    }
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
            handle.open().map_err(StoreError::index("open a column")).and_then(whole_numbers)
        };
        let (times, time_rests, sequences) = (internal(TIME)?, internal(TIME_REST)?, internal(SEQUENCE)?);
        let handles = metas
            .iter()
            .map(|meta| {
                let mut take = |name: String| by_name.remove(&name).ok_or_else(|| missing(&name));
                let is_wide = meta.kind.id_shape().is_some_and(IdShape::is_wide);
                let low = if is_wide { Some(take(meta.tagged_low_name())?) } else { None };
                let (kind, prefix) = (meta.kind, meta.prefix.clone());
                Ok((Handles { kind, prefix, column: take(meta.tagged_name())?, low }, OnceLock::new()))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self { reader, handles, times, time_rests, sequences })
    }

    /// Joins columns files, in this order.
    pub(crate) fn merge(inputs: &[&Self], out: &mut impl Write) -> Result<(), StoreError> {
        let readers: Vec<_> = inputs.iter().map(|input| &input.reader).collect();
        let order = StackMergeOrder::stack(&readers);
        merge_columnar(&readers, &[], order.into(), out).map_err(StoreError::index("merge columns"))
    }

    /// Makes a filter for each column, in their order.
    pub(crate) fn push_dictionaries(
        &self,
        metas: &[ColumnMeta],
        filters: &mut FiltersWriter,
    ) -> Result<(), StoreError> {
        for (index, meta) in metas.iter().enumerate() {
            // The others are answered by a lookup, by the word index, or by a scan that is as fast.
            let wanted = meta.kind == Kind::String && !meta.folded && !meta.texts;
            let column = match self.values(index)? {
                Values::String(column) if wanted && column.num_terms() >= SCANNED_TERMS_MAX => Some(column),
                _ => None,
            };
            filters.push_dictionary(column)?;
        }
        Ok(())
    }

    /// Documents of the file.
    pub(crate) fn documents(&self) -> u32 {
        self.reader.num_docs()
    }

    /// The column at this index of the split's meta.
    pub(crate) fn values(&self, index: usize) -> Result<&Values, StoreError> {
        let (handles, opened) = self.handles.get(index).ok_or_else(|| missing("a column"))?;
        if let Some(values) = opened.get() {
            return Ok(values);
        }
        let values = handles.open()?;
        Ok(opened.get_or_init(|| values))
    }

    /// Event times of the documents, in nanoseconds.
    pub(crate) fn times(&self, docs: &Range<u32>) -> Vec<i64> {
        let mut times = read_full(&self.times, docs);
        let rests = read_full(&self.time_rests, docs);
        times.iter_mut().zip(rests).for_each(|(time, rest)| *time = in_nanoseconds(*time, rest));
        times
    }

    /// Event time of one document.
    pub(crate) fn time(&self, doc: u32) -> i64 {
        in_nanoseconds(self.times.values.get_val(doc), self.time_rests.values.get_val(doc))
    }

    /// Sequence number of one document.
    pub(crate) fn sequence(&self, doc: u32) -> u64 {
        self.sequences.values.get_val(doc).cast_unsigned()
    }
}

/// Saturating, as damaged columns could hold anything.
fn in_nanoseconds(milliseconds: i64, rest_ns: i64) -> i64 {
    // The first millisecond of all begins before the first nanosecond that can be told.
    match milliseconds.checked_mul(MILLI_NS) {
        Some(ns) => ns.saturating_add(rest_ns),
        None => milliseconds.saturating_add(1).saturating_mul(MILLI_NS).saturating_add(rest_ns - MILLI_NS),
    }
}

fn missing(name: &str) -> StoreError {
    StoreError::Index { action: "open columns", detail: format!("{name} is missing") }
}

fn read_full(column: &Column<i64>, docs: &Range<u32>) -> Vec<i64> {
    let mut values = vec![0; docs.len()];
    column.values.get_range(u64::from(docs.start), &mut values);
    values
}

/// The order of columns in a split's meta.
pub(crate) fn sort_columns(metas: &mut [ColumnMeta]) {
    metas.sort_unstable_by(|a, b| (&a.name, a.kind, &a.prefix).cmp(&(&b.name, b.kind, &b.prefix)));
}

/// Opens a columns file on disk as a memory map.
pub(crate) fn map_file(dir: &Path, name: &str) -> Result<FileSlice, StoreError> {
    use tantivy::Directory;
    let directory = tantivy::directory::MmapDirectory::open(dir)
        .map_err(StoreError::index("open the split's directory"))?;
    directory.open_read(Path::new(name)).map_err(StoreError::index("map the columns"))
}
