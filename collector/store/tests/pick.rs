//! What a search need not read: rows that come behind in another order than that of time, repeats, rows whose values fail
//! a test. That the answers are right is the oracle's to tell; here is that little is read.

mod support;

use std::ops::ControlFlow;
use std::sync::Arc;

use millpond_query::{Filter, Row, Scalar, SortKey};
use millpond_store::log_store::{Order, Partial, Pick, SearchPlan, Skippable};
use millpond_store::{LogStore, TantivyStore};
use support::{Doc, T0, Val, batch, budget, doc, manual, open, plan};

const DOCUMENTS: i64 = 6_000;
const SPLITS: i64 = 3;

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
                doc(T0 + number, &fields)
            })
            .collect();
        store.append(batch(&docs, 1 + (split * DOCUMENTS / SPLITS).cast_unsigned()), 1).expect("takes it");
        store.flush().expect("flushes");
    }
    store
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
        // One block for each row at most.
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
