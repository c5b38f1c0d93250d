//! The log is cut, flipped, filled and failed at every place, and must give back what was committed.

use std::io::ErrorKind;
use std::path::PathBuf;

use millpond_wire::compression::Encoding;
use millpond_wire::position::StreamId;

use super::direct::BLOCK_BYTES;
use super::record::{AdmittedSpan, Source, SourceKind};
use super::testing::{FaultyDisk, Op};
use super::*;

/// A folder with a log, and the disk that it is on.
struct Bench {
    dir: tempfile::TempDir,
    disk: FaultyDisk,
    options: Options,
}

/// An opened log with the records that were handed back.
struct Session {
    wal: Wal,
    numbers: Numbers,
    positions: Positions,
    report: Report,
    replayed: Vec<(u64, Vec<u8>)>,
}

impl Bench {
    fn new(segment_bytes: u64) -> Self {
        let options = Options { segment_bytes, min_free_bytes: 0 };
        Self { dir: tempfile::tempdir().unwrap(), disk: FaultyDisk::new(), options }
    }

    fn open(&self, store: Numbers) -> Session {
        let mut replayed = Vec::new();
        let opened = Wal::open(
            Box::new(self.disk.clone()),
            self.dir.path(),
            self.options,
            store,
            &mut |head, body| {
                replayed.push((head.sequence, body));
                Ok(())
            },
        );
        let Opened { wal, numbers, positions, report } = opened.unwrap();
        Session { wal, numbers, positions, report, replayed }
    }

    fn reopen(&self) -> Session {
        self.open(Numbers::default())
    }

    fn files(&self, extension: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
        files.sort();
        files
    }
}

impl Session {
    /// Commits one record of two documents that brings stream 1 to `to_offset`.
    fn commit(&mut self, to_offset: u64, body: &[u8]) -> Result<(), WalError> {
        let head = BatchHead {
            sequence: self.numbers.sequence,
            first_document: self.numbers.document,
            documents: 2,
            source: Source {
                kind: SourceKind::Otlp,
                encoding: Encoding::Identity,
                agent: Some("web".into()),
                received_ns: 0,
            },
            spans: vec![AdmittedSpan {
                stream: StreamId(1),
                admitted_from: 0,
                to_offset,
                state: "state".into(),
            }],
        };
        self.wal.push(&head, body);
        self.wal.commit()?;
        self.numbers = Numbers::after(&head);
        self.positions.apply(&head);
        if self.wal.is_segment_full() {
            self.wal.rotate(self.numbers, &self.positions)?;
        }
        Ok(())
    }

    fn offset(&self) -> Option<u64> {
        self.positions.offset("web", StreamId(1))
    }

    fn bodies(&self) -> Vec<&[u8]> {
        self.replayed.iter().map(|(_, body)| body.as_slice()).collect()
    }
}

#[test]
fn what_was_committed_comes_back_from_where_the_store_is() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    for (offset, body) in [(10, b"a"), (20, b"b"), (30, b"c")] {
        session.commit(offset, body).unwrap();
    }
    let rows = [(0, vec![&b"a"[..], b"b", b"c"]), (1, vec![b"b", b"c"]), (3, vec![])];
    for (sequence, expected) in rows {
        let session = bench.open(Numbers { sequence, document: 0 });
        assert_eq!(session.bodies(), expected);
        assert_eq!((session.numbers, session.offset()), (Numbers { sequence: 3, document: 6 }, Some(30)));
        assert_eq!(session.report.torn_bytes, 0);
    }
}

#[test]
fn zeros_behind_the_last_record_after_a_kill_are_no_damage() {
    let bench = Bench::new(u64::MAX);
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for round in 0..60 {
        let mut session = bench.reopen();
        assert_eq!(session.bodies(), bodies, "round {round}");
        assert_eq!((session.report.torn_bytes, session.report.damaged_bytes), (0, 0), "round {round}");
        for length in [1, round * 131 % 5_000] {
            bodies.push(vec![round as u8; length]);
            session.commit(10, &bodies[bodies.len() - 1]).unwrap();
        }
        // A killed program closes nothing.
        std::mem::forget(session);
    }
    let files = bench.files("wal");
    assert_eq!(files.len(), 1);
    assert!(std::fs::metadata(&files[0]).unwrap().len() > 100_000);
}

#[test]
fn a_snapshot_is_not_among_the_records_of_its_segment() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    for _ in 0..2 {
        assert_eq!(session.wal.segment_record_bytes(), 0);
        session.commit(10, &[7; 1000]).unwrap();
        let record_bytes = session.wal.segment_record_bytes();
        assert!((1000..1200).contains(&record_bytes), "{record_bytes}");
        session = bench.reopen();
        assert_eq!(session.wal.segment_record_bytes(), record_bytes, "after a start");
        session.wal.rotate(session.numbers, &session.positions).unwrap();
        session = bench.reopen();
    }
}

