//! Exact top values of fields: counted by ordinal within a split, merged across splits in the order of
//! the dictionaries, so that millions of different values need no table of their texts.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use millpond_query::table::{Cell, Table};
use millpond_query::{AggFunction, Filter, GroupKey, Pipe};
use rustc_hash::FxHashMap;
use tantivy::columnar::StrColumn;

use super::best::{Best, Value, key_of};
use super::field_keys::{FieldKeys, KeyNumber, Pairs, REFUSED};
use super::keys::Key;
use super::meter::{Halt, Meter};
use super::ordinal_counts::{OrdinalCounts, OrdinalCursor};
use super::scan::{SplitVisitor, scan};
use super::top::add_top;
use super::zone::ZoneView;
use crate::error::StoreError;
use crate::limits::GROUP_BYTES;
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
    let begin = |split| Visitor::new(fields.iter().map(String::as_str), split, meter);
    let end = |visitor: Visitor<'_, 's>| add_split(&mut totals, visitor, meter);
    scan(splits, filter, range, meter, begin, end);
    let finished = fields.iter().zip(totals).map(|(name, total)| {
        let (missing, mut best) = (total.missing, Best::new(top));
        if let Err(Halt::Failed(error)) = total.for_each(&mut |value, count| best.add(value, count)) {
            meter.note_damaged(0, &error);
        }
        let (values, distinct) = best.finish();
        let values = values.into_iter().map(|(key, count)| (key.into_cell(), count)).collect();
        Facet { name: name.clone(), values, distinct, missing }
    });
    finished.collect()
}

/// The table of a `stats count() by field` of which only the most frequent rows are wanted, without a
/// group for each value. `None` when the pipes are anything else.
pub(crate) fn top<'s>(
    splits: &'s [Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    pipes: &'s [Pipe],
    meter: &Meter<'_>,
) -> Option<Table> {
    let [Pipe::Stats(stats), Pipe::Sort(order), Pipe::Limit(limit), ..] = pipes else { return None };
    let ([agg], [GroupKey::Field(field)]) = (&stats.aggs[..], &stats.by[..]) else { return None };
    let counts_rows = agg.function == AggFunction::Count && agg.field.is_none();
    let by_count = match &order[..] {
        [count] => count.descending && count.field == agg.column,
        [count, value] => {
            count.descending && count.field == agg.column && !value.descending && value.field == *field
        }
        _ => false,
    };
    if !counts_rows || !by_count {
        return None;
    }
    let mut total = Total::default();
    let begin = |split| Visitor::new([field.as_str()], split, meter);
    let end = |visitor: Visitor<'_, 's>| add_split(std::slice::from_mut(&mut total), visitor, meter);
    scan(splits, filter, range, meter, begin, end);
    let mut best = Best::new(usize::try_from(*limit).unwrap_or(usize::MAX));
    if total.missing > 0 {
        best.add(Value::Key(Key::Missing), total.missing);
    }
    total.add_best(&mut best, meter);
    let cell = |count| Cell::I64(i64::try_from(count).unwrap_or(i64::MAX));
    let rows = best.finish().0.into_iter().map(|(key, count)| vec![key.into_cell(), cell(count)]);
    Some(Table { columns: vec![field.clone(), agg.column.clone()], rows: rows.collect() })
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
    let begin = |split| Visitor::new([field], split, meter);
    let end = |visitor: Visitor<'_, 's>| add_split(std::slice::from_mut(&mut total), visitor, meter);
    scan(splits, &Filter::All, range, meter, begin, end);
    total.others_as_text();
    let prefix = prefix.to_lowercase();
    let mut best = Best::new(limit);
    let result = total.for_each(&mut |value, count| {
        let key = value.into_key();
        if matches!(&key, Key::String(text) if text.to_lowercase().starts_with(&prefix)) {
            best.add(Value::Key(key), count);
        }
    });
    if let Err(Halt::Failed(error)) = result {
        meter.note_damaged(0, &error);
    }
    best.finish().0.into_iter().map(|(key, count)| (key.into_text(), count)).collect()
}

/// Bytes that the counts of a query may have: as much as its groups would take.
fn counts_bytes_max(meter: &Meter<'_>) -> usize {
    meter.groups_max().saturating_mul(GROUP_BYTES)
}

