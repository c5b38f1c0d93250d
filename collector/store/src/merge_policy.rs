//! Which disk splits are merged next: a pure choice. Few and wide merges: a document is rewritten
//! once for every factor of [`MERGE_SPLITS_MIN`] that its split grows by.

use std::collections::BTreeMap;

use crate::limits::{MERGE_SPLITS_MAX, MERGE_SPLITS_MIN, MERGED_COLUMNS_MAX, SPLIT_DOCUMENTS_MAX};
use crate::split::meta::Partition;

/// In a day that is over, this many splits of similar size are enough.
const CLOSED_SPLITS_MIN: usize = 3;

/// Splits are of similar size within this factor.
const TIER_FACTOR: u64 = 8;

/// Splits below this number of documents count as similar whatever their size: rewriting them costs
/// nothing.
const SMALL_DOCUMENTS: u64 = 10_000;

/// A disk split that may be merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The split.
    pub(crate) id: u64,
    /// Its partition.
    pub(crate) partition: Partition,
    /// Its documents.
    pub(crate) documents: u64,
    /// Its columns.
    pub(crate) columns: usize,
    /// Newest event time.
    pub(crate) max_ns: i64,
}

/// The splits to merge now, if any: of one partition and similar size, neighbours in time. `today` is
/// the first day that is not over. With more than `splits_max` candidates, small neighbours of days that
/// are over come first, whatever their days.
pub(crate) fn choose(candidates: &[Candidate], today: i32, splits_max: usize) -> Option<Vec<u64>> {
    if candidates.len() > splits_max
        && let Some(chosen) = across_days(candidates, today)
    {
        return Some(chosen);
    }
    let mut tiers: BTreeMap<(Partition, u32), Vec<Candidate>> = BTreeMap::new();
    for candidate in candidates.iter().filter(|candidate| candidate.columns <= MERGED_COLUMNS_MAX / 2) {
        let tier = (candidate.documents / SMALL_DOCUMENTS).max(1).ilog(TIER_FACTOR);
        tiers.entry((candidate.partition, tier)).or_default().push(*candidate);
    }
    // The smallest first: they are the most and cost the least.
    let mut tiers: Vec<_> = tiers.into_iter().collect();
    tiers.sort_by_key(|((_, tier), _)| *tier);
    tiers.into_iter().find_map(|((partition, _), mut tier)| {
        let closed = partition.is_none_or(|day| day < today);
        let enough = if closed { CLOSED_SPLITS_MIN } else { MERGE_SPLITS_MIN };
        tier.sort_unstable_by_key(|candidate| (candidate.max_ns, candidate.id));
        window(&tier, enough)
    })
}

/// The run of neighbours that costs the least to merge, of those that can't become too large.
fn across_days(candidates: &[Candidate], today: i32) -> Option<Vec<u64>> {
    let fits = |candidate: &&Candidate| {
        candidate.partition.is_none_or(|day| day < today)
            && candidate.columns <= MERGED_COLUMNS_MAX / 2
            && candidate.documents <= SPLIT_DOCUMENTS_MAX / MERGE_SPLITS_MAX as u64
    };
    let mut closed: Vec<&Candidate> = candidates.iter().filter(fits).collect();
    closed.sort_unstable_by_key(|candidate| (candidate.max_ns, candidate.id));
    let runs = closed.windows(closed.len().clamp(CLOSED_SPLITS_MIN, MERGE_SPLITS_MAX));
    let cheapest = runs.min_by_key(|run| run.iter().map(|candidate| candidate.documents).sum::<u64>())?;
    Some(cheapest.iter().map(|candidate| candidate.id).collect())
}

/// The first run of neighbours that is long enough and within the caps.
fn window(tier: &[Candidate], enough: usize) -> Option<Vec<u64>> {
    let mut run: Vec<Candidate> = Vec::new();
    for candidate in tier {
        let documents: u64 = run.iter().map(|other| other.documents).sum();
        let full = documents + candidate.documents > SPLIT_DOCUMENTS_MAX;
        if full || run.len() == MERGE_SPLITS_MAX {
            if run.len() >= enough {
                break;
            }
            run.clear();
        }
        run.push(*candidate);
    }
    (run.len() >= enough).then(|| run.iter().map(|candidate| candidate.id).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn splits(count: u64, partition: Partition, documents: u64, columns: usize) -> Vec<Candidate> {
        let split = |id: u64| Candidate { id, partition, documents, columns, max_ns: id as i64 };
        (0..count).map(split).collect()
    }

    #[test]
    fn merges_are_wide_and_within_the_caps() {
        let min = MERGE_SPLITS_MIN as u64;
        let rows = [
            (splits(min - 1, Some(5), 100, 3), None),
            (splits(min, Some(5), 100, 3), Some(MERGE_SPLITS_MIN)),
            (splits(100, Some(5), 100, 3), Some(MERGE_SPLITS_MAX)),
            // A day that is over.
            (splits(3, Some(4), 100, 3), Some(3)),
            (splits(2, Some(4), 100, 3), None),
            (splits(3, None, 100, 3), Some(3)),
            // The documents of a merged split.
            (splits(3, Some(4), SPLIT_DOCUMENTS_MAX / 2, 3), None),
            (splits(20, Some(5), SPLIT_DOCUMENTS_MAX / 12, 3), Some(12)),
            // The columns of a merged split.
            (splits(20, Some(5), 100, MERGED_COLUMNS_MAX), None),
        ];
        for (candidates, expected) in rows {
            let chosen = choose(&candidates, 5, usize::MAX).map(|ids| ids.len());
            assert_eq!(chosen, expected, "{} of {:?}", candidates.len(), candidates.first());
        }
    }

    #[test]
    fn neither_partitions_nor_sizes_mix() {
        let min = MERGE_SPLITS_MIN as u64;
        let mut candidates = splits(min - 1, Some(5), 100, 3);
        candidates.extend(splits(min - 1, Some(6), 100, 3));
        candidates.extend(splits(min - 1, Some(5), 100_000, 3));
        assert_eq!(choose(&candidates, 5, usize::MAX), None);
    }

    #[test]
    fn scattered_days_are_merged_when_there_are_too_many_splits() {
        let max = MERGE_SPLITS_MAX as u64;
        let day = |id: u64, documents| Candidate {
            id,
            partition: Some(id as i32),
            documents,
            columns: 3,
            max_ns: id as i64,
        };
        // The later days are the smaller ones; one is too large to merge.
        let mut days: Vec<_> = (0..100).map(|id| day(id, 1_000 - id)).collect();
        days.push(day(100, SPLIT_DOCUMENTS_MAX));
        assert_eq!(choose(&days, 101, 101), None);
        assert_eq!(choose(&days, 101, 100), Some((100 - max..100).collect()));
        // Days that are not over stay as they are.
        assert_eq!(choose(&days, 50, 100), Some((50 - max..50).collect()));
        assert_eq!(choose(&days, 2, 100), None);
        assert_eq!(choose(&days, 3, 100), Some(vec![0, 1, 2]));
    }
}
