//! Rows of what row blocks keep, and of damage that they notice.

use super::*;
use crate::limits::ZONE_TEXT_BYTES;

fn write(rows: &[(i64, Option<&str>, &[u8])]) -> Rows {
    let mut writer = RowsWriter::new(Vec::new()).expect("memory");
    for &(timestamp_ns, message, residual) in rows {
        writer
            .push(RowInput { timestamp_ns, message, residual, id_keys: &[], unindexed: false })
            .expect("memory");
    }
    let (bytes, zones, _) = writer.finish().expect("memory");
    Rows::in_memory(Written { bytes, zones })
}

#[test]
fn rows_round_trip() {
    let rows =
        write(&[(5, Some("one"), b""), (3, None, b"\x01x"), (4, Some(""), b""), (1, Some("ünï"), b"r")]);
    let [zone] = rows.zones() else { panic!("one zone") };
    assert_eq!((zone.documents, zone.min_ns, zone.max_ns, zone.messages), (4, 1, 5, 3));
    let texts = rows.read(zone).expect("valid");
    let messages: Vec<_> = (0..5).map(|index| texts.message(index)).collect();
    let messages: Vec<_> = messages.iter().map(Option::as_deref).collect();
    assert_eq!(messages, [Some("one"), None, Some(""), Some("ünï"), None]);
    let residuals: Vec<_> = (0..5).map(|index| texts.residual(index)).collect();
    assert_eq!(residuals, [&b""[..], b"\x01x", b"", b"r", b""]);
}

#[test]
fn zones_close_by_documents_and_by_text() {
    let many = vec![(0, Some("x"), &b""[..]); ZONE_DOCUMENTS_MAX + 1];
    assert_eq!(write(&many).zones().iter().map(|zone| zone.documents).collect::<Vec<_>>(), [8192, 1]);
    let long = "y".repeat(ZONE_TEXT_BYTES);
    let rows = write(&[(0, Some(&long), b""), (0, Some("z"), b"")]);
    assert_eq!(rows.zones().len(), 2);
    assert_eq!((rows.zone_of(0), rows.zone_of(1)), (Some(0), Some(1)));
}

#[test]
fn a_merge_joins_small_blocks_and_copies_large_ones() {
    let long = "y".repeat(ZONE_TEXT_BYTES);
    let small = write(&[(1, Some("a"), b""), (2, Some("b"), b"")]);
    let large = write(&[(3, Some(&long), b"")]);
    let mut writer = RowsWriter::new(Vec::new()).expect("memory");
    for (rows, times) in [(&small, &[1, 2][..]), (&small, &[1, 2]), (&large, &[3]), (&small, &[1, 2])] {
        let columns = || Ok(InColumns { times: times.to_vec(), id_keys: vec![Vec::new(); times.len()] });
        writer.push_zone(rows, &rows.zones()[0], &[], columns).expect("valid");
    }
    let (bytes, zones, _) = writer.finish().expect("memory");
    assert_eq!(
        zones.iter().map(|zone| (zone.first_doc, zone.documents)).collect::<Vec<_>>(),
        [(0, 4), (4, 1), (5, 2)]
    );
    let merged = Rows::in_memory(Written { bytes, zones });
    assert_eq!(merged.read(&merged.zones()[0]).expect("valid").message(3).as_deref(), Some("b"));
    assert_eq!(merged.read(&merged.zones()[1]).expect("valid").message(0).as_deref(), Some(&*long));
}

#[test]
fn a_file_opens_and_every_damage_is_found() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("rows");
    let Source::Memory(bytes) = write(&[(1, Some("hello"), b"abc"), (2, Some("world"), b"")]).source else {
        panic!("in memory")
    };
    let opens = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("writable");
        Rows::open(path.clone(), 2).and_then(|rows| rows.read(&rows.zones()[0]).map(drop))
    };
    opens(&bytes).expect("valid");
    for at in ROWS_MAGIC.len()..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x04;
        assert!(opens(&flipped).is_err(), "byte {at} of {}", bytes.len());
    }
    for cut in 0..bytes.len() {
        assert!(opens(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}
