//! The pipes on a table in memory. `stats` on a table means the same as on documents, so a store may give the
//! rows of a query and leave all pipes to this.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::{Cell, Groups, Table, TooManyGroups};
use crate::aliases::TIMESTAMP;
use crate::pipe::{GroupKey, Pipe, SortKey, Stats, bucket_start_ns};
use crate::row::{Row, matches};
use crate::scalar::Scalar;

/// Applies the pipes in order. A column that the table does not have is null in every row. The error comes from
/// `stats` with more than [`MAX_GROUPS`](crate::limits::MAX_GROUPS) groups only.
pub fn apply(table: Table, pipes: &[Pipe]) -> Result<Table, TooManyGroups> {
    pipes.iter().try_fold(table, one)
}

fn one(mut table: Table, pipe: &Pipe) -> Result<Table, TooManyGroups> {
    match pipe {
        Pipe::Stats(stats) => return aggregate(&table, stats),
        Pipe::Sort(keys) => sort(&mut table, keys),
        Pipe::Limit(rows) => table.rows.truncate(usize::try_from(*rows).unwrap_or(usize::MAX)),
        Pipe::Fields { names, exclude } => return Ok(select(&table, names, *exclude)),
        Pipe::Where(filter) => {
            let Table { columns, rows } = &mut table;
            rows.retain(|cells| matches(filter, &TableRow { columns, cells }));
        }
        Pipe::Dedup { by } => dedup(&mut table, by),
    }
    Ok(table)
}

fn aggregate(table: &Table, stats: &Stats) -> Result<Table, TooManyGroups> {
    let keys: Vec<Option<usize>> = stats.by.iter().map(|key| table.column(key.column())).collect();
    let fields: Vec<Option<usize>> =
        stats.aggs.iter().map(|agg| agg.field.as_ref().and_then(|field| table.column(field))).collect();
    let mut groups = Groups::new(stats);
    for row in &table.rows {
        let key = keys.iter().zip(&stats.by).map(|(column, key)| group_cell(cell(row, *column), key));
        let accumulators = groups.of(key.collect())?;
        for ((accumulator, agg), column) in accumulators.iter_mut().zip(&stats.aggs).zip(&fields) {
            match (&agg.field, cell(row, *column).as_scalar()) {
                (None, _) => accumulator.add_rows(1),
                (Some(_), Some(value)) => accumulator.add(value),
                (Some(_), None) => {}
            }
        }
    }
    Ok(groups.finish())
}

fn group_cell(cell: &Cell, key: &GroupKey) -> Cell {
    match (key, cell) {
        (GroupKey::Time { step_ns }, Cell::TimeNs(at_ns) | Cell::I64(at_ns)) => {
            Cell::TimeNs(bucket_start_ns(*at_ns, *step_ns))
        }
        _ => cell.clone(),
    }
}

fn sort(table: &mut Table, keys: &[SortKey]) {
    let keys: Vec<(Option<usize>, bool)> =
        keys.iter().map(|key| (table.column(&key.field), key.descending)).collect();
    table.rows.sort_by(|left, right| {
        keys.iter()
            .map(|(column, descending)| order(cell(left, *column), cell(right, *column), *descending))
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    });
}

/// Nulls come last in either direction.
fn order(left: &Cell, right: &Cell, descending: bool) -> Ordering {
    let order = left.cmp(right);
    let nulls = matches!(left, Cell::Null) || matches!(right, Cell::Null);
    if descending && !nulls { order.reverse() } else { order }
}

fn select(table: &Table, names: &[String], exclude: bool) -> Table {
    let columns: Vec<(String, Option<usize>)> = if exclude {
        let kept = table.columns.iter().enumerate().filter(|(_, column)| !names.contains(column));
        kept.map(|(index, column)| (column.clone(), Some(index))).collect()
    } else {
        names.iter().map(|name| (name.clone(), table.column(name))).collect()
    };
    let pick = |row: &Vec<Cell>| columns.iter().map(|(_, column)| cell(row, *column).clone()).collect();
    let rows = table.rows.iter().map(pick).collect();
    Table { columns: columns.into_iter().map(|(name, _)| name).collect(), rows }
}

fn dedup(table: &mut Table, by: &[String]) {
    let columns: Vec<Option<usize>> = by.iter().map(|name| table.column(name)).collect();
    let mut seen = BTreeSet::new();
    table.rows.retain(|row| {
        let key: Vec<Cell> = columns.iter().map(|column| cell(row, *column).clone()).collect();
        seen.insert(key)
    });
}

fn cell(row: &[Cell], column: Option<usize>) -> &Cell {
    column.and_then(|column| row.get(column)).unwrap_or(&Cell::Null)
}

/// A row of a table, as conditions see it.
struct TableRow<'t> {
    columns: &'t [String],
    cells: &'t [Cell],
}

impl Row for TableRow<'_> {
    fn timestamp_ns(&self) -> i64 {
        let of_time = self.columns.iter().zip(self.cells).find(|(column, _)| *column == TIMESTAMP);
        match of_time {
            Some((_, Cell::TimeNs(at_ns) | Cell::I64(at_ns))) => *at_ns,
            _ => 0,
        }
    }

    fn leaves(&self, visit: &mut dyn FnMut(&str, Scalar<'_>) -> ControlFlow<()>) {
        for (column, cell) in self.columns.iter().zip(self.cells) {
            if let Some(value) = cell.as_scalar()
                && visit(column, value).is_break()
            {
                return;
            }
        }
    }
}
