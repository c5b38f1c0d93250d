//! The most frequent values of a field without a merge of its columns. A value that is among the best has
//! a count above its share in some split; only those candidates are looked up in the other splits. Exact.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::thread;

use rustc_hash::FxHashMap;

use super::best::Best;
use crate::limits::{TOP_CANDIDATES_MAX, TOP_HELPER_CANDIDATES_MIN, TOP_ROWS_MAX};
use crate::query::meter::{Halt, Meter};
use crate::query::scan::{guarded_halt, panicked};
use crate::query::values::keys::Key;
use crate::query::values::ordinal_counts::OrdinalCounts;
use crate::query::values::terms::Terms;

/// Counts of one column.
pub(crate) type Counted<'s> = (Terms<'s>, OrdinalCounts);

/// Adds the most frequent values to `best`: those of the columns, with what `others` has of the same, and the
/// others. False, and nothing added, when there are too many candidates.
pub(crate) fn add_top(
    columns: &[Counted<'_>],
    others: &FxHashMap<Key, u64>,
    best: &mut Best,
    meter: &Meter<'_>,
) -> Result<bool, Halt> {
    if let ([(terms, counts)], true) = (columns, others.is_empty()) {
        return add_top_of_one(*terms, counts, best);
    }
    // The best of each split are looked up in all of them, to begin with.
    let lookups = best.top().saturating_mul(columns.len()).saturating_mul(columns.len());
    if best.top() > TOP_ROWS_MAX || others.len() > TOP_CANDIDATES_MAX || lookups > TOP_CANDIDATES_MAX {
        return Ok(false);
    }
    let mut search = Search { columns, others, shares: vec![0; columns.len()] };
    let bound = search.lower_bound(best, meter)?;
    search.shares = shares(columns, bound);
    let Some(candidates) = search.candidates()? else { return Ok(false) };
    let mut candidates: Vec<Named> = candidates.into_iter().collect();
    // The best first, so that the bound rises early.
    candidates
        .sort_unstable_by(|(a_key, a), (b_key, b)| b.known.cmp(&a.known).then_with(|| a_key.cmp(b_key)));
    for found in search.share(&candidates, best.top(), bound, meter)? {
        found.into_unsorted().for_each(|(key, count)| best.add_key(key, count));
    }
    for (key, count) in others {
        // Strings were candidates.
        if !matches!(key, Key::String(_)) {
            best.add_key(key.clone(), *count);
        }
    }
    Ok(true)
}

/// As [`add_top`], when there is nothing else. Which of equally frequent values come first is decided by their texts.
fn add_top_of_one(terms: Terms<'_>, counts: &OrdinalCounts, best: &mut Best) -> Result<bool, Halt> {
    let threshold = most_frequent(counts, best.top()).iter().map(|ordinal| counts.get(*ordinal)).min();
    let mut ordinals = Vec::new();
    if let Some(threshold) = threshold {
        counts.for_each_from(threshold, |ordinal, _| {
            ordinals.push(u64::from(ordinal));
            // One too many are enough.
            if ordinals.len() <= TOP_CANDIDATES_MAX { threshold } else { u32::MAX }
        });
    }
    if ordinals.len() > TOP_CANDIDATES_MAX {
        return Ok(false);
    }
    for (text, ordinal) in terms.texts(&ordinals)?.into_iter().zip(&ordinals) {
        best.add_key(Key::String(text.into()), u64::from(counts.get(*ordinal)));
    }
    Ok(true)
}

/// What is known of a candidate.
#[derive(Clone, Default)]
struct Candidate {
    /// Its count in the splits that were looked into.
    known: u64,
    /// By split: looked into.
    seen: Vec<bool>,
}

type Named = (Box<str>, Candidate);

struct Search<'a> {
    columns: &'a [Counted<'a>],
    others: &'a FxHashMap<Key, u64>,
    /// By split: a value that is no candidate of it has a lower count in it.
    shares: Vec<u32>,
}

