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
use crate::split::meta::{Partition, day_of};
use crate::split::{Split, merge, split_dir};

/// A day counts as over this long after its end: late documents have come by then.
const DAY_GRACE_NS: i64 = 3_600_000_000_000;

/// Pause when there is nothing to merge, and the first after a merge that failed.
const IDLE: Duration = Duration::from_secs(1);

/// Longest pause after a merge that the operating system refused: each attempt may write as much as the
/// inputs have before it fails.
const RETRY_MAX: Duration = Duration::from_secs(120);

/// Runs until the store is closed.
pub(crate) fn run(shared: &Shared) {
    let mut attempts = Attempts::default();
    while !shared.pipeline().is_closed() {
        let rest = if shared.config.merge { step(shared, &mut attempts) } else { IDLE };
        pause(shared, rest);
    }
}

/// Does one merge if there is one to do. Gives how long to wait for the next.
fn step(shared: &Shared, attempts: &mut Attempts) -> Duration {
    let Some(inputs) = choose(shared, attempts) else { return IDLE };
    let ids: Vec<u64> = inputs.iter().map(|split| split.id()).collect();
    match merge_and_commit(shared, &inputs, &ids) {
        Ok(()) => {
            shared.counters.merges.fetch_add(1, Ordering::Relaxed);
            attempts.succeeded();
            Duration::ZERO
        }
        Err(error) => {
            tracing::error!(splits = ?ids, %error, "a merge failed");
            attempts.failed(&ids, &error)
        }
    }
}

/// Which splits can't be merged, and how long to wait after a failure. Splits that are gone are forgotten
/// with the process.
#[derive(Debug, Default)]
struct Attempts {
    /// Failures that are due to the inputs, by split.
    failures: FxHashMap<u64, u32>,
    /// Refusals of the operating system, one after the other.
    refusals: u32,
}

impl Attempts {
    /// Whether a split may be merged.
    fn is_sound(&self, id: u64) -> bool {
        self.failures.get(&id).is_none_or(|failed| *failed < MERGE_ATTEMPTS_MAX)
    }

    fn succeeded(&mut self) {
        self.refusals = 0;
    }

    /// Counts a failure and gives the pause after it. A full disk says nothing about the inputs.
    fn failed(&mut self, ids: &[u64], error: &StoreError) -> Duration {
        if error.may_pass() {
            let pause = IDLE.saturating_mul(1u32.checked_shl(self.refusals).unwrap_or(u32::MAX));
            self.refusals = self.refusals.saturating_add(1);
            return pause.min(RETRY_MAX);
        }
        for id in ids {
            let failed = self.failures.entry(*id).or_default();
            *failed += 1;
            if *failed == MERGE_ATTEMPTS_MAX {
                tracing::error!(split = id, "set aside from merging; queries go on using it");
            }
        }
        IDLE
    }
}

fn choose(shared: &Shared, attempts: &Attempts) -> Option<Vec<Arc<Split>>> {
    let catalog = shared.catalog.load_full();
    let candidates: Vec<Candidate> = catalog
        .on_disk()
        .filter(|split| attempts.is_sound(split.id()))
        .map(|split| Candidate {
            id: split.id(),
            partition: split.meta().partition,
            documents: u64::from(split.meta().documents),
            columns: split.meta().columns.len(),
            max_ns: split.meta().max_ns,
        })
        .collect();
    let today = day_of((shared.config.now_ns)().saturating_sub(DAY_GRACE_NS));
    let chosen = merge_policy::choose(&candidates, today, shared.config.disk_splits_max)?;
    let mut inputs: Vec<_> =
        catalog.on_disk().filter(|split| chosen.contains(&split.id())).cloned().collect();
    merge::sort(&mut inputs);
    let widest = by_columns(&inputs).into_iter().max_by_key(|group| group.len())?.to_vec();
    (widest.len() > 1).then_some(widest)
}

/// The partition of splits: that of rare days when they are of several.
fn common_partition(inputs: &[Arc<Split>]) -> Partition {
    let first = inputs.first()?.meta().partition;
    if inputs.iter().all(|split| split.meta().partition == first) { first } else { None }
}

fn merge_and_commit(shared: &Shared, inputs: &[Arc<Split>], ids: &[u64]) -> Result<(), StoreError> {
    let id = shared.manifest().next_id();
    let partition = common_partition(inputs);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_full_disk_ends_no_merging() {
        let mut attempts = Attempts::default();
        let full = || {
            let error = std::io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error());
            StoreError::io("write", Path::new("rows"))(error)
        };
        let pauses: Vec<_> = (0..40).map(|_| attempts.failed(&[1, 2], &full()).as_secs()).collect();
        assert_eq!(pauses[..8], [1, 2, 4, 8, 16, 32, 64, 120]);
        assert_eq!(pauses.last(), Some(&120));
        assert!(attempts.is_sound(1) && attempts.is_sound(2));
        attempts.succeeded();
        assert_eq!(attempts.failed(&[1, 2], &full()), IDLE);
    }

    #[test]
    fn damaged_inputs_are_set_aside() {
        let mut attempts = Attempts::default();
        for attempt in 0..MERGE_ATTEMPTS_MAX {
            assert!(attempts.is_sound(1), "attempt {attempt}");
            attempts.failed(&[1, 2], &StoreError::damaged(Path::new("rows"), "wrong checksum"));
        }
        assert_eq!([1, 2, 3].map(|id| attempts.is_sound(id)), [false, false, true]);
    }
}
