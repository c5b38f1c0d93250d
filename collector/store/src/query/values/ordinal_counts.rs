//! Counts by ordinal of one dictionary: a table while a split is counted, pairs when few values were hit.
//! Where memory is short, [`OrdinalCounts::drop_rare`] leaves out the rarest values.

use rustc_hash::FxHashMap;

use super::terms::Terms;
use crate::query::zone::ZoneView;
use crate::split::bits::Bits;

/// Bytes of a pair in the hash map, roughly: the pair, its control byte, and the room that is free.
const MAP_PAIR_BYTES: usize = 16;

/// Counts by ordinal.
#[derive(Debug)]
pub(crate) enum OrdinalCounts {
    /// By ordinal.
    Table(Vec<u32>),
    /// Of the values that were hit, while a table would be too large.
    Map(FxHashMap<u32, u32>),
    /// Of the values that were hit, in order of ordinals.
    Pairs(Vec<(u32, u32)>),
}

impl OrdinalCounts {
    /// Bytes of a table for this many terms.
    pub(crate) fn table_bytes(terms: u64) -> usize {
        usize::try_from(terms).unwrap_or(usize::MAX).saturating_mul(size_of::<u32>())
    }

    /// Nothing counted yet.
    pub(crate) fn new(terms: u64, in_table: bool) -> Self {
        if !in_table {
            return Self::Map(FxHashMap::default());
        }
        // Written, not only reserved: pages that are read first are mapped twice, with a stop of all threads.
        Self::Table(std::iter::repeat_n(0, terms as usize).collect())
    }

    /// Counts one of a value.
    pub(crate) fn add(&mut self, ordinal: u32) {
        let count = match self {
            Self::Table(counts) => counts.get_mut(ordinal as usize),
            Self::Map(counts) => Some(counts.entry(ordinal).or_default()),
            Self::Pairs(_) => None,
        };
        if let Some(count) = count {
            *count = count.saturating_add(1);
        }
    }

    /// Counts one for each document that has a string, and gives the number of these documents.
    pub(crate) fn add_picked(&mut self, terms: Terms<'_>, view: &ZoneView<'_>, bits: &Bits) -> usize {
        let mut having = 0;
        match self {
            Self::Table(counts) => terms.for_each_picked(view, bits, |_, ordinal| {
                having += 1;
                if let Some(count) = counts.get_mut(ordinal as usize) {
                    *count = count.saturating_add(1);
                }
            }),
            Self::Map(_) | Self::Pairs(_) => terms.for_each_picked(view, bits, |_, ordinal| {
                having += 1;
                self.add(ordinal as u32);
            }),
        }
        having
    }