/// Count from which on a value is a candidate, by split: a value below it in all of them has less than `bound`.
/// What may be missing is shared out step by step, each to the split where that saves most candidates.
fn shares(columns: &[Counted<'_>], bound: u64) -> Vec<u32> {
    /// Steps of `bound` at least; twice as many at most.
    const STEPS: u64 = 256;
    let left = bound.saturating_sub(1);
    let shift = (left / STEPS).checked_ilog2().map_or(0, |log| log + 1);
    let bins = (left >> shift) as usize + 1;
    let values: Vec<Vec<u32>> =
        columns.iter().map(|(_, counts)| values_by_step(counts, shift, bins)).collect();
    let mut steps = vec![0usize; columns.len()];
    for _ in 0..left >> shift {
        let saved = |(at, steps): (usize, &usize)| Some((*values.get(at)?.get(*steps + 1)?, at));
        let Some((_, at)) = steps.iter().enumerate().filter_map(saved).max() else { break };
        steps.get_mut(at).into_iter().for_each(|steps| *steps += 1);
    }
    let share = |steps: &usize| u32::try_from((*steps as u64) << shift).unwrap_or(u32::MAX - 1) + 1;
    steps.iter().map(share).collect()
}

/// Number of values by count in steps, rounded up.
fn values_by_step(counts: &OrdinalCounts, shift: u32, bins: usize) -> Vec<u32> {
    let mut values = vec![0u32; bins];
    counts.for_each(|_, count| {
        let step = (u64::from(count) + (1 << shift) - 1) >> shift;
        if let Some(values) = values.get_mut(step as usize) {
            *values = values.saturating_add(1);
        }
    });
    values
}

impl Search<'_> {
    /// A count that at least as many values have as are wanted.
    fn lower_bound(&self, best: &Best, meter: &Meter<'_>) -> Result<u64, Halt> {
        let mut texts = Vec::new();
        for (terms, counts) in self.columns {
            texts.extend(terms.texts(&most_frequent(counts, best.top()))?);
        }
        texts.sort_unstable();
        texts.dedup();
        let mut found = best.clone();
        for text in texts {
            meter.check()?;
            let candidate = Candidate { known: 0, seen: vec![false; self.columns.len()] };
            if let Some(total) = self.total(&text, &candidate, 0)? {
                found.add_key(Key::String(text.into()), total);
            }
        }
        Ok(found.worst())
    }

    /// Every value that may be among the best, with its counts in the splits of which it is a candidate;
    /// `None` when there are too many.
    fn candidates(&self) -> Result<Option<FxHashMap<Box<str>, Candidate>>, Halt> {
        let mut candidates: FxHashMap<Box<str>, Candidate> = FxHashMap::default();
        let none = Candidate { known: 0, seen: vec![false; self.columns.len()] };
        for key in self.others.keys() {
            if let Key::String(text) = key {
                candidates.insert(text.clone(), none.clone());
            }
        }
        for (at, ((terms, counts), share)) in self.columns.iter().zip(&self.shares).enumerate() {
            let mut above = Vec::new();
            counts.for_each(|ordinal, count| {
                if count >= *share && above.len() <= TOP_CANDIDATES_MAX {
                    above.push((u64::from(ordinal), count));
                }
            });
            if above.len() + candidates.len() > TOP_CANDIDATES_MAX {
                return Ok(None);
            }
            let ordinals: Vec<u64> = above.iter().map(|(ordinal, _)| *ordinal).collect();
            for (text, (_, count)) in terms.texts(&ordinals)?.into_iter().zip(above) {
                let candidate = candidates.entry(text.into()).or_insert_with(|| none.clone());
                candidate.known += u64::from(count);
                candidate.seen.get_mut(at).into_iter().for_each(|seen| *seen = true);
            }
        }
        Ok(Some(candidates))
    }

    /// The best of the candidates, from each thread.
    fn share(
        &self,
        candidates: &[Named],
        top: usize,
        bound: u64,
        meter: &Meter<'_>,
    ) -> Result<Vec<Best>, Halt> {
        let helpers = meter.helpers().take(candidates.len() / TOP_HELPER_CANDIDATES_MIN);
        let threads = helpers.count() + 1;
        // Each thread takes every so many-th, so that all begin with good ones.
        let run = |first: usize| {
            guarded_halt("look up candidates", || {
                self.best_of(candidates.iter().skip(first).step_by(threads), top, bound, meter)
            })
        };
        thread::scope(|scope| {
            let spawn =
                |first| thread::Builder::new().spawn_scoped(scope, move || run(first)).map_err(|_| first);
            let others: Vec<_> = (1..threads).map(spawn).collect();
            let mut found = vec![run(0)?];
            for thread in others {
                found.push(match thread {
                    Ok(thread) => thread.join().map_err(|_| panicked())??,
                    // Without the thread its part is still to be done.
                    Err(first) => run(first)?,
                });
            }
            Ok(found)
        })
    }

    fn best_of<'c>(
        &self,
        candidates: impl Iterator<Item = &'c Named>,
        top: usize,
        bound: u64,
        meter: &Meter<'_>,
    ) -> Result<Best, Halt> {
        let mut found = Best::new(top);
        for (at, (text, candidate)) in candidates.enumerate() {
            if at % 64 == 0 {
                meter.check()?;
            }
            let bound = found.worst().max(bound);
            if let Some(total) = self.total(text, candidate, bound)? {
                found.add_key(Key::String(text.clone()), total);
            }
        }
        Ok(found)
    }

    /// The count of a value in all splits and beside them; `None` when it is certainly below `bound`.
    fn total(&self, text: &str, candidate: &Candidate, bound: u64) -> Result<Option<u64>, Halt> {
        let beside = if self.others.is_empty() { None } else { self.others.get(&Key::String(text.into())) };
        let mut known = candidate.known + beside.copied().unwrap_or(0);
        let unseen = |at: &usize| candidate.seen.get(*at).is_some_and(|seen| !seen);
        let mut left: Vec<usize> = (0..self.columns.len()).filter(unseen).collect();
        let most = |at: usize| self.shares.get(at).map_or(0, |share| u64::from(share.saturating_sub(1)));
        // Where most may be missing is looked first.
        left.sort_by_key(|at| Reverse(most(*at)));
        let mut possible: u64 = left.iter().map(|at| most(*at)).sum();
        for at in left {
            if bound > 0 && known + possible < bound {
                return Ok(None);
            }
            possible -= most(at);
            let Some((terms, counts)) = self.columns.get(at) else { continue };
            let ordinal = terms.ordinal(text)?;
            known += ordinal.map_or(0, |ordinal| u64::from(counts.get(ordinal)));
        }
        Ok((known >= bound).then_some(known))
    }
}

/// The ordinals with the highest counts, ascending.
fn most_frequent(counts: &OrdinalCounts, top: usize) -> Vec<u64> {
    let mut heap: BinaryHeap<Reverse<(u32, u32)>> = BinaryHeap::with_capacity(top + 1);
    counts.for_each_from(1, |ordinal, count| {
        heap.push(Reverse((count, ordinal)));
        if heap.len() > top {
            heap.pop();
        }
        let worst = heap.peek().filter(|_| heap.len() >= top);
        worst.map_or(1, |Reverse((count, _))| count.saturating_add(1))
    });
    let mut ordinals: Vec<u64> = heap.into_iter().map(|Reverse((_, ordinal))| u64::from(ordinal)).collect();
    ordinals.sort_unstable();
    ordinals
}
