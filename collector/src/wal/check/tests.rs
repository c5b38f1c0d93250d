//! Each kind of damage to a log has its sentence, and a check changes nothing.

use std::fs;

use millpond_store::check::Severity::{self, Note, Wrong};
use millpond_wire::compression::Encoding;

use super::super::disk::RealDisk;
use super::super::record::{Source, SourceKind, encode_batch};
use super::super::{Opened, Options, Wal};
use super::*;

fn head(sequence: u64) -> BatchHead {
    let source =
        Source { kind: SourceKind::Ndjson, encoding: Encoding::Identity, agent: None, received_ns: 0 };
    BatchHead { sequence, first_document: sequence * 2 + 1, documents: 2, source, spans: vec![] }
}

/// Six requests in two segments.
fn fill(dir: &Path) {
    let known = Numbers { sequence: 0, document: 1 };
    let opened = Wal::open(Box::new(RealDisk), dir, Options::default(), known, &mut |_, _| Ok(()));
    let Opened { mut wal, positions, .. } = opened.unwrap();
    for sequence in 0..6 {
        if sequence == 3 {
            wal.rotate(Numbers { sequence, document: 7 }, &positions).unwrap();
        }
        wal.push(&head(sequence), b"two documents");
        wal.commit().unwrap();
    }
}

fn segments(dir: &Path) -> [PathBuf; 2] {
    [0, 3].map(|sequence| SegmentPath::new(dir, sequence).path)
}

/// Changes the bytes of the first or second segment.
fn edit(dir: &Path, segment: usize, change: impl Fn(&mut Vec<u8>)) {
    let path = &segments(dir)[segment];
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Offset of record number `record` of a segment, the snapshot being 0.
fn record(bytes: &[u8], record: usize) -> usize {
    let mut found = bytes.windows(4).enumerate().filter(|(_, window)| *window == super::super::record::MAGIC);
    found.nth(record).unwrap().0
}

fn checked(dir: &Path, store: u64) -> Checked {
    let list = |dir: &Path| {
        let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> = paths
            .map(|path| (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap(), path))
            .collect();
        files.sort();
        files
    };
    let before = list(dir);
    let checked = check(dir, Numbers { sequence: store, document: 1 + store * 2 }).unwrap();
    assert!(list(dir) == before, "a check must change nothing");
    checked
}

/// What is damaged, how, and what is said of it.
type Row = (&'static str, fn(&Path), u64, Severity, &'static str);

const ROWS: [Row; 19] = [
    ("cut", |dir| edit(dir, 1, |bytes| bytes.truncate(bytes.len() - 1)), 0, Note, "unfinished write"),
    (
        "cut, with zeros to the end of the block",
        |dir| {
            edit(dir, 1, |bytes| {
                // The head of its last record, torn.
                let at = record(bytes, 3);
                bytes.truncate(at + 30);
                bytes.resize(4096, 0);
            });
        },
        0,
        Note,
        "unfinished write",
    ),
    ("a prefix cut", |dir| edit(dir, 1, |bytes| bytes.extend(b"MPW1\x01")), 0, Note, "last 5 bytes"),
    ("noise at the end", |dir| edit(dir, 1, |bytes| bytes.extend([0; 40])), 0, Wrong, "last 40 bytes"),
    ("cut in the middle", |dir| edit(dir, 0, |bytes| bytes.truncate(bytes.len() - 1)), 0, Wrong, "cut off"),
    (
        "its consequence",
        |dir| edit(dir, 0, |bytes| bytes.truncate(bytes.len() - 1)),
        0,
        Wrong,
        "records 2 to 2 are missing",
    ),
    (
        "a body, lost",
        |dir| edit(dir, 0, |bytes| *bytes.last_mut().unwrap() ^= 1),
        0,
        Wrong,
        "2 documents, they are lost",
    ),
    (
        "a body, stored",
        |dir| edit(dir, 0, |bytes| *bytes.last_mut().unwrap() ^= 1),
        3,
        Wrong,
        "2 documents, the store has them",
    ),
    (
        "a head",
        |dir| {
            edit(dir, 0, |bytes| {
                let at = record(bytes, 2);
                bytes[at + 25] ^= 1;
            });
        },
        0,
        Wrong,
        "are damaged; records follow",
    ),
    (
        "a last head",
        |dir| {
            edit(dir, 1, |bytes| {
                let at = record(bytes, 3);
                bytes[at + 25] ^= 1;
            })
        },
        0,
        Wrong,
        "are damaged or cut off",
    ),
    (
        "positions",
        |dir| edit(dir, 0, |bytes| bytes[PREFIX_BYTES + 17] ^= 1),
        0,
        Wrong,
        "positions at its beginning are damaged",
    ),
    (
        "no positions",
        |dir| {
            edit(dir, 1, |bytes| {
                bytes.drain(..record(bytes, 1));
            })
        },
        0,
        Wrong,
        "does not begin with positions",
    ),
    ("empty", |dir| edit(dir, 1, Vec::clear), 0, Wrong, "it is empty"),
    (
        "a wrong name",
        |dir| {
            fs::rename(&segments(dir)[1], SegmentPath::new(dir, 4).path).unwrap();
        },
        0,
        Wrong,
        "its name and its beginning differ",
    ),
    (
        "a repeated number",
        |dir| edit(dir, 1, |bytes| encode_batch(&head(4), b"", bytes)),
        0,
        Wrong,
        "numbers that were given before",
    ),
    (
        "a skipped number",
        |dir| edit(dir, 1, |bytes| encode_batch(&head(8), b"", bytes)),
        0,
        Wrong,
        "records 6 to 7 are missing",
    ),
    (
        "a segment gone",
        |dir| fs::remove_file(&segments(dir)[0]).unwrap(),
        1,
        Wrong,
        "records 1 to 2 are missing",
    ),
    (
        "unfinished",
        |dir| fs::write(dir.join("00000000000000000009.tmp"), "").unwrap(),
        0,
        Note,
        "never finished",
    ),
    ("a stranger", |dir| fs::write(dir.join("7.wal"), "").unwrap(), 0, Wrong, "no file of the log"),
];

#[test]
fn each_kind_of_damage_has_its_sentence() {
    for (what, damage, store, severity, expected) in ROWS {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path());
        damage(dir.path());
        let findings = checked(dir.path(), store).findings;
        let named = findings
            .iter()
            .any(|finding| finding.severity == severity && finding.to_string().contains(expected));
        assert!(named, "{what}: {findings:#?}");
    }
}

#[test]
fn what_is_sound_has_no_findings() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    for store in [0, 2, 6] {
        let checked = checked(dir.path(), store);
        assert_eq!((checked.findings, checked.segments, checked.records), (vec![], 2, 6), "{store}");
        assert_eq!(checked.numbers, Numbers { sequence: 6, document: 13 });
    }
    // What the store has may be gone.
    fs::remove_file(&segments(dir.path())[0]).unwrap();
    assert_eq!(checked(dir.path(), 3).findings, []);
    fs::write(dir.path().join("1.5.damaged"), "").unwrap();
    assert_eq!(checked(dir.path(), 3).findings.len(), 1);
}

#[test]
fn a_log_that_is_behind_the_store_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path());
    let findings = checked(dir.path(), 7).findings;
    assert!(findings[0].what.contains("older than the store"), "{findings:?}");
    let empty = tempfile::tempdir().unwrap();
    let findings = checked(empty.path(), 7).findings;
    assert!(findings[0].what.contains("it is missing"), "{findings:?}");
    assert_eq!(checked(empty.path(), 0).findings, []);
}
