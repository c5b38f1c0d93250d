//! Text that isn't UTF-8: which encoding a file has, where its lines end, and its lines as UTF-8. Positions stay
//! those in the file: a window is turned into UTF-8 as a whole, and for the start of each line it is known where
//! it stood. Pure; what isn't valid becomes a byte that isn't UTF-8, and is counted and replaced where bytes
//! become text.

/// How a file's bytes are to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Also ASCII; with or without a byte order mark.
    #[default]
    Utf8,
    /// Two bytes a code unit, the lower first: what Windows writes.
    Utf16Le,
    /// The higher first.
    Utf16Be,
    /// One byte a character: Latin-1 and what Windows has put into its gaps.
    Windows1252,
}

/// A byte that is in no UTF-8, for what is not valid.
const INVALID: u8 = 0xff;

/// The characters of windows-1252 from 0x80 to 0x9f (WHATWG Encoding Standard); all others are those of Latin-1.
const WINDOWS_1252: [char; 32] = [
    '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}', '\u{2c6}',
    '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}', '\u{2018}',
    '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}', '\u{2122}', '\u{161}',
    '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
];

impl Encoding {
    /// Each with its name.
    pub const ALL: [(&'static str, Self); 4] = [
        ("utf-8", Self::Utf8),
        ("utf-16le", Self::Utf16Le),
        ("utf-16be", Self::Utf16Be),
        ("windows-1252", Self::Windows1252),
    ];

    /// Of a file that begins with these bytes, by its byte order mark.
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::Utf8,
        }
    }

    /// Bytes of a code unit: positions are multiples of it.
    pub fn unit_bytes(self) -> usize {
        match self {
            Self::Utf8 | Self::Windows1252 => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        if self == Self::Utf16Be { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }

    /// Index of the first newline in bytes that begin with a whole code unit.
    pub fn find_newline(self, bytes: &[u8]) -> Option<usize> {
        if self.unit_bytes() == 1 {
            return memchr::memchr(b'\n', bytes);
        }
        let (units, _) = bytes.as_chunks::<2>();
        units.iter().position(|pair| self.unit(*pair) == u16::from(b'\n')).map(|unit| 2 * unit)
    }

    /// Index of the last one.
    pub fn rfind_newline(self, bytes: &[u8]) -> Option<usize> {
        if self.unit_bytes() == 1 {
            return memchr::memrchr(b'\n', bytes);
        }
        let (units, _) = bytes.as_chunks::<2>();
        units.iter().rposition(|pair| self.unit(*pair) == u16::from(b'\n')).map(|unit| 2 * unit)
    }
}

/// Turns windows into UTF-8; holds what is reused from window to window.
#[derive(Debug, Default)]
pub struct Decoder {
    text: Vec<u8>,
    starts: Vec<(usize, usize)>,
}

/// A window as UTF-8.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The text.
    pub bytes: &'a [u8],
    /// Starts of lines in the text, with where they stood; none when the text is the window itself.
    starts: &'a [(usize, usize)],
}

impl View<'_> {
    /// Where the line stood that begins at `at` in the text. Also of the end of the last line.
    pub fn raw_at(&self, at: usize) -> usize {
        let before = self.starts.partition_point(|(start, _)| *start <= at);
        before.checked_sub(1).and_then(|index| self.starts.get(index)).map_or(at, |(_, raw)| *raw)
    }
}

impl Decoder {
    /// A window that begins with a whole code unit. Half of one at its end is left out.
    pub fn decode<'a>(&'a mut self, encoding: Encoding, raw: &'a [u8]) -> View<'a> {
        self.text.clear();
        self.starts.clear();
        match encoding {
            Encoding::Utf8 => return View { bytes: raw, starts: &[] },
            Encoding::Windows1252 => self.decode_windows_1252(raw),
            Encoding::Utf16Le | Encoding::Utf16Be => self.decode_utf16(encoding, raw),
        }
        View { bytes: &self.text, starts: &self.starts }
    }

    /// Lets go of large buffers.
    pub fn shrink(&mut self, bytes_max: usize) {
        if self.text.capacity() > bytes_max {
            *self = Self::default();
        }
    }

    fn push(&mut self, character: char) {
        self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }

