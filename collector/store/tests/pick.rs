//! What a search need not read: rows that come behind in another order than that of time, repeats, rows whose values fail
//! a test. That the answers are right is the oracle's to tell; here is that little is read.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use millpond_query::table::Cell;
use millpond_query::{Filter, Row, Scalar, SortKey};
use millpond_store::log_store::{Order, Partial, Pick, SearchPlan, Skippable};
use millpond_store::{DocRow, LogStore, TantivyStore};
use millpond_wire::batch::DocRef;
use support::{Doc, T0, Val, batch, budget, doc, manual, open, plan};

const DOCUMENTS: i64 = 6_000;
const SPLITS: i64 = 3;

/// Fields that some documents have, of several types and with several values.
fn uneven(number: i64) -> Option<(String, Val)> {
    let text = |text: String| ("uneven".to_owned(), Val::Str(text));
    let json = |text: String| ("uneven".to_owned(), Val::Json(text));
    let mixed = number * 7_919 % 500;
    match number % 11 {
        0..=3 => None,
        4..=6 => Some(("uneven".to_owned(), Val::I64(mixed))),
        7 => Some(("uneven".to_owned(), Val::F64(mixed as f64 / 4.0))),
        8 => Some(text(format!("text-{mixed}"))),
        9 => Some(json(format!("[{mixed}, {}.5, \"text-{mixed}\"]", mixed / 2))),
        _ => Some(("uneven".to_owned(), Val::Bool(mixed % 2 == 0))),
    }
}

/// Three splits; long messages, so that each has several blocks of rows.
fn store_of(dir: &tempfile::TempDir) -> TantivyStore {
    let (store, _) = open(dir.path(), manual());
    for split in 0..SPLITS {
        let docs: Vec<Doc> = (0..DOCUMENTS / SPLITS)
            .map(|at| {
                let number = split * (DOCUMENTS / SPLITS) + at;
                let message = format!("{number} {}", "some text of a message ".repeat(20));
                let fields = [
                    ("message", Val::Str(message)),
                    ("service.name", Val::Str(format!("service-{}", number % 7))),
                    ("took", Val::I64(number * 7_919 % DOCUMENTS)),
                    ("share", Val::F64((number * 7_919 % DOCUMENTS) as f64 / 7.0)),
                ];
                let mut doc = doc(T0 + number, &fields);
                doc.fields.extend(uneven(number));
                doc
            })
            .collect();
        store.append(batch(&docs, 1 + (split * DOCUMENTS / SPLITS).cast_unsigned()), 1).expect("takes it");
        store.flush().expect("flushes");
    }
    store
}

/// The values of a field, ascending.
fn values_of(row: DocRef<'_>, field: &str) -> Vec<Cell> {
    let mut values = Vec::new();
    DocRow(row).field(field, &mut |value| {
        values.push(Cell::from(value));
        ControlFlow::Continue(())
    });
    values.sort();
    values
}

/// All rows as numbers with the values of a field, newest first.
fn all_values(store: &TantivyStore, field: &str) -> Vec<(i64, Vec<Cell>)> {
    let plan = plan(Filter::All, Order::Descending, usize::MAX, None);
    let mut rows = Vec::new();
    let answer = store.search(&plan, &budget(), &mut |row| {
        rows.push((row.timestamp_ns() - T0, values_of(row, field)));
        ControlFlow::Continue(())
    });
    assert_eq!(answer.expect("runs").partial, None);
    rows
}

