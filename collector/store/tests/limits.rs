//! What one query may take, with limits made small: groups of a row, memory of groups, pipes behind them, and the end of a
//! search that nobody waits for.

mod support;

use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

use millpond_query::Filter;
use millpond_query::table::{Cell, Table};
use millpond_store::log_store::{Answer, Budget, Order, Partial, TimeRange};
use millpond_store::{LogStore, StoreError, TantivyStore};
use support::{Doc, T0, Val, batch, budget, doc, manual, open, plan};

fn store_of(dir: &tempfile::TempDir, docs: &[Doc]) -> TantivyStore {
    let (store, _) = open(dir.path(), manual());
    store.append(batch(docs, 1), 1).expect("takes it");
    store.flush().expect("flushes");
    store
}

fn stats(store: &TantivyStore, text: &str, budget: &Budget) -> Result<Answer<Table>, StoreError> {
    let query = millpond_query::parse(text).expect("parses").resolve(T0).expect("resolves");
    store.stats(&query.filter, TimeRange::default(), &query.pipes, budget)
}

fn array(name: &str, values: usize) -> Val {
    Val::Json(format!("[{}]", (0..values).map(|at| format!("\"{name}-{at}\"")).collect::<Vec<_>>().join(",")))
}

#[test]
fn groups_of_one_row_are_bounded_in_the_store() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let names: Vec<String> = (0..8).map(|at| format!("t{at}")).collect();
    let arrays: Vec<(&str, Val)> = names.iter().map(|name| (name.as_str(), array(name, 300))).collect();
    let docs = [doc(T0, &arrays), doc(T0 + 1, &[("t0", "one".into()), ("t1", array("t1", 2))])];
    let store = store_of(&dir, &docs);
    for (keys, rows, partial) in [
        (1, 301, None),
        (2, 2, Some(Partial::Groups)),
        (4, 2, Some(Partial::Groups)),
        (8, 2, Some(Partial::Groups)),
    ] {
        let text = format!("| stats count(), dc(t0) by {}", names[..keys].join(", "));
        let answer = stats(&store, &text, &budget()).expect("runs");
        assert_eq!((answer.value.rows.len(), answer.partial), (rows, partial), "{text}");
    }
}

#[test]
fn memory_of_groups_is_bounded() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let docs: Vec<Doc> = (0..400)
        .map(|at| {
            let message = format!("{at} {}", "text ".repeat(200));
            let fields =
                [("i", Val::I64(at)), ("message", Val::Str(message)), ("f", Val::F64(at as f64 / 7.0))];
            doc(T0 + at, &fields)
        })
        .collect();
    let store = store_of(&dir, &docs);
    let wide: Vec<String> = (0..60).map(|at| format!("values(message) as g{at}")).collect();
    let wide = format!("| stats {} by i", wide.join(", "));
    let queries = [wide.as_str(), "| stats values(message) by i", "| stats count() by i, message"];
    for text in queries {
        let bytes = |answer: &Answer<Table>| -> usize {
            answer.value.rows.iter().flatten().map(|cell| size_of::<Cell>() + cell.heap_bytes()).sum()
        };
        let all = stats(&store, text, &budget()).expect("runs");
        assert_eq!((all.value.rows.len(), all.partial), (400, None), "{text}");
        let few = Budget { stats_bytes_max: 100_000, ..budget() };
        let some = stats(&store, text, &few).expect("runs");
        assert_eq!(some.partial, Some(Partial::Groups), "{text}");
        assert!(bytes(&some) < 200_000, "{text}: {} of {} bytes", bytes(&some), bytes(&all));
    }
}

#[test]
fn pipes_behind_stats_are_bounded() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let docs: Vec<Doc> = (0..500).map(|at| doc(T0 + at, &[("i", Val::I64(at))])).collect();
    let store = store_of(&dir, &docs);
    let text =
        "| stats count() by i | eval x = concat(\"0123456789\", i) | eval x = x . x . x . x . x . x . x . x";
    assert_eq!(stats(&store, text, &budget()).expect("runs").value.rows.len(), 500);
    let few = Budget { stats_bytes_max: 60_000, ..budget() };
    let refused = stats(&store, text, &few).expect_err("is too large").to_string();
    assert!(refused.contains("memory"), "{refused}");
}

#[test]
fn rows_are_not_handed_out_when_nobody_waits() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let docs: Vec<Doc> = (0..100).map(|at| doc(T0 + at, &[("i", Val::I64(at))])).collect();
    let store = store_of(&dir, &docs);
    let (budget, mut rows) = (budget(), 0);
    let answer = store
        .search(&plan(Filter::All, Order::Descending, usize::MAX, None), &budget, &mut |_| {
            rows += 1;
            budget.cancelled.store(true, Ordering::Relaxed);
            ControlFlow::Continue(())
        })
        .expect("runs");
    assert_eq!((rows, answer.partial), (1, Some(Partial::Deadline)));
}
