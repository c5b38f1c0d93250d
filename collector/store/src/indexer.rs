//! The indexer thread: takes appended batches and builds the RAM splits that make them visible.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::Shared;
use crate::error::{StoreError, guarded};
use crate::limits::BUILD_DAYS_MAX;
use crate::pipeline::Appended;
use crate::split::Split;
use crate::split::build::{self, Candidate};
use crate::split::meta::{Partition, day_of};

/// Runs until the store is closed.
pub(crate) fn run(shared: &Shared) {
    while let Some(batches) = next_build(shared) {
        match build(shared, &batches) {
            Ok(splits) => publish(shared, &batches, &splits),
            Err(error) => {
                // The documents are in the log: a restart builds them again, or another version does.
                tracing::error!(%error, "documents can't be indexed; the store takes no more");
                shared.pipeline().fail_for_good(error.to_string());
                shared.changed.notify_all();
                return;
            }
        }
    }
}

/// Waits for the next build; `None` when the store is closed.
fn next_build(shared: &Shared) -> Option<Vec<Appended>> {
    let mut pipeline = shared.pipeline();
    loop {
        if pipeline.is_closed() {
            return None;
        }
        let now = Instant::now();
        if !pipeline.ram_is_full(&shared.config)
            && let Some(batches) = pipeline.take_build(&shared.config, now)
        {
            return Some(batches);
        }
        let timeout = pipeline.until_build(&shared.config, now).max(std::time::Duration::from_millis(1));
        pipeline = shared.wait(pipeline, timeout);
    }
}

/// Makes the splits visible, together and with the position that they reach.
fn publish(shared: &Shared, batches: &[Appended], splits: &[Arc<Split>]) {
    let bytes = splits.iter().map(|split| split.memory_bytes()).sum();
    let mut pipeline = shared.pipeline();
    shared.publish(&[], splits);
    pipeline.built(batches, splits.len(), bytes, Instant::now());
    drop(pipeline);
    shared.changed.notify_all();
}

/// Builds the documents of these batches: at least one split for each day, and no split larger than
/// one build should be.
fn build(shared: &Shared, batches: &[Appended]) -> Result<Vec<Arc<Split>>, StoreError> {
    let arrived_ns = (shared.config.now_ns)();
    let wal_upto = batches.last().map_or(0, |last| last.upto);
    let mut splits = Vec::new();
    for (partition, mut docs) in partitions(batches) {
        build::sort(&mut docs);
        for docs in docs.chunks(shared.config.build_documents_max.max(1)) {
            let id = shared.manifest().next_id();
            let split = guarded("build a split", || build::build(id, partition, docs, wal_upto, arrived_ns))?;
            splits.push(Arc::new(split));
        }
    }
    Ok(splits)
}

/// The documents by UTC day; the rarest days beyond [`BUILD_DAYS_MAX`] together.
fn partitions(batches: &[Appended]) -> Vec<(Partition, Vec<Candidate<'_>>)> {
    let mut days: BTreeMap<i32, Vec<Candidate<'_>>> = BTreeMap::new();
    for (batch, appended) in batches.iter().enumerate() {
        for doc in appended.batch.docs() {
            days.entry(day_of(doc.timestamp_ns())).or_default().push(Candidate { batch, doc });
        }
    }
    let mut days: Vec<_> = days.into_iter().collect();
    days.sort_by_key(|(_, docs)| std::cmp::Reverse(docs.len()));
    let rare: Vec<_> = days.drain(days.len().min(BUILD_DAYS_MAX)..).flat_map(|(_, docs)| docs).collect();
    let mut partitions: Vec<_> = days.into_iter().map(|(day, docs)| (Some(day), docs)).collect();
    if !rare.is_empty() {
        partitions.push((None, rare));
    }
    partitions
}

#[cfg(test)]
mod tests {
    use millpond_wire::batch::BatchBuilder;

    use super::*;

    #[test]
    fn rare_days_share_a_partition() {
        const DAY_NS: i64 = 86_400_000_000_000;
        let mut builder = BatchBuilder::new();
        let days = BUILD_DAYS_MAX as i64 + 10;
        for day in 0..days {
            // The later days have two documents each.
            for _ in 0..if day < 20 { 1 } else { 2 } {
                builder.begin(day * DAY_NS);
                builder.end();
            }
        }
        let batch = Arc::new(builder.finish().0);
        let documents = batch.len();
        let appended = [Appended { batch, upto: 1 }];
        let partitions = partitions(&appended);
        assert_eq!(partitions.len(), BUILD_DAYS_MAX + 1);
        assert_eq!(partitions.iter().map(|(_, docs)| docs.len()).sum::<usize>(), documents);
        let (partition, rare) = partitions.last().expect("not empty");
        assert_eq!((*partition, rare.len()), (None, 10));
        for (partition, docs) in &partitions {
            let fits =
                |doc: &Candidate<'_>| partition.is_none_or(|day| day == day_of(doc.doc.timestamp_ns()));
            assert!(docs.iter().all(fits));
        }
    }
}
