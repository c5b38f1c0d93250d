//! Counts per time bucket. Whole minutes are taken from the split's own counts where the filter and the breakdown
//! allow it; a zone that lies within one bucket, as nearly all do, is counted without reading a time.

mod whole_minutes;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use self::whole_minutes::WholeMinutes;
use crate::log_store::{Bucket, Histogram, HistogramPlan, Partial, TimeRange};
use crate::query::conditions::filter::Node;
use crate::query::meter::{Halt, Meter};
use crate::query::scan::{SplitVisitor, scan};
use crate::query::values::field_keys::{FieldKeys, Pairs, REFUSED};
use crate::query::values::keys::Key;
use crate::query::values::tally::Tally;
use crate::query::values::terms::Terms;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::minutes::MINUTE_NS;

/// From the first bucket's start to the last one's end.
pub(crate) fn range(plan: &HistogramPlan) -> TimeRange {
    Buckets::of_plan(plan).range()
}

/// Counts the documents of `plan` per bucket.
pub(crate) fn histogram(splits: &[Arc<Split>], plan: &HistogramPlan, meter: &Meter<'_>) -> Histogram {
    let buckets = Buckets::of_plan(plan);
    let mut totals = vec![0u64; plan.bucket_count];
    let mut by: FxHashMap<(usize, Key), u64> = FxHashMap::default();
    let begin = |split| {
        let keys = plan.by.as_deref().map(|name| FieldKeys::new(name, split)).transpose()?;
        Ok(Visitor {
            split,
            buckets,
            counts: vec![0; plan.bucket_count],
            by: Tally::new(keys.as_ref().map_or(0, FieldKeys::known)),
            keys,
            pairs: Vec::new(),
            bucket_of: Vec::new(),
        })
    };
    let end = |visitor: Visitor<'_>| {
        totals.iter_mut().zip(&visitor.counts).for_each(|(total, count)| *total += count);
        visitor.merge_into(&mut by, meter)
    };
    scan(splits, &plan.filter, buckets.range(), meter, begin, end);
    let mut result = Histogram { total: totals.iter().sum(), buckets: Vec::with_capacity(totals.len()) };
    result.buckets.extend(totals.into_iter().map(|count| Bucket { count, by: Vec::new() }));
    for ((bucket, key), count) in by {
        if let Some(bucket) = result.buckets.get_mut(bucket) {
            bucket.by.push((key.into_text(), count));
        }
    }
    for bucket in &mut result.buckets {
        // An integer 1 and a string "1" have one text.
        bucket.by.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        bucket.by.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            earlier.1 += if same { later.1 } else { 0 };
            same
        });
        bucket.by.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    }
    result
}

#[derive(Clone, Copy)]
struct Buckets {
    start_ns: i64,
    step_ns: i64,
    count: usize,
}

impl Buckets {
    fn of_plan(plan: &HistogramPlan) -> Self {
        Self { start_ns: plan.start_ns, step_ns: plan.step_ns.max(1), count: plan.bucket_count }
    }

    /// From the first bucket's start to the last one's end.
    fn range(&self) -> TimeRange {
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        let end_ns = self.step_ns.checked_mul(count).and_then(|width| self.start_ns.checked_add(width));
        TimeRange { start_ns: Some(self.start_ns), end_ns }
    }

    /// True when no bucket begins or ends within a minute.
    fn are_whole_minutes(&self) -> bool {
        self.start_ns % MINUTE_NS == 0 && self.step_ns % MINUTE_NS == 0
    }

    /// The bucket of a time in the range.
    fn of(&self, time_ns: i64) -> usize {
        if time_ns < self.start_ns {
            return usize::MAX;
        }
        usize::try_from(time_ns.abs_diff(self.start_ns) / self.step_ns.unsigned_abs()).unwrap_or(usize::MAX)
    }

