//! The most frequent values of fields, and how many there are: what is made of the counts of all values.

mod best;
mod number_tables;
mod top;
mod totals;
mod value_counts;

use std::sync::Arc;

use millpond_query::table::{Cell, Table};
use millpond_query::{AggFunction, Filter, GroupKey, Pipe, Stats, aliases};
use millpond_wire::names;

use self::best::{Best, Value};
use self::value_counts::{count_values, counts_bytes, counts_bytes_max};
use crate::log_store::{Facet, TimeRange};
use crate::query::meter::Meter;
use crate::query::values::keys::Key;
use crate::split::Split;
use crate::split::meta::{ColumnMeta, Kind};

/// The top values of each field among the documents that pass.
pub(crate) fn facets<'s>(
    splits: &'s [Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    fields: &'s [String],
    top: usize,
    meter: &Meter<'_>,
) -> Vec<Facet> {
    let names: Vec<&str> = fields.iter().map(String::as_str).collect();
    let totals = count_values(splits, filter, range, &names, meter);
    let finished = fields.iter().zip(totals).map(|(name, total)| {
        let (missing, mut best) = (total.missing(), Best::new(top));
        let distinct = total.add_best_of_all(&mut best, meter);
        let values = best.finish();
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
    let total = count_values(splits, filter, range, &[field], meter).pop()?;
    let mut best = Best::new(usize::try_from(*limit).unwrap_or(usize::MAX));
    if total.missing() > 0 {
        best.add(Value::Key(Key::Missing), total.missing());
    }
    total.add_best(&mut best, meter);
    let cell = |count| Cell::I64(i64::try_from(count).unwrap_or(i64::MAX));
    let rows = best.finish().into_iter().map(|(key, count)| vec![key.into_cell(), cell(count)]);
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
    let Some(mut total) = count_values(splits, &Filter::All, range, &[field], meter).pop() else {
        return Vec::new();
    };
    total.others_as_text();
    let prefix = prefix.to_lowercase();
    let mut best = Best::new(limit);
    let result = total.for_each(meter, &mut |value, count| {
        let key = value.into_key();
        if matches!(&key, Key::String(text) if text.to_lowercase().starts_with(&prefix)) {
            best.add(Value::Key(key), count);
        }
    });
    // No split has the number 0.
    meter.go_on(0, result);
    best.finish().into_iter().map(|(key, count)| (key.into_text(), count)).collect()
}

/// The table of a `stats` that only counts different strings, all documents in one group; `None` when it is anything
/// else.
pub(crate) fn distinct<'s>(
    splits: &'s [Arc<Split>],
    filter: &Filter,
    range: TimeRange,
    stats: &'s Stats,
    meter: &Meter<'_>,
) -> Option<Table> {
    let of_strings = |name: &str| {
        splits.iter().map(|split| split.meta()).all(|meta| {
            let strings =
                |(_, column): (usize, &ColumnMeta)| matches!(column.kind, Kind::Numbered | Kind::String);
            meta.columns_of(name).all(strings) && !meta.has_unindexed(name)
        })
    };
    let names = stats.aggs.iter().map(|agg| {
        let name = agg.field.as_deref().filter(|_| agg.function == AggFunction::Distinct)?;
        // Values of other types come in too many kinds to be counted each.
        let apart = [names::MESSAGE, names::ORIGINAL, aliases::TIMESTAMP].contains(&name);
        (!apart && of_strings(name)).then_some(name)
    });
    let names: Vec<&str> = names.collect::<Option<_>>()?;
    // Else the sets of hashes know more: they are filled up to a bound, and not sorted out.
    let fit = || {
        names.iter().map(|name| counts_bytes(name, splits, meter)).sum::<usize>() <= counts_bytes_max(meter)
    };
    if !stats.by.is_empty() || names.is_empty() || !fit() {
        return None;
    }
    let totals = count_values(splits, filter, range, &names, meter);
    let row = totals.into_iter().map(|total| {
        let distinct = total.add_best_of_all(&mut Best::new(0), meter);
        Cell::I64(i64::try_from(distinct).unwrap_or(i64::MAX))
    });
    let rows = vec![row.collect()];
    Some(Table { columns: stats.aggs.iter().map(|agg| agg.column.clone()).collect(), rows })
}