/// Adds the counts of a split. When all are too large, the rarest values of the largest field are left
/// out, again and again, which the answer says.
fn add_split<'s>(totals: &mut [Total<'s>], visitor: Visitor<'_, 's>, meter: &Meter<'_>) -> Result<(), Halt> {
    for (total, counts) in totals.iter_mut().zip(visitor.fields) {
        total.add(counts, meter)?;
    }
    while totals.iter().map(Total::counts_bytes).sum::<usize>() > counts_bytes_max(meter)
        && let Some(largest) = totals.iter_mut().max_by_key(|total| total.counts_bytes())
    {
        meter.note(Partial::Groups);
        largest.drop_rare();
    }
    Ok(())
}

/// Counts of one field in one split.
struct FieldCounts<'s> {
    keys: FieldKeys<'s>,
    terms: OrdinalCounts,
    /// Values with a count of at most this were left out, because a split alone has too many.
    floor: u32,
    /// Of values that are no ordinals.
    others: FxHashMap<KeyNumber, u64>,
    missing: u64,
}

struct Visitor<'m, 's> {
    fields: Vec<FieldCounts<'s>>,
    pairs: Pairs,
    meter: &'m Meter<'m>,
}

impl<'m, 's> Visitor<'m, 's> {
    fn new(
        names: impl IntoIterator<Item = &'s str>,
        split: &'s Split,
        meter: &'m Meter<'m>,
    ) -> Result<Self, Halt> {
        let mut left = counts_bytes_max(meter);
        let fields = names.into_iter().map(|name| {
            let keys = FieldKeys::new(name, split)?;
            let bytes = OrdinalCounts::table_bytes(keys.terms());
            let in_table = bytes <= left;
            left -= if in_table { bytes } else { 0 };
            let terms = OrdinalCounts::new(keys.terms(), in_table);
            Ok(FieldCounts { keys, terms, floor: 0, others: FxHashMap::default(), missing: 0 })
        });
        Ok(Self { fields: fields.collect::<Result<_, Halt>>()?, pairs: Vec::new(), meter })
    }
}

impl SplitVisitor for Visitor<'_, '_> {
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        let bytes_max = counts_bytes_max(self.meter) / self.fields.len().max(1);
        for field in &mut self.fields {
            if let Some(column) = field.keys.only_ordinals() {
                let mut having = 0;
                if let Some(column) = column {
                    having = field.terms.add_picked(column, view, bits);
                }
                field.missing += (bits.count() - having) as u64;
                field.stay_below(bytes_max, self.meter);
                continue;
            }
            field.keys.read(view, bits, true, &mut self.pairs)?;
            let having = self.pairs.chunk_by(|a, b| a.0 == b.0).count();
            field.missing += bits.count().saturating_sub(having) as u64;
            let terms = field.keys.terms();
            for (_, number) in self.pairs.iter().filter(|(_, number)| *number != REFUSED) {
                match u32::try_from(*number) {
                    Ok(ordinal) if *number < terms => field.terms.add(ordinal),
                    _ => *field.others.entry(*number).or_default() += 1,
                }
            }
            field.stay_below(bytes_max, self.meter);
        }
        Ok(())
    }

    fn absorb(&mut self, other: Self) -> Option<Self> {
        let agree = |visitor: &Self| visitor.fields.iter().all(|field| field.keys.numbers_agree());
        if !agree(self) || !agree(&other) {
            return Some(other);
        }
        self.fields.iter_mut().zip(other.fields).for_each(|(own, field)| own.absorb(field));
        None
    }
}

impl FieldCounts<'_> {
    /// Leaves out rare values until the counts take at most this many bytes.
    fn stay_below(&mut self, bytes_max: usize, meter: &Meter<'_>) {
        while matches!(self.terms, OrdinalCounts::Map(_)) && self.terms.heap_bytes() > bytes_max {
            meter.note(Partial::Groups);
            self.floor = next_floor(self.floor);
            self.terms.drop_rare(self.floor);
        }
    }

    /// Adds what another reader of the split has counted, when numbers agree.
    fn absorb(&mut self, other: Self) {
        self.missing += other.missing;
        self.floor = self.floor.max(other.floor);
        self.terms.absorb(other.terms);
        for (number, count) in other.others {
            *self.others.entry(number).or_default() += count;
        }
    }
}