    /// Adds the counts of another part of the documents.
    pub(crate) fn absorb(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Table(own), Self::Table(other)) if own.len() == other.len() => {
                own.iter_mut().zip(other).for_each(|(own, count)| *own = own.saturating_add(count));
            }
            (_, Self::Table(other)) => (0u32..).zip(other).for_each(|pair| self.add_pair(pair)),
            (_, Self::Map(other)) => other.into_iter().for_each(|pair| self.add_pair(pair)),
            (_, Self::Pairs(other)) => other.into_iter().for_each(|pair| self.add_pair(pair)),
        }
    }

    fn add_pair(&mut self, (ordinal, times): (u32, u32)) {
        let count = match self {
            Self::Table(counts) => counts.get_mut(ordinal as usize),
            Self::Map(counts) if times > 0 => Some(counts.entry(ordinal).or_default()),
            Self::Map(_) | Self::Pairs(_) => None,
        };
        if let Some(count) = count {
            *count = count.saturating_add(times);
        }
    }

    /// Heap bytes, roughly.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Table(counts) => size_of_val(&counts[..]),
            Self::Map(counts) => counts.capacity() * MAP_PAIR_BYTES,
            Self::Pairs(counts) => size_of_val(&counts[..]),
        }
    }

    /// Takes the counts of the ordinals below `end` out; those of the others are counted from there on.
    pub(crate) fn split_front(&mut self, end: u32) -> Self {
        match self {
            Self::Table(counts) => {
                let rest = counts.split_off((end as usize).min(counts.len()));
                Self::Table(std::mem::replace(counts, rest))
            }
            Self::Map(counts) => {
                let front = counts.extract_if(|ordinal, _| *ordinal < end).collect();
                *counts = counts.drain().map(|(ordinal, count)| (ordinal - end, count)).collect();
                Self::Map(front)
            }
            Self::Pairs(counts) => {
                let mut rest = counts.split_off(counts.partition_point(|(ordinal, _)| *ordinal < end));
                rest.iter_mut().for_each(|(ordinal, _)| *ordinal -= end);
                Self::Pairs(std::mem::replace(counts, rest))
            }
        }
    }

    /// How many values were counted.
    pub(crate) fn distinct(&self) -> u64 {
        match self {
            Self::Table(counts) => counts.iter().filter(|count| **count > 0).count() as u64,
            Self::Map(counts) => counts.len() as u64,
            Self::Pairs(counts) => counts.len() as u64,
        }
    }

    /// The smallest form. Nothing is counted after it.
    pub(crate) fn compact(self) -> Self {
        let pairs: Vec<(u32, u32)> = match self {
            Self::Table(counts) => {
                let hit = counts.iter().filter(|count| **count > 0).count();
                if hit * size_of::<(u32, u32)>() >= size_of_val(&counts[..]) {
                    return Self::Table(counts);
                }
                let mut pairs = Vec::with_capacity(hit);
                pairs.extend((0u32..).zip(counts).filter(|(_, count)| *count > 0));
                pairs
            }
            Self::Map(counts) => {
                let mut pairs: Vec<_> = counts.into_iter().collect();
                pairs.sort_unstable();
                pairs
            }
            Self::Pairs(mut pairs) => {
                pairs.shrink_to_fit();
                pairs
            }
        };
        Self::Pairs(pairs)
    }

    /// Leaves out the values with a count of at most `floor`.
    pub(crate) fn drop_rare(&mut self, floor: u32) {
        match self {
            Self::Table(counts) => {
                counts.iter_mut().filter(|count| **count <= floor).for_each(|count| *count = 0);
            }
            Self::Map(counts) => {
                counts.retain(|_, count| *count > floor);
                counts.shrink_to_fit();
            }
            Self::Pairs(counts) => counts.retain(|(_, count)| *count > floor),
        }
        *self = std::mem::replace(self, Self::Pairs(Vec::new())).recompact();
    }

    /// As [`Self::compact`], but what is still counted stays so.
    fn recompact(self) -> Self {
        if matches!(self, Self::Map(_)) { self } else { self.compact() }
    }

    /// The count of one value.
    pub(crate) fn get(&self, ordinal: u64) -> u32 {
        let Ok(ordinal) = u32::try_from(ordinal) else { return 0 };
        match self {
            Self::Table(counts) => counts.get(ordinal as usize).copied().unwrap_or(0),
            Self::Map(counts) => counts.get(&ordinal).copied().unwrap_or(0),
            Self::Pairs(counts) => {
                let at = counts.binary_search_by_key(&ordinal, |(ordinal, _)| *ordinal).ok();
                at.and_then(|at| counts.get(at)).map_or(0, |(_, count)| *count)
            }
        }
    }

    /// Visits (ordinal, count) of every value that was counted, in order of ordinals if compact.
    pub(crate) fn for_each(&self, mut visit: impl FnMut(u32, u32)) {
        match self {
            Self::Table(counts) => (0u32..).zip(counts).for_each(|(ordinal, count)| {
                if *count > 0 {
                    visit(ordinal, *count);
                }
            }),
            Self::Map(counts) => counts.iter().for_each(|(ordinal, count)| visit(*ordinal, *count)),
            Self::Pairs(counts) => counts.iter().for_each(|(ordinal, count)| visit(*ordinal, *count)),
        }
    }

    /// As [`Self::for_each`], for values that were counted at least so often; `visit` gives the number from then on.
    pub(crate) fn for_each_from(&self, mut least: u32, mut visit: impl FnMut(u32, u32) -> u32) {
        /// Counts that are looked at together: mostly none of them is high enough.
        const TOGETHER: usize = 64;
        match self {
            Self::Table(counts) => {
                for (chunk, first) in counts.chunks(TOGETHER).zip((0u32..).step_by(TOGETHER)) {
                    if !chunk.iter().fold(false, |any, count| any | (*count >= least)) {
                        continue;
                    }
                    for (ordinal, count) in (first..).zip(chunk) {
                        if *count > 0 && *count >= least {
                            least = visit(ordinal, *count);
                        }
                    }
                }
            }
            Self::Map(_) | Self::Pairs(_) => self.for_each(|ordinal, count| {
                if count > 0 && count >= least {
                    least = visit(ordinal, count);
                }
            }),
        }
    }

    /// A cursor over ascending ordinals, for compact counts.
    pub(crate) fn cursor(&self) -> OrdinalCursor<'_> {
        match self {
            Self::Table(counts) => OrdinalCursor::Table(counts),
            Self::Pairs(counts) => OrdinalCursor::Pairs(counts),
            // Only compact counts are read.
            Self::Map(_) => OrdinalCursor::Pairs(&[]),
        }
    }
}

