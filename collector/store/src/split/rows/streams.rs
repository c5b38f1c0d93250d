//! Streams of bytes and numbers, one after the other, in two parts: what a compressor shrinks, and what it
//! would only slow it down and spoil its statistics. Pure.

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

/// The two parts of a block: what was compressed, and the rest.
pub(super) type Parts<'a> = (&'a [u8], &'a [u8]);

/// Where a stream of bytes is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    is_noise: bool,
    at: usize,
}

impl Part {
    /// Bytes of the stream.
    pub(super) fn get<'a>(self, (plain, noise): Parts<'a>, from: usize, len: usize) -> Option<&'a [u8]> {
        let part = if self.is_noise { noise } else { plain };
        part.get(self.at.checked_add(from)?..)?.get(..len)
    }
}

/// Where numbers are: one stream for each of their bytes, the lowest first.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    planes: Vec<Part>,
    count: usize,
}

impl Numbers {
    /// One number.
    pub(super) fn get(&self, parts: Parts<'_>, index: usize) -> Option<u64> {
        let mut number = 0;
        for (plane, place) in self.planes.iter().zip(0u32..) {
            let [byte] = plane.get(parts, index, 1)? else { return None };
            number |= u64::from(*byte) << (place * 8);
        }
        (index < self.count).then_some(number)
    }
}

/// Reads streams back: finds where they are.
pub(super) struct StreamsReader<'a> {
    parts: Parts<'a>,
    plain_at: usize,
    noise_at: usize,
}

impl<'a> StreamsReader<'a> {
    /// The two parts, from their beginnings.
    pub(super) fn new(plain: &'a [u8], noise: &'a [u8]) -> Self {
        Self { parts: (plain, noise), plain_at: 0, noise_at: 0 }
    }

    /// What [`Streams::count`] wrote: no more than there are bytes.
    pub(super) fn count(&mut self) -> Option<usize> {
        let mut rest = self.parts.0.get(self.plain_at..)?;
        let before = rest.len();
        let count = usize::try_from(read_varint(&mut rest)?).ok()?;
        self.plain_at += before - rest.len();
        (count <= self.parts.0.len()).then_some(count)
    }

    /// So many bytes that were written as they are.
    pub(super) fn plain_part(&mut self, count: usize) -> Option<Part> {
        let part = Part { is_noise: false, at: self.plain_at };
        part.get(self.parts, 0, count)?;
        self.plain_at += count;
        Some(part)
    }

    /// So many bytes.
    pub(super) fn bytes(&mut self, count: usize) -> Option<Part> {
        let is_noise = self.flag()? != 0;
        if !is_noise {
            return self.plain_part(count);
        }
        let part = Part { is_noise, at: self.noise_at };
        part.get(self.parts, 0, count)?;
        self.noise_at += count;
        Some(part)
    }

    /// So many numbers.
    pub(super) fn numbers(&mut self, count: usize) -> Option<Numbers> {
        let width = self.flag()?;
        let planes = (0..width.min(8)).map(|_| self.bytes(count)).collect::<Option<_>>()?;
        Some(Numbers { planes, count })
    }

    /// One number.
    pub(super) fn number(&self, numbers: &Numbers, index: usize) -> Option<u64> {
        numbers.get(self.parts, index)
    }

    /// Visits all of the numbers; ends early, with `None`, when a visit does.
    pub(super) fn each(&self, numbers: &Numbers, mut visit: impl FnMut(u64) -> Option<()>) -> Option<()> {
        let plane = |plane: &Part| plane.get(self.parts, 0, numbers.count);
        // Most take one byte or two. They are not put into a buffer: a large one that is zeroed is new memory each time.
        match &*numbers.planes {
            [] => (0..numbers.count).try_for_each(|_| visit(0)),
            [low] => plane(low)?.iter().try_for_each(|low| visit(u64::from(*low))),
            [low, high] => {
                let mut pairs = plane(low)?.iter().zip(plane(high)?);
                pairs.try_for_each(|(low, high)| visit(u64::from(*low) | u64::from(*high) << 8))
            }
            _ => (0..numbers.count).try_for_each(|at| visit(numbers.get(self.parts, at)?)),
        }
    }

    /// Numbers as lengths of what lies one behind the other: where each ends.
    pub(super) fn ends(&self, lengths: &Numbers) -> Option<Vec<usize>> {
        let (mut end, mut ends) = (0usize, Vec::with_capacity(lengths.count));
        self.each(lengths, |length| {
            end = end.checked_add(usize::try_from(length).ok()?)?;
            ends.push(end);
            Some(())
        })?;
        Some(ends)
    }

    /// Bytes of a stream.
    pub(super) fn get(&self, part: Part, from: usize, len: usize) -> Option<&'a [u8]> {
        part.get(self.parts, from, len)
    }

    /// True when everything was read.
    pub(super) fn is_done(&self) -> bool {
        (self.plain_at, self.noise_at) == (self.parts.0.len(), self.parts.1.len())
    }

    fn flag(&mut self) -> Option<u8> {
        let flag = self.parts.0.get(self.plain_at).copied()?;
        self.plain_at += 1;
        Some(flag)
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
        streams.numbers(&[7, 1_000]);
        assert_eq!(streams.noise, noise);
        let mut reader = StreamsReader::new(&streams.plain, &streams.noise);
        let read = |reader: &StreamsReader<'_>, numbers: Option<Numbers>, count: usize| -> Vec<_> {
            let numbers = numbers.expect("written");
            let mut all = Vec::new();
            let push = |number| {
                all.push(Some(number));
                Some(())
            };
            assert_eq!(reader.each(&numbers, push), Some(()));
            assert!(all.iter().copied().eq((0..count).map(|at| reader.number(&numbers, at))));
            (0..=count).map(|at| reader.number(&numbers, at)).collect()
        };
        let found = reader.numbers(4);
        assert_eq!(read(&reader, found, 4), [Some(0), Some(5), Some(70_000), Some(u64::MAX), None]);
        let found = reader.bytes(noise.len()).expect("written");
        assert_eq!(reader.get(found, 0, noise.len()), Some(&noise[..]));
        assert_eq!(reader.count(), Some(3));
        let found = reader.numbers(3);
        assert_eq!(read(&reader, found, 3), [Some(1), Some(0), Some(4), None]);
        let words = reader.plain_part(5).expect("written");
        assert_eq!(reader.get(words, 1, 4), Some(&b"long"[..]));
        let found = reader.numbers(2);
        assert_eq!(read(&reader, found, 2), [Some(0), Some(0), None]);
        let found = reader.numbers(2);
        assert_eq!(read(&reader, found, 2), [Some(7), Some(1_000), None]);
        assert!(reader.is_done() && reader.numbers(1).is_none());
    }
}