    fn decode_windows_1252(&mut self, raw: &[u8]) {
        self.starts.push((0, 0));
        for (at, byte) in raw.iter().enumerate() {
            let high = usize::from(*byte).checked_sub(0x80).and_then(|index| WINDOWS_1252.get(index));
            self.push(*high.unwrap_or(&char::from(*byte)));
            if *byte == b'\n' {
                self.starts.push((self.text.len(), at + 1));
            }
        }
    }

    fn decode_utf16(&mut self, encoding: Encoding, raw: &[u8]) {
        self.starts.push((0, 0));
        let (pairs, _) = raw.as_chunks::<2>();
        let mut read = 0;
        for character in char::decode_utf16(pairs.iter().map(|pair| encoding.unit(*pair))) {
            match character {
                Ok(character) => {
                    read += 2 * character.len_utf16();
                    self.push(character);
                    if character == '\n' {
                        self.starts.push((self.text.len(), read));
                    }
                }
                Err(_) => {
                    read += 2;
                    self.text.push(INVALID);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(encoding: Encoding, text: &str) -> Vec<u8> {
        let bytes = |unit: u16| match encoding {
            Encoding::Utf16Be => unit.to_be_bytes(),
            _ => unit.to_le_bytes(),
        };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn utf16_of_either_order() {
        for encoding in [Encoding::Utf16Le, Encoding::Utf16Be] {
            // Newlines, and units that hold the byte of one: U+0A0A, U+010A, U+0A00 and a surrogate.
            for text in [
                "",
                "a",
                "a\n",
                "one\ntwo\r\n\nthree",
                "\u{a0a}\u{10a}\u{a00}\n\u{a0a}",
                "\u{1040a}\n\u{1f40a}x\n",
            ] {
                let raw = utf16(encoding, text);
                let mut decoder = Decoder::default();
                let view = decoder.decode(encoding, &raw);
                assert_eq!(view.bytes, text.as_bytes(), "{encoding:?}");
                // Each line stands where it stood.
                for (at, _) in text.match_indices('\n') {
                    assert_eq!(view.raw_at(at + 1), utf16(encoding, &text[..=at]).len(), "{text:?} {at}");
                }
                let newline = |at: Option<usize>| at.map(|at| utf16(encoding, &text[..at]).len());
                assert_eq!(encoding.find_newline(&raw), newline(text.find('\n')), "{text:?}");
                assert_eq!(encoding.rfind_newline(&raw), newline(text.rfind('\n')), "{text:?}");
            }
        }
    }

    #[test]
    fn what_is_no_utf16_is_one_invalid_byte_each() {
        for (units, expected) in [
            (&[0xd83d][..], &b"\xff"[..]),
            (&[0xdc0a, 0x61], b"\xffa"),
            (&[0xd83d, 0x0a, 0x61], b"\xff\na"),
            (&[0xd83d, 0xd83d, 0xdc0a], b"\xff\xf0\x9f\x90\x8a"),
        ] {
            let raw: Vec<u8> = units.iter().flat_map(|unit: &u16| unit.to_le_bytes()).chain([0x61]).collect();
            let mut decoder = Decoder::default();
            let view = decoder.decode(Encoding::Utf16Le, &raw);
            assert_eq!(view.bytes, expected, "half a unit at the end is left out");
        }
    }

    #[test]
    fn windows_1252() {
        let mut decoder = Decoder::default();
        let view = decoder.decode(Encoding::Windows1252, b"\x80 gr\xfc\xdf\n\x9f\x81");
        assert_eq!(view.bytes, "€ grüß\nŸ\u{81}".as_bytes());
        assert_eq!((view.raw_at(0), view.raw_at("€ grüß\n".len())), (0, 7));
    }

    #[test]
    fn byte_order_marks() {
        for (start, expected) in [
            (&b"\xff\xfea\0"[..], Encoding::Utf16Le),
            (b"\xfe\xff\0a", Encoding::Utf16Be),
            (b"\xef\xbb\xbfa", Encoding::Utf8),
            (b"\xff", Encoding::Utf8),
            (b"plain", Encoding::Utf8),
        ] {
            assert_eq!(Encoding::of(start), expected);
        }
    }
}
