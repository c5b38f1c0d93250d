//! Rebuilds the rows of a search, split by split: on several threads where that means to read blocks of several
//! splits. It doesn't know why they were wanted or in which order.

use std::sync::Arc;
use std::thread;

use millpond_wire::batch::Batch;

use crate::error::{StoreError, guarded};
use crate::limits::REBUILD_HELPER_DOCUMENTS_MIN;
use crate::log_store::Partial;
use crate::query::meter::{Halt, Meter};
use crate::query::zone::RowCache;
use crate::split::Split;
use crate::split::rebuild::rebuild;

/// Documents of one split, by its place among the splits.
pub(crate) type Wanted = (usize, Vec<u32>);

/// The documents of each of `wanted`, in their order: none where they can't be read, which is noted, and `None` where the
/// budget has ended before.
pub(crate) fn rebuild_all(
    splits: &[Arc<Split>],
    wanted: &[Wanted],
    cache: &RowCache,
    meter: &Meter<'_>,
) -> Vec<Option<Batch>> {
    // Blocks that were read for the filter are in the cache of this thread.
    let documents: usize = wanted.iter().map(|(_, docs)| docs.len()).sum();
    let helping = wanted.len().saturating_sub(1).min(documents / REBUILD_HELPER_DOCUMENTS_MIN);
    let helpers = meter.helpers().take(if cache.is_empty() { helping } else { 0 });
    let threads = helpers.count() + 1;
    let share = |first: usize, cache: &RowCache| -> Vec<(usize, Option<Batch>)> {
        let shared = wanted.iter().enumerate().skip(first).step_by(threads);
        shared.map(|(at, (split, docs))| (at, rebuild_some(splits.get(*split), docs, cache, meter))).collect()
    };
    let mut rebuilt = Vec::new();
    rebuilt.resize_with(wanted.len(), || None);
    let mut put = |(at, batch): (usize, Option<Batch>)| {
        if let Some(place) = rebuilt.get_mut(at) {
            *place = batch;
        }
    };
    thread::scope(|scope| {
        let share = &share;
        let spawn = |first| {
            let run = move || share(first, &RowCache::default());
            (first, thread::Builder::new().name("rebuild".to_owned()).spawn_scoped(scope, run))
        };
        let spawned: Vec<_> = (1..threads).map(spawn).collect();
        share(0, cache).into_iter().for_each(&mut put);
        for (first, thread) in spawned {
            match thread.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(batches)) => batches.into_iter().for_each(&mut put),
                Ok(Err(_)) => {
                    meter.note(Partial::Damaged);
                    (first..wanted.len()).step_by(threads).for_each(|at| put((at, Some(Batch::default()))));
                }
                // Without the thread there is less help.
                Err(_) => share(first, cache).into_iter().for_each(&mut put),
            }
        }
    });
    rebuilt
}

fn rebuild_some(
    split: Option<&Arc<Split>>,
    docs: &[u32],
    cache: &RowCache,
    meter: &Meter<'_>,
) -> Option<Batch> {
    let Some(split) = split else { return Some(Batch::default()) };
    let result = guarded("rebuild rows", || {
        rebuild(split, docs, |zone| {
            cache.read_found(split, zone, meter).map_err(|halt| match halt {
                Halt::Failed(error) => error,
                Halt::Partial(partial) => {
                    meter.note(partial);
                    StoreError::Plan("the budget of scanned bytes is used up".to_owned())
                }
            })
        })
    });
    match result {
        Ok(batch) => Some(batch),
        Err(StoreError::Plan(_)) => None,
        Err(error) => {
            meter.note_damaged(split.id(), &error);
            Some(Batch::default())
        }
    }
}
