//! The indexer thread: takes appended batches and builds the RAM splits that make them visible.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::engine::Shared;
use crate::error::{StoreError, guarded};
use crate::limits::BUILD_DAYS_MAX;
use crate::pipeline::Appended;
use crate::split::Split;
use crate::split::build::{self, Candidate};
use crate::split::learned::Learned;
use crate::split::meta::{Partition, day_of};

/// Runs until the store is closed.
pub(crate) fn run(shared: &Shared) {
    let mut learned = Learned::default();
    while let Some(batches) = next_build(shared) {
        let splits = build(shared, &batches, &mut learned);
        publish(shared, &batches, &splits);
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
fn build(shared: &Shared, batches: &[Appended], learned: &mut Learned) -> Vec<Arc<Split>> {
    let arrived_ns = (shared.config.now_ns)();
    let wal_upto = batches.last().map_or(0, |last| last.upto);
    let mut splits = Vec::new();
    for (partition, mut docs) in partitions(batches) {
        build::sort(&mut docs);
        for docs in docs.chunks(shared.config.build_documents_max.max(1)) {
            let mut one = |docs: &[Candidate<'_>]| {
                let id = shared.manifest().next_id();
                let split = guarded("build a split", || {
                    build::build(id, partition, docs, wal_upto, arrived_ns, learned)
                })?;
                splits.push(Arc::new(split));
                Ok(())
            };
            let lost = build_around(docs, &mut one);
            shared.counters.damaged.fetch_add(lost, Ordering::Relaxed);
        }
    }
    splits
}

/// Builds documents in ever smaller parts when they can't be built together, so that one that the
/// index can't take costs no other its place. Gives the number of documents that were left out.
fn build_around(
    docs: &[Candidate<'_>],
    build: &mut impl FnMut(&[Candidate<'_>]) -> Result<(), StoreError>,
) -> u64 {
    let Err(error) = build(docs) else { return 0 };
    match docs {
        [] => 0,
        [only] => {
            tracing::error!(id = %only.doc.id(), %error, "a document can't be indexed and is left out");
            1
        }
        _ => {
            tracing::error!(documents = docs.len(), %error, "documents can't be indexed together");
            let (first, second) = docs.split_at(docs.len() / 2);
            build_around(first, build) + build_around(second, build)
        }
    }
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
    fn a_document_that_can_t_be_built_costs_no_other_its_place() {
        let mut builder = BatchBuilder::new();
        for time in 0..100 {
            builder.begin(time);
            builder.end();
        }
        let batch = builder.finish().0;
        let docs: Vec<_> = batch.docs().map(|doc| Candidate { batch: 0, doc }).collect();
        let mut built = Vec::new();
        let lost = build_around(&docs, &mut |docs| {
            let times: Vec<_> = docs.iter().map(|candidate| candidate.doc.timestamp_ns()).collect();
            if times.contains(&37) || times.contains(&99) {
                return Err(StoreError::Index { action: "build", detail: "no".to_owned() });
            }
            built.extend(times);
            Ok(())
        });
        assert_eq!((lost, built.len()), (2, 98));
        assert!(built.is_sorted());
    }

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
