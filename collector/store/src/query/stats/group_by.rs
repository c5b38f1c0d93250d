//! The groups of documents within one split: cells of a small table where the keys allow it, else combinations
//! of value numbers in a hash map.

use std::ops::Range;

use millpond_query::GroupKey;
use millpond_query::limits::MAX_GROUPS_OF_ROW;
use rustc_hash::FxHashMap;

use super::cells::Cells;
use super::dimension::{Dimension, MISSING, keys_of};
use crate::limits::{TALLY_CELLS_MAX, ZONE_GROUPS_MAX};
use crate::log_store::Partial;
use crate::query::meter::{Halt, Meter};
use crate::query::values::field_keys::{KeyNumber, Pairs, REFUSED};
use crate::query::values::keys::Key;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;

/// Combinations of values that are looked up between two looks at the budget: well below a millisecond.
const ASSIGN_STEP: usize = 4_096;

/// The groups of one split.
pub(crate) struct GroupBy<'s> {
    dimensions: Vec<Dimension<'s>>,
    way: Way<'s>,
    /// Documents by group.
    rows: Vec<u64>,
}

enum Way<'s> {
    /// A group is a cell.
    Cells(Cells<'s>),
    /// A group is a combination of numbers, in the order in which they come.
    Combinations(Combinations),
}

/// A group that has documents.
pub(crate) struct Group {
    /// Its number.
    pub(crate) number: usize,
    /// Its keys.
    pub(crate) keys: Vec<Key>,
    /// Its documents.
    pub(crate) rows: u64,
}

impl<'s> GroupBy<'s> {
    /// No document yet.
    pub(crate) fn new(by: &'s [GroupKey], split: &'s Split) -> Result<Self, Halt> {
        Self::with(by, split, true)
    }

    /// As [`Self::new`]; without cells for comparison.
    pub(crate) fn with(by: &'s [GroupKey], split: &'s Split, use_cells: bool) -> Result<Self, Halt> {
        let dimensions = by.iter().map(|key| Dimension::new(key, split)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::of(dimensions, split, use_cells))
    }

    /// For what holds for all documents with the same values: those with several values for a key are in no group, and a float
    /// is not the integer that equals it.
    pub(crate) fn of_singles(by: &'s [GroupKey], split: &'s Split) -> Result<Self, Halt> {
        let dimensions = by.iter().map(|key| Ok(Dimension::new(key, split)?.telling_floats()));
        let mut groups = Self::of(dimensions.collect::<Result<Vec<_>, Halt>>()?, split, true);
        if let Way::Combinations(combinations) = &mut groups.way {
            combinations.only_singles = true;
        }
        Ok(groups)
    }

    fn of(dimensions: Vec<Dimension<'s>>, split: &Split, use_cells: bool) -> Self {
        let sources: Option<Vec<_>> = dimensions.iter().map(|dimension| dimension.source(split)).collect();
        let cells = sources.filter(|_| use_cells).and_then(Cells::new);
        let rows = vec![0; cells.as_ref().map_or(0, Cells::count)];
        let way = match cells {
            Some(cells) => Way::Cells(cells),
            None => Way::Combinations(Combinations::new(&dimensions)),
        };
        Self { dimensions, way, rows }
    }

    /// Groups the documents of a zone and counts them.
    pub(crate) fn read(&mut self, view: &ZoneView<'_>, bits: &Bits, meter: &Meter<'_>) -> Result<(), Halt> {
        match &mut self.way {
            Way::Cells(cells) if cells.count() == 1 => {
                self.rows.iter_mut().for_each(|rows| *rows += bits.count() as u64);
            }
            Way::Cells(cells) => {
                let cells = cells.read(view, bits);
                if bits.count() == cells.len() {
                    cells.iter().for_each(|cell| count(&mut self.rows, *cell));
                } else {
                    bits.ones().filter_map(|at| cells.get(at)).for_each(|cell| count(&mut self.rows, *cell));
                }
            }
            Way::Combinations(combinations) => {
                combinations.read(&mut self.dimensions, view, bits, meter)?;
                self.rows.resize(combinations.count, 0);
                for (_, group) in &combinations.grouped {
                    if let Some(rows) = self.rows.get_mut(*group) {
                        *rows += 1;
                    }
                }
            }
        }
        Ok(())
    }

    /// Visits the groups of a document that was grouped by the last [`Self::read`].
    pub(crate) fn for_each_group(&self, at: u32, mut visit: impl FnMut(usize)) {
        match &self.way {
            Way::Cells(cells) => visit(cells.of(at)),
            Way::Combinations(combinations) => {
                combinations.groups_at(at).iter().for_each(|(_, group)| visit(*group));
            }
        }
    }

