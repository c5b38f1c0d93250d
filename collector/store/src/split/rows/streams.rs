//! Streams of bytes and numbers, one after the other, in two parts: what a compressor shrinks, and what it
//! would only slow it down and spoil its statistics. Pure.

use std::borrow::Cow;

use crate::split::varint::{read_varint, write_varint};

/// Shorter streams are not worth a look: they are always compressed, in bytes.
const NOISE_BYTES_MIN: usize = 128;

/// Bits of entropy a byte from which a stream counts as noise.
const NOISE_BITS: f64 = 7.4;

/// Streams are written one after the other, and read back in the same order.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// To be compressed.
    pub(super) plain: Vec<u8>,
    /// To be kept as it is.
    pub(super) noise: Vec<u8>,
}

impl Streams {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.plain.clear();
        self.noise.clear();
    }

    /// A number on its own.
    pub(super) fn count(&mut self, count: usize) {
        write_varint(&mut self.plain, count as u64);
    }

    /// Bytes, whose number the reader must know.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let is_noise = is_noise(bytes);
        self.plain.push(u8::from(is_noise));
        if is_noise { &mut self.noise } else { &mut self.plain }.extend_from_slice(bytes);
    }

    /// Numbers, whose count the reader must know: in as few bytes as the largest takes, all lowest bytes first.
    pub(super) fn numbers(&mut self, numbers: &[u64]) {
        let largest = numbers.iter().copied().max().unwrap_or_default();
        let width = (u64::BITS - largest.leading_zeros()).div_ceil(8);
        self.plain.push(width as u8);
        let mut plane = Vec::with_capacity(numbers.len());
        for place in 0..width {
            plane.clear();
            plane.extend(numbers.iter().map(|number| (number >> (place * 8)) as u8));
            self.bytes(&plane);
        }
    }

    /// Words, whose count the reader must know.
    pub(super) fn words<'a>(&mut self, words: impl Iterator<Item = &'a [u8]> + Clone) {
        let lengths: Vec<u64> = words.clone().map(|word| word.len() as u64).collect();
        self.numbers(&lengths);
        words.for_each(|word| self.plain.extend_from_slice(word));
    }
}

/// Whether the bytes are about evenly distributed.
fn is_noise(bytes: &[u8]) -> bool {
    if bytes.len() < NOISE_BYTES_MIN {
        return false;
    }
    let mut counts = [0u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = bytes.len() as f64;
    let hit = counts.iter().filter(|count| **count > 0);
    let bits: f64 = hit.clone().map(|count| f64::from(*count) * (total / f64::from(*count)).log2()).sum();
    // A short sample looks more orderly than what it was drawn from (Miller and Madow's correction).
    let missing = (hit.count() as f64 - 1.0) / (2.0 * total * std::f64::consts::LN_2);
    bits / total + missing >= NOISE_BITS
}

/// Reads streams back.
pub(super) struct StreamsReader<'a> {
    plain: &'a [u8],
    noise: &'a [u8],
}

impl<'a> StreamsReader<'a> {
    /// The two parts, from their beginnings.
    pub(super) fn new(plain: &'a [u8], noise: &'a [u8]) -> Self {
        Self { plain, noise }
    }

    /// What [`Streams::count`] wrote: no more than there are bytes left.
    pub(super) fn count(&mut self) -> Option<usize> {
        let count = usize::try_from(read_varint(&mut self.plain)?).ok()?;
        (count <= self.plain.len() + self.noise.len()).then_some(count)
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Option<Cow<'a, [u8]>> {
        let (is_noise, after) = self.plain.split_first()?;
        self.plain = after;
        let part = if *is_noise == 0 { &mut self.plain } else { &mut self.noise };
        let (bytes, after) = part.split_at_checked(count)?;
        *part = after;
        Some(Cow::Borrowed(bytes))
    }

    /// So many numbers.
    pub(super) fn numbers(&mut self, count: usize) -> Option<Vec<u64>> {
        let (width, after) = self.plain.split_first()?;
        self.plain = after;
        let mut numbers = vec![0u64; count];
        for place in 0..u32::from((*width).min(8)) {
            let plane = self.bytes(count)?;
            numbers
                .iter_mut()
                .zip(plane.iter())
                .for_each(|(number, byte)| *number |= u64::from(*byte) << (place * 8));
        }
        Some(numbers)
    }

    /// So many words.
    pub(super) fn words(&mut self, count: usize) -> Option<Vec<&'a [u8]>> {
        let lengths = self.numbers(count)?;
        let mut words = Vec::with_capacity(count);
        for length in lengths {
            let (word, after) = self.plain.split_at_checked(usize::try_from(length).ok()?)?;
            self.plain = after;
            words.push(word);
        }
        Some(words)
    }

    /// True when everything was read.
    pub(super) fn is_done(&self) -> bool {
        self.plain.is_empty() && self.noise.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_from_text_and_from_small_numbers() {
        let mut state = 1u64;
        let mut random = |modulus: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % modulus
        };
        let rows = [(256, true), (240, true), (128, false), (60, false), (1, false)];
        for (modulus, expected) in rows {
            for length in [400, 4_000] {
                let bytes: Vec<u8> = (0..length).map(|_| random(modulus) as u8).collect();
                assert_eq!(is_noise(&bytes), expected, "{modulus} {length}");
            }
        }
        assert!(!is_noise(b""));
    }

    #[test]
    fn streams_come_back_in_order() {
        let noise: Vec<u8> = (0..=255).chain(0..=255).collect();
        let numbers = [0, 5, 70_000, u64::MAX];
        let mut streams = Streams::default();
        streams.numbers(&numbers);
        streams.bytes(&noise);
        streams.count(3);
        streams.words([&b"a"[..], b"", b"long"].into_iter());
        streams.numbers(&[0, 0]);
        assert_eq!(streams.noise, noise);
        let mut reader = StreamsReader::new(&streams.plain, &streams.noise);
        assert_eq!(reader.numbers(4).as_deref(), Some(&numbers[..]));
        assert_eq!(reader.bytes(noise.len()).as_deref(), Some(&noise[..]));
        assert_eq!(reader.count(), Some(3));
        assert_eq!(reader.words(3), Some(vec![&b"a"[..], b"", b"long"]));
        assert_eq!(reader.numbers(2), Some(vec![0, 0]));
        assert!(reader.is_done());
        assert_eq!(reader.numbers(1), None);
    }
}