/// The count up to which values are left out when leaving out those up to `floor` was not enough.
pub(crate) fn next_floor(floor: u32) -> u32 {
    floor.saturating_mul(2).max(1)
}

/// Reads counts in order of ordinals.
pub(crate) enum OrdinalCursor<'a> {
    /// By ordinal.
    Table(&'a [u32]),
    /// The pairs that are left.
    Pairs(&'a [(u32, u32)]),
}

impl OrdinalCursor<'_> {
    /// The count of an ordinal that is above those asked for before; 0 when it was not counted.
    pub(crate) fn count(&mut self, ordinal: u64) -> u32 {
        match self {
            Self::Table(counts) => {
                usize::try_from(ordinal).ok().and_then(|at| counts.get(at)).copied().unwrap_or(0)
            }
            Self::Pairs(pairs) => match pairs.split_first() {
                Some(((next, count), rest)) if u64::from(*next) == ordinal => {
                    let count = *count;
                    *pairs = rest;
                    count
                }
                _ => 0,
            },
        }
    }

    /// True when all ordinals that are left have a count of 0.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Pairs([]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_maps_count_alike_and_lose_the_rarest_first() {
        for in_table in [true, false] {
            for terms in [8, 1_000] {
                let mut counts = OrdinalCounts::new(terms, in_table);
                [5, 1, 7, 5, 5, 1, 0].into_iter().for_each(|ordinal| counts.add(ordinal));
                let mut counts = counts.compact();
                for (floor, expected) in [
                    (0, [1, 2, 0, 0, 0, 3, 0, 1]),
                    (1, [0, 2, 0, 0, 0, 3, 0, 0]),
                    (2, [0, 0, 0, 0, 0, 3, 0, 0]),
                    (4, [0; 8]),
                ] {
                    counts.drop_rare(floor);
                    let mut cursor = counts.cursor();
                    let found: Vec<_> = (0..8).map(|ordinal| cursor.count(ordinal)).collect();
                    assert_eq!(found, expected, "{floor} {terms} {in_table}");
                }
                assert!(counts.heap_bytes() == 0 && counts.cursor().is_done());
            }
        }
    }

    #[test]
    fn values_that_were_counted_often_are_found_by_all_forms() {
        let mut table = OrdinalCounts::new(1_000, true);
        let mut map = OrdinalCounts::new(1_000, false);
        let times = |ordinal: u32| ordinal * 7919 % 13;
        for ordinal in 0..1_000 {
            for _ in 0..times(ordinal) {
                table.add(ordinal);
                map.add(ordinal);
            }
        }
        for least in [0, 1, 7, 12, 13] {
            let found = |counts: &OrdinalCounts| {
                let mut found = Vec::new();
                counts.for_each_from(least, |ordinal, count| {
                    found.push((ordinal, count));
                    least
                });
                found.sort_unstable();
                found
            };
            let wanted = |ordinal: &u32| times(*ordinal) >= least.max(1);
            assert_eq!(found(&table).len(), (0..1_000).filter(wanted).count(), "{least}");
            assert_eq!(found(&table), found(&map), "{least}");
        }
    }

    #[test]
    fn few_hits_of_a_large_dictionary_cost_little() {
        let mut counts = OrdinalCounts::new(1_000_000, true);
        counts.add(999_999);
        let counts = counts.compact();
        assert_eq!((counts.heap_bytes(), counts.cursor().count(999_999)), (8, 1));
    }
}
