//! Leaves out rows that are not wanted as far as the values of some fields tell, by columns, so that they are not read.
//! Documents of one split with the same values are a group, and what holds for one of them holds for all. Those with
//! several values of a field are in no single group, and are never left out.

use std::ops::ControlFlow;

use millpond_query::{GroupKey, Row, Scalar};

use crate::limits::SKIP_BYTES_MAX;
use crate::log_store::Skippable;
use crate::query::hits::Rank;
use crate::query::meter::Halt;
use crate::query::stats::group_by::GroupBy;
use crate::query::values::keys::Key;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;

/// Groups that are tested between two looks at the budget.
const TEST_STEP: usize = 64;

/// Whole floats from here on are not every integer (IEEE 754, 2^53): as the integer, which a group has, they may give
/// another result.
const WHOLE_FLOAT_END: u64 = 1 << 53;

/// What is known of the groups of each split.
pub(crate) struct Skip<'a> {
    /// `None`: nothing is left out.
    what: Option<&'a Skippable>,
    by: &'a [GroupKey],
    splits: Vec<Option<OfSplit<'a>>>,
}

/// The groups of one split.
struct OfSplit<'a> {
    groups: GroupBy<'a>,
    /// By group: the best rank of a document that was not left out.
    best: Vec<Option<Rank>>,
    /// By group: whether its rows pass.
    passes: Vec<Option<bool>>,
}

/// The matching documents of a zone.
pub(crate) struct InZone<'v> {
    /// The zone; its account is only of what is read here.
    pub(crate) view: &'v ZoneView<'v>,
    /// At least those that are picked.
    pub(crate) bits: &'v Bits,
    /// The rank of the document at a place, from the first part of the rank.
    pub(crate) rank_at: &'v dyn Fn(usize, i64) -> Rank,
}

/// The keys by which rows are told apart.
pub(crate) fn group_keys(what: Option<&Skippable>) -> Vec<GroupKey> {
    let fields = match what {
        None => &[][..],
        Some(Skippable::Repeats { fields } | Skippable::Failing { fields, .. }) => fields,
    };
    fields.iter().map(|name| GroupKey::Field(name.clone())).collect()
}

impl<'a> Skip<'a> {
    /// `by` are the [`group_keys`] it.
    pub(crate) fn new(what: Option<&'a Skippable>, by: &'a [GroupKey], splits: usize) -> Self {
        let mut of_splits = Vec::new();
        of_splits.resize_with(if what.is_some() { splits } else { 0 }, || None);
        Self { what, by, splits: of_splits }
    }

    /// Takes out of `picked`, which are (first part of the rank, place in the zone), what is known not to be wanted.
    pub(crate) fn drop_unwanted(
        &mut self,
        index: usize,
        split: &'a Split,
        zone: &InZone<'_>,
        picked: &mut Vec<(i64, usize)>,
    ) -> Result<(), Halt> {
        let slot = self.splits.get_mut(index).filter(|_| !picked.is_empty());
        let (Some(what), Some(slot)) = (self.what, slot) else { return Ok(()) };
        let of_split = match slot {
            Some(of_split) => of_split,
            None => slot.insert(OfSplit::new(self.by, split)?),
        };
        of_split.groups.read(zone.view, zone.bits, zone.view.meter)?;
        // Values that could not be told apart would make groups of documents that differ.
        let is_known = zone.view.meter.partial().is_none();
        match what {
            _ if !is_known => {}
            Skippable::Repeats { .. } => of_split.keep_first(zone, picked),
            Skippable::Failing { fields, test } => {
                of_split.test_groups(zone, fields, &**test, picked)?;
                picked.retain(|(_, at)| of_split.of(*at, &of_split.passes) != Some(false));
            }
        }
        // Forgotten, groups are new again: less is left out.
        if !is_known || of_split.heap_bytes() > SKIP_BYTES_MAX {
            *slot = None;
        }
        Ok(())
    }
}

impl<'a> OfSplit<'a> {
    fn new(by: &'a [GroupKey], split: &'a Split) -> Result<Self, Halt> {
        Ok(Self { groups: GroupBy::new(by, split)?, best: Vec::new(), passes: Vec::new() })
    }

    fn heap_bytes(&self) -> usize {
        let of_best = self.best.capacity() * size_of::<Option<Rank>>();
        self.groups.heap_bytes() + of_best + self.passes.capacity() * size_of::<Option<bool>>()
    }

    /// The group of the document at a place, if it is in one only.
    fn group(&self, at: usize) -> Option<usize> {
        let (mut only, mut count) = (None, 0);
        self.groups.for_each_group(at as u32, |group| {
            only = Some(group);
            count += 1;
        });
        only.filter(|_| count == 1)
    }

    /// What is known of its group.
    fn of<T: Copy>(&self, at: usize, known: &[Option<T>]) -> Option<T> {
        *known.get(self.group(at)?)?
    }

    /// Keeps the first document of each group, as far as documents were seen.
    fn keep_first(&mut self, zone: &InZone<'_>, picked: &mut Vec<(i64, usize)>) {
        let mut best = std::mem::take(&mut self.best);
        best.resize(self.groups.end(), None);
        // What is written later is mostly newer.
        for (time_rank, at) in picked.iter().rev() {
            if let Some(best) = self.group(*at).and_then(|group| best.get_mut(group))
                && best.is_none_or(|best| *time_rank >= best.0)
            {
                *best = (*best).max(Some((zone.rank_at)(*at, *time_rank)));
            }
        }
        picked.retain(|(time_rank, at)| {
            let best = self.of(*at, &best);
            best.is_none_or(|best| *time_rank == best.0 && (zone.rank_at)(*at, *time_rank) == best)
        });
        self.best = best;
    }

    /// Tests the groups of which nothing is known.
    fn test_groups(
        &mut self,
        zone: &InZone<'_>,
        fields: &[String],
        test: &dyn Fn(&dyn Row) -> bool,
        picked: &[(i64, usize)],
    ) -> Result<(), Halt> {
        self.passes.resize(self.groups.end(), None);
        let is_new = |group: &usize| self.passes.get(*group).is_some_and(Option::is_none);
        let mut new: Vec<usize> =
            picked.iter().filter_map(|(_, at)| self.group(*at).filter(is_new)).collect();
        new.sort_unstable();
        new.dedup();
        for (step, groups) in self.groups.keys_of(&new)?.iter().zip(&new).enumerate() {
            if step.is_multiple_of(TEST_STEP) {
                zone.view.meter.check()?;
            }
            let (keys, group) = groups;
            if let Some(passes) = self.passes.get_mut(*group) {
                *passes = Some(keys.iter().any(may_be_a_float) || test(&GroupRow { fields, keys }));
            }
        }
        Ok(())
    }
}

fn may_be_a_float(key: &Key) -> bool {
    matches!(key, Key::Integer(value) if value.unsigned_abs() >= WHOLE_FLOAT_END)
}

/// The fields that all rows of a group share.
struct GroupRow<'g> {
    fields: &'g [String],
    keys: &'g [Key],
}

impl Row for GroupRow<'_> {
    /// No time is shared.
    fn timestamp_ns(&self) -> i64 {
        0
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        for (name, key) in self.fields.iter().zip(self.keys) {
            if key.as_scalar().is_some_and(|value| visit(name, value).is_break()) {
                return;
            }
        }
    }
}
