//! The journal read back: whole, cut at every byte, flipped at every byte, and after failed writes.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::tail::identity::{Head, Identity, Inode};

fn entry(offset: u64) -> Entry {
    let identity = Identity {
        exhausted: false,
        inode: Inode { device: 1, number: offset },
        head: Head::of(b"head"),
        tail: (3, 7),
        renamed: false,
        seen_s: 1,
        path: "/var/log/app.log".into(),
    };
    Entry { offset, identity, sent_to: None }
}

fn sample() -> Vec<u8> {
    let mut bytes = Vec::new();
    record::write_begin(&mut bytes);
    record::write_put(&mut bytes, StreamId(1), &entry(10));
    record::write_put(&mut bytes, StreamId(2), &entry(20));
    record::write_put(&mut bytes, StreamId(1), &entry(30));
    record::write_end(&mut bytes, StreamId(2));
    record::write_put(&mut bytes, StreamId(3), &entry(40));
    record::write_sent(&mut bytes, StreamId(3), 50);
    bytes
}

#[test]
fn the_last_line_about_a_stream_holds() {
    let recovered = record::recover(&sample());
    let third = Entry { sent_to: Some(50), ..entry(40) };
    let expected = HashMap::from([(StreamId(1), entry(30)), (StreamId(3), third)]);
    assert_eq!(recovered.entries, expected);
    assert!(recovered.begun && recovered.intact);
}

#[test]
fn the_furthest_sent_beyond_the_position_holds() {
    enum Line {
        Put(u64),
        Sent(u64),
        End,
    }
    use Line::{End, Put, Sent};
    let rows: [(&[Line], Option<Option<u64>>); 8] = [
        (&[Put(10)], Some(None)),
        (&[Put(10), Sent(30)], Some(Some(30))),
        (&[Put(10), Sent(30), Sent(20)], Some(Some(30))),
        (&[Put(10), Sent(30), Put(20)], Some(Some(30))),
        (&[Put(10), Sent(30), Put(30)], Some(None)),
        (&[Put(10), Sent(10)], Some(None)),
        (&[Sent(30)], None),
        (&[Put(10), Sent(30), End, Put(10)], Some(None)),
    ];
    for (row, (lines, expected)) in rows.into_iter().enumerate() {
        let mut bytes = Vec::new();
        record::write_begin(&mut bytes);
        for line in lines {
            match *line {
                Put(offset) => record::write_put(&mut bytes, StreamId(1), &entry(offset)),
                Sent(end) => record::write_sent(&mut bytes, StreamId(1), end),
                End => record::write_end(&mut bytes, StreamId(1)),
            }
        }
        let recovered = record::recover(&bytes);
        assert!(recovered.intact, "row {row}");
        assert_eq!(recovered.entries.get(&StreamId(1)).map(|entry| entry.sent_to), expected, "row {row}");
    }
}

#[test]
fn cut_at_every_byte_it_is_an_earlier_journal() {
    let bytes = sample();
    for end in 0..bytes.len() {
        let recovered = record::recover(&bytes[..end]);
        let whole = bytes[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        assert_eq!(recovered.good_bytes, whole as u64);
        assert_eq!(recovered.entries, record::recover(&bytes[..whole]).entries);
        assert_eq!(recovered.damaged_lines, 0);
        assert_eq!(recovered.intact, whole > 0);
    }
}

#[test]
fn flipped_at_every_byte_it_says_so_and_keeps_the_rest() {
    let bytes = sample();
    for at in 0..bytes.len() {
        for bit in [0x01, 0x20, 0x80] {
            let mut damaged = bytes.clone();
            damaged[at] ^= bit;
            let recovered = record::recover(&damaged);
            // Hex digits have two cases; a checksum in the other one is the same number.
            if recovered != record::recover(&bytes) {
                assert!(!recovered.intact || recovered.good_bytes < bytes.len() as u64, "byte {at}");
                for (stream, found) in &recovered.entries {
                    assert!([10, 20, 30, 40].contains(&found.offset), "byte {at}, stream {stream}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(record::recover(&bytes).good_bytes <= bytes.len() as u64);
    }
}

#[test]
fn it_survives_reopening_and_rewriting() {
    let directory = tempfile::tempdir().unwrap();
    let (mut journal, recovered) = Journal::open(directory.path()).unwrap();
    assert!(!recovered.intact && !recovered.begun);
    journal.begin();
    journal.put(StreamId(1), &entry(10));
    journal.put(StreamId(2), &entry(20));
    journal.sync().unwrap();
    assert!(!journal.is_dirty());
    drop(journal);

    let (mut journal, recovered) = Journal::open(directory.path()).unwrap();
    assert_eq!(recovered.entries.len(), 2);
    let second = Entry { sent_to: Some(35), ..entry(25) };
    journal.rewrite([(StreamId(2), second.clone())].into_iter(), true).unwrap();
    journal.put(StreamId(4), &entry(1));
    journal.sync().unwrap();
    drop(journal);

    let (_, recovered) = Journal::open(directory.path()).unwrap();
    assert!(recovered.intact);
    assert_eq!(recovered.entries, HashMap::from([(StreamId(2), second), (StreamId(4), entry(1))]));
}

#[test]
fn a_torn_line_is_cut_off_before_more_is_appended() {
    let directory = tempfile::tempdir().unwrap();
    let mut bytes = sample();
    bytes.extend_from_slice(b"0badc0de put 00000000000000");
    fs::write(directory.path().join(FILE_NAME), &bytes).unwrap();
    let (mut journal, recovered) = Journal::open(directory.path()).unwrap();
    assert!(recovered.intact);
    journal.put(StreamId(9), &entry(9));
    journal.sync().unwrap();
    let (_, recovered) = Journal::open(directory.path()).unwrap();
    assert!(recovered.intact);
    assert_eq!(recovered.entries.len(), 3);
}

#[test]
fn damage_asks_for_a_rewrite() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(FILE_NAME), b"garbage\n").unwrap();
    let (journal, recovered) = Journal::open(directory.path()).unwrap();
    assert!(!recovered.intact);
    assert_eq!(recovered.damaged_lines, 1);
    assert!(journal.wants_rewrite(0));
}
