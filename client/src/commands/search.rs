//! `search`: documents, or the table of a query that counts.

use millpond_query::aliases;
use serde::Deserialize;
use serde_json::Value;

use super::pages::{pages, row};
use super::{Meta, Outcome, Shell};
use crate::api::Parameters;
use crate::arguments::{Format, Search};
use crate::columns::{self, Wanted};
use crate::failure::Failure;
use crate::render::{csv, pretty, table};

/// An answer of `/api/v1/stats`.
#[derive(Deserialize)]
struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    #[serde(flatten)]
    meta: Meta,
}

#[derive(Clone, Deserialize)]
struct Column {
    name: String,
}

pub(crate) fn run(search: &Search, shell: &mut Shell) -> Result<Outcome, Failure> {
    let query = search.query.text();
    let mut parameters = shell.parameters(&query, &search.range)?;
    let format = match search.output {
        Format::Auto if shell.out.is_terminal() => Format::Pretty,
        Format::Auto => Format::Ndjson,
        format => format,
    };
    // The collector knows whether a query makes a table. Only as a table it is whole, with its columns in their order.
    if query.contains('|') && format != Format::Raw {
        match shell.api.json::<Table>("/api/v1/stats", &parameters) {
            Err(failure) if failure.code() == Some("unsupported_query") => {}
            table => return show_table(&table?.only(&search.fields), format, shell),
        }
    }
    if !search.fields.is_empty() {
        parameters.push(("fields", search.fields.join(",")));
    }
    if matches!(format, Format::Table | Format::Csv) {
        return columns_of_rows(search, &parameters, format, shell);
    }
    let mut out = String::new();
    let count = pages(search, &parameters, shell, |line, shell| {
        out.clear();
        match format {
            Format::Ndjson => pretty::push_json(line, shell.out.is_terminal(), &mut out),
            Format::Raw => pretty::push_raw(&row(line)?, shell.out.is_terminal(), &mut out),
            _ => pretty::push(&row(line)?, &shell.look, &mut out),
        }
        shell.out.write(out.as_bytes())
    })?;
    Ok(Outcome::of(count > 0))
}

fn show_table(table: &Table, format: Format, shell: &mut Shell) -> Result<Outcome, Failure> {
    let heads: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    if !table.rows.is_empty() {
        write_columns(&heads, &table.rows, format, shell)?;
    }
    shell.tell(&table.meta);
    Ok(Outcome::of(!table.rows.is_empty()))
}

/// Documents as a table: all must be there before the first can be shown.
fn columns_of_rows(
    search: &Search,
    parameters: &Parameters,
    format: Format,
    shell: &mut Shell,
) -> Result<Outcome, Failure> {
    let mut rows = Vec::new();
    pages(search, parameters, shell, |line, _| {
        rows.push(row(line)?);
        Ok(())
    })?;
    if rows.is_empty() {
        return Ok(Outcome::Nothing);
    }
    let wanted = match format {
        _ if !search.fields.is_empty() => Wanted::Named(&search.fields),
        Format::Csv => Wanted::All,
        _ if search.query.text().contains('|') => Wanted::AllButId,
        _ => Wanted::Usual,
    };
    let columns = columns::columns(&wanted, &rows);
    let heads: Vec<String> = columns.iter().map(|(head, _)| head.clone()).collect();
    let cells: Vec<_> = rows.iter().map(|row| columns::cells(row, &columns)).collect();
    write_columns(&heads, &cells, format, shell)?;
    Ok(Outcome::Found)
}

fn write_columns(
    heads: &[String],
    rows: &[Vec<Value>],
    format: Format,
    shell: &mut Shell,
) -> Result<(), Failure> {
    let is_terminal = shell.out.is_terminal();
    let mut out = String::new();
    if format == Format::Csv {
        csv::push_names(heads, is_terminal, &mut out);
    } else if format != Format::Ndjson {
        return shell.out.write(table::table(heads, rows, &shell.look).as_bytes());
    }
    for row in rows {
        match format {
            Format::Ndjson => pretty::push_json(&object(heads, row), is_terminal, &mut out),
            _ => csv::push(row, is_terminal, &mut out),
        }
        shell.out.write(out.as_bytes())?;
        out.clear();
    }
    shell.out.write(out.as_bytes())
}

/// A row as JSON, its cells in their order.
fn object(heads: &[String], row: &[Value]) -> String {
    let pairs = heads.iter().zip(row).map(|(head, cell)| format!("{}:{cell}", Value::from(head.as_str())));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

impl Table {
    /// The table with these columns alone, in this order.
    fn only(mut self, fields: &[String]) -> Self {
        if fields.is_empty() {
            return self;
        }
        let place = |name: &str| {
            let is_it = |column: &Column| column.name == name || column.name == aliases::canonical(name);
            self.columns.iter().position(is_it)
        };
        let kept: Vec<usize> = fields.iter().filter_map(|name| place(name)).collect();
        let cells = |row: &Vec<Value>| {
            kept.iter().map(|index| row.get(*index).cloned().unwrap_or_default()).collect()
        };
        self.rows = self.rows.iter().map(cells).collect();
        self.columns = kept.iter().filter_map(|index| self.columns.get(*index).cloned()).collect();
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_have_the_columns_that_are_wanted() {
        let answer = json!({"columns": [{"name": "host.name"}, {"name": "n"}], "rows": [["a", 1], ["b"]]});
        let rows: [(&[&str], &[&str], Value); 4] = [
            (&[], &["host.name", "n"], json!([["a", 1], ["b"]])),
            (&["n", "host"], &["n", "host.name"], json!([[1, "a"], [null, "b"]])),
            (&["n", "nothing"], &["n"], json!([[1], [null]])),
            (&["nothing"], &[], json!([[], []])),
        ];
        for (fields, heads, cells) in rows {
            let fields: Vec<_> = fields.iter().map(|name| (*name).to_owned()).collect();
            let table: Table = serde_json::from_value(answer.clone()).unwrap();
            let table = table.only(&fields);
            assert_eq!(table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), heads);
            assert_eq!(json!(table.rows), cells);
        }
    }
}
