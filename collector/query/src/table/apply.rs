//! The pipes on a table in memory. `stats` on a table means the same as on documents, so a store may give the
//! rows of a query and leave all pipes to this.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::groups::combinations;
use super::{Cell, Groups, Table, TooManyGroups};
use crate::aliases::TIMESTAMP;
use crate::limits::MAX_COLUMNS;
use crate::make::Maker;
use crate::pipe::{GroupKey, Pipe, SortKey, Stats, bucket_start_ns};
use crate::room::{Limits, Room};
use crate::row::{Row, matches};
use crate::scalar::Scalar;

/// Why pipes end without a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// `stats` has too many groups.
    #[error(transparent)]
    Groups(#[from] TooManyGroups),
    /// `parse` or `eval` has made too much.
    #[error("more than {MAX_COLUMNS} columns, or more fields in a row than one can have")]
    Columns,
    /// The table takes more memory than it may.
    #[error(
        "the pipes after stats make more than fits in memory; group by fewer values, or make shorter texts"
    )]
    Bytes,
    /// The caller wants no more.
    #[error("the time for the query is over")]
    Stopped,
}

/// Applies the pipes in order. A column that the table does not have is null in every row.
pub fn apply(table: Table, pipes: &[Pipe]) -> Result<Table, TableError> {
    apply_within(table, pipes, Limits::NONE)
}

/// As [`apply`], with no more than it may use.
pub fn apply_within(table: Table, pipes: &[Pipe], limits: Limits<'_>) -> Result<Table, TableError> {
    pipes.iter().try_fold(table, |table, pipe| one(table, pipe, limits))
}

fn one(mut table: Table, pipe: &Pipe, limits: Limits<'_>) -> Result<Table, TableError> {
    go_on(limits)?;
    match pipe {
        Pipe::Stats(stats) => return aggregate(&table, stats, limits),
        Pipe::Sort(keys) => sort(&mut table, keys),
        Pipe::Limit(rows) => table.rows.truncate(usize::try_from(*rows).unwrap_or(usize::MAX)),
        Pipe::Fields { names, exclude } => return Ok(select(&table, names, *exclude)),
        Pipe::Where(filter) => {
            let Table { columns, rows } = &mut table;
            rows.retain(|cells| (limits.goes_on)() && matches(filter, &TableRow { columns, cells }));
            // Once it says no it always does, and rows are missing.
            go_on(limits)?;
        }
        Pipe::Dedup { by } => dedup(&mut table, by),
        Pipe::Make(maker) => make(&mut table, maker, limits)?,
        Pipe::Rename(names) => names.iter().for_each(|(old, new)| rename(&mut table, old, new)),
    }
    Ok(table)
}

fn go_on(limits: Limits<'_>) -> Result<(), TableError> {
    if (limits.goes_on)() { Ok(()) } else { Err(TableError::Stopped) }
}

/// The time of a row is that of its column, or its place where there is none.
fn aggregate(table: &Table, stats: &Stats, limits: Limits<'_>) -> Result<Table, TableError> {
    let keys: Vec<Option<usize>> = stats.by.iter().map(|key| table.column(key.column())).collect();
    let time = table.column(TIMESTAMP);
    let fields: Vec<Option<usize>> =
        stats.aggs.iter().map(|agg| agg.field.as_ref().and_then(|field| table.column(field))).collect();
    let mut groups = Groups::new(stats).at_most(usize::MAX, limits.bytes_max);
    for (row, place) in table.rows.iter().zip(0..) {
        go_on(limits)?;
        let at = match cell(row, time) {
            Cell::TimeNs(at_ns) | Cell::I64(at_ns) => *at_ns,
            _ => place,
        };
        for key in keys_of(row, &keys, &stats.by)? {
            groups.add(key, |agg, place, accumulator| {
                if agg.field.is_none() {
                    return accumulator.add_rows(1);
                }
                let column = fields.get(place).copied().flatten();
                let values = cell(row, column).values().iter().filter_map(Cell::as_scalar);
                values.for_each(|value| accumulator.add_at(value, at));
            })?;
        }
    }
    Ok(groups.finish())
}

/// The groups of a row: one, or with lists in it one for each value in them.
fn keys_of(
    row: &[Cell],
    columns: &[Option<usize>],
    by: &[GroupKey],
) -> Result<Vec<Vec<Cell>>, TooManyGroups> {
    let values = columns.iter().zip(by).map(|(column, key)| {
        let own = group_cell(cell(row, *column), key);
        let different: BTreeSet<&Cell> = own.values().iter().collect();
        if different.is_empty() { vec![Cell::Null] } else { different.into_iter().cloned().collect() }
    });
    combinations(values)
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

/// Columns that are new come last. What a row does not get stays as it is.
fn make(table: &mut Table, maker: &Maker, limits: Limits<'_>) -> Result<(), TableError> {
    // Also where no row gets them.
    if let Maker::Eval(fields) = maker {
        fields.iter().try_for_each(|(name, _)| column_of(&mut table.columns, name).map(drop))?;
    }
    let Table { columns, rows } = table;
    let (row_count, mut width) = (rows.len(), 0);
    let mut room = Room::new(limits.bytes_max);
    room.take(rows.iter().flatten().map(Cell::heap_bytes).sum());
    for cells in rows.iter_mut() {
        go_on(limits)?;
        let made = maker.make(&TableRow { columns, cells });
        if made.cut {
            return Err(TableError::Columns);
        }
        for (name, value) in made.fields {
            let column = column_of(columns, &name)?;
            room.take(value.heap_bytes());
            if cells.len() <= column {
                cells.resize(column + 1, Cell::Null);
            }
            if let Some(cell) = cells.get_mut(column) {
                room.give_back(cell.heap_bytes());
                *cell = value;
            }
        }
        // In the end every row is as wide as the widest.
        let wider = columns.len().saturating_sub(width);
        width = columns.len();
        if !room.take(wider.saturating_mul(row_count).saturating_mul(size_of::<Cell>())) {
            return Err(TableError::Bytes);
        }
    }
    rows.iter_mut().for_each(|cells| cells.resize(columns.len(), Cell::Null));
    Ok(())
}

/// The column of a name, new when there is none.
fn column_of(columns: &mut Vec<String>, name: &str) -> Result<usize, TableError> {
    if let Some(column) = columns.iter().position(|column| column == name) {
        return Ok(column);
    }
    if columns.len() >= MAX_COLUMNS {
        return Err(TableError::Columns);
    }
    columns.push(name.to_owned());
    Ok(columns.len() - 1)
}

/// Takes the place of a column that has the new name already.
fn rename(table: &mut Table, old: &str, new: &str) {
    if table.column(old).is_none() || old == new {
        return;
    }
    if let Some(replaced) = table.column(new) {
        table.columns.remove(replaced);
        table.rows.iter_mut().for_each(|cells| drop(cells.remove(replaced)));
    }
    if let Some(column) = table.columns.iter_mut().find(|column| *column == old) {
        new.clone_into(column);
    }
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
            for value in cell.values().iter().filter_map(Cell::as_scalar) {
                if visit(column, value).is_break() {
                    return;
                }
            }
        }
    }
}
