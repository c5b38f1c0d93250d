//! Ids that are written as hexadecimal digits, as numbers: trace ids, span ids, UUIDs. As strings each would cost
//! its digits in a dictionary and an ordinal; as numbers they cost their bits, merge by copying, and come back without a
//! dictionary. Pure.

/// How an id is written. The number and the shape give the text back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdShape {
    /// 16 lower-case hexadecimal digits, such as a span id (W3C Trace Context, section 3.2.2.4).
    Hex16,
    /// 32 lower-case hexadecimal digits, such as a trace id (W3C Trace Context, section 3.2.2.3).
    Hex32,
    /// 8-4-4-4-12 lower-case hexadecimal digits (RFC 9562, section 4).
    Uuid,
}

/// Where the hyphens of a UUID stand.
const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

impl IdShape {
    /// The shape of a text, and its number; `None` when it is no id.
    pub(crate) fn parse(text: &str) -> Option<(Self, u128)> {
        let bytes = text.as_bytes();
        let shape = match bytes.len() {
            16 => Self::Hex16,
            32 => Self::Hex32,
            36 => Self::Uuid,
            _ => return None,
        };
        let mut number = 0u128;
        for (at, byte) in bytes.iter().enumerate() {
            if shape == Self::Uuid && UUID_HYPHENS.contains(&at) {
                if *byte != b'-' {
                    return None;
                }
                continue;
            }
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => return None,
            };
            number = number << 4 | u128::from(digit);
        }
        Some((shape, number))
    }

    /// Whether its numbers need more than 64 bits.
    pub(crate) fn is_wide(self) -> bool {
        self != Self::Hex16
    }

    /// Appends the text of a number.
    pub(crate) fn write(self, number: u128, out: &mut String) {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        let digits = if self.is_wide() { 32 } else { 16 };
        let start = out.len();
        for place in (0..digits).rev() {
            if self == Self::Uuid && UUID_HYPHENS.contains(&(out.len() - start)) {
                out.push('-');
            }
            let digit = (number >> (place * 4)) as usize & 0xf;
            out.extend(DIGITS.get(digit));
        }
    }

    /// The text of a number.
    pub(crate) fn text(self, number: u128) -> String {
        let mut text = String::with_capacity(36);
        self.write(number, &mut text);
        text
    }

    /// Whether a text of this shape can have the token.
    pub(crate) fn may_have_token(self, token: &str) -> bool {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let fits = match self {
            Self::Hex16 => token.len() == 16,
            Self::Hex32 => token.len() == 32,
            Self::Uuid => matches!(token.len(), 4 | 8 | 12),
        };
        fits && token.bytes().all(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_and_nothing_else_is_one() {
        let rows = [
            ("4bf92f3577b34da6", Some(IdShape::Hex16)),
            ("0000000000000000", Some(IdShape::Hex16)),
            ("4bf92f3577b34da6a3ce929d0e0e4736", Some(IdShape::Hex32)),
            ("00000000000000000000000000000001", Some(IdShape::Hex32)),
            ("ffffffffffffffffffffffffffffffff", Some(IdShape::Hex32)),
            ("6ba7b810-9dad-11d1-80b4-00c04fd430c8", Some(IdShape::Uuid)),
            // Not the same text when it comes back.
            ("4BF92F3577B34DA6", None),
            ("6BA7B810-9dad-11d1-80b4-00c04fd430c8", None),
            ("6ba7b810-9dad-11d1-80b4000c04fd430c8", None),
            ("6ba7b8109-dad-11d1-80b4-00c04fd430c8", None),
            ("4bf92f3577b34da", None),
            ("4bf92f3577b34dag", None),
            ("ééééééééé", None),
            ("", None),
        ];
        for (text, shape) in rows {
            let parsed = IdShape::parse(text);
            assert_eq!(parsed.map(|(shape, _)| shape), shape, "{text}");
            if let Some((shape, number)) = parsed {
                assert_eq!(shape.text(number), text);
            }
        }
    }

    #[test]
    fn every_token_of_an_id_is_possible() {
        for text in
            ["4bf92f3577b34da6", "4bf92f3577b34da6a3ce929d0e0e4736", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"]
        {
            let (shape, _) = IdShape::parse(text).expect("an id");
            millpond_query::tokens::for_each_token(text, |token| {
                assert!(shape.may_have_token(token), "{token}")
            });
        }
        for token in ["connection", "4bf9", "6ba7b81g", ""] {
            assert!(!IdShape::Hex16.may_have_token(token) && !IdShape::Hex32.may_have_token(token));
        }
        assert!(!IdShape::Uuid.may_have_token("connection") && IdShape::Uuid.may_have_token("4bf9"));
    }
}
