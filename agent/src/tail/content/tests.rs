//! Archives whole, cut, damaged and hostile.

use std::io::Write;

use super::*;

pub(in crate::tail) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(in crate::tail) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).unwrap()
}

fn content(bytes: &[u8]) -> Content {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Content::of(file).unwrap()
}

fn read(content: &Content, offset: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let count = content.read_at(&mut bytes, offset).unwrap();
    bytes.truncate(count);
    bytes
}

/// Text that doesn't repeat itself, so that it takes some room when packed.
fn text(len: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        b'a' + (state >> 59) as u8 % 26
    };
    std::iter::repeat_with(&mut byte).take(len).collect()
}

#[test]
fn every_packing_reads_the_same_at_every_offset() {
    let plain = text(3 * STEP_BYTES + 77);
    let half = plain.len() / 2;
    let (one, two) = plain.split_at(half);
    let rows = [
        ("plain", plain.clone()),
        ("gzip", gzip(&plain)),
        ("zstd", zstd(&plain)),
        ("two members", [gzip(one), gzip(two)].concat()),
        ("two frames", [zstd(one), zstd(two)].concat()),
    ];
    for (what, bytes) in rows {
        let content = content(&bytes);
        assert_eq!(content.is_packed(), what != "plain");
        // Forward, back, beyond.
        for (offset, len) in [(0, 10), (half, 300), (half - 64, 64), (plain.len() - 5, 99), (0, 70_000)] {
            let expected = &plain[offset..(offset + len).min(plain.len())];
            assert_eq!(read(&content, offset as u64, len), expected, "{what} at {offset}");
        }
        assert_eq!(read(&content, plain.len() as u64 + 9, 5), b"", "{what}");
        assert_eq!(content.size(bytes.len() as u64), plain.len() as u64, "{what}");
    }
}

#[test]
fn archives_declare_how_much_comes_out() {
    for pack in [gzip, zstd] {
        let packed = content(&pack(b"some text"));
        assert!(packed.declares(9) && !packed.declares(8) && !packed.declares(0));
        let two = content(&[pack(b"some text"), pack(b"more")].concat());
        assert!(!two.declares(13));
    }
    assert!(!content(b"").declares(0) && !content(b"plain").declares(5));
}

#[test]
fn a_cut_archive_holds_what_came_before_the_cut_and_says_so() {
    let plain = text(2_000);
    for whole in [gzip(&plain), zstd(&plain), [gzip(&plain[..900]), gzip(&plain[900..])].concat()] {
        let mut longest = 0;
        for cut in 4..whole.len() {
            let content = content(&whole[..cut]);
            let bytes = read(&content, 0, 9_999);
            assert!(plain.starts_with(&bytes) && bytes.len() >= longest, "cut at {cut}");
            longest = bytes.len();
            let end = content.end().unwrap();
            assert_eq!(end.bytes, bytes.len() as u64);
            // Between two members nothing tells that one is missing.
            assert!(end.damage.is_some() || longest == 900, "cut at {cut}");
        }
        // zstd gives out whole blocks.
        assert!(longest >= 900 || whole == zstd(&plain), "{longest}");
        let whole = content(&whole);
        assert_eq!(read(&whole, 0, 9_999), plain);
        assert_eq!(whole.end().unwrap().damage, None);
    }
}

#[test]
fn damage_ends_an_archive_at_the_same_place_each_time() {
    let plain = text(60_000);
    for whole in [gzip(&plain), zstd(&plain)] {
        for at in (0..whole.len()).step_by(whole.len() / 20) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let packed = content(&bytes);
            if !packed.is_packed() {
                continue;
            }
            let first = read(&packed, 0, 200_000);
            let piecewise: Vec<u8> = (0..)
                .step_by(999)
                .map(|at| read(&content(&bytes), at, 999))
                .take_while(|bytes| !bytes.is_empty())
                .take(300)
                .flatten()
                .collect();
            let len = piecewise.len();
            assert!(first.len() >= len && first[..len] == piecewise, "damaged at {at}");
        }
    }
}

#[test]
fn a_bomb_costs_no_memory_and_comes_in_portions() {
    let bomb = content(&gzip(&vec![b'\n'; 64 << 20]));
    let to = 64 << 20;
    let mut steps = 0;
    while !bomb.approach(to, 1 << 20).unwrap() {
        steps += 1;
        let kept = bomb.unpacker.borrow().as_ref().unwrap().kept.capacity();
        assert!(kept <= 4 * limits::UNPACKED_BACK_BYTES, "{kept}");
    }
    assert_eq!(steps, 63);
    assert_eq!(read(&bomb, to - 1, 9), b"\n");
}

#[test]
fn a_window_that_takes_too_much_memory_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    encoder.write_all(&text(1 << 20)).unwrap();
    let packed = content(&encoder.finish().unwrap());
    assert_eq!(read(&packed, 0, 10), b"");
    assert!(packed.end().unwrap().damage.is_some_and(|damage| damage.contains("memory")));
}
