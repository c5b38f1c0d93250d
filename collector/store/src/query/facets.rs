//! Exact top values of fields: counted by ordinal within a split, merged across splits in the order of
//! the dictionaries, so that millions of different values need no table of their texts.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

use millpond_query::Filter;
use rustc_hash::FxHashMap;
use tantivy::columnar::StrColumn;

use super::keys::{FieldKeys, Key, KeyNumber};
use super::meter::{Halt, Meter};
use super::scan::{SplitVisitor, scan};
use super::zone::ZoneView;
use crate::error::StoreError;
use crate::log_store::{Facet, Partial, TimeRange};
use crate::split::Split;
use crate::split::bits::Bits;

/// The top values of each field among the documents that pass.
pub(crate) fn facets<'s>(
    splits: &'s [Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    fields: &'s [String],
    top: usize,
    meter: &Meter<'_>,
) -> Vec<Facet> {
    let mut totals: Vec<Total<'s>> = fields.iter().map(|_| Total::default()).collect();
    let begin = |split| Visitor::new(fields.iter().map(String::as_str), split);
    let end = |visitor: Visitor<'s>| {
        totals.iter_mut().zip(visitor.fields).try_for_each(|(total, counts)| total.add(counts, meter))
    };
    scan(splits, filter, range, meter, begin, end);
    let finished = fields.iter().zip(totals).map(|(name, total)| {
        let (missing, mut best) = (total.missing, Best::new(top));
        if let Err(Halt::Failed(error)) = total.for_each(&mut |key, count| best.add(key, count)) {
            meter.note_damaged(0, &error);
        }
        let (values, distinct) = best.finish();
        let values = values.into_iter().map(|(key, count)| (key.into_cell(), count)).collect();
        Facet { name: name.clone(), values, distinct, missing }
    });
    finished.collect()
}

/// The most frequent values of `field` that start with `prefix`, in any case.
pub(crate) fn values<'s>(
    splits: &'s [Arc<Split>],
    field: &'s str,
    prefix: &str,
    range: TimeRange,
    limit: usize,
    meter: &Meter<'_>,
) -> Vec<(String, u64)> {
    let mut total = Total::default();
    let begin = |split| Visitor::new([field], split);
    let end =
        |visitor: Visitor<'s>| visitor.fields.into_iter().try_for_each(|counts| total.add(counts, meter));
    scan(splits, &Filter::All, range, meter, begin, end);
    total.others_as_text();
    let prefix = prefix.to_lowercase();
    let mut best = Best::new(limit);
    let result = total.for_each(&mut |key, count| {
        let text = key.clone().into_text();
        if text.to_lowercase().starts_with(&prefix) {
            best.add(key, count);
        }
    });
    if let Err(Halt::Failed(error)) = result {
        meter.note_damaged(0, &error);
    }
    best.finish().0.into_iter().map(|(key, count)| (key.into_text(), count)).collect()
}

/// Counts of one field in one split.
struct FieldCounts<'s> {
    keys: FieldKeys<'s>,
    /// By ordinal.
    terms: Vec<u32>,
    /// Of values that are no ordinals.
    others: FxHashMap<KeyNumber, u64>,
    missing: u64,
}

struct Visitor<'s> {
    fields: Vec<FieldCounts<'s>>,
    pairs: Vec<(u32, KeyNumber)>,
}

impl<'s> Visitor<'s> {
    fn new(names: impl IntoIterator<Item = &'s str>, split: &'s Split) -> Result<Self, Halt> {
        let fields = names.into_iter().map(|name| {
            let keys = FieldKeys::new(name, split)?;
            let terms = vec![0; keys.terms() as usize];
            Ok(FieldCounts { keys, terms, others: FxHashMap::default(), missing: 0 })
        });
        Ok(Self { fields: fields.collect::<Result<_, Halt>>()?, pairs: Vec::new() })
    }
}

impl SplitVisitor for Visitor<'_> {
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        for field in &mut self.fields {
            field.keys.read(view, bits, true, &mut self.pairs)?;
            let having = self.pairs.chunk_by(|a, b| a.0 == b.0).count();
            field.missing += bits.count().saturating_sub(having) as u64;
            for (_, number) in &self.pairs {
                match field.terms.get_mut(*number as usize) {
                    Some(count) => *count += 1,
                    None => *field.others.entry(*number).or_default() += 1,
                }
            }
        }
        Ok(())
    }
}

/// Counts of one field in all splits.
#[derive(Default)]
struct Total<'s> {
    dictionaries: Vec<(&'s StrColumn, Vec<u32>)>,
    others: FxHashMap<Key, u64>,
    missing: u64,
}