    /// The cells of documents, when these are their groups.
    pub(crate) fn cells(&self) -> Option<&Cells<'s>> {
        match &self.way {
            Way::Cells(cells) => Some(cells),
            Way::Combinations(_) => None,
        }
    }

    /// Numbers of groups are below it.
    pub(crate) fn end(&self) -> usize {
        self.rows.len()
    }

    /// True when groups have the same numbers in every reader of the split.
    pub(crate) fn numbers_agree(&self) -> bool {
        matches!(self.way, Way::Cells(_))
    }

    /// Adds the documents of another reader of the split, when numbers agree.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.rows.iter_mut().zip(&other.rows).for_each(|(own, rows)| *own += rows);
    }

    /// Memory on the heap that grows with groups, bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        let of_way = match &self.way {
            Way::Cells(_) => 0,
            Way::Combinations(combinations) => {
                let entry = size_of::<(Box<[KeyNumber]>, usize)>() + 1;
                let numbers = combinations.count * self.dimensions.len() * size_of::<KeyNumber>();
                combinations.index.capacity() * entry + numbers
            }
        };
        let of_dimensions = self.dimensions.iter().map(|dimension| match dimension {
            Dimension::Field(keys) => keys.heap_bytes(),
            Dimension::Time(_) => 0,
        });
        of_way + self.rows.capacity() * size_of::<u64>() + of_dimensions.sum::<usize>()
    }

    /// Groups of a document that was grouped by the last [`Self::read`].
    pub(crate) fn count_at(&self, at: u32) -> usize {
        match &self.way {
            Way::Cells(_) => 1,
            Way::Combinations(combinations) => combinations.groups_at(at).len(),
        }
    }

    /// The groups that have documents.
    pub(crate) fn finish(self) -> Result<Vec<Group>, Halt> {
        let numbers_of: Vec<(usize, Box<[KeyNumber]>)> = match self.way {
            Way::Cells(cells) => {
                let used = self.rows.iter().enumerate().filter(|(_, rows)| **rows > 0);
                used.map(|(cell, _)| (cell, cells.numbers(cell, MISSING))).collect()
            }
            Way::Combinations(combinations) => combinations.finish(),
        };
        let rows = |number: usize| self.rows.get(number).copied().unwrap_or_default();
        let (groups, numbers_of): (Vec<_>, Vec<_>) = numbers_of.into_iter().unzip();
        let keys = keys_of(&self.dimensions, &numbers_of)?;
        let groups = groups.into_iter().zip(keys);
        Ok(groups.map(|(number, keys)| Group { number, keys, rows: rows(number) }).collect())
    }

    /// The keys of documents that were grouped by the last [`Self::read`] and are in one group each.
    pub(crate) fn keys_at(&self, places: &[u32]) -> Result<Vec<Vec<Key>>, Halt> {
        let numbers: Vec<Box<[KeyNumber]>> = match &self.way {
            Way::Cells(cells) => places.iter().map(|at| cells.numbers(cells.of(*at), MISSING)).collect(),
            Way::Combinations(combinations) => places.iter().map(|at| combinations.numbers_at(*at)).collect(),
        };
        keys_of(&self.dimensions, &numbers)
    }

    /// Memory of what was read of the last zone, and of tables that don't grow, bytes.
    pub(crate) fn buffer_bytes(&self) -> usize {
        match &self.way {
            Way::Cells(cells) => cells.buffer_bytes(),
            Way::Combinations(combinations) => combinations.buffer_bytes(),
        }
    }
}

/// Counts a document of a cell.
#[inline]
fn count(rows: &mut [u64], cell: u32) {
    if let Some(rows) = rows.get_mut(cell as usize) {
        *rows += 1;
    }
}

/// Groups by combination.
#[derive(Default)]
struct Combinations {
    /// By combination of numbers, one for each dimension.
    index: FxHashMap<Box<[KeyNumber]>, usize>,
    /// Documents with several values for a key are in no group.
    only_singles: bool,
    /// With one dimension: group + 1 by number, for small numbers.
    direct: Vec<u32>,
    count: usize,
    /// By dimension.
    pairs: Vec<Pairs>,
    /// (place in the zone, group), ordered by place.
    grouped: Vec<(u32, usize)>,
    /// By place in the zone, and one more: where its groups begin in `grouped`.
    first_group: Vec<u32>,
}