/// The count up to which values are left out when leaving out those up to `floor` was not enough.
fn next_floor(floor: u32) -> u32 {
    floor.saturating_mul(2).max(1)
}

/// Counts of one field in all splits.
#[derive(Default)]
struct Total<'s> {
    dictionaries: Vec<(&'s StrColumn, OrdinalCounts)>,
    /// Values with a count of at most this in a split are left out.
    floor: u32,
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
            let mut terms = counts.terms.compact();
            if self.floor > 0 {
                terms.drop_rare(self.floor);
            }
            self.dictionaries.push((column, terms));
        }
        Ok(())
    }

    fn counts_bytes(&self) -> usize {
        self.dictionaries.iter().map(|(_, counts)| counts.heap_bytes()).sum()
    }

    /// Leaves out values that are more frequent than those that were left out before.
    fn drop_rare(&mut self) {
        self.floor = next_floor(self.floor);
        self.dictionaries.iter_mut().for_each(|(_, counts)| counts.drop_rare(self.floor));
    }

    /// Makes numbers and truth values strings, for callers that show texts only.
    fn others_as_text(&mut self) {
        for (key, count) in std::mem::take(&mut self.others) {
            *self.others.entry(Key::String(key.into_text().into())).or_default() += count;
        }
    }

    /// Adds the most frequent values to `best`.
    fn add_best(self, best: &mut Best, meter: &Meter<'_>) {
        let added = match self.floor {
            0 => add_top(&self.dictionaries, &self.others, best, meter),
            _ => Ok(false),
        };
        let result = match added {
            Ok(true) => Ok(()),
            Ok(false) => self.for_each(&mut |value, count| best.add(value, count)),
            Err(halt) => Err(halt),
        };
        // No split has the number 0.
        meter.go_on(0, result);
    }

    /// Visits every value with its count, once each.
    fn for_each(mut self, visit: &mut dyn FnMut(Value<'_>, u64)) -> Result<(), Halt> {
        let mut cursors = Vec::with_capacity(self.dictionaries.len());
        let mut queue = BinaryHeap::new();
        for (index, (column, counts)) in self.dictionaries.iter().enumerate() {
            let mut cursor = TermCounts::new(column, counts)?;
            if let Some(term) = cursor.next(Vec::new()) {
                queue.push(Reverse((term, index)));
            }
            cursors.push(cursor);
        }
        let others = &mut self.others;
        let mut finish = |term: &[u8], count: u64| {
            // What residuals and messages have of the same text.
            let more = if others.is_empty() { 0 } else { others.remove(&key_of(term)).unwrap_or(0) };
            visit(Value::Term(term), count + more);
        };
        let (mut current, mut total) = (Vec::new(), 0u64);
        while let Some(Reverse((term, index))) = queue.pop() {
            let Some(cursor) = cursors.get_mut(index) else { continue };
            let count = u64::from(cursor.count);
            // A term that was counted has a count above 0.
            if total > 0 && term != current {
                finish(&current, total);
                total = 0;
            }
            total += count;
            let spare = std::mem::replace(&mut current, term);
            if let Some(term) = cursor.next(spare) {
                queue.push(Reverse((term, index)));
            }
        }
        if total > 0 {
            finish(&current, total);
        }
        self.others.into_iter().for_each(|(key, count)| visit(Value::Key(key), count));
        Ok(())
    }
}

/// The terms of one dictionary that were counted, in their order.
struct TermCounts<'s> {
    stream: tantivy::columnar::Streamer<'s>,
    counts: OrdinalCursor<'s>,
    count: u32,
}

impl<'s> TermCounts<'s> {
    fn new(column: &'s StrColumn, counts: &'s OrdinalCounts) -> Result<Self, StoreError> {
        let stream = column.dictionary().stream().map_err(StoreError::index("read a dictionary"))?;
        Ok(Self { stream, counts: counts.cursor(), count: 0 })
    }

    /// The next term, in the buffer given.
    fn next(&mut self, mut buffer: Vec<u8>) -> Option<Vec<u8>> {
        while !self.counts.is_done() && self.stream.advance() {
            self.count = self.counts.count(self.stream.term_ord());
            if self.count > 0 {
                buffer.clear();
                buffer.extend_from_slice(self.stream.key());
                return Some(buffer);
            }
        }
        None
    }
}
