//! Leaves out rows that are not wanted as far as the values of some fields tell, by columns, so that they are not read.
//! Documents of one split with the same values are a group, and what these values tell of one they tell of all. Those with
//! several values of a field are in no group, and are never left out.

use std::ops::ControlFlow;

use millpond_query::{GroupKey, Row, Scalar};
use millpond_wire::limits::DOCUMENT_FIELDS_MAX;

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

/// Documents of a split after which it is left alone if less than one in [`LEFT_OUT_MIN`] was left out.
const TRIED: usize = 4_096;

/// See [`TRIED`].
const LEFT_OUT_MIN: usize = 8;

/// What is known of the groups of each split.
pub(crate) struct Skip<'a> {
    /// `None`: nothing is left out.
    what: Option<&'a Skippable>,
    by: &'a [GroupKey],
    splits: Vec<OfSplit<'a>>,
    /// Of all splits.
    bytes: usize,
}

/// What is known of one split.
#[derive(Default)]
struct OfSplit<'a> {
    /// `None`: nothing, or it was forgotten.
    known: Option<Known<'a>>,
    /// Documents that were looked at.
    seen: usize,
    left_out: usize,
}

/// The groups of one split.
struct Known<'a> {
    groups: GroupBy<'a>,
    /// By group: the best rank of a document that was not left out.
    best: Vec<Option<Rank>>,
    /// By group: whether its rows pass.
    passes: Vec<Option<bool>>,
}

/// The keys by which rows are told apart.
pub(crate) fn group_keys(what: Option<&Skippable>) -> Vec<GroupKey> {
    let fields = match what {
        None => &[][..],
        Some(Skippable::Repeats { fields } | Skippable::Failing { fields, .. }) => fields,
    };
    fields.iter().map(|name| GroupKey::Field(name.clone())).collect()
}

/// Whether a test of a few fields tells what becomes of a document: one with all the fields that it may have gets no more.
fn has_room(split: &Split) -> bool {
    let meta = split.meta();
    meta.columns.len() + meta.unindexed.len() < DOCUMENT_FIELDS_MAX / 2
}

impl<'a> Skip<'a> {
    /// `by` are the [`group_keys`] of it.
    pub(crate) fn new(what: Option<&'a Skippable>, by: &'a [GroupKey], splits: usize) -> Self {
        let mut of_splits = Vec::new();
        of_splits.resize_with(if what.is_some() { splits } else { 0 }, OfSplit::default);
        Self { what, by, splits: of_splits, bytes: 0 }
    }

    /// The documents of `bits` that may be wanted. `view` is of an account of its own; no document of the zone has a rank
    /// whose first part is above `zone_rank`.
    pub(crate) fn narrow(
        &mut self,
        index: usize,
        split: &'a Split,
        view: &ZoneView<'_>,
        bits: Bits,
        zone_rank: i64,
    ) -> Result<Bits, Halt> {
        let of_split =
            self.splits.get_mut(index).filter(|of_split| !bits.is_empty() && of_split.is_worth_it());
        let (Some(what), Some(of_split)) = (self.what, of_split) else { return Ok(bits) };
        if matches!(what, Skippable::Failing { .. }) && !has_room(split) {
            return Ok(bits);
        }
        of_split.seen += bits.count();
        let before = of_split.known.as_ref().map_or(0, Known::heap_bytes);
        let known = match &mut of_split.known {
            Some(known) => known,
            slot => slot.insert(Known::new(self.by, split)?),
        };
        known.groups.read(view, &bits, view.meter)?;
        if view.meter.partial().is_some() {
            // Values that could not be told apart would make groups of documents that differ.
            of_split.known = None;
            self.bytes = self.bytes.saturating_sub(before);
            return Ok(bits);
        }
        let kept = match what {
            Skippable::Repeats { .. } => {
                known.best.resize(known.groups.end(), None);
                known.without(&bits, &known.best, |best: Rank| best.0 > zone_rank)
            }
            Skippable::Failing { fields, test } => {
                known.test_groups(view, fields, &**test, &bits)?;
                known.without(&bits, &known.passes, |passes| !passes)
            }
        };
        of_split.left_out += bits.count() - kept.count();
        self.bytes = (self.bytes + known.heap_bytes()).saturating_sub(before);
        Ok(kept)
    }

