//! Queries over a snapshot of splits. All of them work alike: a filter is planned for each split and
//! evaluated zone by zone into a bitmap; what differs is what is done with the documents in it.
//!
//! | module | what it does |
//! |---|---|
//! | [`filter`], [`leaf`], [`id_test`], [`numbered_test`], [`residual_test`], [`ordinals`], [`cache`] | filter to bitmap |
//! | [`zone`], [`meter`] | one zone's data, read on demand; the budget |
//! | [`newest`], [`rebuilt`] | rows in order of time, stopping early; put together again |
//! | [`scan`], [`helpers`] | all zones, on all cores, for the rest: [`histogram`], [`aggregate`], [`facets`] |
//! | [`whole_minutes`] | what [`histogram`] counts without looking at documents |
//! | [`group_by`], [`inputs`] | what [`aggregate`] does within a split |
//! | [`value_counts`], [`number_tables`], [`totals`] | what [`facets`] count within a split, and over all |
//! | [`best`], [`top`] | the most frequent values, of all or of candidates |
//! | [`cells`], [`picked`] | groups by small dictionaries and times without a hash map; values of few documents |
//! | [`field_keys`], [`terms`], [`interned`], [`keys`] | values of a field as numbers within a split, as keys across splits |
//! | [`tally`], [`ordinal_counts`] | counts by such numbers |

pub(crate) mod aggregate;
mod best;
pub(crate) mod cache;
mod cells;
pub(crate) mod facets;
mod field_keys;
pub(crate) mod filter;
mod group_by;
pub(crate) mod helpers;
pub(crate) mod histogram;
mod id_test;
mod inputs;
mod interned;
mod keys;
mod leaf;
pub(crate) mod meter;
pub(crate) mod newest;
mod number_tables;
mod numbered_test;
mod ordinal_counts;
mod ordinals;
mod picked;
mod rebuilt;
mod residual_test;
mod scan;
mod tally;
mod terms;
mod top;
mod totals;
mod value_counts;
mod whole_minutes;
mod zone;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::log_store::{FieldInfo, TimeRange};
use crate::split::Split;

/// The fields of the splits that overlap `range`, from their metas alone.
pub(crate) fn fields(splits: &[Arc<Split>], range: TimeRange) -> Vec<FieldInfo> {
    let mut fields: BTreeMap<&str, FieldInfo> = BTreeMap::new();
    let mut messages = 0;
    for split in splits.iter().filter(|split| range.overlaps(split.meta().min_ns, split.meta().max_ns)) {
        for column in &split.meta().columns {
            let info = fields.entry(&column.name).or_insert_with(|| empty(&column.name));
            info.count += u64::from(column.documents);
            if !info.types.contains(&column.kind.type_name()) {
                info.types.push(column.kind.type_name());
            }
        }
        for name in &split.meta().unindexed {
            fields.entry(name).or_insert_with(|| empty(name));
        }
        messages += split.rows().zones().iter().map(|zone| u64::from(zone.messages)).sum::<u64>();
    }
    if messages > 0 {
        let name = millpond_wire::names::MESSAGE;
        let info = fields.entry(name).or_insert_with(|| empty(name));
        info.count += messages;
        if !info.types.contains(&"string") {
            info.types.push("string");
        }
    }
    let mut fields: Vec<_> = fields.into_values().collect();
    fields.iter_mut().for_each(|field| field.types.sort_unstable());
    fields
}

fn empty(name: &str) -> FieldInfo {
    FieldInfo { name: name.to_owned(), types: Vec::new(), count: 0 }
}
