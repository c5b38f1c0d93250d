//! `@timestamp` as senders write it: RFC 3339, or Unix time in seconds, milliseconds, microseconds
//! or nanoseconds. Other shapes are the agent's to read. Pure.

const SECOND_NS: i64 = 1_000_000_000;

/// Unix times below these are in the unit beside them, in nanoseconds: seconds until the year 5138,
/// milliseconds and microseconds from 1973 on.
const EPOCH_UNITS: [(u64, i64); 3] =
    [(100_000_000_000, SECOND_NS), (100_000_000_000_000, 1_000_000), (100_000_000_000_000_000, 1_000)];

/// Reads the text of a timestamp as Unix nanoseconds. `None`: not a timestamp of these shapes, not a
/// day of the calendar, or outside of 1677 to 2262.
pub(super) fn from_text(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    from_rfc3339(text.as_bytes()).or_else(|| from_decimal(text))
}

/// Reads a number, as JSON or a string has it, as Unix nanoseconds.
pub(super) fn from_decimal(text: &str) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return from_float(text);
    }
    let whole: u64 = whole.parse().ok()?;
    let unit_ns = unit_ns(whole);
    let whole_ns = i64::try_from(whole).ok()?.checked_mul(unit_ns)?;
    let total_ns = whole_ns.checked_add(fraction_ns(fraction.as_bytes(), unit_ns))?;
    Some(if negative { -total_ns } else { total_ns })
}

/// A number with an exponent, as some printers of floats write large ones. Exact to some 100 ns.
fn from_float(text: &str) -> Option<i64> {
    let number: f64 = text.contains(['e', 'E']).then(|| text.parse().ok()).flatten()?;
    let unit_ns = unit_ns(number.abs() as u64);
    let total_ns = number * unit_ns as f64;
    (total_ns.abs() < i64::MAX as f64).then_some(total_ns as i64)
}

fn unit_ns(number: u64) -> i64 {
    EPOCH_UNITS.iter().find(|(below, _)| number < *below).map_or(1, |(_, unit_ns)| *unit_ns)
}

/// Digits after a point, in units of `unit_ns`; below a nanosecond they are cut.
fn fraction_ns(digits: &[u8], unit_ns: i64) -> i64 {
    let mut scale_ns = unit_ns;
    let mut total_ns = 0;
    for digit in digits {
        scale_ns /= 10;
        if scale_ns == 0 {
            break;
        }
        total_ns += i64::from(digit.wrapping_sub(b'0')) * scale_ns;
    }
    total_ns
}

/// RFC 3339, section 5.6; a space or `t` may stand for the `T`, a zone of `+0100` for `+01:00`, and
/// a time without a zone is UTC.
fn from_rfc3339(text: &[u8]) -> Option<i64> {
    let (date_time, rest) = text.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T' | b't' | b' ', h0, h1, b':', n0, n1, b':', s0, s1] =
        *date_time
    else {
        return None;
    };
    let year = number(&[y0, y1, y2, y3])?;
    let (month, day) = (number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?);
    // Second 60 is a leap second and runs into the next minute.
    if hour > 23 || minute > 59 || second > 60 || day == 0 || day > days_in_month(year, month)? {
        return None;
    }
    let (fraction, zone) = match rest.split_first() {
        Some((b'.' | b',', rest)) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            rest.split_at_checked(digits).filter(|(digits, _)| !digits.is_empty())?
        }
        _ => (&[][..], rest),
    };
    let seconds =
        days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset_s(zone)?;
    seconds.checked_mul(SECOND_NS)?.checked_add(fraction_ns(fraction, SECOND_NS))
}

/// Seconds that a zone is ahead of UTC.
fn offset_s(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] | [sign @ (b'+' | b'-'), h0, h1, m0, m1] => {
            (sign, number(&[h0, h1])?, number(&[m0, m1])?)
        }
        [sign @ (b'+' | b'-'), h0, h1] => (sign, number(&[h0, h1])?, 0),
        _ => return None,
    };
    let offset_s = hours * 3600 + minutes * 60;
    (hours < 24 && minutes < 60).then_some(if sign == b'-' { -offset_s } else { offset_s })
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |number, digit| {
        digit.is_ascii_digit().then(|| number * 10 + i64::from(digit.wrapping_sub(b'0')))
    })
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(28 + i64::from(is_leap)),
        _ => None,
    }
}

/// Days from 1970-01-01, in the Gregorian calendar extended to all years. Years begin in March here,
/// so that the leap day is the last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shapes() {
        let t = 1_709_164_800; // 2024-02-29T00:00:00Z
        let rows = [
            ("2024-02-29T00:00:00Z", Some(t * SECOND_NS)),
            ("2024-02-29t00:00:00z", Some(t * SECOND_NS)),
            (" 2024-02-29 00:00:00 ", Some(t * SECOND_NS)),
            ("2024-02-29T01:30:00+01:30", Some(t * SECOND_NS)),
            ("2024-02-28T22:00:00-0200", Some(t * SECOND_NS)),
            ("2024-02-29T01:00:00+01", Some(t * SECOND_NS)),
            ("2024-02-29T00:00:00.5Z", Some(t * SECOND_NS + 500_000_000)),
            ("2024-02-29T00:00:00,000000001Z", Some(t * SECOND_NS + 1)),
            ("2024-02-29T00:00:00.1234567899Z", Some(t * SECOND_NS + 123_456_789)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_800 * SECOND_NS)),
            ("1709164800", Some(t * SECOND_NS)),
            ("1709164800.25", Some(t * SECOND_NS + 250_000_000)),
            ("1709164800123", Some(t * SECOND_NS + 123_000_000)),
            ("1709164800123.5", Some(t * SECOND_NS + 123_500_000)),
            ("1709164800123456", Some(t * SECOND_NS + 123_456_000)),
            ("1709164800123456789", Some(t * SECOND_NS + 123_456_789)),
            ("1.7091648e9", Some(t * SECOND_NS)),
            ("0", Some(0)),
            ("-1", Some(-SECOND_NS)),
            ("2023-02-29T00:00:00Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-01-01T24:00:00Z", None),
            ("2024-01-01T00:00:00.Z", None),
            ("2024-01-01T00:00:00+25:00", None),
            ("2024-01-01", None),
            ("9999-01-01T00:00:00Z", None),
            ("99999999999999999999", None),
            ("1e300", None),
            ("", None),
            ("-", None),
            ("é", None),
        ];
        for (text, expected) in rows {
            assert_eq!(from_text(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(timestamp_ns: i64) {
            let mut text = Vec::new();
            millpond_wire::batch::write_rfc3339(timestamp_ns, &mut text);
            let read = from_text(std::str::from_utf8(&text).unwrap());
            // The very first second is lost: its whole seconds are below the range.
            prop_assert!(read == Some(timestamp_ns) || timestamp_ns < i64::MIN + SECOND_NS);
        }

        #[test]
        fn no_text_panics(text: String) {
            from_text(&text);
        }
    }
}