#[test]
fn a_write_cut_at_any_byte_costs_only_itself() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    session.commit(10, b"first").unwrap();
    let path = bench.files("wal").remove(0);
    let good = session.wal.len_bytes as usize;
    session.commit(20, b"second").unwrap();
    let end = session.wal.len_bytes as usize;
    drop(session);
    let whole = std::fs::read(&path).unwrap();
    assert!(good + 40 < end && whole.len() == end);
    for length in good..end {
        // The block may have been written to its end.
        for padded in [length, length.next_multiple_of(BLOCK_BYTES)] {
            let mut torn = whole[..length].to_vec();
            torn.resize(padded, 0);
            std::fs::write(&path, torn).unwrap();
            let mut session = bench.reopen();
            assert_eq!(session.bodies(), [b"first"], "cut to {length}");
            // Zeros in place of a body look like damage: its number is not given again.
            let is_record = padded > length && length >= end - b"second".len();
            let torn_bytes = if length == good || is_record { 0 } else { (padded - good) as u64 };
            let Report { torn_bytes: found, damaged_records, .. } = session.report;
            assert_eq!((found, damaged_records), (torn_bytes, is_record.into()), "cut to {length}");
            assert_eq!((session.numbers.sequence, session.offset()), (1 + u64::from(is_record), Some(10)));
            session.commit(30, b"third").unwrap();
            drop(session);
            assert_eq!(bench.reopen().bodies(), [&b"first"[..], b"third"]);
            bench.files("wal").iter().for_each(|path| std::fs::remove_file(path).unwrap());
        }
    }
    assert!(bench.files("damaged").is_empty());
}

#[test]
fn a_flipped_bit_anywhere_costs_one_record() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    let path = bench.files("wal").remove(0);
    session.commit(10, b"first").unwrap();
    let start = session.wal.len_bytes as usize;
    session.commit(20, b"second").unwrap();
    let end = session.wal.len_bytes as usize;
    session.commit(30, b"third").unwrap();
    drop(session);
    let whole = std::fs::read(&path).unwrap();
    for at in start..end {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&path, &flipped).unwrap();
        let session = bench.reopen();
        assert_eq!(session.bodies(), [&b"first"[..], b"third"], "byte {at}");
        assert_eq!((session.numbers.document, session.offset()), (6, Some(30)));
        let Report { damaged_records, damaged_bytes, torn_bytes, .. } = session.report;
        let is_body = at >= end - b"second".len();
        let expected = if is_body { (1, 0) } else { (0, (end - start) as u64) };
        assert_eq!((damaged_records, damaged_bytes, torn_bytes), (expected.0, expected.1, 0), "byte {at}");
    }
    let aside = bench.files("damaged");
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::read(&aside[0]).unwrap().len(), end - start);
}

#[test]
fn an_unreadable_last_body_does_not_advance_its_stream() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    session.commit(10, b"first").unwrap();
    session.commit(20, b"second").unwrap();
    drop(session);
    let path = bench.files("wal").remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let session = bench.reopen();
    assert_eq!((session.offset(), session.report.damaged_records), (Some(10), 1));
    // Its numbers are not given again.
    assert_eq!(session.numbers, Numbers { sequence: 2, document: 4 });
}

#[test]
fn segments_carry_the_state_and_go_when_the_store_has_them() {
    let bench = Bench::new(1);
    let mut session = bench.reopen();
    for offset in 1..=4 {
        session.commit(offset * 10, b"x").unwrap();
    }
    assert_eq!(bench.files("wal").len(), 5);
    assert_eq!(session.wal.release(2).unwrap(), 2);
    assert_eq!(session.wal.release(2).unwrap(), 0);
    let mut session = bench.open(Numbers { sequence: 2, document: 4 });
    assert_eq!(session.replayed.len(), 2);
    assert_eq!((session.numbers, session.offset()), (Numbers { sequence: 4, document: 8 }, Some(40)));
    assert_eq!(session.wal.release(u64::MAX).unwrap(), 2);
    assert_eq!(bench.files("wal").len(), 1);
    assert_eq!(bench.open(Numbers { sequence: 4, document: 8 }).offset(), Some(40));
}

#[test]
fn damage_in_an_old_segment_is_mended_by_the_next_snapshot() {
    let bench = Bench::new(1);
    let mut session = bench.reopen();
    session.commit(10, b"x").unwrap();
    session.commit(20, b"y").unwrap();
    let oldest = bench.files("wal").remove(0);
    std::fs::write(&oldest, vec![0xaa; 1000]).unwrap();
    let session = bench.reopen();
    assert_eq!(session.bodies(), [b"y"]);
    assert_eq!((session.offset(), session.report.damaged_bytes), (Some(20), 1000));
}

#[test]
fn a_segment_that_is_all_damage_is_replaced_and_not_deleted() {
    let bench = Bench::new(1);
    let mut session = bench.reopen();
    session.commit(10, b"x").unwrap();
    let newest = bench.files("wal").remove(1);
    std::fs::write(&newest, b"noise").unwrap();
    let mut session = bench.reopen();
    assert_eq!(
        (session.bodies(), session.offset(), session.report.torn_bytes),
        (vec![&b"x"[..]], Some(10), 5)
    );
    session.commit(20, b"y").unwrap();
    assert_eq!(session.wal.release(1).unwrap(), 1);
    let session = bench.open(Numbers { sequence: 1, document: 2 });
    assert_eq!((session.bodies(), session.offset()), (vec![&b"y"[..]], Some(20)));
}