    /// Keeps of `picked`, which are (first part of the rank, place in the zone that was narrowed last), those that may be
    /// wanted.
    pub(crate) fn keep_first(
        &mut self,
        index: usize,
        picked: &mut Vec<(i64, usize)>,
        rank_at: &dyn Fn(usize, i64) -> Rank,
    ) {
        if let (Some(Skippable::Repeats { .. }), Some(of_split)) = (self.what, self.splits.get_mut(index))
            && let Some(known) = of_split.known.as_mut().filter(|_| !picked.is_empty())
        {
            let before = picked.len();
            known.keep_first(picked, rank_at);
            of_split.left_out += before - picked.len();
        }
        // Forgotten, groups are new again: less is left out.
        if self.bytes > SKIP_BYTES_MAX {
            self.splits.iter_mut().for_each(|of_split| of_split.known = None);
            self.bytes = 0;
        }
    }
}

impl OfSplit<'_> {
    fn is_worth_it(&self) -> bool {
        self.seen < TRIED || self.left_out >= self.seen / LEFT_OUT_MIN
    }
}

impl<'a> Known<'a> {
    fn new(by: &'a [GroupKey], split: &'a Split) -> Result<Self, Halt> {
        Ok(Self { groups: GroupBy::of_singles(by, split)?, best: Vec::new(), passes: Vec::new() })
    }

    fn heap_bytes(&self) -> usize {
        let of_best = self.best.capacity() * size_of::<Option<Rank>>();
        let of_groups = self.groups.heap_bytes() + self.groups.buffer_bytes();
        of_groups + of_best + self.passes.capacity() * size_of::<Option<bool>>()
    }

    /// The group of the document at a place, if it is in one.
    fn group(&self, at: usize) -> Option<usize> {
        let mut group = None;
        self.groups.for_each_group(at as u32, |only| group = Some(only));
        group
    }

    /// What is known of its group.
    fn of<T: Copy>(&self, at: usize, known: &[Option<T>]) -> Option<T> {
        *known.get(self.group(at)?)?
    }

    /// The documents of `bits` but for those of groups that are `unwanted`.
    fn without<T: Copy>(&self, bits: &Bits, known: &[Option<T>], unwanted: impl Fn(T) -> bool) -> Bits {
        let mut kept = Bits::none(bits.len());
        for at in bits.ones() {
            if !self.of(at, known).is_some_and(&unwanted) {
                kept.set(at as u32);
            }
        }
        kept
    }

    /// Keeps the first document of each group, as far as documents were seen.
    fn keep_first(&mut self, picked: &mut Vec<(i64, usize)>, rank_at: &dyn Fn(usize, i64) -> Rank) {
        let mut best = std::mem::take(&mut self.best);
        // What is written later is mostly newer.
        for (time_rank, at) in picked.iter().rev() {
            if let Some(best) = self.group(*at).and_then(|group| best.get_mut(group))
                && best.is_none_or(|best| *time_rank >= best.0)
            {
                *best = (*best).max(Some(rank_at(*at, *time_rank)));
            }
        }
        picked.retain(|(time_rank, at)| {
            let best = self.of(*at, &best);
            best.is_none_or(|best| *time_rank == best.0 && rank_at(*at, *time_rank) == best)
        });
        self.best = best;
    }

    /// Tests the groups of which nothing is known.
    fn test_groups(
        &mut self,
        view: &ZoneView<'_>,
        fields: &[String],
        test: &dyn Fn(&dyn Row) -> bool,
        bits: &Bits,
    ) -> Result<(), Halt> {
        self.passes.resize(self.groups.end(), None);
        let is_new = |group: &usize| self.passes.get(*group).is_some_and(Option::is_none);
        let mut new: Vec<(usize, u32)> =
            bits.ones().filter_map(|at| Some((self.group(at).filter(is_new)?, at as u32))).collect();
        new.sort_unstable();
        new.dedup_by_key(|(group, _)| *group);
        for some in new.chunks(TEST_STEP) {
            view.meter.check()?;
            let places: Vec<u32> = some.iter().map(|(_, at)| *at).collect();
            for (keys, (group, _)) in self.groups.keys_at(&places)?.iter().zip(some) {
                if let Some(passes) = self.passes.get_mut(*group) {
                    *passes = Some(test(&GroupRow { fields, keys }));
                }
            }
        }
        Ok(())
    }
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
