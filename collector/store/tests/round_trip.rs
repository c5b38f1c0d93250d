//! A document comes back exactly as it went in: from memory, from disk, after a merge and after a
//! restart.

mod support;

use std::sync::Arc;

use millpond_store::LogStore;
use millpond_wire::batch::Batch;
use support::{DAY_NS, Doc, T0, Val, all, batch, canonical, doc, manual, merging, open, wait_for};

/// Appends the batches and compares the documents in each state.
fn check(batches: &[Arc<Batch>]) {
    let mut expected: Vec<_> = batches.iter().flat_map(|batch| batch.docs()).collect();
    expected.sort_by_key(|doc| std::cmp::Reverse(doc.id()));
    let expected: Vec<_> = expected.into_iter().map(canonical).collect();
    let compare = |store: &dyn LogStore, state: &str| {
        let found = all(store);
        assert_eq!(found.len(), expected.len(), "{state}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found == expected, "{state}:\nfound    {found:.2000}\nexpected {expected:.2000}");
        }
    };
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), manual());
    for (batch, upto) in batches.iter().zip(1..) {
        store.append(Arc::clone(batch), upto).expect("takes it");
        store.wait_visible().expect("builds");
    }
    compare(&store, "in memory");
    store.flush().expect("flushes");
    assert_eq!((store.health().ram_splits, store.durable_upto()), (0, batches.len() as u64));
    compare(&store, "on disk");
    drop(store);
    let (store, recovered) = open(dir.path(), manual());
    assert_eq!((recovered.documents, recovered.durable_upto), (expected.len() as u64, batches.len() as u64));
    compare(&store, "after a restart");
    drop(store);

    // Each batch a disk split of its own, then merged.
    let dir = tempfile::tempdir().expect("temporary directory");
    let (store, _) = open(dir.path(), merging());
    for (batch, upto) in batches.iter().zip(1..) {
        store.append(Arc::clone(batch), upto).expect("takes it");
        store.flush().expect("flushes");
    }
    wait_for("a merge", || store.health().merges > 0);
    compare(&store, "merged");
    assert!(store.verify().is_empty());
}

/// Three batches that each have documents of every partition, so that the disk splits merge.
fn check_docs(docs: &[Doc]) {
    let mut first = 1;
    let batches: Vec<_> = (0..3)
        .map(|part| {
            let docs: Vec<_> = docs.iter().skip(part).step_by(3).cloned().collect();
            first += docs.len() as u64;
            batch(&docs, first - docs.len() as u64)
        })
        .collect();
    check(&batches);
}

#[test]
fn odd_documents() {
    let json = |text: &str| Val::Json(text.to_owned());
    let long = "x".repeat(70_000);
    let huge = "строка ".repeat(80_000);
    let docs = vec![
        doc(T0, &[]),
        doc(T0, &[("message", "".into())]),
        doc(T0, &[("message", Val::I64(5)), ("n", Val::I64(i64::MIN)), ("m", Val::I64(i64::MAX))]),
        doc(T0 + 1, &[("message", json("[\"a\",{\"b\":null}]")), ("f", Val::F64(-0.0))]),
        doc(T0 + 1, &[("f", Val::F64(5.0)), ("g", Val::F64(1e308)), ("h", Val::F64(5e-324))]),
        doc(T0 - 1, &[("f", Val::I64(5)), ("t", Val::Bool(true)), ("u", Val::Bool(false))]),
        doc(T0 - 1, &[("f", "5".into()), ("t", "true".into())]),
        doc(i64::MIN, &[("message", "the beginning".into())]),
        doc(i64::MAX, &[("message", "the end".into())]),
        doc(0, &[("empty", "".into()), ("space", " ".into()), ("", "no name".into())]),
        doc(5, &[("null", json("null")), ("none", json("{}")), ("list", json("[]"))]),
        doc(6, &[("big", json("18446744073709551616")), ("deep", json("[[[1,[2.5]],\"x\"],true]"))]),
        doc(7, &[("a", json("[{\"b\":1},{\"b\":\"2\"}]")), ("a.b", "beside".into()), ("a.c", Val::I64(1))]),
        doc(8, &[("long", Val::Str(long.clone())), ("message", Val::Str(long))]),
        doc(9, &[("huge", Val::Str(huge.clone())), ("message", Val::Str(huge))]),
        doc(10, &[("ключ.имя", "значение".into()), ("名前", "値".into()), ("zero\0byte", Val::I64(1))]),
        doc(11, &[("s:tag", "x".into()), ("_ts", Val::I64(1)), ("_seq", "y".into()), ("i:_ts", Val::I64(2))]),
        doc(12, &[("log.level", "WARN".into()), ("message", "spelled otherwise".into())]),
        doc(13, &[("log.level", "warn".into())]),
        doc(14, &[("severity", "ERR".into())]),
        doc(15, &[("severity", "ERR".into()), ("log.level", "audit".into())]),
        doc(16, &[("log.level", Val::I64(3))]),
        doc(17, &[("log", json("[{\"level\":\"warn\"}]")), ("severity", "info".into())]),
        doc(18, &[("log", json("[{\"level\":\"warn\"}]")), ("log.level", "warn".into())]),
        doc(19, &[("event.original", "<13>raw".into()), ("message", "raw".into())]),
        doc(20, &[("event.original", json("[\"raw\"]"))]),
        doc(21, &[("line", "a\u{0}b\r\n\u{1f600}".into())]),
    ];
    check_docs(&docs);
}

#[test]
fn two_thousand_names_and_more_columns_than_a_build_has() {
    let wide = |from: i64, time| {
        let fields = (from..from + 2_000).map(|at| {
            (format!("field.{at}"), if at % 2 == 0 { Val::I64(at) } else { Val::Str(format!("value {at}")) })
        });
        Doc { time_ns: time, fields: fields.collect() }
    };
    check_docs(&[wide(0, T0), wide(0, T0 + 1), wide(1_000, T0 + 2), wide(5_000, T0 + 3)]);
}

#[test]
fn many_zones_days_and_late_documents() {
    let docs: Vec<_> = (0..20_000i64)
        .map(|at| {
            let late = if at % 97 == 0 { at * 50_000_000 } else { 0 };
            let day = (at / 3 % 3) * DAY_NS;
            doc(
                T0 + day + at * 1_000_000 - late,
                &[
                    ("message", Val::Str(format!("request {at} of user {} took {} ms", at % 501, at % 77))),
                    ("user.id", Val::Str(format!("u{}", at % 501))),
                    ("took_ms", if at % 5 == 0 { Val::F64(at as f64 / 3.0) } else { Val::I64(at % 77) }),
                ],
            )
        })
        .collect();
    check_docs(&docs);
}

#[test]
fn more_days_than_a_build_has() {
    let docs: Vec<_> = (0..100i64).map(|at| doc(T0 - at * DAY_NS, &[("n", Val::I64(at))])).collect();
    check_docs(&docs);
}
