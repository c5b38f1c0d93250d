//! Unix time as a number. The unit is told by the size: seconds have ten digits from 2001 to 2286, milliseconds 13 …

use crate::time::Context;

/// Below this it isn't a time but a counter or an uptime; as seconds it would be before March 1973.
const SECONDS_MIN: i64 = 100_000_000;
/// Largest number of seconds (the year 5138); as milliseconds that is March 1973.
const SECONDS_MAX: i64 = 99_999_999_999;
/// A line that starts with a number is dated by it up to ten years ahead of the clock; above, it is some other number.
const AHEAD_MAX_NS: i64 = 10 * 365 * 86_400 * 1_000_000_000;

/// A whole text such as `1531171074`, `1531171074.631`, `1531171074631` or `1.5311710746e9`, as nanoseconds.
pub(crate) fn from_decimal(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        // An exponent: some printers of floats write one. A float holds about a tenth of a microsecond here.
        let seconds: f64 = text.contains(['e', 'E']).then(|| text.parse().ok()).flatten()?;
        let in_range = (SECONDS_MIN as f64..=SECONDS_MAX as f64).contains(&seconds);
        return in_range.then_some((seconds * 1e6) as i64).and_then(|us| us.checked_mul(1000));
    }
    let number: i64 = whole.parse().ok()?;
    let unit_ns = unit_ns(number)?;
    number.checked_mul(unit_ns)?.checked_add(fraction_ns(fraction, unit_ns))
}

/// The Unix time that a line starts with: a whole word of digits with a plausible date.
pub(crate) fn leading(text: &str, context: &Context<'_>) -> Option<(i64, usize)> {
    let length = text.bytes().position(|b| !b.is_ascii_digit() && b != b'.').unwrap_or(text.len());
    let ends_word =
        matches!(text.as_bytes().get(length), None | Some(b' ' | b'\t' | b']' | b':' | b',' | b'|'));
    let number = text.get(..length).filter(|_| ends_word)?;
    let whole_digits = number.split('.').next().unwrap_or_default().len();
    if !matches!(whole_digits, 10 | 13 | 16 | 19) {
        return None;
    }
    let ns = from_decimal(number)?;
    (ns <= context.now_ns.saturating_add(AHEAD_MAX_NS)).then_some((ns, length))
}

fn unit_ns(number: i64) -> Option<i64> {
    let mut seconds_max = SECONDS_MAX;
    if number < SECONDS_MIN {
        return None;
    }
    for unit_ns in [1_000_000_000, 1_000_000, 1_000] {
        if number <= seconds_max {
            return Some(unit_ns);
        }
        seconds_max = seconds_max.saturating_mul(1000);
    }
    Some(1)
}

/// Digits after the point, in units of `unit_ns`; below a nanosecond they are cut.
fn fraction_ns(digits: &str, unit_ns: i64) -> i64 {
    let mut scale_ns = unit_ns;
    let mut total_ns = 0;
    for digit in digits.bytes() {
        scale_ns /= 10;
        if scale_ns == 0 {
            break;
        }
        total_ns += i64::from(digit.wrapping_sub(b'0')) * scale_ns;
    }
    total_ns
}
