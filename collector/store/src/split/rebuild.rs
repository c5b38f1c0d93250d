//! Gives documents back from a split: the inverse of [`super::shred`].

use std::ops::ControlFlow;

use millpond_wire::batch::{Batch, BatchBuilder, ValueRef, for_each_leaf_of};
use millpond_wire::names;
use rustc_hash::FxHashSet;

use super::Split;
use super::columns::Values;
use super::residual;
use super::rows::ZoneRows;
use crate::error::StoreError;

/// A scalar of a column, by document.
enum Fetched {
    Bool(bool),
    Float(f64),
    Integer(i64),
    /// Index into the texts of its column.
    String(u32),
}

/// One column's values of the documents wanted.
struct FetchedColumn<'a> {
    name: &'a str,
    /// (index in the list of documents, value), ascending.
    values: Vec<(u32, Fetched)>,
    /// Texts of the distinct ordinals, ascending, or of the ids and numbered strings.
    texts: Vec<String>,
}

/// Rebuilds documents, in the order given. `rows(zone)` hands out the texts of a zone.
pub(crate) fn rebuild(
    split: &Split,
    docs: &[u32],
    mut rows: impl FnMut(usize) -> Result<std::sync::Arc<ZoneRows>, StoreError>,
) -> Result<Batch, StoreError> {
    let mut columns = Vec::new();
    for (index, meta) in split.meta().columns.iter().enumerate() {
        let column = fetch(split.columns().values(index)?, &meta.name, docs)?;
        if !column.values.is_empty() {
            columns.push((column, 0usize));
        }
    }
    let mut builder = BatchBuilder::new();
    let mut claimed: FxHashSet<String> = FxHashSet::default();
    for (place, &doc) in docs.iter().enumerate() {
        let zone_index = split.rows().zone_of(doc).unwrap_or_default();
        let texts = rows(zone_index)?;
        let first = split.rows().zones().get(zone_index).map_or(0, |zone| zone.first_doc);
        let row = (doc - first) as usize;
        let residual = texts.residual(row);
        claim(residual, &mut claimed);
        builder.begin_numbered(split.columns().time(doc), split.columns().sequence(doc));
        if let Some(message) = texts.message(row) {
            builder.field(names::MESSAGE, ValueRef::Str(&message));
        }
        for (column, next) in &mut columns {
            let Some((_, value)) = column.values.get(*next).filter(|(owner, _)| *owner as usize == place)
            else {
                continue;
            };
            if !claimed.contains(column.name) {
                builder.field(column.name, column.value(value));
            }
            while column.values.get(*next).is_some_and(|(owner, _)| *owner as usize == place) {
                *next += 1;
            }
        }
        for entry in residual::entries(residual) {
            if let Some(value) = entry.value {
                builder.field(entry.name, value);
            }
        }
        builder.end();
    }
    Ok(builder.finish().0)
}

/// The names that a residual stands for: not read from columns.
fn claim(bytes: &[u8], claimed: &mut FxHashSet<String>) {
    claimed.clear();
    for entry in residual::entries(bytes) {
        claimed.insert(entry.name.to_owned());
        if let Some(value @ ValueRef::Json(_)) = entry.value {
            let _ = for_each_leaf_of(entry.name, value, &mut |name, _| {
                claimed.insert(name.to_owned());
                ControlFlow::Continue(())
            });
        }
    }
}

impl FetchedColumn<'_> {
    fn value(&self, value: &Fetched) -> ValueRef<'_> {
        match *value {
            Fetched::Bool(value) => ValueRef::Bool(value),
            Fetched::Float(value) => ValueRef::F64(value),
            Fetched::Integer(value) => ValueRef::I64(value),
            Fetched::String(index) => ValueRef::Str(self.texts.get(index as usize).map_or("", |text| text)),
        }
    }
}

fn fetch<'a>(values: &Values, name: &'a str, docs: &[u32]) -> Result<FetchedColumn<'a>, StoreError> {
    let places = docs.iter().zip(0u32..);
    let mut column = FetchedColumn { name, values: Vec::new(), texts: Vec::new() };
    match values {
        Values::Bool(data) => {
            let found = places.filter_map(|(doc, place)| Some((place, Fetched::Bool(data.first(*doc)?))));
            column.values = found.collect();
        }
        Values::Float(data) => {
            let found = places.filter_map(|(doc, place)| Some((place, Fetched::Float(data.first(*doc)?))));
            column.values = found.collect();
        }
        Values::Integer(data) => {
            let found = places.filter_map(|(doc, place)| Some((place, Fetched::Integer(data.first(*doc)?))));
            column.values = found.collect();
        }
        Values::Ids(ids) => {
            for (doc, place) in places {
                if let Some(id) = ids.first(*doc) {
                    column.values.push((place, Fetched::String(column.texts.len() as u32)));
                    column.texts.push(ids.shape().text(id));
                }
            }
        }
        Values::Numbered(numbered) => {
            for (doc, place) in places {
                if let Some(number) = numbered.column().first(*doc) {
                    column.values.push((place, Fetched::String(column.texts.len() as u32)));
                    column.texts.push(numbered.text(number));
                }
            }
        }
        Values::String(data) => {
            let found: Vec<_> =
                places.filter_map(|(doc, place)| Some((place, data.ords().first(*doc)?))).collect();
            let mut ordinals: Vec<_> = found.iter().map(|(_, ordinal)| *ordinal).collect();
            ordinals.sort_unstable();
            ordinals.dedup();
            column.texts = split_texts(data, &ordinals)?;
            let index_of = |ordinal| ordinals.binary_search(&ordinal).unwrap_or_default() as u32;
            column.values = found
                .into_iter()
                .map(|(place, ordinal)| (place, Fetched::String(index_of(ordinal))))
                .collect();
        }
    }
    Ok(column)
}

/// The texts of ascending ordinals. Each block of the dictionary is read once.
pub(crate) fn split_texts(
    column: &tantivy::columnar::StrColumn,
    ordinals: &[u64],
) -> Result<Vec<String>, StoreError> {
    let mut texts = Vec::with_capacity(ordinals.len());
    let found = column
        .dictionary()
        .sorted_ords_to_term_cb(ordinals, |bytes| texts.push(String::from_utf8_lossy(bytes).into_owned()))
        .map_err(StoreError::index("read a dictionary"))?;
    if found {
        Ok(texts)
    } else {
        Err(StoreError::Index {
            action: "read a dictionary",
            detail: "an ordinal is out of range".to_owned(),
        })
    }
}
