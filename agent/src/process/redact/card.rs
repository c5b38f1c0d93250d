//! `card`: numbers of payment cards (ISO/IEC 7812): 13 to 19 digits that begin as an issuer's do, of one of its
//! lengths, with a right check digit (Luhn); together, or in the groups that are printed on cards. The three together
//! leave about one of sixty random 16-digit numbers; an order id is rarely among them.

use super::{Finds, before, is_word};

const DIGITS_MIN: usize = 13;
const DIGITS_MAX: usize = 19;

/// Groups as printed.
const SHAPES: [&[usize]; 4] = [&[4, 4, 4, 4], &[4, 6, 5], &[4, 6, 4], &[4, 4, 4, 4, 3]];

pub(super) fn find(text: &str, finds: &mut Finds) {
    let bytes = text.as_bytes();
    // A number covers one of any 13 bytes in a row.
    let mut at = DIGITS_MIN - 1;
    while let Some(byte) = bytes.get(at) {
        if !is_part(*byte) {
            at += DIGITS_MIN;
            continue;
        }
        let start =
            at - bytes.get(..at).unwrap_or_default().iter().rev().take_while(|byte| is_part(**byte)).count();
        let end = at + bytes.get(at..).unwrap_or_default().iter().take_while(|byte| is_part(**byte)).count();
        if end - start >= DIGITS_MIN && !is_telephone(bytes, start, end) {
            in_run(bytes, start, end, finds);
        }
        at = end + DIGITS_MIN;
    }
}

/// `+49 151 23456789`: a plus sign, and no more digits than E.164 allows.
fn is_telephone(bytes: &[u8], start: usize, end: usize) -> bool {
    let digits = bytes.get(start..end).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit());
    before(bytes, start) == Some(b'+') && digits.count() <= 15
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b' ' || byte == b'-'
}

/// Looks at the groups of digits in a run of digits, spaces and hyphens.
fn in_run(bytes: &[u8], start: usize, end: usize, finds: &mut Finds) {
    // Start and end of the last groups; more than five make no card.
    let mut groups: [(usize, usize); 5] = [(0, 0); 5];
    let mut at = start;
    while at < end {
        let rest = bytes.get(at..end).unwrap_or_default();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            at += 1;
            continue;
        }
        groups.rotate_left(1);
        groups[4] = (at, at + length);
        at += length;
        if (DIGITS_MIN..=DIGITS_MAX).contains(&length) {
            check(bytes, &groups[4..], finds);
        }
        for shape in SHAPES {
            let last = groups.get(groups.len() - shape.len()..).unwrap_or_default();
            if is_shape(bytes, last, shape) {
                check(bytes, last, finds);
            }
        }
    }
}

/// The groups have these lengths, and the same sign between them.
fn is_shape(bytes: &[u8], groups: &[(usize, usize)], shape: &[usize]) -> bool {
    let lengths_fit = groups.iter().zip(shape).all(|((start, end), length)| end - start == *length);
    let sign = groups.first().and_then(|(_, end)| bytes.get(*end));
    let pairs = || groups.iter().zip(groups.iter().skip(1));
    lengths_fit && pairs().all(|((_, end), (next, _))| end + 1 == *next && bytes.get(*end) == sign)
}

/// Notes the groups as a card number if they are one.
fn check(bytes: &[u8], groups: &[(usize, usize)], finds: &mut Finds) {
    let (Some((start, _)), Some((_, end))) = (groups.first(), groups.last()) else { return };
    let is_digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let (left, right) = (before(bytes, *start), bytes.get(*end).copied());
    let is_in_word = left.is_some_and(is_word) || right.is_some_and(is_word);
    // A part of a decimal number.
    let is_fraction = left == Some(b'.') && is_digit(before(bytes, start.saturating_sub(1)))
        || right == Some(b'.') && is_digit(bytes.get(end + 1).copied());
    if is_in_word || is_fraction || left == Some(b'+') {
        return;
    }
    let mut digits = [0u8; DIGITS_MAX];
    let mut count = 0;
    let all = groups.iter().flat_map(|(start, end)| bytes.get(*start..*end).unwrap_or_default());
    for (slot, digit) in digits.iter_mut().zip(all) {
        *slot = digit - b'0';
        count += 1;
    }
    let digits = digits.get(..count).unwrap_or_default();
    if is_issued(digits) && luhn(digits) {
        finds.push(*start, *end);
    }
}

/// The number begins as those of an issuer do, and is as long.
fn is_issued(digits: &[u8]) -> bool {
    let number =
        |places: usize| digits.iter().take(places).fold(0u32, |sum, digit| sum * 10 + u32::from(*digit));
    match (number(1), number(2), number(3), number(4), digits.len()) {
        // Visa.
        (4, _, _, _, 13 | 16 | 19) => true,
        // American Express.
        (_, 34 | 37, _, _, 15) => true,
        // Mastercard.
        (_, 51..=55, _, _, 16) | (_, _, _, 2221..=2720, 16) => true,
        // Diners Club.
        (_, 36 | 38 | 39, 300..=399, _, 14..=19) | (_, _, 300..=305, _, 14..=19) => true,
        // JCB, Discover, UnionPay, Mir.
        (_, _, _, 3528..=3589 | 6011 | 2200..=2204, 16..=19) => true,
        (_, 62 | 65, _, _, 16..=19) | (_, _, 644..=649, _, 16..=19) => true,
        // Maestro.
        (_, 50 | 56..=58 | 63 | 67, _, _, 13..=19) => true,
        _ => false,
    }
}

/// The check digit of ISO/IEC 7812-1, annex B, is right.
fn luhn(digits: &[u8]) -> bool {
    let doubled = |digit: u8| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| u32::from(if place % 2 == 1 { doubled(*digit) } else { *digit }))
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::luhn;

    #[test]
    fn check_digits() {
        for (number, expected) in [
            ("4111111111111111", true),
            ("4111111111111112", false),
            ("378282246310005", true),
            ("79927398713", true),
            ("79927398710", false),
            ("5500005555555559", true),
            ("0", true),
        ] {
            let digits: Vec<u8> = number.bytes().map(|byte| byte - b'0').collect();
            assert_eq!(luhn(&digits), expected, "{number}");
        }
    }
}
