//! The catalog: the open splits that queries see, as one immutable value that is replaced as a whole.
//! A query takes it once and keeps what it sees.

use std::sync::Arc;

use crate::log_store::TimeRange;
use crate::manifest::Entry;
use crate::split::Split;

/// The open splits, in no particular order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    /// All of them, in memory and on disk.
    pub(crate) splits: Vec<Arc<Split>>,
    /// What the manifest knows of splits that could not be opened: their documents are missing in answers.
    pub(crate) set_aside: Vec<Entry>,
}

impl Catalog {
    /// The catalog without the splits of `removed` and with those of `added`.
    pub(crate) fn replace(&self, removed: &[u64], added: &[Arc<Split>]) -> Self {
        let kept = self.splits.iter().filter(|split| !removed.contains(&split.id()));
        let set_aside = self.set_aside.iter().filter(|entry| !removed.contains(&entry.id));
        Self { splits: kept.chain(added).cloned().collect(), set_aside: set_aside.cloned().collect() }
    }

    /// True when splits that could not be opened may have documents in the range.
    pub(crate) fn is_incomplete(&self, range: TimeRange) -> bool {
        self.set_aside.iter().any(|entry| range.overlaps(entry.min_ns, entry.max_ns))
    }

    /// Splits in memory.
    pub(crate) fn in_memory(&self) -> impl Iterator<Item = &Arc<Split>> {
        self.splits.iter().filter(|split| !split.is_durable())
    }

    /// Splits on disk.
    pub(crate) fn on_disk(&self) -> impl Iterator<Item = &Arc<Split>> {
        self.splits.iter().filter(|split| split.is_durable())
    }

    /// True when all these splits are in it.
    pub(crate) fn has_all(&self, ids: &[u64]) -> bool {
        ids.iter().all(|id| self.splits.iter().any(|split| split.id() == *id))
    }

    /// Oldest and newest event time.
    pub(crate) fn time_range(&self) -> Option<(i64, i64)> {
        let metas = || self.splits.iter().map(|split| split.meta());
        Some((metas().map(|meta| meta.min_ns).min()?, metas().map(|meta| meta.max_ns).max()?))
    }
}