impl<'s> Total<'s> {
    fn add(&mut self, counts: FieldCounts<'s>, meter: &Meter<'_>) -> Result<(), Halt> {
        self.missing += counts.missing;
        let mut numbers: Vec<_> = counts.others.keys().copied().collect();
        numbers.sort_unstable();
        for (number, key) in numbers.iter().zip(counts.keys.resolve(&numbers)?) {
            let count = counts.others.get(number).copied().unwrap_or_default();
            if self.others.len() >= meter.groups_max() && !self.others.contains_key(&key) {
                meter.note(Partial::Groups);
                continue;
            }
            *self.others.entry(key).or_default() += count;
        }
        if let Some(column) = counts.keys.strings() {
            self.dictionaries.push((column, counts.terms));
        }
        Ok(())
    }

    /// Makes numbers and truth values strings, for callers that show texts only.
    fn others_as_text(&mut self) {
        for (key, count) in std::mem::take(&mut self.others) {
            *self.others.entry(Key::String(key.into_text().into())).or_default() += count;
        }
    }

    /// Visits every value with its count, once each.
    fn for_each(mut self, visit: &mut dyn FnMut(Key, u64)) -> Result<(), Halt> {
        let mut cursors = Vec::with_capacity(self.dictionaries.len());
        let mut queue = BinaryHeap::new();
        for (index, (column, counts)) in self.dictionaries.iter().enumerate() {
            let mut cursor = TermCounts::new(column, counts)?;
            if let Some(term) = cursor.next() {
                queue.push(Reverse((term, index)));
            }
            cursors.push(cursor);
        }
        let mut current: Option<(Vec<u8>, u64)> = None;
        while let Some(Reverse((term, index))) = queue.pop() {
            let Some(cursor) = cursors.get_mut(index) else { continue };
            let count = u64::from(cursor.count);
            match &mut current {
                Some((last, total)) if *last == term => *total += count,
                _ => {
                    let done = current.replace((term, count));
                    done.into_iter().for_each(|done| visit_term(done, &mut self.others, visit));
                }
            }
            if let Some(term) = cursor.next() {
                queue.push(Reverse((term, index)));
            }
        }
        current.into_iter().for_each(|done| visit_term(done, &mut self.others, visit));
        self.others.into_iter().for_each(|(key, count)| visit(key, count));
        Ok(())
    }
}

/// A term of the dictionaries, with what residuals and messages have of the same text.
fn visit_term(
    (term, count): (Vec<u8>, u64),
    others: &mut FxHashMap<Key, u64>,
    visit: &mut dyn FnMut(Key, u64),
) {
    let key = Key::String(String::from_utf8_lossy(&term).into());
    let more = if others.is_empty() { 0 } else { others.remove(&key).unwrap_or(0) };
    visit(key, count + more);
}

/// The terms of one dictionary that were counted, in their order.
struct TermCounts<'s> {
    stream: tantivy::columnar::Streamer<'s>,
    counts: &'s [u32],
    count: u32,
}

impl<'s> TermCounts<'s> {
    fn new(column: &'s StrColumn, counts: &'s [u32]) -> Result<Self, StoreError> {
        let stream = column.dictionary().stream().map_err(StoreError::index("read a dictionary"))?;
        Ok(Self { stream, counts, count: 0 })
    }

    fn next(&mut self) -> Option<Vec<u8>> {
        while self.stream.advance() {
            self.count = self.counts.get(self.stream.term_ord() as usize).copied().unwrap_or(0);
            if self.count > 0 {
                return Some(self.stream.key().to_vec());
            }
        }
        None
    }
}

/// The most frequent values, ties by value, and the number of all.
struct Best {
    top: usize,
    distinct: u64,
    /// The worst on top.
    heap: BinaryHeap<Candidate>,
}

struct Candidate {
    count: u64,
    key: Key,
}

impl Ord for Candidate {
    /// The worst is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.count.cmp(&self.count).then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

impl Best {
    fn new(top: usize) -> Self {
        Self { top, distinct: 0, heap: BinaryHeap::new() }
    }

    fn add(&mut self, key: Key, count: u64) {
        self.distinct += 1;
        let candidate = Candidate { count, key };
        if self.heap.len() < self.top {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
    }

    fn finish(self) -> (Vec<(Key, u64)>, u64) {
        let best = self.heap.into_sorted_vec();
        (best.into_iter().map(|candidate| (candidate.key, candidate.count)).collect(), self.distinct)
    }
}
