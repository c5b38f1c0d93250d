//! The merger thread: joins disk splits into larger ones, one merge at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::engine::{Shared, remove_dir};
use crate::error::StoreError;
use crate::flusher::{by_columns, pause};
use crate::limits::MERGE_ATTEMPTS_MAX;
use crate::manifest::{Entry, Record};
use crate::merge_policy::{self, Candidate};
use crate::split::meta::day_of;
use crate::split::{Split, merge, split_dir};

/// A day counts as over this long after its end: late documents have come by then.
const DAY_GRACE_NS: i64 = 3_600_000_000_000;

/// Runs until the store is closed.
pub(crate) fn run(shared: &Shared) {
    // Failed attempts, by split. Splits that are gone are forgotten with the process.
    let mut failures: FxHashMap<u64, u32> = FxHashMap::default();
    loop {
        if shared.pipeline().is_closed() {
            return;
        }
        let worked = shared.config.merge && step(shared, &mut failures);
        if !worked {
            pause(shared, Duration::from_secs(1));
        }
    }
}

/// Does one merge if there is one to do.
fn step(shared: &Shared, failures: &mut FxHashMap<u64, u32>) -> bool {
    let Some(inputs) = choose(shared, failures) else { return false };
    let ids: Vec<u64> = inputs.iter().map(|split| split.id()).collect();
    match merge_and_commit(shared, &inputs, &ids) {
        Ok(()) => {
            shared.counters.merges.fetch_add(1, Ordering::Relaxed);
            true
        }
        Err(error) => {
            tracing::error!(splits = ?ids, %error, "a merge failed");
            for id in ids {
                let failed = failures.entry(id).or_default();
                *failed += 1;
                if *failed == MERGE_ATTEMPTS_MAX {
                    tracing::error!(split = id, "set aside from merging; queries go on using it");
                }
            }
            false
        }
    }
}

fn choose(shared: &Shared, failures: &FxHashMap<u64, u32>) -> Option<Vec<Arc<Split>>> {
    let catalog = shared.catalog.load_full();
    let is_sound =
        |split: &&Arc<Split>| failures.get(&split.id()).is_none_or(|failed| *failed < MERGE_ATTEMPTS_MAX);
    let candidates: Vec<Candidate> = catalog
        .on_disk()
        .filter(is_sound)
        .map(|split| Candidate {
            id: split.id(),
            partition: split.meta().partition,
            documents: u64::from(split.meta().documents),
            columns: split.meta().columns.len(),
            max_ns: split.meta().max_ns,
        })
        .collect();
    let today = day_of((shared.config.now_ns)().saturating_sub(DAY_GRACE_NS));
    let chosen = merge_policy::choose(&candidates, today)?;
    let mut inputs: Vec<_> =
        catalog.on_disk().filter(|split| chosen.contains(&split.id())).cloned().collect();
    merge::sort(&mut inputs);
    let widest = by_columns(&inputs).into_iter().max_by_key(|group| group.len())?.to_vec();
    (widest.len() > 1).then_some(widest)
}

fn merge_and_commit(shared: &Shared, inputs: &[Arc<Split>], ids: &[u64]) -> Result<(), StoreError> {
    let id = shared.manifest().next_id();
    let partition = inputs.first().and_then(|split| split.meta().partition);
    let output = Arc::new(merge::merge(&shared.splits_dir, id, partition, inputs)?);
    let mut manifest = shared.manifest();
    // Retention may have taken an input meanwhile; its documents must not come back.
    if !shared.catalog.load().has_all(ids) {
        drop(manifest);
        remove_dir(&split_dir(&shared.splits_dir, id));
        return Ok(());
    }
    let added = vec![Entry::of(output.meta(), output.disk_bytes())];
    manifest.commit(Record { added, removed: ids.to_vec(), ..Record::default() })?;
    shared.publish(ids, &[output]);
    drop(manifest);
    ids.iter().for_each(|id| remove_dir(&split_dir(&shared.splits_dir, *id)));
    Ok(())
}
