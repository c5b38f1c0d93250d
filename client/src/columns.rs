//! Which columns a table of documents has. Pure.

use std::collections::BTreeSet;

use millpond_query::aliases;
use serde_json::Value;

use crate::row::Row;

/// Columns of documents on a terminal where no others are wanted.
const USUAL: [&str; 5] = ["@timestamp", "log.level", "host.name", "service.name", "message"];

/// Stand first where all columns are wanted.
const FIRST: [&str; 2] = ["_id", "@timestamp"];

/// Which columns are to be shown.
pub(crate) enum Wanted<'a> {
    /// These, as typed: names, short names, objects, prefixes with `*`.
    Named(&'a [String]),
    /// A few that tell the most.
    Usual,
    /// All there are, in the order in which they come, without the id.
    AllButId,
    /// All there are: id and time, and the others by name.
    All,
}

/// A column: its head, and the name of the field that is in it.
type Column = (String, String);

/// The columns for these rows.
pub(crate) fn columns(wanted: &Wanted<'_>, rows: &[Row]) -> Vec<Column> {
    let has = |name: &str| rows.iter().any(|row| row.get(name).is_some());
    let same = |name: &str| (name.to_owned(), name.to_owned());
    match wanted {
        Wanted::Named(names) => names.iter().flat_map(|name| named(name, rows)).collect(),
        Wanted::Usual => USUAL.into_iter().filter(|name| has(name)).map(same).collect(),
        Wanted::AllButId => {
            let all = seen(rows);
            all.iter().filter(|name| **name != "_id").map(|name| same(name)).collect()
        }
        Wanted::All => {
            let others: BTreeSet<_> = seen(rows).into_iter().filter(|name| !FIRST.contains(name)).collect();
            FIRST.into_iter().filter(|name| has(name)).chain(others).map(same).collect()
        }
    }
}

/// The cells of a row.
pub(crate) fn cells(row: &Row, columns: &[Column]) -> Vec<Value> {
    columns.iter().map(|(_, name)| row.get(name).cloned().unwrap_or_default()).collect()
}

fn named(name: &str, rows: &[Row]) -> Vec<Column> {
    let has = |name: &str| rows.iter().any(|row| row.get(name).is_some());
    let canonical = aliases::canonical(name);
    if has(name) || (!has(canonical) && !has_any(name, rows)) {
        return vec![(name.to_owned(), name.to_owned())];
    }
    if has(canonical) {
        return vec![(name.to_owned(), canonical.to_owned())];
    }
    let below: BTreeSet<_> = seen(rows).into_iter().filter(|field| is_below(field, name)).collect();
    below.into_iter().map(|field| (field.to_owned(), field.to_owned())).collect()
}

fn has_any(name: &str, rows: &[Row]) -> bool {
    rows.iter().any(|row| row.0.iter().any(|(field, _)| is_below(field, name)))
}

/// Whether a field is one of an object, or of a prefix with `*`.
fn is_below(field: &str, name: &str) -> bool {
    match name.strip_suffix('*') {
        Some(prefix) => field.starts_with(prefix),
        None => field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')),
    }
}

/// Names of all fields, each once, in the order in which they come.
fn seen(rows: &[Row]) -> Vec<&str> {
    let mut known = BTreeSet::new();
    let names = rows.iter().flat_map(|row| &row.0).map(|(name, _)| name.as_str());
    names.filter(|name| known.insert(*name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_that_are_wanted() {
        let lines = [
            r#"{"_id":"1","@timestamp":"t","message":"m","log.level":"info","http.method":"GET"}"#,
            r#"{"_id":"2","@timestamp":"t","message":"m","http.status":200,"a":1}"#,
        ];
        let rows: Vec<Row> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<String> = ["level", "http", "a", "nothing", "ht*"].map(str::to_owned).into();
        let cases: [(Wanted<'_>, &[&str], &[&str]); 4] = [
            (
                Wanted::Named(&names),
                &["level", "http.method", "http.status", "a", "nothing", "http.method", "http.status"],
                &["log.level", "http.method", "http.status", "a", "nothing", "http.method", "http.status"],
            ),
            (Wanted::Usual, &["@timestamp", "log.level", "message"], &["@timestamp", "log.level", "message"]),
            (
                Wanted::AllButId,
                &["@timestamp", "message", "log.level", "http.method", "http.status", "a"],
                &["@timestamp", "message", "log.level", "http.method", "http.status", "a"],
            ),
            (
                Wanted::All,
                &["_id", "@timestamp", "a", "http.method", "http.status", "log.level", "message"],
                &["_id", "@timestamp", "a", "http.method", "http.status", "log.level", "message"],
            ),
        ];
        for (wanted, heads, fields) in cases {
            let found = columns(&wanted, &rows);
            assert_eq!(found.iter().map(|(head, _)| head.as_str()).collect::<Vec<_>>(), heads);
            assert_eq!(found.iter().map(|(_, field)| field.as_str()).collect::<Vec<_>>(), fields);
        }
        let cells = cells(&rows[1], &columns(&Wanted::Named(&names[..1]), &rows));
        assert_eq!(cells, [Value::Null]);
    }
}
