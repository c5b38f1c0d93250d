//! The flusher thread: turns RAM splits into disk splits, one per partition, and commits them with
//! the log position that they reach.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashSet;

use crate::engine::Shared;
use crate::error::StoreError;
use crate::limits::{BUILD_DAYS_MAX, MERGED_COLUMNS_MAX};
use crate::manifest::{Entry, Record};
use crate::pipeline::Reached;
use crate::split::Split;
use crate::split::merge;
use crate::split::meta::Partition;

/// Longest pause after a flush that failed.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Runs until the store is closed.
pub(crate) fn run(shared: &Shared) {
    let mut retry = Duration::from_millis(100);
    while let Some((reached, splits)) = next_flush(shared) {
        match flush(shared, reached, &splits) {
            Ok(()) => retry = Duration::from_millis(100),
            Err(error) => {
                tracing::error!(%error, "can't write splits to disk; trying again");
                shared.pipeline().failed(error.to_string());
                shared.changed.notify_all();
                pause(shared, retry);
                retry = (retry * 2).min(RETRY_MAX);
            }
        }
    }
}

/// Waits until it is time to flush: how far it reaches, and the RAM splits. `None` when closed.
fn next_flush(shared: &Shared) -> Option<(Reached, Vec<Arc<Split>>)> {
    let mut pipeline = shared.pipeline();
    loop {
        if pipeline.is_closed() {
            return None;
        }
        if let Some(reached) = pipeline.flush_due(&shared.config, Instant::now()) {
            // Under the lock of the pipeline, so that the splits and the position belong together.
            let splits = shared.catalog.load().in_memory().cloned().collect();
            return Some((reached, splits));
        }
        pipeline = shared.wait(pipeline, Duration::from_millis(500));
    }
}

/// Waits this long, or until the store is closed.
pub(crate) fn pause(shared: &Shared, how_long: Duration) {
    let until = Instant::now() + how_long;
    let mut pipeline = shared.pipeline();
    while !pipeline.is_closed() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        pipeline = shared.wait(pipeline, left);
    }
}

fn flush(shared: &Shared, reached: Reached, inputs: &[Arc<Split>]) -> Result<(), StoreError> {
    let mut partitions: BTreeMap<Partition, Vec<Arc<Split>>> = BTreeMap::new();
    for split in inputs {
        partitions.entry(split.meta().partition).or_default().push(Arc::clone(split));
    }
    share_rare_days(&mut partitions);
    let mut outputs = Vec::new();
    for (partition, mut splits) in partitions {
        merge::sort(&mut splits);
        for group in by_columns(&splits) {
            let id = shared.manifest().next_id();
            outputs.push(Arc::new(merge::merge(&shared.splits_dir, id, partition, group)?));
        }
    }
    let record = Record {
        added: outputs.iter().map(|split| Entry::of(split.meta(), split.disk_bytes())).collect(),
        wal_upto: reached.upto,
        max_sequence: outputs.iter().map(|split| split.meta().max_sequence).max().unwrap_or_default(),
        ..Record::default()
    };
    let removed: Vec<u64> = inputs.iter().map(|split| split.id()).collect();
    let bytes = inputs.iter().map(|split| split.memory_bytes()).sum();
    let mut manifest = shared.manifest();
    manifest.commit(record)?;
    shared.publish(&removed, &outputs);
    drop(manifest);
    shared.pipeline().flushed(reached, inputs.len(), bytes, Instant::now());
    shared.changed.notify_all();
    Ok(())
}

/// Puts the rarest days beyond [`BUILD_DAYS_MAX`] into one partition: builds of a flush may each have had
/// other days.
fn share_rare_days(partitions: &mut BTreeMap<Partition, Vec<Arc<Split>>>) {
    let documents =
        |splits: &[Arc<Split>]| -> u64 { splits.iter().map(|split| u64::from(split.meta().documents)).sum() };
    let mut days: Vec<_> = partitions
        .iter()
        .filter(|(partition, _)| partition.is_some())
        .map(|(partition, splits)| (std::cmp::Reverse(documents(splits)), *partition))
        .collect();
    days.sort_unstable();
    for (_, day) in days.into_iter().skip(BUILD_DAYS_MAX) {
        let rare = partitions.remove(&day).unwrap_or_default();
        partitions.entry(None).or_default().extend(rare);
    }
}

/// Runs of neighbours with at most [`MERGED_COLUMNS_MAX`] different columns together.
pub(crate) fn by_columns(splits: &[Arc<Split>]) -> Vec<&[Arc<Split>]> {
    let (mut groups, mut first) = (Vec::new(), 0);
    let mut names = FxHashSet::default();
    for (at, split) in splits.iter().enumerate() {
        let columns = || {
            let columns = split.meta().columns.iter();
            columns.map(|column| (column.kind, column.prefix.as_str(), column.name.as_str()))
        };
        let more = columns().filter(|column| !names.contains(column)).count();
        if at > first && names.len() + more > MERGED_COLUMNS_MAX {
            groups.extend(splits.get(first..at));
            first = at;
            names.clear();
        }
        names.extend(columns());
    }
    groups.extend(splits.get(first..).filter(|rest| !rest.is_empty()));
    groups
}