impl Combinations {
    fn new(dimensions: &[Dimension<'_>]) -> Self {
        let direct = match dimensions {
            [Dimension::Field(keys)] if keys.known() <= TALLY_CELLS_MAX => vec![0; keys.known() as usize],
            _ => Vec::new(),
        };
        Self { direct, pairs: dimensions.iter().map(|_| Pairs::new()).collect(), ..Self::default() }
    }

    fn read(
        &mut self,
        dimensions: &mut [Dimension<'_>],
        view: &ZoneView<'_>,
        bits: &Bits,
        meter: &Meter<'_>,
    ) -> Result<(), Halt> {
        for (dimension, pairs) in dimensions.iter_mut().zip(&mut self.pairs) {
            dimension.read(view, bits, pairs)?;
        }
        self.assign(bits, meter)?;
        self.first_group.clear();
        let mut grouped = self.grouped.iter().zip(0u32..).peekable();
        for at in 0..view.len() as u32 {
            while grouped.next_if(|((place, _), _)| *place < at).is_some() {}
            self.first_group.push(grouped.peek().map_or(self.grouped.len() as u32, |(_, first)| *first));
        }
        self.first_group.push(self.grouped.len() as u32);
        Ok(())
    }

    /// The groups of the document at this place.
    fn groups_at(&self, at: u32) -> &[(u32, usize)] {
        let bound = |at: usize| self.first_group.get(at).map_or(self.grouped.len(), |first| *first as usize);
        self.grouped.get(bound(at as usize)..bound(at as usize + 1)).unwrap_or_default()
    }

    /// Fills `grouped`: every group of every document, but for documents in too many.
    fn assign(&mut self, bits: &Bits, meter: &Meter<'_>) -> Result<(), Halt> {
        self.grouped.clear();
        let mut next = vec![0usize; self.pairs.len()];
        let mut runs = vec![0..0; self.pairs.len()];
        let mut numbers = vec![MISSING; self.pairs.len()];
        let mut unchecked = 0;
        for at in bits.ones() {
            let at = at as u32;
            let mut combinations = Some(1usize);
            for ((pairs, next), run) in self.pairs.iter().zip(&mut next).zip(&mut runs) {
                let first = *next;
                while pairs.get(*next).is_some_and(|(place, _)| *place == at) {
                    *next += 1;
                }
                *run = first..*next;
                combinations = combinations.and_then(|before| before.checked_mul(run.len().max(1)));
            }
            if self.only_singles && combinations != Some(1) {
                continue;
            }
            let room = ZONE_GROUPS_MAX.saturating_sub(self.grouped.len()).min(MAX_GROUPS_OF_ROW);
            let Some(combinations) = combinations.filter(|combinations| *combinations <= room) else {
                meter.note(Partial::Groups);
                continue;
            };
            unchecked += combinations;
            if unchecked >= ASSIGN_STEP {
                unchecked = 0;
                meter.check()?;
            }
            for combination in 0..combinations {
                self.combine(combination, &runs, &mut numbers);
                if !numbers.contains(&REFUSED)
                    && let Some(group) = self.of(&numbers, meter)
                {
                    self.grouped.push((at, group));
                }
            }
        }
        Ok(())
    }

    /// The numbers of one combination of the values in `runs`.
    fn combine(&self, combination: usize, runs: &[Range<usize>], numbers: &mut [KeyNumber]) {
        let mut rest = combination;
        for ((run, pairs), number) in runs.iter().zip(&self.pairs).zip(numbers) {
            let choices = run.len().max(1);
            let pair = pairs.get(run.clone()).and_then(|run| run.get(rest % choices));
            *number = pair.map_or(MISSING, |(_, number)| *number);
            rest /= choices;
        }
    }

    /// The group of a combination; `None` when there are too many.
    fn of(&mut self, numbers: &[KeyNumber], meter: &Meter<'_>) -> Option<usize> {
        let direct = match numbers {
            [number] => self.direct.get(*number as usize).copied(),
            _ => None,
        };
        match direct {
            Some(0) | None => {}
            Some(group) => return Some(group as usize - 1),
        }
        if direct.is_none()
            && let Some(group) = self.index.get(numbers)
        {
            return Some(*group);
        }
        if self.count >= meter.groups_max() {
            meter.note(Partial::Groups);
            return None;
        }
        self.count += 1;
        if let [number] = numbers
            && let Some(direct) = self.direct.get_mut(*number as usize)
        {
            *direct = self.count as u32;
        }
        self.index.insert(numbers.into(), self.count - 1);
        Some(self.count - 1)
    }

    /// The combination of a document with one value at most for each key.
    fn numbers_at(&self, at: u32) -> Box<[KeyNumber]> {
        let number = |pairs: &Pairs| {
            let pair = pairs.binary_search_by_key(&at, |(place, _)| *place).ok();
            pair.and_then(|pair| pairs.get(pair)).map_or(MISSING, |(_, number)| *number)
        };
        self.pairs.iter().map(number).collect()
    }

    fn buffer_bytes(&self) -> usize {
        let pairs: usize =
            self.pairs.iter().map(|pairs| pairs.capacity() * size_of::<(u32, KeyNumber)>()).sum();
        let grouped = self.grouped.capacity() * size_of::<(u32, usize)>();
        pairs + grouped + (self.first_group.capacity() + self.direct.capacity()) * size_of::<u32>()
    }

    /// The groups with their combinations.
    fn finish(self) -> Vec<(usize, Box<[KeyNumber]>)> {
        let mut groups: Vec<_> = self.index.into_iter().map(|(numbers, group)| (group, numbers)).collect();
        groups.sort_unstable_by_key(|(group, _)| *group);
        groups
    }
}