/// Splits of several blocks, of which the later ones are looked at with the earlier ones known.
#[test]
fn what_is_picked_is_what_all_rows_tell() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = store_of(&dir);
    for field in ["took", "share", "service.name", "uneven"] {
        let rows = all_values(&store, field);
        for descending in [true, false] {
            let best = |values: &[Cell]| if descending { values.last() } else { values.first() }.cloned();
            let mut wanted: Vec<_> = rows.iter().map(|(number, values)| (*number, best(values))).collect();
            wanted.sort_by(|(_, a), (_, b)| match (a, b) {
                (Some(a), Some(b)) if descending => b.cmp(a),
                (Some(a), Some(b)) => a.cmp(b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            });
            let wanted: Vec<i64> = wanted.into_iter().map(|(number, _)| number).collect();
            for limit in [1, 50, 700, 5_999] {
                let keys = vec![SortKey { field: field.to_owned(), descending }];
                let (found, _, partial) = search(&store, limit, Pick::ByKeys(keys));
                assert_eq!((&found[..], partial), (&wanted[..limit], None), "{field} {descending} {limit}");
            }
        }
        let firsts = |numbers: &mut dyn Iterator<Item = i64>| {
            let by_number: BTreeMap<i64, &Vec<Cell>> =
                rows.iter().map(|(number, values)| (*number, values)).collect();
            let mut seen = BTreeSet::new();
            numbers.filter(|number| seen.insert(by_number[number])).collect::<Vec<_>>()
        };
        let skippable = Some(Skippable::Repeats { fields: vec![field.to_owned()] });
        let (found, _, partial) = search(&store, usize::MAX, Pick::ByTime { after: None, skippable });
        let wanted = firsts(&mut rows.iter().map(|(number, _)| *number));
        assert_eq!((firsts(&mut found.into_iter()), partial), (wanted, None), "{field}");
    }
}

/// What a search handed out, as the numbers of its documents, and the bytes it read for it.
fn search(store: &TantivyStore, limit: usize, pick: Pick) -> (Vec<i64>, u64, Option<Partial>) {
    let plan = SearchPlan { pick, ..plan(Filter::All, Order::Descending, limit, None) };
    let (budget, mut found) = (budget(), Vec::new());
    let answer = store.search(&plan, &budget, &mut |row| {
        found.push(row.timestamp_ns() - T0);
        ControlFlow::Continue(())
    });
    (found, budget.cost.report().scanned_bytes, answer.expect("runs").partial)
}

#[test]
fn only_rows_that_come_first_are_read() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = store_of(&dir);
    let (all, all_bytes, _) = search(&store, usize::MAX, Pick::after(None));
    assert_eq!(all.len() as i64, DOCUMENTS);
    for (field, descending) in [("took", true), ("took", false), ("share", true), ("share", false)] {
        let keys = vec![SortKey { field: field.to_owned(), descending }];
        let (found, bytes, partial) = search(&store, 3, Pick::ByKeys(keys));
        let took: Vec<i64> = found.iter().map(|number| number * 7_919 % DOCUMENTS).collect();
        let expected = if descending { [DOCUMENTS - 1, DOCUMENTS - 2, DOCUMENTS - 3] } else { [0, 1, 2] };
        assert_eq!((took, partial), (expected.to_vec(), None), "{field}");
        // A block for each row.
        assert!(bytes < all_bytes / 3, "{field}: {bytes} of {all_bytes} bytes were read");
    }
}

#[test]
fn repeats_are_not_read() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = store_of(&dir);
    let pick = Pick::ByTime {
        after: None,
        skippable: Some(Skippable::Repeats { fields: vec!["service.name".to_owned()] }),
    };
    let (found, bytes, _) = search(&store, usize::MAX, pick);
    let newest: Vec<i64> = (DOCUMENTS - 7..DOCUMENTS).rev().collect();
    assert_eq!(found.get(..7), Some(&newest[..]));
    assert!(found.len() as i64 <= 7 * SPLITS, "{found:?}");
    let (_, all_bytes, _) = search(&store, usize::MAX, Pick::after(None));
    assert!(bytes < all_bytes / 2, "{bytes} of {all_bytes} bytes were read");
}

#[test]
fn rows_whose_values_fail_a_test_are_not_read() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let store = store_of(&dir);
    for field in ["took", "share", "service.name"] {
        let test = |row: &dyn Row| {
            let mut passes = false;
            row.leaves(&mut |_, value| {
                passes = match value {
                    Scalar::I64(number) => number >= 1_000_000,
                    Scalar::F64(number) => number >= 1e6,
                    Scalar::Str(text) => text.len() > 100,
                    Scalar::Bool(_) => true,
                };
                ControlFlow::Continue(())
            });
            passes
        };
        let skippable = Skippable::Failing { fields: vec![field.to_owned()], test: Arc::new(test) };
        let (found, bytes, partial) =
            search(&store, usize::MAX, Pick::ByTime { after: None, skippable: Some(skippable) });
        assert_eq!((found, bytes, partial), (Vec::new(), 0, None), "{field}");
    }
}
