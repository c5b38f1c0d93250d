//! Queries over a snapshot of splits. All of them work alike: a filter is planned for each split and
//! evaluated zone by zone into a bitmap; what differs is what is done with the documents in it.
//!
//! | module | what it does |
//! |---|---|
//! | [`conditions`] | filter to bitmap |
//! | [`zone`], [`meter`] | one zone's data, read on demand; the budget |
//! | [`newest`] | rows in order of time, stopping early |
//! | [`hits`] | what was found: its order in time, and its rows |
//! | [`scan`], [`helpers`] | all zones, on all cores, for the rest: |
//! | [`sorted`] | rows in order of other fields |
//! | [`histogram`] | counts by time |
//! | [`stats`] | groups and aggregates |
//! | [`facets`] | the most frequent values, and how many there are |
//! | [`values`] | values as numbers within a split, as keys across splits; counts by such numbers |

pub(crate) mod conditions;
pub(crate) mod facets;
pub(crate) mod helpers;
pub(crate) mod histogram;
pub(crate) mod hits;
pub(crate) mod meter;
pub(crate) mod newest;
mod scan;
pub(crate) mod sorted;
pub(crate) mod stats;
mod values;
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