#[test]
fn a_lost_log_gives_no_number_twice() {
    let bench = Bench::new(u64::MAX);
    let store = Numbers { sequence: 7, document: 5000 };
    let mut session = bench.open(store);
    assert!(session.report.was_lost);
    assert_eq!(session.numbers, store);
    session.commit(10, b"a").unwrap();
    let session = bench.open(store);
    assert!(!session.report.was_lost);
    assert_eq!((session.replayed.len(), session.numbers.document), (1, 5002));
}

#[test]
fn a_full_disk_leaves_the_log_as_it_was_and_passes() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    session.commit(10, b"a").unwrap();
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        bench.disk.fail(Op::Append, 0, kind);
        assert!(matches!(session.commit(20, b"lost"), Err(WalError::NoSpace(_))));
    }
    session.commit(20, b"b").unwrap();
    assert_eq!(bench.reopen().bodies(), [b"a", b"b"]);
}

#[test]
fn space_is_kept_free() {
    let mut bench = Bench::new(u64::MAX);
    bench.options.min_free_bytes = 1000;
    let mut session = bench.reopen();
    bench.disk.set_free_bytes(1010);
    assert!(
        matches!(session.commit(10, b"a"), Err(WalError::NoSpace(reason)) if reason.contains("min_free_bytes"))
    );
    bench.disk.set_free_bytes(2000);
    session.commit(10, b"b").unwrap();
    assert_eq!(bench.reopen().bodies(), [b"b"]);
}

#[test]
fn after_an_unclear_error_nothing_is_acknowledged_until_a_restart() {
    let rows: [&[(Op, ErrorKind)]; 3] = [
        &[(Op::Sync, ErrorKind::Other)],
        &[(Op::Append, ErrorKind::Other)],
        &[(Op::Append, ErrorKind::StorageFull), (Op::Cut, ErrorKind::Other)],
    ];
    for faults in rows {
        let bench = Bench::new(u64::MAX);
        let mut session = bench.reopen();
        session.commit(10, b"a").unwrap();
        for (op, kind) in faults {
            bench.disk.fail(*op, 0, *kind);
        }
        for _ in 0..2 {
            assert!(matches!(session.commit(20, b"b"), Err(WalError::Broken(_))), "{faults:?}");
        }
        let mut session = bench.reopen();
        assert_eq!(session.bodies().first(), Some(&&b"a"[..]));
        session.commit(30, b"c").unwrap();
        assert_eq!(bench.reopen().bodies().last(), Some(&&b"c"[..]));
    }
}

#[test]
fn a_segment_that_can_not_be_begun_harms_nothing() {
    for op in [Op::Create, Op::Append, Op::Sync, Op::Rename, Op::SyncDir] {
        let bench = Bench::new(u64::MAX);
        let mut session = bench.reopen();
        session.commit(10, b"a").unwrap();
        bench.disk.fail(op, 0, ErrorKind::Other);
        assert!(session.wal.rotate(session.numbers, &session.positions).is_err(), "{op:?}");
        assert!(bench.files("tmp").is_empty(), "{op:?}: a full disk has no room for it");
        session.commit(20, b"b").unwrap();
        let mut session = bench.reopen();
        assert_eq!((session.bodies(), session.offset()), (vec![&b"a"[..], b"b"], Some(20)), "{op:?}");
        session.commit(30, b"c").unwrap();
        assert_eq!(session.wal.release(1).unwrap(), 0, "{op:?}: record 1 is needed");
        assert_eq!(bench.reopen().bodies(), [b"a", b"b", b"c"], "{op:?}");
        // All that the store has goes, and the positions stay.
        let store = Numbers { sequence: 3, document: 6 };
        let mut session = bench.open(store);
        session.wal.release(3).unwrap();
        assert_eq!((session.replayed.len(), bench.open(store).offset()), (0, Some(30)), "{op:?}");
    }
}

#[test]
fn a_broken_log_begins_no_segment() {
    let bench = Bench::new(u64::MAX);
    let mut session = bench.reopen();
    bench.disk.fail(Op::Sync, 0, ErrorKind::Other);
    session.commit(10, b"a").unwrap_err();
    assert!(session.wal.commit().is_err(), "an empty group as well");
    assert!(session.wal.rotate(session.numbers, &session.positions).is_err());
    assert_eq!(bench.files("wal").len(), 1);
}

#[test]
fn foreign_files_are_left_alone_and_unfinished_ones_removed() {
    let bench = Bench::new(u64::MAX);
    for name in ["notes.txt", "7.wal", "00000000000000000009.tmp"] {
        std::fs::write(bench.dir.path().join(name), b"x").unwrap();
    }
    let mut session = bench.reopen();
    session.commit(10, b"a").unwrap();
    assert_eq!(bench.reopen().bodies(), [b"a"]);
    assert!(bench.files("tmp").is_empty());
    assert!(bench.dir.path().join("notes.txt").exists());
}
