//! Counts the values of fields among the documents that pass: by small numbers within a split. What comes of the splits
//! is gathered in [`super::totals`].

use std::cell::RefCell;
use std::sync::Arc;

use millpond_query::Filter;
use rustc_hash::FxHashMap;

use super::number_tables::{Lent, NumberTables, TABLE_BYTES};
use super::totals::Total;
use crate::limits::GROUP_BYTES;
use crate::log_store::{Partial, TimeRange};
use crate::query::meter::{Halt, Meter};
use crate::query::scan::{SplitVisitor, scan};
use crate::query::values::field_keys::{FieldKeys, KeyNumber, Pairs, REFUSED};
use crate::query::values::ordinal_counts::{OrdinalCounts, next_floor};
use crate::query::values::terms::Terms;
use crate::query::zone::ZoneView;
use crate::split::Split;
use crate::split::bits::Bits;
use crate::split::columns::Values;

/// A table has at most this many places for each document of its split.
const SPARSE: u64 = 16;

/// The counts of each field.
pub(crate) fn count_values<'s>(
    splits: &'s [Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    names: &[&'s str],
    meter: &Meter<'_>,
) -> Vec<Total<'s>> {
    let fields: Vec<_> = names.iter().map(|_| (Total::default(), NumberTables::default())).collect();
    let fields = RefCell::new(fields);
    let begin = |split| {
        let (mut left, mut fields) = (counts_bytes_max(meter), fields.borrow_mut());
        let counts = names.iter().zip(&mut *fields).map(|(name, (_, tables))| {
            let keys = FieldKeys::new(name, split)?;
            if let Some(Some(Terms::Numbered(numbered, ..))) = keys.only_ordinals()
                && let Some(table) = tables.lend(numbered, counts_bytes_max(meter) / names.len())
            {
                return Ok(FieldCounts::in_table(keys, table));
            }
            let bytes = OrdinalCounts::table_bytes(keys.terms());
            // Numbers may be far apart.
            let is_dense = keys.terms() <= u64::from(split.meta().documents) * SPARSE;
            let in_table = is_dense && bytes <= left;
            left -= if in_table { bytes } else { 0 };
            Ok(FieldCounts::new(keys, in_table))
        });
        Ok(Visitor { fields: counts.collect::<Result<_, Halt>>()?, pairs: Vec::new(), meter })
    };
    let end = |visitor: Visitor<'_, 's>| {
        let mut fields = fields.borrow_mut();
        for ((total, _), counts) in fields.iter_mut().zip(visitor.fields) {
            total.add(counts, meter)?;
        }
        drop_rare(&mut fields, meter);
        Ok(())
    };
    scan(splits, filter, range, meter, begin, end);
    let finished = fields.into_inner().into_iter().map(|(mut total, tables)| {
        tables.finish().into_iter().for_each(|(terms, counts)| total.add_counts(terms, counts));
        total
    });
    finished.collect()
}

/// Bytes that the counts of a query may have: as much as its groups would take.
pub(crate) fn counts_bytes_max(meter: &Meter<'_>) -> usize {
    meter.groups_max().saturating_mul(GROUP_BYTES)
}

/// Bytes that the counts of a field of strings have at most.
pub(crate) fn counts_bytes(name: &str, splits: &[Arc<Split>], meter: &Meter<'_>) -> usize {
    let (mut bytes, mut first_number, mut end, mut numbered) = (0usize, u32::MAX, 0, None);
    for split in splits {
        let mut columns =
            split.meta().columns_of(name).filter_map(|(index, _)| split.columns().values(index).ok());
        match (columns.next(), columns.next()) {
            (Some(Values::Numbered(only)), None)
                if numbered.get_or_insert(only).prefix() == only.prefix() =>
            {
                let (first, count) = only.span();
                (first_number, end) = (first_number.min(first), end.max(first.saturating_add(count)));
            }
            // A pair for each value that was hit.
            _ => bytes = bytes.saturating_add(split.meta().documents as usize * size_of::<(u32, u32)>()),
        }
    }
    let tables = (meter.helpers().all() + 1) * end.saturating_sub(first_number) as usize * TABLE_BYTES;
    bytes.saturating_add(tables)
}

