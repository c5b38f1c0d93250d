//! Tables in the shape of Prometheus' HTTP API, for tools that alert on or draw such results: a vector of one value a
//! series, or a matrix of values over time. A series is one aggregate of one group: its name is that of the column, its
//! labels are the group's keys, named as in the table.

use std::collections::BTreeMap;

use millpond_query::Pipe;
use millpond_query::table::{Cell, Table};
use serde::Serialize;
use serde_json::Value;

use crate::http::search::rfc3339;

const NS: i64 = 1_000_000_000;

/// A reply in the shape of `/api/v1/query` and `/api/v1/query_range` there.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    status: &'static str,
    data: Data,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    result_type: &'static str,
    result: Vec<Series>,
}

type Labels = BTreeMap<String, String>;

/// Seconds and value; values are strings there, since JSON has no NaN.
type Sample = (Value, String);

#[derive(Debug, Serialize)]
struct Series {
    metric: Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Sample>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Sample>>,
}

/// The columns of the table that say which group a row is of, as the pipes behind the grouping call them.
pub(super) fn keys(pipes: &[Pipe]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for pipe in pipes {
        match pipe {
            Pipe::Stats(stats) => keys = stats.by.iter().map(|key| key.column().to_owned()).collect(),
            Pipe::Rename(names) => {
                for (old, new) in names {
                    keys.iter_mut().filter(|key| *key == old).for_each(|key| new.clone_into(key));
                }
            }
            _ => {}
        }
    }
    keys
}

/// One value a series, at this time.
pub(super) fn vector(table: &Table, keys: &[String], at_ns: i64) -> Answer {
    let mut result = Vec::new();
    for_each_sample(table, keys, |metric, _, value| {
        result.push(Series { metric, value: Some((seconds(at_ns), value)), values: None });
    });
    answer("vector", result)
}

/// The values of each series by time, which is among the keys.
pub(super) fn matrix(table: &Table, keys: &[String]) -> Answer {
    let mut series: BTreeMap<Labels, BTreeMap<i64, String>> = BTreeMap::new();
    for_each_sample(table, keys, |metric, at_ns, value| {
        if let Some(at_ns) = at_ns {
            series.entry(metric).or_default().insert(at_ns, value);
        }
    });
    let result = series.into_iter().map(|(metric, values)| {
        let values = values.into_iter().map(|(at_ns, value)| (seconds(at_ns), value)).collect();
        Series { metric, value: None, values: Some(values) }
    });
    answer("matrix", result.collect())
}

fn answer(result_type: &'static str, result: Vec<Series>) -> Answer {
    Answer { status: "success", data: Data { result_type, result } }
}

/// Visits every number of the table that is no key, with its labels and the time among its keys.
fn for_each_sample(table: &Table, keys: &[String], mut visit: impl FnMut(Labels, Option<i64>, String)) {
    let is_key = |name: &str| keys.iter().any(|key| key == name);
    for row in &table.rows {
        let cells = || table.columns.iter().zip(row);
        let mut labels = Labels::new();
        let mut at_ns = None;
        for (name, cell) in cells().filter(|(name, _)| is_key(name)) {
            match cell {
                Cell::TimeNs(time_ns) => at_ns = Some(*time_ns),
                Cell::Null => {}
                cell => drop(labels.insert(name.clone(), label(cell))),
            }
        }
        for (name, cell) in cells().filter(|(name, _)| !is_key(name)) {
            let Some(value) = number(cell) else { continue };
            let mut labels = labels.clone();
            labels.insert("__name__".to_owned(), name.clone());
            visit(labels, at_ns, value);
        }
    }
}

fn label(cell: &Cell) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Bool(truth) => truth.to_string(),
        Cell::I64(number) => number.to_string(),
        Cell::F64(number) => number.to_string(),
        Cell::Str(text) => text.clone(),
        Cell::TimeNs(time_ns) => rfc3339(*time_ns),
        Cell::List(cells) => cells.iter().map(label).collect::<Vec<_>>().join(","),
    }
}

/// A number as Prometheus writes it; `None` for what is none.
fn number(cell: &Cell) -> Option<String> {
    match cell {
        Cell::I64(number) => Some(number.to_string()),
        Cell::F64(number) if number.is_infinite() => Some(if *number > 0.0 { "+Inf" } else { "-Inf" }.into()),
        Cell::F64(number) => Some(number.to_string()),
        Cell::Null | Cell::Bool(_) | Cell::Str(_) | Cell::TimeNs(_) | Cell::List(_) => None,
    }
}

/// Unix seconds, whole ones without a fraction.
fn seconds(at_ns: i64) -> Value {
    if at_ns % NS == 0 { (at_ns / NS).into() } else { (at_ns as f64 / NS as f64).into() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_become_series() {
        let query =
            millpond_query::parse("| stats count() n, p95(n) as p95 by _time:1s, host as service.name");
        let keys = keys(&query.unwrap().resolve(0).unwrap().pipes);
        assert_eq!(keys, ["@timestamp", "service.name"]);
        let row = |at_s: i64, service: Cell, n: i64, p95: Cell| {
            vec![Cell::TimeNs(at_s * NS + NS / 2 * (at_s % 2)), service, Cell::I64(n), p95]
        };
        let shop = || Cell::Str("shop".into());
        let table = Table {
            columns: ["@timestamp", "service.name", "n", "p95"].map(str::to_owned).into(),
            rows: vec![
                row(2, shop(), 7, Cell::F64(0.5)),
                row(1, shop(), 5, Cell::Null),
                row(2, Cell::Null, 1, Cell::F64(f64::NAN)),
            ],
        };
        let found = serde_json::to_value(matrix(&table, &keys)).unwrap();
        let expected = json!({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": {"__name__": "n"}, "values": [[2, "1"]]},
            {"metric": {"__name__": "n", "service.name": "shop"}, "values": [[1.5, "5"], [2, "7"]]},
            {"metric": {"__name__": "p95"}, "values": [[2, "NaN"]]},
            {"metric": {"__name__": "p95", "service.name": "shop"}, "values": [[2, "0.5"]]},
        ]}});
        assert_eq!(found, expected);
        let found = serde_json::to_value(vector(&table, &keys, 3 * NS)).unwrap();
        assert_eq!(found["data"]["result"].as_array().unwrap().len(), 5);
        assert_eq!(found["data"]["result"][0]["value"], json!([3, "7"]));
    }
}
