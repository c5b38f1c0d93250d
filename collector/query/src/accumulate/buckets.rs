//! Counts by bucket number: a short sorted list, or an array once there are many next to each other. Only the
//! highest [`MAX_SKETCH_BUCKETS`] numbers are kept apart; everything below is counted in the lowest of them,
//! since high percentiles matter more.

use crate::limits::MAX_SKETCH_BUCKETS;

/// A list is at least this long before it becomes an array.
const LIST_MAX: usize = 24;

/// An array has at most this many places for each bucket of the list it came from.
const PLACES_PER_BUCKET: i64 = 8;

/// Buckets that are made below the lowest when an array grows downwards.
const ROOM_BELOW: i64 = 64;

/// Counts by bucket number.
#[derive(Debug, Clone)]
pub(super) enum Buckets {
    /// (number, count), ascending.
    List(Vec<(i32, u64)>),
    /// Counts from the first number on; the last is above 0.
    Array(i32, Vec<u64>),
}

impl Default for Buckets {
    fn default() -> Buckets {
        Buckets::List(Vec::new())
    }
}

impl Buckets {
    /// Counts a bucket `times` times.
    #[inline]
    pub(super) fn add(&mut self, bucket: i32, times: u64) {
        if let Buckets::Array(first, counts) = self
            && let Some(count) = counts.get_mut(place(bucket, *first))
        {
            *count = count.saturating_add(times);
        } else {
            self.add_slowly(bucket, times);
        }
    }

    /// Counts a bucket that may have no place yet. Not inlined, as almost all have one soon.
    #[inline(never)]
    fn add_slowly(&mut self, bucket: i32, times: u64) {
        match self {
            Buckets::Array(first, counts) => add_outside(first, counts, bucket, times),
            Buckets::List(list) => {
                add_to_list(list, bucket, times);
                if list.len() >= LIST_MAX {
                    self.settle();
                }
            }
        }
    }

    /// (number, count) of all buckets that were counted, ascending.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        let (list, first, counts) = match self {
            Buckets::List(list) => (&list[..], 0, &[][..]),
            Buckets::Array(first, counts) => (&[][..], *first, &counts[..]),
        };
        let numbered = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "an array is short")]
        let numbered = numbered.map(move |(at, count)| (first + at as i32, *count));
        list.iter().copied().chain(numbered)
    }

    /// Memory on the heap, bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Buckets::List(list) => size_of_val(&list[..]),
            Buckets::Array(_, counts) => size_of_val(&counts[..]),
        }
    }

    /// Makes the list an array, if that has few empty places.
    fn settle(&mut self) {
        let Buckets::List(list) = self else { return };
        let (Some((low, _)), Some((high, _))) = (list.first(), list.last()) else { return };
        let span = i64::from(*high) - i64::from(*low) + 1;
        if i64::try_from(list.len()).is_ok_and(|len| span <= len * PLACES_PER_BUCKET) {
            let mut counts = vec![0; usize::try_from(span).unwrap_or(0)];
            let low = *low;
            for (bucket, times) in list.iter() {
                if let Some(count) = counts.get_mut(place(*bucket, low)) {
                    *count = *times;
                }
            }
            *self = Buckets::Array(low, counts);
        }
    }
}

/// The place of a bucket; beyond every array when it is below the first.
fn place(bucket: i32, first: i32) -> usize {
    usize::try_from(i64::from(bucket) - i64::from(first)).unwrap_or(usize::MAX)
}

/// The lowest bucket that is kept apart when this is the highest.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "a small constant")]
fn lowest(high: i32) -> i32 {
    high.saturating_sub(MAX_SKETCH_BUCKETS as i32 - 1)
}

fn add_to_list(list: &mut Vec<(i32, u64)>, bucket: i32, times: u64) {
    let lowest = lowest(list.last().map_or(bucket, |(high, _)| bucket.max(*high)));
    let bucket = bucket.max(lowest);
    match list.binary_search_by_key(&bucket, |(number, _)| *number) {
        Ok(at) => list.get_mut(at).into_iter().for_each(|(_, count)| *count = count.saturating_add(times)),
        Err(at) => list.insert(at, (bucket, times)),
    }
    let below = list.partition_point(|(number, _)| *number < lowest);
    if below > 0 {
        let folded = list.drain(..below).fold(0, |sum: u64, (_, count)| sum.saturating_add(count));
        add_to_list(list, lowest, folded);
    }
}

/// Adds a bucket that has no place yet.
fn add_outside(first: &mut i32, counts: &mut Vec<u64>, bucket: i32, times: u64) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "an array is short")]
    let high = first.saturating_add(counts.len() as i32 - 1).max(bucket);
    let lowest = lowest(high);
    let bucket = bucket.max(lowest);
    if bucket < *first {
        let room = (i64::from(*first) - i64::from(bucket)).max(ROOM_BELOW);
        let room = room.min(i64::from(*first) - i64::from(lowest));
        let room = usize::try_from(room).unwrap_or(0);
        counts.splice(..0, std::iter::repeat_n(0, room));
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "an array is short")]
        let below = room as i32;
        *first -= below;
    }
    let gone = usize::try_from(i64::from(lowest) - i64::from(*first)).unwrap_or(0).min(counts.len());
    if gone > 0 {
        let folded = counts.drain(..gone).fold(0, |sum: u64, count| sum.saturating_add(count));
        *first = lowest;
        match counts.first_mut() {
            Some(count) => *count = count.saturating_add(folded),
            None => counts.push(folded),
        }
    }
    if place(bucket, *first) >= counts.len() {
        counts.resize(place(bucket, *first).saturating_add(1).min(MAX_SKETCH_BUCKETS), 0);
    }
    if let Some(count) = counts.get_mut(place(bucket, *first)) {
        *count = count.saturating_add(times);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// What is kept, from its definition.
    fn expected(added: &[(i32, u64)]) -> BTreeMap<i32, u64> {
        let high = added.iter().map(|(bucket, _)| *bucket).max().unwrap_or(0);
        let mut counts = BTreeMap::new();
        added
            .iter()
            .for_each(|(bucket, times)| *counts.entry((*bucket).max(lowest(high))).or_insert(0) += times);
        counts
    }

    fn buckets(added: &[(i32, u64)]) -> Buckets {
        let mut buckets = Buckets::default();
        added.iter().for_each(|(bucket, times)| buckets.add(*bucket, *times));
        buckets
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn lists_and_arrays_count_alike_in_any_order(
            mut added in prop::collection::vec((prop_oneof![-40..40_i32, -6_000..6_000_i32], 1..9_u64), 0..200),
        ) {
            let wanted: Vec<_> = expected(&added).into_iter().collect();
            prop_assert_eq!(buckets(&added).iter().collect::<Vec<_>>(), wanted.clone());
            added.sort_unstable();
            prop_assert_eq!(buckets(&added).iter().collect::<Vec<_>>(), wanted.clone());
            added.reverse();
            prop_assert_eq!(buckets(&added).iter().collect::<Vec<_>>(), wanted.clone());
            let (mut left, right) = (buckets(&added[..added.len() / 3]), buckets(&added[added.len() / 3..]));
            right.iter().for_each(|(bucket, times)| left.add(bucket, times));
            prop_assert_eq!(left.iter().rev().collect::<Vec<_>>(), wanted.into_iter().rev().collect::<Vec<_>>());
            prop_assert!(left.heap_bytes() <= MAX_SKETCH_BUCKETS * size_of::<(i32, u64)>());
        }
    }
}