/// When all counts are too large, leaves out the rarest values of the largest field, again and again, which the answer
/// says.
fn drop_rare(fields: &mut [(Total<'_>, NumberTables<'_>)], meter: &Meter<'_>) {
    let bytes = |fields: &[(Total<'_>, NumberTables<'_>)]| -> usize {
        fields.iter().map(|(total, tables)| total.counts_bytes() + tables.bytes()).sum()
    };
    while bytes(fields) > counts_bytes_max(meter)
        && let Some((largest, _)) = fields.iter_mut().max_by_key(|(total, _)| total.counts_bytes())
        && largest.counts_bytes() > 0
    {
        meter.note(Partial::Groups);
        largest.drop_rare();
    }
}

/// Counts of one field in one split.
pub(crate) struct FieldCounts<'s> {
    /// The values.
    pub(crate) keys: FieldKeys<'s>,
    /// Counts of those that are strings of columns.
    pub(crate) terms: OrdinalCounts,
    /// Of the others.
    pub(crate) others: FxHashMap<KeyNumber, u64>,
    /// Documents without a value.
    pub(crate) missing: u64,
    /// Values with a count of at most this were left out, because a split alone has too many.
    floor: u32,
    /// Counted in instead of `terms`.
    lent: Option<Lent>,
}

struct Visitor<'m, 's> {
    fields: Vec<FieldCounts<'s>>,
    pairs: Pairs,
    meter: &'m Meter<'m>,
}

impl SplitVisitor for Visitor<'_, '_> {
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        let bytes_max = counts_bytes_max(self.meter) / self.fields.len().max(1);
        for field in &mut self.fields {
            match field.keys.only_ordinals() {
                Some(terms) => {
                    let having = terms.map_or(0, |terms| match &mut field.lent {
                        Some(lent) => lent.add_picked(terms, view, bits),
                        None => field.terms.add_picked(terms, view, bits),
                    });
                    field.missing += (bits.count() - having) as u64;
                }
                None => field.read(view, bits, &mut self.pairs)?,
            }
            field.stay_below(bytes_max, self.meter);
        }
        Ok(())
    }

    fn absorb(&mut self, other: Self) -> Option<Self> {
        let mut pairs = self.fields.iter().zip(&other.fields);
        // A lent table may begin with another number than the split.
        if !pairs.all(|(own, field)| {
            own.numbers_agree() && field.numbers_agree() && own.is_lent() == field.is_lent()
        }) {
            return Some(other);
        }
        self.fields.iter_mut().zip(other.fields).for_each(|(own, field)| own.absorb(field));
        None
    }
}

impl<'s> FieldCounts<'s> {
    fn new(keys: FieldKeys<'s>, in_table: bool) -> Self {
        let terms = OrdinalCounts::new(keys.terms(), in_table);
        Self { keys, terms, others: FxHashMap::default(), missing: 0, floor: 0, lent: None }
    }

    fn in_table(keys: FieldKeys<'s>, lent: Lent) -> Self {
        let (first, count) = lent.range();
        let counts = Self::new(keys.with_numbers(first, count), false);
        Self { lent: Some(lent), ..counts }
    }

    fn numbers_agree(&self) -> bool {
        self.keys.numbers_agree()
    }

    fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    fn read(&mut self, view: &ZoneView<'_>, bits: &Bits, pairs: &mut Pairs) -> Result<(), Halt> {
        self.keys.read(view, bits, true, pairs)?;
        let having = pairs.chunk_by(|a, b| a.0 == b.0).count();
        self.missing += bits.count().saturating_sub(having) as u64;
        let terms = self.keys.terms();
        for (_, number) in pairs.iter().filter(|(_, number)| *number != REFUSED) {
            match u32::try_from(*number) {
                Ok(ordinal) if *number < terms => self.terms.add(ordinal),
                _ => *self.others.entry(*number).or_default() += 1,
            }
        }
        Ok(())
    }

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
