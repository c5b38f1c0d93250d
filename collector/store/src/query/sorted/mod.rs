//! Search for the first rows in the order of other fields than the time. The columns of all documents that match are
//! compared, on all cores, and only the rows that come first are read.

mod best;
mod sort_values;

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

use millpond_query::SortKey;
use millpond_wire::batch::{DocId, DocRef};

use self::best::{Best, Kept};
use self::sort_values::{SortColumn, SortValue, in_direction};
use crate::log_store::{Order, SearchPlan};
use crate::query::hits::{HandOut, Hit, Rank, rank};
use crate::query::meter::{Halt, Meter};
use crate::query::scan::{SplitVisitor, scan};
use crate::query::values::keys::Key;
use crate::query::zone::{RowCache, ZoneView};
use crate::split::Split;
use crate::split::bits::Bits;

/// Hands the first rows of `plan`, in the order of `keys`, to `sink`.
pub(crate) fn search<'s>(
    splits: &'s [Arc<Split>],
    plan: &'s SearchPlan,
    keys: &'s [SortKey],
    meter: &'s Meter<'s>,
    sink: &mut dyn FnMut(DocRef<'_>) -> ControlFlow<()>,
) {
    let order = |a: &Ranked, b: &Ranked| {
        let values = a.values.iter().zip(&b.values).zip(keys);
        let by_keys = values.fold(Ordering::Equal, |order, ((a, b), key)| {
            let missing = *a == Key::Missing || *b == Key::Missing;
            order.then_with(|| in_direction(a.cmp(b), missing, key.descending))
        });
        by_keys.then_with(|| b.hit.cmp(&a.hit))
    };
    let mut best = Best::new(plan.limit, meter);
    let begin = |split| Visitor::new(split, plan, keys, meter);
    let end = |visitor: Visitor<'s>| {
        let of_split = splits.iter().position(|split| split.id() == visitor.split.id());
        best.absorb(visitor.resolve(of_split.unwrap_or_default())?, &order);
        meter.check_wanted()
    };
    scan(splits, &plan.filter, plan.range, meter, begin, end);
    let hits: Vec<Hit> = best.finish(&order).into_iter().map(|ranked| ranked.hit).collect();
    let _ = HandOut { splits, meter, cache: RowCache::default() }.hand_out(&hits, sink);
}

/// A document with what it is compared by across splits.
struct Ranked {
    values: Vec<Key>,
    hit: Hit,
}

impl Kept for Ranked {
    fn heap_bytes(&self) -> usize {
        let text_bytes = |key: &Key| if let Key::String(text) = key { text.len() } else { 0 };
        size_of_val(&*self.values) + self.values.iter().map(text_bytes).sum::<usize>()
    }
}

/// A document with what it is compared by within its split.
struct Found {
    values: Vec<SortValue>,
    rank: Rank,
    doc: u32,
}

impl Kept for Found {
    fn heap_bytes(&self) -> usize {
        size_of_val(&*self.values) + self.values.iter().map(SortValue::heap_bytes).sum::<usize>()
    }
}

/// Finds the first documents of one split.
struct Visitor<'s> {
    split: &'s Split,
    order: Order,
    columns: Vec<SortColumn<'s>>,
    best: Best<'s, Found>,
}

impl<'s> Visitor<'s> {
    fn new(
        split: &'s Split,
        plan: &SearchPlan,
        keys: &'s [SortKey],
        meter: &'s Meter<'s>,
    ) -> Result<Self, Halt> {
        let columns = keys.iter().map(|key| SortColumn::new(key, split)).collect::<Result<_, _>>()?;
        Ok(Self { split, order: plan.order, columns, best: Best::new(plan.limit, meter) })
    }

    /// What was found, as it is compared across splits.
    fn resolve(self, split: usize) -> Result<Best<'s, Ranked>, Halt> {
        let columns = &self.columns;
        self.best.settled(&in_order_of(columns)).map(|found| {
            let ranked = |found: &Found| Ranked {
                values: Vec::with_capacity(columns.len()),
                hit: Hit { rank: found.rank, split, doc: found.doc },
            };
            let mut all: Vec<Ranked> = found.iter().map(ranked).collect();
            for (at, column) in columns.iter().enumerate() {
                let values = found.iter().filter_map(|found| found.values.get(at));
                all.iter_mut().zip(column.resolve(values)?).for_each(|(ranked, key)| ranked.values.push(key));
            }
            Ok(all)
        })
    }
}

/// The order of documents of one split.
fn in_order_of<'c>(columns: &'c [SortColumn<'_>]) -> impl Fn(&Found, &Found) -> Ordering + use<'c> {
    let descending: Vec<bool> = columns.iter().map(SortColumn::is_descending).collect();
    move |a, b| {
        let values = a.values.iter().zip(&b.values).zip(&descending);
        let by_values = values
            .fold(Ordering::Equal, |order, ((a, b), descending)| order.then_with(|| a.order(b, *descending)));
        by_values.then_with(|| (b.rank, b.doc).cmp(&(a.rank, a.doc)))
    }
}

impl SplitVisitor for Visitor<'_> {
    fn zone(&mut self, view: &ZoneView<'_>, bits: &Bits) -> Result<(), Halt> {
        let first = self.columns.first().zip(self.best.bar().and_then(|bar| bar.values.first()));
        let narrowed = first.and_then(|(column, bar)| column.not_behind(bar, view, bits));
        let bits = narrowed.as_ref().unwrap_or(bits);
        if bits.is_empty() {
            return Ok(());
        }
        self.columns.iter_mut().try_for_each(|column| column.read(view, bits))?;
        let columns = &self.columns;
        let order = in_order_of(columns);
        for at in bits.ones() {
            let compared = |bar: &Found| {
                columns.iter().zip(&bar.values).fold(Ordering::Equal, |order, (column, bar)| {
                    order.then_with(|| column.at(at).order(bar, column.is_descending()))
                })
            };
            let by_values = self.best.bar().map_or(Ordering::Less, compared);
            if by_values.is_gt() {
                continue;
            }
            let timestamp_ns = view.times().get(at).copied().unwrap_or_default();
            let comes = |bar: &Found| rank(self.order, DocId { timestamp_ns, sequence: 0 }).0 >= bar.rank.0;
            if by_values.is_eq() && !self.best.bar().is_some_and(comes) {
                continue;
            }
            let doc = view.zone.first_doc + at as u32;
            let sequence = self.split.columns().sequence(doc);
            let found = Found {
                values: columns.iter().map(|column| column.at(at).clone()).collect(),
                rank: rank(self.order, DocId { timestamp_ns, sequence }),
                doc,
            };
            self.best.push(found, &order);
        }
        Ok(())
    }

    fn absorb(&mut self, other: Self) -> Option<Self> {
        self.best.absorb(other.best, &in_order_of(&self.columns));
        None
    }
}
