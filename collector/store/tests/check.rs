//! A check names each kind of damage, finds nothing in what is sound, and changes nothing.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use millpond_store::check::Severity::{self, Note, Wrong};
use millpond_store::check::{Checked, check};
use millpond_store::{LogStore, StoreError, TantivyStore};
use support::{T0, Val, batch, doc, manual, merging, open, wait_for};

/// Splits of ten documents, one for each of two flushes.
const SPLITS: usize = 2;

fn fill(dir: &Path) -> TantivyStore {
    let (store, _) = open(dir, manual());
    for number in 0..SPLITS as u64 {
        let docs: Vec<_> = (0..10)
            .map(|at| {
                let message = Val::Str(format!("line {at} of flush {number}"));
                doc(T0 + at, &[("message", message), ("n", Val::I64(at))])
            })
            .collect();
        store.append(batch(&docs, number * 10 + 1), number + 1).expect("takes it");
        store.flush().expect("flushes");
    }
    store
}

/// Every file and directory with its bytes and its time of change.
fn tree(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("readable").path();
        let data = fs::metadata(&path).expect("there");
        let bytes = if data.is_dir() { Vec::new() } else { fs::read(&path).expect("readable") };
        if data.is_dir() {
            found.extend(tree(&path));
        }
        found.insert(path, (bytes, data.modified().expect("a time")));
    }
    found
}

/// Checks, and sees that nothing was touched.
fn checked(dir: &Path) -> Checked {
    let before = tree(dir);
    let checked = check(dir).expect("can be checked");
    assert!(tree(dir) == before, "a check must change nothing");
    checked
}

fn split(dir: &Path, number: usize) -> PathBuf {
    let mut splits: Vec<_> = fs::read_dir(dir.join("splits")).expect("a store").flatten().collect();
    splits.sort_by_key(fs::DirEntry::file_name);
    splits[number].path()
}

fn flip(path: &Path, at: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(path).expect("readable");
    let at = at(bytes.len());
    bytes[at] ^= 0x41;
    fs::write(path, bytes).expect("writable");
}

fn cut(path: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(path).expect("there");
    file.set_len(file.metadata().expect("there").len() - bytes).expect("writable");
}

fn append(path: &Path, more: &[u8]) {
    let mut bytes = fs::read(path).expect("readable");
    bytes.extend_from_slice(more);
    fs::write(path, bytes).expect("writable");
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("writable");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("writable");
        }
    }
}

/// What is damaged, how, and what is said of it.
type Row = (&'static str, fn(&Path), Severity, &'static str);

const ROWS: [Row; 16] = [
    ("manifest, first record", |dir| flip(&dir.join("manifest"), |_| 40), Wrong, "1 of its records can't"),
    ("manifest, last record", |dir| flip(&dir.join("manifest"), |len| len - 5), Wrong, "a damaged record"),
    ("manifest, cut", |dir| cut(&dir.join("manifest"), 3), Note, "bytes are an unfinished write"),
    ("manifest, foreign", |dir| flip(&dir.join("manifest"), |_| 2), Wrong, "like a manifest of this version"),
    (
        "manifest, missing",
        |dir| fs::remove_file(dir.join("manifest")).expect("writable"),
        Wrong,
        "missing, and there are splits",
    ),
    (
        "new manifest",
        |dir| fs::write(dir.join("manifest.new"), "x").expect("writable"),
        Note,
        "never finished",
    ),
    (
        "split, missing",
        |dir| fs::remove_dir_all(split(dir, 0)).expect("writable"),
        Wrong,
        "10 documents are lost",
    ),
    ("split, meta", |dir| flip(&split(dir, 0).join("meta"), |len| len / 2), Wrong, "meta is damaged"),
    ("split, rows", |dir| flip(&split(dir, 0).join("rows"), |_| 20), Wrong, "rows is damaged"),
    ("split, rows cut", |dir| cut(&split(dir, 0).join("rows"), 1), Wrong, "bytes instead of"),
    (
        "split, columns",
        |dir| flip(&split(dir, 0).join("columns"), |len| len / 3),
        Wrong,
        "the split of 10 documents",
    ),
    (
        "split, extra file",
        |dir| fs::write(split(dir, 0).join("words/x"), "").expect("writable"),
        Wrong,
        "does not know this file",
    ),
    (
        "split, of another id",
        |dir| {
            let (first, second) = (split(dir, 0), split(dir, 1));
            fs::remove_dir_all(&first).expect("writable");
            copy_dir(&second, &first);
        },
        Wrong,
        "say different things",
    ),
    (
        "split, unnamed",
        |dir| copy_dir(&split(dir, 0), &dir.join("splits/00000000000000ff")),
        Note,
        "never committed",
    ),
    ("stranger", |dir| fs::write(dir.join("notes.txt"), "").expect("writable"), Wrong, "no file of a store"),
    (
        "stranger among splits",
        |dir| fs::write(dir.join("splits/a"), "").expect("writable"),
        Wrong,
        "it is no split",
    ),
];

#[test]
fn each_kind_of_damage_has_its_sentence() {
    let sound = tempfile::tempdir().unwrap();
    drop(fill(sound.path()));
    let found = checked(sound.path());
    assert_eq!((found.findings, found.splits, found.documents), (vec![], SPLITS as u64, 20));
    assert_eq!((found.wal_upto, found.next_sequence), (2, 21));
    for (what, damage, severity, expected) in ROWS {
        let dir = tempfile::tempdir().unwrap();
        copy_dir(sound.path(), dir.path());
        damage(dir.path());
        let findings = checked(dir.path()).findings;
        let named = findings
            .iter()
            .any(|finding| finding.severity == severity && finding.to_string().contains(expected));
        assert!(named, "{what}: {findings:#?}");
        let is_only_note = findings.iter().all(|finding| finding.severity == Note);
        assert_eq!(is_only_note, severity == Note, "{what}: {findings:#?}");
    }
}

#[test]
fn every_file_of_a_split_is_read() {
    let sound = tempfile::tempdir().unwrap();
    drop(fill(sound.path()));
    let first = split(sound.path(), 0);
    let files = tree(&first).into_iter().filter(|(path, _)| path.is_file());
    for (path, (bytes, _)) in files {
        flip(&path, |len| len / 2);
        let findings = checked(sound.path()).findings;
        // What Tantivy says of its own files is in them twice.
        let is_harmless = path.ends_with("meta.json") || path.ends_with(".managed.json");
        assert!(is_harmless || !findings.is_empty(), "{}", path.display());
        fs::write(&path, bytes).unwrap();
    }
    append(&sound.path().join("manifest"), &[0; 3]);
    assert_eq!(checked(sound.path()).findings.len(), 1);
}

#[test]
fn a_merged_store_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path(), merging());
    for number in 0..3 {
        let upto = number as u64 + 1;
        store.append(batch(&[doc(T0 + number, &[])], upto), upto).unwrap();
        store.flush().unwrap();
    }
    wait_for("a merge", || store.health().merges == 1);
    drop(store);
    let checked = checked(dir.path());
    assert_eq!((checked.findings, checked.splits, checked.documents), (vec![], 1, 3));
}

#[test]
fn an_open_store_is_not_checked() {
    let dir = tempfile::tempdir().unwrap();
    let store = fill(dir.path());
    assert!(matches!(check(dir.path()), Err(StoreError::Locked { .. })));
    drop(store);
    assert_eq!(checked(dir.path()).findings, []);
    assert!(matches!(check(&dir.path().join("nowhere")), Err(StoreError::Io { .. })));
}
