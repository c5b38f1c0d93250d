//! Stores that earlier programs wrote open for ever: `golden/v<version>` holds one of each version of the formats, with what is in it.
//! A change of a format gets a directory of its own: raise the version, and run this test once with `MILLPOND_GOLDEN=write`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use millpond_query::Filter;
use millpond_store::log_store::Order;
use millpond_store::{LogStore, TantivyStore};
use support::{DAY_NS, Doc, T0, Val, all, batch, doc, filter, manual, open, plan, search};

/// The version that this program writes.
const VERSION: u32 = 1;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Enough numbered strings for them to be kept as numbers; their build is the first.
const USERS: usize = 280;

/// What documents can be like, briefly.
fn documents() -> Vec<Doc> {
    let numbered = (0..40).map(|at| {
        let message = format!(
            "GET /items/{at} took {} ms id={:016x}",
            at * 7,
            (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        );
        let fields = [
            ("message", Val::Str(message)),
            ("log.level", if at % 7 == 0 { "ERROR" } else { "info" }.into()),
            ("service.name", ["cart", "search", "auth"][at % 3].into()),
            ("took", Val::F64(at as f64 / 8.0)),
            ("ratio", Val::F64(at as f64 / 7.0)),
            ("status", if at % 5 == 0 { "ok".into() } else { Val::I64(200 + at as i64) }),
        ];
        doc(T0 + at as i64 * 1_000_000_000 + (at as i64 % 3), &fields)
    });
    let users = (0..USERS).map(|at| doc(T0 + at as i64, &[("user.id", Val::Str(format!("u{}", at * 37)))]));
    let odd = [
        doc(T0 - DAY_NS, &[("trace.id", TRACE.into()), ("span.id", "00f067aa0ba902b7".into())]),
        doc(
            T0 + 5,
            &[("request.id", "6ba7b810-9dad-11d1-80b4-00c04fd430c8".into()), ("ok", Val::Bool(true))],
        ),
        doc(T0 + 6, &[("tags", Val::Json("[\"a\",[1,null],{\"k\":2.5}]".to_owned())), ("empty", "".into())]),
        doc(
            T0 + 7,
            &[("message", Val::Str("Straße, 日本, \u{1f600} and \u{1}".to_owned())), ("näme", "ünï".into())],
        ),
        doc(T0 + 8, &[("long", Val::Str("one long text ".repeat(400))), ("event.original", "raw".into())]),
        doc(i64::MIN, &[("message", "the beginning".into())]),
        doc(i64::MAX, &[("message", "the end".into())]),
    ];
    users.chain(numbered).chain(odd).collect()
}

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("v{version}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("a directory") {
        let path = entry.expect("readable").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to)
        } else {
            {
                fs::copy(&path, &to).expect("writable");
            }
        }
    }
}

/// Two flushes, so that there are several splits.
fn write(dir: &Path) {
    fs::create_dir_all(dir).expect("writable");
    let (store, _) = open(&dir.join("store"), manual());
    for (docs, upto) in documents().chunks(USERS).zip(1u64..) {
        store.append(batch(docs, upto * 100), upto).expect("takes it");
        store.flush().expect("flushes");
    }
    fs::write(dir.join("documents"), all(&store).join("\n")).expect("writable");
    drop(store);
    fs::remove_file(dir.join("store/lock")).expect("the lock of a store");
}

fn matching(store: &TantivyStore, text: &str) -> usize {
    search(store, &plan(filter(text), Order::Descending, usize::MAX, None)).0.len()
}

#[test]
fn stores_of_all_versions_open() {
    if std::env::var("MILLPOND_GOLDEN").is_ok_and(|value| value == "write") {
        let _ = fs::remove_dir_all(golden(VERSION));
        write(&golden(VERSION));
    }
    for version in 1..=VERSION {
        let dir = tempfile::tempdir().expect("temporary directory");
        copy(&golden(version).join("store"), dir.path());
        let (store, recovered) = open(dir.path(), manual());
        assert!(recovered.set_aside.is_empty(), "{recovered:?}");
        assert!(store.verify().is_empty());
        let expected = fs::read_to_string(golden(version).join("documents")).expect("readable");
        assert_eq!(all(&store).join("\n"), expected, "version {version}");
        let rows = [
            ("items", 40),
            ("9e3779b97f4a7c15", 1),
            ("level:error", 6),
            ("took<1", 8),
            ("status:ok", 8),
            (&format!("trace.id={TRACE}"), 1),
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", 1),
            ("message:/took 2\\d ms/", 2),
            ("日本", 1),
            ("user.id=u370", 1),
            ("user.id:u37*", 5),
        ];
        for (text, count) in rows {
            assert_eq!(matching(&store, text), count, "{text} in version {version}");
        }
        assert_eq!(search(&store, &plan(Filter::All, Order::Ascending, 1, None)).0.len(), 1);
    }
}