    /// The buckets of times. Neighbours are mostly in one bucket, so few of them are divided.
    fn of_all(&self, times: &[i64], out: &mut Vec<usize>) {
        out.clear();
        let (mut bucket, mut inside) = (usize::MAX, 0..0);
        out.extend(times.iter().map(|time| {
            if !inside.contains(time) {
                bucket = self.of(*time);
                let start = i64::try_from(bucket).ok().and_then(|bucket| bucket.checked_mul(self.step_ns));
                let start = start.and_then(|start| self.start_ns.checked_add(start));
                inside = start.map_or(0..0, |start| start..start.saturating_add(self.step_ns));
            }
            bucket
        }));
    }
}

struct Visitor<'s> {
    split: &'s Split,
    buckets: Buckets,
    counts: Vec<u64>,
    keys: Option<FieldKeys<'s>>,
    by: Tally,
    pairs: Pairs,
    bucket_of: Vec<usize>,
}

impl SplitVisitor for Visitor<'_> {
    fn take_known(&mut self, node: &Node<'_>, range: TimeRange) -> Result<Vec<TimeRange>, Halt> {
        let whole =
            if self.buckets.are_whole_minutes() { WholeMinutes::of(self.split, node, range)? } else { None };
        let Some(whole) = whole.filter(|whole| self.is_by_level(whole)) else { return Ok(vec![range]) };
        whole.for_each(|start_ns, level, count| {
            let bucket = self.buckets.of(start_ns);
            if let Some(total) = self.counts.get_mut(bucket) {
                *total += count;
                if let Some(ordinal) = level.checked_sub(1).filter(|_| self.keys.is_some()) {
                    self.by.add_many(bucket, ordinal, count);
                }
            }
        });
        Ok(whole.rest)
    }

    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        let (first, last) = (self.buckets.of(view.zone.min_ns), self.buckets.of(view.zone.max_ns));
        let single = first == last && first != usize::MAX;
        if single {
            if let Some(count) = self.counts.get_mut(first) {
                *count += bits.count() as u64;
            }
        } else {
            self.buckets.of_all(view.times(), &mut self.bucket_of);
            for at in bits.ones() {
                let bucket = self.bucket_of.get(at).copied().unwrap_or(usize::MAX);
                if let Some(count) = self.counts.get_mut(bucket) {
                    *count += 1;
                }
            }
        }
        let Some(keys) = &mut self.keys else { return Ok(()) };
        keys.read(view, bits, true, &mut self.pairs)?;
        for (at, key) in self.pairs.iter().filter(|(_, key)| *key != REFUSED) {
            let bucket = if single { Some(first) } else { self.bucket_of.get(*at as usize).copied() };
            if let Some(bucket) = bucket.filter(|bucket| *bucket < self.counts.len()) {
                self.by.add(bucket, *key);
            }
        }
        Ok(())
    }

    fn absorb(&mut self, other: Self) -> Option<Self> {
        let agree = |visitor: &Self| visitor.keys.as_ref().is_none_or(FieldKeys::numbers_agree);
        if !agree(self) || !agree(&other) {
            return Some(other);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(own, count)| *own += count);
        self.by.absorb(&other.by);
        None
    }
}

impl Visitor<'_> {
    /// True without a breakdown, or when its values are the levels.
    fn is_by_level(&self, whole: &WholeMinutes<'_>) -> bool {
        self.keys.as_ref().is_none_or(|keys| match (keys.only_ordinals(), whole.column) {
            (Some(Some(Terms::Dictionary(by))), Some(levels)) => std::ptr::eq(by, levels),
            _ => false,
        })
    }

    fn merge_into(self, by: &mut FxHashMap<(usize, Key), u64>, meter: &Meter<'_>) -> Result<(), Halt> {
        let Some(keys) = self.keys else { return Ok(()) };
        let numbers = self.by.numbers();
        let values = keys.resolve(&numbers)?;
        self.by.for_each(|bucket, number, count| {
            let Some(key) = numbers.binary_search(&number).ok().and_then(|at| values.get(at)) else { return };
            let full = by.len() >= meter.groups_max();
            match by.get_mut(&(bucket, key.clone())) {
                Some(total) => *total += count,
                None if full => meter.note(Partial::Groups),
                None => drop(by.insert((bucket, key.clone()), count)),
            }
        });
        Ok(())
    }
}
