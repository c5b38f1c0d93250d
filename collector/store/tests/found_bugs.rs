//! One test for each bug that was found by reading, named after it.

mod support;

use millpond_query::Filter;
use millpond_query::table::Cell;
use millpond_store::LogStore;
use millpond_store::log_store::{Budget, Order, Partial, TimeRange};
use support::{T0, Val, batch, budget, doc, filter, manual, open, plan, search};

#[test]
fn ids_beyond_the_most_groups_are_not_missing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    let docs: Vec<_> = (1..=3_000u128)
        .map(|at| {
            let id = format!("{:032x}", at.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            doc(T0 + at as i64, &[("trace.id", Val::Str(id))])
        })
        .collect();
    store.append(batch(&docs, 1), 1).expect("takes it");
    store.flush().expect("flushes");
    let few = Budget { groups_max: 100, ..budget() };
    let fields = ["trace.id".to_owned()];
    let facets = store.facets(&Filter::All, TimeRange::default(), &fields, 10, &few).expect("runs");
    assert_eq!((facets.value[0].missing, facets.partial), (0, Some(Partial::Groups)));
    for text in ["| top 10 trace.id", "| stats count() by trace.id"] {
        let query = millpond_query::parse(text).expect("parses").resolve(T0).expect("resolves");
        let answer = store.stats(&query.filter, TimeRange::default(), &query.pipes, &few).expect("runs");
        assert_eq!(answer.partial, Some(Partial::Groups), "{text}");
        assert!(!answer.value.rows.is_empty(), "{text}");
        assert!(answer.value.rows.iter().all(|row| row[0] != Cell::Null), "{text}");
    }
}

#[test]
fn a_condition_with_a_unit_is_not_taken_for_the_one_without() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    let docs: Vec<_> = (0..200).map(|at| doc(T0 + at, &[("took", Val::Str(format!("{at}ms")))])).collect();
    store.append(batch(&docs, 1), 1).expect("takes it");
    store.flush().expect("flushes");
    // Each scan of the dictionary is remembered, so the order matters.
    for (text, count) in [("took>=150", 0), ("took>=150ms", 50), ("took>=150", 0), ("took>=150us", 199)] {
        let (rows, partial) = search(&store, &plan(filter(text), Order::Descending, 1_000, None));
        assert_eq!((rows.len(), partial), (count, None), "{text}");
    }
}
